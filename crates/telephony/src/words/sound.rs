use std::fmt;
use std::sync::Arc;

/// Sound to play: mono, 16 bit, 8 kHz. Shared between the legs that play it; silence takes no memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Sound(Arc<[SoundPart]>);

/// A part of a [`Sound`].
#[derive(Clone, PartialEq, Eq)]
pub enum SoundPart {
    /// These samples.
    Samples(Arc<[i16]>),
    /// So many samples of silence.
    Silence {
        /// How many.
        samples: u64,
    },
}

impl Sound {
    /// Of these samples.
    pub fn new(samples: impl Into<Arc<[i16]>>) -> Self {
        Self::of([SoundPart::Samples(samples.into())])
    }

    /// So much silence.
    pub fn silence(ms: u32) -> Self {
        Self::of([SoundPart::silence(ms)])
    }

    /// Of these parts, one after the other.
    pub fn of(parts: impl IntoIterator<Item = SoundPart>) -> Self {
        Self(parts.into_iter().collect())
    }

    /// Its samples, one by one.
    pub fn samples(&self) -> impl Iterator<Item = i16> + '_ {
        self.0.iter().flat_map(|part| {
            let silent = usize::try_from(part.len()).unwrap_or(usize::MAX);
            let (heard, silent) = match part {
                SoundPart::Samples(samples) => (&samples[..], 0),
                SoundPart::Silence { .. } => (&[][..], silent),
            };
            heard.iter().copied().chain(std::iter::repeat_n(0, silent))
        })
    }

    /// How many samples it has.
    pub fn len(&self) -> u64 {
        self.0.iter().map(SoundPart::len).fold(0, u64::saturating_add)
    }

    /// Whether it has no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How long it lasts, rounded up.
    pub fn duration_ms(&self) -> i64 {
        i64::try_from(self.len().div_ceil(8)).unwrap_or(i64::MAX)
    }
}

impl SoundPart {
    /// So much silence.
    pub fn silence(ms: u32) -> Self {
        Self::Silence { samples: 8 * u64::from(ms) }
    }

    /// How many samples it has.
    pub fn len(&self) -> u64 {
        match self {
            Self::Samples(samples) => samples.len() as u64,
            Self::Silence { samples } => *samples,
        }
    }

    /// Whether it has no sample.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sound({} ms)", self.duration_ms())
    }
}

impl fmt::Debug for SoundPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // Someone's voice: only its extent is printed.
            Self::Samples(samples) => write!(f, "Samples({})", samples.len()),
            Self::Silence { samples } => write!(f, "Silence({samples})"),
        }
    }
}

/// Gives a sound piece by piece, from its beginning.
#[derive(Debug)]
pub struct SoundReader {
    sound: Sound,
    part: usize,
    /// Samples of the part that were given.
    given: u64,
}

impl SoundReader {
    /// At the beginning of a sound.
    pub fn new(sound: Sound) -> Self {
        let mut reader = Self { sound, part: 0, given: 0 };
        reader.skip_empty();
        reader
    }

    /// Appends the next `count` samples, fewer at the end.
    pub fn read(&mut self, count: usize, out: &mut Vec<i16>) {
        let mut wanted = count;
        while wanted > 0
            && let Some(part) = self.sound.0.get(self.part)
        {
            let left = usize::try_from(part.len() - self.given).unwrap_or(usize::MAX);
            let taken = left.min(wanted);
            match part {
                SoundPart::Samples(samples) => {
                    let from = usize::try_from(self.given).unwrap_or(usize::MAX);
                    out.extend_from_slice(samples.get(from..from.saturating_add(taken)).unwrap_or_default());
                }
                SoundPart::Silence { .. } => out.resize(out.len().saturating_add(taken), 0),
            }
            self.given += taken as u64;
            wanted -= taken;
            self.skip_empty();
        }
    }

    /// Whether the last sample was given.
    pub fn is_over(&self) -> bool {
        self.part == self.sound.0.len()
    }

    fn skip_empty(&mut self) {
        while self.sound.0.get(self.part).is_some_and(|part| part.len() == self.given) {
            self.part += 1;
            self.given = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sound_rounds_its_duration_up_and_prints_no_samples() {
        assert_eq!(Sound::new(vec![1i16; 9]).duration_ms(), 2);
        let sound = Sound::of([SoundPart::Samples(vec![4_711; 8].into()), SoundPart::silence(20)]);
        assert_eq!(
            (format!("{sound:?}"), format!("{:?}", sound.0[0])),
            ("Sound(21 ms)".into(), "Samples(8)".into())
        );
    }

    #[test]
    fn hours_of_silence_take_no_memory_and_last_for_hours() {
        let sound = Sound::of(vec![SoundPart::silence(u32::MAX); 2]);
        assert_eq!(sound.duration_ms(), 2 * i64::from(u32::MAX));
        let (mut reader, mut out) = (SoundReader::new(sound), Vec::new());
        reader.read(160, &mut out);
        assert_eq!((out.len(), reader.is_over()), (160, false));
    }

    fn parts() -> impl Strategy<Value = Vec<SoundPart>> {
        let part = prop_oneof![
            prop::collection::vec(any::<i16>(), 0..12).prop_map(|samples| SoundPart::Samples(samples.into())),
            (0u64..12).prop_map(|samples| SoundPart::Silence { samples }),
        ];
        prop::collection::vec(part, 0..6)
    }

    proptest! {
        #[test]
        fn what_is_read_in_any_steps_is_the_sound(parts in parts(), step in 1usize..20) {
            let sound = Sound::of(parts);
            let expected: Vec<i16> = sound.samples().collect();
            prop_assert_eq!(expected.len() as u64, sound.len());
            let (mut reader, mut out) = (SoundReader::new(sound), Vec::new());
            while !reader.is_over() {
                let before = out.len();
                reader.read(step, &mut out);
                prop_assert!(out.len() == before + step || reader.is_over());
                prop_assert!(out.len() > before);
            }
            prop_assert_eq!(out, expected);
        }
    }
}

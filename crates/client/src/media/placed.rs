use super::{Destination, Format};
use crate::ClientError;
use tympan_telephony::audio::wav::{self, WavLength};

/// Silence is written so many samples at a time.
const CHUNK_SAMPLES: u64 = 8_000;
const SILENCE: [u8; 2 * CHUNK_SAMPLES as usize] = [0; 2 * CHUNK_SAMPLES as usize];

/// Writes 16-bit samples at their places: a hole between two pieces is silence, and of a place that two pieces claim the first has
/// it. The recording begins with the first sample that comes.
#[derive(Debug)]
pub struct PlacedRecording {
    destination: Option<Destination>,
    format: Format,
    /// Where the next sample is written.
    next: Option<u64>,
    /// Where the hole begins that [`Self::fill`] has begun to fill.
    hole: Option<u64>,
    tally: PlacedTally,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PlacedTally {
    /// The place of the first sample.
    pub first: Option<u64>,
    /// Samples in all, silence in holes among them.
    pub samples: u64,
    /// Holes.
    pub holes: u64,
    /// Samples of silence in holes.
    pub hole_samples: u64,
}

/// A hole that a piece has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hole {
    /// Its first sample.
    pub position: u64,
    /// How long it is.
    pub samples: u64,
}

impl PlacedRecording {
    /// Begins a recording; without a destination it only counts.
    ///
    /// # Errors
    /// `Usage` for Matroska; the destination takes nothing.
    pub fn begin(mut destination: Option<Destination>, format: Format) -> Result<Self, ClientError> {
        Self::check(format)?;
        if let (Format::Wav, Some(destination)) = (format, &mut destination) {
            // Until its end is known, so that what is there can be played.
            destination.write(&wav::header(WavLength::Unknown))?;
        }
        Ok(Self { destination, format, next: None, hole: None, tally: PlacedTally::default() })
    }

    /// Whether samples can be written in a format.
    ///
    /// # Errors
    /// `Usage` for Matroska.
    pub fn check(format: Format) -> Result<(), ClientError> {
        let message = "this is samples: write .wav or .raw; `tympan listen` writes .mkv";
        if format == Format::Mkv { Err(ClientError::Usage(message.to_owned())) } else { Ok(()) }
    }

    /// Writes a piece at its place; the hole before it, if there is one.
    ///
    /// # Errors
    /// The destination takes no more.
    pub fn push(&mut self, position: u64, pcm: &[u8]) -> Result<Option<Hole>, ClientError> {
        let next = *self.next.get_or_insert(position);
        self.tally.first.get_or_insert(position);
        let from = self.hole.take().unwrap_or(next);
        let hole = Hole { position: from, samples: position.max(next) - from };
        let hole = (hole.samples > 0).then_some(hole);
        self.tally.holes += u64::from(hole.is_some());
        self.silence(position.saturating_sub(next))?;
        let known = usize::try_from(next.saturating_sub(position)).unwrap_or(usize::MAX).saturating_mul(2);
        self.write(pcm.get(known..).unwrap_or_default())?;
        Ok(hole)
    }

    /// Writes the silence of a hole that is not over, up to a place: what plays the recording waits for nothing.
    ///
    /// # Errors
    /// The destination takes no more.
    pub fn fill(&mut self, position: u64) -> Result<(), ClientError> {
        let Some(next) = self.next.filter(|next| *next < position) else { return Ok(()) };
        self.hole.get_or_insert(next);
        self.silence(position - next)
    }

    /// Completes the recording.
    ///
    /// # Errors
    /// The destination takes no more.
    pub fn finish(mut self) -> Result<PlacedTally, ClientError> {
        if let Some(destination) = &mut self.destination {
            if self.format == Format::Wav {
                let length = u32::try_from(self.tally.samples).map_or(WavLength::Unknown, WavLength::Samples);
                destination.rewrite_start(&wav::header(length))?;
            }
            destination.flush()?;
        }
        Ok(self.tally)
    }

    /// Where the next sample is written; `None` before the first one.
    pub fn next_position(&self) -> Option<u64> {
        self.next
    }

    fn silence(&mut self, samples: u64) -> Result<(), ClientError> {
        self.tally.hole_samples += samples;
        let mut left = samples;
        while left > 0 {
            let count = left.min(CHUNK_SAMPLES);
            let bytes = usize::try_from(2 * count).unwrap_or(SILENCE.len());
            self.write(&SILENCE[..bytes.min(SILENCE.len())])?;
            left -= count;
        }
        Ok(())
    }

    fn write(&mut self, pcm: &[u8]) -> Result<(), ClientError> {
        let samples = pcm.len() as u64 / 2;
        self.next = self.next.map(|next| next + samples);
        self.tally.samples += samples;
        match &mut self.destination {
            Some(destination) => destination.write(pcm),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, pieces: &[(u64, &[u8])]) -> (Vec<Option<Hole>>, PlacedTally, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let destination = Destination::open(&path).unwrap();
        let mut recording = PlacedRecording::begin(Some(destination), Format::of(&path).unwrap()).unwrap();
        let holes = pieces.iter().map(|(position, pcm)| recording.push(*position, pcm).unwrap()).collect();
        let tally = recording.finish().unwrap();
        (holes, tally, std::fs::read(&path).unwrap())
    }

    #[test]
    fn every_sample_is_at_its_place_from_the_first_one_on() {
        let pieces: [(u64, &[u8]); 4] = [(100, &[1; 4]), (102, &[2; 4]), (107, &[3; 2]), (108, &[4; 2])];
        let (holes, tally, file) = written("a.raw", &pieces);
        assert_eq!(file, [1, 1, 1, 1, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 3, 3, 4, 4]);
        assert_eq!(holes, [None, None, Some(Hole { position: 104, samples: 3 }), None]);
        assert_eq!(tally, PlacedTally { first: Some(100), samples: 9, holes: 1, hole_samples: 3 });
    }

    #[test]
    fn of_a_place_that_two_pieces_claim_the_first_has_it() {
        let pieces: [(u64, &[u8]); 3] = [(10, &[1; 8]), (12, &[2; 8]), (11, &[3; 4])];
        let (_, tally, file) = written("a.raw", &pieces);
        assert_eq!(file, [1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2]);
        assert_eq!((tally.samples, tally.holes), (6, 0));
    }

    #[test]
    fn a_wav_file_has_its_true_length_and_a_long_hole_is_written_piece_by_piece() {
        let (_, tally, file) = written("a.wav", &[(0, &[1; 2]), (20_001, &[2; 2])]);
        assert_eq!(tally.samples, 20_002);
        let samples = wav::read(&file).unwrap();
        assert_eq!((samples.len(), samples[0], samples[20_001]), (20_002, 257, 514));
        assert!(samples[1..20_001].iter().all(|sample| *sample == 0));
        assert_eq!(written("b.wav", &[]).2, wav::header(WavLength::Samples(0)));
    }

    #[test]
    fn a_hole_is_filled_while_it_lasts_and_is_one_hole() {
        let mut recording = PlacedRecording::begin(None, Format::Raw).unwrap();
        recording.fill(50).unwrap();
        assert_eq!(recording.next_position(), None, "before the first sample there is no place");
        recording.push(0, &[1; 20]).unwrap();
        recording.fill(16).unwrap();
        recording.fill(12).unwrap();
        assert_eq!(recording.push(20, &[1; 2]).unwrap(), Some(Hole { position: 10, samples: 10 }));
        recording.fill(30).unwrap();
        assert_eq!(recording.push(29, &[1; 4]).unwrap(), Some(Hole { position: 21, samples: 9 }));
        let tally = recording.finish().unwrap();
        assert_eq!(tally, PlacedTally { first: Some(0), samples: 31, holes: 2, hole_samples: 19 });
        assert!(PlacedRecording::begin(None, Format::Mkv).is_err());
    }
}

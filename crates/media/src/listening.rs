//! Listens to a leg for one utterance, and records it.

use tympan_telephony::audio::speech::{SpeechDetector, SpeechEvent};
use tympan_telephony::words::{MediaEvent, Payload, Sound, UTTERANCE_LEAD_MS, UTTERANCE_MAX_MS};
use tympan_types::ListenId;

/// A listening on a received track, or none.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    now: Option<Listener>,
    /// The samples of a payload.
    samples: Vec<i16>,
}

/// Waits for an utterance and keeps it.
#[derive(Debug)]
struct Listener {
    listen: ListenId,
    detector: SpeechDetector,
    /// The end of what was heard: as much as may belong to an utterance that has not begun, or all of one that has.
    kept: Vec<i16>,
    /// Samples that were heard before those that are kept.
    dropped: u64,
    longest: usize,
    /// Where in `kept` the utterance must end, once it has begun.
    until: Option<usize>,
}

impl Listening {
    /// Begins to listen; what listened before is given up.
    pub(crate) fn begin(&mut self, listen: ListenId, pause_ms: u32, longest_ms: u32) {
        self.now = Some(Listener {
            listen,
            detector: SpeechDetector::fast(pause_ms.clamp(PAUSE_MIN_MS, PAUSE_MAX_MS)),
            kept: Vec::with_capacity(WAITING_SAMPLES + LEAD_SAMPLES + 3 * PIECE_SAMPLES),
            dropped: 0,
            longest: samples_of(longest_ms.min(UTTERANCE_MAX_MS)),
            until: None,
        });
    }

    /// Ends a listening, if it is still this one.
    pub(crate) fn end(&mut self, listen: ListenId) {
        if self.now.as_ref().is_some_and(|now| now.listen == listen) {
            *self = Self::default();
        }
    }

    /// Takes what the far end said; gives what is heard to `told`.
    pub(crate) fn hear(&mut self, payload: Payload<'_>, told: &mut dyn FnMut(MediaEvent)) {
        if self.now.is_none() {
            return;
        }
        match payload {
            // The longest pause that ends an utterance lies within so much of a silence; more of it changes nothing.
            Payload::Silence { samples, cause } => {
                let mut left = samples.min(SILENCE_MAX_SAMPLES);
                while left > 0 && self.now.is_some() {
                    let piece = left.min(PIECE_SAMPLES as u32);
                    self.push(Payload::Silence { samples: piece, cause }, told);
                    left -= piece;
                }
            }
            sound => self.push(sound, told),
        }
    }

    fn push(&mut self, payload: Payload<'_>, told: &mut dyn FnMut(MediaEvent)) {
        let Some(listener) = &mut self.now else { return };
        self.samples.clear();
        payload.expand_into(&mut self.samples);
        if let Some(heard) = listener.push(&self.samples, told) {
            told(heard);
            *self = Self::default();
        }
    }
}

impl Listener {
    /// Takes samples; gives the utterance, if it is over.
    fn push(&mut self, samples: &[i16], told: &mut dyn FnMut(MediaEvent)) -> Option<MediaEvent> {
        self.kept.extend_from_slice(samples);
        let (mut began, mut ended) = (None, false);
        self.detector.push(samples, |event| match event {
            SpeechEvent::Began { at } => began = Some(at),
            SpeechEvent::Ended { .. } => ended = true,
        });
        if let Some(at) = began.filter(|_| self.until.is_none()) {
            let at = usize::try_from(at.saturating_sub(self.dropped)).unwrap_or(usize::MAX);
            let from = at.saturating_sub(LEAD_SAMPLES).min(self.kept.len());
            // One allocation for an utterance, and none for its packets.
            let mut utterance = Vec::with_capacity(LEAD_SAMPLES + self.longest + PIECES_MAX_SAMPLES);
            utterance.extend_from_slice(self.kept.get(from..).unwrap_or_default());
            self.kept = utterance;
            self.until = Some(at - from.min(at) + self.longest);
            told(MediaEvent::SpeechBegan { listen: self.listen });
        }
        match self.until {
            Some(until) => {
                let cut = self.kept.len() >= until;
                (cut || ended).then(|| {
                    self.kept.truncate(until);
                    let utterance = Sound::new(self.kept.as_slice());
                    MediaEvent::Heard { listen: self.listen, utterance, cut }
                })
            }
            None => {
                let more = self.kept.len().saturating_sub(WAITING_SAMPLES);
                if more >= LEAD_SAMPLES {
                    self.kept.drain(..more);
                    self.dropped += more as u64;
                }
                None
            }
        }
    }
}

const fn samples_of(ms: u32) -> usize {
    8 * ms as usize
}

/// A pause is judged in cells of 20 ms.
const PAUSE_MIN_MS: u32 = 20;
/// Longer pauses are cut to this one.
const PAUSE_MAX_MS: u32 = 5_000;
/// Silence is heard in pieces of 20 ms, as audio comes.
const PIECE_SAMPLES: usize = 160;
/// As much of one silence as ends any utterance.
const SILENCE_MAX_SAMPLES: u32 = 8 * (PAUSE_MAX_MS + 100);
/// More samples than one packet brings.
const PIECES_MAX_SAMPLES: usize = 4_096;
const LEAD_SAMPLES: usize = samples_of(UTTERANCE_LEAD_MS);
/// What is kept while nothing is said: the lead, and the sounds by which speech is known.
const WAITING_SAMPLES: usize = LEAD_SAMPLES + samples_of(100);

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_telephony::Digit;
    use tympan_telephony::audio::tone::{key, silence};
    use tympan_telephony::audio::wav;
    use tympan_telephony::rtp::ledger::Cause;

    const ONE: ListenId = ListenId::new(1);

    /// A sentence of 6.2 s.
    fn sentence() -> Vec<i16> {
        wav::read(include_bytes!("../../../fixtures/audio/hello.wav")).unwrap()
    }

    fn hear(listening: &mut Listening, line: &[i16]) -> Vec<MediaEvent> {
        let mut events = Vec::new();
        for piece in line.chunks(160) {
            listening.hear(Payload::Pcm(piece), &mut |event| events.push(event));
        }
        events
    }

    fn listening(pause_ms: u32, longest_ms: u32) -> Listening {
        let mut listening = Listening::default();
        listening.begin(ONE, pause_ms, longest_ms);
        listening
    }

    /// The first place of `line` at which `part` stands.
    fn place(line: &[i16], part: &[i16]) -> usize {
        line.windows(part.len()).position(|window| window == part).expect("a part of the line")
    }

    #[test]
    fn an_utterance_is_a_part_of_the_line_that_begins_300_ms_before_its_first_sound() {
        let before: Vec<i16> = (0..40_000).map(|at: u32| (at % 7) as i16).collect();
        let line = [before, sentence(), silence(16_000)].concat();
        let mut listening = listening(1_000, 15_000);
        let events = hear(&mut listening, &line);
        let [
            MediaEvent::SpeechBegan { listen: ONE },
            MediaEvent::Heard { listen: ONE, utterance, cut: false },
        ] = &events[..]
        else {
            panic!("{events:?}")
        };
        let samples: Vec<i16> = utterance.samples().collect();
        // The silence before it repeats itself, so that its place is looked for by its end.
        let end = place(&line, &samples[4_000..]) + samples.len() - 4_000;
        let begin = end - samples.len();
        assert_eq!(samples, line[begin..end]);
        assert!((40_000 - LEAD_SAMPLES..40_000).contains(&begin), "{begin}");
        assert!(end > 40_000 + 6 * 8_000, "{end}");
        assert!(listening.now.is_none(), "one utterance ends it");
    }

    #[test]
    fn an_utterance_that_does_not_end_is_cut_after_as_long_as_was_asked_for_and_15_s_at_most() {
        let line: Vec<i16> = [sentence(), sentence(), sentence(), sentence()].concat();
        for (longest_ms, most) in [(2_000, 2_000), (60_000, UTTERANCE_MAX_MS)] {
            let events = hear(&mut listening(5_000, longest_ms), &line);
            let Some(MediaEvent::Heard { utterance, cut: true, .. }) = events.last() else {
                panic!("{events:?}")
            };
            let lasts = samples_of(most)..=samples_of(most + UTTERANCE_LEAD_MS);
            assert!(lasts.contains(&usize::try_from(utterance.len()).unwrap()), "{utterance:?}");
        }
    }

    #[test]
    fn keys_and_silence_are_no_utterance_and_hours_of_them_take_no_memory() {
        let five = Digit::from_char('5').unwrap();
        let mut listening = listening(600, 12_000);
        let line = [silence(1_600), key(five, 4_000.0, 1_600)].concat().repeat(20);
        assert_eq!(hear(&mut listening, &line), []);
        listening.hear(Payload::Silence { samples: u32::MAX, cause: Cause::Pause }, &mut |event| {
            panic!("{event:?}")
        });
        let kept = listening.now.as_ref().map(|now| now.kept.capacity());
        assert!(kept.is_some_and(|kept| kept <= 2 * WAITING_SAMPLES), "{kept:?}");
        assert!(listening.samples.capacity() <= 1_024);
    }

    #[test]
    fn a_silence_of_any_cause_ends_an_utterance() {
        let mut listening = listening(600, 15_000);
        assert_eq!(hear(&mut listening, &sentence()[..24_000]), [MediaEvent::SpeechBegan { listen: ONE }]);
        let mut heard = 0;
        listening.hear(Payload::Silence { samples: u32::MAX, cause: Cause::Dtx }, &mut |event| {
            heard += u32::from(matches!(event, MediaEvent::Heard { cut: false, .. }));
        });
        assert_eq!(heard, 1);
    }

    #[test]
    fn a_listening_that_was_stopped_or_replaced_tells_nothing() {
        let mut listening = listening(600, 15_000);
        listening.end(ListenId::new(2));
        listening.begin(ListenId::new(2), 600, 15_000);
        listening.end(ONE);
        let events = hear(&mut listening, &sentence()[..24_000]);
        assert_eq!(events, [MediaEvent::SpeechBegan { listen: ListenId::new(2) }]);
        listening.end(ListenId::new(2));
        assert_eq!(hear(&mut listening, &sentence()), []);
    }
}

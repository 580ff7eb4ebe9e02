//! Taps: what hands a track of the leg on.

use crate::outbox::{Outbox, Sound};
use tympan_telephony::SampleOffset;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::words::{MediaEvent, Payload, Track};
use tympan_types::TapId;

/// Taps of a leg at once.
pub const TAPS_MAX: usize = 8;

/// How far [`Track::Sent`] may run ahead of the received timeline, 1 s in samples. It does while the far end is silent: sound goes out
/// at the pace of the clock, and the timeline lags by the grace of its silence.
const LEAD_MAX: u64 = 8_000;

/// How far what is sent begins ahead of the received timeline, 60 ms in samples: that much later the far end hears it, and packets that
/// come unevenly within that time leave it in one piece.
const LEAD: u64 = 480;

/// The taps of one leg.
#[derive(Debug, Default)]
pub(crate) struct Taps {
    open: Vec<Tap>,
}

#[derive(Debug)]
struct Tap {
    tap: TapId,
    stream: usize,
    track: Track,
    /// The position of the next sample to hand on.
    next: SampleOffset,
    /// Something of [`Track::Sent`] was handed on.
    has_begun: bool,
    /// Where it ends, once it is to be closed.
    until: Option<SampleOffset>,
}

impl Taps {
    /// Opens a tap from `at` on; false where there are too many, or one has that id.
    pub(crate) fn open(&mut self, tap: TapId, stream: usize, track: Track, at: SampleOffset) -> bool {
        if self.open.len() == TAPS_MAX || self.open.iter().any(|open| open.tap == tap) {
            return false;
        }
        self.open.push(Tap { tap, stream, track, next: at, has_begun: false, until: None });
        true
    }

    /// The stream of a tap that is open.
    pub(crate) fn stream_of(&self, tap: TapId) -> Option<usize> {
        self.open.iter().find(|open| open.tap == tap && open.until.is_none()).map(|open| open.stream)
    }

    /// Closes a tap at `at`: at once where it has handed on everything before, else as soon as it has.
    pub(crate) fn close(&mut self, tap: TapId, at: SampleOffset, out: &mut Outbox) {
        if let Some(open) = self.open.iter_mut().find(|open| open.tap == tap) {
            if open.track == Track::Sent {
                // Nothing is sent into the past.
                open.silence_until(at, out);
            }
            open.until.get_or_insert(at);
        }
        self.close_reached(out);
    }

    /// Closes all taps of a stream whose timeline ends at `end`.
    pub(crate) fn close_all(&mut self, stream: usize, end: SampleOffset, out: &mut Outbox) {
        for tap in self.open.iter_mut().filter(|tap| tap.stream == stream) {
            if tap.track == Track::Sent {
                tap.silence_until(end, out);
            }
            tap.until = Some(tap.next);
        }
        self.close_reached(out);
    }

    /// Hands on what was received from `at` on.
    pub(crate) fn received(
        &mut self,
        stream: usize,
        at: SampleOffset,
        payload: Payload<'_>,
        out: &mut Outbox,
    ) {
        let end = at + payload.samples();
        let taps = self.open.iter_mut();
        let mut taps = taps.filter(|tap| tap.stream == stream && tap.track == Track::Received).peekable();
        if taps.peek().is_none() {
            return;
        }
        let sound = out.keep(payload);
        let mut ends = false;
        for tap in taps {
            let from = tap.next.max(at);
            let to = tap.until.map_or(end, |until| until.min(end));
            if from < to {
                let part = |samples: u64| usize::try_from(samples).unwrap_or(usize::MAX);
                out.frame(
                    tap.tap,
                    from,
                    sound.part(part(from.samples_since(at)), part(to.samples_since(from))),
                );
                tap.next = to;
            }
            ends |= tap.until.is_some_and(|until| tap.next >= until);
        }
        if ends {
            self.close_reached(out);
        }
    }

    /// Hands on a frame that is sent while the received timeline ends at `end`; gives the samples that a tap had to leave out.
    ///
    /// What follows at once stays in one piece, also where the packets of the far end come unevenly: it begins with a lead over them.
    pub(crate) fn sent(
        &mut self,
        stream: usize,
        end: SampleOffset,
        frame: Option<Sound>,
        out: &mut Outbox,
    ) -> u64 {
        let Some(frame) = frame else { return 0 };
        let mut overrun = 0;
        let taps = self.open.iter_mut();
        for tap in taps.filter(|tap| tap.stream == stream && tap.track == Track::Sent) {
            if tap.next.samples_since(end) >= LEAD_MAX {
                overrun += frame.samples();
                continue;
            }
            if tap.next < end || !tap.has_begun {
                tap.silence_until(end + LEAD, out);
                tap.has_begun = true;
            }
            out.frame(tap.tap, tap.next, frame.clone());
            tap.next += frame.samples();
        }
        overrun
    }

    fn close_reached(&mut self, out: &mut Outbox) {
        self.open.retain(|tap| {
            let over = tap.until.is_some_and(|until| tap.next >= until);
            if over {
                out.event(MediaEvent::TapClosed { tap: tap.tap });
            }
            !over
        });
    }
}

impl Tap {
    /// Nothing was sent up to here.
    fn silence_until(&mut self, at: SampleOffset, out: &mut Outbox) {
        while self.next < at {
            let samples = u32::try_from(at.samples_since(self.next)).unwrap_or(u32::MAX);
            let silence = out.keep(Payload::Silence { samples, cause: Cause::Pause });
            out.frame(self.tap, self.next, silence);
            self.next += u64::from(samples);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::Output;
    use tympan_telephony::words::Frame;
    use tympan_types::LegId;

    const ONE: TapId = TapId::new(1);
    const TWO: TapId = TapId::new(2);

    fn at(samples: u64) -> SampleOffset {
        SampleOffset::from_samples(samples)
    }

    /// What came out: the positions and samples of frames, and the taps that closed.
    #[derive(Debug, PartialEq)]
    enum Came {
        Frame(TapId, u64, Vec<i16>),
        Silence(TapId, u64, u32),
        Closed(TapId),
    }

    fn drain(out: &mut Outbox) -> Vec<Came> {
        let mut came = Vec::new();
        while let Some(output) = out.poll(LegId::new(1)) {
            came.push(match output {
                Output::Frame(Frame { tap, at, payload: Payload::Silence { samples, .. } }) => {
                    Came::Silence(tap, at.as_samples(), samples)
                }
                Output::Frame(Frame { tap, at, payload }) => {
                    let mut samples = Vec::new();
                    payload.expand_into(&mut samples);
                    Came::Frame(tap, at.as_samples(), samples)
                }
                Output::Event(_, MediaEvent::TapClosed { tap }) => Came::Closed(tap),
                other => panic!("{other:?}"),
            });
        }
        came
    }

    #[test]
    fn a_tap_begins_and_ends_within_a_frame_and_takes_nothing_of_another_stream() {
        let (mut taps, mut out) = (Taps::default(), Outbox::default());
        taps.open(ONE, 0, Track::Received, at(2));
        taps.received(1, at(0), Payload::Pcm(&[9; 8]), &mut out);
        taps.received(0, at(0), Payload::Pcm(&[0, 1, 2, 3]), &mut out);
        taps.close(ONE, at(5), &mut out);
        taps.received(0, at(4), Payload::Pcm(&[4, 5, 6, 7]), &mut out);
        taps.received(0, at(8), Payload::Pcm(&[8]), &mut out);
        let expected = [Came::Frame(ONE, 2, vec![2, 3]), Came::Frame(ONE, 4, vec![4]), Came::Closed(ONE)];
        assert_eq!(drain(&mut out), expected);
    }

    #[test]
    fn a_tap_is_closed_after_its_last_frame_and_not_before() {
        let (mut taps, mut out) = (Taps::default(), Outbox::default());
        taps.open(ONE, 0, Track::Received, at(0));
        taps.open(TWO, 0, Track::Received, at(0));
        taps.close(ONE, at(4), &mut out);
        assert_eq!(drain(&mut out), []);
        taps.close(TWO, at(0), &mut out);
        taps.received(0, at(0), Payload::Pcm(&[1; 4]), &mut out);
        let expected = [Came::Closed(TWO), Came::Frame(ONE, 0, vec![1; 4]), Came::Closed(ONE)];
        assert_eq!(drain(&mut out), expected);
        assert!(taps.open.is_empty());
    }

    #[test]
    fn what_is_sent_stays_in_one_piece_and_is_silent_where_nothing_was_sent() {
        let (mut taps, mut out) = (Taps::default(), Outbox::default());
        taps.open(ONE, 0, Track::Sent, at(10));
        // The timeline stands still between the first two, and jumps within the lead before the third: they are in one piece.
        for end in [12, 12, 480] {
            let frame = Some(out.keep(Payload::Pcm(&[5; 160])));
            assert_eq!(taps.sent(0, at(end), frame, &mut out), 0);
        }
        // It jumps further than the lead.
        let frame = Some(out.keep(Payload::Ulaw(&[0; 4])));
        assert_eq!(taps.sent(0, at(2_000), frame, &mut out), 0);
        assert_eq!(taps.sent(0, at(2_000), None, &mut out), 0, "nothing went out");
        taps.close(ONE, at(3_000), &mut out);
        let expected = [
            Came::Silence(ONE, 10, 482),
            Came::Frame(ONE, 492, vec![5; 160]),
            Came::Frame(ONE, 652, vec![5; 160]),
            Came::Frame(ONE, 812, vec![5; 160]),
            Came::Silence(ONE, 972, 1_508),
            Came::Frame(ONE, 2_480, vec![-32_124; 4]),
            Came::Silence(ONE, 2_484, 516),
            Came::Closed(ONE),
        ];
        assert_eq!(drain(&mut out), expected);
    }

    #[test]
    fn the_sent_track_runs_ahead_by_a_second_at_most() {
        let (mut taps, mut out) = (Taps::default(), Outbox::default());
        taps.open(ONE, 0, Track::Sent, at(0));
        let overrun: u64 = (0..100)
            .map(|_| {
                let frame = Some(out.keep(Payload::Pcm(&[1; 160])));
                taps.sent(0, at(0), frame, &mut out)
            })
            .sum();
        // Silence of the lead, and 47 frames after it.
        assert_eq!((overrun, drain(&mut out).len()), (53 * 160, 48));
    }

    #[test]
    fn so_many_taps_are_open_and_no_more_and_each_id_once() {
        let mut taps = Taps::default();
        assert!(taps.open(ONE, 0, Track::Received, at(0)));
        assert!(!taps.open(ONE, 0, Track::Sent, at(0)));
        let more = (2..100).filter(|number| taps.open(TapId::new(*number), 0, Track::Sent, at(0))).count();
        assert_eq!(more, TAPS_MAX - 1);
    }
}

use crate::{Anchor, Cut, Cutter, CutterSpec, CutterStats, Upload};
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::words::{Payload, Tracks};
use tympan_telephony::{Digit, SampleOffset};

/// One capture on the media plane: it cuts from the very instant of the Start block, and holds what it cut until
/// the upload is attached.
///
/// No call blocks and, once an upload is attached, none allocates: bytes go on as they are cut.
pub struct Capture {
    cutter: Cutter,
    /// Cut and not yet handed on.
    pending: Cut,
    state: State,
    abandoned_bytes: u64,
}

enum State {
    /// No upload yet: bytes pile up.
    Waiting,
    /// Bytes go to this upload.
    Attached(Box<dyn Upload>),
    /// Finished before an upload was there; it will get everything at once.
    FinishedEarly,
    /// Nothing more happens: finished, or the upload took too long to open.
    Over,
}

/// What a capture has done so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureStats {
    /// What was cut.
    pub cutter: CutterStats,
    /// Bytes waiting for an upload.
    pub pending_bytes: usize,
    /// Bytes thrown away because no upload came in time, or because the capture was abandoned.
    pub abandoned_bytes: u64,
}

impl Capture {
    /// Most bytes held for an upload that is slow to open: half a minute of sound. The Start block has taken its
    /// error branch long before.
    pub const PENDING_LIMIT_BYTES: usize = 512 * 1024;

    /// Begins to capture at `anchor`.
    pub fn new(spec: &CutterSpec, anchor: Anchor) -> Self {
        let mut cutter = Cutter::new(spec, anchor);
        let mut pending = Cut::with_capacity(ATTACHED_CAPACITY_BYTES);
        cutter.open(&mut pending);
        Self { cutter, pending, state: State::Waiting, abandoned_bytes: 0 }
    }

    /// Hands everything held to the upload, and from here on everything as it comes.
    pub fn attach(&mut self, mut upload: Box<dyn Upload>) {
        match self.state {
            State::Waiting => {
                upload.write_cut(&self.pending);
                self.pending = Cut::with_capacity(ATTACHED_CAPACITY_BYTES);
                self.state = State::Attached(upload);
            }
            State::FinishedEarly => {
                upload.write_cut(&self.pending);
                self.pending = Cut::default();
                upload.finish();
                self.state = State::Over;
            }
            // Dropped unfinished: the session is cut off.
            State::Attached(_) | State::Over => {}
        }
    }

    /// A frame of the customer's own track; whether the capture has ended over it.
    pub fn received(&mut self, at: SampleOffset, payload: Payload<'_>) -> bool {
        if !self.is_cutting() {
            return false;
        }
        self.cutter.received(at, payload, &mut self.pending);
        self.hand_on();
        !self.is_cutting()
    }

    /// The customer pressed a key; see [`Cutter::key`].
    pub fn key(&mut self, key: Digit) {
        if self.is_cutting() {
            self.cutter.key(key, self.cutter.next_sample(), 0);
        }
    }

    /// Audio of the customer's own track came late or was left out on its way to here; see [`Cutter::remark`].
    pub fn remark(&mut self, samples: u64, cause: Cause) {
        if self.is_cutting() {
            self.cutter.remark(samples, cause);
        }
    }

    /// A frame of what the customer heard; see [`Cutter::sent`].
    pub fn sent(&mut self, at: SampleOffset, payload: Payload<'_>) {
        if self.is_cutting() {
            self.cutter.sent(at, payload);
        }
    }

    /// From here on captures only these tracks; see [`Cutter::only`].
    pub fn only(&mut self, tracks: Tracks) {
        self.cutter.only(tracks);
    }

    /// Completes the last fragment and ends the upload. What comes afterwards is ignored.
    pub fn finish(&mut self) {
        if !self.is_cutting() {
            return;
        }
        self.cutter.finish(&mut self.pending);
        self.hand_on();
        self.state = match std::mem::replace(&mut self.state, State::Over) {
            State::Waiting => State::FinishedEarly,
            State::Attached(upload) => {
                upload.finish();
                State::Over
            }
            done @ (State::FinishedEarly | State::Over) => done,
        };
    }

    /// Ends a capture that is not wanted any more: without an upload nothing of it will ever be in a stream, and what it holds is thrown
    /// away. An upload that it has is ended in good order.
    pub fn abandon(&mut self) {
        match self.state {
            State::Waiting | State::FinishedEarly => self.throw_away(),
            State::Attached(_) | State::Over => self.finish(),
        }
    }

    /// Whether audio is still wanted.
    pub fn is_cutting(&self) -> bool {
        matches!(self.state, State::Waiting | State::Attached(_))
    }

    /// Whether an upload is still wanted.
    pub fn awaits_upload(&self) -> bool {
        matches!(self.state, State::Waiting | State::FinishedEarly)
    }

    /// What was done so far.
    pub fn stats(&self) -> CaptureStats {
        CaptureStats {
            cutter: self.cutter.stats().clone(),
            pending_bytes: self.pending.held_bytes(),
            abandoned_bytes: self.abandoned_bytes,
        }
    }

    fn hand_on(&mut self) {
        match &mut self.state {
            State::Attached(upload) => {
                if !self.pending.is_empty() {
                    upload.write_cut(&self.pending);
                    self.pending.clear();
                    // A long run of silence may have blown it up.
                    self.pending.shrink_to(KEPT_CAPACITY_BYTES);
                }
            }
            State::Waiting if self.pending.held_bytes() > Self::PENDING_LIMIT_BYTES => self.throw_away(),
            State::Waiting | State::FinishedEarly | State::Over => {}
        }
    }

    fn throw_away(&mut self) {
        self.abandoned_bytes = self.pending.held_bytes() as u64;
        self.pending = Cut::default();
        self.state = State::Over;
    }
}

/// What an idle capture may keep of its buffer: an ordinary one is never near it.
const KEPT_CAPACITY_BYTES: usize = 4 * ATTACHED_CAPACITY_BYTES;

/// Room for an ordinary frame of two tracks, the end of a fragment and its index, so that an attached capture does not grow its buffer
/// while nothing extraordinary comes.
const ATTACHED_CAPACITY_BYTES: usize = 1_536;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Recorded, RecordingUpload, spec};
    use tympan_types::WallTime;

    const ANCHOR: Anchor = Anchor { at: SampleOffset::ZERO, wall: WallTime::from_unix_ms(1_700_000_000_000) };

    fn at(samples: u64) -> SampleOffset {
        SampleOffset::from_samples(samples)
    }

    /// What a capture with its upload there from the start writes for `frames` frames.
    fn reference(frames: u64) -> Recorded {
        let (upload, recorded) = RecordingUpload::pair();
        let mut capture = Capture::new(&spec(), ANCHOR);
        capture.attach(upload);
        for frame in 0..frames {
            capture.received(at(frame * 160), Payload::Pcm(&[frame as i16; 160]));
        }
        capture.finish();
        recorded.take()
    }

    #[test]
    fn a_late_upload_gets_the_same_bytes() {
        for attached_after in [0, 1, 60, 100] {
            let (upload, recorded) = RecordingUpload::pair();
            let mut upload = Some(upload);
            let mut capture = Capture::new(&spec(), ANCHOR);
            for frame in 0..100 {
                if frame == attached_after {
                    capture.attach(upload.take().unwrap());
                }
                capture.received(at(frame * 160), Payload::Pcm(&[frame as i16; 160]));
            }
            capture.finish();
            if let Some(upload) = upload {
                capture.attach(upload);
            }
            assert!(recorded.take() == reference(100), "attached after {attached_after} frames");
        }
    }

    #[test]
    fn each_frame_goes_on_at_once_and_the_buffer_never_grows() {
        let (upload, recorded) = RecordingUpload::pair();
        let mut capture = Capture::new(&spec(), ANCHOR);
        capture.attach(upload);
        let capacity = capture.pending.capacity();
        let mut sent_bytes = recorded.bytes();
        for frame in 0..200 {
            capture.received(at(frame * 160), Payload::Pcm(&[1; 160]));
            assert!(recorded.bytes() >= sent_bytes + 320);
            sent_bytes = recorded.bytes();
            assert_eq!(capture.stats().pending_bytes, 0);
        }
        assert_eq!(capture.pending.capacity(), capacity);
    }

    #[test]
    fn a_long_silence_does_not_leave_a_large_buffer_behind() {
        let (upload, _) = RecordingUpload::pair();
        let mut capture = Capture::new(&spec(), ANCHOR);
        capture.attach(upload);
        capture.received(at(0), Payload::Silence { samples: 800_000, cause: Cause::Pause });
        assert!(capture.pending.capacity().0 <= KEPT_CAPACITY_BYTES);
    }

    #[test]
    fn an_upload_that_never_comes_costs_bounded_memory() {
        let mut capture = Capture::new(&spec(), ANCHOR);
        for frame in 0..10_000 {
            capture.received(at(frame * 160), Payload::Pcm(&[1; 160]));
            assert!(capture.stats().pending_bytes <= Capture::PENDING_LIMIT_BYTES);
        }
        assert!(!capture.is_cutting());
        assert!(capture.stats().abandoned_bytes > 0);
        let (upload, recorded) = RecordingUpload::pair();
        capture.attach(upload);
        capture.finish();
        assert!(recorded.take() == Recorded::default(), "an abandoned capture uploads nothing");
    }

    /// A capture in each of its states, with what its upload was given where it has one.
    fn in_state(state: &str) -> (Capture, Option<crate::testing::Recording>) {
        let mut capture = Capture::new(&spec(), ANCHOR);
        let mut recording = None;
        match state {
            "waiting" => {}
            "attached" => {
                let (upload, recorded) = RecordingUpload::pair();
                capture.attach(upload);
                recording = Some(recorded);
            }
            "finished early" => capture.finish(),
            "over" => capture.abandon(),
            other => panic!("{other}"),
        }
        (capture, recording)
    }

    #[test]
    fn in_every_state_every_event_leads_to_the_state_of_its_row() {
        // Cutting, and awaiting an upload: what can be seen of a state from outside.
        let seen = |state: &str| match state {
            "waiting" => (true, true),
            "attached" => (true, false),
            "finished early" => (false, true),
            _ => (false, false),
        };
        let rows = [
            ("waiting", ["attached", "waiting", "finished early", "over"]),
            ("attached", ["attached", "attached", "over", "over"]),
            ("finished early", ["over", "finished early", "finished early", "over"]),
            ("over", ["over", "over", "over", "over"]),
        ];
        for (state, leads_to) in rows {
            for (event, expected) in ["attach", "frame", "finish", "abandon"].into_iter().zip(leads_to) {
                let (mut capture, recording) = in_state(state);
                let (upload, second) = RecordingUpload::pair();
                match event {
                    "attach" => capture.attach(upload),
                    "frame" => assert!(!capture.received(at(0), Payload::Pcm(&[1; 160]))),
                    "finish" => capture.finish(),
                    _ => capture.abandon(),
                }
                let is = (capture.is_cutting(), capture.awaits_upload());
                assert_eq!(is, seen(expected), "{state}: {event}");
                // A second upload is cut off with nothing in it; the one that it had is not finished by that.
                if event == "attach" && matches!(state, "attached" | "over") {
                    assert!(second.take() == Recorded::default(), "{state}");
                }
                if let Some(recording) = recording {
                    let finished = u32::from(matches!(event, "finish" | "abandon"));
                    assert_eq!(recording.take().finished, finished, "{event}");
                }
            }
        }
    }

    #[test]
    fn nothing_follows_the_finish() {
        let (upload, recorded) = RecordingUpload::pair();
        let mut capture = Capture::new(&spec(), ANCHOR);
        capture.attach(upload);
        capture.finish();
        capture.received(at(0), Payload::Pcm(&[1; 160]));
        capture.finish();
        let recorded = recorded.take();
        assert_eq!(recorded.finished, 1);
        assert!(recorded == reference(0));
    }

    #[test]
    fn an_abandoned_capture_leaves_nothing_for_a_late_upload() {
        for finishes_before in [false, true] {
            let mut capture = Capture::new(&spec(), ANCHOR);
            capture.received(at(0), Payload::Pcm(&[1; 160]));
            if finishes_before {
                capture.finish();
            }
            capture.abandon();
            assert!(!capture.awaits_upload());
            assert!(capture.stats().abandoned_bytes > 320);
            let (upload, recorded) = RecordingUpload::pair();
            capture.attach(upload);
            assert!(recorded.take() == Recorded::default());
        }
    }

    #[test]
    fn abandoned_with_an_upload_it_ends_in_good_order() {
        let (upload, recorded) = RecordingUpload::pair();
        let mut capture = Capture::new(&spec(), ANCHOR);
        capture.attach(upload);
        capture.received(at(0), Payload::Pcm(&[0; 160]));
        capture.abandon();
        assert!(recorded.take() == reference(1));
    }
}

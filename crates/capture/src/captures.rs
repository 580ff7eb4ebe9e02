use crate::{Anchor, Capture, CaptureStats, CutterSpec, Upload};
use std::collections::VecDeque;
use tympan_telephony::Digit;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::words::{Frame, Tracks};
use tympan_types::{CaptureId, TapId};

/// The captures of one leg, each under its own id from its Start block to its last byte.
///
/// Shape: a capture is *open* from [`Captures::open`] until it is closed or abandoned. A closed one whose upload has not come yet is held,
/// complete, until the upload does. Every call that names a capture which is over changes nothing, and an upload for it is dropped
/// unfinished, which cuts its session off. No call blocks.
///
/// Bounds: at most [`Captures::MOST`] captures; a further one makes room by giving up the oldest, first of those that are held. Each holds
/// at most [`Capture::PENDING_LIMIT_BYTES`].
#[derive(Default)]
pub struct Captures {
    /// Oldest first.
    captures: Vec<Entry>,
    finished: VecDeque<(CaptureId, CaptureStats)>,
    displaced: u64,
}

struct Entry {
    id: CaptureId,
    taps: CaptureTaps,
    capture: Capture,
    /// Its stats were given out.
    is_reported: bool,
}

/// The taps whose frames a capture takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaptureTaps {
    /// What the far end says.
    pub received: TapId,
    /// What the far end hears.
    pub sent: Option<TapId>,
}

impl Captures {
    /// How many captures of a leg there may be at a time: one that is open, and those before it that wait for their uploads.
    pub const MOST: usize = 4;

    /// Begins to capture at `anchor`. An id that is in use already changes nothing.
    pub fn open(&mut self, id: CaptureId, spec: &CutterSpec, taps: CaptureTaps, anchor: Anchor) {
        if self.captures.iter().any(|entry| entry.id == id) {
            return;
        }
        if self.captures.len() >= Self::MOST {
            let held = self.captures.iter().position(|entry| !entry.capture.is_cutting());
            let mut oldest = self.captures.remove(held.unwrap_or(0));
            oldest.capture.abandon();
            self.displaced += 1;
            self.report(&mut oldest);
        }
        let capture = Capture::new(spec, anchor);
        // One is the rule, and a vector would begin with four.
        self.captures.reserve_exact(1);
        self.captures.push(Entry { id, taps, capture, is_reported: false });
    }

    /// Gives every capture that listens to the frame's tap what it holds.
    pub fn frame(&mut self, frame: &Frame<'_>) {
        let mut has_ended = false;
        for Entry { taps, capture, .. } in &mut self.captures {
            if taps.received == frame.tap {
                has_ended |= capture.received(frame.at, frame.payload);
            } else if taps.sent == Some(frame.tap) {
                capture.sent(frame.at, frame.payload);
            }
        }
        if has_ended {
            self.settle();
        }
    }

    /// The far end pressed a key just now: at the position that its track has reached. It is written into indexes, but for those of
    /// captures that hear nothing of the customer just then.
    pub fn key(&mut self, key: Digit) {
        self.captures.iter_mut().for_each(|entry| entry.capture.key(key));
    }

    /// Audio of the far end came late or was left out, as the ledger of its timeline says ([`Cause::is_silence`] is false).
    pub fn remark(&mut self, samples: u64, cause: Cause) {
        self.captures.iter_mut().for_each(|entry| entry.capture.remark(samples, cause));
    }

    /// Gives a capture its upload: everything held, and from here on everything as it comes.
    pub fn attach(&mut self, id: CaptureId, upload: Box<dyn Upload>) {
        self.with(id, |capture| capture.attach(upload));
    }

    /// From here on captures only these tracks; the others are silent.
    pub fn only(&mut self, id: CaptureId, tracks: Tracks) {
        self.with(id, |capture| capture.only(tracks));
    }

    /// Ends a capture at the last frame that came. Everything of it will be in its stream: if it has no upload yet, it waits for it.
    pub fn close(&mut self, id: CaptureId) {
        self.with(id, Capture::finish);
    }

    /// Ends a capture that no Start block has succeeded with. If it has no upload yet, nothing of it will ever be in a stream; if it has
    /// one, the stream may hold its beginning already, and it ends in good order.
    pub fn abandon(&mut self, id: CaptureId) {
        self.with(id, Capture::abandon);
    }

    /// Ends all captures as [`Self::close`] does: the leg is over.
    pub fn close_all(&mut self) {
        self.captures.iter_mut().for_each(|entry| entry.capture.finish());
        self.settle();
    }

    /// A capture that has ended since the last call, with what it did. Each is given once.
    pub fn poll_finished(&mut self) -> Option<(CaptureId, CaptureStats)> {
        self.finished.pop_front()
    }

    /// Whether anything would come of a frame.
    pub fn is_cutting(&self) -> bool {
        self.captures.iter().any(|entry| entry.capture.is_cutting())
    }

    /// Whether a capture of these waits for its upload, open or closed.
    pub fn awaits_upload(&self) -> bool {
        self.captures.iter().any(|entry| entry.capture.awaits_upload())
    }

    /// How many captures were given up to make room since the last call.
    pub fn take_displaced(&mut self) -> u64 {
        std::mem::take(&mut self.displaced)
    }

    fn with(&mut self, id: CaptureId, action: impl FnOnce(&mut Capture)) {
        if let Some(entry) = self.captures.iter_mut().find(|entry| entry.id == id) {
            action(&mut entry.capture);
            self.settle();
        }
    }

    /// Reports those that cut no more, and lets those go that are over.
    fn settle(&mut self) {
        let mut captures = std::mem::take(&mut self.captures);
        for entry in captures.iter_mut().filter(|entry| !entry.capture.is_cutting()) {
            self.report(entry);
        }
        captures.retain(|entry| entry.capture.is_cutting() || entry.capture.awaits_upload());
        self.captures = captures;
    }

    fn report(&mut self, entry: &mut Entry) {
        if !std::mem::replace(&mut entry.is_reported, true) {
            if self.finished.len() == FINISHED {
                self.finished.pop_front();
            }
            self.finished.push_back((entry.id, entry.capture.stats()));
        }
    }
}

/// Ended captures whose stats may wait to be taken. They are taken after every command, so that two are many.
const FINISHED: usize = 2 * Captures::MOST;

#[cfg(test)]
#[path = "captures_tests.rs"]
mod tests;

use super::{EntryKey, News};
use crate::Effect;
use crate::context::Context;
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_types::{CaptureId, FragmentNumber, LegId, Mono, StreamArn, WallTime};

/// A capture that was told to stop, until its session is over.
pub(super) struct Closing {
    leg: LegId,
    capture: CaptureId,
    /// When it was told.
    stopped: WallTime,
    entry: Entry,
    /// Until when it is waited for; news that come later are still taken.
    deadline: Option<Mono>,
    has_session: bool,
    ledger: Ledger,
}

/// How far the ledger of a capture has come.
enum Ledger {
    /// The capture has not said what it cut.
    Awaited,
    /// It has, and the contact has no entry for it yet.
    Held(CaptureLedger),
    /// It is in the contact.
    Kept,
}

/// What the contact says of the capture.
pub(super) enum Entry {
    /// It has an entry.
    At(EntryKey),
    /// It was stopped before its lead-in was safe. On the same stream it belongs to the entry of the one that it follows, which broke.
    Unborn { began: WallTime, stream: Option<StreamArn>, follows: Option<EntryKey> },
}

impl Closing {
    pub(super) fn new(
        leg: LegId,
        capture: CaptureId,
        stopped: WallTime,
        entry: Entry,
        deadline: Option<Mono>,
    ) -> Self {
        Self { leg, capture, stopped, entry, deadline, has_session: true, ledger: Ledger::Awaited }
    }

    /// Of a capture that broke: only its ledger is still to come.
    pub(super) fn without_session(leg: LegId, capture: CaptureId, stopped: WallTime, entry: Entry) -> Self {
        Self { has_session: false, ..Self::new(leg, capture, stopped, entry, None) }
    }

    /// Whether nothing more can come of it that the contact would hold.
    pub(super) fn is_over(&self) -> bool {
        let awaits_ledger = matches!((&self.entry, &self.ledger), (Entry::At(_), Ledger::Awaited));
        !self.has_session && !awaits_ledger
    }

    pub(super) fn session_is_over(&mut self, cx: &mut Context) -> Option<News> {
        self.has_session = false;
        self.brought_nothing(cx).then_some(News::Amended)
    }

    /// An attempt to go on of which no fragment was safe in time: what it captured is lost. True where the contact has changed.
    fn brought_nothing(&mut self, cx: &mut Context) -> bool {
        let Entry::Unborn { began, follows, .. } = &mut self.entry else { return false };
        let Some(entry) = follows.take() else { return false };
        entry.not_captured(cx, *began, self.stopped);
        true
    }

    /// It has cut its last sample.
    pub(super) fn finished(&mut self, cx: &mut Context, ledger: CaptureLedger) -> Option<News> {
        if matches!(self.ledger, Ledger::Awaited) {
            self.ledger = Ledger::Held(ledger);
        }
        self.keep_ledger(cx)
    }

    /// Puts the ledger into the entry, once there are both.
    fn keep_ledger(&mut self, cx: &mut Context) -> Option<News> {
        let Entry::At(key) = &self.entry else { return None };
        match std::mem::replace(&mut self.ledger, Ledger::Kept) {
            Ledger::Held(ledger) => key.ledger(cx, ledger),
            other => {
                self.ledger = other;
                None
            }
        }
    }

    pub(super) fn capture(&self) -> CaptureId {
        self.capture
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        self.deadline
    }

    pub(super) fn is_waited_for(&self) -> bool {
        self.deadline.is_some()
    }

    pub(super) fn entry_key(&self) -> Option<&EntryKey> {
        match &self.entry {
            Entry::At(key) => Some(key),
            Entry::Unborn { .. } => None,
        }
    }

    /// The contact ends: a capture of which the record tells, or will tell, is waited for again where a Stop block has given it up.
    pub(super) fn is_wanted_until(&mut self, deadline: Mono) {
        let is_told_of = matches!(self.entry, Entry::At(_) | Entry::Unborn { stream: Some(_), .. });
        if self.has_session && is_told_of {
            self.deadline = self.deadline.max(Some(deadline));
        }
    }

    /// From now on it is not waited for. True where it was, and the time is over.
    pub(super) fn gives_up(&mut self, now: Mono) -> bool {
        self.deadline.take_if(|deadline| *deadline <= now).is_some()
    }

    /// Its upload is open: what was captured until it stopped is still written.
    pub(super) fn opened(&mut self, cx: &mut Context, opened: StreamArn) {
        if let Entry::Unborn { stream: stream @ None, .. } = &mut self.entry {
            *stream = Some(opened);
            cx.emit(Effect::AttachUpload { leg: self.leg, capture: self.capture });
        }
    }

    /// One more fragment is safe: it is the last one so far. True where the contact has changed.
    pub(super) fn acknowledged(&mut self, cx: &mut Context, number: FragmentNumber) -> bool {
        let (began, key) = match &self.entry {
            Entry::At(key) => return raise(cx, key, number),
            Entry::Unborn { stream: None, .. } => return false,
            Entry::Unborn { stream: Some(stream), follows: Some(key), .. } if key.stream == *stream => {
                let key = key.clone();
                let has_changed = raise(cx, &key, number);
                self.entry = Entry::At(key);
                return self.keep_ledger(cx).is_some() || has_changed;
            }
            Entry::Unborn { began, stream: Some(stream), .. } => {
                (*began, EntryKey { stream: stream.clone(), first: number })
            }
        };
        let mut audio = key.audio(began);
        audio.stop_timestamp = Some(self.stopped);
        audio.stop_fragment_number = Some(number);
        let captures = &mut cx.edit().captures;
        // The last entry is the one that flows see: a capture that began later stays behind this one.
        let place = captures.partition_point(|audio| audio.start_timestamp <= began);
        captures.insert(place, audio);
        self.entry = Entry::At(key);
        self.keep_ledger(cx);
        true
    }
}

/// Moves the end of an entry that has one. The entry of a capture that went on after a break may not.
fn raise(cx: &mut Context, key: &EntryKey, number: FragmentNumber) -> bool {
    cx.edit_audio(
        |contact| key.find(contact).filter(|audio| audio.stop_fragment_number.is_some()),
        |audio| {
            audio.stop_fragment_number = audio.stop_fragment_number.max(Some(number));
        },
    )
}

//! The live media streaming of one contact: what its Start and Stop blocks have asked for and how far that is.
//!
//! It keeps [`Contact::captures`](crate::Contact::captures) true: an entry appears when the lead-in of a capture is safe, and has its
//! stop values from the Stop block on. It belongs to the contact and captures the customer's leg: a capture goes on across flows.
//!
//! | state | `start` | `stop` | opened | acknowledged | failed, closed | the deadline |
//! |---|---|---|---|---|---|---|
//! | idle | opening | - | the upload is dropped | - | - | - |
//! | opening | - | idle; the capture closes | the upload is attached | running: started | idle: not started; the capture is abandoned | as failed |
//! | running | -; reopening where it asks for more, the capture closes | idle; the capture closes | - | - | reopening: broke | - |
//! | reopening | - | idle; the capture closes | the upload is attached | running: resumed | broken; the capture is abandoned | -: broke; the second one: as failed |
//! | broken | - | idle | - | - | - | reopening |
//!
//! An attempt to go on captures from its first sample, as long as its upload is late: what it holds is handed on at once when the upload
//! is there, and nothing is lost. What is lost, between a break and the attempt that came to run, is in the ledger of the entry.
//!
//! A capture that closes stays known until its session is over and its ledger has come, however late that is: what is still acknowledged of it is in the record.
//! So does one that was abandoned with its upload open, because its stream may hold its beginning. An upload that comes for a capture
//! that is not known any more is dropped unused.

mod closing;

use crate::context::Context;
use crate::{CaptureEvent, CaptureRequest, Contact, CustomerAudio, Effect};
use closing::{Closing, Entry};
use tympan_telephony::capture_ledger::CaptureLedger;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::words::Tracks;
use tympan_types::{CaptureId, FragmentNumber, LegId, Mono, StreamArn, WallTime};

/// So long an attempt to go on waits for its first fragment to be safe: less than a capture of two tracks holds without an upload.
const GO_ON_LIMIT_MS: u32 = 15_000;

/// Captures that close and are remembered; beyond that the oldest one that no block waits for is forgotten.
const CLOSING_MAX: usize = 8;

/// The live media streaming of one contact.
#[derive(Default)]
pub(crate) struct Streaming {
    state: State,
    closing: Vec<Closing>,
}

#[derive(Default)]
enum State {
    /// Nothing is captured.
    #[default]
    Idle,
    /// A capture waits for its lead-in to be safe.
    Opening(Opening),
    /// The customer is being captured; `last` is the newest fragment that is safe.
    Running { leg: LegId, capture: CaptureId, request: CaptureRequest, entry: EntryKey, last: FragmentNumber },
    /// The capture broke in mid-call and will be tried again.
    Broken { leg: LegId, request: CaptureRequest, broken: Broken, retry_at: Mono },
}

struct Opening {
    leg: LegId,
    capture: CaptureId,
    request: CaptureRequest,
    began: WallTime,
    stream: Option<StreamArn>,
    deadline: Mono,
    /// The capture before this one, which broke; `None` in a Start block.
    broken: Option<Broken>,
    /// The limit of a Start block has passed.
    is_late: bool,
    ledger: Option<CaptureLedger>,
}

/// A capture that broke.
#[derive(Clone)]
struct Broken {
    entry: EntryKey,
    last: FragmentNumber,
    /// When: nothing after it is captured yet.
    since: WallTime,
    /// Attempts since.
    attempts: u32,
}

/// Finds the entry of a capture in the contact: a fragment number comes once in a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
struct EntryKey {
    stream: StreamArn,
    first: FragmentNumber,
}

/// What became of a Start or Stop block, or of a capture in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum News {
    /// The capture that a Start block asked for runs.
    Started,
    /// It does not.
    NotStarted { reason: String },
    /// A capture that runs broke; it is tried again.
    Broke { reason: String },
    /// It runs again.
    Resumed,
    /// The capture that was told to stop is over, or took too long to say so.
    Stopped,
    /// The contact's entry of a capture has changed after all that.
    Amended,
}

impl Streaming {
    /// Whether anything is captured, or tried to.
    pub(crate) fn is_started(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    /// Captures these tracks as well. `true` when [`News::Resumed`] or [`News::Broke`] will follow, `false` when there is nothing to wait for.
    ///
    /// The tracks of an upload stand in its header: a second one begins at the sample at which the first one ends, on the same stream.
    pub(crate) fn widen(&mut self, cx: &mut Context, tracks: Tracks) -> bool {
        let wanted = self.tracks().with(tracks);
        match &mut self.state {
            State::Running { request, .. } if request.tracks != wanted => {}
            State::Broken { request, .. } => {
                request.tracks = wanted;
                return false;
            }
            _ => return false,
        }
        let State::Running { leg, capture, mut request, entry, last } = std::mem::take(&mut self.state)
        else {
            return false;
        };
        cx.emit(Effect::CloseCapture { leg, capture });
        self.closes(Closing::new(leg, capture, cx.now.wall, Entry::At(entry.clone()), None));
        request.tracks = wanted;
        request.goes_on = true;
        self.open(cx, leg, request, Some(Broken { entry, last, since: cx.now.wall, attempts: 0 }));
        true
    }

    /// Whether a stopped capture is waited for.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.iter().any(Closing::is_waited_for)
    }

    pub(crate) fn start(&mut self, cx: &mut Context, leg: LegId, request: CaptureRequest) {
        self.open(cx, leg, request, None);
    }

    /// Stops these tracks. `true` when [`News::Stopped`] will follow, `false` when there is nothing to wait for.
    pub(crate) fn stop(&mut self, cx: &mut Context, tracks: Tracks, limit_ms: u32) -> bool {
        let remaining = self.tracks().without(tracks);
        if remaining.any() {
            self.only(cx, remaining);
            return false;
        }
        let (leg, capture, entry, ledger) = match std::mem::take(&mut self.state) {
            State::Idle => return false,
            State::Running { leg, capture, entry, last, .. } => {
                entry.stop(cx, last);
                (leg, capture, Entry::At(entry), None)
            }
            State::Opening(Opening { leg, capture, began, stream, broken: None, ledger, .. }) => {
                (leg, capture, Entry::Unborn { began, stream, follows: None }, ledger)
            }
            State::Opening(Opening { leg, capture, began, stream, broken: Some(broken), ledger, .. }) => {
                broken.entry.not_captured(cx, broken.since, began);
                broken.entry.stop(cx, broken.last);
                (leg, capture, Entry::Unborn { began, stream, follows: Some(broken.entry) }, ledger)
            }
            State::Broken { broken: Broken { entry, last, since, .. }, .. } => {
                let now = cx.now.wall;
                entry.not_captured(cx, since, now);
                entry.stop(cx, last);
                return false;
            }
        };
        cx.emit(Effect::CloseCapture { leg, capture });
        let deadline = Some(cx.in_ms(limit_ms));
        let mut closing = Closing::new(leg, capture, cx.now.wall, entry, deadline);
        if let Some(ledger) = ledger {
            closing.finished(cx, ledger);
        }
        self.closes(closing);
        true
    }

    /// The contact ends: stops all, and waits for each capture of which the record tells, also where a Stop block has not.
    pub(crate) fn end(&mut self, cx: &mut Context, limit_ms: u32) {
        self.stop(cx, Tracks::BOTH, limit_ms);
        let deadline = cx.in_ms(limit_ms);
        self.closing.iter_mut().for_each(|closing| closing.is_wanted_until(deadline));
    }

    pub(crate) fn event(&mut self, cx: &mut Context, which: CaptureId, event: CaptureEvent) -> Option<News> {
        if let Some(place) = self.closing.iter().position(|closing| closing.capture() == which) {
            return self.closing_event(cx, place, event);
        }
        match &mut self.state {
            State::Opening(opening) if opening.capture == which => match event {
                CaptureEvent::Opened { stream } => {
                    if opening.stream.is_none() {
                        opening.stream = Some(stream);
                        cx.emit(Effect::AttachUpload { leg: opening.leg, capture: which });
                    }
                    None
                }
                CaptureEvent::Acknowledged { number } => self.opened(cx, number),
                // Its leg is gone: what it holds waits for its upload.
                CaptureEvent::Finished { ledger } => {
                    opening.ledger = Some(ledger);
                    None
                }
                CaptureEvent::Failed { reason } => Some(self.failed(cx, reason)),
                CaptureEvent::Closed => {
                    let reason = "the upload ended before its first fragment was acknowledged".to_owned();
                    Some(self.failed(cx, reason))
                }
            },
            State::Running { capture, last, entry, .. } if *capture == which => match event {
                CaptureEvent::Opened { .. } => None,
                CaptureEvent::Finished { ledger } => entry.ledger(cx, ledger),
                CaptureEvent::Acknowledged { number } => {
                    *last = number.max(*last);
                    None
                }
                CaptureEvent::Failed { reason } => Some(self.broke(cx, reason)),
                CaptureEvent::Closed => Some(self.broke(cx, "the upload ended by itself".to_owned())),
            },
            _ => {
                if let CaptureEvent::Opened { .. } = event {
                    cx.emit(Effect::DropUpload { capture: which });
                }
                None
            }
        }
    }

    pub(crate) fn time_passed(&mut self, cx: &mut Context) -> Option<News> {
        // All of them whose time is over: the end of a contact gives several the same.
        if self.closing.iter_mut().map(|closing| closing.gives_up(cx.now.mono)).fold(false, bool::max) {
            return Some(News::Stopped);
        }
        match &mut self.state {
            State::Opening(opening) if opening.deadline <= cx.now.mono => {
                let waited_ms = cx.now.wall.ms_since(opening.began);
                let reason = format!("the first fragment was not acknowledged within {waited_ms} ms");
                if opening.broken.is_some() && !opening.is_late {
                    opening.is_late = true;
                    opening.deadline = cx.in_ms(GO_ON_LIMIT_MS.saturating_sub(cx.options.start_limit_ms));
                    return Some(News::Broke { reason });
                }
                let Opening { leg, capture, began, ref stream, ref broken, ref ledger, .. } = *opening;
                cx.emit(Effect::AbandonCapture { leg, capture });
                // The stream may hold the beginning of an attempt already.
                if let Some(stream) = stream.clone() {
                    let follows = broken.as_ref().map(|broken| broken.entry.clone());
                    let entry = Entry::Unborn { began, stream: Some(stream), follows };
                    let mut closing = Closing::new(leg, capture, cx.now.wall, entry, None);
                    if let Some(ledger) = ledger.clone() {
                        closing.finished(cx, ledger);
                    }
                    self.closes(closing);
                }
                Some(self.not_opened(cx, reason))
            }
            State::Broken { leg, request, broken, retry_at } if *retry_at <= cx.now.mono => {
                let (leg, mut request, broken) = (*leg, request.clone(), broken.clone());
                request.goes_on = false;
                self.open(cx, leg, request, Some(broken));
                None
            }
            _ => None,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Mono> {
        let state = match &self.state {
            State::Idle | State::Running { .. } => None,
            State::Opening(opening) => Some(opening.deadline),
            State::Broken { retry_at, .. } => Some(*retry_at),
        };
        state.into_iter().chain(self.closing.iter().filter_map(Closing::deadline)).min()
    }

    fn open(&mut self, cx: &mut Context, leg: LegId, request: CaptureRequest, broken: Option<Broken>) {
        let capture = cx.next_capture();
        cx.emit(Effect::OpenCapture { leg, capture, request: request.clone() });
        let deadline = cx.in_ms(cx.options.start_limit_ms);
        let began = cx.now.wall;
        self.state = State::Opening(Opening {
            leg,
            capture,
            request,
            began,
            stream: None,
            deadline,
            broken,
            is_late: false,
            ledger: None,
        });
    }

    /// The lead-in is safe.
    fn opened(&mut self, cx: &mut Context, number: FragmentNumber) -> Option<News> {
        let opening = match std::mem::take(&mut self.state) {
            State::Opening(opening) => opening,
            other => {
                self.state = other;
                return None;
            }
        };
        let Some(stream) = opening.stream.clone() else {
            // An acknowledgement of no stream says nothing.
            self.state = State::Opening(opening);
            return None;
        };
        let Opening { leg, capture, request, began, broken, ledger, .. } = opening;
        let news = if broken.is_some() { News::Resumed } else { News::Started };
        let since = broken.as_ref().map(|broken| broken.since);
        let entry = match broken {
            // On the same stream one entry spans the break.
            Some(broken) if broken.entry.stream == stream => broken.entry,
            broken => {
                if let Some(broken) = broken {
                    broken.entry.stop_at(cx, began, broken.last);
                }
                let entry = EntryKey { stream, first: number };
                cx.edit().captures.push(entry.audio(began));
                entry
            }
        };
        if let Some(since) = since {
            entry.not_captured(cx, since, began);
        }
        if let Some(ledger) = ledger {
            entry.ledger(cx, ledger);
        }
        self.state = State::Running { leg, capture, request, entry, last: number };
        Some(news)
    }

    /// The attempt has failed: nothing comes of it.
    fn failed(&mut self, cx: &mut Context, reason: String) -> News {
        if let State::Opening(Opening { leg, capture, .. }) = self.state {
            cx.emit(Effect::AbandonCapture { leg, capture });
        }
        self.not_opened(cx, reason)
    }

    /// The lead-in will never be safe.
    fn not_opened(&mut self, cx: &mut Context, reason: String) -> News {
        let State::Opening(Opening { leg, request, broken: Some(broken), .. }) =
            std::mem::take(&mut self.state)
        else {
            return News::NotStarted { reason };
        };
        let attempts = broken.attempts.saturating_add(1);
        let retry_at = cx.now.mono.plus_ms(retry_after_ms(attempts));
        self.state = State::Broken { leg, request, broken: Broken { attempts, ..broken }, retry_at };
        News::Broke { reason }
    }

    /// A running capture broke: try again at once, and then ever more slowly.
    fn broke(&mut self, cx: &mut Context, reason: String) -> News {
        if let State::Running { leg, capture, request, entry, last } = std::mem::take(&mut self.state) {
            cx.emit(Effect::CloseCapture { leg, capture });
            self.closes(Closing::without_session(leg, capture, cx.now.wall, Entry::At(entry.clone())));
            self.open(cx, leg, request, Some(Broken { entry, last, since: cx.now.wall, attempts: 0 }));
        }
        News::Broke { reason }
    }

    fn closing_event(&mut self, cx: &mut Context, place: usize, event: CaptureEvent) -> Option<News> {
        match event {
            CaptureEvent::Opened { stream } => {
                self.closing.get_mut(place)?.opened(cx, stream);
                None
            }
            CaptureEvent::Acknowledged { number } => {
                let closing = self.closing.get_mut(place)?;
                if closing.acknowledged(cx, number) {
                    return Some(News::Amended);
                }
                let key = closing.entry_key()?.clone();
                self.newer(&key, number);
                None
            }
            CaptureEvent::Finished { ledger } => {
                let news = self.closing.get_mut(place)?.finished(cx, ledger);
                self.settle(place).or(news)
            }
            CaptureEvent::Closed | CaptureEvent::Failed { .. } => {
                let news = self.closing.get_mut(place)?.session_is_over(cx);
                self.settle(place).or(news)
            }
        }
    }

    /// A capture of which nothing more can come is not remembered.
    fn settle(&mut self, place: usize) -> Option<News> {
        let is_over = self.closing.get(place).is_some_and(Closing::is_over);
        (is_over && self.closing.remove(place).is_waited_for()).then_some(News::Stopped)
    }

    /// A late fragment of a stream whose entry still runs: the entry cannot end before it.
    fn newer(&mut self, key: &EntryKey, number: FragmentNumber) {
        let (entry, last) = match &mut self.state {
            State::Running { entry, last, .. } => (entry, last),
            State::Opening(Opening { broken: Some(broken), .. }) | State::Broken { broken, .. } => {
                (&mut broken.entry, &mut broken.last)
            }
            State::Idle | State::Opening(_) => return,
        };
        if entry == key {
            *last = number.max(*last);
        }
    }

    fn closes(&mut self, closing: Closing) {
        if self.closing.len() >= CLOSING_MAX
            && let Some(oldest) = self.closing.iter().position(|closing| !closing.is_waited_for())
        {
            self.closing.remove(oldest);
        }
        self.closing.push(closing);
    }

    /// What is being captured, or tried to.
    fn tracks(&self) -> Tracks {
        match &self.state {
            State::Idle => Tracks::NONE,
            State::Opening(Opening { request, .. })
            | State::Running { request, .. }
            | State::Broken { request, .. } => request.tracks,
        }
    }

    fn only(&mut self, cx: &mut Context, tracks: Tracks) {
        let (leg, capture, request) = match &mut self.state {
            State::Idle => return,
            State::Opening(Opening { leg, capture, request, .. })
            | State::Running { leg, capture, request, .. } => (*leg, Some(*capture), request),
            State::Broken { leg, request, .. } => (*leg, None, request),
        };
        if request.tracks != tracks {
            request.tracks = tracks;
            if let Some(capture) = capture {
                cx.emit(Effect::CaptureOnly { leg, capture, tracks });
            }
        }
    }
}

impl EntryKey {
    fn audio(&self, began: WallTime) -> CustomerAudio {
        CustomerAudio {
            stream_arn: self.stream.clone(),
            start_timestamp: began,
            stop_timestamp: None,
            start_fragment_number: self.first,
            stop_fragment_number: None,
            ledger: None,
        }
    }

    fn ledger(&self, cx: &mut Context, ledger: CaptureLedger) -> Option<News> {
        cx.edit_audio(|contact| self.find(contact), |audio| audio.add_ledger(ledger.clone()))
            .then_some(News::Amended)
    }

    /// Nothing was captured in this time. A sample is an eighth of a millisecond.
    fn not_captured(&self, cx: &mut Context, from: WallTime, to: WallTime) {
        let samples = u64::try_from(to.ms_since(from)).unwrap_or_default() * 8;
        if samples > 0 {
            cx.edit_audio(
                |contact| self.find(contact),
                |audio| audio.ledger.get_or_insert_default().remark(samples, Cause::Break),
            );
        }
    }

    fn find<'a>(&self, contact: &'a mut Contact) -> Option<&'a mut CustomerAudio> {
        let is_it = |audio: &&mut CustomerAudio| {
            audio.start_fragment_number == self.first && audio.stream_arn == self.stream
        };
        contact.captures.iter_mut().rev().find(is_it)
    }

    /// The last fragment is `last` as far as is known now; acknowledgements to come may name a later one.
    fn stop(&self, cx: &mut Context, last: FragmentNumber) {
        let at = cx.now.wall;
        self.stop_at(cx, at, last);
    }

    fn stop_at(&self, cx: &mut Context, at: WallTime, last: FragmentNumber) {
        cx.edit_audio(
            |contact| self.find(contact),
            |audio| {
                audio.stop_timestamp = Some(at);
                audio.stop_fragment_number = Some(last);
            },
        );
    }
}

/// One second, doubling up to 16.
fn retry_after_ms(attempts: u32) -> i64 {
    1_000 << attempts.saturating_sub(1).min(4)
}

use super::{CallOptions, CallOutput, CaptureEvent, CaptureRequest};
use crate::{Contact, CustomerAudio};
use std::collections::VecDeque;
use tympan_telephony::words::Tracks;
use tympan_types::{CaptureId, FragmentNumber, StreamArn, WallTime};

/// The live media streaming of one call: what its Start and Stop blocks have asked for and how far that is.
///
/// It keeps `Contact::captures` true: an entry appears when the lead-in of a capture is safe, and has its stop
/// values from the Stop block on.
#[derive(Default)]
pub(super) struct Streaming {
    state: State,
    /// Captures that are over for the flow, and of which a fragment may still become safe. Oldest first.
    closing: Vec<Closing>,
    last_capture: u64,
}

/// How many captures may be waited for at once: each that was stopped, or whose Start block failed with its upload open.
const CLOSING: usize = 4;

#[derive(Default)]
enum State {
    /// Nothing is captured.
    #[default]
    Idle,
    /// A capture waits for its lead-in to be safe.
    Opening(Opening),
    /// The customer is being captured; `last` is the newest fragment that is safe.
    Running { capture: CaptureId, request: CaptureRequest, last: FragmentNumber },
    /// The capture broke in mid-call and will be tried again.
    Broken { request: CaptureRequest, last: FragmentNumber, attempt: u32, retry_at: WallTime },
}

struct Opening {
    capture: CaptureId,
    request: CaptureRequest,
    began: WallTime,
    stream: Option<StreamArn>,
    deadline: WallTime,
    /// The capture before this one, which broke; `None` in a Start block.
    broken: Option<Attempt>,
}

#[derive(Clone, Copy)]
struct Attempt {
    last: FragmentNumber,
    number: u32,
}

/// A capture that was told to stop, until its last fragment is safe.
struct Closing {
    capture: CaptureId,
    stopped: WallTime,
    entry: Entry,
    /// Until when somebody waits for it; news that come later are still taken.
    deadline: Option<WallTime>,
}

enum Entry {
    /// The one of `Contact::captures` that begins here.
    At { stream: StreamArn, start: FragmentNumber },
    /// It was stopped, or its Start block failed, before its lead-in was safe.
    Unborn { began: WallTime, stream: Option<StreamArn> },
    /// It was to go on with a capture that broke, and took too long. On the same stream it belongs to that one's entry.
    Late { began: WallTime, stream: Option<StreamArn> },
}

/// What became of a Start or Stop block, or of a capture in between.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
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
    /// Whether a Start block has nothing left to do.
    pub(super) fn is_started(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    /// Whether somebody waits for a stopped capture to be over.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.iter().any(|closing| closing.deadline.is_some())
    }

    pub(super) fn start(
        &mut self,
        now: WallTime,
        request: CaptureRequest,
        options: &CallOptions,
        outputs: &mut VecDeque<CallOutput>,
    ) {
        self.open(now, request, None, options, outputs);
    }

    /// Stops these tracks. `true` when [`News::Stopped`] will follow, `false` when there is nothing to wait for.
    pub(super) fn stop(
        &mut self,
        now: WallTime,
        tracks: Tracks,
        limit_ms: u32,
        contact: &mut Contact,
        outputs: &mut VecDeque<CallOutput>,
    ) -> bool {
        let remaining = self.tracks().without(tracks);
        if remaining.any() {
            self.only(remaining, outputs);
            return false;
        }
        let (capture, entry) = match std::mem::take(&mut self.state) {
            State::Idle => return false,
            State::Running { capture, last, .. } => {
                stop_last(contact, now, last);
                (capture, contact.captures.last().map(Entry::of))
            }
            State::Opening(Opening { capture, began, stream, broken: None, .. }) => {
                (capture, Some(Entry::Unborn { began, stream }))
            }
            State::Opening(Opening { capture, broken: Some(Attempt { last, .. }), .. }) => {
                stop_last(contact, now, last);
                (capture, None)
            }
            State::Broken { last, .. } => {
                stop_last(contact, now, last);
                return false;
            }
        };
        outputs.push_back(CallOutput::CloseCapture { capture });
        let Some(entry) = entry else { return false };
        self.close(Closing { capture, stopped: now, entry, deadline: Some(now.plus_ms(limit_ms.into())) });
        true
    }

    fn close(&mut self, closing: Closing) {
        if self.closing.len() == CLOSING {
            self.closing.remove(0);
        }
        self.closing.push(closing);
    }

    pub(super) fn event(
        &mut self,
        now: WallTime,
        which: CaptureId,
        event: CaptureEvent,
        options: &CallOptions,
        contact: &mut Contact,
        outputs: &mut VecDeque<CallOutput>,
    ) -> Option<News> {
        if let Some(place) = self.closing.iter().position(|closing| closing.capture == which) {
            return self.closing_event(place, event, contact);
        }
        match &mut self.state {
            State::Opening(opening) if opening.capture == which => match event {
                CaptureEvent::Opened { stream } => {
                    opening.stream = Some(stream);
                    None
                }
                CaptureEvent::Acknowledged { number } => self.opened(number, contact),
                CaptureEvent::Failed { reason } => Some(self.not_opened(now, reason, outputs)),
                CaptureEvent::Closed => {
                    let reason = "the upload ended before its first fragment was acknowledged".to_owned();
                    Some(self.not_opened(now, reason, outputs))
                }
            },
            State::Running { capture, last, .. } if *capture == which => match event {
                CaptureEvent::Opened { .. } => None,
                CaptureEvent::Acknowledged { number } => {
                    *last = number.max(*last);
                    None
                }
                CaptureEvent::Failed { reason } => Some(self.broke(now, reason, options, outputs)),
                CaptureEvent::Closed => {
                    Some(self.broke(now, "the upload ended by itself".to_owned(), options, outputs))
                }
            },
            _ => None,
        }
    }

    pub(super) fn time_passed(
        &mut self,
        now: WallTime,
        options: &CallOptions,
        outputs: &mut VecDeque<CallOutput>,
    ) -> Option<News> {
        let is_due = |closing: &&mut Closing| closing.deadline.is_some_and(|deadline| deadline <= now);
        if let Some(closing) = self.closing.iter_mut().find(is_due) {
            closing.deadline = None;
            return Some(News::Stopped);
        }
        match &self.state {
            State::Opening(opening) if opening.deadline <= now => {
                let waited_ms = now.ms_since(opening.began);
                let reason = format!("the first fragment was not acknowledged within {waited_ms} ms");
                Some(self.not_opened(now, reason, outputs))
            }
            State::Broken { request, last, attempt, retry_at } if *retry_at <= now => {
                let broken = Some(Attempt { last: *last, number: *attempt });
                let request = request.clone();
                self.open(now, request, broken, options, outputs);
                None
            }
            _ => None,
        }
    }

    pub(super) fn deadline(&self) -> Option<WallTime> {
        let state = match &self.state {
            State::Idle | State::Running { .. } => None,
            State::Opening(opening) => Some(opening.deadline),
            State::Broken { retry_at, .. } => Some(*retry_at),
        };
        let closing = self.closing.iter().filter_map(|closing| closing.deadline);
        state.into_iter().chain(closing).min()
    }

    fn open(
        &mut self,
        now: WallTime,
        request: CaptureRequest,
        broken: Option<Attempt>,
        options: &CallOptions,
        outputs: &mut VecDeque<CallOutput>,
    ) {
        self.last_capture += 1;
        let capture = CaptureId::new(self.last_capture);
        outputs.push_back(CallOutput::OpenCapture { capture, request: request.clone() });
        let deadline = now.plus_ms(options.start_limit_ms.into());
        self.state = State::Opening(Opening { capture, request, began: now, stream: None, deadline, broken });
    }

    /// The lead-in is safe.
    fn opened(&mut self, number: FragmentNumber, contact: &mut Contact) -> Option<News> {
        let Opening { capture, request, began, stream, broken, deadline } =
            match std::mem::take(&mut self.state) {
                State::Opening(opening) => opening,
                other => {
                    self.state = other;
                    return None;
                }
            };
        let Some(stream) = stream else {
            // Nobody has said which stream this is about.
            self.state = State::Opening(Opening { capture, request, began, stream, deadline, broken });
            return None;
        };
        let goes_on = contact.customer_audio().is_some_and(|audio| audio.stream_arn == stream);
        match broken {
            // On the same stream one entry spans the break.
            Some(_) if goes_on => {}
            Some(Attempt { last, .. }) => {
                stop_last(contact, began, last);
                contact.captures.push(entry(stream, began, number));
            }
            None => contact.captures.push(entry(stream, began, number)),
        }
        self.state = State::Running { capture, request, last: number };
        Some(if broken.is_some() { News::Resumed } else { News::Started })
    }

    /// The lead-in will never be safe.
    fn not_opened(&mut self, now: WallTime, reason: String, outputs: &mut VecDeque<CallOutput>) -> News {
        if let State::Opening(opening) = std::mem::take(&mut self.state) {
            let Opening { capture, request, began, stream, broken, .. } = opening;
            let entry = if broken.is_some() {
                // The call goes on to capture: what this attempt holds is wanted, as late as it may come.
                outputs.push_back(CallOutput::CloseCapture { capture });
                Some(Entry::Late { began, stream })
            } else {
                outputs.push_back(CallOutput::AbandonCapture { capture });
                // With its upload open the stream may hold its beginning: then the contact is to say so.
                stream.map(|stream| Entry::Unborn { began, stream: Some(stream) })
            };
            if let Some(entry) = entry {
                self.close(Closing { capture, stopped: now, entry, deadline: None });
            }
            if let Some(Attempt { last, number }) = broken {
                let attempt = number.saturating_add(1);
                let retry_at = now.plus_ms(retry_after_ms(attempt));
                self.state = State::Broken { request, last, attempt, retry_at };
                return News::Broke { reason };
            }
        }
        News::NotStarted { reason }
    }

    /// A running capture broke: try again at once, and then ever more slowly.
    fn broke(
        &mut self,
        now: WallTime,
        reason: String,
        options: &CallOptions,
        outputs: &mut VecDeque<CallOutput>,
    ) -> News {
        if let State::Running { capture, request, last } = std::mem::take(&mut self.state) {
            outputs.push_back(CallOutput::CloseCapture { capture });
            self.open(now, request, Some(Attempt { last, number: 0 }), options, outputs);
        }
        News::Broke { reason }
    }

    fn closing_event(&mut self, place: usize, event: CaptureEvent, contact: &mut Contact) -> Option<News> {
        let closing = self.closing.get_mut(place)?;
        match event {
            CaptureEvent::Opened { stream: opened } => {
                if let Entry::Unborn { stream, .. } | Entry::Late { stream, .. } = &mut closing.entry {
                    *stream = Some(opened);
                }
                None
            }
            CaptureEvent::Acknowledged { number } => closing.acknowledged(number, contact),
            CaptureEvent::Closed | CaptureEvent::Failed { .. } => {
                let was_waited_for = closing.deadline.is_some();
                self.closing.remove(place);
                was_waited_for.then_some(News::Stopped)
            }
        }
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

    fn only(&mut self, tracks: Tracks, outputs: &mut VecDeque<CallOutput>) {
        let (capture, request) = match &mut self.state {
            State::Idle => return,
            State::Opening(Opening { capture, request, .. }) | State::Running { capture, request, .. } => {
                (Some(*capture), request)
            }
            State::Broken { request, .. } => (None, request),
        };
        if request.tracks != tracks {
            request.tracks = tracks;
            outputs.extend(capture.map(|capture| CallOutput::CaptureOnly { capture, tracks }));
        }
    }
}

impl Closing {
    /// One more fragment of a capture that is over is safe: it is the last one so far.
    fn acknowledged(&mut self, number: FragmentNumber, contact: &mut Contact) -> Option<News> {
        let (began, stream) = match &self.entry {
            Entry::At { stream, start } => {
                let this = |audio: &&mut CustomerAudio| {
                    audio.stream_arn == *stream && audio.start_fragment_number == *start
                };
                let audio = contact.captures.iter_mut().find(this)?;
                // One that still runs gets its last fragment when it stops.
                audio.stop_fragment_number = Some(audio.stop_fragment_number?.max(number));
                return Some(News::Amended);
            }
            Entry::Unborn { began, stream } => (*began, stream.clone()?),
            Entry::Late { began, stream } => {
                let stream = stream.clone()?;
                let last = contact.captures.last();
                if let Some(last) =
                    last.filter(|last| last.stream_arn == stream && last.start_fragment_number < number)
                {
                    self.entry = Entry::of(last);
                    return self.acknowledged(number, contact);
                }
                (*began, stream)
            }
        };
        let mut audio = entry(stream, began, number);
        audio.stop_timestamp = Some(self.stopped);
        audio.stop_fragment_number = Some(number);
        self.entry = Entry::of(&audio);
        // The one that runs stays the last.
        let is_running = contact.customer_audio().is_some_and(CustomerAudio::is_running);
        contact.captures.insert(contact.captures.len() - usize::from(is_running), audio);
        Some(News::Amended)
    }
}

impl Entry {
    fn of(audio: &CustomerAudio) -> Self {
        Self::At { stream: audio.stream_arn.clone(), start: audio.start_fragment_number }
    }
}

fn entry(stream_arn: StreamArn, began: WallTime, number: FragmentNumber) -> CustomerAudio {
    CustomerAudio {
        stream_arn,
        start_timestamp: began,
        stop_timestamp: None,
        start_fragment_number: number,
        stop_fragment_number: None,
    }
}

/// The last fragment is `last` as far as is known now; acknowledgements to come may name a later one.
fn stop_last(contact: &mut Contact, now: WallTime, last: FragmentNumber) {
    if let Some(audio) = contact.captures.last_mut() {
        audio.stop_timestamp = Some(now);
        audio.stop_fragment_number = Some(last);
    }
}

/// One second, doubling up to 16.
fn retry_after_ms(attempt: u32) -> i64 {
    1_000 << attempt.saturating_sub(1).min(4)
}

//! One call's task: waits for what happens, lets the call decide, and does what it wants.

use super::captured;
use super::desk::{Admitted, Desk, random};
use super::journal::{Journal, Reply, Stage};
use super::registry::{AttributeChange, Incoming, LiveCall, Orders, Registered};
use crate::clock::{CallClock, mono_now};
use crate::connections::Work;
use crate::media::{LegSpec, MediaEvent, MediaLeg, MediaStalled, ReservedPort};
use crate::metrics::ActiveCall;
use crate::sip::{EndedBy, Invitation, Leg, LegEvent, Refusal, RemoteAnswer, Reoffer};
use futures_util::FutureExt;
use std::any::Any;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::sync::mpsc;
use tympan_capture::{self as capture, CutterSpec, Lease, LeaseSpec, OpenedCapture, Upload};
use tympan_connect::live_calls::SetAttributes;
use tympan_telephony::digit_source::{DigitMerge, DigitSource};
use tympan_telephony::sdp::offer_answer::{
    self as sdp, LocalMedia, Negotiated, offer, read_answer, reanswer,
};
use tympan_types::{ContactId, FragmentNumber, Redacted, WallTime};

/// A call and everything that it holds.
pub(super) struct CallTask {
    contact_id: ContactId,
    desk: Desk,
    live: LiveCall,
    incoming: Incoming,
    /// Of changes that the next state of the contact holds.
    replies: Vec<Reply>,
    news: (mpsc::Sender<News>, mpsc::Receiver<News>),
    leg: Leg,
    /// `None` once the SIP side has said its last.
    leg_events: Option<mpsc::Receiver<LegEvent>>,
    /// The TCP connection that the call came by keeps its place.
    _carrier: Option<Work>,
    source: SocketAddr,
    digits: DigitMerge,
    local: LocalMedia,
    /// `None` until the caller has answered our offer.
    negotiated: Option<Negotiated>,
    /// An offer of ours in mid-call that waits for its answer, with the version of its origin line.
    offered: Option<(String, u64)>,
    media: Media,
    journal: Journal,
    /// The captures that this call wants, with the streams that it leases for them, until the call ends.
    captures: BTreeMap<CaptureId, Option<Lease>>,
    answered: bool,
    /// The last state of the contact is on its way to the history.
    is_recorded: bool,
    /// The newest fragment that is safe.
    last_fragment: Option<FragmentNumber>,
    // Dropped last, in this order, however the task ends.
    _registered: Registered,
    _active: ActiveCall,
}

/// News that may wait for a call's task; beyond that their sources wait. The sources are tasks of the same call: a function, a prompt
/// and the acknowledgements of two captures, so that a few at a time are the rule.
const NEWS: usize = 32;

/// The media of the call.
enum Media {
    /// The port is bound, but nothing is read from it before the answer.
    Reserved(ReservedPort),
    /// The leg runs.
    Running(MediaLeg, mpsc::Receiver<MediaEvent>),
    /// The leg is closed. Its captures may wait for their uploads; its last events are still to be taken.
    Closed(MediaLeg, Option<mpsc::Receiver<MediaEvent>>),
    /// Between the first two, for an instant; afterwards when the port was given up without a leg.
    None,
}

/// What the tasks of this call tell it, in the order in which it happened: a capture is opened before it is acknowledged.
enum News {
    /// It is for the call itself.
    Input(CallInput),
    /// A stream is leased and its upload open.
    CaptureOpened { capture: CaptureId, upload: Box<dyn Upload>, lease: Lease },
}

/// What woke the task.
enum Happening {
    Ordered,
    Attributes(AttributeChange),
    Leg(LegEvent),
    LegGone,
    Media(MediaEvent),
    MediaGone,
    News(News),
    TimePassed,
}

impl CallTask {
    pub(super) fn new(
        desk: Desk,
        active: ActiveCall,
        clock: CallClock,
        invitation: Invitation,
        admitted: Admitted,
        call: Call,
    ) -> Self {
        let Invitation { leg, events, source, digits, carrier, .. } = invitation;
        let Admitted { port, session } = admitted;
        let contact_id = call.contact().id;
        let (live, incoming) = LiveCall::new(call, clock);
        let registered = desk.registry.add(contact_id, live.clone());
        let journal = Journal::new(desk.history.clone());
        Self {
            contact_id,
            desk,
            live,
            incoming,
            replies: Vec::new(),
            news: mpsc::channel(NEWS),
            leg,
            leg_events: Some(events),
            _carrier: carrier,
            source,
            digits: DigitMerge::new(match digits {
                tympan_sip::agent::DigitSource::Both => DigitSource::Both,
                tympan_sip::agent::DigitSource::Rtp => DigitSource::Rtp,
                tympan_sip::agent::DigitSource::Info => DigitSource::Info,
            }),
            local,
            negotiated,
            offered: None,
            media: Media::Reserved(port),
            journal,
            captures: BTreeMap::new(),
            answered: false,
            is_recorded: false,
            last_fragment: None,
            _registered: registered,
            _active: active,
        }
    }

    /// Serves the call to its end. A panic ends the call and nothing else.
    pub(super) async fn run(mut self) {
        match AssertUnwindSafe(self.serve()).catch_unwind().await {
            Ok(()) => tracing::info!(contact_id = %self.contact_id, "a call has ended"),
            Err(panic) => {
                self.desk.metrics.call_task_panicked();
                let panic = text_of(&*panic);
                tracing::error!(contact_id = %self.contact_id, panic, "a call's task panicked; the call is ended");
                if AssertUnwindSafe(self.abandon()).catch_unwind().await.is_err() {
                    tracing::error!(contact_id = %self.contact_id, "the call could not be ended in order");
                }
            }
        }
        // The record is durable before the call counts as gone: a drain waits for that, and so do changes of attributes
        // that came too late for the call. The history takes those.
        self.journal.finish().await;
    }

    async fn serve(&mut self) {
        self.perform_outputs();
        while self.live.call().state() != CallState::Over {
            let deadline = self.live.call().next_deadline();
            let happening = self.select(deadline).await;
            self.apply(happening).await;
            self.perform_outputs();
        }
    }

    /// Ends the call without asking its state machine, which has failed: hangs up, completes the capture, and closes the record.
    async fn abandon(&mut self) {
        self.hang_up();
        let mut contact = self.live.call().contact().clone();
        // There is no record of a caller that was never connected.
        if self.is_recorded || contact.connected_to_system_timestamp.is_none() {
            return;
        }
        let now = self.live.clock.wall_now();
        contact.disconnect_timestamp.get_or_insert(now);
        if contact.customer_audio().is_some_and(|audio| audio.is_running()) {
            let limit = Duration::from_millis(self.desk.options.call.close_limit_ms.into());
            let _ = tokio::time::timeout(limit, self.capture_closed()).await;
        }
        let contact = close_interrupted(contact, self.last_fragment, self.live.clock.wall_now());
        self.write(Stage::Ended, Box::new(contact));
    }

    /// Waits for the last acknowledgement of the capture.
    async fn capture_closed(&mut self) {
        while let Some(news) = self.news.1.recv().await {
            let News::Input(CallInput::Capture { event, .. }) = news else { continue };
            match event {
                CaptureEvent::Acknowledged { number } => {
                    self.last_fragment = self.last_fragment.max(Some(number));
                }
                CaptureEvent::Closed | CaptureEvent::Failed { .. } => return,
                CaptureEvent::Opened { .. } => {}
            }
        }
    }

    async fn select(&mut self, deadline: Option<WallTime>) -> Happening {
        let wait_ms = deadline.map(|deadline| deadline.ms_since(self.live.clock.wall_now()).max(0));
        let wait = wait_ms.map(|ms| Duration::from_millis(u64::try_from(ms).unwrap_or(0)));
        let leg = async {
            match &mut self.leg_events {
                Some(events) => events.recv().await,
                None => std::future::pending().await,
            }
        };
        let media = async {
            match &mut self.media {
                Media::Running(_, events) | Media::Closed(_, Some(events)) => events.recv().await,
                Media::Reserved(_) | Media::Closed(_, None) | Media::None => std::future::pending().await,
            }
        };
        let passed = async {
            match wait {
                Some(wait) => tokio::time::sleep(wait).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            event = leg => event.map_or(Happening::LegGone, Happening::Leg),
            event = media => event.map_or(Happening::MediaGone, Happening::Media),
            Ok(()) = self.incoming.orders.changed() => Happening::Ordered,
            Some(change) = self.incoming.attributes.recv() => Happening::Attributes(change),
            Some(news) = self.news.1.recv() => Happening::News(news),
            () = passed => Happening::TimePassed,
        }
    }

    async fn apply(&mut self, happening: Happening) {
        match happening {
            Happening::News(News::Input(input)) => {
                if let CallInput::Capture { event: CaptureEvent::Acknowledged { number }, .. } = &input {
                    self.last_fragment = self.last_fragment.max(Some(*number));
                }
                self.handle(input);
            }
            Happening::Ordered => {
                let Orders { stop, drain_until } = *self.incoming.orders.borrow_and_update();
                if let Some(until) = drain_until {
                    self.handle(CallInput::Drain { until });
                }
                if stop {
                    self.handle(CallInput::Stop);
                }
            }
            Happening::Attributes(change) => self.set_attributes(change),
            Happening::Leg(LegEvent::Confirmed) => self.confirmed(),
            Happening::Leg(LegEvent::Reoffer(reoffer)) => self.reanswer(reoffer).await,
            Happening::Leg(LegEvent::Answered(answer)) => self.reanswered(answer).await,
            Happening::Leg(LegEvent::OfferFailed) => self.session.roll_back(),
            Happening::Leg(LegEvent::Digit(key)) => {
                let now = mono_now();
                let digit = tympan_telephony::Digit::from_char(key);
                if let Some(digit) = digit.and_then(|digit| self.digits.by_info(now, digit)) {
                    self.handle(CallInput::Digit(digit));
                }
            }
            Happening::Leg(LegEvent::Ended(by)) => {
                let reason = match by {
                    EndedBy::Caller => DisconnectReason::CustomerDisconnect,
                    EndedBy::Failure => DisconnectReason::TelecomProblem,
                    EndedBy::Us => DisconnectReason::Other,
                };
                self.handle(CallInput::HungUp { reason });
            }
            Happening::LegGone => {
                self.handle(CallInput::HungUp { reason: DisconnectReason::TelecomProblem });
                // What is left of the call is only its capture.
                self.leg_events = None;
            }
            Happening::Media(MediaEvent::Digit(digit)) => {
                if let Some(digit) = self.digits.by_rtp(mono_now(), digit) {
                    self.handle(CallInput::Digit(digit));
                }
            }
            Happening::Media(MediaEvent::PromptFinished(prompt)) => {
                self.handle(CallInput::PromptFinished { prompt });
            }
            Happening::Media(MediaEvent::CaptureFinished(capture, stats)) => {
                let losses = &stats.cutter.losses;
                tracing::info!(
                    contact_id = %self.contact_id,
                    %capture,
                    samples = stats.cutter.samples,
                    fragments = stats.cutter.fragments,
                    silences = losses.entries().count(),
                    abandoned_bytes = stats.abandoned_bytes,
                    "a capture has ended"
                );
            }
            Happening::MediaGone => match &mut self.media {
                Media::Closed(_, events) => *events = None,
                _ => self.media_stalled(MediaStalled),
            },
            Happening::News(News::CaptureOpened { capture, upload, lease }) => {
                // Of a capture that was given up meanwhile both are dropped: the session is cut off with nothing in it.
                let Some(held) = self.captures.get_mut(&capture) else { return };
                let stream = lease.arn().clone();
                *held = Some(lease);
                self.with_leg(|leg| leg.attach_upload(capture, upload));
                self.handle(CallInput::Capture { capture, event: CaptureEvent::Opened { stream } });
            }
            Happening::TimePassed => self.handle(CallInput::TimePassed),
        }
    }

    fn handle(&self, input: CallInput) {
        self.live.call().handle(self.live.clock.wall_now(), input);
    }

    /// Answered when the contact is written as it is then; of a call that was not answered yet, when it is.
    fn set_attributes(&mut self, AttributeChange { changes, reply }: AttributeChange) {
        let set = self.live.call().set_attributes(self.live.clock.wall_now(), changes);
        match set {
            Ok(()) => self.replies.push(reply),
            Err(SetAttributesRefused::TooLarge(_)) => {
                // A client that went away needs no answer.
                let _ = reply.send(SetAttributes::TooLarge);
            }
            Err(SetAttributesRefused::Over) => drop(reply),
        }
    }

    fn write(&mut self, stage: Stage, contact: Box<Contact>) {
        self.is_recorded |= matches!(stage, Stage::Ended);
        self.journal.take(stage, contact, std::mem::take(&mut self.replies));
    }

    fn perform_outputs(&mut self) {
        loop {
            let Some(output) = self.live.call().poll() else { return };
            self.perform(output);
        }
    }

    fn perform(&mut self, output: CallOutput) {
        match output {
            CallOutput::Answer => self.answer(),
            CallOutput::OpenCapture { capture, request } => self.open_capture(capture, request),
            CallOutput::CaptureOnly { capture, tracks } => {
                self.with_leg(|leg| leg.capture_only(capture, tracks));
            }
            CallOutput::CloseCapture { capture } => self.with_leg(|leg| leg.stop_capture(capture)),
            CallOutput::AbandonCapture { capture } => {
                if self.captures.get(&capture).is_some_and(Option::is_none) {
                    self.captures.remove(&capture);
                }
                self.with_leg(|leg| leg.abandon_capture(capture));
            }
            CallOutput::ContactOpened(contact) => self.write(Stage::Opened, contact),
            CallOutput::ContactChanged(contact) => self.write(Stage::Changed, contact),
            CallOutput::ContactEnded(contact) => self.write(Stage::Ended, contact),
            CallOutput::FlowLog(entry) => self.desk.flow_log.append(&entry),
            CallOutput::Hangup { .. } => self.hang_up(),
            CallOutput::InvokeLambda { invocation, function_arn, event, time_limit_ms } => {
                let (lambda, news) = (self.desk.lambda.clone(), self.news.0.clone());
                tokio::spawn(async move {
                    let limit = Duration::from_millis(time_limit_ms.into());
                    let event = event.into_exposed().to_string().into_bytes();
                    let input = match lambda.invoke(&function_arn, event, limit).await {
                        Ok(body) => CallInput::LambdaReturned { invocation, body: Redacted::new(body) },
                        Err(error) => CallInput::LambdaFailed { invocation, reason: error.to_string() },
                    };
                    // The call may be over; then nobody waits for the answer.
                    let _ = news.send(News::Input(input)).await;
                });
            }
            CallOutput::PreparePrompt { prompt, content } => {
                let (speech, news) = (self.desk.speech.clone(), self.news.0.clone());
                tokio::spawn(async move {
                    let input = match speech.prepare(&content).await {
                        Ok(prepared) => {
                            CallInput::PromptPrepared { prompt, sound: prepared.sound, note: prepared.note }
                        }
                        Err(reason) => CallInput::PromptFailed { prompt, reason },
                    };
                    let _ = news.send(News::Input(input)).await;
                });
            }
            CallOutput::PlayPrompt { prompt, sound } => {
                self.with_leg(|leg| leg.play(prompt, sound.samples().clone()));
            }
            CallOutput::StopPrompt { .. } => self.with_leg(MediaLeg::stop_prompts),
        }
    }

    /// Answers the caller's offer, and from this instant on listens: packets may come before it is confirmed. A caller
    /// that made no offer gets ours instead.
    fn answer(&mut self) {
        let sdp = match self.session.description() {
            Some(answer) => Ok(answer.to_owned()),
            None => self.session.make_offer(),
        };
        self.listen();
        // An offer is never open here: a call is answered once.
        self.answered = sdp.is_ok_and(|sdp| self.leg.accept(sdp));
        if !self.answered {
            // The caller cancelled while we decided: the leg says so by itself.
            tracing::debug!(contact_id = %self.contact_id, "the caller was gone before the answer");
        }
    }

    /// The caller has acknowledged, and has answered before where the offer was ours.
    fn confirmed(&mut self) {
        if self.session.agreement().is_none() {
            tracing::info!(contact_id = %self.contact_id, "our offer was acknowledged without an answer that can be used");
            self.hang_up();
            return self.handle(CallInput::HungUp { reason: DisconnectReason::TelecomProblem });
        }
        self.listen();
        self.handle(CallInput::Answered);
    }

    /// Starts the media leg, once it is known who may send what.
    fn listen(&mut self) {
        let Some(agreed) = self.session.audio().cloned() else { return };
        if !matches!(self.media, Media::Reserved(_)) {
            return;
        }
        let Media::Reserved(port) = std::mem::replace(&mut self.media, Media::None) else { return };
        let spec = LegSpec {
            agreed,
            signalling: Some(self.source.ip()),
            silence_grace: self.desk.options.silence_grace,
            clock: self.live.clock,
            random: random(),
        };
        let (leg, events) = self.desk.media.open(port, spec);
        self.media = Media::Running(leg, events);
    }

    /// Hold, resume, a moved address, another codec: the capture does not notice.
    async fn reanswer(&mut self, reoffer: Reoffer) {
        if self.session.agreement().is_none() {
            return reoffer.refuse().await;
        }
        // SIP lets none in while an offer of ours is open: that one has failed.
        self.session.roll_back();
        let sdp = match &reoffer.offer {
            None => self.session.make_offer(),
            Some(offer) => self.session.receive_offer(offer).map(|answer| {
                self.renegotiated(answer.change);
                answer.text
            }),
        };
        match sdp {
            Ok(sdp) => reoffer.accept(sdp).await,
            Err(error) => {
                tracing::info!(contact_id = %self.contact_id, %error, "a new offer was refused; the call goes on as it was");
                reoffer.refuse().await;
            }
        }
    }

    /// The caller has answered an offer of ours: that of a late offer, or that of a refresh, which repeats our last description.
    async fn reanswered(&mut self, answer: RemoteAnswer) {
        match self.read_answer(&answer.sdp) {
            Ok(change) => self.renegotiated(change),
            Err(error) => {
                tracing::info!(contact_id = %self.contact_id, %error, "the answer to our offer cannot be used");
                answer.reject().await;
            }
        }
    }

    fn read_answer(&mut self, answer: &str) -> Result<Change, SdpError> {
        if !self.session.is_offering() {
            self.session.repeat_offer()?;
        }
        self.session.receive_answer(answer)
    }

    /// The media follow the session.
    fn renegotiated(&mut self, change: Change) {
        if change == Change::Changed
            && let Some(agreed) = self.session.audio().cloned()
        {
            self.with_leg(|leg| leg.renegotiate(agreed));
        }
    }

    /// Captures from this instant, and meanwhile leases a stream and opens an upload to it.
    fn open_capture(&mut self, capture: CaptureId, request: CaptureRequest) {
        let CaptureRequest { contact, instance, tracks, settings } = request;
        let profile = self.desk.options.track_profile;
        let cutter = CutterSpec { contact, instance, tracks, profile, segment_uid: random() };
        self.captures.insert(capture, None);
        self.with_leg(|leg| leg.start_capture(capture, cutter));
        let spec = LeaseSpec { contact, settings, stream_uuid: random() };
        let (desk, news) = (self.desk.clone(), self.news.0.clone());
        let to_news = move |event| News::Input(CallInput::Capture { capture, event });
        tokio::spawn(async move {
            let OpenedCapture { lease, upload, acks } =
                match capture::open(&desk.leases, &*desk.sink, &spec).await {
                    Ok(opened) => opened,
                    Err(error) => {
                        desk.metrics.capture_failed();
                        // A call that is over has no more interest in its capture.
                        let event = CaptureEvent::Failed { reason: error.to_string() };
                        return drop(news.send(to_news(event)).await);
                    }
                };
            let held = lease.clone();
            let _ = news.send(News::CaptureOpened { capture, upload, lease }).await;
            captured::follow(acks, news, |event| to_news(captured::of_call(event))).await;
            // The stream is free for another call only when its last fragment is safe.
            drop(held);
        });
    }

    fn hang_up(&mut self) {
        // Nobody listens any more: the port is free for another call, and what was captured is completed.
        self.media = match std::mem::replace(&mut self.media, Media::None) {
            Media::Running(leg, events) => {
                leg.close();
                Media::Closed(leg, Some(events))
            }
            closed @ Media::Closed(..) => closed,
            Media::Reserved(_) | Media::None => Media::None,
        };
        if !self.answered {
            self.leg.refuse(Refusal::Overloaded);
            return;
        }
        let leg = self.leg.clone();
        tokio::spawn(async move { leg.hang_up().await });
    }

    fn with_leg(&mut self, command: impl FnOnce(&MediaLeg) -> Result<(), MediaStalled>) {
        let (Media::Running(leg, _) | Media::Closed(leg, _)) = &self.media else { return };
        if let Err(stalled) = command(leg) {
            self.media_stalled(stalled);
        }
    }

    /// What the leg has missed cannot be made up for: the call ends, and no other one notices.
    fn media_stalled(&mut self, stalled: MediaStalled) {
        tracing::error!(contact_id = %self.contact_id, error = %stalled, "a call is ended");
        self.hang_up();
        self.handle(CallInput::HungUp { reason: DisconnectReason::TelecomProblem });
    }
}

/// What a panic says.
fn text_of(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no text")
}

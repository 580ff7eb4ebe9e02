//! What a live contact wants done, done: each effect by the part of the server that can.

use super::admission::{random, random_32, session_id};
use super::captured;
use super::dialling::Ring;
use super::legs::{Signalling, TaskLeg};
use super::task::{CallTask, News, Writing};
use crate::descriptors::{PER_CALL, Use};
use crate::lambda::Kind;
use crate::lex::BotName;
use crate::media::{LegSpec, MediaLeg, MediaStalled};
use crate::metrics::Dialled;
use crate::sip::Leg;
use crate::speech::{Voice, Wanted};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tympan_capture::{self as capture, CutterSpec, LeaseSpec, OpenedCapture};
use tympan_contact::{
    CaptureEvent, CaptureRequest, Contact, DialRequest, DialledLeg, Effect, EndedBy, History, HistoryError,
    Input, LegEvent, PromptEvent, RoutingRequest, Stage,
};
use tympan_flow::BotRef;
use tympan_lex::alias::Conversation;
use tympan_lex::turn::Recognition;
use tympan_media::SessionSpec;
use tympan_telephony::sdp::{Agreement, LocalMedia};
use tympan_telephony::words::MediaCommand;
use tympan_types::{CaptureId, ContactId, DialId, InvocationId, LegId, PromptId, Redacted};

impl CallTask {
    /// Does all that the contact wants.
    pub(super) async fn perform_effects(&mut self) {
        while let Some(effect) = self.live.poll() {
            self.perform(effect).await;
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Recognize {
                invocation,
                bot,
                session,
                instance: _,
                language,
                recognition,
                limit_ms: _,
            } => {
                self.recognize(invocation, bot, session, language, recognition);
            }
            Effect::Answer { leg, sdp } => {
                if self.open_leg(leg).is_some_and(|leg| !leg.accept(sdp)) {
                    // The caller cancelled while we decided: the leg says so by itself.
                    tracing::debug!(contact_id = %self.contact_id, "the caller was gone before the answer");
                }
            }
            Effect::Hangup { leg, reason: _ } => self.hang_up(leg).await,
            Effect::ReplyOffer { leg, exchange, sdp } => {
                if let Some(leg) = self.open_leg(leg) {
                    leg.reply_offer(exchange, sdp).await;
                }
            }
            Effect::RefuseOffer { leg, exchange } => {
                if let Some(leg) = self.open_leg(leg) {
                    leg.refuse_offer(exchange).await;
                }
            }
            Effect::RejectAnswer { leg, exchange } => {
                if let Some(leg) = self.open_leg(leg) {
                    leg.reject_answer(exchange).await;
                }
            }
            Effect::ReplyRefer { leg, refer, status } => match self.open_leg(leg) {
                Some(leg) if status < 300 => leg.accept_refer(refer).await,
                Some(leg) => leg.refuse_refer(refer, status).await,
                None => {}
            },
            Effect::NotifyRefer { leg, refer, status } => {
                if let Some(leg) = self.open_leg(leg) {
                    leg.notify_refer(refer, status).await;
                }
            }
            Effect::Dial { dial, request } => self.dial(dial, *request),
            Effect::DropDial { dial } => self.legs.drop_dial(dial),
            Effect::Invite { leg, sdp } => self.ring(leg, sdp),
            Effect::Routing(request) => self.ask_routing(request),
            Effect::OpenMedia { leg, agreement } => self.open_media(leg, *agreement),
            Effect::CloseMedia { leg } => {
                if let Some(leg) = self.legs.get_mut(leg) {
                    leg.media.close();
                }
            }
            Effect::Media { leg, command } => self.tell(leg, |media| media.command(command)),
            Effect::OpenCapture { leg, capture, request } => self.open_capture(leg, capture, request),
            Effect::CaptureOnly { leg, capture, tracks } => {
                self.tell(leg, |media| media.capture_only(capture, tracks));
            }
            Effect::CloseCapture { leg, capture } => self.tell(leg, |media| media.close_capture(capture)),
            Effect::AbandonCapture { leg, capture } => self.tell(leg, |media| media.abandon_capture(capture)),
            Effect::AttachUpload { leg, capture } => {
                if let Some((upload, lease)) = self.opened.remove(&capture) {
                    self.leases.keep(lease);
                    self.tell(leg, |media| media.attach_upload(capture, upload));
                }
            }
            // The session is cut off with nothing in it, and the stream is free.
            Effect::DropUpload { capture } => drop(self.opened.remove(&capture)),
            Effect::Prepare { prompt, content, voice, recording, language } => {
                let wanted = Wanted { content, voice: Voice::of(voice, language), recording };
                self.prepare(prompt, wanted);
            }
            Effect::Invoke { invocation, attempt, function_arn, event, limit_ms, is_awaited } => {
                let kind = if is_awaited { Kind::Awaited } else { Kind::HandedOver };
                self.invoke((invocation, attempt), function_arn, event.into_exposed(), limit_ms, kind);
            }
            Effect::Persist { write, stage, contact } => {
                if stage == Stage::Ended {
                    self.recorded.push(contact.id);
                }
                let history = self.admission.history.clone();
                let task = tokio::task::spawn_blocking(move || keep(&*history, stage, &contact));
                self.writing.push(Writing { write, task });
            }
            Effect::Log(entry) => self.admission.flow_log.append(self.live.contact().id, &entry),
            Effect::Trace(entry) => {
                let line = serde_json::json!({
                    "ContactId": self.live.contact().id.to_string(),
                    "Trace": entry.into_exposed(),
                });
                self.admission.flow_log.append(self.live.contact().id, &line);
            }
            Effect::Reply { request, reply } => {
                let Some(to) = self.replies.remove(&request) else { return };
                // A client that went away needs no answer.
                let _ = to.send(reply);
            }
        }
    }

    fn open_leg(&self, leg: LegId) -> Option<&Leg> {
        self.legs.get(leg).and_then(TaskLeg::open)
    }

    async fn hang_up(&mut self, leg: LegId) {
        let Some(task_leg) = self.legs.get_mut(leg) else { return };
        match &task_leg.signalling {
            Signalling::Open(open) => open.hang_up().await,
            Signalling::Dropped => {}
            Signalling::Reserved { .. } => {
                task_leg.signalling = Signalling::Dropped;
                task_leg.media.close();
                // The SIP side knows nothing of it.
                self.handle(Input::Leg { leg, event: LegEvent::Ended(EndedBy::Us) });
            }
        }
    }

    fn open_media(&mut self, leg: LegId, agreement: Agreement) {
        let Some(task_leg) = self.legs.get(leg) else { return };
        let rules = self.admission.options.media.of(&task_leg.trunk);
        let session = SessionSpec {
            leg,
            signalling: task_leg.source,
            trust: rules.trust,
            media_timeout: rules.media_timeout,
            silence: rules.silence,
            silence_grace: self.admission.options.silence_grace,
            ptime_ms: rules.ptime_ms,
            wall: self.clock.now().wall,
            random: random_32(),
        };
        let spec = LegSpec { session, clock: self.clock };
        self.legs.open_media(leg, &self.admission.media, spec);
        self.tell(leg, |media| media.command(MediaCommand::Negotiate(Box::new(agreement))));
    }

    fn ask_routing(&mut self, request: RoutingRequest) {
        match &request {
            RoutingRequest::Enqueue { contact, .. }
            | RoutingRequest::OfferTo { contact, .. }
            | RoutingRequest::Occupy { contact, .. } => self.routed.add(*contact),
            RoutingRequest::Update { .. }
            | RoutingRequest::Leave { .. }
            | RoutingRequest::Report { .. }
            | RoutingRequest::CallAgain { .. }
            | RoutingRequest::Callback(_) => {}
        }
        self.admission.centre.ask(request);
    }

    /// Reserves a leg and its port for each telephone that is to ring.
    fn dial(&mut self, dial: DialId, request: DialRequest) {
        let input = match self.reserve(dial, request) {
            Ok(legs) => Input::DialReady { dial, legs },
            Err(reason) => {
                self.admission.metrics.dialled(Dialled::NotPlaced);
                Input::DialFailed { dial, reason }
            }
        };
        self.handle(input);
    }

    pub(super) fn reserve(&mut self, dial: DialId, request: DialRequest) -> Result<Vec<DialledLeg>, String> {
        let rings = self.admission.dialling.routes(&self.admission.centre, request)?;
        let (mut legs, mut why) = (Vec::new(), String::new());
        for ring in rings {
            match self.reserve_leg(dial, ring) {
                Ok(leg) => legs.push(leg),
                Err(reason) => why = reason,
            }
        }
        if legs.is_empty() { Err(why) } else { Ok(legs) }
    }

    pub(super) fn reserve_leg(&mut self, dial: DialId, ring: Ring) -> Result<DialledLeg, String> {
        if !self.legs.has_room() {
            return Err("the call has as many legs as it may".to_owned());
        }
        let id = self.admission.dialling.next_leg().ok_or("the server does not place calls yet")?;
        let descriptors = self.admission.descriptors.take(Use::Call, PER_CALL);
        let descriptors = descriptors.ok_or("the descriptors for calls are used up")?;
        let here = ring.route.local;
        let port = self.admission.media.reserve(here, descriptors).map_err(|error| error.to_string())?;
        let local = LocalMedia::new(SocketAddr::new(here, port.address().port()), session_id());
        let digits = ring.route.digits;
        self.add_leg(TaskLeg::reserved(id, dial, ring, port));
        Ok(DialledLeg { id, local, digits })
    }

    fn ring(&mut self, leg: LegId, sdp: String) {
        let Some(task_leg) = self.legs.get_mut(leg) else { return };
        let Some(ring) = task_leg.take_ring() else { return };
        match self.admission.dialling.ring(leg, ring, sdp) {
            Ok(dialled) => task_leg.rings(dialled.leg, dialled.events),
            Err(error) => {
                tracing::warn!(contact_id = %self.contact_id, %leg, %error, "a telephone is not rung");
                self.admission.metrics.dialled(Dialled::NotPlaced);
                self.handle(Input::Leg { leg, event: LegEvent::Ended(EndedBy::Failure) });
            }
        }
    }

    /// Tells the media of a leg.
    fn tell(&mut self, leg: LegId, command: impl FnOnce(&MediaLeg) -> Result<(), MediaStalled>) {
        let Some(task_leg) = self.legs.get(leg) else { return };
        let result = task_leg.media.with(command);
        self.told(leg, result);
    }

    /// What the leg has missed cannot be made up for.
    pub(super) fn told(&mut self, leg: LegId, result: Result<(), MediaStalled>) {
        if let Err(stalled) = result {
            tracing::error!(contact_id = %self.contact_id, %leg, error = %stalled, "a call is ended");
            self.handle(Input::Leg { leg, event: LegEvent::MediaLost });
        }
    }

    /// Captures from this instant, and meanwhile leases a stream and opens an upload to it.
    fn open_capture(&mut self, leg: LegId, capture: CaptureId, request: CaptureRequest) {
        let CaptureRequest { contact, instance, tracks, settings, goes_on } = request;
        let profile = self.admission.options.track_profile;
        let cutter =
            CutterSpec { contact, instance, tracks, profile, segment_uid: random(), has_lead_in: !goes_on };
        if let Some(leg) = self.legs.get_mut(leg) {
            leg.is_captured = true;
        }
        self.tell(leg, |media| media.open_capture(capture, cutter));
        let spec = LeaseSpec { contact, settings, stream_uuid: random() };
        let (admission, news) = (self.admission.clone(), self.news.0.clone());
        let to_news = move |event| Box::new(News::Input(Input::Capture { capture, event }));
        tokio::spawn(async move {
            let OpenedCapture { lease, upload, acks } =
                match capture::open(&admission.leases, &*admission.sink, &spec).await {
                    Ok(opened) => opened,
                    Err(error) => {
                        admission.metrics.capture_failed();
                        // A call that is over has no more interest in its capture.
                        let event = CaptureEvent::Failed { reason: error.to_string() };
                        return drop(news.send(to_news(event)).await);
                    }
                };
            let held = lease.clone();
            let _ = news.send(Box::new(News::CaptureOpened { capture, upload, lease })).await;
            captured::follow(acks, news, |event| to_news(captured::of_contact(event))).await;
            // The stream is free for another call only when its last fragment is safe.
            drop(held);
        });
    }

    fn prepare(&self, prompt: PromptId, wanted: Wanted) {
        let (speech, news) = (self.admission.speech.clone(), self.news.0.clone());
        tokio::spawn(async move {
            let event = match speech.prepare(wanted).await {
                Ok(prepared) => PromptEvent::Prepared { sound: prepared.sound, note: prepared.note },
                Err(reason) => PromptEvent::Failed { reason },
            };
            // The call may be over; then the prompt is not wanted.
            let _ = news.send(Box::new(News::Input(Input::Prompt { prompt, event }))).await;
        });
    }

    /// Asks a bot; the bots have their own limit.
    fn recognize(
        &self,
        invocation: InvocationId,
        bot: BotRef,
        session: ContactId,
        language: String,
        question: Box<Recognition>,
    ) {
        let (bots, news) = (self.admission.bots.clone(), self.news.0.clone());
        tokio::spawn(async move {
            let name = match &bot {
                BotRef::V2 { alias_arn } => BotName::V2 { alias_arn },
                BotRef::V1 { name, region, alias } => BotName::V1 { name, alias, region },
            };
            let result = match bots.alias(name) {
                Ok(alias) => {
                    let conversation = Conversation::new(alias, &language, &session.to_string());
                    bots.recognize(&conversation, &question).await.map(Box::new)
                }
                Err(error) => Err(error),
            };
            let _ = news.send(Box::new(News::Input(Input::Recognized { invocation, result }))).await;
        });
    }

    fn invoke(
        &self,
        (invocation, attempt): (InvocationId, u32),
        function_arn: String,
        event: Arc<[u8]>,
        limit_ms: u32,
        kind: Kind,
    ) {
        let (lambda, news) = (self.admission.lambda.clone(), self.news.0.clone());
        tokio::spawn(async move {
            let limit = Duration::from_millis(limit_ms.into());
            let result = lambda.attempt(&function_arn, event.to_vec(), limit, kind).await.map(Redacted::new);
            let _ = news.send(Box::new(News::Input(Input::Attempt { invocation, attempt, result }))).await;
        });
    }
}

/// Hands a state of a contact to the history. Blocks.
pub(super) fn keep(history: &dyn History, stage: Stage, contact: &Contact) -> Result<(), HistoryError> {
    let written = match stage {
        Stage::Opened => history.open(contact),
        Stage::Changed => history.update(contact),
        Stage::Ended => history.close(contact),
    };
    // The call goes on, and the history has what could not be written.
    if let Err(error) = &written {
        tracing::debug!(contact_id = %contact.id, %error, "a contact could not be written yet");
    }
    written
}

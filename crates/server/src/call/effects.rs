//! What a live contact wants done, done: each effect by the part of the server that can.

use super::admission::{random, random_32};
use super::captured;
use super::task::{CallTask, News};
use crate::lambda::Kind;
use crate::media::{LegSpec, MediaLeg, MediaStalled};
use crate::speech::{Voice, Wanted};
use std::sync::Arc;
use std::time::Duration;
use tympan_capture::{self as capture, CutterSpec, LeaseSpec, OpenedCapture};
use tympan_connect::live_calls::SetAttributes;
use tympan_contact::{
    CaptureEvent, CaptureRequest, Contact, Effect, History, HistoryError, Input, LegEvent, PromptEvent,
    Reply, Stage,
};
use tympan_media::SessionSpec;
use tympan_telephony::sdp::Agreement;
use tympan_telephony::words::MediaCommand;
use tympan_types::{CaptureId, InvocationId, LegId, PromptId, Redacted};

impl CallTask {
    /// Does all that the contact wants.
    pub(super) async fn perform_effects(&mut self) {
        while let Some(effect) = self.live.poll() {
            self.perform(effect).await;
        }
    }

    async fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Answer { leg: _, sdp } => {
                if !self.leg.accept(sdp) {
                    // The caller cancelled while we decided: the leg says so by itself.
                    tracing::debug!(contact_id = %self.contact_id, "the caller was gone before the answer");
                }
            }
            Effect::Hangup { leg: _, reason: _ } => self.leg.hang_up().await,
            Effect::ReplyOffer { leg: _, exchange, sdp } => self.leg.reply_offer(exchange, sdp).await,
            Effect::RefuseOffer { leg: _, exchange } => self.leg.refuse_offer(exchange).await,
            Effect::RejectAnswer { leg: _, exchange } => self.leg.reject_answer(exchange).await,
            Effect::OpenMedia { leg, agreement } => self.open_media(leg, *agreement),
            Effect::CloseMedia { leg: _ } => self.media.close(),
            Effect::Media { leg, command } => {
                let result = self.media.command(command);
                self.told(leg, result);
            }
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
                self.is_recorded |= stage == Stage::Ended;
                let history = self.admission.history.clone();
                self.writing =
                    Some((write, tokio::task::spawn_blocking(move || keep(&*history, stage, &contact))));
            }
            Effect::Log(entry) => self.admission.flow_log.append(self.contact_id, &entry),
            Effect::Trace(entry) => {
                let line = serde_json::json!({
                    "ContactId": self.contact_id.to_string(),
                    "Trace": entry.into_exposed(),
                });
                self.admission.flow_log.append(self.contact_id, &line);
            }
            Effect::Reply { request, reply } => {
                let Some(to) = self.replies.remove(&request) else { return };
                // A client that went away needs no answer.
                let _ = to.send(match reply {
                    Reply::Busy => SetAttributes::Busy,
                    Reply::NotWritten(error) => SetAttributes::NotWritten(error),
                    Reply::Over => SetAttributes::NoSuchCall,
                    Reply::Set => SetAttributes::Set,
                    Reply::TooLarge(_) => SetAttributes::TooLarge,
                });
            }
        }
    }

    fn open_media(&mut self, leg: LegId, agreement: Agreement) {
        let rules = self.admission.options.media.of(&self.trunk);
        let session = SessionSpec {
            leg,
            signalling: Some(self.source.ip()),
            trust: rules.trust,
            media_timeout: rules.media_timeout,
            silence: rules.silence,
            silence_grace: self.admission.options.silence_grace,
            ptime_ms: rules.ptime_ms,
            wall: self.clock.now().wall,
            random: random_32(),
        };
        self.media.open(&self.admission.media, LegSpec { session, clock: self.clock });
        let result = self.media.command(MediaCommand::Negotiate(Box::new(agreement)));
        self.told(leg, result);
    }

    fn tell(&mut self, leg: LegId, command: impl FnOnce(&MediaLeg) -> Result<(), MediaStalled>) {
        let result = self.media.with(command);
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
        let CaptureRequest { contact, instance, tracks, settings } = request;
        let profile = self.admission.options.track_profile;
        let cutter = CutterSpec { contact, instance, tracks, profile, segment_uid: random() };
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

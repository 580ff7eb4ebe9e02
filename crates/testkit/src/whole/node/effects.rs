//! What contacts want done.

use super::signalling::sdp;
use super::{Node, Site, Task};
use crate::whole::control::Write;
use crate::whole::prompts;
use crate::whole::watch::legs;
use serde_json::json;
use tympan_contact::invoke::AttemptError;
use tympan_contact::{Effect, Input, PromptEvent};
use tympan_flow::Prompt;
use tympan_sip::agent::{Command, Refusal};
use tympan_sip::wire::Status;
use tympan_types::{ContactId, InvocationId, LegId, PromptId, Redacted};

impl Node {
    /// Does all that a contact wants done by now.
    pub(super) fn perform(&mut self, site: &mut Site, id: ContactId) {
        while let Some(effect) = self.contacts.get_mut(&id).and_then(|contact| contact.machine.poll()) {
            site.core.event(&id, "wants", &word(&effect));
            self.effect(site, id, effect);
        }
        self.settle_contact(site, id);
    }

    fn effect(&mut self, site: &mut Site, id: ContactId, effect: Effect) {
        if let Some(leg) = leg_of(&effect) {
            let outcome = legs::commands(leg, self.legs.get(&leg).map(|leg| leg.contact), id);
            site.core.check(legs::NAME, &id, outcome);
        }
        match effect {
            Effect::AbandonCapture { leg, capture } => {
                if let Some(leg) = self.legs.get_mut(&leg) {
                    leg.captures.abandon(capture);
                }
                self.close_taps(site, leg, capture);
                self.capture_stats(site, leg);
            }
            Effect::Answer { leg, sdp: text } => self.command(site, leg, Command::Answer { body: sdp(text) }),
            Effect::AttachUpload { leg, capture } => self.attach_upload(leg, id, capture),
            Effect::CaptureOnly { leg, capture, tracks } => {
                if let Some(leg) = self.legs.get_mut(&leg) {
                    leg.captures.only(capture, tracks);
                }
            }
            Effect::CloseCapture { leg, capture } => {
                // One that is abandoned may end earlier than its tap.
                site.watches.taps.closes(id, capture, site.core.now());
                self.close_taps(site, leg, capture);
            }
            Effect::CloseMedia { leg } => self.close_media(site, leg),
            Effect::DropUpload { capture } => self.drop_upload(id, capture),
            Effect::Hangup { leg, .. } => self.hang_up(site, leg),
            Effect::Invoke { invocation, attempt, limit_ms, .. } => {
                self.invoke(site, id, invocation, attempt, limit_ms);
            }
            Effect::Log(_) | Effect::Trace(_) => {}
            Effect::Media { leg, command } => self.media_command(site, leg, command),
            Effect::Dial { dial, request } => self.dial(site, id, dial, &request),
            Effect::DropDial { .. } => {}
            Effect::Invite { leg, sdp } => self.invite(site, leg, sdp),
            Effect::NotifyRefer { .. } | Effect::ReplyRefer { .. } => {}
            Effect::Recognize { invocation, limit_ms, .. } => self.recognize(site, id, invocation, limit_ms),
            Effect::Routing(request) => self.routing_request(site, request),
            Effect::OpenCapture { leg, capture, request } => {
                self.open_capture(site, id, leg, capture, request)
            }
            Effect::OpenMedia { leg, agreement } => self.open_media(site, leg, agreement),
            Effect::Persist { write, stage, contact } => {
                if contact.id != id && self.conversations.insert(contact.id, id).is_none() && site.keeps {
                    // A later contact of the chain.
                    site.chains.insert(contact.id, id);
                    if let Some(call) = site.calls.get(&id).copied() {
                        site.calls.insert(contact.id, call);
                    }
                }
                site.rows.write(Write { contact, stage, write: Some(write) });
            }
            Effect::Prepare { prompt, content, .. } => {
                let ms = site.core.random.pick(&[1, 5, 30, 400]);
                site.later(self.epoch, ms, Task::Prepared { contact: id, prompt, content });
            }
            Effect::RejectAnswer { leg, exchange } => {
                self.command(site, leg, Command::RejectAnswer { exchange });
            }
            Effect::RefuseOffer { leg, exchange } => {
                let status = Status::NOT_ACCEPTABLE_HERE;
                self.command(site, leg, Command::RefuseOffer { exchange, status });
            }
            Effect::Reply { request, reply } => self.replied(site, request, reply),
            Effect::ReplyOffer { leg, exchange, sdp: text } => {
                self.command(site, leg, Command::ReplyOffer { exchange, body: sdp(text) });
            }
        }
    }

    fn hang_up(&mut self, site: &mut Site, id: LegId) {
        let Some(leg) = self.legs.get(&id) else { return };
        if !leg.has_signalling {
            return;
        }
        let command = if leg.is_answered || leg.is_dialled {
            Command::HangUp { reason: None }
        } else {
            refusal(Status::SERVICE_UNAVAILABLE)
        };
        self.command(site, id, command);
    }

    fn invoke(
        &self,
        site: &mut Site,
        contact: ContactId,
        invocation: InvocationId,
        attempt: u32,
        limit_ms: u32,
    ) {
        site.core.tally.invocations += 1;
        let conditions = site.conditions();
        let mut ms = site.core.random.pick(&[5, 50, 300, 1_500]);
        let mut result = if site.core.random.permille(conditions.function_fails_permille) {
            let reason = "simulated".to_owned();
            Err(match site.core.random.percent(30) {
                true => AttemptError::Refused { reason },
                false => AttemptError::Transient { reason },
            })
        } else {
            Ok(json!({ "message": format!("answer {invocation}") }).to_string().into_bytes())
        };
        let is_silent = site.core.random.permille(conditions.function_silent_permille);
        if is_silent || ms > u64::from(limit_ms) {
            (ms, result) = (u64::from(limit_ms), Err(AttemptError::TimedOut { limit_ms }));
        }
        site.later(self.epoch, ms, Task::Attempted { contact, invocation, attempt, result });
    }

    pub(super) fn attempted(
        &mut self,
        site: &mut Site,
        contact: ContactId,
        invocation: InvocationId,
        attempt: u32,
        result: Result<Vec<u8>, AttemptError>,
    ) {
        self.tell(site, contact, Input::Attempt { invocation, attempt, result: result.map(Redacted::new) });
    }

    pub(super) fn prepared(
        &mut self,
        site: &mut Site,
        contact: ContactId,
        prompt: PromptId,
        content: &Prompt,
    ) {
        let fails = site.core.random.permille(site.core.conditions.prompt_fails_permille);
        let event = match content {
            _ if fails => PromptEvent::Failed { reason: "simulated".to_owned() },
            Prompt::Text(text) => PromptEvent::Prepared { sound: prompts::sound(prompt, text), note: None },
            _ => PromptEvent::Prepared { sound: prompts::sound(prompt, "one two"), note: None },
        };
        self.tell(site, contact, Input::Prompt { prompt, event });
    }
}

pub(super) fn refusal(status: Status) -> Command {
    Command::Refuse(Refusal { status, retry_after_s: None, headers: Vec::new() })
}

/// The leg that an effect is about.
const fn leg_of(effect: &Effect) -> Option<LegId> {
    match effect {
        Effect::AbandonCapture { leg, .. }
        | Effect::Answer { leg, .. }
        | Effect::AttachUpload { leg, .. }
        | Effect::CaptureOnly { leg, .. }
        | Effect::CloseCapture { leg, .. }
        | Effect::CloseMedia { leg }
        | Effect::Hangup { leg, .. }
        | Effect::Media { leg, .. }
        | Effect::OpenCapture { leg, .. }
        | Effect::OpenMedia { leg, .. }
        | Effect::Invite { leg, .. }
        | Effect::NotifyRefer { leg, .. }
        | Effect::ReplyRefer { leg, .. }
        | Effect::RejectAnswer { leg, .. }
        | Effect::RefuseOffer { leg, .. }
        | Effect::ReplyOffer { leg, .. } => Some(*leg),
        Effect::Dial { .. }
        | Effect::DropDial { .. }
        | Effect::Recognize { .. }
        | Effect::Routing(_)
        | Effect::DropUpload { .. }
        | Effect::Invoke { .. }
        | Effect::Log(_)
        | Effect::Persist { .. }
        | Effect::Prepare { .. }
        | Effect::Reply { .. }
        | Effect::Trace(_) => None,
    }
}

/// An effect in a few words.
fn word(effect: &Effect) -> String {
    match effect {
        Effect::AbandonCapture { capture, .. } => format!("{capture} abandoned"),
        Effect::Answer { leg, .. } => format!("to answer {leg}"),
        Effect::AttachUpload { capture, .. } => format!("the upload of {capture} attached"),
        Effect::CaptureOnly { capture, tracks, .. } => format!("{capture} to go on with {tracks:?}"),
        Effect::CloseCapture { capture, .. } => format!("{capture} closed"),
        Effect::CloseMedia { leg } => format!("the media of {leg} closed"),
        Effect::DropUpload { capture } => format!("the upload of {capture} dropped"),
        Effect::Hangup { leg, reason } => format!("{leg} hung up: {reason:?}"),
        Effect::Invoke { invocation, attempt, .. } => format!("attempt {attempt} of {invocation}"),
        Effect::Log(entry) => format!("to log {entry}"),
        Effect::Media { leg, command } => format!("of {leg}: {command:?}"),
        Effect::OpenCapture { capture, .. } => format!("{capture} opened"),
        Effect::OpenMedia { leg, .. } => format!("the media of {leg} opened"),
        Effect::Persist { write, stage, .. } => format!("{write} as {stage:?}"),
        Effect::Prepare { prompt, .. } => format!("{prompt} prepared"),
        Effect::RejectAnswer { exchange, .. } => format!("the answer of {exchange} rejected"),
        Effect::RefuseOffer { exchange, .. } => format!("the offer of {exchange} refused"),
        Effect::Reply { request, reply } => format!("{request} answered: {reply:?}"),
        Effect::ReplyOffer { exchange, .. } => format!("the offer of {exchange} answered"),
        Effect::Dial { dial, request } => format!("{dial} to {:?}", request.target),
        Effect::DropDial { dial } => format!("{dial} given up"),
        Effect::Invite { leg, .. } => format!("{leg} rung"),
        Effect::NotifyRefer { refer, status, .. } => format!("{refer} told {status}"),
        Effect::ReplyRefer { refer, status, .. } => format!("{refer} answered {status}"),
        Effect::Recognize { invocation, .. } => format!("{invocation} of a bot"),
        Effect::Routing(request) => format!("of the routing: {request:?}"),
        Effect::Trace(_) => "to trace".to_owned(),
    }
}

//! One call leg, between the agent and the call's task: commands one way, events the other.

use super::body;
use crate::connections::Work;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tympan_contact::{EndedBy, LegEvent};
use tympan_sip::agent::{self, Body, Command, Event, TrunkId};
use tympan_sip::wire::Status;
use tympan_telephony::Digit;
use tympan_telephony::digit_source::DigitSource;
use tympan_types::{ExchangeId, LegId, Redacted, ReferId};

/// Events that may wait for a call's task. Behind more the call is ended: its task does not read.
const EVENTS_WAITING: usize = 64;
/// Commands of one leg that may wait for the agent: an answer, an end, and replies to offers, of which one is open at a time.
pub(super) const COMMANDS_PER_LEG: usize = 6;
/// Retry-After of a 503, in seconds: calls end and descriptors come back within such a time.
const RETRY_AFTER_S: u32 = 10;

/// A call that wants to come in.
pub(crate) struct Invitation {
    /// The SIP Call-ID, for logs.
    pub call_id: String,
    /// Who is called, as the rules of the trunk read it.
    pub called: Redacted<String>,
    /// Who calls, as the rules of the trunk read it; empty where the number is withheld.
    pub caller: Redacted<String>,
    /// Headers that flows may read.
    pub headers: BTreeMap<String, Redacted<String>>,
    /// Where the request came from.
    pub source: SocketAddr,
    /// The address at which the caller reaches us: for SDP. Never a wildcard.
    pub local: SocketAddr,
    /// The caller's SDP offer; `None` when the caller leaves the offer to us.
    pub offer: Option<String>,
    /// The trunk that the call came by.
    pub trunk: TrunkId,
    /// Where the caller's digits come from.
    pub digits: DigitSource,
    /// The telephone that calls, by its user name: it proved it. `None` for every other caller.
    pub user: Option<Arc<str>>,
    /// The leg whose place the call takes once it is answered (RFC 3891); the task of that leg ends it.
    pub replaces: Option<LegId>,
    /// Commands.
    pub leg: Leg,
    /// What happens on the leg; ends after [`LegEvent::Ended`].
    pub events: mpsc::Receiver<LegEvent>,
    /// Keeps the TCP connection that the call came by.
    pub carrier: Option<Work>,
}

/// Why an invitation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// 404: no flow answers that number.
    UnknownNumber,
    /// 488: no codec, or no offer, that we can work with.
    NotAcceptable,
    /// 503: the call limit is reached, or the server is going down.
    Overloaded,
    /// 503: the descriptors for calls are used up.
    OutOfDescriptors,
    /// 481: the call that is to be joined or replaced is over.
    NoSuchCall,
    /// 480: an agent's telephone may not be called or call in this way now.
    NotAvailable,
}

/// What the agent's task is asked for.
#[expect(clippy::large_enum_variant, reason = "calls are dialled seldom, and a channel keeps few of them")]
pub(super) enum ToShard {
    /// A command of a leg.
    Command(LegId, Command),
    /// A new leg of ours.
    Dial { leg: LegId, entry: LegEntry, command: Box<Command> },
}

/// The commands of one leg. Cheap to clone; when the last one is dropped, the leg is ended.
#[derive(Debug, Clone)]
pub(crate) struct Leg(Arc<LegSide>);

#[derive(Debug)]
struct LegSide {
    id: LegId,
    commands: mpsc::Sender<ToShard>,
    state: Arc<LegState>,
}

/// What both sides know of a leg.
#[derive(Debug, Default)]
struct LegState {
    /// The agent has said its last.
    is_over: AtomicBool,
    /// The call's task has said its last.
    is_ending: AtomicBool,
}

impl Leg {
    /// 200 OK with our SDP, an answer or an offer; retransmitted until acknowledged. False when the caller is gone already.
    pub(crate) fn accept(&self, sdp: String) -> bool {
        !self.0.state.is_over.load(Ordering::Acquire)
            && self.try_send(Command::Answer { body: sdp_body(sdp) })
    }

    /// Its id, to the end.
    pub(crate) fn id(&self) -> LegId {
        self.0.id
    }

    /// 200 with our answer to an offer of the caller, or with our offer where the caller made none.
    pub(crate) async fn reply_offer(&self, exchange: ExchangeId, sdp: String) {
        self.send(Command::ReplyOffer { exchange, body: sdp_body(sdp) }).await;
    }

    /// 488: the session stays as it was (RFC 3261 section 14.2).
    pub(crate) async fn refuse_offer(&self, exchange: ExchangeId) {
        self.send(Command::RefuseOffer { exchange, status: Status::NOT_ACCEPTABLE_HERE }).await;
    }

    /// The answer to an offer of ours cannot be used: the session stays as it was before our offer.
    pub(crate) async fn reject_answer(&self, exchange: ExchangeId) {
        self.send(Command::RejectAnswer { exchange }).await;
    }

    /// The final refusal.
    pub(crate) fn refuse(&self, refusal: Refusal) {
        let (status, retry_after_s) = match refusal {
            Refusal::UnknownNumber => (Status::NOT_FOUND, None),
            Refusal::NotAcceptable => (Status::NOT_ACCEPTABLE_HERE, None),
            Refusal::NoSuchCall => (Status::CALL_DOES_NOT_EXIST, None),
            Refusal::NotAvailable => (Status::TEMPORARILY_UNAVAILABLE, None),
            Refusal::Overloaded | Refusal::OutOfDescriptors => {
                (Status::SERVICE_UNAVAILABLE, Some(RETRY_AFTER_S))
            }
        };
        self.ends();
        self.try_send(refuse(status, retry_after_s));
    }

    /// Agrees to a REFER of the far end: 202. What it asks for is the caller's to do, and to report by [`Leg::notify_refer`].
    pub(crate) async fn accept_refer(&self, refer: ReferId) {
        self.send(Command::AcceptRefer { refer }).await;
    }

    /// Refuses a REFER of the far end: 300 to 699.
    pub(crate) async fn refuse_refer(&self, refer: ReferId, status: u16) {
        let status = Status::new(status).unwrap_or(Status::DECLINE);
        self.send(Command::RefuseRefer { refer, status }).await;
    }

    /// Reports how the call that a REFER asked for goes on: 100 to 699; from 200 on it is the last report.
    pub(crate) async fn notify_refer(&self, refer: ReferId, status: u16) {
        let status = Status::new(status).unwrap_or(Status::SERVER_INTERNAL_ERROR);
        self.send(Command::NotifyRefer { refer, status }).await;
    }

    /// Ends the leg, whatever it takes: BYE, or a refusal. A leg that is over already is fine.
    pub(crate) async fn hang_up(&self) {
        self.ends();
        self.send(Command::HangUp { reason: None }).await;
    }

    /// Nothing more comes of the leg's task: that the last clone is dropped means nothing.
    pub(super) fn ends(&self) {
        self.0.state.is_ending.store(true, Ordering::Release);
    }

    async fn send(&self, command: Command) {
        // The agent is gone only with the server.
        let _ = self.0.commands.send(ToShard::Command(self.0.id, command)).await;
    }

    /// There is room for [`COMMANDS_PER_LEG`] of every leg.
    fn try_send(&self, command: Command) -> bool {
        let sent = self.0.commands.try_send(ToShard::Command(self.0.id, command));
        sent.inspect_err(|error| tracing::error!(leg = %self.0.id, %error, "a command of a call is lost"))
            .is_ok()
    }
}

impl Drop for LegSide {
    fn drop(&mut self) {
        if !self.state.is_over.load(Ordering::Acquire) && !self.state.is_ending.load(Ordering::Acquire) {
            // The call's task is gone and never said so: the caller is not left on a dead line.
            let _ = self.commands.try_send(ToShard::Command(self.id, Command::HangUp { reason: None }));
        }
    }
}

/// The agent's side of a leg.
pub(super) struct LegEntry {
    events: mpsc::Sender<LegEvent>,
    /// Weak, because the last strong one ends the leg.
    leg: std::sync::Weak<LegSide>,
    state: Arc<LegState>,
    /// We placed the call.
    is_ours: bool,
    /// The far end may ask for transfers (REFER): a telephone of ours, or one that we called. A caller from outside may not: its calls
    /// would be at our cost (toll fraud).
    may_refer: bool,
}

/// The call's task does not read what happens on its leg, or is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotRead;

impl LegEntry {
    /// Both sides of a new leg of ours.
    pub(super) fn dialled(
        id: LegId,
        commands: mpsc::Sender<ToShard>,
    ) -> (Self, Leg, mpsc::Receiver<LegEvent>) {
        let (entry, leg, events) = Self::new(id, commands);
        (Self { is_ours: true, may_refer: true, ..entry }, leg, events)
    }

    /// The far end is a telephone of ours.
    pub(super) fn is_of_phone(&mut self) {
        self.may_refer = true;
    }

    /// Both sides of a new leg of a peer.
    pub(super) fn new(id: LegId, commands: mpsc::Sender<ToShard>) -> (Self, Leg, mpsc::Receiver<LegEvent>) {
        let (events, receiver) = mpsc::channel(EVENTS_WAITING);
        let state = Arc::<LegState>::default();
        let side = Arc::new(LegSide { id, commands, state: state.clone() });
        let entry = Self { events, leg: Arc::downgrade(&side), state, is_ours: false, may_refer: false };
        (entry, Leg(side), receiver)
    }

    /// Tells the task what happened on the leg.
    pub(super) fn tell(&mut self, event: Event) -> Result<(), NotRead> {
        let Some(side) = self.leg.upgrade() else {
            return if self.state.is_ending.load(Ordering::Acquire) { Ok(()) } else { Err(NotRead) };
        };
        let leg = Leg(side);
        let event = match event {
            Event::Confirmed => LegEvent::Confirmed,
            Event::Offered { exchange, parts } => match body::sdp(&parts) {
                None => {
                    leg.try_send(Command::RefuseOffer { exchange, status: Status::NOT_ACCEPTABLE_HERE });
                    return Ok(());
                }
                Some(sdp) => LegEvent::Offered { exchange, sdp },
            },
            Event::OfferWanted { exchange } => LegEvent::OfferWanted { exchange },
            Event::Answered { exchange, parts } => {
                LegEvent::Answered { exchange, sdp: body::sdp(&parts).unwrap_or_default() }
            }
            Event::OfferFailed { .. } => LegEvent::OfferFailed,
            Event::Info { parts } => match body::digit(&parts).and_then(Digit::from_char) {
                Some(digit) => LegEvent::Info(digit),
                None => return Ok(()),
            },
            Event::Ended(ended) => {
                self.state.is_over.store(true, Ordering::Release);
                LegEvent::Ended(ended_by(&ended, self.is_ours))
            }
            // That the next hop has the INVITE says nothing of the far end.
            Event::Ringing { status: Status::TRYING, .. } => return Ok(()),
            Event::Ringing { status, parts } => {
                LegEvent::Ringing { status: status.code(), sdp: body::sdp(&parts) }
            }
            Event::Referred { refer, .. } if !self.may_refer => {
                leg.try_send(Command::RefuseRefer { refer, status: Status::FORBIDDEN });
                return Ok(());
            }
            Event::Referred { refer, target, replaces, .. } => {
                LegEvent::Referred { refer, target: target.into(), replaces }
            }
            Event::ReferProgress { .. }
            | Event::ReferDone { .. }
            | Event::ReferFailed { .. }
            | Event::Invited { .. }
            | Event::Refreshed
            | Event::TargetRefreshed { .. } => {
                return Ok(());
            }
        };
        let read = self.events.try_send(event).map_err(|_| NotRead);
        // A task that has said its last reads no more.
        if self.state.is_ending.load(Ordering::Acquire) { Ok(()) } else { read }
    }
}

/// A refusal of an INVITE.
pub(super) fn refuse(status: Status, retry_after_s: Option<u32>) -> Command {
    Command::Refuse(agent::Refusal { status, retry_after_s, headers: Vec::new() })
}

/// 503: calls come faster than they are looked at.
pub(super) fn refuse_for_now() -> Command {
    refuse(Status::SERVICE_UNAVAILABLE, Some(RETRY_AFTER_S))
}

pub(super) fn sdp_body(sdp: String) -> Body {
    Body { content_type: body::SDP.into(), bytes: Bytes::from(sdp) }
}

fn ended_by(ended: &agent::Ended, is_ours: bool) -> EndedBy {
    match (ended.by, ended.status) {
        (agent::EndedBy::Peer, Some(status)) if is_ours => return EndedBy::Refused(status.code()),
        _ => {}
    }
    match ended.by {
        // A CANCEL ends the INVITE with a status; a BYE ends the call without one.
        agent::EndedBy::Peer if ended.status.is_some() => EndedBy::Cancelled,
        agent::EndedBy::Peer => EndedBy::Peer,
        agent::EndedBy::Us => EndedBy::Us,
        agent::EndedBy::TooLong => EndedBy::TooLong,
        agent::EndedBy::Failure => EndedBy::Failure,
        agent::EndedBy::SessionExpired => EndedBy::SessionExpired,
    }
}

#[cfg(test)]
mod tests;

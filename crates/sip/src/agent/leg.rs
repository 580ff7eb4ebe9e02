//! One leg: a call of a peer, or one that we place.

use super::admission::CallTicket;
use super::asked::Asked;
use super::core::Core;
use super::dial::Dial;
use super::refer::Refers;
use super::remote::Remote;
use super::sent::Sent;
use super::{Body, Command, Counter, Ended, EndedBy, Event, Trunk};
use crate::dialog::{Carrier, Confirm, Exchange, ExchangeId, Refresh, ReliableSender, Tag};
use crate::wire::digest::Authorizer;
use crate::wire::{Name, Status};
use std::collections::VecDeque;
use std::sync::Arc;
use tympan_types::{LegId, Mono};

/// INFO bodies that wait for their turn, at most.
pub(super) const INFOS_MAX: usize = 64;

#[derive(Debug)]
pub(super) struct Leg {
    pub(super) id: LegId,
    /// True where we placed the call: then Call-ID is ours.
    pub(super) is_ours: bool,
    pub(super) phase: Phase,
    pub(super) trunk: Arc<Trunk>,
    pub(super) main: Remote,
    pub(super) exchange: Exchange,
    pub(super) refresh: Refresh,
    /// The peer's Allow lists UPDATE.
    pub(super) peer_takes_update: bool,
    /// What we described last: the offer of a refresh.
    pub(super) described: Option<Body>,
    /// The peer's INVITE without a final response.
    pub(super) invite: Option<Box<OpenInvite>>,
    /// The peer's UPDATE or PRACK whose offer waits for our user.
    pub(super) offered: Option<Box<OpenOffer>>,
    /// Our 2xx that waits for its ACK.
    pub(super) confirm: Option<Box<Confirm>>,
    #[allow(clippy::vec_box, reason = "the room for four of them would stay with each leg")]
    pub(super) sent: Vec<Box<Sent>>,
    next_number: u32,
    pub(super) infos: VecDeque<Body>,
    pub(super) dial: Option<Box<Dial>>,
    /// Further dialogs of our INVITE that were answered: they were acknowledged and ended.
    pub(super) strays: Vec<Remote>,
    /// An offer of ours that crossed one of the peer and goes again after a pause.
    pub(super) again: Option<Box<Again>>,
    /// Answers challenges, where the user gave a name and a password.
    pub(super) authorizer: Option<Box<Authorizer>>,
    /// When the call is too long.
    pub(super) longest_until: Option<Mono>,
    /// When requests that found no room are sent again.
    pub(super) flush_at: Option<Mono>,
    /// When a look-up counts as failed.
    pub(super) lookup_until: Option<Mono>,
    pub(super) over: Option<Over>,
    /// REFERs of both sides, once there was one.
    pub(super) refers: Option<Box<Refers>>,
    /// What admission counts of this call of a peer.
    pub(super) ticket: Option<CallTicket>,
    /// True once the peer has shown that it receives what is sent to it.
    pub(super) is_proven: bool,
    /// The deadline that the agent knows.
    pub(super) armed: Option<Mono>,
}

/// How far a leg is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// A peer's INVITE waits for our user.
    Invited,
    /// Our 2xx waits for its first ACK.
    Accepted,
    /// Our INVITE waits for its final response.
    Dialling,
    /// The peer's 2xx has an offer, which our user answers in the ACK.
    Answering,
    /// Both sides know that the call is up.
    Up,
    /// The user knows that it is over; what is left only cleans up.
    Over,
}

/// An INVITE of the peer: the first, or a re-INVITE.
#[derive(Debug)]
pub(super) struct OpenInvite {
    pub(super) asked: Asked,
    pub(super) exchange: ExchangeId,
    /// Our reliable provisional responses to it.
    pub(super) reliable: Option<ReliableSender>,
    /// The body of the 2xx that waits for a PRACK.
    pub(super) deferred: Option<Body>,
    /// When the peer's Expires is over.
    pub(super) expires_at: Option<Mono>,
}

/// An offer outside of an INVITE.
#[derive(Debug)]
pub(super) struct OpenOffer {
    pub(super) asked: Asked,
    pub(super) exchange: ExchangeId,
    /// What carries the answer.
    pub(super) carrier: Carrier,
    /// When the user's answer would come too late for the peer.
    pub(super) until: Mono,
}

/// An offer that goes again.
#[derive(Debug)]
pub(super) struct Again {
    pub(super) at: Mono,
    pub(super) body: Body,
    pub(super) by_update: bool,
    /// The exchange that the user knows it by.
    pub(super) exchange: ExchangeId,
    /// How often it crossed one of the peer.
    pub(super) crossed: u8,
}

/// What is left of a leg that is over.
#[derive(Debug, Clone)]
pub(super) struct Over {
    /// Then it is removed, whatever is missing.
    pub(super) until: Mono,
    /// A BYE with this Reason goes once the ACK of our 2xx came, or is given up (RFC 3261 section 15).
    pub(super) bye: Option<Option<String>>,
}

impl Leg {
    pub(super) fn new(id: LegId, phase: Phase, main: Remote, trunk: Arc<Trunk>) -> Self {
        Self {
            id,
            is_ours: phase == Phase::Dialling,
            phase,
            refresh: Refresh::new(trunk.timers),
            trunk,
            main,
            exchange: Exchange::default(),
            peer_takes_update: false,
            described: None,
            invite: None,
            offered: None,
            confirm: None,
            sent: Vec::new(),
            next_number: 0,
            infos: VecDeque::new(),
            dial: None,
            strays: Vec::new(),
            again: None,
            authorizer: None,
            longest_until: None,
            flush_at: None,
            lookup_until: None,
            over: None,
            refers: None,
            ticket: None,
            is_proven: phase == Phase::Dialling,
            armed: None,
        }
    }

    /// Does what the user asks for.
    pub(super) fn command(&mut self, core: &mut Core, command: Command) {
        if self.is_over() {
            return;
        }
        match command {
            Command::Dial { .. } => {}
            Command::Ring { status, body, reliable } => self.ring(core, status, body, reliable),
            Command::Answer { body } if self.phase == Phase::Invited => self.answer(core, body),
            Command::Answer { .. } => {}
            Command::Refuse(refusal) => self.refuse_invite(core, &refusal),
            Command::Offer { body, by } => self.offer(core, body, by),
            Command::ReplyOffer { exchange, body } => self.reply_offer(core, exchange, body),
            Command::RefuseOffer { exchange, status } => self.refuse_offer(core, exchange, status),
            Command::RejectAnswer { exchange } => self.reject_answer(core, exchange),
            Command::Info { body } if self.infos.len() < INFOS_MAX => {
                self.infos.push_back(body);
                self.send_infos(core);
            }
            Command::Info { .. } => core.count(Counter::Overloaded),
            Command::AcceptRefer { refer } => self.accept_refer(core, refer),
            Command::RefuseRefer { refer, status } => self.refuse_refer(core, refer, status),
            Command::NotifyRefer { refer, status } => self.notify_refer(core, refer, status),
            // What it replaces is another leg's to say: the agent has seen to it.
            Command::Refer { refer, target, .. } => self.refer(core, refer, &target, None),
            Command::HangUp { reason } => self.hang_up_with(core, EndedBy::Us, None, reason),
        }
    }

    /// The look-ups that are under way.
    pub(super) fn queries(&self) -> impl Iterator<Item = u64> {
        std::iter::once(&self.main).chain(&self.strays).filter_map(Remote::query)
    }

    /// True where this is the tag of one of the peers that the leg's dialogs have.
    pub(super) fn has_remote(&self, tag: &str) -> bool {
        let of = |remote: &Remote| *remote.dialog.id.remote_tag == *tag;
        of(&self.main)
            || self.strays.iter().any(of)
            || self.dial.as_ref().is_some_and(|dial| dial.has_fork(tag))
    }

    pub(super) fn tag(&self) -> Tag {
        self.main.dialog.id.local_tag
    }

    /// True where the dialog can carry requests of ours.
    pub(super) fn is_up(&self) -> bool {
        self.phase == Phase::Up
    }

    pub(super) fn is_over(&self) -> bool {
        self.phase == Phase::Over
    }

    pub(super) fn take_number(&mut self) -> u32 {
        self.next_number = self.next_number.wrapping_add(1);
        self.next_number
    }

    /// Tells the user that the leg is over, once, and answers what the peer still waits for.
    pub(super) fn end(&mut self, core: &mut Core, ended: Ended) {
        self.end_with(core, ended, Status::REQUEST_TERMINATED);
    }

    /// The same; `status` is for an INVITE that was not answered.
    pub(super) fn end_with(&mut self, core: &mut Core, ended: Ended, status: Status) {
        if self.is_over() {
            return;
        }
        if let Some(ticket) = self.ticket.take() {
            core.admission.release(ticket);
        }
        self.phase = Phase::Over;
        let tag = self.tag();
        if let Some(open) = self.invite.take() {
            open.asked.refuse(core, status, tag);
        }
        if let Some(open) = self.offered.take() {
            open.asked.refuse(core, Status::REQUEST_TERMINATED, tag);
        }
        self.end_refers(core);
        self.infos = VecDeque::new();
        self.described = None;
        self.again = None;
        self.longest_until = None;
        // Twice the patience: a 2xx of ours may wait once for its ACK, and then its BYE for a response.
        let until =
            core.now.plus_ms(core.config.timers.patience_ms().saturating_mul(2).saturating_add(1_000));
        self.over = Some(Over { until, bye: None });
        core.event(self.id, Event::Ended(ended));
    }

    /// True where a request waits for its final response, or a BYE for the ACK or the NOTIFY before it.
    pub(super) fn has_open_request(&self) -> bool {
        let has_bye = self.over.as_ref().is_some_and(|over| over.bye.is_some());
        !self.sent.is_empty() || self.dial.is_some() || has_bye
    }

    /// True where nothing is left to do or to wait for.
    pub(super) fn is_done(&self) -> bool {
        let waits_for_ack =
            self.confirm.is_some() && self.over.as_ref().is_some_and(|over| over.bye.is_some());
        self.is_over()
            && self.sent.is_empty()
            && self.dial.is_none()
            && !waits_for_ack
            && self.main.ack.is_none()
            && self.strays.is_empty()
    }

    /// When [`Leg::advance`] is due.
    pub(super) fn next_deadline(&self) -> Option<Mono> {
        let reliable = self.invite.as_ref().and_then(|open| open.reliable.as_ref());
        let acks = std::iter::once(&self.main)
            .chain(&self.strays)
            .filter_map(|remote| remote.ack.as_ref())
            .map(|ack| ack.until);
        let refresh = if self.is_up() { self.refresh.next_deadline() } else { None };
        [
            self.confirm.as_ref().map(|confirm| confirm.next_deadline()),
            reliable.and_then(ReliableSender::next_deadline),
            self.invite.as_ref().and_then(|open| open.expires_at),
            refresh,
            self.longest_until,
            self.flush_at,
            self.lookup_until,
            self.offered.as_ref().map(|open| open.until),
            self.again.as_ref().map(|again| again.at),
            self.over.as_ref().map(|over| over.until),
            self.dial.as_ref().and_then(|dial| dial.connect_until),
            self.sent.iter().filter_map(|sent| sent.until).min(),
            self.refers_deadline(),
        ]
        .into_iter()
        .flatten()
        .chain(acks)
        .min()
    }

    /// Does what is due.
    pub(super) fn advance(&mut self, core: &mut Core) {
        let now = core.now;
        let is_due = |at: Option<Mono>| at.is_some_and(|at| now >= at);
        self.advance_confirm(core);
        self.advance_reliable(core);
        if self.invite.as_ref().is_some_and(|open| is_due(open.expires_at)) {
            self.cancelled(core, Some("Expires".to_owned()));
        }
        self.advance_sent(core);
        self.advance_refers(core);
        if is_due(self.longest_until) {
            self.longest_until = None;
            self.hang_up_with(core, EndedBy::TooLong, None, None);
        }
        if self.is_up() {
            self.advance_refresh(core);
        }
        if self.again.as_ref().is_some_and(|again| now >= again.at) {
            self.offer_again(core);
        }
        if self.offered.as_ref().is_some_and(|open| now >= open.until) {
            self.offer_took_too_long(core);
        }
        if is_due(self.flush_at) {
            self.flush_at = None;
            self.flush(core);
        }
        if is_due(self.lookup_until) {
            self.lookup_until = None;
            self.lookup_failed(core);
        }
        if self.dial.as_ref().is_some_and(|dial| is_due(dial.connect_until)) {
            self.connect_took_too_long(core);
        }
        if self.main.ack.as_ref().is_some_and(|ack| ack.is_held && now >= ack.until) {
            // Our user owes the answer of the ACK; the peer gave up by now.
            self.hang_up_with(core, EndedBy::Failure, Some(Status::REQUEST_TIMEOUT), None);
        }
        for remote in std::iter::once(&mut self.main).chain(&mut self.strays) {
            if remote.ack.as_ref().is_some_and(|ack| now >= ack.until) {
                remote.ack = None;
            }
        }
        self.strays.retain(|stray| stray.ack.is_some());
        if self.over.as_ref().is_some_and(|over| now >= over.until) {
            self.abandon(core);
        }
    }

    /// Lets go of all that is left.
    fn abandon(&mut self, core: &mut Core) {
        for sent in self.sent.drain(..) {
            if let super::sent::Stage::Under { client, .. } = sent.stage {
                core.transactions.forget(client);
            }
        }
        self.dial = None;
        self.confirm = None;
        self.strays = Vec::new();
        self.main.ack = None;
        self.over = None;
    }

    /// The user or a limit ends the leg: CANCEL, a refusal or BYE, whichever is right.
    pub(super) fn hang_up_with(
        &mut self,
        core: &mut Core,
        by: EndedBy,
        status: Option<Status>,
        reason: Option<String>,
    ) {
        let ended = Ended::by(by, status);
        match self.phase {
            Phase::Over => {}
            Phase::Invited => {
                let status = Status::TEMPORARILY_UNAVAILABLE;
                self.end_with(core, Ended { status: Some(status), ..ended }, status);
            }
            Phase::Dialling => {
                self.end(core, ended);
                self.cancel(core, reason);
            }
            Phase::Accepted => {
                self.end(core, ended);
                if let Some(over) = &mut self.over {
                    over.bye = Some(reason);
                }
            }
            Phase::Answering => {
                self.end(core, ended);
                self.release_ack(core, None);
                self.bye(core, reason);
            }
            Phase::Up => {
                let news = self.take_last_news();
                self.end(core, ended);
                if let (Some(news), Some(over)) = (news, &mut self.over) {
                    // The outcome of a transfer first: a peer that is hung up before takes it as failed.
                    self.refers = Some(news);
                    over.bye = Some(reason);
                    return;
                }
                // A re-INVITE's 2xx may wait for its ACK; BYE does not wait for that one.
                self.bye(core, reason);
            }
        }
    }

    /// Sends BYE. The user knows already that the leg is over.
    pub(super) fn bye(&mut self, core: &mut Core, reason: Option<String>) {
        self.confirm = None;
        let headers = reason.into_iter().map(|reason| (Name::Reason, reason)).collect();
        self.request(core, super::sent::Purpose::Bye, headers, None);
    }
}

impl Ended {
    /// Without further words.
    pub(super) fn by(by: EndedBy, status: Option<Status>) -> Self {
        Self { by, status, reason: None, contact: None }
    }
}

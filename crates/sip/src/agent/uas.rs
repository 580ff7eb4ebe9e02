//! Answering calls (RFC 3261 section 13.3, RFC 3262): from the INVITE of a peer to its ACK.

use super::asked::{Asked, has_session, session_parts};
use super::core::Core;
use super::leg::{Leg, OpenInvite, Phase};
use super::remote::is_too_large;
use super::{Body, Ended, EndedBy, Event, Refusal};
use crate::dialog::{Acknowledged, Carrier, Confirm, ConfirmDue, ExchangeId, Received, ReliableSender};
use crate::wire::{CSeq, Draft, Method, Name, Part, RAck, Request, Status, decimal};
use std::sync::Arc;
use tympan_types::LegId;

/// RSeq begins below this, so that its numbers stay below 2^31 (RFC 3262 section 7.1).
const FIRST_RSEQ_BELOW: u32 = 1 << 30;

impl Leg {
    /// Takes the INVITE that makes this leg, and tells the user.
    pub(super) fn invited(
        &mut self,
        core: &mut Core,
        asked: Asked,
        parts: Vec<Part>,
        user: Option<Arc<str>>,
        replaces: Option<LegId>,
    ) {
        let request = &asked.request;
        self.peer_takes_update = request.message.lists(Name::Allow, "UPDATE");
        let late_offer = !has_session(&parts);
        let (Received::Offer(exchange) | Received::OfferWanted(exchange)) =
            self.exchange.receive(Carrier::Invite, !late_offer)
        else {
            return;
        };
        let event = Event::Invited {
            call_id: request.call_id.as_str().to_owned(),
            trunk: self.trunk.id.clone(),
            called: self.trunk.called(request).into(),
            caller: self.trunk.caller(request),
            source: asked.flow.peer,
            flow: asked.flow,
            exchange,
            user,
            replaces,
            parts,
            late_offer,
            message: Box::new(request.message.clone()),
        };
        core.remember_invite(asked.server, self.id);
        // RFC 3261 section 13.3.1: an invitation that expires counts as cancelled. 0 says nothing of use.
        let expires_s =
            request.message.value(Name::Expires).and_then(decimal).filter(|expires_s| *expires_s > 0);
        let expires_at = expires_s.map(|expires_s| core.now.plus_ms(i64::from(expires_s) * 1_000));
        self.invite =
            Some(Box::new(OpenInvite { asked, exchange, reliable: None, deferred: None, expires_at }));
        core.event(self.id, event);
    }

    /// A provisional response.
    pub(super) fn ring(&mut self, core: &mut Core, status: Status, body: Option<Body>, reliable: bool) {
        let tag = self.tag();
        let Some(open) = self.invite.as_mut().filter(|_| self.phase == Phase::Invited) else { return };
        if !status.is_provisional() || status == Status::TRYING || open.deferred.is_some() {
            return;
        }
        if !open.reliable.as_ref().is_none_or(ReliableSender::has_room) {
            return core.count(super::Counter::Overloaded);
        }
        let must = open.asked.requires("100rel");
        let is_late = self.exchange.wanted() == Some(open.exchange);
        let mut draft = open.asked.dialog_draft(core, status, tag);
        if must || (reliable && open.asked.supports("100rel")) {
            let carrier = Carrier::ReliableProvisional;
            let carried = body.clone().filter(|_| {
                if is_late {
                    self.exchange.send_offer(carrier).is_some()
                } else {
                    self.exchange.send_answer(open.exchange, carrier)
                }
            });
            if carried.is_some() || self.exchange.send_without(carrier) {
                if carried.is_some() {
                    self.described.clone_from(&carried);
                }
                let t1_ms = core.config.timers.t1_ms;
                let sender = open.reliable.get_or_insert_with(|| {
                    let invite = CSeq { number: open.asked.request.cseq, method: Method::Invite };
                    ReliableSender::new(invite, 1 + core.ids.below(FIRST_RSEQ_BELOW), t1_ms)
                });
                draft = draft.header(Name::Require, "100rel").header(Name::RSeq, sender.next_rseq());
                let now = core.now;
                sender.send(now, with_body(draft, carried.as_ref()).finish());
                return self.send_reliable(core);
            }
            if must {
                // RFC 3262 section 5: the first reliable response has to have the offer, and there is none yet.
                return;
            }
        }
        // Unreliably, a body is a preview of the answer; there is none of an offer.
        let preview = body.filter(|_| !is_late && self.exchange.is_due_in_invite_ok());
        open.asked.respond(core, status, with_body(draft, preview.as_ref()));
    }

    /// Sends what the reliable responses have to send now.
    fn send_reliable(&mut self, core: &mut Core) {
        let Some(open) = &mut self.invite else { return };
        let (now, server) = (core.now, open.asked.server);
        while let Some(bytes) = open.reliable.as_mut().and_then(|sender| sender.poll(now)) {
            // Any provisional status does: the bytes say which one it is.
            core.respond(server, Status::SESSION_PROGRESS, bytes);
        }
    }

    pub(super) fn advance_reliable(&mut self, core: &mut Core) {
        let Some(sender) = self.invite.as_ref().and_then(|open| open.reliable.as_ref()) else { return };
        if sender.is_given_up(core.now) {
            let status = Status::SERVER_TIMEOUT;
            return self.end_with(core, Ended::by(EndedBy::Failure, Some(status)), status);
        }
        self.send_reliable(core);
    }

    /// PRACK (RFC 3262 section 3).
    pub(super) fn prack(&mut self, core: &mut Core, asked: Asked) {
        let tag = self.tag();
        let rack = asked.request.message.value(Name::RAck).and_then(RAck::parse);
        let now = core.now;
        let sender = self.invite.as_mut().and_then(|open| open.reliable.as_mut());
        let (Some(rack), Some(sender)) = (rack, sender) else {
            return asked.refuse(core, Status::CALL_DOES_NOT_EXIST, tag);
        };
        if sender.acknowledge(now, &rack) == Acknowledged::Unknown {
            return asked.refuse(core, Status::CALL_DOES_NOT_EXIST, tag);
        }
        self.prove(core);
        let parts = session_parts(&asked.request.message);
        match self.exchange.receive(Carrier::Prack, has_session(&parts)) {
            Received::Offer(exchange) => {
                let open = super::leg::OpenOffer {
                    asked,
                    exchange,
                    carrier: Carrier::PrackOk,
                    until: super::in_dialog::answer_until(core),
                };
                self.offered = Some(Box::new(open));
                core.event(self.id, Event::Offered { exchange, parts });
            }
            Received::Answer(exchange) => {
                asked.refuse(core, Status::OK, tag);
                core.event(self.id, Event::Answered { exchange, parts });
            }
            Received::Broken(exchange) => {
                asked.refuse(core, Status::OK, tag);
                core.event(
                    self.id,
                    Event::OfferFailed { exchange: Some(exchange), status: Status::BAD_REQUEST },
                );
            }
            Received::Glare => asked.refuse(core, Status::REQUEST_PENDING, tag),
            Received::Busy => self.refuse_busy(core, &asked),
            Received::Nothing | Received::OfferWanted(_) | Received::Preview(_) => {
                asked.refuse(core, Status::OK, tag);
            }
        }
        self.send_reliable(core);
        let is_waiting = |open: &OpenInvite| open.reliable.as_ref().is_some_and(ReliableSender::is_waiting);
        if let Some(open) = &mut self.invite
            && !is_waiting(open)
            && let Some(body) = open.deferred.take()
        {
            self.answer(core, body);
        }
    }

    /// 200 to the open INVITE: with the answer, or with our offer.
    pub(super) fn answer(&mut self, core: &mut Core, body: Body) {
        let tag = self.tag();
        let Some(open) = &mut self.invite else { return };
        if open.deferred.is_some() {
            return;
        }
        if open.reliable.as_ref().is_some_and(ReliableSender::is_waiting) {
            // RFC 3262 section 3: not before the PRACK of a response that described the session.
            open.deferred = Some(body);
            return;
        }
        let carrier = Carrier::InviteOk;
        let has_body = if self.exchange.wanted() == Some(open.exchange) {
            self.exchange.send_offer(carrier).is_some()
        } else {
            self.exchange.send_answer(open.exchange, carrier)
        };
        if !has_body && !self.exchange.send_without(carrier) {
            return;
        }
        let Some(open) = self.invite.take() else { return };
        let asked = &open.asked;
        let mut draft = asked.dialog_draft(core, Status::OK, tag);
        if let Ok(Some((expires, requires))) = self.refresh.accept(core.now, &asked.request) {
            draft = draft.header(Name::SessionExpires, expires);
            if requires {
                draft = draft.header(Name::Require, "timer");
            }
        }
        let bytes = with_body(draft, has_body.then_some(&body)).finish();
        if is_too_large(core, &asked.flow, &bytes) {
            return self.answer_too_large(core, open);
        }
        if has_body {
            self.described = Some(body);
        }
        core.respond(asked.server, Status::OK, bytes.clone());
        let timers = core.config.timers;
        self.confirm =
            Some(Box::new(Confirm::new(core.now, timers, asked.request.cseq, asked.server, bytes)));
        if self.phase == Phase::Invited {
            self.phase = Phase::Accepted;
            self.start_longest(core);
        }
    }

    /// A response that no datagram can carry is refused rather than cut.
    fn answer_too_large(&mut self, core: &mut Core, open: Box<OpenInvite>) {
        let status = Status::SERVER_INTERNAL_ERROR;
        let draft = open.asked.draft(core, status, self.tag()).reason("Response Too Large For UDP");
        open.asked.respond(core, status, draft);
        self.exchange.invite_refused();
        if self.phase == Phase::Invited {
            self.end(core, Ended::by(EndedBy::Failure, Some(status)));
        } else {
            core.event(self.id, Event::OfferFailed { exchange: Some(open.exchange), status });
        }
    }

    pub(super) fn start_longest(&mut self, core: &Core) {
        self.longest_until =
            self.trunk.longest_call_s.map(|longest_s| core.now.plus_ms(i64::from(longest_s) * 1_000));
    }

    /// The user refuses the INVITE.
    pub(super) fn refuse_invite(&mut self, core: &mut Core, refusal: &Refusal) {
        if self.phase != Phase::Invited || refusal.status < Status::new(300).unwrap_or(Status::BAD_REQUEST) {
            return;
        }
        let tag = self.tag();
        let Some(open) = self.invite.take() else { return };
        let mut draft = core.capable(open.asked.draft(core, refusal.status, tag));
        if let Some(retry_after_s) = refusal.retry_after_s {
            draft = draft.header(Name::RetryAfter, retry_after_s);
        }
        for (name, value) in &refusal.headers {
            draft = draft.header(*name, value);
        }
        open.asked.respond(core, refusal.status, draft);
        self.end(core, Ended::by(EndedBy::Us, Some(refusal.status)));
    }

    /// A CANCEL of the open INVITE (RFC 3261 section 9.2).
    pub(super) fn cancelled(&mut self, core: &mut Core, reason: Option<String>) {
        let status = Status::REQUEST_TERMINATED;
        if self.phase == Phase::Invited {
            let ended = Ended { reason, ..Ended::by(EndedBy::Peer, Some(status)) };
            return self.end_with(core, ended, status);
        }
        // Of a re-INVITE: the session stays as it was.
        let tag = self.tag();
        if let Some(open) = self.invite.take() {
            open.asked.refuse(core, status, tag);
            self.exchange.invite_refused();
            core.event(self.id, Event::OfferFailed { exchange: Some(open.exchange), status });
        }
    }

    /// The ACK of a 2xx of ours (RFC 3261 section 13.3.1.4).
    pub(super) fn acknowledged(&mut self, core: &mut Core, ack: &Request) {
        if self.confirm.as_ref().is_none_or(|confirm| confirm.cseq != ack.cseq) {
            // Another copy of it.
            return;
        }
        self.confirm = None;
        if let Some(over) = &mut self.over {
            if let Some(reason) = over.bye.take() {
                self.bye(core, reason);
            }
            return;
        }
        let parts = session_parts(&ack.message);
        let received = self.exchange.receive(Carrier::Ack, has_session(&parts));
        let is_first = self.phase == Phase::Accepted;
        match received {
            Received::Answer(exchange) => core.event(self.id, Event::Answered { exchange, parts }),
            Received::Broken(_) if is_first => {
                // The offer in our 2xx has no answer: there is no session (RFC 3261 section 13.2.1).
                let ended = Ended::by(EndedBy::Failure, Some(Status::NOT_ACCEPTABLE_HERE));
                self.end(core, ended);
                return self.bye(core, None);
            }
            Received::Broken(exchange) => {
                let status = Status::NOT_ACCEPTABLE_HERE;
                core.event(self.id, Event::OfferFailed { exchange: Some(exchange), status });
            }
            _ => {}
        }
        self.confirmed(core);
    }

    /// The peer named a tag or an RSeq of ours: it receives what is sent to it.
    fn prove(&mut self, core: &mut Core) {
        self.is_proven = true;
        if let Some(ticket) = &mut self.ticket {
            core.admission.call_confirmed(core.now, ticket);
        }
    }

    /// The peer has our 2xx.
    pub(super) fn confirmed(&mut self, core: &mut Core) {
        if self.phase == Phase::Accepted {
            self.prove(core);
            self.phase = Phase::Up;
            core.event(self.id, Event::Confirmed);
        }
        self.send_infos(core);
    }

    pub(super) fn advance_confirm(&mut self, core: &mut Core) {
        while let Some(confirm) = &mut self.confirm {
            match confirm.poll(core.now) {
                None => return,
                Some(ConfirmDue::Repeat) => {
                    let (server, bytes) = (confirm.server, confirm.bytes.clone());
                    core.respond(server, Status::OK, bytes);
                }
                Some(ConfirmDue::GivenUp) => {
                    self.confirm = None;
                    self.end(core, Ended::by(EndedBy::Failure, None));
                    let reason = self.over.as_mut().and_then(|over| over.bye.take()).flatten();
                    return self.bye(core, reason);
                }
            }
        }
    }

    /// The exchange of the INVITE that is open, if it is this one.
    pub(super) fn is_invite_exchange(&self, exchange: ExchangeId) -> bool {
        self.invite.as_ref().is_some_and(|open| open.exchange == exchange)
    }
}

/// Adds a body where there is one.
pub(super) fn with_body(draft: Draft, body: Option<&Body>) -> Draft {
    match body {
        Some(body) => draft.body(&body.content_type, &body.bytes),
        None => draft,
    }
}

//! Changes of a session that is up: offers of both sides, refreshes of the session timer, offers that cross.

use super::asked::{has_session, session_parts};
use super::core::Core;
use super::leg::{Again, Leg, Phase};
use super::remote::KeptAck;
use super::sent::{Purpose, Sent};
use super::{Body, Ended, EndedBy, Event, OfferBy};
use crate::dialog::{Carrier, ExchangeId, Received, RefreshDue};
use crate::wire::{Response, Status};

/// How often an offer that crossed one of the peer goes again.
const CROSSED_MAX: u8 = 5;

impl Leg {
    /// The user offers a change.
    pub(super) fn offer(&mut self, core: &mut Core, body: Body, by: OfferBy) {
        let by_update = by == OfferBy::Update
            && self.peer_takes_update
            && self.exchange.may_offer(Carrier::Update)
            && !matches!(self.phase, Phase::Over | Phase::Answering);
        let may = by_update || (self.is_up() && self.confirm.is_none());
        if self.again.is_some() || !may || self.send_offer(core, body, by_update, 0).is_none() {
            core.event(self.id, Event::OfferFailed { exchange: None, status: Status::REQUEST_PENDING });
        }
    }

    /// Sends an offer; `None` where it may not be now.
    fn send_offer(
        &mut self,
        core: &mut Core,
        body: Body,
        by_update: bool,
        crossed: u8,
    ) -> Option<ExchangeId> {
        let carrier = if by_update { Carrier::Update } else { Carrier::Invite };
        let exchange = self.exchange.send_offer(carrier)?;
        let purpose = if by_update {
            Purpose::Update { exchange }
        } else {
            Purpose::ReInvite { exchange, refresh: false }
        };
        let headers = self.timer_headers();
        if !self.request_crossed(core, purpose, headers, Some(body), crossed) {
            self.exchange.roll_back(exchange);
            return None;
        }
        Some(exchange)
    }

    /// The user answers an offer of the peer, or makes the offer that the peer wants.
    pub(super) fn reply_offer(&mut self, core: &mut Core, exchange: ExchangeId, body: Body) {
        if self.is_invite_exchange(exchange) {
            return self.answer(core, body);
        }
        if let Some(open) = self.offered.take_if(|open| open.exchange == exchange) {
            if !self.exchange.send_answer(exchange, open.carrier) {
                let tag = self.tag();
                return open.asked.refuse(core, Status::REQUEST_TERMINATED, tag);
            }
            if open.carrier == Carrier::UpdateOk {
                self.respond_update(core, &open.asked, Some(&body));
            } else {
                let draft = open.asked.draft(core, Status::OK, self.tag());
                open.asked.respond(core, Status::OK, super::uas::with_body(draft, Some(&body)));
            }
            self.described = Some(body);
            return;
        }
        if self.phase == Phase::Answering && self.exchange.send_answer(exchange, Carrier::Ack) {
            self.described = Some(body.clone());
            self.release_ack(core, Some(body));
            return self.dial_up(core);
        }
        if self.phase == Phase::Dialling && self.answer_early(core, exchange, &body) {
            self.described = Some(body);
            return;
        }
        let status = Status::CALL_DOES_NOT_EXIST;
        core.event(self.id, Event::OfferFailed { exchange: Some(exchange), status });
    }

    /// The user refuses an offer of the peer: the session stays as it was.
    pub(super) fn refuse_offer(&mut self, core: &mut Core, exchange: ExchangeId, status: Status) {
        let status = if status < Status::BAD_REQUEST { Status::NOT_ACCEPTABLE_HERE } else { status };
        let tag = self.tag();
        if self.is_invite_exchange(exchange) {
            if self.phase == Phase::Invited {
                return self.end_with(core, Ended::by(EndedBy::Us, Some(status)), status);
            }
            if let Some(open) = self.invite.take() {
                open.asked.refuse(core, status, tag);
                self.exchange.invite_refused();
            }
        } else if let Some(open) = self.offered.take_if(|open| open.exchange == exchange) {
            open.asked.refuse(core, status, tag);
            self.exchange.roll_back(exchange);
        } else if matches!(self.phase, Phase::Answering | Phase::Dialling)
            && self.exchange.open() == Some((exchange, false))
        {
            // No response can refuse this offer: the call ends.
            self.hang_up_with(core, EndedBy::Us, Some(status), None);
        }
    }

    /// The user did not answer an offer in UPDATE or PRACK in time (RFC 3311 section 5.2: 504).
    pub(super) fn offer_took_too_long(&mut self, core: &mut Core) {
        let Some(open) = self.offered.take() else { return };
        let status = Status::SERVER_TIMEOUT;
        open.asked.refuse(core, status, self.tag());
        self.exchange.roll_back(open.exchange);
        core.event(self.id, Event::OfferFailed { exchange: Some(open.exchange), status });
    }

    /// The user cannot use the peer's answer.
    pub(super) fn reject_answer(&mut self, core: &mut Core, exchange: ExchangeId) {
        if exchange.is_first() {
            self.hang_up_with(core, EndedBy::Us, Some(Status::NOT_ACCEPTABLE_HERE), None);
        }
    }

    /// The 2xx to a re-INVITE of ours.
    pub(super) fn reinvite_accepted(
        &mut self,
        core: &mut Core,
        sent: &Sent,
        refresh: bool,
        response: &Response,
    ) {
        self.main.ack = Some(Box::new(KeptAck {
            cseq: sent.cseq,
            body: None,
            authorization: self.invite_credentials(),
            sent: None,
            until: core.now.plus_ms(core.config.timers.patience_ms()),
            is_held: false,
        }));
        self.main.acknowledge(core, self.id);
        self.answer_received(core, sent, Carrier::InviteOk, response);
        if refresh && !self.is_over() {
            core.event(self.id, Event::Refreshed);
        }
    }

    /// A 2xx to re-INVITE, UPDATE or PRACK of ours, which answers where that offered.
    pub(super) fn answer_received(
        &mut self,
        core: &mut Core,
        sent: &Sent,
        carrier: Carrier,
        response: &Response,
    ) {
        let parts = session_parts(&response.message);
        let received = self.exchange.receive(carrier, has_session(&parts));
        if self.is_over() {
            return;
        }
        match received {
            Received::Answer(exchange) => {
                self.described.clone_from(&sent.body);
                core.event(self.id, Event::Answered { exchange, parts });
            }
            Received::Broken(exchange) => {
                let status = Status::NOT_ACCEPTABLE_HERE;
                core.event(self.id, Event::OfferFailed { exchange: Some(exchange), status });
            }
            _ => {}
        }
    }

    /// An offer of ours was refused. One that crossed an offer of the peer goes again after the pause of RFC 3261 section 14.1.
    pub(super) fn offer_refused(
        &mut self,
        core: &mut Core,
        sent: &Sent,
        exchange: ExchangeId,
        status: Status,
        refresh: bool,
    ) {
        if refresh {
            return self.refresh.refresh_failed(core.now, false);
        }
        if status == Status::REQUEST_PENDING
            && sent.crossed < CROSSED_MAX
            && let Some(body) = &sent.body
        {
            // The owner of the Call-ID waits 2.1 to 4 s, the other one 0 to 2 s.
            let pause_ms =
                if self.is_ours { 2_100 + 10 * core.ids.below(191) } else { 10 * core.ids.below(201) };
            self.again = Some(Box::new(Again {
                at: core.now.plus_ms(i64::from(pause_ms)),
                body: body.clone(),
                by_update: matches!(sent.purpose, Purpose::Update { .. }),
                exchange,
                crossed: sent.crossed + 1,
            }));
            return;
        }
        core.event(self.id, Event::OfferFailed { exchange: Some(exchange), status });
    }

    /// The pause is over.
    pub(super) fn offer_again(&mut self, core: &mut Core) {
        let Some(again) = self.again.take() else { return };
        let Again { body, by_update, exchange, crossed, .. } = *again;
        let may = by_update || (self.is_up() && self.confirm.is_none());
        if !may || self.send_offer(core, body, by_update, crossed).is_none() {
            let status = Status::REQUEST_PENDING;
            core.event(self.id, Event::OfferFailed { exchange: Some(exchange), status });
        }
    }

    /// The session timer (RFC 4028).
    pub(super) fn advance_refresh(&mut self, core: &mut Core) {
        match self.refresh.poll(core.now) {
            Some(RefreshDue::Refresh) if !self.send_refresh(core) => {
                self.refresh.refresh_postponed(core.now);
            }
            None | Some(RefreshDue::Refresh) => {}
            Some(RefreshDue::Expired) => {
                self.end(core, Ended::by(EndedBy::SessionExpired, None));
                self.bye(core, None);
            }
        }
    }

    /// UPDATE without a session description where the peer takes it; else a re-INVITE with what we described last, unchanged.
    fn send_refresh(&mut self, core: &mut Core) -> bool {
        let headers = self.timer_headers();
        if self.peer_takes_update {
            return self.request(core, Purpose::Refresh, headers, None);
        }
        let Some(body) = self.described.clone() else { return false };
        if self.confirm.is_some() {
            return false;
        }
        let Some(exchange) = self.exchange.send_offer(Carrier::Invite) else { return false };
        let sent = self.request(core, Purpose::ReInvite { exchange, refresh: true }, headers, Some(body));
        if !sent {
            self.exchange.roll_back(exchange);
        }
        sent
    }
}

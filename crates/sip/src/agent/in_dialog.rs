//! Requests of a peer in a dialog, in the order in which they come (RFC 3261 section 12.2.2). Each one gets a response.

use super::asked::{Asked, Content, content, has_session, unsupported};
use super::core::{ACCEPT, Core, refreshes_target};
use super::leg::{Leg, OpenInvite, OpenOffer, Phase};
use super::refer::ReferWish;
use super::{Counter, Ended, EndedBy, Event};
use crate::dialog::{Carrier, Received};
use crate::wire::{Method, Name, Part, Status, parts};

/// Retry-After of a 500 for an offer that has to wait is below this (RFC 3261 section 14.2).
const RETRY_AFTER_BELOW_S: u32 = 11;

impl Leg {
    /// Takes a request other than ACK and CANCEL, of the peer of this leg's dialog.
    pub(super) fn requested(&mut self, core: &mut Core, asked: Asked, refer: Option<ReferWish>) {
        let tag = self.tag();
        if !self.main.dialog.order.take(asked.request.cseq) {
            core.count(Counter::OutOfOrder);
            return asked.refuse(core, Status::SERVER_INTERNAL_ERROR, tag);
        }
        if self.is_over() {
            // A BYE that crossed ours.
            let status =
                if asked.request.method == Method::Bye { Status::OK } else { Status::CALL_DOES_NOT_EXIST };
            return asked.refuse(core, status, tag);
        }
        let missing = unsupported(core, &asked.request);
        if !missing.is_empty() {
            let status = Status::BAD_EXTENSION;
            let draft = asked.draft(core, status, tag).header(Name::Unsupported, missing.join(", "));
            asked.respond(core, status, draft);
            return;
        }
        if super::replaces::is_misplaced(&asked.request) {
            let status = Status::BAD_REQUEST;
            let draft = asked.draft(core, status, tag).reason("Replaces Is For INVITE Alone");
            asked.respond(core, status, draft);
            return;
        }
        self.main.heard_from(core, &asked.flow, asked.is_direct(), self.trunk.force_rport);
        if refreshes_target(&asked.request.method) {
            self.refresh_target(core, &asked);
        }
        match &asked.request.method {
            Method::Bye => self.bye_received(core, &asked),
            Method::Invite => self.invited_again(core, asked),
            Method::Update => self.updated(core, asked),
            Method::Prack => self.prack(core, asked),
            Method::Info => self.informed(core, &asked),
            Method::Options => {
                let draft = asked.dialog_draft(core, Status::OK, tag).header(Name::Accept, ACCEPT);
                asked.respond(core, Status::OK, draft);
            }
            Method::Refer if let Some(wish) = refer => self.referred(core, asked, wish),
            Method::Notify if core.config.takes_transfers => self.notify_received(core, &asked),
            Method::Refer => {
                let draft = core.capable(asked.draft(core, Status::NOT_IMPLEMENTED, tag));
                asked.respond(core, Status::NOT_IMPLEMENTED, draft);
            }
            _ => {
                let draft = core.capable(asked.draft(core, Status::METHOD_NOT_ALLOWED, tag));
                asked.respond(core, Status::METHOD_NOT_ALLOWED, draft);
            }
        }
    }

    /// The Contact of a target refresh request counts from its arrival on (RFC 3261 section 12.2.2).
    fn refresh_target(&mut self, core: &mut Core, asked: &Asked) {
        let Some(contact) = asked.request.contact() else { return };
        if self.main.refresh_target(core, &contact, &asked.flow, self.trunk.force_rport) {
            core.event(self.id, Event::TargetRefreshed { target: contact.detached() });
        }
    }

    fn bye_received(&mut self, core: &mut Core, asked: &Asked) {
        let tag = self.tag();
        asked.refuse(core, Status::OK, tag);
        let reason = asked.request.message.text(Name::Reason).map(|reason| reason.as_str().to_owned());
        self.end(core, Ended { reason, ..Ended::by(EndedBy::Peer, None) });
        // A peer that ends the session has our 2xx, and repeats none of its own.
        self.confirm = None;
        self.main.ack = None;
        if self.dial.is_some() {
            // A callee may not end an early dialog by BYE; where it does, its INVITE is over all the same.
            self.cancel(core, None);
        }
    }

    fn invited_again(&mut self, core: &mut Core, asked: Asked) {
        let tag = self.tag();
        if self.invite.is_some() {
            return self.refuse_busy(core, &asked);
        }
        let Some(parts) = self.usable_parts(core, &asked) else { return };
        if let Err(too_small) = self.refresh.clone().accept(core.now, &asked.request) {
            return self.refuse_too_small(core, &asked, too_small.min_se_s);
        }
        let (exchange, event) = match self.exchange.receive(Carrier::Invite, has_session(&parts)) {
            Received::Offer(exchange) => (exchange, Event::Offered { exchange, parts }),
            Received::OfferWanted(exchange) => (exchange, Event::OfferWanted { exchange }),
            Received::Busy => return self.refuse_busy(core, &asked),
            _ => return asked.refuse(core, Status::REQUEST_PENDING, tag),
        };
        // A new INVITE shows that the peer has our 2xx, though its ACK is late or lost.
        if self.confirm.take().is_some() {
            self.confirmed(core);
        }
        self.peer_offers(core);
        core.remember_invite(asked.server, self.id);
        let until = core.now.plus_ms(super::sent::REINVITE_MAX_MS);
        self.invite = Some(Box::new(OpenInvite {
            asked,
            exchange,
            reliable: None,
            deferred: None,
            expires_at: Some(until),
        }));
        core.event(self.id, event);
    }

    fn updated(&mut self, core: &mut Core, asked: Asked) {
        let tag = self.tag();
        let Some(parts) = self.usable_parts(core, &asked) else { return };
        if let Err(too_small) = self.refresh.clone().accept(core.now, &asked.request) {
            return self.refuse_too_small(core, &asked, too_small.min_se_s);
        }
        match self.exchange.receive(Carrier::Update, has_session(&parts)) {
            Received::Offer(exchange) => {
                self.peer_offers(core);
                self.offered = Some(Box::new(OpenOffer {
                    asked,
                    exchange,
                    carrier: Carrier::UpdateOk,
                    until: answer_until(core),
                }));
                core.event(self.id, Event::Offered { exchange, parts });
            }
            Received::Glare => asked.refuse(core, Status::REQUEST_PENDING, tag),
            Received::Busy => self.refuse_busy(core, &asked),
            _ => {
                // Without an offer there is no answer (RFC 3311 section 5.2).
                self.respond_update(core, &asked, None);
                if self.is_up() {
                    core.event(self.id, Event::Refreshed);
                }
            }
        }
    }

    /// 200 to an UPDATE.
    pub(super) fn respond_update(&mut self, core: &mut Core, asked: &Asked, body: Option<&super::Body>) {
        let mut draft = asked.dialog_draft(core, Status::OK, self.tag());
        if let Ok(Some((expires, requires))) = self.refresh.accept(core.now, &asked.request) {
            draft = draft.header(Name::SessionExpires, expires);
            if requires {
                draft = draft.header(Name::Require, "timer");
            }
        }
        asked.respond(core, Status::OK, super::uas::with_body(draft, body));
    }

    /// INFO with digits, or without a body, which some peers send to see whether the call lives.
    fn informed(&mut self, core: &mut Core, asked: &Asked) {
        let tag = self.tag();
        let message = &asked.request.message;
        let Some(parts) = parts(message).filter(|parts| parts.iter().all(is_digits)) else {
            return refuse_content(core, asked, tag);
        };
        asked.refuse(core, Status::OK, tag);
        if !parts.is_empty() {
            core.event(self.id, Event::Info { parts });
        }
    }

    /// The parts of a body that may describe a session; refuses what cannot be used.
    fn usable_parts(&self, core: &mut Core, asked: &Asked) -> Option<Vec<Part>> {
        match content(&asked.request.message) {
            Content::Parts(parts) => return Some(parts),
            Content::Broken => {
                let status = Status::BAD_REQUEST;
                let draft = asked.draft(core, status, self.tag()).reason("Broken Multipart Body");
                asked.respond(core, status, draft);
            }
            Content::Unknown => refuse_content(core, asked, self.tag()),
        }
        None
    }

    /// 500 with Retry-After: an offer of the peer is open already.
    pub(super) fn refuse_busy(&self, core: &mut Core, asked: &Asked) {
        let status = Status::SERVER_INTERNAL_ERROR;
        let after_s = core.ids.below(RETRY_AFTER_BELOW_S);
        let draft = asked.draft(core, status, self.tag()).header(Name::RetryAfter, after_s);
        asked.respond(core, status, draft);
    }

    fn refuse_too_small(&self, core: &mut Core, asked: &Asked, min_se_s: u32) {
        let status = Status::SESSION_INTERVAL_TOO_SMALL;
        let draft = asked.draft(core, status, self.tag()).header(Name::MinSe, min_se_s);
        asked.respond(core, status, draft);
    }

    /// The peer changes the session while an offer of ours waits for another try: that one is out of date.
    fn peer_offers(&mut self, core: &mut Core) {
        if let Some(again) = self.again.take() {
            let status = Status::REQUEST_PENDING;
            core.event(self.id, Event::OfferFailed { exchange: Some(again.exchange), status });
        }
    }

    /// A request in a dialog of a fork of our INVITE that is not the leading one, or in one that was ended.
    pub(super) fn requested_aside(&mut self, core: &mut Core, asked: &Asked) {
        let tag = self.tag();
        match asked.request.method {
            Method::Bye => asked.refuse(core, Status::OK, tag),
            _ if self.phase == Phase::Dialling => self.refuse_busy(core, asked),
            _ => asked.refuse(core, Status::CALL_DOES_NOT_EXIST, tag),
        }
    }
}

/// When an UPDATE or PRACK is refused whose offer our user did not answer: half of the time that the peer waits.
pub(super) fn answer_until(core: &Core) -> tympan_types::Mono {
    core.now.plus_ms(core.config.timers.patience_ms() / 2)
}

fn is_digits(part: &Part) -> bool {
    matches!(part.content_type.as_str(), "application/dtmf-relay" | "application/dtmf")
}

/// 415 with what would be taken.
pub(super) fn refuse_content(core: &mut Core, asked: &Asked, tag: crate::dialog::Tag) {
    let status = Status::UNSUPPORTED_MEDIA_TYPE;
    let draft =
        asked.draft(core, status, tag).header(Name::Accept, ACCEPT).extension("Accept-Encoding", "identity");
    asked.respond(core, status, draft);
}

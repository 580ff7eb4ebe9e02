//! The 2xx to an INVITE of ours, its ACK, and further ones of other forks (RFC 3261 section 13.2.2.4).

use super::asked::{has_session, session_parts};
use super::core::Core;
use super::early::{begun_exchange, early_remote};
use super::leg::{Leg, Phase};
use super::remote::KeptAck;
use super::sent::{Purpose, Sent};
use super::{Body, Ended, EndedBy, Event};
use crate::dialog::{Carrier, Received, STRAYS_MAX};
use crate::wire::{Name, Response, Status};

impl Leg {
    /// The first 2xx: its dialog is the call.
    pub(super) fn dial_accepted(&mut self, core: &mut Core, sent: &Sent, response: &Response) {
        self.note_described();
        let Some(mut dial) = self.dial.take() else { return };
        let tag = response.to_tag().unwrap_or_default();
        let mut kept_answer = None;
        // A PRACK went in any early dialog, perhaps: requests of all dialogs of this INVITE, further 2xx included, go on above.
        let last_cseq = dial.forks().map(|early| early.dialog.last_cseq()).max().unwrap_or_default();
        let last_cseq = last_cseq.max(self.main.dialog.last_cseq());
        let is_first = self.main.dialog.id.remote_tag.is_empty();
        if *self.main.dialog.id.remote_tag != *tag {
            if let Some(early) = dial.forks.remove(tag) {
                self.main = early.remote;
                self.exchange = early.exchange;
                kept_answer = early.answer;
            } else {
                self.main.dialog = dial.calling.anew(&self.main.dialog);
                if !is_first {
                    self.exchange = begun_exchange(dial.offer.is_some());
                }
            }
            // What goes on in other early dialogs ends with their INVITE.
            self.sent.retain(|sent| *sent.remote_tag == *tag);
        }
        self.main = early_remote(core, &self.main, response, self.trunk.force_rport);
        self.main.dialog.raise_cseq(last_cseq);
        self.peer_takes_update |= response.message.lists(Name::Allow, "UPDATE");
        let parts = session_parts(&response.message);
        let received = self.exchange.receive(Carrier::InviteOk, has_session(&parts));
        self.refresh.accepted(core.now, response);
        let is_held = matches!(received, Received::Offer(_)) && !self.is_over();
        self.main.ack = Some(Box::new(KeptAck {
            cseq: sent.cseq,
            body: None,
            authorization: self.invite_credentials(),
            sent: None,
            until: core.now.plus_ms(core.config.timers.patience_ms()),
            is_held,
        }));
        self.main.acknowledge(core, self.id);
        if self.is_over() {
            // CANCEL came too late.
            return self.bye(core, None);
        }
        match received {
            Received::Offer(exchange) => {
                self.phase = Phase::Answering;
                return core.event(self.id, Event::Offered { exchange, parts });
            }
            Received::Answer(exchange) => core.event(self.id, Event::Answered { exchange, parts }),
            Received::Broken(_) => {
                self.end(core, Ended::by(EndedBy::Failure, Some(Status::NOT_ACCEPTABLE_HERE)));
                return self.bye(core, None);
            }
            _ => {
                if let Some((exchange, parts)) = kept_answer {
                    core.event(self.id, Event::Answered { exchange, parts });
                }
            }
        }
        self.dial_up(core);
    }

    /// The call is up: its 2xx is acknowledged.
    pub(super) fn dial_up(&mut self, core: &mut Core) {
        self.phase = Phase::Up;
        self.start_longest(core);
        core.event(self.id, Event::Confirmed);
        self.send_infos(core);
    }

    /// The credentials of our last INVITE: its ACK and CANCEL carry the same.
    pub(super) fn invite_credentials(&self) -> Box<[(Name, String)]> {
        self.authorizer.as_ref().map(|authorizer| authorizer.headers_of_invite().into()).unwrap_or_default()
    }

    /// The ACK that waits for our user goes.
    pub(super) fn release_ack(&mut self, core: &mut Core, body: Option<Body>) {
        if let Some(ack) = &mut self.main.ack {
            ack.is_held = false;
            ack.body = body;
        }
        self.main.acknowledge(core, self.id);
    }

    /// A further 2xx to an INVITE of ours: a repetition is acknowledged again; one of another fork is acknowledged and ended.
    pub(super) fn accepted_again(&mut self, core: &mut Core, response: &Response) {
        let tag = response.to_tag().unwrap_or_default();
        let id = self.id;
        if *self.main.dialog.id.remote_tag == *tag {
            if self.main.ack.as_ref().is_some_and(|ack| ack.cseq == response.cseq) {
                self.main.acknowledge(core, id);
            }
            return;
        }
        if let Some(stray) = self.strays.iter_mut().find(|stray| *stray.dialog.id.remote_tag == *tag) {
            return stray.acknowledge(core, id);
        }
        if self.strays.len() >= STRAYS_MAX {
            return core.count(super::Counter::StrayResponse);
        }
        let mut stray = early_remote(core, &self.main, response, self.trunk.force_rport);
        stray.ack = Some(Box::new(KeptAck {
            cseq: response.cseq,
            body: None,
            authorization: Box::default(),
            sent: None,
            until: core.now.plus_ms(core.config.timers.patience_ms()),
            is_held: false,
        }));
        stray.acknowledge(core, id);
        let cseq = stray.dialog.next_cseq();
        let number = self.take_number();
        let bye = Sent::new(number, tag, Purpose::Bye, cseq, Vec::new(), None);
        self.strays.push(stray);
        self.sent.push(Box::new(bye));
        self.flush(core);
    }
}

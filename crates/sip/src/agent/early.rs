//! Provisional responses to an INVITE of ours: early dialogs, forks, PRACK (RFC 3261 section 13.2.2.1, RFC 3262 section 4).

use super::asked::{has_session, session_parts};
use super::core::Core;
use super::leg::Leg;
use super::path::Path;
use super::remote::Remote;
use super::sent::{Purpose, SENT_MAX, Sent};
use super::{Body, Event};
use crate::dialog::{Carrier, Exchange, ExchangeId, Received, ReliableReceiver, Taken};
use crate::wire::{CSeq, Name, Part, RAck, Response, Status, decimal};

/// An early dialog that is not the leading one.
#[derive(Debug)]
pub(super) struct Early {
    pub(super) remote: Remote,
    pub(super) exchange: Exchange,
    pub(super) reliable: ReliableReceiver,
    /// The answer that it gave in a reliable provisional response.
    pub(super) answer: Option<(ExchangeId, Vec<Part>)>,
}

impl Leg {
    /// A provisional response to the INVITE.
    pub(super) fn progressed(&mut self, core: &mut Core, response: &Response) {
        let Some(dial) = &mut self.dial else { return };
        dial.has_progress = true;
        dial.connect_until = None;
        if let Some(reason) = dial.cancel.take() {
            self.send_cancel(core, reason);
        }
        if self.is_over() {
            return;
        }
        let Some(tag) = response.to_tag().filter(|_| response.status != Status::TRYING) else {
            // It makes no dialog, and only says that something is there.
            return core.event(self.id, Event::Ringing { status: response.status, parts: Vec::new() });
        };
        let leads = self.main.dialog.id.remote_tag.is_empty() || *self.main.dialog.id.remote_tag == *tag;
        if leads { self.leading_progress(core, response) } else { self.fork_progress(core, response, tag) }
    }

    /// The first early dialog: its session is the one that the user hears of.
    fn leading_progress(&mut self, core: &mut Core, response: &Response) {
        let Some(dial) = &mut self.dial else { return };
        if self.sent.len() >= SENT_MAX {
            return core.count(super::Counter::Overloaded);
        }
        let Some(taken) = take_reliable(&mut dial.reliable, response) else { return };
        if self.main.dialog.id.remote_tag.is_empty() {
            self.main = early_remote(core, &self.main, response, self.trunk.force_rport);
        } else if let Some(contact) = response.contact() {
            self.main.dialog.refresh_target(&contact);
        }
        self.peer_takes_update |= response.message.lists(Name::Allow, "UPDATE");
        let parts = session_parts(&response.message);
        let is_reliable = matches!(taken, Some(Taken::New(_)));
        let carrier = if is_reliable { Carrier::ReliableProvisional } else { Carrier::Provisional };
        let received = self.exchange.receive(carrier, has_session(&parts));
        let shown = if matches!(received, Received::Preview(_)) || !has_session(&parts) {
            parts.clone()
        } else {
            Vec::new()
        };
        core.event(self.id, Event::Ringing { status: response.status, parts: shown });
        let Some(Taken::New(rack)) = taken else { return };
        match received {
            Received::Offer(exchange) => {
                if let Some(dial) = &mut self.dial {
                    dial.prack = Some((rack, exchange));
                }
                return core.event(self.id, Event::Offered { exchange, parts });
            }
            Received::Answer(exchange) => {
                self.note_described();
                core.event(self.id, Event::Answered { exchange, parts });
            }
            _ => {}
        }
        self.send_prack(core, &rack, None);
    }

    /// Another early dialog. Its answer is kept for the case that it becomes the call; an offer of it stays without PRACK,
    /// because two offers cannot be open toward the user.
    fn fork_progress(&mut self, core: &mut Core, response: &Response, tag: &str) {
        let Some(dial) = &mut self.dial else { return };
        let offered = dial.offer.is_some();
        let to_source = self.trunk.force_rport;
        let template = Remote {
            dialog: dial.calling.anew(&self.main.dialog),
            path: self.main.path.clone(),
            pinned: self.main.pinned,
            ack: None,
        };
        let Some(early) = dial.forks.entry(tag, || Early {
            remote: early_remote(core, &template, response, to_source),
            exchange: begun_exchange(offered),
            reliable: ReliableReceiver::default(),
            answer: None,
        }) else {
            return;
        };
        if self.sent.len() >= SENT_MAX {
            // Without its PRACK, a reliable response comes again.
            return core.count(super::Counter::Overloaded);
        }
        let Some(taken) = take_reliable(&mut early.reliable, response) else { return };
        if let Some(Taken::New(rack)) = taken {
            let parts = session_parts(&response.message);
            match early.exchange.receive(Carrier::ReliableProvisional, has_session(&parts)) {
                Received::Offer(_) => return,
                Received::Answer(exchange) => early.answer = Some((exchange, parts)),
                _ => {}
            }
            let cseq = early.remote.dialog.next_cseq();
            let number = self.take_number();
            let sent = Sent::new(number, tag, Purpose::Prack, cseq, rack_header(&rack), None);
            self.sent.push(Box::new(sent));
            self.flush(core);
        }
        core.event(self.id, Event::Ringing { status: response.status, parts: Vec::new() });
    }

    fn send_prack(&mut self, core: &mut Core, rack: &RAck, body: Option<Body>) {
        self.request(core, Purpose::Prack, rack_header(rack), body);
    }

    /// The user answers an offer in a reliable provisional response.
    pub(super) fn answer_early(&mut self, core: &mut Core, exchange: ExchangeId, body: &Body) -> bool {
        let Some(dial) = &mut self.dial else { return false };
        let Some((rack, _)) = dial.prack.take_if(|(_, due)| *due == exchange) else { return false };
        if !self.exchange.send_answer(exchange, Carrier::Prack) {
            return false;
        }
        self.send_prack(core, &rack, Some(body.clone()));
        true
    }

    /// What we offered is what holds.
    pub(super) fn note_described(&mut self) {
        if let Some(dial) = &self.dial {
            self.described.clone_from(&dial.offer);
        }
    }
}

/// The remote end of the dialog that a response makes. The path to it is the one of the INVITE where that leads there.
pub(super) fn early_remote(core: &Core, calling: &Remote, response: &Response, to_source: bool) -> Remote {
    let mut remote = Remote::new(calling.dialog.answered(response));
    remote.pinned = calling.pinned;
    if let Path::Ready(flow) = &calling.path {
        // Without proxies in between, the place that was dialled is the peer.
        let is_direct = remote.dialog.has_no_routes() && calling.dialog.has_no_routes();
        remote.heard_from(core, flow, is_direct, to_source && is_direct);
    }
    remote
}

/// The exchange of an INVITE that is sent.
pub(super) fn begun_exchange(has_offer: bool) -> Exchange {
    let mut exchange = Exchange::default();
    if has_offer {
        exchange.send_offer(Carrier::Invite);
    } else {
        exchange.send_without(Carrier::Invite);
    }
    exchange
}

/// What a provisional response under 100rel is; `None` where it is to be ignored, `Some(None)` where it is not reliable.
fn take_reliable(receiver: &mut ReliableReceiver, response: &Response) -> Option<Option<Taken>> {
    let rseq = response.message.value(Name::RSeq).and_then(decimal);
    let Some(rseq) = rseq.filter(|_| response.message.lists(Name::Require, "100rel")) else {
        return Some(None);
    };
    let cseq = CSeq { number: response.cseq, method: response.method.clone() };
    match receiver.receive(rseq, cseq) {
        taken @ Taken::New(_) => Some(Some(taken)),
        Taken::Repeated | Taken::OutOfOrder => None,
    }
}

fn rack_header(rack: &RAck) -> Vec<(Name, String)> {
    vec![(Name::RAck, rack.to_string())]
}

//! Placing calls (RFC 3261 sections 9.1, 13.2): from the look-up to the ACK, with early dialogs, forks and CANCEL.
//!
//! Places are tried in their order where the connection fails or the answer is 503 (RFC 3263 section 4.3). An INVITE above 1,300
//! bytes that would go by UDP only because nothing says otherwise goes by TCP first (RFC 3261 section 18.1.1); where the
//! connection is not open within T2, it goes by UDP, for many a trunk has no TCP and takes fragments.

use super::asked::{has_session, session_parts};
use super::core::{Core, Failure, SentBy};
use super::leg::{Leg, Phase};
use super::path::{NoHop, Path};
use super::remote::{KeptAck, Remote};
use super::sent::{Purpose, Sent, Stage};
use super::{Body, Credentials, Ended, EndedBy, Event, Flow, Target, Trunk, Way};
use crate::dialog::{
    Carrier, Dialog, Exchange, ExchangeId, FORKS_MAX, Forks, Received, ReliableReceiver, STRAYS_MAX, Taken,
};
use crate::transaction::Outgoing;
use crate::wire::digest::Authorizer;
use crate::wire::{CSeq, Method, Name, Part, RAck, Response, Status, Text, Transport, Uri, decimal};
use std::collections::VecDeque;
use std::sync::Arc;
use tympan_types::LegId;

/// Above this size a request avoids UDP (RFC 3261 section 18.1.1), in bytes.
const UDP_MAX_BYTES: usize = 1_300;
/// As long as each branch.
const BRANCH_LIKE: &str = "z9hG4bK00000000000000000000";
/// Places that are tried at most.
const TARGETS_MAX: usize = 8;

/// A call that we place, until its INVITE has a final response.
#[derive(Debug)]
pub(super) struct Dial {
    /// The dialog as it is before any response.
    calling: Dialog,
    pub(super) transport: Option<Transport>,
    offer: Option<Body>,
    headers: Vec<(Name, String)>,
    lookup: Option<u64>,
    targets: VecDeque<Place>,
    /// When the next place is tried although this connection is still being opened.
    pub(super) connect_until: Option<tympan_types::Mono>,
    has_progress: bool,
    /// A CANCEL waits for the first provisional response, with this Reason (RFC 3261 section 9.1).
    cancel: Option<Option<String>>,
    reliable: ReliableReceiver,
    /// A PRACK waits for our user's answer.
    prack: Option<(RAck, ExchangeId)>,
    /// Early dialogs beside the leading one.
    forks: Forks<Early>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    target: Target,
    /// A large request may go by TCP instead.
    may_switch: bool,
}

/// An early dialog that is not the leading one.
#[derive(Debug)]
struct Early {
    remote: Remote,
    exchange: Exchange,
    reliable: ReliableReceiver,
    /// The answer that it gave in a reliable provisional response.
    answer: Option<(ExchangeId, Vec<Part>)>,
}

impl Dial {
    pub(super) const fn is_looking_up(&self) -> bool {
        self.lookup.is_some()
    }

    /// The remote ends of the early dialogs beside the leading one.
    pub(super) fn forks(&mut self) -> impl Iterator<Item = &mut Remote> {
        self.forks.iter_mut().map(|early| &mut early.remote)
    }

    pub(super) fn has_fork(&self, tag: &str) -> bool {
        self.forks.contains(tag)
    }

    pub(super) fn looks_up(&self, query: u64) -> bool {
        self.lookup == Some(query)
    }
}

/// What the user says of a call to place.
#[derive(Debug)]
pub(super) struct Destination {
    pub(super) to: String,
    pub(super) from: String,
    pub(super) display_name: Option<String>,
    pub(super) route: Vec<String>,
    pub(super) transport: Option<Transport>,
    pub(super) credentials: Option<Credentials>,
    pub(super) offer: Option<Body>,
    pub(super) headers: Vec<(Name, String)>,
}

impl Leg {
    /// A leg that is about to call.
    pub(super) fn dialling(core: &mut Core, id: LegId, trunk: Arc<Trunk>, destination: Destination) -> Self {
        let Destination { to, from, display_name, route, transport, credentials, offer, headers } =
            destination;
        let name =
            display_name.map(|name| format!("\"{}\" ", name.replace('\\', "\\\\").replace('"', "\\\"")));
        let calling = Dialog::calling(
            core.ids.call_id(),
            core.ids.tag(),
            format!("{}<{from}>", name.unwrap_or_default()).into(),
            format!("<{to}>").into(),
            to.into(),
            route.iter().map(|route| bracketed(route)).collect(),
        );
        let mut leg = Self::new(id, Phase::Dialling, Remote::new(calling.clone()), trunk);
        leg.authorizer = credentials
            .map(|Credentials { username, password }| Box::new(Authorizer::new(username, password)));
        leg.dial = Some(Box::new(Dial {
            calling,
            transport,
            offer,
            headers,
            lookup: None,
            targets: VecDeque::new(),
            connect_until: None,
            has_progress: false,
            cancel: None,
            reliable: ReliableReceiver::default(),
            prack: None,
            forks: Forks::new(FORKS_MAX),
        }));
        leg
    }

    /// Looks up where the call goes.
    pub(super) fn dial(&mut self, core: &mut Core) {
        let hop = match self.main.hop() {
            Ok(hop) => hop,
            Err(error) => {
                let reason = match error {
                    NoHop::Secure => "SIPS is not supported",
                    NoHop::Unreachable => "the URI names no place that SIP reaches",
                };
                let status = Status::UNSUPPORTED_URI_SCHEME;
                return self.dial_failed(core, EndedBy::Failure, status, Some(reason.to_owned()));
            }
        };
        let Some(dial) = &mut self.dial else { return };
        dial.lookup = Some(core.resolve(self.id, hop, dial.transport));
        self.lookup_until = Some(core.now.plus_ms(core.config.timers.patience_ms()));
    }

    /// The look-up is answered.
    pub(super) fn dial_resolved(&mut self, core: &mut Core, targets: Vec<Target>) {
        let asked_transport = self.main.hop().ok().and_then(|hop| hop.transport);
        let Some(dial) = &mut self.dial else { return };
        dial.lookup = None;
        self.lookup_until = None;
        let may_switch = asked_transport.or(dial.transport).is_none();
        dial.targets =
            targets.into_iter().take(TARGETS_MAX).map(|target| Place { target, may_switch }).collect();
        self.dial_next(core);
    }

    /// Sends the INVITE to the next place.
    fn dial_next(&mut self, core: &mut Core) {
        let Some(dial) = &mut self.dial else { return };
        let Some(mut place) = dial.targets.pop_front() else {
            return self.dial_failed(core, EndedBy::Failure, Status::SERVICE_UNAVAILABLE, None);
        };
        let Some(uri) = Uri::parse(&Text::from(dial.calling.target())) else {
            return self.dial_failed(core, EndedBy::Failure, Status::BAD_REQUEST, None);
        };
        let target = place.target;
        self.trunk = core.config.trunks.select(target.peer.ip(), target.transport, &uri).clone();
        self.refresh = crate::dialog::Refresh::new(self.trunk.timers);
        let (offer, mut headers) = (dial.offer.clone(), dial.headers.clone());
        self.exchange = begun_exchange(offer.is_some());
        headers.extend(self.timer_headers());
        self.reset_forks();
        let Some(dial) = &mut self.dial else { return };
        if target.transport == Transport::Udp && place.may_switch {
            let flow = datagrams(&target);
            let sent = invite(0, 0, headers.clone(), offer.clone());
            let size = super::replies::write(core, &self.main, &sent, &flow, BRANCH_LIKE, &[]).len();
            if size > UDP_MAX_BYTES {
                dial.targets.push_front(Place { target, may_switch: false });
                place.target.transport = Transport::Tcp;
            }
        }
        let flow = core.connect(&place.target);
        let is_opening = matches!(flow.way, Way::Stream(conn) if core.connections.is_opening(conn));
        dial.connect_until =
            (is_opening && !dial.targets.is_empty()).then(|| core.now.plus_ms(core.config.timers.t2_ms));
        self.main.path = Path::Ready(flow);
        self.request(core, Purpose::Invite, headers, offer);
    }

    /// The connection to this place takes too long, and there is another place.
    pub(super) fn connect_took_too_long(&mut self, core: &mut Core) {
        let Some(dial) = &mut self.dial else { return };
        dial.connect_until = None;
        if let Path::Ready(Flow { way: Way::Stream(conn), .. }) = self.main.path
            && core.connections.is_opening(conn)
            && let Some(flow) = core.connections.closed(conn)
        {
            core.close(conn, false);
            core.flow_failed(flow);
        }
    }

    /// Before another INVITE of the call: what the last one began is over.
    pub(super) fn reset_forks(&mut self) {
        let Some(dial) = &mut self.dial else { return };
        self.main.dialog = dial.calling.anew(&self.main.dialog);
        dial.forks = Forks::new(FORKS_MAX);
        dial.reliable = ReliableReceiver::default();
        dial.prack = None;
        dial.has_progress = false;
    }

    /// The call cannot be placed.
    pub(super) fn dial_failed(
        &mut self,
        core: &mut Core,
        by: EndedBy,
        status: Status,
        reason: Option<String>,
    ) {
        self.dial = None;
        self.lookup_until = None;
        self.end(core, Ended { reason, ..Ended::by(by, Some(status)) });
    }

    /// The INVITE has no response.
    pub(super) fn dial_unanswered(&mut self, core: &mut Core, status: Status, failure: Failure) {
        if self.is_over() {
            self.dial = None;
            return;
        }
        let has_next = self.dial.as_ref().is_some_and(|dial| !dial.has_progress && !dial.targets.is_empty());
        if failure == Failure::Transport && has_next {
            return self.dial_next(core);
        }
        self.dial_failed(core, EndedBy::Failure, status, None);
    }

    /// The INVITE is refused.
    pub(super) fn dial_refused(&mut self, core: &mut Core, response: &Response) {
        if self.is_over() {
            self.dial = None;
            return;
        }
        let status = response.status;
        if status == Status::SERVICE_UNAVAILABLE
            && self.dial.as_ref().is_some_and(|dial| !dial.targets.is_empty())
        {
            return self.dial_next(core);
        }
        let reason = response.message.text(Name::Reason).unwrap_or_else(|| response.reason.clone());
        let is_redirection = (300..400).contains(&status.code());
        let contact =
            response.contact().filter(|_| is_redirection).map(|contact| contact.as_str().to_owned());
        self.dial = None;
        let ended =
            Ended { by: EndedBy::Peer, status: Some(status), reason: Some(reason.to_string()), contact };
        self.end(core, ended);
    }

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
        let template =
            Remote { dialog: dial.calling.anew(&self.main.dialog), path: self.main.path.clone(), ack: None };
        let Some(early) = dial.forks.entry(tag, || Early {
            remote: early_remote(core, &template, response, to_source),
            exchange: begun_exchange(offered),
            reliable: ReliableReceiver::default(),
            answer: None,
        }) else {
            return;
        };
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
            let sent = prack(number, tag.into(), cseq, &rack, None);
            self.sent.push(Box::new(sent));
            self.flush(core);
        }
        core.event(self.id, Event::Ringing { status: response.status, parts: Vec::new() });
    }

    fn send_prack(&mut self, core: &mut Core, rack: &RAck, body: Option<Body>) {
        self.request(core, Purpose::Prack, vec![(Name::RAck, rack.to_string())], body);
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
    fn note_described(&mut self) {
        if let Some(dial) = &self.dial {
            self.described.clone_from(&dial.offer);
        }
    }

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
        let bye = Sent {
            method: Method::Bye,
            purpose: Purpose::Bye,
            headers: Vec::new(),
            ..prack(
                number,
                tag.into(),
                cseq,
                &RAck { response: 0, request: CSeq { number: 0, method: Method::Bye } },
                None,
            )
        };
        self.strays.push(stray);
        self.sent.push(Box::new(bye));
        self.flush(core);
    }

    /// The call is given up before it is answered. A CANCEL waits for a provisional response.
    pub(super) fn cancel(&mut self, core: &mut Core, reason: Option<String>) {
        let is_under_way = self
            .sent
            .iter()
            .any(|sent| sent.purpose == Purpose::Invite && matches!(sent.stage, Stage::Under { .. }));
        let Some(dial) = &mut self.dial else { return };
        if !is_under_way {
            self.dial = None;
            self.lookup_until = None;
            self.sent.retain(|sent| sent.purpose != Purpose::Invite);
            return;
        }
        if dial.has_progress {
            self.send_cancel(core, reason);
        } else {
            dial.cancel = Some(reason);
        }
    }

    fn send_cancel(&mut self, core: &mut Core, reason: Option<String>) {
        let Some(dial) = &self.dial else { return };
        let Some(invite) = self.sent.iter().find(|sent| sent.purpose == Purpose::Invite) else { return };
        let Stage::Under { branch, flow, .. } = &invite.stage else { return };
        let (branch, flow, cseq) = (branch.clone(), *flow, invite.cseq);
        let heading = dial.calling.heading();
        let mut draft = dial.calling.draft(&Method::Cancel, cseq, &heading, core.via(&flow, &branch));
        if let Some(reason) = reason {
            draft = draft.header(Name::Reason, reason);
        }
        for (name, value) in self.invite_credentials() {
            draft = draft.header(name, value);
        }
        let bytes = draft.header(Name::UserAgent, &core.config.product).finish();
        let number = self.take_number();
        let user = SentBy { leg: self.id, number };
        // CANCEL has the branch of its INVITE (RFC 3261 section 9.1).
        core.begin(Outgoing { branch, method: Method::Cancel, bytes, flow, user });
        // Without a final response to the INVITE within 64*T1, it counts as cancelled.
        let until = core.now.plus_ms(core.config.timers.patience_ms());
        if let Some(over) = &mut self.over {
            over.until = over.until.min(until);
        }
    }
}

/// The remote end of the dialog that a response makes. The path to it is the one of the INVITE where that leads there.
fn early_remote(core: &Core, calling: &Remote, response: &Response, to_source: bool) -> Remote {
    let mut remote = Remote::new(calling.dialog.answered(response));
    if let Path::Ready(flow) = &calling.path {
        // Without proxies in between, the place that was dialled is the peer.
        let is_direct = remote.dialog.has_no_routes() && calling.dialog.has_no_routes();
        remote.heard_from(core, flow, is_direct, to_source && is_direct);
    }
    remote
}

/// The exchange of an INVITE that is sent.
fn begun_exchange(has_offer: bool) -> Exchange {
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

fn invite(number: u32, cseq: u32, headers: Vec<(Name, String)>, body: Option<Body>) -> Sent {
    Sent {
        number,
        remote_tag: Box::default(),
        method: Method::Invite,
        purpose: Purpose::Invite,
        cseq,
        headers,
        body,
        stage: Stage::Waiting,
        until: None,
        challenged: 0,
        overtaken: 0,
        crossed: 0,
    }
}

fn prack(number: u32, remote_tag: Box<str>, cseq: u32, rack: &RAck, body: Option<Body>) -> Sent {
    Sent {
        remote_tag,
        method: Method::Prack,
        purpose: Purpose::Prack,
        ..invite(number, cseq, vec![(Name::RAck, rack.to_string())], body)
    }
}

fn datagrams(target: &Target) -> Flow {
    Flow {
        way: Way::Datagram(target.listener),
        transport: Transport::Udp,
        local: target.local,
        peer: target.peer,
    }
}

/// A route as a header value.
fn bracketed(route: &str) -> Box<str> {
    if route.contains('<') { route.into() } else { format!("<{route}>").into() }
}

//! Placing calls (RFC 3261 sections 9.1, 13.2): look-up, INVITE, refusals, CANCEL.
//!
//! Places are tried in their order where the connection fails or the answer is 503 (RFC 3263 section 4.3). An INVITE above 1,300
//! bytes that would go by UDP only because nothing says otherwise goes by TCP first (RFC 3261 section 18.1.1); where the
//! connection is not open within T2, it goes by UDP, for many a trunk has no TCP and takes fragments.

use super::core::{Core, Failure, SentBy};
use super::early::{Early, begun_exchange};
use super::leg::{Leg, Phase};
use super::path::Path;
use super::remote::Remote;
use super::sent::{Purpose, Sent, Stage};
use super::{Binding, Body, Credentials, Ended, EndedBy, Flow, Target, Trunk, Way};
use crate::dialog::{Dialog, ExchangeId, FORKS_MAX, Forks, ReliableReceiver};
use crate::transaction::Outgoing;
use crate::wire::digest::Authorizer;
use crate::wire::{Method, Name, RAck, Response, Status, Text, Transport, Uri};
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
    pub(super) calling: Dialog,
    pub(super) transport: Option<Transport>,
    pub(super) offer: Option<Body>,
    headers: Vec<(Name, String)>,
    lookup: Option<u64>,
    targets: VecDeque<Place>,
    /// When the next place is tried although this connection is still being opened.
    pub(super) connect_until: Option<tympan_types::Mono>,
    pub(super) has_progress: bool,
    /// A CANCEL waits for the first provisional response, with this Reason (RFC 3261 section 9.1).
    pub(super) cancel: Option<Option<String>>,
    pub(super) reliable: ReliableReceiver,
    /// A PRACK waits for our user's answer.
    pub(super) prack: Option<(RAck, ExchangeId)>,
    /// Early dialogs beside the leading one.
    pub(super) forks: Forks<Early>,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    target: Target,
    /// A large request may go by TCP instead.
    may_switch: bool,
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
    /// The device that is called, by the path that it registered by.
    pub(super) binding: Option<Binding>,
}

impl Leg {
    /// A leg that is about to call.
    pub(super) fn dialling(core: &mut Core, id: LegId, trunk: Arc<Trunk>, destination: Destination) -> Self {
        let Destination {
            to,
            from,
            display_name,
            mut route,
            transport,
            credentials,
            offer,
            headers,
            binding,
        } = destination;
        let target = binding.as_ref().map_or_else(|| to.as_str().into(), |binding| (*binding.contact).into());
        if let Some(binding) = &binding {
            route = binding.path.iter().map(|hop| hop.to_string()).collect();
        }
        let name = display_name.as_deref().map(super::policy::quoted);
        let calling = Dialog::calling(
            core.ids.call_id(),
            core.ids.tag(),
            format!("{}<{from}>", name.unwrap_or_default()).into(),
            format!("<{to}>").into(),
            target,
            route.iter().map(|route| bracketed(route)).collect(),
        );
        let mut leg = Self::new(id, Phase::Dialling, Remote::new(calling.clone()), trunk);
        leg.main.pinned = binding.map(|binding| binding.flow);
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
            Some(hop) if !hop.is_sips => hop,
            hop => {
                let is_sips = hop.is_some();
                let reason =
                    if is_sips { "SIPS is not supported" } else { "the URI names no place that SIP reaches" };
                let status = Status::UNSUPPORTED_URI_SCHEME;
                return self.dial_failed(core, EndedBy::Failure, status, Some(reason.to_owned()));
            }
        };
        if let Some(flow) = self.main.pinned {
            return self.dial_by(core, flow);
        }
        let Some(dial) = &mut self.dial else { return };
        let query = core.resolve(self.id, hop, dial.transport);
        dial.lookup = Some(query);
        self.main.path = Path::Asked(query);
        self.lookup_until = Some(core.now.plus_ms(core.config.timers.patience_ms()));
    }

    /// The look-up is answered.
    pub(super) fn dial_resolved(&mut self, core: &mut Core, targets: Vec<Target>) {
        let asked_transport = self.main.hop().and_then(|hop| hop.transport);
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
        let (offer, headers) = self.begin_invite(core, target.peer.ip(), target.transport, &uri);
        let Some(dial) = &mut self.dial else { return };
        if target.transport == Transport::Udp && place.may_switch {
            let flow = datagrams(&target);
            let sent = Sent::new(0, "", Purpose::Invite, 0, headers.clone(), offer.clone());
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

    /// Sends the INVITE by the path that the device registered by, and by no other.
    fn dial_by(&mut self, core: &mut Core, flow: Flow) {
        let Some(uri) = self.dial.as_ref().and_then(|dial| Uri::parse(&Text::from(dial.calling.target())))
        else {
            return self.dial_failed(core, EndedBy::Failure, Status::BAD_REQUEST, None);
        };
        if !core.is_usable(&flow) {
            return self.dial_failed(core, EndedBy::Failure, Status::TEMPORARILY_UNAVAILABLE, None);
        }
        let (offer, headers) = self.begin_invite(core, flow.peer.ip(), flow.transport, &uri);
        self.main.path = Path::Ready(flow);
        self.request(core, Purpose::Invite, headers, offer);
    }

    /// What an INVITE to this place has: the rules of its trunk, the offer, and the headers.
    fn begin_invite(
        &mut self,
        core: &Core,
        peer: std::net::IpAddr,
        transport: Transport,
        uri: &Uri,
    ) -> (Option<Body>, Vec<(Name, String)>) {
        self.trunk = core.config.trunks.select(peer, transport, uri).clone();
        self.refresh = crate::dialog::Refresh::new(self.trunk.timers);
        let Some(dial) = &self.dial else { return (None, Vec::new()) };
        let (offer, mut headers) = (dial.offer.clone(), dial.headers.clone());
        self.exchange = begun_exchange(offer.is_some());
        headers.extend(self.timer_headers());
        self.reset_forks();
        (offer, headers)
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

    pub(super) fn send_cancel(&mut self, core: &mut Core, reason: Option<String>) {
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

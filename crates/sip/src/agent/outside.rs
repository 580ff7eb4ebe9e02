//! Requests outside of dialogs. What does not become a call is answered without state (RFC 3261 section 8.2.7): the response is
//! the same for each repetition, and its ACK is absorbed by the tag, which is a hash of the request.

use super::agent::Agent;
use super::asked::{Asked, Content, content, response, unsupported};
use super::core::{ACCEPT, Core};
use super::leg::{Leg, Phase};
use super::path::Hop;
use super::register::Sender;
use super::remote::Remote;
use super::{Counter, Flow, Trunk};
use crate::dialog::{Dialog, ROUTES_MAX, Refresh, Tag};
use crate::transaction::Arrival;
use crate::wire::digest::Verdict;
use crate::wire::{Draft, Method, Name, Part, Request, Scheme, Status, Transport, Uri};
use std::net::IpAddr;
use std::sync::Arc;

/// Retry-After while we drain, in seconds: a restart is over by then.
pub(super) const DRAIN_RETRY_S: u32 = 30;
/// What a dialog keeps of an INVITE (Call-ID, From, To, Contact, Record-Route), in bytes; 513 above.
const KEPT_MAX_BYTES: usize = 8 * 1024;

/// What is known of a caller before its leg exists.
struct Caller {
    user: Option<Arc<str>>,
    replaces: Option<tympan_types::LegId>,
}

/// A request without a transaction.
pub(super) struct Stranger<'a> {
    pub(super) request: &'a Request,
    pub(super) flow: Flow,
    pub(super) trunk: Arc<Trunk>,
}

impl Stranger<'_> {
    pub(super) fn tag(&self, core: &Core) -> Tag {
        stateless_tag(core, self.request)
    }

    pub(super) fn draft(&self, core: &Core, status: Status) -> Draft {
        response(core, self.request, status, self.tag(core), self.flow.peer, self.trunk.force_rport)
    }

    /// Sends a response that no transaction repeats.
    pub(super) fn respond(&self, core: &mut Core, draft: Draft) {
        core.send(self.answer_flow(), draft.finish());
    }

    pub(super) fn refuse(&self, core: &mut Core, status: Status) {
        let draft = self.draft(core, status);
        self.respond(core, draft);
    }

    pub(super) fn refuse_because(&self, core: &mut Core, status: Status, reason: &str) {
        let draft = self.draft(core, status).reason(reason);
        self.respond(core, draft);
    }

    pub(super) fn refuse_for_a_while(&self, core: &mut Core, retry_after_s: u32) {
        let draft = self.draft(core, Status::SERVICE_UNAVAILABLE).header(Name::RetryAfter, retry_after_s);
        self.respond(core, draft);
    }
}

/// The tag of responses that leave no state behind.
pub(super) fn stateless_tag(core: &Core, request: &Request) -> Tag {
    let branch = request.via.branch().unwrap_or_default();
    core.ids.stateless_tag(&request.call_id, request.from_tag(), branch)
}

impl Agent {
    /// A request without a To tag, other than ACK and CANCEL, that no transaction knows.
    pub(super) fn outside(&mut self, stranger: &Stranger<'_>) {
        let core = &mut self.core;
        let request = stranger.request;
        if let Err(refused) = core.admission.admit_request(core.now, stranger.flow.peer.ip()) {
            core.count(refused.why);
            return stranger.refuse_for_a_while(core, refused.retry_after_s);
        }
        // OPTIONS with Max-Forwards 0 is for whom it reached (RFC 3261 section 11.2).
        if request.max_forwards == 0 && request.method != Method::Options {
            return stranger.refuse(core, Status::TOO_MANY_HOPS);
        }
        if matches!(request.uri.scheme(), Scheme::Sips) && stranger.flow.transport != Transport::Tls {
            return stranger.refuse_because(core, Status::UNSUPPORTED_URI_SCHEME, "SIPS Is Not Supported");
        }
        if !routes_lead_here(core, stranger) {
            // 403 and not 404 or 502: the request is understood and the place may well exist, but this agent relays nothing,
            // and repeating the request will not help (RFC 3261 section 21.4.4).
            return stranger.refuse_because(core, Status::FORBIDDEN, "Relaying Denied");
        }
        match &request.method {
            Method::Invite => self.invite(stranger),
            Method::Options => self.options(stranger),
            Method::Register => self.register(stranger),
            Method::Bye | Method::Info | Method::Update | Method::Prack => {
                stranger.refuse(core, Status::CALL_DOES_NOT_EXIST);
            }
            Method::Refer if core.config.takes_transfers => {
                // A REFER outside of a call would let a peer make calls of ours at will.
                stranger.refuse_because(core, Status::FORBIDDEN, "REFER Is For Calls Alone");
            }
            Method::Refer => {
                let draft = core.capable(stranger.draft(core, Status::NOT_IMPLEMENTED));
                stranger.respond(core, draft);
            }
            Method::Notify if core.config.takes_transfers => {
                stranger.refuse(core, Status::CALL_DOES_NOT_EXIST);
            }
            _ => {
                let draft = core.capable(stranger.draft(core, Status::METHOD_NOT_ALLOWED));
                stranger.respond(core, draft);
            }
        }
    }

    /// The answer that an INVITE would get, without a call (RFC 3261 section 11.2).
    fn options(&mut self, stranger: &Stranger<'_>) {
        let core = &mut self.core;
        if self.is_draining {
            return stranger.refuse_for_a_while(core, DRAIN_RETRY_S);
        }
        let missing = unsupported(core, stranger.request);
        if !missing.is_empty() {
            return refuse_extension(core, stranger, &missing);
        }
        let draft = core.capable(stranger.draft(core, Status::OK));
        let draft = draft.header(Name::Accept, ACCEPT).extension("Accept-Encoding", "identity");
        stranger.respond(core, draft.header(Name::Contact, core.contact(&stranger.flow)));
    }

    fn invite(&mut self, stranger: &Stranger<'_>) {
        let core = &mut self.core;
        let request = stranger.request;
        if self.is_draining {
            return stranger.refuse_for_a_while(core, DRAIN_RETRY_S);
        }
        // What follows is answered without state, also when it is repeated. The challenge comes last: a right answer to one is
        // taken once, so that a repetition must find a transaction.
        let Some(contact) = request.contact() else {
            return stranger.refuse_because(core, Status::BAD_REQUEST, "Missing Contact");
        };
        if is_ours(contact.uri(), &stranger.flow) {
            // A call whose caller is this agent at this address: its requests would come back to it.
            return stranger.refuse(core, Status::LOOP_DETECTED);
        }
        let missing = unsupported(core, request);
        if !missing.is_empty() {
            return refuse_extension(core, stranger, &missing);
        }
        let Some(parts) = usable_parts(core, stranger) else { return };
        let routes = request.record_routes();
        let kept_bytes: usize = routes.iter().map(|route| route.len()).sum::<usize>()
            + request.call_id.len()
            + request.from.as_str().len()
            + request.to.as_str().len()
            + contact.as_str().len();
        if routes.len() > ROUTES_MAX || kept_bytes > KEPT_MAX_BYTES {
            return stranger.refuse(core, Status::MESSAGE_TOO_LARGE);
        }
        let remote = Remote::new(Dialog::uas(request, core.ids.tag(), &contact));
        match remote.hop() {
            Some(hop) if hop.is_sips && stranger.flow.transport != Transport::Tls => {
                let status = Status::UNSUPPORTED_URI_SCHEME;
                return stranger.refuse_because(core, status, "SIPS Is Not Supported");
            }
            Some(_) => {}
            None => return stranger.refuse_because(core, Status::BAD_REQUEST, "Contact Leads Nowhere"),
        }
        if let Err(too_small) = Refresh::new(stranger.trunk.timers).accept(core.now, request) {
            let status = Status::SESSION_INTERVAL_TOO_SMALL;
            let draft = stranger.draft(core, status).header(Name::MinSe, too_small.min_se_s);
            return stranger.respond(core, draft);
        }
        if !self.is_authentic(stranger) {
            return;
        }
        let user = if stranger.trunk.users.is_empty() {
            match self.sender(stranger) {
                Some(Sender::Phone(user)) => Some(user),
                Some(Sender::Peer) => None,
                None => return,
            }
        } else {
            None
        };
        let replaces = match self.replaced_by_invite(stranger, user.as_ref()) {
            Ok(replaces) => replaces,
            Err((status, reason)) => {
                let draft = stranger.draft(&self.core, status);
                let draft = match reason {
                    Some(reason) => draft.reason(reason),
                    None => draft,
                };
                return stranger.respond(&mut self.core, draft);
            }
        };
        self.open_leg(stranger, remote, parts, Caller { user, replaces });
    }

    /// True where the trunk has no users, or the request answers a challenge rightly; else it is challenged (401).
    fn is_authentic(&mut self, stranger: &Stranger<'_>) -> bool {
        let core = &mut self.core;
        let (trunk, source) = (&stranger.trunk, stranger.flow.peer.ip());
        if trunk.users.is_empty() {
            return true;
        }
        let verdict = core.verifier.verify(core.now, source, stranger.request, &trunk.realm, &trunk.users);
        let is_stale = match verdict {
            Verdict::Accepted(_) => {
                // The nonce came to this source and back.
                core.admission.source_confirmed(core.now, source);
                return true;
            }
            Verdict::Replayed => {
                core.count(Counter::ReplayedNonce);
                true
            }
            other => other.is_stale(),
        };
        let mut draft = stranger.draft(core, Status::UNAUTHORIZED);
        for challenge in core.verifier.challenges(core.now, source, &trunk.realm, is_stale) {
            draft = draft.header(Name::WwwAuthenticate, challenge);
        }
        stranger.respond(core, draft);
        false
    }

    /// Makes a leg of an INVITE that holds, where limits allow it.
    fn open_leg(&mut self, stranger: &Stranger<'_>, mut remote: Remote, parts: Vec<Part>, caller: Caller) {
        let Caller { user, replaces } = caller;
        let legs = self.legs();
        let core = &mut self.core;
        let (request, trunk) = (stranger.request, &stranger.trunk);
        if user.as_ref().is_some_and(|user| core.registrar.came_by(user, &stranger.flow)) {
            // The only way to a telephone behind NAT is the one that it registered by.
            remote.pinned = Some(stranger.flow);
        }
        let mut leg =
            Leg::new(tympan_types::LegId::new(self.next_invited), Phase::Invited, remote, trunk.clone());
        let ticket = match core.admission.open_call(core.now, stranger.flow.peer.ip(), trunk, legs) {
            Ok(ticket) => ticket,
            Err(refused) => {
                core.count(refused.why);
                return stranger.refuse_for_a_while(core, refused.retry_after_s);
            }
        };
        let server = match core.transactions.receive_request(core.now, request, stranger.answer_flow()) {
            Arrival::New(server) => server,
            Arrival::Merged(server) => {
                let core = &mut self.core;
                core.admission.release(ticket);
                core.count(Counter::Merged);
                let asked = stranger.asked(server);
                return asked.refuse(core, Status::LOOP_DETECTED, stranger.tag(core));
            }
            _ => {
                let core = &mut self.core;
                core.admission.release(ticket);
                core.count(Counter::Overloaded);
                return stranger.refuse_for_a_while(core, 1);
            }
        };
        let core = &mut self.core;
        let asked = stranger.asked(server);
        leg.ticket = Some(ticket);
        leg.main.heard_from(core, &asked.flow, asked.is_direct(), trunk.force_rport);
        self.next_invited += 1;
        leg.invited(core, asked, parts, user, replaces);
        self.insert(leg);
    }
}

impl Stranger<'_> {
    /// Where responses in a transaction go (RFC 3261 section 18.2.2, RFC 3581).
    pub(super) fn answer_flow(&self) -> Flow {
        let mut flow = self.flow;
        if flow.transport == Transport::Udp {
            flow.peer = self.request.via.answer_to(flow.peer, self.trunk.force_rport);
        }
        flow
    }

    pub(super) fn asked(&self, server: crate::transaction::ServerKey) -> Asked {
        Asked { server, request: self.request.clone(), flow: self.flow, force_rport: self.trunk.force_rport }
    }
}

pub(super) fn refuse_extension(core: &mut Core, stranger: &Stranger<'_>, missing: &[String]) {
    let draft = stranger.draft(core, Status::BAD_EXTENSION).header(Name::Unsupported, missing.join(", "));
    stranger.respond(core, draft);
}

fn usable_parts(core: &mut Core, stranger: &Stranger<'_>) -> Option<Vec<Part>> {
    match content(&stranger.request.message) {
        Content::Parts(parts) => return Some(parts),
        Content::Broken => {
            stranger.refuse_because(core, Status::BAD_REQUEST, "Broken Multipart Body");
        }
        Content::Unknown => {
            let draft = stranger.draft(core, Status::UNSUPPORTED_MEDIA_TYPE);
            let draft = draft.header(Name::Accept, ACCEPT).extension("Accept-Encoding", "identity");
            stranger.respond(core, draft);
        }
    }
    None
}

/// True where Route is empty or names only us: a route to us is taken off, any other one asks us to relay. The request URI is
/// ours whatever host name it has, so a route of that name is, too: a telephone writes it for its outbound proxy.
fn routes_lead_here(core: &Core, stranger: &Stranger<'_>) -> bool {
    let request = stranger.request;
    request.routes().iter().all(|route| {
        let host = route.uri().host();
        is_ours(route.uri(), &stranger.flow)
            || (host.eq_ignore_ascii_case(request.uri.host()) && host.parse::<IpAddr>().is_err())
            || core.config.host_names.iter().any(|name| name.eq_ignore_ascii_case(host))
    })
}

/// True where a URI names the address at which this peer reaches us.
fn is_ours(uri: &Uri, flow: &Flow) -> bool {
    Hop::of(uri).is_some_and(|hop| hop.address() == Some(flow.local.ip()) && hop.port() == flow.local.port())
}

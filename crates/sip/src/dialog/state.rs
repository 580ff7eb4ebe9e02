//! What a dialog knows of its two ends (RFC 3261 section 12.1, 12.2): identities, remote target, route set, numbers.

use super::order::Order;
use super::{DialogId, Tag};
use crate::wire::{Address, Draft, Method, Name, Request, Response, Text, Uri};

/// The most Record-Route values that are taken; the largest real chains have fewer than ten.
pub const ROUTES_MAX: usize = 32;

/// One dialog, or the beginning of one: an INVITE of ours that no response has a tag for yet.
#[derive(Debug, Clone)]
pub struct Dialog {
    /// What names it.
    pub id: DialogId,
    /// Our side as From of our requests says it, without the tag.
    local: Box<str>,
    /// The peer's side as To of our requests says it, without the tag.
    remote: Box<str>,
    /// Where the peer wants its requests: its last Contact.
    target: Box<str>,
    /// Routes of our requests, the first hop first, each with its angle brackets.
    routes: Box<[Box<str>]>,
    /// The CSeq of our last request.
    local_cseq: u32,
    /// The CSeq of the peer's last request.
    pub order: Order,
}

/// Where a request goes and what its head says (RFC 3261 section 12.2.1.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// The request URI.
    pub uri: Box<str>,
    /// Route values.
    pub routes: Vec<Box<str>>,
    /// The URI of the next hop.
    pub next_hop: Box<str>,
}

impl Dialog {
    /// The dialog of an INVITE of a peer, seen by us who answer it. `contact` is its Contact.
    pub fn uas(request: &Request, local_tag: Tag, contact: &Address) -> Self {
        Self {
            id: DialogId {
                call_id: request.call_id.as_str().into(),
                local_tag,
                remote_tag: request.from_tag().into(),
            },
            local: bracketed(request.to.uri()),
            remote: bracketed(request.from.uri()),
            target: contact.uri().as_str().into(),
            routes: request.record_routes().iter().map(|route| route.as_str().into()).collect(),
            local_cseq: 0,
            order: Order::after(request.cseq),
        }
    }

    /// A call that we place: `local` and `remote` are From and To without tags, `target` is the request URI, `routes` are those
    /// that the caller preloads.
    pub fn calling(
        call_id: Box<str>,
        local_tag: Tag,
        local: Box<str>,
        remote: Box<str>,
        target: Box<str>,
        routes: Box<[Box<str>]>,
    ) -> Self {
        Self {
            id: DialogId { call_id, local_tag, remote_tag: Box::default() },
            local,
            remote,
            target,
            routes,
            local_cseq: 0,
            order: Order::default(),
        }
    }

    /// The dialog that a 1xx or 2xx with a To tag makes of our INVITE (RFC 3261 section 12.1.2).
    #[must_use]
    pub fn answered(&self, response: &Response) -> Self {
        let mut routes: Vec<Box<str>> =
            response.record_routes().iter().map(|route| route.as_str().into()).collect();
        routes.reverse();
        let mut dialog = Self { routes: routes.into(), ..self.clone() };
        dialog.id.remote_tag = response.to_tag().unwrap_or_default().into();
        if let Some(contact) = response.contact() {
            dialog.target = contact.uri().as_str().into();
        }
        dialog
    }

    /// `self` is the call as it was dialled: that again, after the requests that this dialog has sent.
    #[must_use]
    pub fn anew(&self, after: &Self) -> Self {
        Self { local_cseq: after.local_cseq, ..self.clone() }
    }

    /// The Contact of a target refresh request, or of a 1xx or 2xx of one (RFC 3261 section 12.2). True where it is another one.
    pub fn refresh_target(&mut self, contact: &Address) -> bool {
        let fresh = contact.uri().as_str();
        let changed = *self.target != *fresh;
        if changed {
            self.target = fresh.into();
        }
        changed
    }

    /// Our side as From says it, without the tag.
    pub fn local_uri(&self) -> &str {
        &self.local
    }

    /// The number for our next request.
    pub fn next_cseq(&mut self) -> u32 {
        self.local_cseq = self.local_cseq.saturating_add(1) & 0x7fff_ffff;
        self.local_cseq
    }

    /// The number of our last request.
    pub const fn last_cseq(&self) -> u32 {
        self.local_cseq
    }

    /// Our next request has a number above this one too.
    pub fn raise_cseq(&mut self, cseq: u32) {
        self.local_cseq = self.local_cseq.max(cseq);
    }

    /// Where the peer wants its requests.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// True where no proxy asked to stay in the path.
    pub fn has_no_routes(&self) -> bool {
        self.routes.is_empty()
    }

    /// Request URI, Route and next hop of our requests: a strict router as the first hop gets the request URI, and the remote
    /// target goes to the end of Route.
    pub fn heading(&self) -> Heading {
        let target = || self.target.clone();
        let Some((first, rest)) = self.routes.split_first() else {
            return Heading { uri: target(), routes: Vec::new(), next_hop: target() };
        };
        let Some(first_uri) = Address::parse(&Text::from(&**first)).map(|route| route.uri().clone()) else {
            // A route that cannot be read leads nowhere; the target may still be reached.
            return Heading { uri: target(), routes: self.routes.to_vec(), next_hop: target() };
        };
        let next_hop: Box<str> = first_uri.as_str().into();
        if first_uri.is_loose_router() {
            return Heading { uri: target(), routes: self.routes.to_vec(), next_hop };
        }
        let mut routes = rest.to_vec();
        routes.push(format!("<{}>", self.target).into());
        // A request URI has no headers (RFC 3261 section 19.1.1, table 1).
        let uri = next_hop.split('?').next().unwrap_or_default().into();
        Heading { uri, routes, next_hop }
    }

    /// A request of this dialog, from its request line to CSeq: what comes above Via is not there yet.
    pub fn draft(&self, method: &Method, cseq: u32, heading: &Heading, via: impl std::fmt::Display) -> Draft {
        let mut draft =
            Draft::request(method, &heading.uri).header(Name::Via, via).header(Name::MaxForwards, 70);
        for route in &heading.routes {
            draft = draft.header(Name::Route, route);
        }
        let tag = &self.id.remote_tag;
        let draft = draft.header(Name::From, format_args!("{};tag={}", self.local, self.id.local_tag));
        let draft = if tag.is_empty() {
            draft.header(Name::To, &self.remote)
        } else {
            draft.header(Name::To, format_args!("{};tag={tag}", self.remote))
        };
        draft.header(Name::CallId, &self.id.call_id).header(Name::CSeq, format_args!("{cseq} {method}"))
    }
}

/// A URI in angle brackets.
fn bracketed(uri: &Uri) -> Box<str> {
    format!("<{}>", uri.as_str()).into()
}

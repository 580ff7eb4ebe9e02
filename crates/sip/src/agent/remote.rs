//! The remote end of a leg: its dialog, the path to it, and the acknowledgement of its 2xx.

use super::core::Core;
use super::path::{Hop, Path};
use super::{Body, Flow, Way};
use crate::dialog::Dialog;
use crate::wire::{Address, Method, Name, Transport};
use bytes::Bytes;
use tympan_types::{LegId, Mono};

#[derive(Debug)]
pub(super) struct Remote {
    pub(super) dialog: Dialog,
    pub(super) path: Path,
    /// The path that a telephone registered by: all goes by it while it is usable, whatever URIs say.
    pub(super) pinned: Option<Flow>,
    pub(super) ack: Option<Box<KeptAck>>,
}

/// The ACK of a 2xx, kept while the 2xx may be repeated (RFC 3261 section 13.2.2.4).
#[derive(Debug)]
pub(super) struct KeptAck {
    /// Of the INVITE.
    pub(super) cseq: u32,
    pub(super) body: Option<Body>,
    /// The credentials of the INVITE, which its ACK repeats (RFC 3261 section 22.1).
    pub(super) authorization: Box<[(Name, String)]>,
    /// Once it was sent.
    pub(super) sent: Option<(Flow, Bytes)>,
    pub(super) until: Mono,
    /// True while our user owes the answer that goes with it.
    pub(super) is_held: bool,
}

impl Remote {
    /// Nothing is known of the path.
    pub(super) fn new(dialog: Dialog) -> Self {
        Self { dialog, path: Path::Unknown, pinned: None, ack: None }
    }

    /// Where requests go next; `None` where SIP reaches no such place.
    pub(super) fn hop(&self) -> Option<Hop> {
        Hop::parse(&self.dialog.heading().next_hop)
    }

    /// The peer spoke by this path: requests may go back by it. `to_source`: the trunk sends to the source.
    pub(super) fn heard_from(&mut self, core: &Core, flow: &Flow, is_direct: bool, to_source: bool) {
        if self.pinned.is_some() {
            // Behind NAT, a device may come by another port one day.
            if core.is_usable(flow) && (is_direct || !self.is_pinned(core)) {
                self.pinned = Some(*flow);
            }
            if let Some(flow) = self.pinned.filter(|flow| core.is_usable(flow)) {
                self.path = Path::Ready(flow);
                return;
            }
        }
        let Some(hop) = self.hop() else { return };
        let to_source = to_source && self.dialog.has_no_routes();
        let path = hop.path_from(flow, core.is_usable(flow), is_direct, to_source);
        match (&self.path, path) {
            // What works stays, unless the peer came by another way.
            (Path::Ready(known), Path::Unknown) if core.is_usable(known) => {}
            (Path::Asked(_), Path::Unknown) => {}
            (_, path) => self.path = path,
        }
    }

    fn is_pinned(&self, core: &Core) -> bool {
        self.pinned.is_some_and(|flow| core.is_usable(&flow))
    }

    /// The peer wants its requests elsewhere. True where that is a change.
    pub(super) fn refresh_target(
        &mut self,
        core: &Core,
        contact: &Address,
        flow: &Flow,
        to_source: bool,
    ) -> bool {
        if !self.dialog.refresh_target(contact) {
            return false;
        }
        if self.dialog.has_no_routes() {
            // A peer that names another place and came by another path has moved: the path leads there.
            let moved = matches!(&self.path, Path::Ready(known) if known.way != flow.way);
            self.path = Path::Unknown;
            self.heard_from(core, flow, moved, to_source);
        }
        true
    }

    /// The path, where it is known; where it is not, a look-up begins. `transport` holds where the URI says none.
    pub(super) fn flow(&mut self, core: &mut Core, leg: LegId, transport: Option<Transport>) -> Option<Flow> {
        if let Some(flow) = self.pinned.filter(|flow| core.is_usable(flow)) {
            return Some(flow);
        }
        match &self.path {
            Path::Ready(flow) if core.is_usable(flow) => return Some(*flow),
            Path::Asked(_) => return None,
            Path::Ready(_) | Path::Unknown => {}
        }
        self.path = match self.hop() {
            Some(hop) => Path::Asked(core.resolve(leg, hop, transport)),
            None => Path::Unknown,
        };
        None
    }

    /// The look-up that is under way.
    pub(super) const fn query(&self) -> Option<u64> {
        match self.path {
            Path::Asked(query) => Some(query),
            Path::Ready(_) | Path::Unknown => None,
        }
    }

    /// True where the look-up with this number is for this end.
    pub(super) fn awaits(&self, query: u64) -> bool {
        self.path == Path::Asked(query)
    }

    /// Sends the ACK that waits, or once more.
    pub(super) fn acknowledge(&mut self, core: &mut Core, leg: LegId) {
        let Some(ack) = self.ack.as_ref().filter(|ack| !ack.is_held) else { return };
        if let Some((flow, bytes)) = &ack.sent
            && core.is_usable(flow)
        {
            return core.send(*flow, bytes.clone());
        }
        let Some(flow) = self.flow(core, leg, None) else { return };
        let Some(ack) = &mut self.ack else { return };
        let heading = self.dialog.heading();
        let branch = core.ids.branch();
        let via = core.via(&flow, &branch);
        let mut draft = self.dialog.draft(&Method::Ack, ack.cseq, &heading, via);
        for (name, value) in &ack.authorization {
            draft = draft.header(*name, value);
        }
        draft = draft.header(Name::UserAgent, &core.config.product);
        if let Some(body) = &ack.body {
            draft = draft.body(&body.content_type, &body.bytes);
        }
        let bytes = draft.finish();
        ack.sent = Some((flow, bytes.clone()));
        // What was written holds the body already.
        ack.body = None;
        ack.authorization = Box::default();
        core.send(flow, bytes);
    }
}

/// True where bytes of this size do not fit a datagram of this path.
pub(super) fn is_too_large(core: &Core, flow: &Flow, bytes: &Bytes) -> bool {
    matches!(flow.way, Way::Datagram(_)) && bytes.len() > core.config.limits.datagram_max_bytes
}

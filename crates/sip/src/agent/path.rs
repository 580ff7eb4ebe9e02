//! By which path the next request of a dialog goes (RFC 3261 sections 8.1.2, 12.2.1.1, 18.1.1).
//!
//! The next hop's URI decides. Three rules of practice stand beside the RFC, because peers sit behind NAT and proxies:
//!
//! * A stream by which the peer spoke is used on while it is open, where the URI does not ask for another transport and the
//!   peer is the sender itself (one Via) or the URI names the stream's other end. Only where it is closed, the URI is looked up.
//! * By UDP, the URI's address is used also where it is not the one that the request came from; a trunk with `force_rport`
//!   sends to the source instead, as long as no proxy is in the route set.
//! * Requests within a dialog stay on the transport that the dialog has, whatever their size.

use super::{Flow, Way};
use crate::wire::{Scheme, Text, Transport, Uri};
use std::net::IpAddr;

/// Where a next hop's path stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Path {
    /// It is known.
    Ready(Flow),
    /// The URI has to be looked up.
    Unknown,
    /// The look-up under this number is under way.
    Asked(u64),
}

/// What a next hop's URI says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hop {
    pub(super) host: String,
    pub(super) port: Option<u16>,
    pub(super) transport: Option<Transport>,
    /// A `sips` URI: only TLS will do.
    pub(super) is_sips: bool,
}

impl Hop {
    /// Reads the URI of a next hop.
    pub(super) fn parse(uri: &str) -> Option<Self> {
        Self::of(&Uri::parse(&Text::from(uri))?)
    }

    /// `None` where it is no `sip` URI, has an unknown transport, or has no host.
    pub(super) fn of(uri: &Uri) -> Option<Self> {
        let is_sips = match uri.scheme() {
            Scheme::Sip => false,
            Scheme::Sips => true,
            Scheme::Tel | Scheme::Other(_) => return None,
        };
        let said = match uri.param("transport") {
            None | Some("") => None,
            Some(name) if name.eq_ignore_ascii_case("udp") => Some(Transport::Udp),
            Some(name) if name.eq_ignore_ascii_case("tcp") => Some(Transport::Tcp),
            Some(name) if name.eq_ignore_ascii_case("tls") => Some(Transport::Tls),
            Some(_) => return None,
        };
        let transport = if is_sips { Some(Transport::Tls) } else { said };
        // `maddr` is where the URI's host is to be reached (RFC 3261 section 19.1.1).
        let host = uri.param("maddr").filter(|maddr| !maddr.is_empty()).unwrap_or_else(|| uri.host());
        let host = host.trim_start_matches('[').trim_end_matches(']');
        (!host.is_empty()).then(|| Self { host: host.to_owned(), port: uri.port(), transport, is_sips })
    }

    /// The address, where the host is one.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.host.parse().ok()
    }

    /// The port, written or by default.
    pub(super) fn port(&self) -> u16 {
        self.port.unwrap_or(if self.transport == Some(Transport::Tls) { 5061 } else { 5060 })
    }

    /// The path to this hop, seen from a flow by which the peer spoke. `is_direct`: the flow's other end is the peer itself.
    /// `to_source`: by UDP, the source of the flow is the place, whatever the URI says.
    pub(super) fn path_from(&self, flow: &Flow, is_open: bool, is_direct: bool, to_source: bool) -> Path {
        if self.transport.is_some_and(|transport| transport != flow.transport) {
            return Path::Unknown;
        }
        let names_peer = self.address() == Some(flow.peer.ip());
        match flow.way {
            Way::Stream(_) if is_open && (is_direct || names_peer) => Path::Ready(*flow),
            Way::Datagram(_) if to_source => Path::Ready(*flow),
            Way::Datagram(_) if names_peer => {
                let mut flow = *flow;
                flow.peer.set_port(self.port());
                Path::Ready(flow)
            }
            _ => Path::Unknown,
        }
    }
}

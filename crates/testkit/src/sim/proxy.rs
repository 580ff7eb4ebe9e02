//! A proxy that records its route (RFC 3261 section 16), bridges UDP and TCP by two Record-Routes (RFC 5658), and forks.
//!
//! It keeps no transaction for a request with one target (section 16.11). A fork of an INVITE has a state (`fork.rs`) but no
//! timer: the repetitions of its neighbors drive it.

use super::network::HostId;
use super::packet::{Framer, Packet, parameter, uri_of};
use super::trace::fnv;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::net::SocketAddr;

mod fork;

use fork::Forks;

/// How a hop travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hop {
    Udp,
    Tcp,
}

impl Hop {
    const fn name(self) -> &'static str {
        match self {
            Self::Udp => "UDP",
            Self::Tcp => "TCP",
        }
    }
}

/// Where a response to a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Return {
    hop: Hop,
    /// The sender as seen.
    peer: SocketAddr,
    /// The connection that the request came by.
    connection: u64,
    /// sent-by of the request's top Via, for a connection that is gone.
    sent_by: Option<SocketAddr>,
}

/// Bytes that a proxy sends.
#[derive(Debug)]
pub(crate) enum Sent {
    /// A datagram.
    Datagram(SocketAddr, Bytes),
    /// By this connection.
    Stream(u64, Bytes),
    /// By a connection to this address, which is to be opened.
    Connect(SocketAddr, Bytes),
}

/// The proxy at one host.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) host: HostId,
    address: SocketAddr,
    /// Who is reached by a user name at this proxy: one URI, or several to fork to.
    places: BTreeMap<String, Vec<String>>,
    /// Takes the offer out of every re-INVITE and puts it into the ACK, as an SBC does that invites without an offer.
    moves_offers: bool,
    framers: BTreeMap<u64, Framer>,
    open: BTreeMap<SocketAddr, u64>,
    /// Bytes for connections that are being opened.
    waiting: BTreeMap<u64, Vec<Bytes>>,
    returns: Vec<Return>,
    moved: BTreeMap<String, (String, Bytes)>,
    forks: Forks,
    out: Vec<Sent>,
}

impl Proxy {
    pub(crate) fn new(host: HostId, address: SocketAddr, moves_offers: bool) -> Self {
        Self {
            host,
            address,
            places: BTreeMap::new(),
            moves_offers,
            framers: BTreeMap::new(),
            open: BTreeMap::new(),
            waiting: BTreeMap::new(),
            returns: Vec::new(),
            moved: BTreeMap::new(),
            forks: Forks::default(),
            out: Vec::new(),
        }
    }

    /// The address of its listeners.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Requests for this user go to these URIs.
    pub(crate) fn place(&mut self, user: &str, uris: Vec<String>) {
        self.places.insert(user.to_owned(), uris);
    }

    /// A datagram came.
    pub(crate) fn packet(&mut self, from: SocketAddr, bytes: &Bytes) -> Vec<Sent> {
        self.message(Hop::Udp, from, 0, bytes);
        std::mem::take(&mut self.out)
    }

    /// A connection is open: bytes wait for it, perhaps.
    pub(crate) fn opened(&mut self, number: u64, peer: SocketAddr) -> Vec<Sent> {
        self.open.insert(peer, number);
        let waiting = self.waiting.remove(&number).unwrap_or_default();
        waiting.into_iter().map(|bytes| Sent::Stream(number, bytes)).collect()
    }

    /// Where a connection to this address is open or being opened, it takes the bytes; else they come back.
    pub(crate) fn joins(&mut self, peer: SocketAddr, bytes: Bytes) -> Option<Bytes> {
        match self.open.get(&peer).and_then(|number| self.waiting.get_mut(number)) {
            Some(waiting) => {
                waiting.push(bytes);
                None
            }
            None => Some(bytes),
        }
    }

    /// A connection that [`Sent::Connect`] asked for has this number.
    pub(crate) fn connecting(&mut self, number: u64, peer: SocketAddr, bytes: Bytes) {
        self.open.insert(peer, number);
        self.waiting.insert(number, vec![bytes]);
    }

    /// Bytes of a connection.
    pub(crate) fn stream(&mut self, number: u64, bytes: &[u8]) -> Vec<Sent> {
        let peer = self.open.iter().find(|(_, open)| **open == number).map(|(peer, _)| *peer);
        let messages = self.framers.entry(number).or_default().push(bytes);
        if let Some(peer) = peer {
            for message in messages {
                self.message(Hop::Tcp, peer, number, &message);
            }
        }
        std::mem::take(&mut self.out)
    }

    /// A connection is closed.
    pub(crate) fn closed(&mut self, number: u64) {
        self.open.retain(|_, open| *open != number);
        self.framers.remove(&number);
        self.waiting.remove(&number);
    }

    fn message(&mut self, hop: Hop, from: SocketAddr, connection: u64, bytes: &Bytes) {
        let Some(packet) = Packet::read(bytes) else { return };
        if packet.method().is_some() {
            self.request(hop, from, connection, packet);
        } else {
            self.response(packet);
        }
    }

    fn request(&mut self, hop: Hop, from: SocketAddr, connection: u64, mut packet: Packet) {
        let hops = packet.value("Max-Forwards").and_then(|value| value.parse::<u8>().ok()).unwrap_or(70);
        let Some(hops) = hops.checked_sub(1) else { return };
        packet.set_values("Max-Forwards", &[hops.to_string()]);
        let mut routes = packet.values("Route");
        while routes.first().is_some_and(|route| self.is_here(uri_of(route))) {
            routes.remove(0);
        }
        packet.set_values("Route", &routes);
        self.move_offer(&mut packet);
        let back = self.return_path(hop, from, connection, &packet);
        // Branch and sent-by alone (RFC 3261 section 16.11): other parts of Via may differ between repetitions.
        let sent_by = packet.value("Via").and_then(|via| via.split([';', ',']).next()).unwrap_or_default();
        let incoming = format!("{} {sent_by}", packet.branch());
        let targets = match routes.first() {
            Some(route) => vec![uri_of(route).to_owned()],
            None if self.is_here(packet.uri()) => {
                let user = user_of(packet.uri());
                self.places.get(user).cloned().unwrap_or_default()
            }
            None => vec![packet.uri().to_owned()],
        };
        let replaces_uri = routes.is_empty();
        if targets.len() > 1 {
            self.fork_request(hop, back, &incoming, &packet, &targets);
        } else if let Some(target) = targets.first() {
            if replaces_uri {
                set_uri(&mut packet, target);
            }
            let branch = branch_of(&incoming, 0);
            self.forward(hop, back, packet, target, &branch);
        }
    }

    /// Adds Via and Record-Route and sends.
    fn forward(&mut self, hop: Hop, back: usize, mut packet: Packet, target: &str, branch: &str) {
        let Some((next_hop, next)) = resolve(target) else { return };
        let mut vias = packet.values("Via");
        vias.insert(0, format!("SIP/2.0/{} {};branch={branch};back={back}", next_hop.name(), self.address));
        packet.set_values("Via", &vias);
        if packet.method() != Some("ACK") && packet.method() != Some("CANCEL") {
            let mut records = packet.values("Record-Route");
            records.insert(0, self.record(hop));
            if next_hop != hop {
                records.insert(0, self.record(next_hop));
            }
            packet.set_values("Record-Route", &records);
        }
        self.send(next_hop, next, packet.write());
    }

    fn response(&mut self, mut packet: Packet) {
        let mut vias = packet.values("Via");
        let back =
            vias.first().and_then(|via| parameter(via, "back")).and_then(|back| back.parse::<usize>().ok());
        let branch = packet.branch().to_owned();
        vias.remove(0);
        packet.set_values("Via", &vias);
        if self.fork_response(&branch, &packet) {
            return;
        }
        if let Some(back) = back {
            self.send_back(back, packet.write());
        }
    }

    fn send_back(&mut self, back: usize, bytes: Bytes) {
        let Some(path) = self.returns.get(back).copied() else { return };
        match path.hop {
            Hop::Udp => self.out.push(Sent::Datagram(path.peer, bytes)),
            Hop::Tcp if self.open.values().any(|open| *open == path.connection) => {
                self.out.push(Sent::Stream(path.connection, bytes));
            }
            Hop::Tcp => {
                if let Some(sent_by) = path.sent_by {
                    self.send(Hop::Tcp, sent_by, bytes);
                }
            }
        }
    }

    fn send(&mut self, hop: Hop, to: SocketAddr, bytes: Bytes) {
        match (hop, self.open.get(&to)) {
            (Hop::Udp, _) => self.out.push(Sent::Datagram(to, bytes)),
            (Hop::Tcp, Some(number)) => match self.waiting.get_mut(number) {
                Some(waiting) => waiting.push(bytes),
                None => self.out.push(Sent::Stream(*number, bytes)),
            },
            (Hop::Tcp, None) => {
                // The number follows before anything else is sent: the caller reports it at once.
                self.out.push(Sent::Connect(to, bytes));
            }
        }
    }

    fn record(&self, hop: Hop) -> String {
        match hop {
            Hop::Udp => format!("<sip:{};lr>", self.address),
            Hop::Tcp => format!("<sip:{};transport=tcp;lr>", self.address),
        }
    }

    fn is_here(&self, uri: &str) -> bool {
        resolve(uri).is_some_and(|(_, address)| address == self.address)
    }

    fn return_path(&mut self, hop: Hop, from: SocketAddr, connection: u64, packet: &Packet) -> usize {
        let via = packet.value("Via").unwrap_or_default();
        let sent_by = via.split(' ').nth(1).and_then(|rest| rest.split([';', ',']).next());
        let sent_by: Option<SocketAddr> = sent_by.and_then(|sent_by| sent_by.trim().parse().ok());
        // Without rport the response goes to the port of sent-by (RFC 3261 section 18.2.2).
        let peer = match (hop, parameter(via, "rport"), sent_by) {
            (Hop::Udp, None, Some(sent_by)) => SocketAddr::new(from.ip(), sent_by.port()),
            _ => from,
        };
        let path = Return { hop, peer, connection, sent_by };
        self.returns.iter().position(|known| *known == path).unwrap_or_else(|| {
            self.returns.push(path);
            self.returns.len() - 1
        })
    }

    /// Takes an offer out of a re-INVITE and puts it into the ACK of its 2xx.
    fn move_offer(&mut self, packet: &mut Packet) {
        let key = format!(
            "{} {} {:?}",
            packet.call_id(),
            packet.tag("From"),
            packet.cseq().map(|(number, _)| number)
        );
        let is_within_dialog = !packet.tag("To").is_empty();
        match packet.method() {
            Some("INVITE") if self.moves_offers && is_within_dialog && packet.has_session() => {
                let content_type = packet.value("Content-Type").unwrap_or_default().to_owned();
                packet.set_values("Content-Type", &[]);
                self.moved.insert(key, (content_type, std::mem::take(&mut packet.body)));
            }
            Some("ACK") if packet.body.is_empty() => {
                if let Some((content_type, body)) = self.moved.get(&key) {
                    packet.set_values("Content-Type", std::slice::from_ref(content_type));
                    packet.body = body.clone();
                }
            }
            _ => {}
        }
    }
}

/// The branch of a forwarded request: the same for each repetition, and for the CANCEL and ACK of an INVITE.
fn branch_of(incoming: &str, place: usize) -> String {
    format!("z9hG4bKp{:016x}", fnv(format!("{incoming} {place}").as_bytes()))
}

/// Transport and address of a URI whose host is an IP address.
fn resolve(uri: &str) -> Option<(Hop, SocketAddr)> {
    let rest = uri.strip_prefix("sip:")?;
    let (address, parameters) = rest.split_once(';').unwrap_or((rest, ""));
    let address = address.rsplit_once('@').map_or(address, |(_, host)| host);
    let address = address.parse().or_else(|_| format!("{address}:5060").parse()).ok()?;
    let is_tcp = parameters.split(';').any(|parameter| parameter.eq_ignore_ascii_case("transport=tcp"));
    Some((if is_tcp { Hop::Tcp } else { Hop::Udp }, address))
}

fn user_of(uri: &str) -> &str {
    uri.strip_prefix("sip:").and_then(|rest| rest.split_once('@')).map_or("", |(user, _)| user)
}

fn set_uri(packet: &mut Packet, uri: &str) {
    let method = packet.method().unwrap_or_default().to_owned();
    packet.start = format!("{method} {uri} SIP/2.0");
}

#[cfg(test)]
mod tests;

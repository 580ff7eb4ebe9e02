//! Datagrams: a thread that reads them, many per system call, and a socket that sends them without waiting.

use super::address::{LocalAddress, canonical};
use super::stats::SipStats;
use bytes::Bytes;
use nix::errno::Errno;
use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::sys::socket::sockopt::{Ipv4PacketInfo, Ipv6RecvPacketInfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg, sendmsg,
    setsockopt,
};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tympan_sip::agent::Flow;

/// Datagrams per system call.
const BATCH: usize = 16;
/// The longest datagram that there is.
const DATAGRAM_BYTES: usize = 65_535;
/// Datagrams that may wait for the agent; what comes beyond is dropped and counted.
pub(super) const DATAGRAMS_WAITING: usize = 4_096;
/// Their bytes.
const DATAGRAM_BYTES_WAITING: usize = 8 * 1024 * 1024;
/// What the kernel is asked to hold while the reader is not scheduled.
const KERNEL_BUFFER_BYTES: usize = 4 * 1024 * 1024;
/// How often the reader looks whether it should end.
const LOOK_UP: Duration = Duration::from_millis(200);

/// A datagram that came in.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    /// The address that it was sent to, where the kernel says so.
    pub(super) to: Option<IpAddr>,
    pub(super) bytes: Bytes,
    _held: Held,
}

/// Bytes that wait; dropping this takes them off the count.
#[derive(Debug)]
struct Held {
    waiting: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// A bound socket.
#[derive(Debug, Clone)]
pub(super) struct UdpSide {
    socket: Arc<UdpSocket>,
    is_v6: bool,
}

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// The kernel has it.
    Whole,
    /// The kernel has no room: it is lost, as any datagram may be.
    NoRoom,
    /// It cannot be sent to that peer.
    Failed,
}

impl UdpSide {
    /// Binds; on an IPv6 wildcard for IPv4 too.
    pub(super) fn bind(listen: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(listen), Type::DGRAM, Some(Protocol::UDP))?;
        if listen.is_ipv6() {
            socket.set_only_v6(!listen.ip().is_unspecified())?;
        }
        socket.bind(&listen.into())?;
        socket.set_read_timeout(Some(LOOK_UP))?;
        // The kernel gives as much as `net.core.rmem_max` allows.
        socket.set_recv_buffer_size(KERNEL_BUFFER_BYTES)?;
        if listen.is_ipv6() {
            setsockopt(&socket, Ipv6RecvPacketInfo, &true)?;
        } else {
            setsockopt(&socket, Ipv4PacketInfo, &true)?;
        }
        Ok(Self { socket: Arc::new(socket.into()), is_v6: listen.is_ipv6() })
    }

    /// The bound address.
    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// Sends without waiting.
    pub(super) fn send(&self, flow: &Flow, local: LocalAddress, bytes: &[u8]) -> Sent {
        let source = local.source(flow.local);
        match self.send_from(source, flow.peer, bytes) {
            // The address is gone from this machine, or was never its own.
            Err(Errno::EINVAL | Errno::EADDRNOTAVAIL) if source.is_some() => {
                outcome(self.send_from(None, flow.peer, bytes))
            }
            sent => outcome(sent),
        }
    }

    fn send_from(&self, source: Option<IpAddr>, peer: SocketAddr, bytes: &[u8]) -> Result<usize, Errno> {
        let peer = match (self.is_v6, peer) {
            (true, SocketAddr::V4(v4)) => SocketAddr::new(v4.ip().to_ipv6_mapped().into(), v4.port()),
            (_, peer) => peer,
        };
        let to = SockaddrStorage::from(peer);
        let (fd, data) = (self.socket.as_raw_fd(), [IoSlice::new(bytes)]);
        let flags = MsgFlags::MSG_DONTWAIT;
        match (self.is_v6, source) {
            (false, Some(IpAddr::V4(ip))) => {
                let source = in_addr { s_addr: u32::from_ne_bytes(ip.octets()) };
                let info =
                    in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: in_addr { s_addr: 0 } };
                sendmsg(fd, &data, &[ControlMessage::Ipv4PacketInfo(&info)], flags, Some(&to))
            }
            (true, Some(ip)) => {
                let ip = match ip {
                    IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                    IpAddr::V6(ip) => ip,
                };
                let info = in6_pktinfo { ipi6_addr: in6_addr { s6_addr: ip.octets() }, ipi6_ifindex: 0 };
                sendmsg(fd, &data, &[ControlMessage::Ipv6PacketInfo(&info)], flags, Some(&to))
            }
            _ => sendmsg(fd, &data, &[], flags, Some(&to)),
        }
    }

    /// Starts the thread that reads until `cancel`.
    pub(super) fn start_reader(
        &self,
        to: mpsc::Sender<Datagram>,
        stats: Arc<SipStats>,
        cancel: CancellationToken,
    ) -> io::Result<()> {
        let reader = Reader { socket: self.socket.clone(), to, stats, waiting: Arc::default() };
        std::thread::Builder::new().name("sip-udp".into()).spawn(move || reader.run(&cancel)).map(drop)
    }
}

fn outcome(sent: Result<usize, Errno>) -> Sent {
    match sent {
        Ok(_) => Sent::Whole,
        // An ICMP error to an earlier datagram, perhaps to another peer, is reported here once.
        Err(Errno::EAGAIN | Errno::ENOBUFS | Errno::ENOMEM | Errno::EINTR | Errno::ECONNREFUSED) => {
            Sent::NoRoom
        }
        Err(_) => Sent::Failed,
    }
}

struct Reader {
    socket: Arc<UdpSocket>,
    to: mpsc::Sender<Datagram>,
    stats: Arc<SipStats>,
    waiting: Arc<AtomicUsize>,
}

impl Reader {
    fn run(self, cancel: &CancellationToken) {
        let mut buffers = vec![[0_u8; DATAGRAM_BYTES]; BATCH];
        while !cancel.is_cancelled() {
            // Anew each time: the kernel shortens the room for control messages to what it used.
            let control = nix::cmsg_space!(in6_pktinfo, in_pktinfo);
            let mut headers = MultiHeaders::<SockaddrStorage>::preallocate(BATCH, Some(control));
            let mut slices: Vec<[IoSliceMut<'_>; 1]> =
                buffers.iter_mut().map(|buffer| [IoSliceMut::new(buffer)]).collect();
            let fd = self.socket.as_raw_fd();
            match recvmmsg(fd, &mut headers, &mut slices, MsgFlags::MSG_WAITFORONE, None) {
                Ok(received) => {
                    for message in received {
                        let Some(from) = message.address.as_ref().and_then(socket_address) else { continue };
                        let to = message.cmsgs().ok().and_then(|mut cmsgs| cmsgs.find_map(destination));
                        if let Some(bytes) = message.iovs().next() {
                            self.forward(from, to, bytes);
                        }
                    }
                }
                // The first two are the end of the read time-out and a signal; the third is an ICMP answer to a datagram of ours.
                Err(Errno::EAGAIN | Errno::EINTR | Errno::ECONNREFUSED) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot read SIP datagrams");
                    std::thread::sleep(LOOK_UP);
                }
            }
        }
    }

    fn forward(&self, from: SocketAddr, to: Option<IpAddr>, bytes: &[u8]) {
        if self.waiting.load(Ordering::Relaxed) + bytes.len() > DATAGRAM_BYTES_WAITING {
            return self.stats.datagram_dropped();
        }
        self.waiting.fetch_add(bytes.len(), Ordering::Relaxed);
        let held = Held { waiting: self.waiting.clone(), bytes: bytes.len() };
        let datagram = Datagram { from, to, bytes: Bytes::copy_from_slice(bytes), _held: held };
        if self.to.try_send(datagram).is_err() {
            self.stats.datagram_dropped();
        }
    }
}

fn destination(message: ControlMessageOwned) -> Option<IpAddr> {
    match message {
        ControlMessageOwned::Ipv4PacketInfo(info) => {
            Some(IpAddr::from(info.ipi_spec_dst.s_addr.to_ne_bytes()))
        }
        ControlMessageOwned::Ipv6PacketInfo(info) => {
            Some(IpAddr::from(info.ipi6_addr.s6_addr).to_canonical())
        }
        _ => None,
    }
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = address.as_sockaddr_in().map(|address| SocketAddr::from((address.ip(), address.port())));
    let v6 = || address.as_sockaddr_in6().map(|address| SocketAddr::from((address.ip(), address.port())));
    v4.or_else(v6).map(canonical)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_sip::agent::{ListenerId, Way};
    use tympan_sip::wire::Transport;

    fn reading(
        listen: &str,
        capacity: usize,
    ) -> (UdpSide, mpsc::Receiver<Datagram>, Arc<SipStats>, CancellationToken) {
        let side = UdpSide::bind(listen.parse().unwrap()).unwrap();
        let (sender, receiver) = mpsc::channel(capacity);
        let (stats, cancel) = (Arc::<SipStats>::default(), CancellationToken::new());
        side.start_reader(sender, stats.clone(), cancel.clone()).unwrap();
        (side, receiver, stats, cancel)
    }

    fn exchange(listen: &str, towards: &str) {
        let (side, mut datagrams, _, cancel) = reading(listen, 16);
        let towards = SocketAddr::new(towards.parse().unwrap(), side.local_addr().unwrap().port());
        let peer = UdpSocket::bind((towards.ip(), 0)).unwrap();
        peer.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        peer.send_to(b"OPTIONS", towards).unwrap();
        let datagram = datagrams.blocking_recv().unwrap();
        assert_eq!(
            (datagram.from, datagram.to),
            (peer.local_addr().unwrap(), Some(towards.ip())),
            "{listen}"
        );
        assert_eq!(&datagram.bytes[..], b"OPTIONS");

        let local = LocalAddress::new(side.local_addr().unwrap(), None);
        let flow = Flow {
            way: Way::Datagram(ListenerId(0)),
            transport: Transport::Udp,
            local: local.reached_by(datagram.from, datagram.to),
            peer: datagram.from,
        };
        assert_eq!(side.send(&flow, local, b"200"), Sent::Whole);
        let mut answer = [0; 16];
        assert_eq!(
            peer.recv_from(&mut answer).unwrap(),
            (3, towards),
            "{listen}: it comes from where it was asked"
        );
        cancel.cancel();
    }

    #[test]
    fn a_datagram_has_the_address_it_was_sent_to_and_is_answered_from_there() {
        exchange("127.0.0.1:0", "127.0.0.1");
        // Another address of the loopback network: the kernel alone would answer from 127.0.0.1.
        exchange("0.0.0.0:0", "127.0.0.2");
        if UdpSocket::bind("[::1]:0").is_ok() {
            exchange("[::]:0", "127.0.0.2");
            exchange("[::]:0", "::1");
        }
    }

    #[test]
    fn what_no_room_is_left_for_is_counted_and_the_longest_datagram_is_whole() {
        let (side, mut datagrams, stats, cancel) = reading("127.0.0.1:0", 1);
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let longest = vec![b'x'; 65_507];
        for _ in 0..3 {
            peer.send_to(&longest, side.local_addr().unwrap()).unwrap();
        }
        let begun = std::time::Instant::now();
        while stats.counted("datagrams_dropped_total") < 2 {
            assert!(begun.elapsed() < Duration::from_secs(60), "the other two were not counted");
            std::thread::yield_now();
        }
        assert_eq!(datagrams.blocking_recv().unwrap().bytes.len(), longest.len());
        cancel.cancel();
    }

    #[test]
    fn a_peer_that_no_datagram_reaches_is_told() {
        let side = UdpSide::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let local = LocalAddress::new(side.local_addr().unwrap(), None);
        let flow = Flow {
            way: Way::Datagram(ListenerId(0)),
            transport: Transport::Udp,
            local: side.local_addr().unwrap(),
            peer: "192.0.2.1:5060".parse().unwrap(),
        };
        // From a loopback address nothing leaves the machine.
        assert_eq!(side.send(&flow, local, b"BYE"), Sent::Failed);
    }
}

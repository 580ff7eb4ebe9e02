//! Peers that flood, do not read or read slowly, and fifty good calls beside each: these are exact, and none is refused.
//!
//! TYMPAN_E2E_FLOOD=full waits until what is half open has timed out, instead of ending it, and has sipsak send more.

use anyhow::ensure;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, setsockopt, socket, sockopt,
};
use std::collections::{BTreeMap, HashMap};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket};
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tympan_e2e::raw_message::RawMessage;
use tympan_e2e::raw_peer::RawPeer;
use tympan_e2e::site::{NUMBER, Site};
use tympan_e2e::softphones::sipsak_flood;

/// Where good calls come from.
const GOOD: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Where floods come from.
const BAD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

fn is_full() -> bool {
    std::env::var("TYMPAN_E2E_FLOOD").is_ok_and(|size| size == "full")
}

/// A connection from `from` whose kernel takes only a few kilobytes for a reader that does not read.
fn narrow_connection(from: Ipv4Addr, to: SocketAddr) -> anyhow::Result<TcpStream> {
    let SocketAddr::V4(to) = to else { anyhow::bail!("{to} is not IPv4") };
    let socket = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    setsockopt(&socket, sockopt::RcvBuf, &4_096)?;
    bind(socket.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(from, 0)))?;
    connect(socket.as_raw_fd(), &SockaddrIn::from(to))?;
    Ok(TcpStream::from(socket))
}

fn options(own: SocketAddr, server: SocketAddr, nth: usize) -> String {
    format!(
        "OPTIONS sip:{server} SIP/2.0\r\nVia: SIP/2.0/TCP {own};rport;branch=z9hG4bKd{}-{nth}\r\nMax-Forwards: 70\r\n\
         From: <sip:deaf@{own}>;tag=d\r\nTo: <sip:{server}>\r\nCall-ID: d{nth}-{}@{own}\r\nCSeq: 1 OPTIONS\r\n\
         Content-Length: 0\r\n\r\n",
        own.port(),
        own.port(),
    )
}

#[test]
fn a_peer_that_does_not_read_is_closed_and_delays_no_other() -> anyhow::Result<()> {
    let mut site = Site::open()?;
    let server = site.sip();
    let deaf = narrow_connection(BAD, server)?;
    let over = AtomicBool::new(false);
    let (good, sent) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| ask_until_closed(&deaf, server, &over));
        let good = site.good_calls(GOOD);
        // Where calls went wrong, how the flood ends is no news.
        over.store(good.is_err(), Ordering::Relaxed);
        (good, flood.join())
    });
    good?;
    let sent = sent.map_err(|_| anyhow::anyhow!("the flood panicked"))??;
    eprintln!("the peer was closed after {sent} requests");
    drop(deaf);
    site.is_as_before()
}

/// Sends OPTIONS and reads nothing, until the server has closed the connection; gives how many it was. The first 2,500 go at
/// once. What the kernels keep for both sides takes some thousands more, and only then does the server see that the peer does not read.
fn ask_until_closed(stream: &TcpStream, server: SocketAddr, over: &AtomicBool) -> anyhow::Result<usize> {
    const LIMIT: Duration = Duration::from_secs(50);
    let mut stream = stream;
    stream.set_nonblocking(true)?;
    let (own, begun) = (stream.local_addr()?, Instant::now());
    let (mut nth, mut rest) = (0, Vec::new());
    while begun.elapsed() < LIMIT && !over.load(Ordering::Relaxed) {
        if rest.is_empty() {
            rest = (nth..nth + 100).flat_map(|nth| options(own, server, nth).into_bytes()).collect();
            nth += 100;
            if nth > 2_500 {
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        match stream.write(&rest) {
            Ok(written) => drop(rest.drain(..written)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(_) => return Ok(nth),
        }
    }
    anyhow::bail!("{nth} requests were sent, nothing was read, and the connection is open")
}

#[test]
fn a_peer_that_reads_slowly_delays_no_other() -> anyhow::Result<()> {
    let mut site = Site::open()?;
    let server = site.sip();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| {
                let mut slow = narrow_connection(BAD, server)?;
                slow.set_nonblocking(true)?;
                let own = slow.local_addr()?;
                let mut nth = 0;
                while !over.load(Ordering::Relaxed) {
                    // A few requests, the last one cut in the middle of a word, and a sip of the answers.
                    let requests = (0..5).map(|more| options(own, server, nth + more)).collect::<String>();
                    nth += 5;
                    let (first, second) = requests.as_bytes().split_at(requests.len() - 100);
                    // What the server does not take, or a connection that it has closed, is its right.
                    let _ = slow.write(first);
                    std::thread::sleep(Duration::from_millis(50));
                    let _ = slow.write(second);
                    let _ = slow.read(&mut [0; 100]);
                    std::thread::sleep(Duration::from_millis(50));
                }
                anyhow::Ok(())
            });
        }
        let good = site.good_calls(GOOD);
        over.store(true, Ordering::Relaxed);
        good
    })?;
    site.is_as_before()
}

/// What INVITEs that are never acknowledged were answered.
#[derive(Default)]
struct HalfOpen {
    statuses: BTreeMap<u16, usize>,
    without_retry_after: usize,
    /// The 200 of each INVITE that was taken.
    taken: HashMap<String, RawMessage>,
}

impl HalfOpen {
    fn take(&mut self, answer: RawMessage) {
        let Some(status) = answer.status().filter(|status| *status >= 200) else { return };
        let id = answer.header("Call-ID").unwrap_or_default();
        if !answer.lists("CSeq", "1 INVITE") || self.taken.contains_key(&id) {
            return;
        }
        *self.statuses.entry(status).or_default() += 1;
        if status == 503 {
            self.without_retry_after += usize::from(answer.header("Retry-After").is_none());
        }
        if status == 200 {
            self.taken.insert(id, answer);
        }
    }
}

#[test]
fn half_open_invites_are_refused_by_the_limit_of_their_source() -> anyhow::Result<()> {
    let count = 3_000;
    let mut site = Site::open()?;
    let server = site.sip();
    let mut peer = RawPeer::udp_at(BAD.into(), server)?;
    let over = AtomicBool::new(false);
    let (good, flood) = std::thread::scope(|scope| {
        let flood = scope.spawn(|| {
            let mut half_open = HalfOpen::default();
            let mut taken = |peer: &mut RawPeer| -> anyhow::Result<()> {
                peer.take_all()?.into_iter().for_each(|answer| half_open.take(answer));
                Ok(())
            };
            for nth in 0..count {
                let mut call = peer.new_call(NUMBER);
                let offer = peer.sdp(9, "0 101");
                let invite = peer.request(&mut call, "INVITE", "", Some(("application/sdp", &offer)));
                peer.send(&invite)?;
                if nth % 10 == 9 {
                    taken(&mut peer)?;
                }
            }
            while !over.load(Ordering::Relaxed) {
                taken(&mut peer)?;
            }
            taken(&mut peer)?;
            anyhow::Ok((peer, half_open))
        });
        let good = site.good_calls(GOOD);
        over.store(true, Ordering::Relaxed);
        (good, flood.join())
    });
    let (mut peer, half_open) = flood.map_err(|_| anyhow::anyhow!("the flood panicked"))??;
    eprintln!("{count} half-open INVITEs were answered {:?}", half_open.statuses);
    good?;
    let refused = half_open.statuses.get(&503).copied().unwrap_or(0);
    ensure!(refused > count / 3, "only {refused} of {count} were refused");
    ensure!(half_open.without_retry_after == 0, "a refusal has no Retry-After");
    ensure!(half_open.taken.len() < count / 2, "{} were taken", half_open.taken.len());
    let others: Vec<_> = half_open.statuses.keys().filter(|status| ![200, 503].contains(*status)).collect();
    ensure!(others.is_empty(), "{others:?}");

    if !is_full() {
        // It would take 64 T1 until they are given up: they are ended.
        for answer in half_open.taken.values() {
            let mut call = peer.new_call(NUMBER);
            call.learn(answer)?;
            call.id = answer.header("Call-ID").unwrap_or_default();
            call.from = answer.header("From").unwrap_or_default();
            call.cseq = 1;
            let bye = peer.request(&mut call, "BYE", "", None);
            peer.send(&bye)?;
            peer.take_all()?;
        }
    }
    site.is_as_before()
}

#[test]
fn garbage_is_dropped_and_the_calls_beside_it_are_exact() -> anyhow::Result<()> {
    const DATAGRAMS: usize = 13_000;
    let mut site = Site::open()?;
    let server = site.sip();
    let flood = || -> anyhow::Result<()> {
        let socket = UdpSocket::bind((BAD, 0))?;
        socket.connect(server)?;
        let own = socket.local_addr()?;
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        for nth in 0..DATAGRAMS {
            let mut random = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state
            };
            let mut datagram = match nth % 4 {
                // Nothing but noise, a message with holes in it, the head of one, and none at all.
                0 => (0..random() % 1_400).map(|_| random().to_le_bytes()[3]).collect::<Vec<u8>>(),
                1 => options(own, server, nth).replace("Via:", "Vla:").into_bytes(),
                2 => options(own, server, nth).into_bytes()[..60].to_vec(),
                _ => b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\n\r\n".to_vec(),
            };
            let length = datagram.len();
            if nth % 4 == 1 {
                for _ in 0..5 {
                    let at = usize::try_from(random()).unwrap_or(0) % length;
                    datagram[at] = random().to_le_bytes()[2];
                }
            }
            // An ICMP of a moment ago is no concern of ours.
            let _ = socket.send(&datagram);
            if nth % 100 == 99 {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let flood = scope.spawn(flood);
        let good = site.good_calls(GOOD);
        flood.join().map_err(|_| anyhow::anyhow!("the flood panicked"))??;
        good
    })?;
    site.is_as_before()
}

#[test]
fn a_flood_of_sipsak_is_refused_and_others_are_served() -> anyhow::Result<()> {
    let count = if is_full() { 30_000 } else { 5_000 };
    let mut site = Site::open()?;
    let server = site.sip();
    // sipsak has no choice of its address, so here the good calls come from another one.
    std::thread::scope(|scope| {
        let flood = scope.spawn(|| sipsak_flood(server, count));
        let good = site.good_calls(BAD);
        flood.join().map_err(|_| anyhow::anyhow!("the flood panicked"))??;
        good
    })?;
    ensure!(site.counted("tympan_sip_source_limited_total")? > 0, "the flood was not refused");
    site.is_as_before()?;
    // Its source is forgiven.
    site.good_calls(GOOD)
}

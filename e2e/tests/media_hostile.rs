//! Peers whose packets are an attack, and fifty good calls beside: these are exact, and memory is bounded.

use anyhow::{Context, ensure};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tympan_e2e::outsiders::{resident_bytes, udp_ports};
use tympan_e2e::phone::Phone;
use tympan_e2e::raw_peer::RawPeer;
use tympan_e2e::site::{NUMBER, Site};

/// Where attacks come from.
const BAD: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
const MIB: u64 = 1 << 20;
/// What a development server with fifty calls and an attack may take.
const MEMORY_BYTES: u64 = 400 * MIB;

/// Numbers that look random, out of a seed.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
}

/// An RTP packet with fields of the attacker's choice.
fn rtp(noise: &mut Noise, payload_type: u8, payload: usize) -> Vec<u8> {
    let (one, two) = (noise.next().to_be_bytes(), noise.next().to_be_bytes());
    let mut packet = vec![0x80, payload_type];
    packet.extend_from_slice(&one[..6]);
    packet.extend_from_slice(&two[..4]);
    packet.extend(std::iter::repeat_n(one[7], payload));
    packet
}

/// The server as an attacker sees it.
#[derive(Clone, Copy)]
struct Target {
    sip: SocketAddr,
    pid: u32,
}

/// Fifty good calls while `attack` goes on until they are over; it gives how many packets it sent.
fn beside_good_calls(
    attack: impl Fn(Target, &AtomicBool) -> anyhow::Result<u64> + Sync,
) -> anyhow::Result<u64> {
    let mut site = Site::open()?;
    let target = Target { sip: site.sip(), pid: site.server().pid() };
    let over = AtomicBool::new(false);
    let (good, attacked) = std::thread::scope(|scope| {
        let attack = scope.spawn(|| attack(target, &over));
        let good = site.good_calls(Ipv4Addr::LOCALHOST);
        over.store(true, Ordering::Relaxed);
        (good, attack.join())
    });
    let packets = attacked.map_err(|_| anyhow::anyhow!("the attack panicked"))?;
    good?;
    let packets = packets?;
    let kept = resident_bytes(site.server())?;
    ensure!(kept < MEMORY_BYTES, "{} MiB are resident", kept / MIB);
    site.is_as_before()?;
    Ok(packets)
}

/// A call of the attacker's own.
fn own_call(target: Target) -> anyhow::Result<(RawPeer, Phone, SocketAddr)> {
    let mut peer = RawPeer::udp_at(BAD, target.sip)?;
    let mut phone = Phone::new()?;
    phone.move_to(BAD)?;
    let mut call = peer.new_call(NUMBER);
    // No good caller's number.
    call.from = call.from.replace("+1206555", "+1415555");
    let offer = peer.sdp(phone.port()?, "0 101");
    let answer = peer.invite(&mut call, "", &offer)?;
    let (port, _) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
    let media = (target.sip.ip(), port).into();
    phone.speak_to(media);
    Ok((peer, phone, media))
}

fn pace(sent: u64, per_ms: u64) {
    // An attacker of this speed keeps no machine busy by sending alone.
    if sent.is_multiple_of(per_ms) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn packets_of_a_call_with_any_numbers_and_clocks_harm_no_other_call() -> anyhow::Result<()> {
    let packets = beside_good_calls(|target, over| {
        let (mut peer, phone, media) = own_call(target)?;
        let (mut noise, mut sent) = (Noise(0x5EED_0001), 0);
        while !over.load(Ordering::Relaxed) {
            let payload = [0, 1, 160, 161, 480, 1_400, 1_900][(noise.next() % 7) as usize];
            let packet = rtp(&mut noise, if sent % 5 == 0 { 101 } else { 0 }, payload);
            phone.send_bytes(&packet, media)?;
            sent += 1;
            pace(sent, 4);
        }
        // The server may have ended the call; what it says is no matter here.
        peer.take_all()?;
        Ok(sent)
    })?;
    eprintln!("{packets} packets of an attack");
    Ok(())
}

#[test]
fn packets_of_strangers_to_every_media_port_harm_no_call() -> anyhow::Result<()> {
    let packets = beside_good_calls(|target, over| {
        let sockets: Vec<UdpSocket> = (2..6)
            .map(|host| UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), 0)))
            .collect::<Result<_, _>>()?;
        let (mut noise, mut sent) = (Noise(0x5EED_0002), 0);
        while !over.load(Ordering::Relaxed) {
            for port in udp_ports(target.pid)?.into_iter().filter(|port| *port != target.sip.port()) {
                let socket = &sockets[(noise.next() % 4) as usize];
                let packet = rtp(&mut noise, 0, 160);
                // A port that was closed meanwhile answers by ICMP.
                let _ = socket.send_to(&packet, (target.sip.ip(), port));
                sent += 1;
                pace(sent, 4);
            }
        }
        Ok(sent)
    })?;
    eprintln!("{packets} packets of an attack");
    Ok(())
}

#[test]
fn datagrams_of_any_length_harm_no_call() -> anyhow::Result<()> {
    let packets = beside_good_calls(|target, over| {
        let (mut peer, phone, media) = own_call(target)?;
        let (mut noise, mut sent) = (Noise(0x5EED_0003), 0);
        while !over.load(Ordering::Relaxed) {
            let length = [0, 1, 11, 12, 2_047, 2_048, 2_049, 9_000, 60_000][(noise.next() % 9) as usize];
            let bytes: Vec<u8> = std::iter::repeat_with(|| (noise.next() >> 32) as u8).take(length).collect();
            phone.send_bytes(&bytes, media)?;
            sent += 1;
            pace(sent, 2);
        }
        peer.take_all()?;
        Ok(sent)
    })?;
    eprintln!("{packets} packets of an attack");
    Ok(())
}

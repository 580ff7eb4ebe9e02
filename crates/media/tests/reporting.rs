//! RTCP: where it goes, and what it says of a peer.

mod rig;

use rig::{PEER, Rig, agreed, codes, of};
use std::time::Duration;
use tympan_media::{Input, Port, SilenceSending};
use tympan_telephony::rtp::packet::Ssrc;
use tympan_telephony::rtp::rtcp::packet::{Compound, ReportBlock, RtcpPacket};
use tympan_telephony::rtp::rtcp::{Rtcp, RtcpConfig};
use tympan_telephony::sdp::StreamAgreement;
use tympan_telephony::words::{MediaCommand, MediaEvent};
use tympan_types::{Mono, WallTime};

fn apart() -> StreamAgreement {
    StreamAgreement { remote_rtcp: Some("192.0.2.1:4001".parse().expect("an address")), ..agreed(PEER) }
}

fn shared() -> StreamAgreement {
    StreamAgreement { rtcp_mux: true, ..agreed(PEER) }
}

fn rig(agreement: StreamAgreement) -> Rig {
    let mut rig = Rig::unagreed(|spec| {
        spec.silence = SilenceSending::Silence;
        spec.media_timeout = Some(Duration::from_secs(30));
    });
    rig.negotiate(of([agreement]));
    rig
}

/// A report of the peer.
fn report(now: Mono) -> Vec<u8> {
    let config =
        RtcpConfig { ssrc: Ssrc(0xfeed), clock_hz: 8_000, wall: WallTime::from_unix_ms(1), random: [3; 20] };
    let mut peer = Rtcp::new(now, &config);
    let mut datagram = Vec::new();
    peer.poll(now.plus_ms(60_000), &mut datagram);
    datagram
}

fn blocks(datagram: &[u8]) -> Vec<ReportBlock> {
    let compound = Compound::parse(datagram).expect("RTCP is sent");
    compound
        .packets()
        .flat_map(|packet| match packet {
            RtcpPacket::SenderReport { blocks, .. } | RtcpPacket::ReceiverReport { blocks, .. } => {
                blocks.iter().collect()
            }
            _ => Vec::new(),
        })
        .collect()
}

#[test]
fn reports_go_to_the_port_that_was_agreed_and_say_what_was_received() {
    for (agreement, port, to) in [(shared(), Port::Rtp, PEER), (apart(), Port::Rtcp, "192.0.2.1:4001")] {
        let mut rig = rig(agreement);
        for second in 0..20 {
            rig.speak(&codes(8_000, second));
            rig.pass(20);
        }
        assert!((2..=20).contains(&rig.reports.len()), "{}", rig.reports.len());
        let (from_port, destination, datagram) = rig.reports.last().unwrap();
        assert_eq!((*from_port, *destination), (port, to.parse().unwrap()));
        let [block] = blocks(datagram)[..] else { panic!("one source") };
        assert_eq!((block.ssrc, block.lost, block.fraction_lost), (Ssrc(0xfeed), 0, 0));
        assert_eq!(rig.stat("sent_reports"), rig.reports.len() as u64);
    }
}

#[test]
fn a_peer_that_wants_no_reports_gets_none() {
    let mut rig = rig(agreed(PEER));
    rig.speak(&codes(8_000, 1));
    rig.pass(60_000);
    rig.handle(Input::Ended);
    assert_eq!(rig.reports.len(), 0);
}

#[test]
fn the_end_of_a_leg_says_goodbye() {
    let mut rig = rig(shared());
    rig.speak(&codes(1_600, 1));
    rig.handle(Input::Ended);
    let (_, _, datagram) = rig.reports.last().unwrap();
    let compound = Compound::parse(datagram).unwrap();
    assert!(compound.packets().any(|packet| matches!(packet, RtcpPacket::Bye(_))));
}

#[test]
fn a_peer_that_reports_is_there_though_it_says_nothing() {
    for port in [Port::Rtp, Port::Rtcp] {
        let mut rig = rig(if port == Port::Rtp { shared() } else { apart() });
        let timed_out = |rig: &Rig| rig.events.contains(&MediaEvent::MediaTimedOut);
        for _ in 0..6 {
            rig.pass(20_000);
            let (bytes, from, arrived) = (report(rig.now), "192.0.2.1:4001".parse().unwrap(), rig.now);
            rig.handle(Input::Datagram { stream: 0, port, from, bytes: &bytes, truncated: false, arrived });
        }
        assert!(!timed_out(&rig));
        assert_eq!(rig.stat("received_reports"), 6);
        rig.pass(31_000);
        assert!(timed_out(&rig));
    }
}

#[test]
fn a_strangers_report_is_refused_and_counted_and_moves_nothing() {
    let mut rig = rig(apart());
    let (bytes, arrived) = (report(rig.now), rig.now);
    for port in [Port::Rtp, Port::Rtcp] {
        let from = "203.0.113.9:4001".parse().unwrap();
        rig.handle(Input::Datagram { stream: 0, port, from, bytes: &bytes, truncated: false, arrived });
    }
    assert_eq!(rig.stat("refused_packets"), 2);
    rig.pass(20_000);
    assert!(rig.reports.iter().all(|(_, to, _)| *to == "192.0.2.1:4001".parse().unwrap()));
}

#[test]
fn reports_follow_a_translator_of_the_peers_host() {
    let mut rig = rig(apart());
    let (bytes, from, arrived) = (report(rig.now), "192.0.2.1:61001".parse().unwrap(), rig.now);
    rig.handle(Input::Datagram {
        stream: 0,
        port: Port::Rtcp,
        from,
        bytes: &bytes,
        truncated: false,
        arrived,
    });
    rig.negotiate(of([apart()]));
    rig.pass(20_000);
    assert!(!rig.reports.is_empty() && rig.reports.iter().all(|(_, to, _)| *to == from));
    let elsewhere = StreamAgreement { remote_rtcp: Some("192.0.2.8:7001".parse().unwrap()), ..agreed(PEER) };
    rig.command(MediaCommand::Negotiate(Box::new(of([elsewhere]))));
    rig.pass(20_000);
    assert_eq!(rig.reports.last().unwrap().1, "192.0.2.8:7001".parse().unwrap());
}

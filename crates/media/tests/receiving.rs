//! What a leg takes from the network, and what it makes of silence.

mod rig;

use rig::{PEER, Rig, agreed, codes, of, ulaw};
use std::time::Duration;
use tympan_media::{Input, Port, SilenceSending};
use tympan_telephony::Digit;
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::audio::wav;
use tympan_telephony::rtp::dtmf::EventSender;
use tympan_telephony::rtp::latch::Trust;
use tympan_telephony::rtp::packet::{RtpTimestamp, Ssrc};
use tympan_telephony::rtp::sender::RtpSender;
use tympan_telephony::sdp::Direction;
use tympan_telephony::sdp::StreamAgreement;
use tympan_telephony::words::{MediaCommand, MediaEvent, Track};
use tympan_types::{ListenId, TapId};

#[test]
fn strangers_noise_and_huge_datagrams_are_counted_and_change_nothing() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Received);
    for index in 0..50 {
        rig.speak(&codes(160, index));
        let stranger = rig.packet(&codes(160, 99));
        let (now, from) = (rig.now, "203.0.113.9:4000".parse().unwrap());
        let hostile = |stream, bytes, truncated| Input::Datagram {
            stream,
            port: Port::Rtp,
            from,
            bytes,
            truncated,
            arrived: now,
        };
        rig.handle(hostile(0, &stranger, false));
        rig.handle(hostile(0, &[0x80; 2_048], true));
        rig.handle(hostile(0, b"GET / HTTP/1.1\r\n\r\n", false));
        rig.handle(hostile(1, &stranger, false));
        rig.handle(hostile(usize::MAX, &stranger, false));
        // The stranger's packet was one of the peer's numbers, which the peer now sends.
        rig.datagram(&stranger);
        rig.pass(40);
    }
    let said: Vec<i16> =
        (0..50).flat_map(|index| [ulaw(&codes(160, index)), ulaw(&codes(160, 99))]).flatten().collect();
    rig.close_tap(1);
    assert_eq!(rig.heard(1).samples.len(), said.len());
    assert!(rig.heard(1).samples == said);
    let stats = rig.session.take_stats();
    assert_eq!((stats.received_packets, stats.refused_packets, stats.truncated_packets), (100, 50, 50));
    assert_eq!((stats.other_packets, stats.unagreed_packets), (50, 100));
}

#[test]
fn a_truncated_datagram_of_the_peer_is_counted_and_lost_and_never_heard() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Received);
    rig.speak(&codes(320, 1));
    let long = rig.packet(&codes(160, 2));
    let (now, from) = (rig.now, rig.from);
    rig.handle(Input::Datagram {
        stream: 0,
        port: Port::Rtp,
        from,
        bytes: &long,
        truncated: true,
        arrived: now,
    });
    rig.pass(40);
    rig.speak(&codes(1_600, 3));
    rig.close_tap(1);
    let expected: Vec<i16> =
        [ulaw(&codes(320, 1)), vec![0; 160], ulaw(&codes(1_600, 3))].into_iter().flatten().collect();
    assert_eq!(rig.heard(1).samples, expected);
    assert_eq!(rig.stat("truncated_packets"), 1);
}

#[test]
fn the_first_comer_is_heard_only_where_the_trunk_trusts_it_and_only_in_time() {
    let stranger = "203.0.113.9:4000".parse().unwrap();
    for (trust, wait_ms, heard) in [
        (Trust::KnownHosts, 0, false),
        (Trust::SignallingHost, 0, false),
        (Trust::FirstComer { within_ms: 5_000 }, 4_000, true),
        (Trust::FirstComer { within_ms: 5_000 }, 6_000, false),
    ] {
        let mut rig = Rig::new(|spec| spec.trust = trust);
        rig.pass(wait_ms);
        rig.from = stranger;
        rig.speak(&codes(800, 1));
        assert_eq!(rig.stat("received_packets"), if heard { 5 } else { 0 }, "{trust:?} {wait_ms}");
        rig.play(1, vec![1; 160]);
        rig.pass(40);
        let to = rig.sent.last().unwrap().to;
        assert_eq!(to, if heard { stranger } else { PEER.parse().unwrap() });
    }
}

#[test]
fn a_described_address_hears_from_us_at_once_though_it_says_nothing() {
    for silence in [SilenceSending::Off, SilenceSending::Silence] {
        let mut rig = Rig::new(|spec| spec.silence = silence);
        rig.speak(&codes(1_600, 1));
        rig.pass(1_000);
        let before = rig.sent.len();
        rig.negotiate(of([agreed("192.0.2.77:6000")]));
        rig.pass(20);
        assert_eq!(rig.sent.len() - before, 1);
        assert_eq!(rig.sent[before].to, "192.0.2.77:6000".parse().unwrap());
        // The old one is heard until the new one speaks.
        rig.speak(&codes(160, 2));
        rig.from = "192.0.2.77:6000".parse().unwrap();
        rig.speak(&codes(160, 3));
        assert_eq!(rig.stat("received_packets"), 12);
    }
}

#[test]
fn a_port_and_a_source_that_change_together_lose_no_sample() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Received);
    rig.speak(&codes(3_200, 1));
    rig.pass(20);
    rig.from = "192.0.2.1:5000".parse().unwrap();
    rig.peer = RtpSender::new(Ssrc(0xbeef), 7, RtpTimestamp(1), 0);
    rig.speak(&codes(3_200, 2));
    rig.close_tap(1);
    assert_eq!(rig.heard(1).samples, [ulaw(&codes(3_200, 1)), ulaw(&codes(3_200, 2))].concat());
    assert_eq!(rig.stat("refused_packets"), 0);
}

#[test]
fn digits_are_told_once_each() {
    let mut rig = Rig::new(|_| ());
    rig.speak(&codes(800, 1));
    for key in "42#".chars() {
        let mut events = EventSender::new(Digit::from_char(key).unwrap(), 101, Duration::from_millis(100));
        let mut datagram = Vec::new();
        while events.next_packet(&mut rig.peer, &mut datagram) {
            rig.pass(20);
            rig.datagram(&datagram.clone());
        }
    }
    let keys: String = rig
        .events
        .iter()
        .filter_map(|event| match event {
            MediaEvent::Digit(digit) => Some(digit.as_char()),
            _ => None,
        })
        .collect();
    assert_eq!(keys, "42#");
}

#[test]
fn every_codec_is_heard_as_it_came() {
    for kind in AudioCodec::ALL {
        let mut rig = Rig::new(|_| ());
        rig.tap(1, Track::Received);
        rig.peer = RtpSender::new(Ssrc(1), 1, RtpTimestamp(1), kind.static_payload_type());
        rig.speak(&codes(1_600, 1));
        let mut expected = Vec::new();
        match kind.law() {
            Some(law) => law.decode_into(&codes(1_600, 1), &mut expected),
            None => tympan_telephony::audio::g722::Decoder::new().decode(&codes(1_600, 1), &mut expected),
        }
        assert_eq!(rig.heard(1).samples, expected, "{kind:?}");
    }
}

fn timed_out(rig: &Rig) -> usize {
    rig.events.iter().filter(|event| **event == MediaEvent::MediaTimedOut).count()
}

#[test]
fn a_peer_that_vanishes_is_told_once() {
    let mut rig = Rig::new(|spec| spec.media_timeout = Some(Duration::from_secs(30)));
    rig.speak(&codes(8_000, 1));
    rig.pass(29_900);
    assert_eq!(timed_out(&rig), 0);
    rig.pass(200);
    assert_eq!(timed_out(&rig), 1);
    rig.pass(120_000);
    assert_eq!(timed_out(&rig), 1);
    rig.audio(&codes(160, 2));
    rig.pass(31_000);
    assert_eq!(timed_out(&rig), 2, "it came back, and vanished again");
}

#[test]
fn a_peer_that_never_sends_a_packet_times_out_too() {
    let mut rig = Rig::new(|spec| spec.media_timeout = Some(Duration::from_secs(30)));
    rig.pass(30_100);
    assert_eq!(timed_out(&rig), 1);
}

#[test]
fn a_hold_of_any_kind_stops_the_media_timeout() {
    for (direction, remote) in [
        (Direction::RecvOnly, PEER),
        (Direction::SendOnly, PEER),
        (Direction::Inactive, PEER),
        (Direction::SendRecv, "0.0.0.0:4000"),
    ] {
        let mut rig = Rig::new(|spec| spec.media_timeout = Some(Duration::from_secs(30)));
        rig.speak(&codes(800, 1));
        rig.negotiate(of([StreamAgreement { direction, ..agreed(remote) }]));
        rig.pass(600_000);
        assert_eq!(timed_out(&rig), 0, "{direction:?} {remote}");
        rig.negotiate(of([agreed(PEER)]));
        rig.pass(29_000);
        assert_eq!(timed_out(&rig), 0, "it begins anew");
        rig.pass(2_000);
        assert_eq!(timed_out(&rig), 1);
    }
}

#[test]
fn streams_of_one_session_have_timelines_and_ports_of_their_own() {
    let mut rig = Rig::unagreed(|spec| spec.silence = SilenceSending::Silence);
    rig.negotiate(of(
        (0..12).map(|local| StreamAgreement { local, ..agreed(&format!("192.0.2.1:{}", 4_000 + 2 * local)) })
    ));
    assert_eq!(rig.stat("refused_streams"), 4);
    rig.command(MediaCommand::OpenTap { tap: TapId::new(1), track: Track::Received });
    let mut others: Vec<RtpSender> =
        (0..8).map(|index| RtpSender::new(Ssrc(index), 1, RtpTimestamp(1), 0)).collect();
    for frame in 0..10 {
        for (stream, sender) in others.iter_mut().enumerate() {
            let mut datagram = Vec::new();
            sender.audio_packet(&codes(160, stream * 100 + frame), &mut datagram);
            let from = format!("192.0.2.1:{}", 4_000 + 2 * stream).parse().unwrap();
            let arrived = rig.now;
            rig.handle(Input::Datagram {
                stream,
                port: Port::Rtp,
                from,
                bytes: &datagram,
                truncated: false,
                arrived,
            });
        }
        rig.pass(20);
    }
    let first: Vec<i16> = (0..10).flat_map(|frame| ulaw(&codes(160, frame))).collect();
    assert_eq!(rig.heard(1).samples, first, "a tap is on the conversation");
    assert_eq!(rig.stat("received_packets"), 80);
    for stream in 0..8 {
        assert_eq!(rig.session.timeline_end(stream).unwrap().as_samples(), 1_600);
        let sent: Vec<_> = rig.sent.iter().filter(|sent| sent.stream == stream).collect();
        assert_eq!(sent.len(), 11);
        let to = format!("192.0.2.1:{}", 4_000 + 2 * stream).parse().unwrap();
        assert!(sent.iter().all(|packet| packet.to == to && packet.header.ssrc == sent[0].header.ssrc));
    }
    let sources: std::collections::BTreeSet<u32> = rig.sent.iter().map(|sent| sent.header.ssrc.0).collect();
    assert_eq!(sources.len(), 8);
}

/// A sentence of 6.2 s, behind mu-law.
fn sentence() -> Vec<u8> {
    let samples = wav::read(include_bytes!("../../../fixtures/audio/hello.wav")).expect("a WAV");
    let mut codes = Vec::new();
    Law::Mu.encode_into(&samples, &mut codes);
    codes
}

#[test]
fn an_utterance_is_heard_and_the_tap_beside_it_has_the_samples_that_it_has_without() {
    let heard = |listens: bool| {
        let mut rig = Rig::new(|_| ());
        rig.tap(1, Track::Received);
        if listens {
            let listen = ListenId::new(3);
            rig.command(MediaCommand::Listen { listen, pause_ms: 600, longest_ms: 15_000 });
        }
        rig.speak(&sentence());
        rig.pass(2_000);
        let samples = rig.heard(1).samples.clone();
        (samples, rig.stat("utterances"), std::mem::take(&mut rig.events))
    };
    let ((without, none, quiet), (with, one, events)) = (heard(false), heard(true));
    assert!(with == without && with.len() > 40_000, "{} and {} samples", with.len(), without.len());
    let of_speech =
        |event: &&MediaEvent| matches!(event, MediaEvent::SpeechBegan { .. } | MediaEvent::Heard { .. });
    assert_eq!((none, quiet.iter().filter(of_speech).count()), (0, 0));
    let events: Vec<&MediaEvent> = events.iter().filter(of_speech).collect();
    let [MediaEvent::SpeechBegan { .. }, MediaEvent::Heard { utterance, cut: false, .. }] = events[..] else {
        panic!("{events:?}")
    };
    let utterance: Vec<i16> = utterance.samples().collect();
    assert!(one == 1 && with.windows(utterance.len()).any(|window| window == utterance));
}

#[test]
fn a_peer_that_is_seen_through_a_dual_stack_socket_is_the_one_that_was_described() {
    let mut rig = Rig::new(|_| ());
    rig.from = "[::ffff:192.0.2.1]:4000".parse().unwrap();
    rig.speak(&codes(800, 1));
    assert_eq!(rig.stat("received_packets"), 5);
    rig.pass(20);
    assert!(rig.sent.iter().all(|sent| sent.to == PEER.parse().unwrap()));
}

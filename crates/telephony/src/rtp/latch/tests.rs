use super::*;
use crate::rtp::packet::{DATAGRAM_MAX_BYTES, RtpTimestamp};

const STREAM: Ssrc = Ssrc(1);
const FIRST_COMER: Trust = Trust::FirstComer { within_ms: 5_000 };

fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

/// Judges a packet of a stream with a number of its own.
fn hear(latch: &mut SourceLatch, now: Mono, from: SocketAddr, ssrc: Ssrc) -> Verdict {
    let sequence = (now.as_millis() / 20) as u16;
    let header = RtpHeader { ssrc, sequence, timestamp: RtpTimestamp(0), payload_type: 0, marker: false };
    latch.admit(now, from, &header, &sequence.to_be_bytes())
}

fn at(ms: u64) -> Mono {
    Mono::from_millis(ms)
}

fn latch() -> SourceLatch {
    SourceLatch::new(at(0), addr("192.0.2.1:4000"), None, Trust::KnownHosts)
}

#[test]
fn takes_the_described_address() {
    let mut latch = latch();
    assert_eq!(latch.remote(), addr("192.0.2.1:4000"));
    assert_eq!(hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM), Verdict::Latched);
    assert_eq!(hear(&mut latch, at(20), addr("192.0.2.1:4000"), STREAM), Verdict::Accepted);
}

#[test]
fn refuses_and_counts_third_parties() {
    let mut latch = latch();
    assert_eq!(hear(&mut latch, at(0), addr("203.0.113.9:4000"), STREAM), Verdict::Refused);
    hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM);
    assert_eq!(hear(&mut latch, at(20), addr("203.0.113.9:4000"), Ssrc(2)), Verdict::Refused);
    assert_eq!(hear(&mut latch, at(20), addr("203.0.113.9:4000"), STREAM), Verdict::Refused);
    assert_eq!(latch.stats().refused, 3);
}

#[test]
fn takes_another_port_of_the_described_host() {
    let mut latch = latch();
    assert_eq!(hear(&mut latch, at(0), addr("192.0.2.1:61000"), STREAM), Verdict::Latched);
    assert_eq!(latch.remote(), addr("192.0.2.1:61000"));
}

#[test]
fn takes_the_host_the_signalling_came_from_when_the_description_is_private() {
    let signalling = Some("198.51.100.7".parse().unwrap());
    let mut latch = SourceLatch::new(at(0), addr("10.0.0.5:4000"), signalling, Trust::KnownHosts);
    assert_eq!(hear(&mut latch, at(0), addr("198.51.100.7:23456"), STREAM), Verdict::Latched);
    assert_eq!(hear(&mut latch, at(20), addr("203.0.113.9:23456"), Ssrc(2)), Verdict::Refused);
}

#[test]
fn follows_a_rebinding_of_the_same_stream_to_another_port() {
    let mut latch = latch();
    hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM);
    assert_eq!(hear(&mut latch, at(20), addr("192.0.2.1:4711"), STREAM), Verdict::Latched);
    assert_eq!(latch.stats().rebinds, 1);
}

#[test]
fn follows_the_same_stream_to_another_host_only_after_quiet() {
    let mut latch = latch();
    hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM);
    assert_eq!(hear(&mut latch, at(20), addr("198.51.100.7:4000"), STREAM), Verdict::Refused);
    assert_eq!(hear(&mut latch, at(520), addr("198.51.100.7:4000"), STREAM), Verdict::Latched);
    assert_eq!(hear(&mut latch, at(521), addr("192.0.2.99:4000"), STREAM), Verdict::Refused);
}

#[test]
fn another_stream_of_a_known_host_is_taken_after_quiet() {
    let mut latch = latch();
    hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM);
    assert_eq!(hear(&mut latch, at(20), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Held);
    assert_eq!(hear(&mut latch, at(600), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Latched);
}

/// field-sip.md row 23: 500 ms of audio were refused.
#[test]
fn port_and_stream_may_change_at_once_and_no_packet_is_lost() {
    let mut latch = latch();
    for ms in (0..=200).step_by(20) {
        hear(&mut latch, at(ms), addr("192.0.2.1:4000"), STREAM);
    }
    assert_eq!(hear(&mut latch, at(220), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Held);
    assert_eq!(hear(&mut latch, at(240), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Held);
    assert_eq!(latch.remote(), addr("192.0.2.1:4000"));
    assert_eq!(hear(&mut latch, at(260), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Latched);
    assert_eq!(latch.remote(), addr("192.0.2.1:4002"));
    let held: Vec<_> = latch.take_held().collect();
    assert_eq!(held, [(at(220), vec![0, 11]), (at(240), vec![0, 12])]);
    assert_eq!(latch.take_held().count(), 0);
    assert_eq!(latch.stats(), LatchStats { refused: 0, rebinds: 1 });
}

#[test]
fn another_stream_of_the_same_host_is_refused_while_the_present_one_writes() {
    let mut latch = latch();
    for ms in (0..2_000).step_by(20) {
        hear(&mut latch, at(ms), addr("192.0.2.1:4000"), STREAM);
        assert_eq!(hear(&mut latch, at(ms + 1), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Held);
    }
    assert_eq!(latch.remote(), addr("192.0.2.1:4000"));
    assert_eq!(latch.stats(), LatchStats { refused: 99, rebinds: 0 }, "one is still held");
}

#[test]
fn a_burst_between_two_packets_is_no_change_of_source() {
    for interval_ms in [20, 60, 200] {
        let mut latch = latch();
        for ms in (0..=1_200).step_by(interval_ms) {
            hear(&mut latch, at(ms), addr("192.0.2.1:4000"), STREAM);
        }
        for ms in [1_205, 1_225, 1_245] {
            let ms = ms.min(1_200 + interval_ms as u64 - 1);
            assert_ne!(hear(&mut latch, at(ms), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Latched);
        }
        let next = at(1_200 + interval_ms as u64);
        assert_eq!(hear(&mut latch, next, addr("192.0.2.1:4000"), STREAM), Verdict::Accepted);
    }
}

#[test]
fn a_source_that_sends_in_batches_is_not_silent_between_them() {
    let mut latch = latch();
    for ms in (0..=2_000).step_by(100) {
        for packet in 0..5 {
            hear(&mut latch, at(ms + packet), addr("192.0.2.1:4000"), STREAM);
        }
    }
    for ms in [2_010, 2_030, 2_050, 2_070, 2_090] {
        assert_eq!(hear(&mut latch, at(ms), addr("192.0.2.1:4002"), Ssrc(2)), Verdict::Held);
    }
}

#[test]
fn packets_that_do_not_follow_each_other_are_no_stream() {
    let mut latch = latch();
    hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM);
    for (index, ms) in (100..400).step_by(20).enumerate() {
        let ssrc = Ssrc(2 + index as u32 % 2);
        assert_eq!(hear(&mut latch, at(ms), addr("192.0.2.1:4002"), ssrc), Verdict::Held);
    }
    assert_eq!(latch.remote(), addr("192.0.2.1:4000"));
}

#[test]
fn what_is_held_is_bounded_and_counted() {
    let mut latch = latch();
    // Intervals of 250 ms: another source waits for 500 ms.
    hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM);
    hear(&mut latch, at(1_000), addr("192.0.2.1:4000"), STREAM);
    for packet in 1..=20u16 {
        let header = RtpHeader {
            ssrc: Ssrc(2),
            sequence: packet,
            timestamp: RtpTimestamp(0),
            payload_type: 0,
            marker: false,
        };
        let datagram = vec![1; if packet == 20 { DATAGRAM_MAX_BYTES + 1 } else { 200 }];
        let now = at(1_000 + u64::from(packet) * 20);
        assert_eq!(latch.admit(now, addr("192.0.2.1:4002"), &header, &datagram), Verdict::Held);
    }
    assert_eq!(latch.stats().refused, 12, "eleven made room, one was too long");
    assert_eq!(hear(&mut latch, at(1_500), addr("192.0.2.1:4000"), STREAM), Verdict::Accepted);
    assert_eq!(latch.stats().refused, 20);
    assert_eq!(latch.take_held().count(), 0);
}

#[test]
fn strangers_are_never_held() {
    let mut latch = SourceLatch::new(at(0), addr("192.0.2.1:4000"), None, FIRST_COMER);
    hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM);
    for ms in (20..10_000).step_by(20) {
        assert_eq!(hear(&mut latch, at(ms), addr("203.0.113.9:4000"), Ssrc(2)), Verdict::Refused);
    }
}

#[test]
fn a_re_offer_moves_the_latch_when_its_address_writes() {
    let mut latch = latch();
    hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM);
    latch.expect(addr("192.0.2.50:6000"));
    assert_eq!(hear(&mut latch, at(20), addr("192.0.2.1:4000"), STREAM), Verdict::Accepted);
    assert_eq!(hear(&mut latch, at(40), addr("192.0.2.50:6000"), Ssrc(2)), Verdict::Latched);
    assert_eq!(hear(&mut latch, at(60), addr("192.0.2.1:4000"), STREAM), Verdict::Refused);
}

#[test]
fn the_first_comer_yields_to_the_announced_address() {
    let mut latch = SourceLatch::new(at(0), addr("192.0.2.1:4000"), None, FIRST_COMER);
    assert_eq!(hear(&mut latch, at(0), addr("203.0.113.9:5000"), STREAM), Verdict::Latched);
    assert_eq!(hear(&mut latch, at(1), addr("192.0.2.1:4000"), Ssrc(2)), Verdict::Latched);
    assert_eq!(hear(&mut latch, at(2), addr("203.0.113.9:5000"), STREAM), Verdict::Refused);
}

/// field-sip.md row 10: a phone behind a translator that nothing has announced.
#[test]
fn the_first_comer_is_taken_within_its_time_only() {
    for (ms, verdict) in [(0, Verdict::Latched), (5_000, Verdict::Latched), (5_001, Verdict::Refused)] {
        let mut latch = SourceLatch::new(at(0), addr("10.0.0.5:4000"), None, FIRST_COMER);
        assert_eq!(hear(&mut latch, at(ms), addr("203.0.113.9:5000"), STREAM), verdict);
    }
    for trust in [Trust::KnownHosts, Trust::SignallingHost] {
        let mut latch = SourceLatch::new(at(0), addr("10.0.0.5:4000"), None, trust);
        assert_eq!(hear(&mut latch, at(0), addr("203.0.113.9:5000"), STREAM), Verdict::Refused);
    }
}

#[test]
fn a_second_comer_is_a_stranger() {
    let mut latch = SourceLatch::new(at(0), addr("10.0.0.5:4000"), None, FIRST_COMER);
    assert_eq!(hear(&mut latch, at(0), addr("203.0.113.9:5000"), STREAM), Verdict::Latched);
    for ms in [1, 600, 4_000] {
        assert_eq!(hear(&mut latch, at(ms), addr("198.51.100.7:5000"), Ssrc(2)), Verdict::Refused);
    }
    // The first comer's own host may change port and stream as a known one may.
    assert_eq!(hear(&mut latch, at(4_000), addr("203.0.113.9:5002"), Ssrc(3)), Verdict::Held);
}

#[test]
fn the_signallings_host_may_be_the_only_one() {
    let signalling = Some("198.51.100.7".parse().unwrap());
    let mut latch = SourceLatch::new(at(0), addr("192.0.2.1:4000"), signalling, Trust::SignallingHost);
    assert_eq!(hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM), Verdict::Refused);
    assert_eq!(hear(&mut latch, at(1), addr("198.51.100.7:7000"), STREAM), Verdict::Latched);
    assert_eq!(hear(&mut latch, at(900), addr("192.0.2.1:4000"), STREAM), Verdict::Refused);
    latch.signalled_from("198.51.100.8".parse().unwrap());
    assert_eq!(hear(&mut latch, at(901), addr("198.51.100.8:7000"), Ssrc(2)), Verdict::Latched);
    let mut unknown = SourceLatch::new(at(0), addr("192.0.2.1:4000"), None, Trust::SignallingHost);
    assert_eq!(hear(&mut unknown, at(0), addr("192.0.2.1:4002"), STREAM), Verdict::Latched);
}

/// field-sip.md row 11: ours went on to the old address until the new one wrote.
#[test]
fn a_re_offer_moves_what_we_send_at_once() {
    let mut latch = latch();
    hear(&mut latch, at(0), addr("192.0.2.1:61000"), STREAM);
    latch.expect(addr("192.0.2.1:4000"));
    assert_eq!(latch.remote(), addr("192.0.2.1:61000"), "the description is the same");
    latch.expect(addr("192.0.2.50:6000"));
    assert_eq!(latch.remote(), addr("192.0.2.50:6000"));
    assert_eq!(hear(&mut latch, at(20), addr("192.0.2.1:61000"), STREAM), Verdict::Accepted);
    assert_eq!(latch.remote(), addr("192.0.2.50:6000"), "the new party may only listen");
    assert_eq!(hear(&mut latch, at(40), addr("192.0.2.50:6002"), Ssrc(2)), Verdict::Latched);
    assert_eq!(latch.remote(), addr("192.0.2.50:6002"));
    latch.expect(addr("192.0.2.50:6002"));
    assert_eq!(latch.remote(), addr("192.0.2.50:6002"));
}

#[test]
fn what_the_old_port_still_has_on_the_way_does_not_move_the_latch_back() {
    let mut latch = latch();
    hear(&mut latch, at(0), addr("192.0.2.1:4000"), STREAM);
    latch.expect(addr("192.0.2.1:6000"));
    assert_eq!(hear(&mut latch, at(20), addr("192.0.2.1:6000"), STREAM), Verdict::Latched);
    assert_ne!(hear(&mut latch, at(21), addr("192.0.2.1:4000"), STREAM), Verdict::Latched);
    assert_eq!(latch.remote(), addr("192.0.2.1:6000"));
}

#[test]
fn ipv4_through_a_dual_stack_socket_is_the_same_host() {
    let mut latch = latch();
    assert_eq!(hear(&mut latch, at(0), addr("[::ffff:192.0.2.1]:4000"), STREAM), Verdict::Latched);
    assert_eq!(hear(&mut latch, at(1), addr("192.0.2.1:4000"), STREAM), Verdict::Accepted);
}

use super::*;
use crate::rtp::packet::RtpHeader;
use proptest::prelude::*;
use std::collections::VecDeque;

fn at(ms: u64) -> Mono {
    Mono::from_millis(ms)
}

fn rtcp(ssrc: u32) -> Rtcp {
    let mut random = [0; 20];
    random[7] = u8::try_from(ssrc % 251).unwrap();
    random[8] = 0xa5;
    let wall = WallTime::from_unix_ms(1_790_000_000_123);
    Rtcp::new(at(1_000), &RtcpConfig { ssrc: Ssrc(ssrc), clock_hz: 8_000, wall, random })
}

fn header(ssrc: u32, sequence: u16) -> RtpHeader {
    RtpHeader {
        ssrc: Ssrc(ssrc),
        sequence,
        timestamp: RtpTimestamp(u32::from(sequence) * 160),
        payload_type: 0,
        marker: false,
    }
}

/// The next report; moves `now` to it.
fn report(rtcp: &mut Rtcp, now: &mut Mono) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        *now = rtcp.next_deadline().max(*now);
        if rtcp.poll(*now, &mut out) {
            return out;
        }
    }
}

fn packets(datagram: &[u8]) -> Vec<RtcpPacket<'_>> {
    Compound::parse(datagram).unwrap().packets().collect()
}

#[test]
fn sender_reports_and_feedback_are_rtcp() {
    assert!(is_rtcp(&[0x80, 200, 0, 6]));
    assert!(is_rtcp(&[0x81, 205, 0, 2]));
}

#[test]
fn audio_with_a_marker_bit_is_not_rtcp() {
    assert!(!is_rtcp(&[0x80, 0x80, 0, 1]));
    assert!(!is_rtcp(&[0x80, 0x80 | 101, 0, 1]));
    assert!(!is_rtcp(&[0x80]));
    assert!(!is_rtcp(&[]));
}

#[test]
fn one_that_only_listens_sends_receiver_reports_with_its_name() {
    let mut rtcp = rtcp(7);
    let mut now = at(1_000);
    let out = report(&mut rtcp, &mut now);
    let [RtcpPacket::ReceiverReport { ssrc: Ssrc(7), blocks }, RtcpPacket::Sdes(names)] = packets(&out)[..]
    else {
        panic!("{:?}", packets(&out))
    };
    assert_eq!(blocks.iter().count(), 0, "nothing was received");
    let names: Vec<_> = names.cnames().collect();
    assert_eq!(names, [(Ssrc(7), &b"a50000000000000000000000"[..])]);
    assert!(is_rtcp(&out));
}

#[test]
fn a_report_says_what_was_received_since_the_last_one() {
    let mut rtcp = rtcp(7);
    let mut now = at(1_000);
    for sequence in (0..100u16).filter(|sequence| sequence % 4 != 1) {
        rtcp.received(at(1_000 + 20 * u64::from(sequence)), &header(9, sequence));
    }
    let out = report(&mut rtcp, &mut now);
    let [RtcpPacket::ReceiverReport { blocks, .. }, ..] = packets(&out)[..] else { panic!("{out:?}") };
    let block = blocks.iter().next().unwrap();
    assert_eq!(
        block,
        ReportBlock {
            ssrc: Ssrc(9),
            fraction_lost: 64,
            lost: 25,
            highest_sequence: 99,
            jitter_ticks: 0,
            last_report: 0,
            delay: 0
        }
    );
    assert_eq!(rtcp.reception().map(Reception::lost), Some(25));
    let out = report(&mut rtcp, &mut now);
    let [RtcpPacket::ReceiverReport { blocks, .. }, ..] = packets(&out)[..] else { panic!("{out:?}") };
    assert_eq!(blocks.iter().count(), 0, "nothing new");
}

#[test]
fn a_sender_reports_what_it_sent_until_it_has_been_silent_for_two_reports() {
    let mut rtcp = rtcp(7);
    for frame in 0..10u32 {
        rtcp.sent(at(1_000 + 20 * u64::from(frame)), RtpTimestamp(frame * 160), 160);
    }
    let mut now = at(1_000);
    let out = report(&mut rtcp, &mut now);
    let [RtcpPacket::SenderReport { ssrc: Ssrc(7), sent, .. }, ..] = packets(&out)[..] else {
        panic!("{out:?}")
    };
    assert_eq!((sent.packets, sent.bytes), (10, 1_600));
    // The timestamp and the NTP time are of the instant of the report.
    let since = now.since(at(1_180)).as_micros() as u32 * 8 / 1_000;
    assert_eq!(sent.timestamp, RtpTimestamp(9 * 160 + since));
    assert_eq!(sent.ntp >> 32, 1_790_000_000 + 2_208_988_800 + (123 + now.as_millis() - 1_000) / 1_000);
    let kinds: Vec<bool> = (0..3)
        .map(|_| {
            let out = report(&mut rtcp, &mut now);
            matches!(packets(&out)[0], RtcpPacket::SenderReport { .. })
        })
        .collect();
    assert_eq!(kinds, [true, false, false]);
}

/// Two of them, 150 ms apart each way; in one direction every tenth packet is lost.
#[test]
fn two_of_them_tell_each_other_loss_and_round_trip() {
    const WAY: u64 = 150;
    let mut ends = [rtcp(7), rtcp(9)];
    let mut under_way: [VecDeque<(u64, Vec<u8>)>; 2] = Default::default();
    for ms in 1_000u64..61_000 {
        let now = at(ms);
        for from in 0..2 {
            if ms % 20 == 0 {
                let sequence = (ms / 20) as u16;
                ends[from].sent(now, RtpTimestamp(u32::from(sequence) * 160), 160);
                if from == 0 || !sequence.is_multiple_of(10) {
                    let ssrc = [7, 9][from];
                    ends[1 - from].received(at(ms + WAY), &header(ssrc, sequence));
                }
            }
            let mut out = Vec::new();
            if ends[from].next_deadline() <= now && ends[from].poll(now, &mut out) {
                under_way[1 - from].push_back((ms + WAY, out));
            }
        }
        for to in 0..2 {
            while under_way[to].front().is_some_and(|(arrival, _)| *arrival <= ms) {
                let (_, datagram) = under_way[to].pop_front().unwrap();
                ends[to].handle(now, &datagram);
            }
        }
    }
    for (end, lossy) in [(0, false), (1, true)] {
        let report = ends[end].stats().far_end.unwrap();
        let round_trip = report.round_trip.unwrap().as_millis();
        assert!((299..=301).contains(&round_trip), "{round_trip} ms");
        assert_eq!((20..=30).contains(&report.fraction_lost), lossy, "{report:?}");
        assert_eq!(report.lost > 200, lossy);
        assert_eq!(ends[end].stats().malformed, 0);
    }
}

#[test]
fn a_report_that_answers_none_of_ours_tells_no_round_trip() {
    let mut rtcp = rtcp(7);
    for (last_report, delay) in [(0, 0), (0x1234_5678, 1)] {
        let block = ReportBlock {
            ssrc: Ssrc(7),
            fraction_lost: 3,
            lost: -5,
            highest_sequence: 1,
            jitter_ticks: 2,
            last_report,
            delay,
        };
        let mut datagram = Vec::new();
        write_report(Ssrc(9), None, Some(block), &mut datagram);
        rtcp.handle(at(5_000), &datagram);
        let expected =
            FarEndReport { at: at(5_000), fraction_lost: 3, lost: -5, jitter_ticks: 2, round_trip: None };
        assert_eq!(rtcp.stats().far_end, Some(expected));
    }
}

#[test]
fn a_report_on_another_source_is_not_of_ours() {
    let mut rtcp = rtcp(7);
    let block = ReportBlock {
        ssrc: Ssrc(8),
        fraction_lost: 255,
        lost: 1,
        highest_sequence: 1,
        jitter_ticks: 2,
        last_report: 0,
        delay: 0,
    };
    let mut datagram = Vec::new();
    write_report(Ssrc(9), None, Some(block), &mut datagram);
    rtcp.handle(at(5_000), &datagram);
    assert_eq!((rtcp.stats().received, rtcp.stats().far_end), (1, None));
}

#[test]
fn a_bye_of_the_far_end_ends_nothing() {
    let mut rtcp = rtcp(7);
    let mut now = at(1_000);
    let mut datagram = Vec::new();
    write_report(Ssrc(9), None, None, &mut datagram);
    write_bye(Ssrc(9), &mut datagram);
    rtcp.handle(now, &datagram);
    assert_eq!(rtcp.stats().byes, 1);
    rtcp.received(now, &header(9, 1));
    report(&mut rtcp, &mut now);
    assert_eq!(rtcp.stats().reports_sent, 1);
}

#[test]
fn the_end_is_a_report_with_a_bye_unless_nothing_was_ever_sent() {
    let mut out = Vec::new();
    assert!(!rtcp(7).end(at(2_000), &mut out));
    let mut rtcp = rtcp(7);
    rtcp.sent(at(1_020), RtpTimestamp(0), 160);
    assert!(rtcp.end(at(2_000), &mut out));
    let [RtcpPacket::SenderReport { .. }, RtcpPacket::Sdes(_), RtcpPacket::Bye(sources)] = packets(&out)[..]
    else {
        panic!("{out:?}")
    };
    assert_eq!(sources.iter().collect::<Vec<_>>(), [Ssrc(7)]);
}

#[test]
fn garbage_is_counted_and_changes_nothing() {
    let mut rtcp = rtcp(7);
    for datagram in [&[][..], &[0x80], &[0x80, 200, 0, 6], &[0x40, 201, 0, 1, 0, 0, 0, 1]] {
        rtcp.handle(at(2_000), datagram);
    }
    let expected = RtcpStats { malformed: 4, ..RtcpStats::default() };
    assert_eq!(*rtcp.stats(), expected);
}

#[test]
fn a_new_source_is_reported_from_its_first_packet() {
    let mut rtcp = rtcp(7);
    let mut now = at(1_000);
    (0..50).for_each(|sequence| rtcp.received(at(1_000), &header(9, sequence * 2)));
    report(&mut rtcp, &mut now);
    (500..550).for_each(|sequence| rtcp.received(now, &header(10, sequence)));
    let out = report(&mut rtcp, &mut now);
    let [RtcpPacket::ReceiverReport { blocks, .. }, ..] = packets(&out)[..] else { panic!("{out:?}") };
    let block = blocks.iter().next().unwrap();
    assert_eq!((block.ssrc, block.lost, block.fraction_lost), (Ssrc(10), 0, 0));
}

proptest! {
    #[test]
    fn anything_at_any_time_leaves_reports_that_can_be_read(
        steps in proptest::collection::vec(
            (0u64..20_000, 0u8..4, any::<u16>(), any::<u32>(), proptest::collection::vec(any::<u8>(), 0..60)),
            0..100,
        ),
    ) {
        let mut rtcp = rtcp(7);
        let (mut ms, mut out) = (1_000, Vec::new());
        for (wait_ms, kind, sequence, timestamp, bytes) in steps {
            ms += wait_ms;
            match kind {
                0 => rtcp.sent(at(ms), RtpTimestamp(timestamp), bytes.len()),
                1 => rtcp.received(at(ms), &RtpHeader {
                    timestamp: RtpTimestamp(timestamp),
                    ..header(timestamp % 2, sequence)
                }),
                2 => rtcp.handle(at(ms), &[&[0x81, 200 + (timestamp % 4) as u8, 0, (sequence % 16) as u8], &bytes[..]].concat()),
                _ => {}
            }
            if rtcp.poll(at(ms), &mut out) {
                prop_assert!(!packets(&out).is_empty());
                prop_assert!(out.len() <= 28 + 24 + 36);
                prop_assert!(rtcp.next_deadline() > at(ms));
            }
        }
        if rtcp.end(at(ms), &mut out) {
            prop_assert!(matches!(packets(&out).last(), Some(RtcpPacket::Bye(_))));
        }
    }
}

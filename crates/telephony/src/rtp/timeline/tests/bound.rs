//! Arrival is the upper bound: no sample of a timeline lies in the future.

use super::*;

const TOLERANCE_MS: u64 = 500;

/// Speech with a forward jump of the timestamp every so many frames.
fn talk_with_jumps(recording: &mut Recording, peer: &mut Peer, frames: u32, every: u32, jump_ms: u32) {
    for index in 0..frames {
        if index > 0 && index % every == 0 {
            peer.rest_ms(jump_ms);
        }
        talk(recording, peer, 1);
    }
}

/// field-sip.md row 4 (linphone-sdk#571, freeswitch#1651): 5.3 s of a call were captured as 23 s.
#[test]
fn a_call_that_is_parked_and_taken_back_is_as_long_as_it_was() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk_with_jumps(&mut recording, &mut peer, 265, 100, 9_000);
    assert_eq!(recording.frames(), (0..265).collect::<Vec<_>>());
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.timeline.stats().clock_jumps, 2);
}

/// field-sip.md row 4: 5 s of crafted packets were captured as 41 minutes.
#[test]
fn a_jump_with_every_packet_adds_no_more_than_the_tolerance() {
    for jump_ms in [5, 20, 100, 450, 900, 9_900] {
        let (mut recording, mut peer) = (Recording::new(), Peer::new());
        talk_with_jumps(&mut recording, &mut peer, 250, 1, jump_ms);
        assert_eq!(recording.frames().len(), 250);
        // The rounding of each jump apart.
        let ahead = recording.timeline.lead_samples(recording.now);
        assert!(ahead <= 4_000 + 250, "jumps of {jump_ms} ms: {ahead} samples ahead");
    }
}

#[test]
fn forged_losses_and_comfort_noise_add_no_more_than_the_tolerance() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    for round in 0..100 {
        talk(&mut recording, &mut peer, 1);
        peer.sequence = peer.sequence.wrapping_add(400);
        peer.rest_ms(8_000);
        let timestamp = peer.timestamp.wrapping_add(round * 10);
        recording.receive(&peer.packet(13, timestamp, &[40]));
    }
    recording.wait_ms(200);
    assert!(recording.length_ms() <= recording.wall_ms() + TOLERANCE_MS);
    assert!(recording.timeline.stats().unelapsed_samples <= 8 * TOLERANCE_MS);
}

#[test]
fn timestamps_that_swing_back_and_forth_add_no_more_than_the_tolerance() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    for _ in 0..100 {
        talk(&mut recording, &mut peer, 1);
        peer.timestamp = peer.timestamp.wrapping_sub(72_000);
        talk(&mut recording, &mut peer, 1);
        peer.sequence = peer.sequence.wrapping_add(1);
        peer.rest_ms(9_000);
    }
    recording.wait_ms(200);
    assert!(recording.length_ms() <= recording.wall_ms() + TOLERANCE_MS);
    assert_eq!(recording.frames().len(), 200);
}

#[test]
fn sources_that_change_with_every_packet_add_nothing() {
    let mut recording = Recording::new();
    for mark in 0..250 {
        recording.wait_ms(20);
        let mut peer = Peer { ssrc: mark, timestamp: mark << 20, mark, ..Peer::new() };
        recording.receive(&peer.speak());
    }
    assert_eq!(recording.frames().len(), 250);
    assert_eq!(recording.length_ms(), recording.wall_ms());
}

/// More audio than time: a second of speech in every 20 ms.
#[test]
fn a_flood_is_bounded_counted_and_in_the_ledger() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    for _ in 0..100 {
        recording.wait_ms(20);
        for _ in 0..50 {
            recording.receive(&peer.speak());
        }
    }
    let lead_max_ms = Timeline::LEAD_MAX.as_millis() as u64;
    assert!(recording.length_ms() <= recording.wall_ms() + lead_max_ms);
    let stats = *recording.timeline.stats();
    assert_eq!(stats.audio_packets + stats.excess_packets, 5_000);
    assert_eq!(stats.excess_samples, stats.excess_packets * 160);
    assert_eq!(recording.silence(Cause::Excess), stats.excess_samples);
    assert!(recording.timeline.ledger().entries().count() <= Ledger::CAPACITY);
    // The flood is over: speech goes on at its end, and the next pause takes the lead back.
    let heard = recording.frames().len();
    talk(&mut recording, &mut peer, 50);
    assert_eq!(recording.frames().len(), heard + 50);
    recording.wait_ms(20_000);
    talk(&mut recording, &mut peer, 1);
    assert!(recording.length_ms() <= recording.wall_ms());
}

/// Losses and pauses of a call that leads since its first packet: that one was late, the others are punctual.
#[test]
fn holes_stay_exact_when_the_first_packet_was_late() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    recording.wait_ms(900);
    for _ in 0..45 {
        recording.receive(&peer.speak());
    }
    talk(&mut recording, &mut peer, 50);
    let lead = recording.timeline.lead_samples(recording.now);
    assert_eq!(lead, 44 * 160);
    for _ in 0..10 {
        // 60 ms are lost; a pause of 2 s.
        recording.wait_ms(60);
        (0..3).for_each(|_| drop(peer.speak()));
        talk(&mut recording, &mut peer, 50);
        recording.wait_ms(2_000);
        peer.rest_ms(2_000);
        talk(&mut recording, &mut peer, 50);
        assert_eq!(recording.timeline.lead_samples(recording.now), lead);
    }
    assert_eq!(recording.silence(Cause::Lost), 10 * 3 * 160);
    assert_eq!(recording.timeline.stats().unelapsed_samples, 0);
}

/// 300 ppm fast for an hour, with loss and pauses.
#[test]
fn holes_stay_exact_when_the_senders_clock_runs_fast() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    let began = recording.now;
    let mut sent = 0u64;
    for index in 1..=180_000u64 {
        recording.now = began + Duration::from_nanos(index * 19_994_000);
        recording.timeline.tick(recording.now);
        let packet = peer.speak();
        if index % 10 != 3 && index % 1_000 < 900 {
            recording.receive(&packet);
            sent += 1;
        }
        if index % 1_000 == 0 {
            recording.heard.clear();
        }
    }
    recording.wait_ms(200);
    assert_eq!(recording.timeline.stats().audio_packets, sent);
    assert_eq!(recording.timeline.stats().unelapsed_samples, 0);
    assert_eq!(recording.timeline.stats().clock_jumps, 0);
    let lead_ms = recording.timeline.lead_samples(recording.now) / 8;
    assert!((700..=1_200).contains(&lead_ms), "{lead_ms} ms ahead after an hour");
}

/// In the burst after a stall there are a pause and a loss: both keep their length.
#[test]
fn holes_within_a_burst_after_a_stall_stay_exact() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 50);
    recording.stall_ms(2_000);
    let mut packets: Vec<_> = (0..25).map(|_| peer.speak()).collect();
    peer.rest_ms(1_000);
    packets.extend((0..25).map(|_| peer.speak()));
    packets.remove(40);
    packets.iter().for_each(|packet| recording.receive(packet));
    talk(&mut recording, &mut peer, 50);
    assert_eq!(recording.silence(Cause::Dtx), 8_000);
    assert_eq!(recording.silence(Cause::Lost), 160);
    assert_eq!(recording.length_ms(), recording.wall_ms());
}

#[test]
fn packets_that_come_in_batches_are_kept_whole() {
    for batch in [5, 10, 25] {
        let (mut recording, mut peer) = (Recording::new(), Peer::new());
        for _ in 0..40 {
            recording.wait_ms(batch * 20);
            for _ in 0..batch {
                recording.receive(&peer.speak());
            }
            peer.speak();
            recording.wait_ms(20);
        }
        assert_eq!(recording.frames().len() as u64, 40 * batch);
        assert_eq!(recording.timeline.stats().unelapsed_samples, 0);
        let off = recording.length_ms().abs_diff(recording.wall_ms());
        assert!(off <= batch * 20, "{off} ms off in batches of {batch}");
    }
}

/// field-sip.md row 21: packets of up to 2 kB are legal.
#[test]
fn packets_of_any_length_and_with_all_that_a_header_may_hold_are_kept_whole() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    let mut samples = 0;
    for length in [2_036usize, 1_488, 1, 3, 160] {
        recording.wait_ms(length as u64 / 8 + 20);
        let timestamp = peer.timestamp;
        let mut packet = peer.packet(0, timestamp, &vec![0x55; length]);
        peer.timestamp = timestamp.wrapping_add(length as u32);
        // Two contributing sources, an extension of one word, three bytes of padding.
        packet[0] |= 0x20 | 0x10 | 2;
        packet.splice(12..12, [9, 9, 9, 9, 8, 8, 8, 8, 0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
        packet.extend([0, 0, 3]);
        recording.receive_any(&packet);
        samples += length as u64;
    }
    assert_eq!(recording.timeline.stats().audio_samples, samples);
}

#[test]
fn packets_without_audio_are_counted_and_move_nothing() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 10);
    for _ in 0..20 {
        recording.wait_ms(20);
        let timestamp = peer.timestamp;
        recording.receive(&peer.packet(0, timestamp, &[]));
        recording.receive(&peer.speak());
    }
    assert_eq!(recording.frames().len(), 30);
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.timeline.stats().empty_packets, 20);
}

/// What arrived before lies before the position, and what comes next begins there: also behind a hole of any size.
#[test]
fn the_position_counts_what_waits_by_the_same_rules() {
    for jump_ms in [0, 40, 300, 700, 9_000, 60_000] {
        let (mut recording, mut peer) = (Recording::new(), Peer::new());
        talk(&mut recording, &mut peer, 50);
        peer.speak();
        peer.rest_ms(jump_ms);
        recording.wait_ms(20);
        for _ in 0..3 {
            recording.receive(&peer.speak());
        }
        let position = recording.timeline.position(recording.now);
        recording.wait_ms(120);
        assert_eq!(recording.timeline.end(), position, "a jump of {jump_ms} ms");
    }
}

/// One packet of an arbitrary sender.
#[derive(Clone, Copy, Debug)]
struct Any {
    wait_us: u64,
    ssrc: u32,
    sequence_step: u16,
    timestamp_step: i32,
    payload_type: u8,
    bytes: usize,
}

fn any_packet() -> impl Strategy<Value = Any> {
    let wait_us = prop_oneof![4 => Just(20_000u64), 2 => Just(0), 1 => 0..3_000_000u64];
    let ssrc = prop_oneof![20 => Just(1u32), 1 => 0..4u32];
    let sequence_step = prop_oneof![20 => Just(1u16), 4 => 0..6u16, 1 => any::<u16>()];
    let timestamp_step = prop_oneof![
        8 => Just(160i32),
        4 => 0..100_000i32,
        2 => -100_000..0i32,
        1 => any::<i32>(),
    ];
    let payload_type = prop_oneof![12 => Just(0u8), 4 => Just(8), 1 => Just(13), 1 => 90..103u8];
    let bytes = prop_oneof![8 => Just(160usize), 1 => 0..500usize, 1 => 500..2_036usize];
    (wait_us, ssrc, sequence_step, timestamp_step, payload_type, bytes).prop_map(
        |(wait_us, ssrc, sequence_step, timestamp_step, payload_type, bytes)| Any {
            wait_us,
            ssrc,
            sequence_step,
            timestamp_step,
            payload_type,
            bytes,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_timeline_is_longer_than_its_time_and_the_bound(
        packets in proptest::collection::vec(any_packet(), 0..400),
    ) {
        let mut recording = Recording::new();
        let (mut sequence, mut timestamp) = (0u16, 0u32);
        let bound = |recording: &Recording| {
            let lead_max = Timeline::LEAD_MAX.as_micros() as u64;
            (recording.now.since(Mono::from_millis(77_000)).as_micros() as u64 + lead_max) / 125
        };
        for packet in &packets {
            recording.now = recording.now + Duration::from_micros(packet.wait_us);
            sequence = sequence.wrapping_add(packet.sequence_step);
            timestamp = timestamp.wrapping_add_signed(packet.timestamp_step);
            let mut peer = Peer { ssrc: packet.ssrc, sequence, ..Peer::new() };
            recording.receive_any(&peer.packet(packet.payload_type, timestamp, &vec![1; packet.bytes]));
            prop_assert!(recording.length <= bound(&recording));
            let position = recording.timeline.position(recording.now);
            recording.drain_any();
            prop_assert!(position.as_samples() <= bound(&recording));
            prop_assert!(position >= recording.timeline.end());
        }
        recording.timeline.finish(recording.now);
        recording.drain_any();
        prop_assert!(recording.length <= bound(&recording));
        // Each packet has come to one end, and one only.
        let stats = *recording.timeline.stats();
        let late_events = stats.event_packets.min(stats.too_late);
        let ends = stats.audio_packets + stats.excess_packets + stats.empty_packets + stats.too_late
            + stats.duplicates + stats.strays + stats.unknown_payload + stats.comfort_noise + stats.event_packets;
        prop_assert!((ends - late_events..=ends).contains(&stats.packets), "{stats:?}");
        // What is not audio is silence with a cause.
        let silence: u64 = Cause::ALL.into_iter().filter(|cause| cause.is_silence())
            .map(|cause| recording.silence(cause)).sum();
        prop_assert_eq!(recording.length, stats.audio_samples + silence);
    }
}

impl Recording {
    /// As `receive`, for payloads without a mark.
    fn receive_any(&mut self, packet: &[u8]) {
        self.timeline.handle(self.now, self.now, &RtpPacket::parse(packet).unwrap());
        self.drain_any();
    }

    fn drain_any(&mut self) {
        while let Some(output) = self.timeline.poll() {
            if !matches!(output, TimelineOutput::Digit { .. }) {
                assert_eq!(output.at().as_samples(), self.length, "outputs are contiguous");
                self.length += output.len_samples();
            }
        }
        assert_eq!(self.timeline.end().as_samples(), self.length);
    }
}

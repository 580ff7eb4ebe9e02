use proptest::prelude::*;

use super::*;
use crate::rtp::dtmf::EventPayload;
use crate::words::Payload;

mod bound;
mod keys;
mod typed;

/// A timeline under test: checks that outputs are contiguous, and keeps what matters of them.
struct Recording {
    timeline: Timeline,
    now: Mono,
    heard: Vec<Heard>,
    length: u64,
    digits: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    /// The frame with this mark.
    Frame(u32),
    Silence(u64, Cause),
}

impl Recording {
    fn new() -> Self {
        Self::with(TimelineConfig::default())
    }

    fn with(config: TimelineConfig) -> Self {
        let now = Mono::from_millis(77_000);
        Self {
            timeline: Timeline::new(config, now),
            now,
            heard: Vec::new(),
            length: 0,
            digits: String::new(),
        }
    }

    /// Lets `ms` pass with a tick every 5 ms, as a media thread does.
    fn wait_ms(&mut self, ms: u64) {
        for _ in 0..ms / 5 {
            self.now = self.now + Duration::from_millis(5);
            self.timeline.tick(self.now);
            self.drain();
        }
        self.now = self.now + Duration::from_millis(ms % 5);
    }

    /// Lets `ms` pass with nobody looking.
    fn stall_ms(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
    }

    fn receive(&mut self, packet: &[u8]) {
        self.timeline.handle(self.now, self.now, &RtpPacket::parse(packet).unwrap());
        self.drain();
    }

    fn finish(&mut self) {
        self.timeline.finish(self.now);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.timeline.poll() {
            if let TimelineOutput::Digit { digit, at } = output {
                assert!(at.as_samples() >= self.length);
                self.digits.push(digit.as_char());
                continue;
            }
            assert_eq!(output.at().as_samples(), self.length, "outputs are contiguous");
            self.length += output.len_samples();
            match output {
                TimelineOutput::Audio(audio) => {
                    let (Payload::Ulaw(codes) | Payload::Alaw(codes)) = audio.payload else {
                        panic!("G.711 expected")
                    };
                    self.heard.push(Heard::Frame(mark_of(codes)));
                }
                TimelineOutput::Silence { samples, cause, .. } => match self.heard.last_mut() {
                    Some(Heard::Silence(so_far, last)) if *last == cause => *so_far += u64::from(samples),
                    _ => self.heard.push(Heard::Silence(samples.into(), cause)),
                },
                TimelineOutput::Digit { .. } => {}
            }
        }
        assert_eq!(self.timeline.end().as_samples(), self.length);
    }

    fn frames(&self) -> Vec<u32> {
        self.heard
            .iter()
            .filter_map(|heard| if let Heard::Frame(mark) = heard { Some(*mark) } else { None })
            .collect()
    }

    fn silence(&self, cause: Cause) -> u64 {
        self.timeline.ledger().total(cause).samples
    }

    /// Milliseconds from the beginning of the timeline until now.
    fn wall_ms(&self) -> u64 {
        self.now.since(Mono::from_millis(77_000)).as_millis() as u64
    }

    fn length_ms(&self) -> u64 {
        self.length / 8
    }
}

/// A 20 ms frame that can be told from all others.
fn frame(mark: u32) -> Vec<u8> {
    mark.to_be_bytes().repeat(40)
}

fn mark_of(frame: &[u8]) -> u32 {
    u32::from_be_bytes(*frame.first_chunk().unwrap())
}

/// A remote party.
#[derive(Clone)]
struct Peer {
    ssrc: u32,
    sequence: u16,
    timestamp: u32,
    payload_type: u8,
    mark: u32,
}

impl Peer {
    fn new() -> Self {
        Self { ssrc: 0xabcd, sequence: 65_500, timestamp: u32::MAX - 500, payload_type: 0, mark: 0 }
    }

    /// The next frame of speech.
    fn speak(&mut self) -> Vec<u8> {
        let packet = self.packet(self.payload_type, self.timestamp, &frame(self.mark));
        self.mark += 1;
        self.timestamp = self.timestamp.wrapping_add(160);
        packet
    }

    /// Lets the media clock run without sending.
    fn rest_ms(&mut self, ms: u32) {
        self.timestamp = self.timestamp.wrapping_add(ms * 8);
    }

    fn event(&mut self, event: u8, started: u32, duration_samples: u16, end: bool) -> Vec<u8> {
        let payload = EventPayload { event, end, volume_db: 10, duration_samples }.to_bytes();
        self.packet(101, started, &payload)
    }

    fn packet(&mut self, payload_type: u8, timestamp: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x80, payload_type];
        packet.extend(self.sequence.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend(payload);
        self.sequence = self.sequence.wrapping_add(1);
        packet
    }
}

/// `frames` frames, one each 20 ms.
fn talk(recording: &mut Recording, peer: &mut Peer, frames: u32) {
    for _ in 0..frames {
        recording.wait_ms(20);
        recording.receive(&peer.speak());
    }
}

#[test]
fn packets_in_order_come_out_at_once_and_whole() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    for mark in 0..100 {
        recording.wait_ms(20);
        recording.receive(&peer.speak());
        assert_eq!(recording.heard, (0..=mark).map(Heard::Frame).collect::<Vec<_>>());
    }
    assert_eq!(recording.length_ms(), recording.wall_ms());
}

#[test]
fn begins_with_silence_up_to_the_first_packet() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    recording.wait_ms(300);
    recording.receive(&peer.speak());
    assert_eq!(recording.heard, [Heard::Silence(280 * 8, Cause::Start), Heard::Frame(0)]);
    assert_eq!(recording.length_ms(), 300);
}

#[test]
fn a_packet_that_comes_with_the_answer_is_not_cut() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    recording.receive(&peer.speak());
    assert_eq!(recording.heard, [Heard::Frame(0)]);
}

#[test]
fn a_call_without_any_packet_is_silence_of_its_length() {
    let mut recording = Recording::new();
    recording.wait_ms(5_000);
    assert_eq!(recording.length_ms(), 4_500);
    recording.finish();
    assert_eq!(recording.length_ms(), 5_000);
}

#[test]
fn lost_packets_become_exactly_their_silence() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 2);
    recording.wait_ms(60);
    peer.speak();
    peer.speak();
    talk(&mut recording, &mut peer, 8);
    let expected = [0, 1].map(Heard::Frame).into_iter();
    let expected = expected.chain([Heard::Silence(320, Cause::Lost)]).chain((4..12).map(Heard::Frame));
    assert_eq!(recording.heard, expected.collect::<Vec<_>>());
    assert_eq!(recording.timeline.stats().lost_packets, 2);
}

/// Failure table row 1 (asterisk #851) and 2 (asterisk #1279): loss shortened recordings; the remedy spoilt sound.
#[test]
fn loss_of_any_rate_leaves_length_and_received_frames_intact() {
    for percent in [1, 5, 15, 30] {
        let (mut recording, mut peer) = (Recording::new(), Peer::new());
        let mut dice = Dice(percent);
        let mut sent = Vec::new();
        for _ in 0..1_500 {
            recording.wait_ms(20);
            let packet = peer.speak();
            if dice.roll(100) >= percent {
                sent.push(peer.mark - 1);
                recording.receive(&packet);
            }
        }
        recording.wait_ms(20);
        recording.finish();
        assert_eq!(recording.frames(), sent, "{percent} % loss");
        let off = recording.length_ms().abs_diff(recording.wall_ms());
        assert!(off <= 20, "{percent} % loss: {off} ms off");
    }
}

#[test]
fn duplicates_and_swaps_are_put_right() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 1);
    recording.wait_ms(20);
    let (first, second) = (peer.speak(), peer.speak());
    for packet in [&second, &second, &first, &first, &second] {
        recording.receive(packet);
    }
    assert_eq!(recording.frames(), [0, 1, 2]);
    assert_eq!((recording.timeline.stats().duplicates, recording.timeline.stats().reordered), (3, 1));
}

/// Row 7 (freeswitch #1690): comfort noise made the recording short.
#[test]
fn comfort_noise_and_discontinuous_sending_keep_the_length() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 50);
    for _ in 0..10 {
        let timestamp = peer.timestamp;
        recording.receive(&peer.packet(13, timestamp, &[40]));
        recording.wait_ms(1_000);
        peer.rest_ms(1_000);
    }
    talk(&mut recording, &mut peer, 50);
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.frames().len(), 100);
    assert_eq!(recording.timeline.stats().comfort_noise, 10);
    assert_eq!(recording.silence(Cause::Dtx) + recording.silence(Cause::Pause), 10 * 8_000);
}

/// Row 8 (livekit server-sdk-go PR 865): the sender's clock sleeps while it is silent.
#[test]
fn a_pause_that_timestamps_do_not_show_is_filled_from_the_wall_clock() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    for _ in 0..3 {
        talk(&mut recording, &mut peer, 200);
        recording.wait_ms(5_000);
    }
    talk(&mut recording, &mut peer, 200);
    let behind = recording.wall_ms() - recording.length_ms();
    assert!(behind <= 520, "{behind} ms behind after three pauses");
    assert_eq!(recording.frames().len(), 800);
}

#[test]
fn many_short_pauses_that_timestamps_do_not_show_do_not_add_up() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    for _ in 0..60 {
        talk(&mut recording, &mut peer, 40);
        recording.wait_ms(300);
        let behind = recording.timeline.lead_samples(recording.now) / -8;
        assert!((-20..=1_600).contains(&behind), "{behind} ms behind");
    }
    assert_eq!(recording.frames().len(), 2_400);
}

/// Row 9 (rtpproxy PR 61): after hold, one packet with the timestamp from before, then the clock as it should be.
#[test]
fn an_old_timestamp_after_hold_does_not_double_the_silence() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 50);
    recording.wait_ms(10_000);
    talk(&mut recording, &mut peer, 1);
    peer.rest_ms(10_000);
    talk(&mut recording, &mut peer, 50);
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.frames().len(), 101);
}

#[test]
fn a_hold_that_timestamps_do_show_is_filled_once() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 50);
    recording.wait_ms(60_000);
    assert_eq!(recording.length_ms(), recording.wall_ms() - 500, "live readers do not stall");
    peer.rest_ms(60_000);
    talk(&mut recording, &mut peer, 50);
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.silence(Cause::Pause) + recording.silence(Cause::Dtx), 480_000);
}

/// Row 11: ten minutes on hold without a packet.
#[test]
fn a_long_hold_costs_no_memory_and_no_time() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 50);
    recording.stall_ms(600_000);
    recording.timeline.tick(recording.now);
    recording.drain();
    assert_eq!(recording.heard.len(), 51);
    assert_eq!(recording.length_ms(), recording.wall_ms() - 500);
}

#[test]
fn a_stall_of_the_machine_loses_nothing_and_is_made_up_in_the_next_pause() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 50);
    // Two seconds of packets wait in the socket while silence is emitted.
    recording.wait_ms(2_000);
    for _ in 0..100 {
        recording.receive(&peer.speak());
    }
    talk(&mut recording, &mut peer, 50);
    assert_eq!(recording.frames(), (0..200).collect::<Vec<_>>());
    assert_eq!(recording.length_ms(), recording.wall_ms() + 1_500);
    assert_eq!(recording.timeline.stats().late, 1);
    assert_eq!(recording.silence(Cause::Late), 1_500 * 8);
    // Three seconds of rest by the sender's clock.
    recording.wait_ms(3_000);
    peer.rest_ms(3_000);
    talk(&mut recording, &mut peer, 50);
    assert_eq!(recording.frames().len(), 250);
    assert_eq!(recording.length_ms(), recording.wall_ms());
}

#[test]
fn a_stall_shorter_than_the_grace_leaves_no_trace() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 50);
    recording.wait_ms(480);
    for _ in 0..24 {
        recording.receive(&peer.speak());
    }
    talk(&mut recording, &mut peer, 200);
    assert_eq!(recording.heard, (0..274).map(Heard::Frame).collect::<Vec<_>>());
}

#[test]
fn a_clock_that_drifts_never_costs_or_adds_a_sample_while_packets_flow() {
    for interval_us in [19_998u64, 20_002, 20_010] {
        let (mut recording, mut peer) = (Recording::new(), Peer::new());
        let begin = recording.now;
        for index in 1..=50_000u64 {
            recording.now = begin + Duration::from_micros(index * interval_us);
            recording.timeline.tick(recording.now);
            recording.receive(&peer.speak());
        }
        assert_eq!(recording.frames().len(), 50_000);
        assert!(recording.length - 50_000 * 160 <= 1, "only the start is fitted to the wall clock");
    }
}

#[test]
fn keys_are_given_once_and_are_no_sound() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 10);
    for event in [1, 2, 2] {
        let started = peer.timestamp;
        for update in 1..=5 {
            recording.wait_ms(20);
            recording.receive(&peer.event(event, started, update * 160, update == 5));
        }
        recording.receive(&peer.event(event, started, 800, true));
        recording.receive(&peer.event(event, started, 800, true));
        peer.rest_ms(100);
    }
    talk(&mut recording, &mut peer, 10);
    assert_eq!(recording.digits, "122");
    assert_eq!(recording.silence(Cause::Event), 3 * 800);
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.frames().len(), 20);
}

#[test]
fn keys_sent_beside_speech_take_no_room() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 10);
    let started = peer.timestamp;
    for update in 1..=10 {
        talk(&mut recording, &mut peer, 1);
        recording.receive(&peer.event(7, started, update * 160, update == 10));
    }
    talk(&mut recording, &mut peer, 10);
    assert_eq!(recording.digits, "7");
    assert_eq!(recording.heard, (0..30).map(Heard::Frame).collect::<Vec<_>>());
}

#[test]
fn keys_with_a_source_or_numbering_of_their_own_do_not_disturb_the_speech() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    let mut other_source = Peer { ssrc: 0x5555, ..Peer::new() };
    let mut other_numbers = Peer { sequence: 30_000, ..Peer::new() };
    talk(&mut recording, &mut peer, 10);
    for update in 1..=3 {
        talk(&mut recording, &mut peer, 1);
        recording.receive(&other_source.event(4, 900_000, update * 160, update == 3));
    }
    for update in 1..=3 {
        talk(&mut recording, &mut peer, 1);
        recording.receive(&other_numbers.event(8, 100, update * 160, update == 3));
    }
    assert_eq!(recording.digits, "48");
    assert_eq!(recording.heard, (0..16).map(Heard::Frame).collect::<Vec<_>>());
}

#[test]
fn the_decoder_follows_the_payload_type() {
    let mut timeline = Timeline::new(TimelineConfig::default(), Mono::default());
    let mut peer = Peer::new();
    let codes = &frame(0)[..];
    for (payload_type, payload) in
        [(0, Payload::Ulaw(codes)), (8, Payload::Alaw(codes)), (0, Payload::Ulaw(codes))]
    {
        peer.mark = 0;
        peer.payload_type = payload_type;
        timeline.handle(Mono::default(), Mono::default(), &RtpPacket::parse(&peer.speak()).unwrap());
        let Some(TimelineOutput::Audio(audio)) = timeline.poll() else { panic!("audio expected") };
        assert_eq!(audio.payload, payload);
    }
}

#[test]
fn payload_types_that_were_not_negotiated_are_counted_and_leave_silence() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 2);
    recording.wait_ms(20);
    let mut other = Peer { payload_type: 18, ..peer.clone() };
    recording.receive(&other.speak());
    peer = Peer { payload_type: 0, ..other };
    talk(&mut recording, &mut peer, 2);
    assert_eq!(recording.timeline.stats().unknown_payload, 1);
    assert_eq!((recording.timeline.stats().lost_packets, recording.silence(Cause::Dtx)), (0, 160));
}

#[test]
fn a_new_source_goes_on_without_a_gap() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 20);
    let mut other = Peer { ssrc: 9, sequence: 5, timestamp: 99, mark: 20, payload_type: 0 };
    talk(&mut recording, &mut other, 20);
    // Row 14: the first source comes back.
    peer.mark = 40;
    peer.timestamp = peer.timestamp.wrapping_add(20 * 160);
    talk(&mut recording, &mut peer, 20);
    assert_eq!(recording.heard, (0..60).map(Heard::Frame).collect::<Vec<_>>());
    assert_eq!(recording.timeline.stats().source_changes, 2);
}

#[test]
fn a_new_source_after_a_pause_is_set_to_the_wall_clock() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 20);
    recording.wait_ms(300);
    let mut other = Peer { ssrc: 9, sequence: 5, timestamp: 99, mark: 20, payload_type: 0 };
    talk(&mut recording, &mut other, 20);
    assert_eq!(recording.silence(Cause::Jump), 300 * 8);
    assert_eq!(recording.length_ms(), recording.wall_ms());
}

#[test]
fn a_new_numbering_of_the_same_source_loses_nothing() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 20);
    peer.sequence = peer.sequence.wrapping_add(20_000);
    peer.timestamp = peer.timestamp.wrapping_add(1 << 30);
    talk(&mut recording, &mut peer, 20);
    assert_eq!(recording.heard, (0..40).map(Heard::Frame).collect::<Vec<_>>());
    assert_eq!(recording.timeline.stats().renumberings, 1);
}

/// Row 14 (rtpengine #102): numbers that begin near their wrap, with loss.
#[test]
fn numbers_that_wrap_amid_loss_are_no_new_numbering() {
    let (mut recording, mut peer) = (Recording::new(), Peer { sequence: 65_530, ..Peer::new() });
    for index in 0..40 {
        recording.wait_ms(20);
        let packet = peer.speak();
        if index % 3 != 1 {
            recording.receive(&packet);
        }
    }
    recording.finish();
    assert_eq!(recording.timeline.stats().renumberings, 0);
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.timeline.stats().lost_packets, 13);
}

#[test]
fn a_garbled_timestamp_cannot_fill_a_disk() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 20);
    for jump in [1 << 20, 1 << 30, u32::MAX / 2, 3 << 30, 0u32.wrapping_sub(1 << 25)] {
        peer.timestamp = peer.timestamp.wrapping_add(jump);
        talk(&mut recording, &mut peer, 10);
    }
    assert_eq!(recording.frames().len(), 70);
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.timeline.stats().clock_jumps, 5);
}

#[test]
fn packets_of_odd_and_changing_length_are_kept_whole() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    let mut samples = 0;
    for length in [80usize, 240, 1, 160, 320, 1_600, 8_000] {
        recording.wait_ms(20);
        let payload = vec![0x55; length.max(4)];
        let timestamp = peer.timestamp;
        recording.receive(&peer.packet(0, timestamp, &payload));
        peer.timestamp = timestamp.wrapping_add(payload.len() as u32);
        samples += payload.len() as u64;
    }
    assert_eq!(recording.timeline.stats().audio_samples, samples);
}

#[test]
fn capture_begins_with_the_first_packet_after_its_instant() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 10);
    // A packet that is waited for: what follows it was received before the instant, and lies before the position.
    peer.speak();
    recording.wait_ms(40);
    recording.receive(&peer.speak());
    let position = recording.timeline.position(recording.now);
    recording.drain();
    recording.wait_ms(20);
    let first_after = peer.mark;
    talk(&mut recording, &mut peer, 20);
    let mut at = 0;
    let begins = recording.heard.iter().find_map(|heard| {
        let length = if let Heard::Silence(samples, _) = heard { *samples } else { 160 };
        at += length;
        (*heard == Heard::Frame(first_after)).then_some(at - length)
    });
    assert_eq!(begins, Some(position.as_samples()));
}

#[test]
fn the_deadline_is_when_a_tick_has_something_to_do() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 3);
    for _ in 0..3 {
        let deadline = recording.timeline.next_deadline().unwrap();
        let length = recording.length;
        recording.timeline.tick(Mono::from_micros(deadline.as_micros() - 1));
        recording.drain();
        assert_eq!(recording.length, length);
        recording.timeline.tick(deadline);
        recording.drain();
        assert!(recording.length > length);
    }
}

#[test]
fn an_arrival_stamp_from_the_future_counts_as_now() {
    let mut timeline = Timeline::new(TimelineConfig::default(), Mono::default());
    let far = Mono::from_millis(u64::MAX / 2_000);
    timeline.handle(Mono::from_millis(20), far, &RtpPacket::parse(&Peer::new().speak()).unwrap());
    assert_eq!(timeline.end().as_samples(), 160);
}

/// Row 15 (mediasoup #437): a state per source must not be kept for ever.
#[test]
fn any_number_of_sources_needs_no_more_memory_than_two() {
    let mut recording = Recording::new();
    for ssrc in 0..100_000 {
        let mut peer = Peer { ssrc, mark: ssrc, ..Peer::new() };
        recording.receive(&peer.speak());
        recording.heard.clear();
    }
    let (entries, bytes) = recording.timeline.out.capacities();
    assert!(entries < 64 && bytes <= 8_192);
}

#[test]
fn steady_speech_allocates_nothing_new() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 100);
    let before = recording.timeline.out.capacities();
    talk(&mut recording, &mut peer, 1_000);
    assert_eq!(recording.timeline.out.capacities(), before);
}

/// A small fixed-seed generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What a network does to one packet.
#[derive(Clone, Copy, Debug)]
struct Fate {
    lost: bool,
    duplicated: bool,
    /// Extra delay, up to what the reorder window bridges.
    delay_ms: u64,
    /// The receiving machine stops for this long before it.
    stall_ms: u64,
}

fn fates(loss: bool, jitter: bool, stalls: bool) -> impl Strategy<Value = Vec<Fate>> {
    let fate = (0u32..100, 0u32..100, 0u64..45, 0u32..400, 0u64..3_000).prop_map(
        move |(lost, twice, delay, stall, stall_ms)| Fate {
            lost: loss && lost < 15,
            duplicated: twice < 10,
            delay_ms: if jitter { delay } else { 0 },
            stall_ms: if stalls && stall == 0 { stall_ms } else { 0 },
        },
    );
    proptest::collection::vec(fate, 1..600)
}

/// Sends a frame per fate through a network and a machine with these troubles.
fn through_the_network(fates: &[Fate]) -> (Recording, Vec<u32>) {
    let mut peer = Peer::new();
    let mut arrivals = Vec::new();
    let mut delivered = Vec::new();
    let mut ready_at = 0;
    for (index, fate) in fates.iter().enumerate() {
        let sent_at = 20 * (index as u64 + 1);
        let packet = peer.speak();
        ready_at = ready_at.max(sent_at + fate.stall_ms);
        if fate.lost {
            continue;
        }
        // The first packet to arrive is the beginning: what it overtook would come before it.
        let delay_ms = if delivered.is_empty() { 0 } else { fate.delay_ms };
        delivered.push(index as u32);
        let arrival = sent_at + delay_ms;
        arrivals.push((arrival, ready_at, packet.clone()));
        if fate.duplicated {
            arrivals.push((arrival + 7, ready_at, packet));
        }
    }
    arrivals.sort_by_key(|(arrival, ..)| *arrival);
    let mut recording = Recording::new();
    let mut now = 0;
    for (arrival, ready_at, packet) in arrivals {
        // During a stall no packet is read, but the other threads' clocks run on.
        let read_at = arrival.max(ready_at).max(now);
        recording.wait_ms(read_at - now);
        now = read_at;
        recording.receive(&packet);
    }
    recording.wait_ms(200);
    (recording, delivered)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn without_loss_every_frame_is_there_once_and_in_order(fates in fates(false, true, false)) {
        let (recording, delivered) = through_the_network(&fates);
        prop_assert_eq!(recording.frames(), delivered);
        prop_assert_eq!(recording.timeline.stats().lost_packets, 0);
        // Beside the frames there is only the silence before the first.
        prop_assert_eq!(recording.length, fates.len() as u64 * 160 + recording.silence(Cause::Start));
    }

    // Without jitter: a socket keeps its order, and a packet overtaken across a stall is beyond any window.
    #[test]
    fn stalls_of_the_machine_lose_nothing(fates in fates(false, false, true)) {
        let (recording, delivered) = through_the_network(&fates);
        prop_assert_eq!(recording.frames(), delivered);
    }

    #[test]
    fn with_loss_what_arrived_is_there_once_in_order_and_in_its_place(fates in fates(true, true, false)) {
        let (mut recording, delivered) = through_the_network(&fates);
        recording.finish();
        let frames = recording.frames();
        prop_assert!(frames.is_sorted_by(|a, b| a < b), "once and in order");
        let left_out = recording.timeline.stats().too_late as usize;
        prop_assert_eq!(frames.len() + left_out, delivered.len());
        let off = recording.length_ms().abs_diff(recording.wall_ms());
        prop_assert!(off <= 65, "{} ms off: more than jitter and one frame", off);
    }

    #[test]
    fn anything_at_any_time_keeps_the_timeline_contiguous_and_bounded(
        packets in proptest::collection::vec(
            (0u64..2_000, 0u8..3, prop_oneof![Just(0u8), Just(8), Just(13), Just(101), 0..128u8], any::<u16>(), any::<u32>(), 0usize..400),
            0..80,
        ),
    ) {
        let mut recording = Recording::new();
        let mut audio = 0;
        for (wait_ms, ssrc, payload_type, sequence, timestamp, length) in &packets {
            recording.stall_ms(*wait_ms);
            let mut peer = Peer { ssrc: u32::from(*ssrc), sequence: *sequence, ..Peer::new() };
            recording.receive(&peer.packet(*payload_type, *timestamp, &vec![1; *length + 4]));
            recording.timeline.tick(recording.now);
            recording.drain();
            audio += *length as u64 + 4;
        }
        recording.finish();
        let bound = audio + recording.wall_ms() * 8 + packets.len() as u64 * SILENCE_MAX_SAMPLES as u64;
        prop_assert!(recording.length <= bound);
        prop_assert!(recording.length + 160 >= recording.wall_ms() * 8);
    }
}

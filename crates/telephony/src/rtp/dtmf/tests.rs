use super::*;
use crate::rtp::packet::RtpPacket;
use proptest::prelude::*;

/// A sender of keys and what is heard of it. It counts its packets; a test says which of them arrive, and when.
struct Line {
    receiver: EventReceiver,
    sequence: u16,
    now_ms: u64,
    clock_hz: u32,
    heard: String,
}

/// One packet of a press.
#[derive(Clone, Copy, Debug)]
struct Sent {
    event: u8,
    timestamp: u32,
    duration: u16,
    marker: bool,
    end: bool,
}

impl Line {
    fn new() -> Self {
        Self {
            receiver: EventReceiver::default(),
            sequence: 65_500,
            now_ms: 0,
            clock_hz: 8_000,
            heard: String::new(),
        }
    }

    /// Sends a packet 20 ms after the last one.
    fn send(&mut self, sent: Sent) {
        self.lose();
        self.deliver(self.sequence, sent);
    }

    fn send_numbered(&mut self, sent: Sent) -> (u16, Sent) {
        self.send(sent);
        (self.sequence, sent)
    }

    /// Lets a packet be lost.
    fn lose(&mut self) {
        self.now_ms += 20;
        self.sequence = self.sequence.wrapping_add(1);
    }

    fn deliver(&mut self, sequence: u16, sent: Sent) {
        let Sent { event, timestamp, duration, marker, end } = sent;
        let header = RtpHeader {
            ssrc: Ssrc(1),
            sequence,
            timestamp: RtpTimestamp(timestamp),
            payload_type: 101,
            marker,
        };
        let payload = EventPayload { event, end, volume_db: 10, duration_samples: duration }.to_bytes();
        let packet = EventPacket {
            arrival: Mono::from_millis(self.now_ms),
            header,
            payload: &payload,
            clock_hz: self.clock_hz,
        };
        self.heard.extend(self.receiver.handle(&packet).map(Digit::as_char));
    }

    fn pause(&mut self, ms: u64) {
        self.now_ms += ms;
    }

    /// A press of 100 ms, as the RFC has it: five updates, the last with the end bit, which is repeated twice.
    fn press(&mut self, event: u8, timestamp: u32) {
        for sent in press(event, timestamp) {
            self.send(sent);
        }
    }
}

fn press(event: u8, timestamp: u32) -> [Sent; 7] {
    [1u16, 2, 3, 4, 5, 6, 7].map(|packet| Sent {
        event,
        timestamp,
        duration: packet.min(5) * 160,
        marker: packet == 1,
        end: packet >= 5,
    })
}

fn packet(payload: &[u8]) -> Option<Digit> {
    let header =
        RtpHeader { ssrc: Ssrc(1), sequence: 0, timestamp: RtpTimestamp(0), payload_type: 101, marker: true };
    let arrival = Mono::default();
    EventReceiver::default().handle(&EventPacket { arrival, header, payload, clock_hz: 0 })
}

#[test]
fn payload_reads_as_rfc_4733_figure_1_writes_it() {
    let parsed = EventPayload::parse(&[9, 0x80 | 7, 0x03, 0x20]).unwrap();
    assert_eq!(parsed, EventPayload { event: 9, end: true, volume_db: 7, duration_samples: 800 });
    assert_eq!(parsed.to_bytes(), [9, 0x87, 0x03, 0x20]);
    assert_eq!(EventPayload::parse(&[9, 0, 0]), None);
}

#[test]
fn a_sent_key_is_received_once() {
    let mut sender = RtpSender::new(Ssrc(7), 100, RtpTimestamp(4_000), 0);
    let mut receiver = EventReceiver::default();
    for (press, digit) in Digit::all().enumerate() {
        let mut key = EventSender::new(digit, 101, Duration::from_millis(100));
        let (mut packet, mut count, mut digits) = (Vec::new(), 0, Vec::new());
        while key.next_packet(&mut sender, &mut packet) {
            let parsed = RtpPacket::parse(&packet).unwrap();
            assert_eq!(parsed.header().marker, count == 0);
            assert_eq!(parsed.header().timestamp, RtpTimestamp(4_000 + press as u32 * 800));
            digits.extend(receiver.handle(&EventPacket {
                arrival: Mono::from_millis(count * 20),
                header: parsed.header(),
                payload: parsed.payload(),
                clock_hz: 8_000,
            }));
            count += 1;
        }
        assert_eq!((digits, count), (vec![digit], 7));
    }
}

#[test]
fn the_same_key_twice_is_two_digits() {
    let mut line = Line::new();
    line.press(5, 0);
    line.pause(60);
    line.press(5, 1_600);
    assert_eq!(line.heard, "55");
}

/// field-sip.md row 20: one of three was heard.
#[test]
fn the_same_key_under_one_timestamp_is_a_press_for_each_marker() {
    let mut line = Line::new();
    for _ in 0..3 {
        line.press(5, 8_000);
        line.pause(60);
    }
    assert_eq!(line.heard, "555");
    line.press(6, 8_000);
    assert_eq!(line.heard, "5556");
}

#[test]
fn the_same_key_under_one_timestamp_is_heard_through_a_lost_start_or_end() {
    let mut line = Line::new();
    line.press(5, 8_000);
    line.pause(60);
    line.lose();
    press(5, 8_000)[1..].iter().for_each(|&sent| line.send(sent));
    assert_eq!(line.heard, "55", "the start was lost");
    press(5, 8_000)[..4].iter().for_each(|&sent| line.send(sent));
    (0..3).for_each(|_| line.lose());
    line.pause(60);
    line.press(5, 8_000);
    assert_eq!(line.heard, "5555", "the end was lost");
}

#[test]
fn the_same_key_under_one_timestamp_is_heard_again_when_only_first_packets_arrive() {
    let mut line = Line::new();
    for _ in 0..3 {
        line.send(press(5, 8_000)[0]);
        (0..6).for_each(|_| line.lose());
    }
    assert_eq!(line.heard, "555");
}

/// field-sip.md row 20: heard twice.
#[test]
fn an_end_whose_timestamp_moved_is_of_the_same_press() {
    for step in [160, 480, 800] {
        let mut line = Line::new();
        for (index, sent) in press(7, 1_000).into_iter().enumerate() {
            // Each end packet a step further, or all of them at the end of the press.
            let moved =
                if sent.end { step + if step == 160 { (index as u32 - 4) * 160 } else { 0 } } else { 0 };
            line.send(Sent { timestamp: 1_000 + moved, ..sent });
        }
        assert_eq!(line.heard, "7", "moved by {step}");
    }
}

#[test]
fn an_end_whose_timestamp_moved_is_of_the_same_press_when_updates_were_lost() {
    let mut line = Line::new();
    line.send(press(7, 1_000)[0]);
    (0..3).for_each(|_| line.lose());
    line.send(Sent { timestamp: 1_800, ..press(7, 0)[4] });
    assert_eq!(line.heard, "7");
}

#[test]
fn a_timestamp_that_moves_with_every_packet_is_one_press() {
    for growing in [false, true] {
        let mut line = Line::new();
        for (index, sent) in press(3, 0).into_iter().enumerate() {
            let duration = if growing { sent.duration } else { 160 };
            line.send(Sent { timestamp: index as u32 * 160, duration, ..sent });
        }
        assert_eq!(line.heard, "3");
        line.pause(60);
        line.press(3, 3_000);
        assert_eq!(line.heard, "33");
    }
}

#[test]
fn any_packet_of_a_press_is_enough() {
    for only in 0..7 {
        let mut line = Line::new();
        for (event, timestamp) in [(1, 0), (1, 1_600), (2, 3_200), (2, 4_800)] {
            for (index, sent) in press(event, timestamp).into_iter().enumerate() {
                if index == only { line.send(sent) } else { line.lose() }
            }
            line.pause(60);
        }
        assert_eq!(line.heard, "1122", "only packet {only} of each press arrives");
    }
}

#[test]
fn what_was_overtaken_or_sent_twice_is_no_press() {
    let mut line = Line::new();
    let first = press(1, 0).map(|sent| line.send_numbered(sent));
    line.pause(60);
    let second = press(1, 0).map(|sent| line.send_numbered(sent));
    for (sequence, sent) in first.into_iter().chain(second) {
        line.deliver(sequence, sent);
    }
    assert_eq!(line.heard, "11");
}

#[test]
fn a_press_longer_than_its_duration_field_is_one_digit() {
    for clock_hz in [8_000, 48_000] {
        let mut line = Line { clock_hz, ..Line::new() };
        let frame = clock_hz / 50;
        let (mut timestamp, mut duration) = (0u32, 0u32);
        for index in 0..2_000 {
            duration += frame;
            if duration > 0xffff {
                timestamp = timestamp.wrapping_add(duration - frame);
                duration = frame;
            }
            let sent = Sent {
                event: 4,
                timestamp,
                duration: duration as u16,
                marker: index == 0,
                end: index == 1_999,
            };
            // One packet in ten is lost.
            if index % 10 == 7 { line.lose() } else { line.send(sent) }
        }
        assert_eq!(line.heard, "4", "at {clock_hz} Hz");
    }
}

#[test]
fn a_duration_that_runs_over_under_one_timestamp_is_one_digit() {
    let mut line = Line::new();
    for index in 1..1_000u32 {
        line.send(Sent {
            event: 4,
            timestamp: 0,
            duration: (index * 160) as u16,
            marker: index == 1,
            end: false,
        });
    }
    assert_eq!(line.heard, "4");
}

#[test]
fn keys_are_told_apart_at_a_clock_of_48_khz() {
    let mut line = Line { clock_hz: 48_000, ..Line::new() };
    for press_number in 0..3 {
        for sent in press(9, press_number * 9_600) {
            line.send(Sent { duration: sent.duration * 6, ..sent });
        }
        line.pause(60);
    }
    assert_eq!(line.heard, "999");
}

#[test]
fn a_recording_played_again_is_a_new_key_press() {
    let mut line = Line::new();
    for _ in 0..2 {
        press(5, 0).iter().for_each(|&sent| line.send(Sent { marker: false, ..sent }));
        line.pause(3_000);
    }
    assert_eq!(line.heard, "55");
}

#[test]
fn a_new_numbering_is_no_straggler_after_a_second() {
    let mut line = Line::new();
    line.press(5, 0);
    line.pause(1_000);
    line.sequence = line.sequence.wrapping_sub(40);
    line.press(5, 0);
    assert_eq!(line.heard, "55");
}

#[test]
fn events_that_are_not_keys_are_ignored() {
    assert!(packet(&[15, 0, 0, 160]).is_some());
    for payload in [&[16, 0, 0, 160][..], &[255, 0x80, 0, 160], &[], &[1, 0, 0]] {
        assert!(packet(payload).is_none());
    }
}

/// A press of any length, its packets with their fate.
#[derive(Clone, Debug)]
struct AnyPress {
    event: u8,
    pause_ms: u64,
    updates: u16,
    lost: Vec<bool>,
    same_timestamp: bool,
}

fn any_press() -> impl Strategy<Value = AnyPress> {
    let lost = proptest::collection::vec(prop::bool::weighted(0.2), 40);
    (0..3u8, 60u64..400, 2u16..30, lost, any::<bool>()).prop_map(
        |(event, pause_ms, updates, lost, same_timestamp)| AnyPress {
            event,
            pause_ms,
            updates,
            lost,
            same_timestamp,
        },
    )
}

proptest! {
    #[test]
    fn a_press_is_one_digit_whatever_is_lost_of_it(presses in proptest::collection::vec(any_press(), 1..20)) {
        let (mut line, mut expected) = (Line::new(), String::new());
        let mut timestamp = 0;
        for press in presses {
            // Under one timestamp a press can only be told from the last one by its first packets.
            let same_timestamp = press.same_timestamp && !press.lost[0];
            if !same_timestamp {
                timestamp = line.now_ms as u32 * 8;
            }
            let mut arrived = false;
            for packet in 0..press.updates + 3 {
                let sent = Sent {
                    event: press.event,
                    timestamp,
                    duration: (packet + 1).min(press.updates + 1) * 160,
                    marker: packet == 0,
                    end: packet >= press.updates,
                };
                if press.lost[usize::from(packet)] { line.lose() } else { line.send(sent); arrived = true }
            }
            line.pause(press.pause_ms);
            expected.extend(arrived.then(|| Digit::from_event(press.event).unwrap().as_char()));
        }
        prop_assert_eq!(line.heard, expected);
    }

    #[test]
    fn any_packets_give_no_more_digits_than_packets(
        packets in proptest::collection::vec((any::<u16>(), any::<u32>(), any::<[u8; 4]>(), any::<bool>(), 0u64..2_000), 0..50),
    ) {
        let mut line = Line { clock_hz: 0, ..Line::new() };
        for (sequence, timestamp, [event, end, high, low], marker, wait_ms) in &packets {
            line.pause(*wait_ms);
            let duration = u16::from_be_bytes([*high, *low]);
            line.deliver(*sequence, Sent { event: event % 20, timestamp: *timestamp, duration, marker: *marker, end: end % 2 == 0 });
        }
        prop_assert!(line.heard.len() <= packets.len());
    }
}

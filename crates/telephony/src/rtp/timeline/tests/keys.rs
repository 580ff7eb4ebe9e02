//! Keys in the timeline: once each, and without a sample of their own.

use super::*;
use crate::rtp::payload::PayloadMap;

/// A press of 100 ms with its marker, as the RFC has it.
fn press(recording: &mut Recording, peer: &mut Peer, event: u8, started: u32, payload_type: u8, ticks: u16) {
    for update in 1..=7u16 {
        recording.wait_ms(20);
        let payload =
            EventPayload { event, end: update >= 5, volume_db: 10, duration_samples: update.min(5) * ticks };
        let mut packet = peer.packet(payload_type, started, &payload.to_bytes());
        if update == 1 {
            packet[1] |= 0x80;
        }
        recording.receive(&packet);
    }
}

/// field-sip.md row 20.
#[test]
fn a_key_pressed_three_times_under_one_timestamp_is_three_digits() {
    let (mut recording, mut peer) = (Recording::new(), Peer::new());
    talk(&mut recording, &mut peer, 10);
    let started = peer.timestamp;
    for _ in 0..3 {
        press(&mut recording, &mut peer, 5, started, 101, 160);
    }
    peer.rest_ms(420);
    talk(&mut recording, &mut peer, 10);
    assert_eq!(recording.digits, "555");
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.silence(Cause::Event), 420 * 8);
}

/// Events at 48,000 beside G.711 at 8,000: their timestamps say nothing about the audio.
#[test]
fn keys_at_48_khz_do_not_move_the_timeline() {
    let payloads = PayloadMap::g711()
        .with(110, PayloadKind::TelephoneEvent { clock_hz: 48_000 })
        .with_telephone_event(101);
    let mut recording = Recording::with(TimelineConfig { payloads, ..TimelineConfig::default() });
    let mut peer = Peer::new();
    talk(&mut recording, &mut peer, 10);
    for (index, event) in [1, 2, 2, 3].into_iter().enumerate() {
        let started = peer.timestamp.wrapping_mul(6).wrapping_add(index as u32);
        press(&mut recording, &mut peer, event, started, 110, 960);
        peer.rest_ms(140);
        talk(&mut recording, &mut peer, 3);
    }
    assert_eq!(recording.digits, "1223");
    assert_eq!(recording.length_ms(), recording.wall_ms());
    assert_eq!(recording.timeline.stats().clock_jumps, 0);
}

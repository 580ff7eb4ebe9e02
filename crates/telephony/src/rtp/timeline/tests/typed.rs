//! What the codec carried is what comes out.

use super::*;
use crate::audio::codec::AudioCodec;
use crate::audio::g711::Law;
use crate::audio::g722;
use crate::rtp::payload::PayloadMap;

fn with_g722() -> Recording {
    let payloads = PayloadMap::g711().with_audio(9, AudioCodec::G722);
    Recording::with(TimelineConfig { payloads, ..TimelineConfig::default() })
}

/// The linear samples of everything, silence as zeros.
fn drain_pcm(recording: &mut Recording, out: &mut Vec<i16>) {
    while let Some(output) = recording.timeline.poll() {
        match output {
            TimelineOutput::Audio(audio) => audio.payload.expand_into(out),
            TimelineOutput::Silence { samples, cause, .. } => {
                Payload::Silence { samples, cause }.expand_into(out);
            }
            TimelineOutput::Digit { .. } => {}
        }
    }
    assert_eq!(out.len() as u64, recording.timeline.end().as_samples());
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut dice = Dice(11);
    (0..count).map(|_| dice.roll(256) as u8).collect()
}

#[test]
fn every_code_of_g711_comes_out_as_it_came() {
    for (payload_type, law) in [(0, Law::Mu), (8, Law::A)] {
        let (mut recording, mut peer) = (Recording::new(), Peer::new());
        let codes: Vec<u8> = (0..=255).collect();
        recording.timeline.handle(
            recording.now,
            recording.now,
            &RtpPacket::parse(&peer.packet(payload_type, 0, &codes)).unwrap(),
        );
        let Some(TimelineOutput::Audio(audio)) = recording.timeline.poll() else { panic!("audio expected") };
        let (Payload::Ulaw(heard) | Payload::Alaw(heard)) = audio.payload else { panic!("G.711 expected") };
        assert_eq!(heard, codes);
        let mut linear = Vec::new();
        audio.payload.expand_into(&mut linear);
        assert_eq!(linear, law.table());
    }
}

#[test]
fn g722_is_decoded_as_one_stream_in_the_order_of_its_packets() {
    let bytes = random_bytes(1_600);
    let mut expected = Vec::new();
    g722::Decoder::new().decode(&bytes, &mut expected);
    let (mut recording, mut peer) = (with_g722(), Peer::new());
    let mut packets: Vec<_> = bytes
        .chunks(160)
        .map(|chunk| {
            let timestamp = peer.timestamp;
            peer.rest_ms(20);
            peer.packet(9, timestamp, chunk)
        })
        .collect();
    packets.swap(4, 5);
    let mut heard = Vec::new();
    for packet in &packets {
        recording.timeline.handle(recording.now, recording.now, &RtpPacket::parse(packet).unwrap());
        drain_pcm(&mut recording, &mut heard);
    }
    assert_eq!(heard, expected);
}

#[test]
fn g722_keeps_its_place_behind_what_is_lost() {
    let (mut recording, mut peer) = (with_g722(), Peer::new());
    let mut heard = Vec::new();
    for index in 0..20 {
        recording.stall_ms(20);
        let timestamp = peer.timestamp;
        peer.rest_ms(20);
        let packet = peer.packet(9, timestamp, &[0x5a; 160]);
        if index % 7 != 3 {
            recording.timeline.handle(recording.now, recording.now, &RtpPacket::parse(&packet).unwrap());
            drain_pcm(&mut recording, &mut heard);
        }
    }
    recording.timeline.finish(recording.now);
    drain_pcm(&mut recording, &mut heard);
    assert_eq!(heard.len(), 20 * 160);
    assert!(heard[3 * 160..4 * 160].iter().all(|&sample| sample == 0));
    assert_eq!(recording.silence(Cause::Lost), 3 * 160);
}

#[test]
fn a_new_source_of_g722_is_decoded_from_its_first_byte() {
    let bytes = random_bytes(320);
    let mut expected = Vec::new();
    g722::Decoder::new().decode(&bytes, &mut expected);
    let (mut recording, mut heard) = (with_g722(), Vec::new());
    for ssrc in [1, 2] {
        let mut peer = Peer { ssrc, ..Peer::new() };
        heard.clear();
        let before = recording.timeline.end();
        let packet = peer.packet(9, 0, &bytes);
        recording.timeline.handle(recording.now, recording.now, &RtpPacket::parse(&packet).unwrap());
        while let Some(output) = recording.timeline.poll() {
            if let TimelineOutput::Audio(audio) = output {
                audio.payload.expand_into(&mut heard);
            }
        }
        assert_eq!(heard, expected);
        assert_eq!(recording.timeline.end() - before, 320);
    }
}

#[test]
fn a_codec_that_changes_in_mid_call_keeps_the_length() {
    let (mut recording, mut peer) = (with_g722(), Peer::new());
    let mut heard = Vec::new();
    for index in 0..60 {
        recording.stall_ms(20);
        let timestamp = peer.timestamp;
        peer.rest_ms(20);
        let packet = peer.packet([0, 9, 8][index / 20], timestamp, &[0x5a; 160]);
        recording.timeline.handle(recording.now, recording.now, &RtpPacket::parse(&packet).unwrap());
        drain_pcm(&mut recording, &mut heard);
    }
    assert_eq!(heard.len(), 60 * 160);
    assert_eq!(heard[0], Law::Mu.decode(0x5a));
    assert_eq!(heard[40 * 160], Law::A.decode(0x5a));
}

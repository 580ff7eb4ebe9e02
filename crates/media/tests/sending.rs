//! What a leg sends, when, and where to.

mod rig;

use rig::{PEER, Rig, agreed, of};
use tympan_media::{PROMPTS_MAX, SilenceSending};
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::audio::g711::Law;
use tympan_telephony::audio::g722;
use tympan_telephony::rtp::payload::PayloadKind;
use tympan_telephony::sdp::{Agreement, StreamAgreement};
use tympan_telephony::sdp::{Codec, Direction};
use tympan_telephony::words::{MediaCommand, MediaEvent, Sound, SoundPart};
use tympan_types::PromptId;

fn samples(count: usize) -> Vec<i16> {
    (0..count).map(|index| i16::try_from(index % 8_000).expect("in range") * 4 - 16_000).collect()
}

fn encoded(law: Law, samples: &[i16]) -> Vec<u8> {
    samples.iter().map(|sample| law.encode(*sample)).collect()
}

/// Each packet follows the one before: its number, and its timestamp by the samples before it.
fn assert_continuous(rig: &Rig) {
    for pair in rig.sent.windows(2) {
        let [before, after] = pair else { unreachable!() };
        assert_eq!(after.header.sequence, before.header.sequence.wrapping_add(1));
        let expected = before.header.timestamp.plus(u32::try_from(before.payload.len()).expect("in range"));
        assert_eq!(after.header.timestamp, expected);
        assert!(!after.header.marker);
    }
}

#[test]
fn with_silence_sending_off_a_frame_goes_out_at_once_and_then_every_15_seconds() {
    let mut rig = Rig::new(|_| ());
    rig.pass(31_000);
    let at: Vec<u64> = rig.sent.iter().map(|sent| sent.at.as_millis() - 1_000).collect();
    assert_eq!(at, [2, 15_000, 30_000]);
    assert!(rig.sent.iter().all(|sent| sent.header.marker && sent.payload == [0xff; 160]));
    let apart = rig.sent[1].header.timestamp.samples_after(rig.sent[0].header.timestamp);
    assert_eq!(apart, 120_000);
}

#[test]
fn silence_is_sent_for_each_packet_time_and_a_prompt_goes_on_in_the_same_pace() {
    let mut rig = Rig::new(|spec| spec.silence = SilenceSending::Silence);
    rig.pass(200);
    rig.play(1, samples(800));
    rig.pass(298);
    assert_eq!(rig.sent.len(), 25);
    assert_continuous(&rig);
    let sent = rig.payloads();
    let begin = sent.iter().position(|code| *code != 0xff).unwrap();
    assert_eq!(begin % 160, 0);
    assert_eq!(sent[begin..begin + 800], encoded(Law::Mu, &samples(800)));
    assert!(sent[begin + 800..].iter().all(|code| *code == 0xff));
    assert_eq!(rig.events, [MediaEvent::PromptFinished(PromptId::new(1))]);
}

#[test]
fn comfort_noise_is_sent_where_the_peer_understands_it_and_silence_elsewhere() {
    for understood in [true, false] {
        let mut rig = Rig::unagreed(|spec| spec.silence = SilenceSending::ComfortNoise);
        let mut stream = agreed(PEER);
        if understood {
            stream.payloads = stream.payloads.with(13, PayloadKind::ComfortNoise);
        }
        rig.negotiate(of([stream]));
        rig.pass(98);
        assert_eq!(rig.sent.len(), 5);
        let expected = if understood { (13, 1) } else { (0, 160) };
        assert!(rig.sent.iter().all(|sent| (sent.header.payload_type, sent.payload.len()) == expected));
        let apart = rig.sent[4].header.timestamp.samples_after(rig.sent[0].header.timestamp);
        assert_eq!(apart, 640);
        rig.play(1, samples(160));
        rig.pass(20);
        let speech = rig.sent.last().unwrap();
        assert_eq!((speech.header.payload_type, speech.header.marker), (0, understood));
    }
}

#[test]
fn a_prompt_after_a_pause_begins_at_once_and_is_marked() {
    let mut rig = Rig::new(|_| ());
    rig.pass(1_000);
    rig.play(1, samples(320));
    rig.pass(38);
    let prompt = &rig.sent[1..];
    assert_eq!(prompt.len(), 2);
    assert_eq!(prompt[0].at.as_millis(), 2_002);
    assert_eq!((prompt[0].header.marker, prompt[1].header.marker), (true, false));
    assert_eq!(prompt[1].header.timestamp.samples_after(prompt[0].header.timestamp), 160);
    assert_eq!(prompt[0].header.timestamp.samples_after(rig.sent[0].header.timestamp), 8_000);
}

#[test]
fn every_codec_carries_a_prompt_to_its_last_sample() {
    for kind in AudioCodec::ALL {
        let mut rig = Rig::unagreed(|_| ());
        let codec = Codec { kind, payload_type: kind.static_payload_type() };
        rig.negotiate(of([StreamAgreement { codec, ..agreed(PEER) }]));
        rig.play(1, samples(1_000));
        rig.pass(300);
        let mut padded = samples(1_000);
        padded.resize(1_120, 0);
        let expected = match kind.law() {
            Some(law) => {
                let mut codes = encoded(law, &padded[..1_000]);
                codes.resize(1_120, law.silence());
                codes
            }
            None => {
                let mut codes = Vec::new();
                g722::Encoder::new().encode(&padded, &mut codes);
                codes
            }
        };
        assert_eq!(rig.payloads()[..1_120], expected, "{kind:?}");
        assert!(rig.sent.iter().all(|sent| sent.header.payload_type == codec.payload_type));
    }
}

#[test]
fn packets_are_as_long_as_was_agreed_or_as_the_trunk_says() {
    for (agreed_ms, trunk_ms, bytes) in [
        (10, None, 80),
        (30, None, 240),
        (60, None, 480),
        (2, None, 80),
        (200, None, 480),
        (20, Some(40), 320),
    ] {
        let mut rig = Rig::unagreed(|spec| {
            spec.silence = SilenceSending::Silence;
            spec.ptime_ms = trunk_ms;
        });
        rig.negotiate(of([StreamAgreement { ptime_ms: agreed_ms, ..agreed(PEER) }]));
        rig.play(1, samples(4_000));
        rig.pass(600);
        assert!(rig.sent.iter().all(|sent| sent.payload.len() == bytes), "ptime {agreed_ms} {trunk_ms:?}");
        assert_continuous(&rig);
        assert_eq!(rig.payloads()[..4_000], encoded(Law::Mu, &samples(4_000)));
    }
}

#[test]
fn a_peer_on_hold_hears_nothing_and_misses_no_number() {
    let mut rig = Rig::new(|spec| spec.silence = SilenceSending::Silence);
    rig.pass(98);
    rig.negotiate(of([StreamAgreement { direction: Direction::RecvOnly, ..agreed(PEER) }]));
    rig.play(1, samples(800));
    rig.pass(1_000);
    assert_eq!(rig.sent.len(), 5);
    assert_eq!(rig.events, [MediaEvent::PromptFinished(PromptId::new(1))], "the flow goes on");
    rig.negotiate(of([agreed(PEER)]));
    rig.pass(20);
    let (before, after) = (&rig.sent[4], &rig.sent[5]);
    assert_eq!(after.header.sequence, before.header.sequence.wrapping_add(1));
    assert!(after.header.marker);
    let apart = after.header.timestamp.samples_after(before.header.timestamp);
    assert!((apart - after.at.ms_since(before.at) * 8).abs() < 160, "{apart}");
}

#[test]
fn after_a_stall_some_frames_are_made_up_for_and_the_rest_is_a_gap() {
    let mut rig = Rig::new(|spec| spec.silence = SilenceSending::Silence);
    rig.pass(98);
    let before = rig.sent.len();
    rig.now = rig.now.plus_ms(1_000);
    rig.pass(2);
    assert_eq!(rig.sent.len() - before, 5);
    rig.pass(98);
    assert_eq!(rig.sent.len() - before, 10);
    let marked: Vec<usize> =
        (before..rig.sent.len()).filter(|index| rig.sent[*index].header.marker).collect();
    assert_eq!(marked, [before + 5]);
    let (first, last) = (&rig.sent[0], rig.sent.last().unwrap());
    let by_clock = last.at.ms_since(first.at) * 8;
    let by_sender = last.header.timestamp.samples_after(first.header.timestamp);
    assert!((by_clock - by_sender).abs() <= 160, "{by_clock} {by_sender}");
}

#[test]
fn stopping_a_prompt_stops_that_one_and_reports_nothing() {
    let mut rig = Rig::new(|_| ());
    rig.play(1, vec![1_000; 8_000]);
    rig.play(2, vec![2_000; 320]);
    rig.pass(100);
    rig.command(MediaCommand::Stop { prompt: PromptId::new(7) });
    rig.pass(98);
    rig.command(MediaCommand::Stop { prompt: PromptId::new(1) });
    rig.pass(200);
    assert_eq!(rig.events, [MediaEvent::PromptFinished(PromptId::new(2))]);
    let count = |sample| rig.payloads().iter().filter(|code| **code == Law::Mu.encode(sample)).count();
    assert_eq!((count(1_000), count(2_000)), (1_600, 320));
}

#[test]
fn three_minutes_of_silence_are_sent_for_three_minutes() {
    let mut rig = Rig::new(|_| ());
    let sound = Sound::of(vec![SoundPart::silence(10_000); 18]);
    rig.command(MediaCommand::Play { prompt: PromptId::new(1), sound });
    let mut waited_ms = 0;
    while rig.events.is_empty() {
        rig.pass(20);
        waited_ms += 20;
    }
    assert_eq!(rig.events, [MediaEvent::PromptFinished(PromptId::new(1))]);
    assert!((179_960..=180_020).contains(&waited_ms), "{waited_ms} ms");
    assert_eq!(rig.payloads()[..180 * 8_000], vec![0xff; 180 * 8_000]);
}

#[test]
fn a_prompt_for_which_there_is_no_room_is_over_at_once_and_counted() {
    let mut rig = Rig::new(|_| ());
    for number in 0..40 {
        rig.play(number, samples(160));
    }
    let over = 40 - u64::try_from(PROMPTS_MAX).unwrap();
    assert_eq!(rig.events.len(), usize::try_from(over).unwrap());
    assert_eq!(rig.stat("refused_prompts"), over);
    rig.pass(2_000);
    assert_eq!(rig.events.len(), 40, "the others are played");
}

#[test]
fn a_new_codec_is_sent_from_the_next_frame_on() {
    let mut rig = Rig::new(|spec| spec.silence = SilenceSending::Silence);
    rig.pass(100);
    for (payload_type, kind) in [(8, AudioCodec::Pcma), (9, AudioCodec::G722), (0, AudioCodec::Pcmu)] {
        rig.negotiate(of([StreamAgreement { codec: Codec { kind, payload_type }, ..agreed(PEER) }]));
        rig.pass(100);
        assert_eq!(rig.sent.last().unwrap().header.payload_type, payload_type);
    }
    assert_continuous(&rig);
}

#[test]
fn a_refused_section_sends_nothing_and_takes_nothing_until_it_is_taken_up_again() {
    let mut rig = Rig::new(|spec| spec.silence = SilenceSending::Silence);
    rig.pass(100);
    rig.negotiate(Agreement { streams: vec![None] });
    let before = rig.sent.len();
    rig.speak(&rig::codes(800, 1));
    rig.pass(1_000);
    assert_eq!((rig.sent.len(), rig.stat("unagreed_packets")), (before, 5));
    rig.negotiate(of([agreed(PEER)]));
    rig.pass(100);
    rig.audio(&rig::codes(160, 2));
    assert!((5..=6).contains(&(rig.sent.len() - before)), "{}", rig.sent.len() - before);
    assert_eq!(rig.stat("received_packets"), 1);
}

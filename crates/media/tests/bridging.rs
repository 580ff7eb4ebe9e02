//! Legs that hear each other.

mod rig;

use rig::{PEER, Rig, agreed, codes, of, ulaw};
use tympan_media::{Bridges, Input, Port, SilenceSending};
use tympan_telephony::audio::g711::Law;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::sdp::StreamAgreement;
use tympan_telephony::words::{MediaCommand, Payload, Track};
use tympan_types::{BridgeId, LegId};

const BRIDGE: BridgeId = BridgeId::new(1);

/// Three legs of a contact on one thread.
struct Thread {
    legs: Vec<Rig>,
    bridges: Bridges,
}

impl Thread {
    fn new() -> Self {
        let legs = (0..3).map(|_| Rig::new(|spec| spec.silence = SilenceSending::Off)).collect();
        let mut thread = Self { legs, bridges: Bridges::default() };
        for leg in 0..3 {
            thread.join(leg);
        }
        thread
    }

    fn join(&mut self, leg: usize) {
        self.bridges.join(BRIDGE, id(leg)).expect("in range");
        self.legs[leg].command(MediaCommand::Join { bridge: BRIDGE });
    }

    /// Each leg's peer says a frame of one value, or nothing; then 20 ms pass.
    fn frame(&mut self, said: [Option<i16>; 3]) {
        for (leg, value) in said.into_iter().enumerate() {
            if let Some(value) = value {
                self.legs[leg].audio(&[Law::Mu.encode(value); 160]);
            }
            for (bridge, samples) in std::mem::take(&mut self.legs[leg].bridged) {
                let others: Vec<LegId> = self.bridges.others(bridge, id(leg)).collect();
                for other in others {
                    let other = usize::try_from(other.number()).expect("in range");
                    self.legs[other]
                        .handle(Input::Bridged { from: id(leg), payload: Payload::Pcm(&samples) });
                }
            }
        }
        self.legs.iter_mut().for_each(|leg| leg.pass(20));
    }

    /// What a leg's peer heard in its last frame.
    fn heard(&self, leg: usize) -> i16 {
        let payload = &self.legs[leg].sent.last().expect("in range").payload;
        Law::Mu.decode(payload[80])
    }
}

fn id(leg: usize) -> LegId {
    LegId::new(u64::try_from(leg).expect("in range"))
}

#[test]
fn each_leg_hears_the_sum_of_the_others_and_never_itself() {
    let mut thread = Thread::new();
    for _ in 0..10 {
        thread.frame([Some(1_000), Some(4_000), Some(-16_000)]);
    }
    let near = |heard: i16, expected: i32| (i32::from(heard) - expected).abs() <= expected.abs() / 16;
    assert!(near(thread.heard(0), -12_000), "{}", thread.heard(0));
    assert!(near(thread.heard(1), -15_000), "{}", thread.heard(1));
    assert!(near(thread.heard(2), 5_000), "{}", thread.heard(2));
}

#[test]
fn a_leg_that_monitors_hears_the_others_and_is_heard_by_none_until_it_joins() {
    let mut thread = Thread::new();
    thread.legs[2].command(MediaCommand::Monitor { bridge: BRIDGE });
    for _ in 0..10 {
        thread.frame([Some(1_000), Some(4_000), Some(-16_000)]);
    }
    let near = |heard: i16, expected: i32| (i32::from(heard) - expected).abs() <= expected.abs() / 16;
    assert!(near(thread.heard(0), 4_000), "{}", thread.heard(0));
    assert!(near(thread.heard(1), 1_000), "{}", thread.heard(1));
    assert!(near(thread.heard(2), 5_000), "{}", thread.heard(2));
    thread.legs[2].command(MediaCommand::Join { bridge: BRIDGE });
    for _ in 0..10 {
        thread.frame([Some(1_000), Some(4_000), Some(-16_000)]);
    }
    assert!(near(thread.heard(0), -12_000), "{}", thread.heard(0));
    thread.legs[2].command(MediaCommand::Monitor { bridge: BRIDGE });
    for _ in 0..100 {
        thread.frame([Some(1_000), Some(4_000), Some(-16_000)]);
    }
    assert!(
        near(thread.heard(0), 4_000),
        "what it said before is not heard without end: {}",
        thread.heard(0)
    );
}

#[test]
fn a_sum_is_clipped_and_never_wraps() {
    let mut thread = Thread::new();
    for _ in 0..10 {
        thread.frame([Some(0), Some(30_000), Some(30_000)]);
    }
    assert_eq!(thread.heard(0), Law::Mu.decode(Law::Mu.encode(i16::MAX)));
}

#[test]
fn what_the_others_say_is_sent_and_never_received() {
    let mut thread = Thread::new();
    thread.legs[0].tap(1, Track::Received);
    thread.legs[0].tap(2, Track::Sent);
    for _ in 0..10 {
        thread.frame([Some(1_000), Some(4_000), None]);
    }
    thread.legs[0].close_tap(1);
    thread.legs[0].close_tap(2);
    let said = Law::Mu.decode(Law::Mu.encode(1_000));
    assert_eq!(thread.legs[0].heard(1).samples, [said; 1_600]);
    let other = Law::Mu.decode(Law::Mu.encode(4_000));
    let sent = thread.legs[0].heard(2).samples;
    assert!(sent.iter().filter(|sample| **sample == other).count() >= 1_120, "{sent:?}");
}

#[test]
fn a_prompt_of_a_leg_is_heard_over_the_bridge_and_by_that_leg_alone() {
    let mut thread = Thread::new();
    for _ in 0..10 {
        thread.frame([None, Some(1_000), None]);
    }
    thread.legs[0].play(1, vec![8_000; 1_600]);
    for _ in 0..5 {
        thread.frame([None, Some(1_000), None]);
    }
    assert!((8_500..9_500).contains(&thread.heard(0)), "{}", thread.heard(0));
    assert!((950..1_050).contains(&thread.heard(2)), "{}", thread.heard(2));
}

#[test]
fn a_leg_in_a_bridge_sends_a_frame_each_packet_time_though_nothing_is_said() {
    let mut thread = Thread::new();
    let before = thread.legs[0].sent.len();
    for _ in 0..50 {
        thread.frame([None, None, None]);
    }
    let frames = thread.legs[0].sent.len() - before;
    assert!((49..=51).contains(&frames), "{frames}");
    thread.bridges.leave(id(0));
    thread.legs[0].command(MediaCommand::Leave);
    let before = thread.legs[0].sent.len();
    for _ in 0..50 {
        thread.frame([None, Some(4_000), None]);
    }
    assert!(thread.legs[0].sent.len() - before <= 1, "the leg has left");
}

#[test]
fn what_a_leg_says_before_it_joins_or_after_it_left_reaches_no_other() {
    let mut rig = Rig::new(|_| ());
    rig.speak(&codes(320, 1));
    rig.pass(20);
    rig.command(MediaCommand::Join { bridge: BRIDGE });
    rig.speak(&codes(160, 2));
    rig.command(MediaCommand::Leave);
    rig.pass(20);
    rig.speak(&codes(160, 3));
    assert_eq!(rig.bridged, [(BRIDGE, ulaw(&codes(160, 2)))]);
}

#[test]
fn a_leg_that_only_listens_hears_the_others_and_is_heard_by_none() {
    let mut thread = Thread::new();
    thread.legs[2].command(MediaCommand::Monitor { bridge: BRIDGE });
    for _ in 0..20 {
        thread.frame([Some(1_000), Some(2_000), Some(8_000)]);
    }
    let heard = [thread.heard(0), thread.heard(1), thread.heard(2)];
    for (heard, expected) in heard.into_iter().zip([2_000, 1_000, 3_000]) {
        assert!((heard - expected).abs() < 200, "{heard} for {expected}");
    }
    thread.join(2);
    for _ in 0..20 {
        thread.frame([Some(1_000), Some(2_000), Some(8_000)]);
    }
    assert!((thread.heard(0) - 10_000).abs() < 500, "it is heard from here on: {}", thread.heard(0));
}

#[test]
fn a_leg_that_joins_again_hears_nothing_of_the_time_before() {
    for elsewhere in [None, Some(BridgeId::new(2))] {
        let mut rig = Rig::new(|_| ());
        rig.command(MediaCommand::Join { bridge: BRIDGE });
        let said = Payload::Pcm(&[8_000; 480]);
        rig.handle(Input::Bridged { from: LegId::new(2), payload: said });
        if elsewhere.is_none() {
            rig.command(MediaCommand::Leave);
            rig.handle(Input::Bridged { from: LegId::new(2), payload: said });
        }
        rig.command(MediaCommand::Join { bridge: elsewhere.unwrap_or(BRIDGE) });
        rig.pass(100);
        assert!(rig.payloads().iter().all(|code| *code == 0xff));
    }
}

#[test]
fn a_bridge_hears_the_conversation_and_no_other_stream_of_its_leg() {
    let mut rig = Rig::unagreed(|_| ());
    rig.negotiate(of((0..2).map(|local| StreamAgreement { local, ..agreed(PEER) })));
    rig.command(MediaCommand::Join { bridge: BRIDGE });
    let (other, from, arrived) = (rig.packet(&codes(160, 1)), rig.from, rig.now);
    rig.handle(Input::Datagram {
        stream: 1,
        port: Port::Rtp,
        from,
        bytes: &other,
        truncated: false,
        arrived,
    });
    assert_eq!((rig.bridged.len(), rig.stat("received_packets")), (0, 1));
    rig.audio(&codes(160, 2));
    assert_eq!(rig.bridged, [(BRIDGE, ulaw(&codes(160, 2)))]);
}

#[test]
fn too_many_speakers_are_refused_and_counted_and_a_flood_waits_in_bounded_room() {
    let mut rig = Rig::new(|_| ());
    rig.command(MediaCommand::Join { bridge: BRIDGE });
    for round in 0..100 {
        for leg in 0..20 {
            let payload = Payload::Silence { samples: 160, cause: Cause::Lost };
            rig.handle(Input::Bridged { from: LegId::new(100 + leg), payload });
        }
        if round == 0 {
            assert_eq!(rig.stat("refused_speakers"), 20 - 7);
        }
    }
    rig.pass(100);
    assert_eq!(rig.sent.len(), 6);
}

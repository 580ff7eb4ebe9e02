//! Taps against a model: any losses, duplicates and pauses, and taps that open and close anywhere among them.

mod rig;

use proptest::prelude::*;
use rig::{Rig, ulaw};
use std::collections::BTreeMap;
use tympan_media::TAPS_MAX;
use tympan_telephony::words::Track;

/// What happens next, 20 ms after what happened before.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The peer's next packet comes.
    Packet,
    /// It is lost.
    Lost,
    /// It comes twice.
    Twice,
    /// The peer sends nothing for so many frames, and its clock runs on.
    Pause(u32),
    /// A tap opens.
    Open,
    /// The oldest tap that is open closes.
    Close,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        12 => Just(Step::Packet),
        2 => Just(Step::Lost),
        1 => Just(Step::Twice),
        1 => (1..100_u32).prop_map(Step::Pause),
        1 => Just(Step::Open),
        1 => Just(Step::Close),
    ];
    proptest::collection::vec(step, 1..120)
}

/// The code that all samples of a packet have: no silence, and not that of its neighbours.
fn code(packet: usize) -> u8 {
    u8::try_from(packet % 100).expect("a byte") + 1
}

/// The packets that a run of samples holds, each of them whole.
fn packets(samples: &[i16]) -> Vec<u8> {
    let mut found = Vec::new();
    let mut rest = samples;
    while let [first, ..] = rest {
        if *first == 0 {
            rest = &rest[1..];
            continue;
        }
        let (packet, after) = rest.split_at(160);
        assert!(packet.iter().all(|sample| sample == first), "a packet is whole");
        found.push((0..=255).find(|code| ulaw(&[*code]) == [*first]).expect("a code"));
        rest = after;
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn every_tap_holds_what_came_between_its_opening_and_its_closing_and_nothing_else(steps in steps()) {
        let mut rig = Rig::new(|_| ());
        let (mut sent, mut opened, mut closed) = (0, 0, 0);
        let mut expected: BTreeMap<u64, Vec<u8>> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Packet | Step::Twice => {
                    let datagram = rig.packet(&[code(sent); 160]);
                    rig.datagram(&datagram);
                    if matches!(step, Step::Twice) {
                        rig.datagram(&datagram);
                    }
                    (closed..opened).for_each(|tap| expected.entry(tap).or_default().push(code(sent)));
                    sent += 1;
                }
                Step::Lost => {
                    let _lost = rig.packet(&[code(sent); 160]);
                    sent += 1;
                }
                Step::Pause(frames) => {
                    rig.peer.skip(160 * frames);
                    rig.pass(20 * u64::from(frames));
                }
                // A tap that is closed counts until it has handed on what waited behind a hole.
                Step::Open if (0..opened).filter(|tap| !rig.heard(*tap).closed).count() < TAPS_MAX => {
                    rig.tap(opened, Track::Received);
                    expected.entry(opened).or_default();
                    opened += 1;
                    continue;
                }
                Step::Close if closed < opened => {
                    rig.close_tap(closed);
                    closed += 1;
                    continue;
                }
                Step::Open | Step::Close => continue,
            }
            rig.pass(20);
        }
        // What waits behind a hole is given out in time, or with the end.
        rig.handle(tympan_media::Input::Ended);
        for (tap, expected) in expected {
            let heard = rig.heard(tap);
            prop_assert!(heard.closed, "tap {tap}");
            prop_assert_eq!(packets(&heard.samples), expected, "tap {}", tap);
        }
    }
}

//! What taps hand on.

mod rig;

use rig::{PEER, Rig, agreed, codes, of, ulaw};
use tympan_media::{Input, TAPS_MAX};
use tympan_telephony::audio::g711::Law;
use tympan_telephony::rtp::ledger::Cause;
use tympan_telephony::sdp::{Direction, StreamAgreement};
use tympan_telephony::words::{MediaCommand, MediaEvent, Track};
use tympan_types::TapId;

fn opened(rig: &Rig, number: u64) -> (u64, i64) {
    let found = rig.events.iter().find_map(|event| match event {
        MediaEvent::TapOpened { tap, at, lead_samples } if *tap == TapId::new(number) => {
            Some((at.as_samples(), *lead_samples))
        }
        _ => None,
    });
    found.expect("the tap was opened")
}

#[test]
fn a_tap_hands_on_every_sample_between_its_opening_and_its_closing_and_none_beside() {
    let mut rig = Rig::new(|_| ());
    rig.speak(&codes(1_600, 1));
    rig.tap(1, Track::Received);
    rig.pass(20);
    rig.speak(&codes(4_000, 2));
    rig.close_tap(1);
    rig.pass(20);
    rig.speak(&codes(800, 3));
    let heard = rig.heard(1);
    assert_eq!((heard.begin, heard.closed), (Some(opened(&rig, 1).0), true));
    assert_eq!(heard.samples, ulaw(&codes(4_000, 2)));
    assert_eq!(heard.silences, []);
}

#[test]
fn packets_that_wait_behind_a_hole_belong_to_the_side_on_which_they_came() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Received);
    rig.speak(&codes(800, 1));
    rig.pass(20);
    let lost = rig.packet(&codes(160, 2));
    rig.pass(20);
    // Two that came before the first tap closes and the second one opens, but wait for the one that is lost.
    let waiting = codes(320, 3);
    rig.speak(&waiting);
    rig.close_tap(1);
    rig.tap(2, Track::Received);
    assert!(!rig.heard(1).closed, "its last packets wait");
    rig.pass(20);
    let after = codes(1_600, 4);
    rig.speak(&after);
    drop(lost);
    let expected: Vec<i16> =
        [ulaw(&codes(800, 1)), vec![0; 160], ulaw(&waiting)].into_iter().flatten().collect();
    assert_eq!(rig.heard(1).samples, expected);
    assert!(rig.heard(1).closed);
    assert_eq!(rig.heard(1).silences, [(rig.heard(1).begin.unwrap() + 800, 160, Cause::Lost)]);
    assert_eq!(rig.heard(2).samples, ulaw(&after));
}

#[test]
fn a_tap_says_where_its_first_sample_lies_against_the_clock() {
    let mut rig = Rig::new(|_| ());
    rig.speak(&codes(8_000, 1));
    rig.tap(1, Track::Received);
    // The last packet came just now, and holds 20 ms that were spoken before: the timeline is at the clock, give or take the first packet.
    let (at, lead) = opened(&rig, 1);
    assert_eq!((at, lead), (8_000, 8_000 - 49 * 160));
    rig.pass(400);
    rig.tap(2, Track::Received);
    assert_eq!(opened(&rig, 2), (8_000, 8_000 - 49 * 160 - 3_200), "the timeline waits for the grace");
    rig.pass(2_000);
    rig.tap(3, Track::Received);
    let (_, lead) = opened(&rig, 3);
    assert!((-4_200..=-3_800).contains(&lead), "{lead}");
}

#[test]
fn several_taps_each_hand_on_their_own_part_and_keep_their_ids() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Received);
    rig.speak(&codes(800, 1));
    rig.tap(2, Track::Received);
    rig.pass(20);
    rig.speak(&codes(800, 2));
    rig.close_tap(1);
    rig.pass(20);
    rig.speak(&codes(800, 3));
    rig.close_tap(2);
    let said =
        |parts: &[usize]| -> Vec<i16> { parts.iter().flat_map(|seed| ulaw(&codes(800, *seed))).collect() };
    assert_eq!(rig.heard(1).samples, said(&[1, 2]));
    assert_eq!(rig.heard(2).samples, said(&[2, 3]));
}

#[test]
fn the_end_of_the_leg_completes_what_was_received_and_closes_every_tap() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Received);
    rig.tap(2, Track::Sent);
    rig.speak(&codes(800, 1));
    rig.pass(20);
    let _lost = rig.packet(&codes(160, 2));
    rig.pass(20);
    rig.audio(&codes(160, 3));
    rig.handle(Input::Ended);
    let heard = rig.heard(1);
    assert!(heard.closed && rig.heard(2).closed);
    assert!(heard.samples.ends_with(&ulaw(&codes(160, 3))));
    assert_eq!(rig.stat("lost_packets"), 1);
    assert_eq!(rig.session.next_deadline(), None);
    rig.audio(&codes(160, 4));
    rig.tap(3, Track::Received);
    assert_eq!(rig.heard(3).begin, None);
}

/// What the peer hears of these samples.
fn companded(samples: &[i16]) -> Vec<i16> {
    samples.iter().map(|sample| Law::Mu.decode(Law::Mu.encode(*sample))).collect()
}

#[test]
fn the_sent_track_holds_the_prompts_as_the_peer_hears_them_a_little_after_where_the_received_one_had_come_to()
{
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Received);
    rig.tap(2, Track::Sent);
    rig.speak(&codes(1_600, 1));
    let prompt: Vec<i16> = (1_000..2_600).collect();
    rig.play(1, prompt.clone());
    rig.pass(20);
    rig.speak(&codes(3_200, 2));
    rig.close_tap(1);
    rig.close_tap(2);
    let (received, sent) = (rig.heard(1), rig.heard(2));
    assert_eq!((received.begin, received.samples.len()), (sent.begin, sent.samples.len()));
    let begin = sent.samples.iter().position(|sample| *sample != 0).unwrap();
    assert_eq!(begin, 1_600 + 480);
    assert!(sent.samples[begin..begin + 1_600] == companded(&prompt));
    assert!(sent.samples[begin + 1_600..].iter().all(|sample| *sample == 0));
}

#[test]
fn a_prompt_is_whole_in_the_sent_track_while_the_far_end_is_silent() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Sent);
    let prompt: Vec<i16> = (1_001..=17_000).collect();
    rig.play(1, prompt.clone());
    rig.pass(3_000);
    rig.close_tap(1);
    let heard: Vec<i16> = rig.heard(1).samples.into_iter().filter(|sample| *sample != 0).collect();
    assert!(heard == companded(&prompt));
    assert_eq!(rig.stat("overrun_samples"), 0);
}

#[test]
fn what_is_not_sent_to_a_peer_on_hold_is_not_in_the_sent_track() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Sent);
    rig.speak(&codes(800, 1));
    rig.negotiate(of([StreamAgreement { direction: Direction::Inactive, ..agreed(PEER) }]));
    rig.play(1, vec![4_000; 1_600]);
    rig.pass(400);
    rig.close_tap(1);
    assert!(rig.heard(1).samples.iter().all(|sample| *sample == 0));
}

#[test]
fn a_tap_beyond_the_limit_is_refused_and_counted() {
    let mut rig = Rig::new(|_| ());
    for number in 0..20 {
        rig.tap(number, Track::Received);
    }
    assert_eq!(rig.stat("refused_taps"), 20 - u64::try_from(TAPS_MAX).unwrap());
    rig.audio(&codes(160, 1));
    assert_eq!(rig.heard.len(), TAPS_MAX);
    let mut unagreed = Rig::unagreed(|_| ());
    unagreed.command(MediaCommand::OpenTap { tap: TapId::new(1), track: Track::Received });
    assert_eq!((unagreed.events.len(), unagreed.stat("refused_taps")), (0, 1));
}

#[test]
fn a_tap_that_is_closed_in_a_pause_hands_on_the_pause_and_closes_at_once() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Received);
    rig.audio(&codes(160, 1));
    // No tick in between: the thread was busy.
    rig.now = rig.now.plus_ms(3_000);
    rig.close_tap(1);
    let heard = rig.heard(1);
    assert!(heard.closed);
    assert_eq!(heard.samples[..160], ulaw(&codes(160, 1)));
    assert_eq!(heard.samples.len(), 24_000 - 4_000, "up to the grace before now");
}

#[test]
fn closing_a_tap_that_is_not_open_changes_nothing() {
    let mut rig = Rig::new(|_| ());
    rig.tap(1, Track::Received);
    rig.close_tap(7);
    rig.audio(&codes(160, 1));
    rig.close_tap(1);
    rig.close_tap(1);
    let closed = rig.events.iter().filter(|event| matches!(event, MediaEvent::TapClosed { .. })).count();
    assert_eq!((closed, rig.heard(1).samples), (1, ulaw(&codes(160, 1))));
}

#[test]
fn audio_that_came_late_is_remarked_once() {
    let mut rig = Rig::new(|_| ());
    rig.speak(&codes(800, 1));
    let held: Vec<Vec<u8>> = (0..5).map(|seed| rig.packet(&codes(160, seed))).collect();
    rig.pass(1_000);
    assert_eq!(rig.session.take_remarks().count(), 0, "silence is no remark");
    held.iter().for_each(|packet| rig.datagram(packet));
    rig.pass(100);
    let remarks: Vec<_> = rig.session.take_remarks().map(|entry| (entry.cause, entry.samples > 0)).collect();
    assert_eq!(remarks, [(Cause::Late, true)]);
    assert_eq!(rig.session.take_remarks().count(), 0);
}

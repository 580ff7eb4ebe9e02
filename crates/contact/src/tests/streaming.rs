use super::flows::{action, flow, hang_up, say, start, start_and_talk, stop, streaming};
use super::rig::{LEG, Rig, ledger, number, stream};
use crate::{CaptureEvent, Effect, EndedBy, Input, LegEvent, Phase, Stage};
use serde_json::json;
use tympan_telephony::rtp::ledger::{Cause, Total};
use tympan_telephony::words::Tracks;
use tympan_types::CaptureId;

#[test]
fn without_live_media_streaming_the_start_block_errs_and_says_why() {
    let mut rig = Rig::new(&start_and_talk());
    *rig.settings.streaming.lock().unwrap() = None;
    rig.leg(LegEvent::Confirmed);
    assert_eq!(rig.said(), "sorry");
    assert!(rig.reasons()[0].contains("not enabled"), "{:?}", rig.reasons());
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::OpenCapture { .. })));
    assert_eq!(rig.live.phase(), Phase::Live);
}

#[test]
fn settings_count_from_the_next_start_block_on() {
    let document = flow(&[say("wait", "wait", "start"), start("start", "wait", "wait")]);
    let mut rig = Rig::answered(&document);
    rig.settings.streaming.lock().unwrap().as_mut().unwrap().retention_hours = 7;
    rig.prompt_plays();
    let hours = rig.find(|effect| match effect {
        Effect::OpenCapture { request, .. } => Some(request.settings.retention_hours),
        _ => None,
    });
    assert_eq!(hours, Some(7));
}

#[test]
fn a_reached_quota_takes_the_error_branch_with_its_reason() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture(CaptureEvent::Failed { reason: "no stream is free".to_owned() });
    assert_eq!(rig.said(), "sorry");
    assert_eq!(rig.reasons(), ["no stream is free"]);
    assert_eq!(rig.audio(), None);
    assert_eq!(rig.live.phase(), Phase::Live);
}

#[test]
fn a_start_block_waits_five_seconds_for_the_lead_in_and_no_longer() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    assert_eq!(rig.deadline_ms(), Some(5_000));
    rig.wait_for_deadline();
    assert_eq!(rig.said(), "sorry");
    assert!(rig.reasons()[0].contains("within 5000 ms"), "{:?}", rig.reasons());
    let abandoned = |effect: &Effect| matches!(effect, Effect::AbandonCapture { leg: LEG, .. });
    assert_eq!(rig.count(abandoned), 1);
    assert_eq!(rig.audio(), None);
}

#[test]
fn fragments_that_come_to_a_stream_after_the_start_block_has_failed_are_in_the_record() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    let began = rig.now.wall;
    rig.wait_for_deadline();
    let failed = rig.now.wall;
    rig.wait_ms(10);
    rig.capture(CaptureEvent::Acknowledged { number: number(1) });
    rig.capture(CaptureEvent::Acknowledged { number: number(6) });
    rig.capture(CaptureEvent::Closed);
    let audio = rig.audio().unwrap();
    assert_eq!((audio.start_fragment_number, audio.stop_fragment_number), (number(1), Some(number(6))));
    assert_eq!((audio.start_timestamp, audio.stop_timestamp), (began, Some(failed)));
    assert!(matches!(rig.effects.last(), Some(Effect::Persist { stage: Stage::Changed, .. })));
}

#[test]
fn what_a_failed_start_block_left_does_not_hide_the_capture_that_runs() {
    let document = flow(&[start("a", "on", "b"), start("b", "on", "end"), say("on", "on", "end"), hang_up()]);
    let mut rig = Rig::answered(&document);
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.wait_for_deadline();
    assert_eq!(rig.last_capture(), CaptureId::new(2));
    rig.capture(CaptureEvent::Opened { stream: stream(2) });
    rig.capture(CaptureEvent::Acknowledged { number: number(1_001) });
    rig.capture_late(1, CaptureEvent::Acknowledged { number: number(1) });
    let streams: Vec<_> = rig.live.contact().captures.iter().map(|audio| audio.stream_arn.clone()).collect();
    assert_eq!(streams, [stream(1), stream(2)]);
    assert!(rig.audio().unwrap().is_running());
    rig.hung_up();
    rig.capture(CaptureEvent::Closed);
    assert_eq!(rig.live.phase(), Phase::Ending, "what the failed block left is logged too");
    rig.capture_late(1, CaptureEvent::Closed);
    assert!(rig.ended().captures.iter().all(|audio| audio.stop_fragment_number.is_some()));
}

#[test]
fn an_upload_that_opens_after_its_start_block_has_failed_is_dropped_unused() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.wait_for_deadline();
    rig.take();
    rig.capture_late(1, CaptureEvent::Opened { stream: stream(1) });
    let dropped = |effect: &Effect| matches!(effect, Effect::DropUpload { capture } if capture.number() == 1);
    assert!(rig.effects.len() == 1 && rig.count(dropped) == 1, "{:?}", rig.effects);
    rig.capture_late(1, CaptureEvent::Acknowledged { number: number(1) });
    assert_eq!((rig.effects.len(), rig.audio()), (1, None));
}

#[test]
fn an_attempt_to_go_on_that_opens_late_belongs_to_the_capture_that_broke() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    assert_eq!(rig.last_capture(), CaptureId::new(2));
    while rig.reasons().len() < 2 {
        rig.wait_for_deadline();
    }
    assert_eq!(rig.count(|effect| matches!(effect, Effect::AbandonCapture { .. })), 0);
    // Its upload opens after all, and holds what was said meanwhile.
    rig.capture_late(2, CaptureEvent::Opened { stream: stream(1) });
    let attached =
        |effect: &Effect| matches!(effect, Effect::AttachUpload { capture, .. } if capture.number() == 2);
    assert_eq!(rig.count(attached), 1);
    rig.capture_late(2, CaptureEvent::Acknowledged { number: number(1_004) });
    assert!(rig.audio().unwrap().is_running());
    rig.hung_up();
    rig.capture_late(2, CaptureEvent::Acknowledged { number: number(1_005) });
    let [audio] = rig.live.contact().captures.as_slice() else { panic!("one entry") };
    assert_eq!(audio.stop_fragment_number, Some(number(1_005)));
}

#[test]
fn an_attempt_to_go_on_that_opens_late_in_another_stream_is_an_entry_of_its_own() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    while rig.reasons().len() < 2 {
        rig.wait_for_deadline();
    }
    rig.capture_late(2, CaptureEvent::Opened { stream: stream(2) });
    rig.capture_late(2, CaptureEvent::Acknowledged { number: number(1) });
    rig.hung_up();
    let contact = rig.live.contact();
    let streams: Vec<_> = contact.captures.iter().map(|audio| audio.stream_arn.clone()).collect();
    assert_eq!(streams, [stream(1), stream(2)]);
    assert!(contact.captures.iter().all(|audio| audio.stop_fragment_number == Some(number(1))));
}

#[test]
fn a_contact_that_ends_gives_up_all_its_captures_at_one_time() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    while rig.reasons().len() < 2 {
        rig.wait_for_deadline();
    }
    // The attempt that took too long has its upload after all, and the next one is under way.
    rig.capture_late(2, CaptureEvent::Opened { stream: stream(1) });
    while rig.last_capture() != CaptureId::new(3) {
        rig.wait_for_deadline();
    }
    rig.hung_up();
    assert_eq!(rig.live.phase(), Phase::Ending, "both may still say what they hold");
    rig.wait_for_deadline();
    assert_eq!((rig.live.phase(), rig.live.next_deadline()), (Phase::Over, None));
}

#[test]
fn captures_that_close_are_remembered_up_to_a_limit() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    // Each attempt to go on has an upload, and takes too long.
    let mut opened = 1;
    while rig.last_capture().number() < 12 {
        if rig.last_capture().number() > opened {
            opened = rig.last_capture().number();
            rig.capture(CaptureEvent::Opened { stream: stream(2) });
        }
        rig.wait_for_deadline();
        if rig.said() == "talk" {
            rig.prompt_plays();
        }
    }
    rig.take();
    rig.capture_late(2, CaptureEvent::Opened { stream: stream(2) });
    assert_eq!(rig.count(|effect| matches!(effect, Effect::DropUpload { .. })), 1, "forgotten");
    let entries = rig.live.contact().captures.len();
    rig.capture_late(11, CaptureEvent::Acknowledged { number: number(11) });
    assert_eq!(rig.live.contact().captures.len(), entries + 1, "remembered");
}

/// What the ledger of the only entry says that was not captured: runs, and samples.
fn not_captured(contact: &crate::Contact) -> Total {
    let [audio] = contact.captures.as_slice() else { panic!("one entry: {:?}", contact.captures) };
    audio.ledger.as_ref().map(|ledger| ledger.total(Cause::Break)).unwrap_or_default()
}

#[test]
fn an_attempt_to_go_on_captures_while_its_upload_is_late_and_nothing_is_lost() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    let broke = rig.now;
    while rig.reasons().len() < 2 {
        rig.wait_for_deadline();
    }
    assert!(
        rig.reasons()[1].contains("within 5000 ms"),
        "the log says that it takes long: {:?}",
        rig.reasons()
    );
    rig.wait_ms(14_999 - rig.now.mono.ms_since(broke.mono));
    assert_eq!(rig.count(|effect| matches!(effect, Effect::AbandonCapture { .. })), 0);
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.capture(CaptureEvent::Acknowledged { number: number(2) });
    assert_eq!(rig.last_capture(), CaptureId::new(2));
    rig.hung_up();
    rig.capture(CaptureEvent::Closed);
    assert_eq!(not_captured(&rig.ended()), Total::default());
}

#[test]
fn what_no_attempt_to_go_on_brought_is_in_the_ledger() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    let broke = rig.now;
    while rig.last_capture() != CaptureId::new(3) {
        rig.wait_for_deadline();
    }
    assert_eq!(
        rig.now.mono.ms_since(broke.mono),
        16_000,
        "an attempt takes fifteen seconds at most, a pause one"
    );
    assert_eq!(rig.count(|effect| matches!(effect, Effect::AbandonCapture { .. })), 1);
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.capture(CaptureEvent::Acknowledged { number: number(2) });
    assert_eq!(not_captured(rig.live.contact()), Total { count: 1, samples: 128_000 });
    rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
    rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
    rig.wait_ms(500);
    rig.hung_up();
    assert_eq!(not_captured(rig.live.contact()), Total { count: 2, samples: 132_000 }, "up to the end");
}

#[test]
fn an_attempt_to_go_on_that_ends_with_the_call_and_brings_nothing_is_in_the_ledger() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    rig.wait_ms(2_000);
    rig.hung_up();
    assert_eq!(not_captured(rig.live.contact()), Total::default(), "it may come yet");
    rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
    assert_eq!(not_captured(&rig.ended()), Total { count: 1, samples: 16_000 });
}

#[test]
fn a_second_start_succeeds_with_the_same_values() {
    let document = flow(&[
        start("a", "talk", "end"),
        say("talk", "talk", "b"),
        start("b", "on", "end"),
        say("on", "still on", "end"),
        hang_up(),
    ]);
    let mut rig = Rig::answered(&document);
    rig.capture_runs();
    let before = rig.audio().cloned();
    rig.prompt_plays();
    assert_eq!(rig.said(), "still on");
    assert_eq!(rig.audio().cloned(), before);
    assert_eq!(rig.last_capture(), CaptureId::new(1));
}

#[test]
fn a_second_start_that_asks_for_more_goes_on_at_that_sample_with_both_tracks_in_one_entry() {
    let document = flow(&[
        start("a", "talk", "end"),
        say("talk", "talk", "b"),
        streaming("b", "Enabled", &["From", "To"], "on", "end"),
        say("on", "both", "end"),
        hang_up(),
    ]);
    let mut rig = Rig::answered(&document);
    rig.capture_runs();
    let first = rig.audio().cloned();
    rig.prompt_plays();
    let captures: Vec<String> = rig
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::OpenCapture { capture, request, .. } => {
                Some(format!("open {capture} {}", request.tracks.to_customer))
            }
            Effect::CloseCapture { capture, .. } => Some(format!("close {capture}")),
            _ => None,
        })
        .collect();
    assert_eq!(captures, ["open capture-1 false", "close capture-1", "open capture-2 true"]);
    assert_eq!(rig.said(), "talk", "the block waits until the lead-in is safe");
    rig.capture_late(2, CaptureEvent::Opened { stream: stream(1) });
    rig.capture_late(2, CaptureEvent::Acknowledged { number: number(5) });
    assert_eq!((rig.said().as_str(), rig.audio().cloned()), ("both", first));
    rig.capture_late(1, CaptureEvent::Acknowledged { number: number(2) });
    rig.capture_late(1, CaptureEvent::Closed);
    rig.hung_up();
    rig.capture_late(2, CaptureEvent::Acknowledged { number: number(6) });
    rig.capture_late(2, CaptureEvent::Closed);
    let contact = rig.ended();
    assert_eq!(contact.captures.len(), 1);
    assert_eq!(contact.captures[0].stop_fragment_number, Some(number(6)));
}

#[test]
fn a_stop_without_start_succeeds() {
    let document = flow(&[stop("stop", "on"), say("on", "on", "end"), hang_up()]);
    let mut rig = Rig::answered(&document);
    assert_eq!(rig.said(), "on");
    rig.hung_up();
    assert_eq!(rig.ended().captures, []);
}

#[test]
fn a_start_after_a_stop_is_a_capture_of_its_own() {
    let document = flow(&[
        start("a", "b", "end"),
        stop("b", "c"),
        start("c", "on", "end"),
        say("on", "on", "end"),
        hang_up(),
    ]);
    let mut rig = Rig::answered(&document);
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    assert_eq!(rig.last_capture(), CaptureId::new(2));
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.capture(CaptureEvent::Acknowledged { number: number(1_001) });
    let audio = rig.audio().unwrap();
    assert_eq!((audio.start_fragment_number, audio.stop_fragment_number), (number(1_001), None));
    rig.hung_up();
    rig.capture(CaptureEvent::Closed);
    let contact = rig.ended();
    let spans: Vec<_> = contact
        .captures
        .iter()
        .map(|capture| (capture.start_fragment_number, capture.stop_fragment_number))
        .collect();
    // Nothing was acknowledged after the lead-ins: they are the last fragments that exist.
    assert_eq!(spans, [(number(1), Some(number(1))), (number(1_001), Some(number(1_001)))]);
}

#[test]
fn a_stop_block_waits_two_seconds_and_then_goes_on_with_the_last_fragment_known() {
    let document = flow(&[start("a", "b", "end"), stop("b", "on"), say("on", "on", "end"), hang_up()]);
    let mut rig = Rig::answered(&document);
    rig.capture_runs();
    let stopped = rig.now.wall;
    assert_eq!(rig.deadline_ms(), Some(2_000));
    rig.wait_for_deadline();
    assert_eq!(rig.said(), "on");
    assert_eq!(rig.audio().unwrap().stop_fragment_number, Some(number(1)));
    // The last word may come late; it still counts.
    rig.capture(CaptureEvent::Acknowledged { number: number(2) });
    rig.capture(CaptureEvent::Closed);
    let audio = rig.audio().unwrap();
    assert_eq!((audio.stop_fragment_number, audio.stop_timestamp), (Some(number(2)), Some(stopped)));
    assert!(matches!(rig.effects.last(), Some(Effect::Persist { stage: Stage::Changed, .. })));
}

#[test]
fn a_record_waits_for_a_capture_that_a_stop_block_has_given_up() {
    let document = flow(&[start("a", "b", "end"), stop("b", "on"), say("on", "on", "end"), hang_up()]);
    let mut rig = Rig::answered(&document);
    rig.capture_runs();
    rig.wait_for_deadline();
    assert_eq!(rig.said(), "on");
    rig.leg(LegEvent::Ended(EndedBy::Peer));
    assert_eq!(rig.live.phase(), Phase::Ending, "its last fragments may still become safe");
    rig.capture(CaptureEvent::Acknowledged { number: number(2) });
    rig.capture(CaptureEvent::Finished { ledger: ledger(160) });
    rig.capture(CaptureEvent::Closed);
    assert_eq!(rig.ended().captures[0].stop_fragment_number, Some(number(2)));

    let mut rig = Rig::answered(&document);
    rig.capture_runs();
    rig.wait_for_deadline();
    rig.leg(LegEvent::Ended(EndedBy::Peer));
    rig.wait_for_deadline();
    assert_eq!(rig.ended().captures[0].stop_fragment_number, Some(number(1)), "no longer than its limit");
}

#[test]
fn the_capture_goes_on_in_another_flow() {
    let transfer = action("go", "TransferToFlow", json!({ "ContactFlowId": "second" }), "", "lost");
    let first = flow(&[start("start", "go", "end"), transfer, say("lost", "lost", "end"), hang_up()]);
    let second = flow(&[say("there", "there", "stop"), stop("stop", "end"), hang_up()]);
    let mut rig = Rig::with(&first, vec![("second", second)]);
    rig.leg(LegEvent::Confirmed);
    rig.capture_runs();
    assert_eq!(rig.said(), "there");
    assert!(!rig.effects.iter().any(|effect| matches!(effect, Effect::CloseCapture { .. })));
    assert!(rig.audio().unwrap().is_running());
    rig.prompt_plays();
    rig.capture(CaptureEvent::Closed);
    assert_eq!(rig.ended().captures.len(), 1);

    let mut lost = Rig::answered(&first);
    lost.capture_runs();
    assert_eq!(lost.said(), "lost");
    assert!(lost.reasons()[0].contains("no published flow"), "{:?}", lost.reasons());
}

#[test]
fn what_the_customer_hears_can_be_stopped_alone() {
    let document = flow(&[
        streaming("a", "Enabled", &["To", "From"], "b", "end"),
        streaming("b", "Disabled", &["To"], "talk", "end"),
        say("talk", "talk", "c"),
        stop("c", "end"),
        hang_up(),
    ]);
    let mut rig = Rig::answered(&document);
    rig.capture_runs();
    let only = rig.find(|effect| match effect {
        Effect::CaptureOnly { tracks, .. } => Some(*tracks),
        _ => None,
    });
    assert_eq!(only, Some(Tracks::FROM_CUSTOMER));
    assert!(rig.audio().unwrap().is_running());
    rig.prompt_plays();
    assert!(!rig.audio().unwrap().is_running());
}

#[test]
fn a_capture_that_breaks_is_tried_again_and_the_call_goes_on() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Acknowledged { number: number(2) });
    rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
    assert_eq!(rig.reasons(), ["disk full"]);
    assert_eq!(rig.last_capture(), CaptureId::new(2), "at once");
    rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
    let retry_at = rig.now.mono.plus_ms(1_000);
    while rig.now.mono < retry_at {
        rig.wait_for_deadline();
    }
    assert_eq!(rig.last_capture(), CaptureId::new(3));
    assert!(rig.audio().unwrap().is_running());
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.capture(CaptureEvent::Acknowledged { number: number(1_001) });
    rig.capture(CaptureEvent::Acknowledged { number: number(1_002) });
    rig.hung_up();
    rig.capture(CaptureEvent::Closed);
    let contact = rig.ended();
    let [audio] = contact.captures.as_slice() else {
        panic!("one entry spans the break: {:?}", contact.captures)
    };
    assert_eq!(audio.start_fragment_number, number(1));
    assert_eq!(audio.stop_fragment_number, Some(number(1_002)));
}

#[test]
fn a_capture_that_goes_on_in_another_stream_has_two_entries() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    let broke = rig.now.wall;
    rig.wait_ms(10);
    rig.capture(CaptureEvent::Opened { stream: stream(2) });
    rig.capture(CaptureEvent::Acknowledged { number: number(5) });
    rig.hung_up();
    rig.capture(CaptureEvent::Closed);
    let contact = rig.ended();
    let spans: Vec<_> = contact
        .captures
        .iter()
        .map(|audio| (audio.stream_arn.clone(), audio.start_fragment_number, audio.stop_fragment_number))
        .collect();
    assert_eq!(spans, [(stream(1), number(1), Some(number(1))), (stream(2), number(5), Some(number(5)))]);
    assert_eq!(contact.captures[0].stop_timestamp, Some(broke));
}

#[test]
fn a_call_that_ends_during_the_start_block_still_records_what_was_captured() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.hung_up();
    assert_eq!(rig.live.phase(), Phase::Ending);
    let ended = rig.now.wall;
    rig.wait_ms(30);
    rig.capture(CaptureEvent::Acknowledged { number: number(1) });
    rig.capture(CaptureEvent::Acknowledged { number: number(2) });
    rig.capture(CaptureEvent::Closed);
    let contact = rig.ended();
    let audio = contact.customer_audio().unwrap();
    assert_eq!((audio.start_fragment_number, audio.stop_fragment_number), (number(1), Some(number(2))));
    assert_eq!((audio.stop_timestamp, contact.disconnect_timestamp), (Some(ended), Some(ended)));
}

#[test]
fn a_record_is_closed_when_the_last_fragment_is_safe_or_after_five_seconds() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.hung_up();
    assert_eq!(rig.live.phase(), Phase::Ending);
    assert_eq!(rig.deadline_ms(), Some(5_000));
    rig.wait_for_deadline();
    assert_eq!(rig.ended().customer_audio().unwrap().stop_fragment_number, Some(number(1)));
    assert_eq!(rig.live.next_deadline(), None);
    // A straggler amends the record.
    rig.take();
    rig.capture_late(1, CaptureEvent::Acknowledged { number: number(2) });
    let [(stage, contact)] = rig.states().try_into().unwrap();
    assert_eq!(stage, Stage::Changed);
    assert_eq!(contact.customer_audio().unwrap().stop_fragment_number, Some(number(2)));
}

#[test]
fn the_ledger_of_a_capture_is_kept_with_the_contact() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    assert_eq!(rig.audio().unwrap().ledger, None);
    rig.hung_up();
    // Whichever comes first, both are waited for.
    rig.handle(Input::Capture { capture: CaptureId::new(1), event: CaptureEvent::Closed });
    assert_eq!(rig.live.phase(), Phase::Ending);
    let finished = CaptureEvent::Finished { ledger: ledger(16_000) };
    rig.handle(Input::Capture { capture: CaptureId::new(1), event: finished });
    assert_eq!(rig.ended().customer_audio().unwrap().ledger, Some(ledger(16_000)));
}

#[test]
fn a_ledger_that_does_not_come_holds_no_contact_open_for_longer_than_a_session() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.hung_up();
    rig.handle(Input::Capture { capture: CaptureId::new(1), event: CaptureEvent::Closed });
    rig.wait_for_deadline();
    assert_eq!(rig.ended().customer_audio().unwrap().ledger, None);
}

#[test]
fn the_ledgers_of_a_capture_that_broke_and_of_the_one_that_went_on_are_one() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Closed);
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.capture(CaptureEvent::Acknowledged { number: number(1_001) });
    rig.hung_up();
    rig.capture(CaptureEvent::Closed);
    let contact = rig.ended();
    let [audio] = contact.captures.as_slice() else { panic!("{:?}", contact.captures) };
    let mut both = ledger(8_000);
    both.append(&ledger(8_000));
    assert_eq!(audio.ledger, Some(both));
}

#[test]
fn the_ledger_of_a_capture_that_was_stopped_before_its_lead_in_was_safe_waits_for_its_entry() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.hung_up();
    rig.capture_late(1, CaptureEvent::Finished { ledger: ledger(800) });
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.capture(CaptureEvent::Acknowledged { number: number(1) });
    rig.capture(CaptureEvent::Closed);
    assert_eq!(rig.ended().customer_audio().unwrap().ledger, Some(ledger(800)));
}

#[test]
fn a_row_without_a_ledger_is_read_as_one_that_has_none() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    let audio = rig.audio().unwrap();
    let row = serde_json::to_string(audio).unwrap();
    assert!(!row.contains("ledger"), "{row}");
    assert_eq!(&serde_json::from_str::<crate::CustomerAudio>(&row).unwrap(), audio);
}

#[test]
fn an_upload_that_ends_before_its_first_fragment_is_safe_has_not_started() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.capture(CaptureEvent::Closed);
    assert_eq!(rig.said(), "sorry");
    assert!(rig.reasons()[0].contains("before its first fragment"), "{:?}", rig.reasons());
    assert_eq!(rig.count(|effect| matches!(effect, Effect::AbandonCapture { leg: LEG, .. })), 1);
}

#[test]
fn an_acknowledgement_of_no_stream_says_nothing() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture(CaptureEvent::Acknowledged { number: number(1) });
    assert_eq!((rig.audio(), rig.said().as_str()), (None, ""));
    rig.capture_runs();
    assert!(rig.audio().is_some());
}

/// The capture has broken; the call hangs up before another attempt runs.
fn hung_up_after_a_break(broken: bool) -> Rig {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Acknowledged { number: number(2) });
    rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
    if broken {
        rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
    }
    rig.wait_ms(10);
    rig.hung_up();
    rig
}

#[test]
fn a_contact_that_ends_while_a_capture_is_tried_again_is_recorded_up_to_the_break() {
    for broken in [true, false] {
        let mut rig = hung_up_after_a_break(broken);
        if rig.live.phase() == Phase::Ending {
            rig.wait_for_deadline();
        }
        let contact = rig.ended();
        let audio = contact.customer_audio().unwrap();
        assert_eq!(
            (audio.stop_fragment_number, audio.stop_timestamp),
            (Some(number(2)), Some(rig_end(&contact)))
        );
        let opened = rig.count(|effect| matches!(effect, Effect::OpenCapture { .. }));
        let over =
            |effect: &Effect| matches!(effect, Effect::CloseCapture { .. } | Effect::AbandonCapture { .. });
        assert_eq!((opened, rig.count(over)), (2, 2));
    }
}

fn rig_end(contact: &crate::Contact) -> tympan_types::WallTime {
    contact.disconnect_timestamp.unwrap()
}

#[test]
fn what_an_attempt_that_is_tried_again_still_brings_is_recorded_with_the_capture_that_broke() {
    let mut rig = hung_up_after_a_break(false);
    assert_eq!(rig.live.phase(), Phase::Ending);
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    rig.capture(CaptureEvent::Acknowledged { number: number(1_001) });
    rig.wait_for_deadline();
    let contact = rig.ended();
    let [audio] = contact.captures.as_slice() else { panic!("one entry: {:?}", contact.captures) };
    assert_eq!(audio.stop_fragment_number, Some(number(1_001)));
}

#[test]
fn the_pauses_between_attempts_double_up_to_sixteen_seconds() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
    let mut pauses = Vec::new();
    for _ in 0..7 {
        rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
        let (before, capture) = (rig.now, rig.last_capture());
        while rig.last_capture() == capture {
            rig.wait_for_deadline();
        }
        pauses.push(rig.now.mono.ms_since(before.mono));
    }
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 16_000, 16_000]);
}

#[test]
fn tracks_that_were_stopped_stay_so_after_a_break() {
    let document = flow(&[
        streaming("a", "Enabled", &["To", "From"], "talk", "end"),
        say("talk", "talk", "b"),
        streaming("b", "Disabled", &["To"], "on", "end"),
        say("on", "on", "end"),
        hang_up(),
    ]);
    let mut rig = Rig::answered(&document);
    rig.capture_runs();
    rig.prompt_begins();
    rig.capture(CaptureEvent::Closed);
    rig.capture(CaptureEvent::Failed { reason: "disk full".to_owned() });
    rig.take();
    // The capture is broken: there is none to be told.
    rig.prompt_plays_on();
    assert_eq!(rig.count(|effect| matches!(effect, Effect::CaptureOnly { .. })), 0);
    while rig.count(|effect| matches!(effect, Effect::OpenCapture { .. })) == 0 {
        rig.wait_for_deadline();
    }
    let tracks = rig.find(|effect| match effect {
        Effect::OpenCapture { request, .. } => Some(request.tracks),
        _ => None,
    });
    assert_eq!(tracks, Some(Tracks::FROM_CUSTOMER));
}

#[test]
fn a_stop_of_what_is_not_captured_stops_nothing() {
    let document = flow(&[
        start("a", "b", "end"),
        streaming("b", "Disabled", &["To"], "talk", "end"),
        say("talk", "talk", "end"),
        hang_up(),
    ]);
    let mut rig = Rig::answered(&document);
    rig.capture_runs();
    assert_eq!(rig.said(), "talk");
    assert!(rig.audio().unwrap().is_running());
    assert_eq!(rig.count(|effect| matches!(effect, Effect::CaptureOnly { .. })), 0, "nothing has changed");
}

use super::flows::{flow, hang_up, say, set, start_and_talk};
use super::rig::{LEG, Rig};
use crate::{DisconnectReason, EndedBy, HistoryError, Input, LegEvent, Phase, REQUESTS_MAX, Reply, Stage};
use serde_json::json;
use tympan_telephony::words::MediaEvent;

#[test]
fn attributes_that_the_api_sets_are_answered_when_the_contact_is_written_with_them() {
    let mut rig = Rig::new(&start_and_talk());
    let early = rig.set_attributes("k", "early");
    assert_eq!(rig.reply(early), None, "the contact is not written before the call is up");
    rig.leg(LegEvent::Confirmed);
    assert_eq!(rig.reply(early), Some(Reply::Set));
    let request = rig.set_attributes("k", "v");
    assert_eq!(rig.reply(request), Some(Reply::Set));
    let (stage, contact) = rig.states().pop().unwrap();
    assert_eq!((stage, contact.attributes.value("k")), (Stage::Changed, Some("v")));
    rig.hung_up();
    let ending = rig.set_attributes("k", "ending");
    assert_eq!(rig.reply(ending), Some(Reply::Set));
    rig.wait_for_deadline();
    assert_eq!(rig.ended().attributes.value("k"), Some("ending"));
    let late = rig.set_attributes("k", "late");
    assert_eq!(rig.reply(late), Some(Reply::Over));
}

#[test]
fn attributes_that_are_too_large_change_nothing() {
    let mut rig = Rig::answered(&start_and_talk());
    let request = rig.set_attributes("k", &"x".repeat(crate::MAX_ATTRIBUTES_BYTES));
    assert!(matches!(rig.reply(request), Some(Reply::TooLarge(_))));
    assert!(rig.live.contact().attributes.is_empty());
}

#[test]
fn a_caller_who_gives_up_before_the_call_is_up_leaves_no_record() {
    for by_caller in [true, false] {
        let mut rig = Rig::new(&start_and_talk());
        let request = rig.set_attributes("k", "v");
        if by_caller {
            rig.leg(LegEvent::Ended(EndedBy::Cancelled));
        } else {
            rig.handle(Input::Stop);
        }
        assert!(rig.live.is_over());
        assert_eq!(rig.states(), []);
        assert_eq!(rig.hangups().len(), usize::from(!by_caller));
        assert_eq!(rig.reply(request), Some(Reply::Over), "no state will hold it");
    }
}

#[test]
fn a_caller_whose_bye_overtakes_the_acknowledgement_leaves_a_record_of_a_call_that_was_up() {
    let mut rig = Rig::new(&start_and_talk());
    rig.hung_up();
    rig.wait_for_deadline();
    let ended = rig.ended();
    assert_eq!(ended.disconnect_reason, Some(DisconnectReason::CustomerDisconnect));
    assert_eq!(ended.connected_to_system_timestamp, ended.disconnect_timestamp);
}

#[test]
fn an_answer_that_is_never_acknowledged_leaves_a_record() {
    for says_so in [true, false] {
        let mut rig = Rig::new(&start_and_talk());
        if says_so {
            rig.leg(LegEvent::Ended(EndedBy::Failure));
        } else {
            rig.wait_for_deadline();
        }
        let ended = rig.ended();
        assert_eq!(ended.disconnect_reason, Some(DisconnectReason::TelecomProblem));
        assert_eq!(
            (ended.connected_to_system_timestamp, ended.disconnect_timestamp),
            (None, Some(rig.now.wall))
        );
        assert_eq!(rig.hangups().len(), usize::from(!says_so));
    }
}

#[test]
fn stop_contact_and_a_server_going_down_end_the_contact() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.handle(Input::Stop);
    assert_eq!(rig.hangups(), [DisconnectReason::Other]);
    rig.wait_for_deadline();
    assert_eq!(rig.ended().disconnect_reason, Some(DisconnectReason::Other));

    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    let until = rig.now.mono.plus_ms(3_000);
    rig.handle(Input::Drain { until });
    assert_eq!(rig.live.phase(), Phase::Live);
    while rig.now.mono < until {
        rig.wait_for_deadline();
    }
    assert_eq!(rig.now.mono, until);
    assert_eq!(rig.hangups(), [DisconnectReason::Other]);
}

#[test]
fn a_drain_ends_a_call_that_is_not_up_yet() {
    let mut rig = Rig::new(&start_and_talk());
    rig.handle(Input::Drain { until: rig.now.mono });
    assert_eq!((rig.live.phase(), rig.hangups()), (Phase::Over, vec![DisconnectReason::Other]));
}

#[test]
fn the_flow_log_tells_a_vanished_caller_from_a_network_that_failed() {
    use DisconnectReason::{CustomerDisconnect, Other, TelecomProblem};
    let ends: [(Input, DisconnectReason, &str); 6] = [
        (ended(EndedBy::Peer), CustomerDisconnect, ""),
        (ended(EndedBy::Failure), TelecomProblem, ""),
        (ended(EndedBy::SessionExpired), TelecomProblem, "session was not refreshed"),
        (ended(EndedBy::TooLong), Other, "as long as its trunk allows"),
        (Input::Media { leg: LEG, event: MediaEvent::MediaTimedOut }, TelecomProblem, "media time-out"),
        (Input::Leg { leg: LEG, event: LegEvent::MediaLost }, TelecomProblem, "fallen too far behind"),
    ];
    for (input, reason, remark) in ends {
        let mut rig = Rig::answered(&start_and_talk());
        rig.capture_runs();
        rig.take();
        let is_known = matches!(&input, Input::Leg { event: LegEvent::Ended(_), .. });
        rig.handle(input);
        rig.wait_for_deadline();
        assert_eq!(rig.ended().disconnect_reason, Some(reason));
        assert_eq!(rig.hangups().len(), usize::from(!is_known), "{reason}");
        match rig.reasons().as_slice() {
            [] => assert_eq!(remark, ""),
            [one] => assert!(!remark.is_empty() && one.contains(remark), "{one}"),
            more => panic!("{more:?}"),
        }
    }
}

fn ended(by: EndedBy) -> Input {
    Input::Leg { leg: LEG, event: LegEvent::Ended(by) }
}

#[test]
fn a_flow_that_runs_in_circles_is_ended_politely() {
    let document = flow(&[set("a", json!({ "k": "v" }), "a"), say("set failed", "sorry", "end"), hang_up()]);
    let mut rig = Rig::answered(&document);
    assert_eq!(rig.said(), "sorry");
    assert!(rig.reasons()[0].contains("1000 blocks"), "{:?}", rig.reasons());
    rig.prompt_plays();
    assert_eq!(rig.hangups(), [DisconnectReason::ContactFlowDisconnect]);
    rig.ended();
}

#[test]
fn a_flow_of_nothing_but_its_end_leaves_a_record() {
    let rig = Rig::answered(&flow(&[hang_up()]));
    assert_eq!(rig.hangups(), [DisconnectReason::ContactFlowDisconnect]);
    rig.ended();
}

#[test]
fn a_contact_that_is_ending_is_not_ended_again() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    rig.handle(Input::Stop);
    assert_eq!(rig.live.phase(), Phase::Ending);
    rig.take();
    for input in [Input::Stop, Input::Drain { until: rig.now.mono }, ended(EndedBy::Us), ended(EndedBy::Peer)]
    {
        rig.handle(input);
    }
    assert!(rig.effects.is_empty(), "{:?}", rig.effects);
    rig.wait_for_deadline();
    assert_eq!(rig.ended().disconnect_reason, Some(DisconnectReason::Other));
    rig.take();
    for input in [Input::Stop, ended(EndedBy::Failure), Input::TimePassed] {
        rig.handle(input);
    }
    assert!(rig.effects.is_empty() && rig.live.is_over());
}

#[test]
fn a_contact_is_over_when_its_last_state_is_written() {
    let mut rig = Rig::answered(&flow(&[say("a", "a", "end"), hang_up()]));
    rig.held = Some(Vec::new());
    rig.prompt_plays();
    assert_eq!((rig.live.phase(), rig.live.is_over()), (Phase::Over, false));
    let late = rig.set_attributes("k", "v");
    assert_eq!(rig.reply(late), None);
    rig.written(Ok(()));
    assert!(rig.live.is_over());
    assert_eq!(rig.reply(late), Some(Reply::Over), "the history has the last state, and takes late changes");
}

#[test]
fn more_requests_than_may_wait_are_refused_and_change_nothing() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.held = Some(Vec::new());
    let requests: Vec<_> = (0..REQUESTS_MAX).map(|n| rig.set_attributes("k", &n.to_string())).collect();
    let refused = rig.set_attributes("k", "refused");
    assert_eq!(rig.reply(refused), Some(Reply::Busy));
    assert_eq!(rig.live.contact().attributes.value("k"), Some("63"));
    while rig.held.as_ref().is_some_and(|held| !held.is_empty()) {
        rig.written(Ok(()));
    }
    assert!(requests.into_iter().all(|request| rig.reply(request) == Some(Reply::Set)));
    let states = rig.states();
    assert!(states.len() < 5, "of what waits only the newest is written: {}", states.len());
}

#[test]
fn a_state_that_could_not_be_written_is_told_to_those_who_wait_and_the_contact_goes_on() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.held = Some(Vec::new());
    let request = rig.set_attributes("k", "v");
    let full = HistoryError { message: "full".to_owned() };
    rig.written(Err(full.clone()));
    assert_eq!(rig.reply(request), Some(Reply::NotWritten(full)));
    assert_eq!((rig.live.phase(), rig.live.contact().attributes.value("k")), (Phase::Live, Some("v")));
}

#[test]
fn what_others_were_given_of_a_contact_stays_as_it_was() {
    let mut rig = Rig::answered(&start_and_talk());
    let snapshot = rig.live.contact().clone();
    rig.set_attributes("k", "v");
    assert!(snapshot.attributes.is_empty() && !rig.live.contact().attributes.is_empty());
}

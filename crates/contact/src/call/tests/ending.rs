use super::flows::{flow, hang_up, say, set, start_and_talk};
use super::rig::Rig;
use crate::DisconnectReason;
use crate::call::{CallInput, CallOutput, CallState, SetAttributesRefused};
use serde_json::json;
use std::collections::BTreeMap;

#[test]
fn the_api_sets_attributes_of_a_live_call() {
    let changes = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    let mut rig = Rig::new(&start_and_talk());
    let now = rig.now;
    rig.call.set_attributes(now, changes.clone()).unwrap();
    rig.handle(CallInput::Answered);
    rig.call.set_attributes(now, changes.clone()).unwrap();
    rig.drain();
    assert!(
        matches!(rig.outputs.last(), Some(CallOutput::ContactChanged(contact)) if contact.attributes.value("k") == Some("v"))
    );
    rig.handle(CallInput::HungUp { reason: DisconnectReason::CustomerDisconnect });
    rig.wait_for_deadline();
    let refused = rig.call.set_attributes(now, changes);
    assert_eq!(refused, Err(SetAttributesRefused::Over));
}

#[test]
fn a_caller_who_gives_up_before_the_call_is_up_leaves_no_record() {
    for end in [0, 1] {
        let mut rig = Rig::new(&start_and_talk());
        match end {
            0 => rig.handle(CallInput::HungUp { reason: DisconnectReason::CustomerDisconnect }),
            _ => rig.handle(CallInput::Stop),
        }
        assert_eq!(rig.call.state(), CallState::Over);
        assert!(!rig.outputs.iter().any(|output| matches!(output, CallOutput::ContactEnded(_))));
        assert_eq!(rig.hangups().len(), end);
    }
}

#[test]
fn an_answer_that_is_never_acknowledged_leaves_a_record() {
    for says_so in [true, false] {
        let mut rig = Rig::new(&start_and_talk());
        if says_so {
            rig.handle(CallInput::HungUp { reason: DisconnectReason::TelecomProblem });
        } else {
            rig.wait_for_deadline();
        }
        assert_eq!(rig.call.state(), CallState::Over);
        let ended = rig.ended();
        assert_eq!(ended.disconnect_reason, Some(DisconnectReason::TelecomProblem));
        assert_eq!((ended.connected_to_system_timestamp, ended.disconnect_timestamp), (None, Some(rig.now)));
        assert_eq!(rig.hangups().len(), usize::from(!says_so));
    }
}

#[test]
fn stop_contact_and_a_server_going_down_end_the_call() {
    let mut rig = Rig::answered(&start_and_talk());
    rig.handle(CallInput::Stop);
    assert_eq!(rig.hangups(), [DisconnectReason::Other]);
    rig.wait_for_deadline();
    assert_eq!(rig.ended().disconnect_reason, Some(DisconnectReason::Other));

    let mut rig = Rig::answered(&start_and_talk());
    rig.capture_runs();
    let until = rig.now.plus_ms(3_000);
    rig.handle(CallInput::Drain { until });
    assert_eq!(rig.call.state(), CallState::InFlow);
    while rig.now < until {
        rig.wait_for_deadline();
    }
    assert_eq!(rig.now, until);
    assert_eq!(rig.hangups(), [DisconnectReason::Other]);
}

#[test]
fn a_flow_that_runs_in_circles_is_ended_politely() {
    let document = flow(&[set("a", json!({ "k": "v" }), "a"), say("set failed", "x", "a")]);
    let rig = Rig::answered(&document);
    assert_eq!(rig.hangups(), [DisconnectReason::ContactFlowDisconnect]);
    assert!(!rig.reasons().is_empty());
    rig.ended();
}

#[test]
fn a_flow_of_nothing_but_its_end_leaves_a_record() {
    let rig = Rig::answered(&flow(&[hang_up()]));
    assert_eq!(rig.hangups(), [DisconnectReason::ContactFlowDisconnect]);
    rig.ended();
}

//! Third parties that flows call.

use super::ends::{
    all_ended, answers, block, contacts, disconnects, flow, hung_up, last_dial, on, says, talk,
    telephone_rings,
};
use super::rig::{LEG, Rig};
use crate::{DialTarget, DisconnectReason, Effect, EndedBy, InitiationMethod, Input, LegEvent, Phase};
use serde_json::{Value, json};
use tympan_telephony::words::MediaCommand;
use tympan_types::{LegId, Redacted};

const PARTY: LegId = LegId::new(80);

/// Calls a number; says "after" when the flow goes on, and names each error.
fn calls(parameters: Value) -> Value {
    let mut all = json!({ "ThirdPartyPhoneNumber": "+15550009", "ThirdPartyConnectionTimeLimitSeconds": "30",
        "ContinueFlowExecution": "True" });
    all.as_object_mut().unwrap().extend(parameters.as_object().unwrap().clone());
    let mut call = block("TransferParticipantToThirdParty", all, "after");
    call["Transitions"]["Errors"] = json!([
        { "ErrorType": "CallFailed", "NextAction": "failed" },
        { "ErrorType": "ConnectionTimeLimitExceeded", "NextAction": "late" },
        { "ErrorType": "NoMatchingError", "NextAction": "no" },
    ]);
    flow(vec![
        ("call", call),
        ("after", says("after", "bye")),
        ("failed", says("failed", "bye")),
        ("late", says("late", "bye")),
        ("no", says("no", "bye")),
        ("bye", disconnects()),
    ])
}

fn called(parameters: Value) -> Rig {
    let mut rig = Rig::answered(&calls(parameters));
    telephone_rings(&mut rig, PARTY);
    rig
}

fn joined(parameters: Value) -> Rig {
    let mut rig = called(parameters);
    answers(&mut rig, PARTY);
    assert_eq!(talk(&rig), [[LEG, PARTY]]);
    rig
}

#[test]
fn a_third_party_sees_the_callers_own_number_and_has_a_contact_of_its_own() {
    let rig = joined(json!({}));
    let (_, request) = last_dial(&rig);
    assert_eq!(request.target, DialTarget::Number(Redacted::new("+15550009".to_owned())));
    assert_eq!(request.caller.number.unwrap().expose(), "+15555550123");
    let [first, party] = contacts(&rig).try_into().unwrap();
    assert_eq!(party.initiation_method, InitiationMethod::ExternalOutbound);
    assert_eq!(party.customer_endpoint.unwrap().address.expose(), "+15550009");
    assert_eq!(party.system_endpoint.unwrap().address.expose(), "+15555550123");
    assert_eq!((party.initial_contact_id, party.previous_contact_id), (Some(first.id), Some(first.id)));
    assert_eq!(first.next_contact_id, Some(party.id));
    assert_eq!(first.transferred_to.unwrap().address.expose(), "+15550009");
    assert_eq!(first.transfer_completed_timestamp, party.connected_to_system_timestamp);
}

#[test]
fn a_caller_id_of_the_block_is_shown_in_place_of_the_callers() {
    let rig = called(json!({ "CallerId": { "Number": "+18005550100", "Name": "Us" } }));
    let (_, request) = last_dial(&rig);
    assert_eq!(request.caller.number.unwrap().expose(), "+18005550100");
    assert_eq!(request.caller.name.unwrap().expose(), "Us");
}

#[test]
fn a_flow_goes_on_after_the_third_party_has_hung_up() {
    let mut rig = joined(json!({}));
    on(&mut rig, PARTY, LegEvent::Ended(EndedBy::Peer));
    assert_eq!(rig.said(), "after");
    assert!(talk(&rig).is_empty());
    let party = &contacts(&rig)[1];
    assert_eq!(party.disconnect_reason, Some(DisconnectReason::ThirdPartyDisconnect));
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn a_flow_that_does_not_go_on_is_over_once_they_are_joined_and_the_call_with_the_third_party() {
    let mut rig = joined(json!({ "ContinueFlowExecution": "False" }));
    assert_eq!((rig.live.phase(), rig.said().as_str()), (Phase::Live, ""));
    on(&mut rig, PARTY, LegEvent::Ended(EndedBy::Peer));
    assert!(hung_up(&rig, LEG));
    all_ended(&rig);
    assert_eq!(contacts(&rig)[0].disconnect_reason, Some(DisconnectReason::ThirdPartyDisconnect));
}

#[test]
fn a_third_party_that_is_not_reached_takes_the_branch_of_its_reason() {
    let mut rig = called(json!({}));
    on(&mut rig, PARTY, LegEvent::Ended(EndedBy::Refused(486)));
    assert_eq!(rig.said(), "failed");
    assert_eq!(contacts(&rig)[1].disconnect_reason, Some(DisconnectReason::TelecomBusy));

    let mut rig = called(json!({}));
    rig.wait_ms(29_999);
    rig.handle(Input::TimePassed);
    assert_eq!(rig.said(), "");
    rig.wait_for_deadline();
    assert_eq!(rig.said(), "late");
    assert!(hung_up(&rig, PARTY));

    let mut rig = Rig::answered(&calls(json!({})));
    let (dial, _) = last_dial(&rig);
    rig.handle(Input::DialFailed { dial, reason: "not allowed".to_owned() });
    assert_eq!(rig.said(), "no");
    rig.hung_up();
    all_ended(&rig);
}

#[test]
fn a_customer_who_hangs_up_ends_the_call_of_the_third_party_whether_it_has_answered_or_not() {
    for mut rig in [called(json!({})), joined(json!({}))] {
        rig.hung_up();
        assert!(hung_up(&rig, PARTY));
        all_ended(&rig);
        let reasons: Vec<_> = contacts(&rig).iter().map(|contact| contact.disconnect_reason).collect();
        assert_eq!(reasons, [Some(DisconnectReason::CustomerDisconnect); 2]);
    }
}

#[test]
fn keys_are_sent_as_tones_to_the_third_party_with_pauses_of_750_ms() {
    let rig = joined(json!({ "ThirdPartyDTMFDigits": "1,2" }));
    let sound = rig.find(|effect| match effect {
        Effect::Media { leg: PARTY, command: MediaCommand::Play { sound, .. } } => Some(sound.clone()),
        _ => None,
    });
    let sound = sound.expect("keys are sent");
    assert_eq!(sound.duration_ms(), 200 + 200 + 750 + 200);
    let mut heard = String::new();
    let mut detector = tympan_telephony::audio::tone_digit::ToneDigitDetector::default();
    detector.push(&sound.samples().collect::<Vec<_>>(), |digit| heard.push(digit.as_char()));
    assert_eq!(heard, "12");
}

#[test]
fn a_call_that_is_given_up_before_it_has_a_leg_is_dropped() {
    let mut rig = Rig::answered(&calls(json!({})));
    rig.hung_up();
    assert_eq!(rig.count(|effect| matches!(effect, Effect::DropDial { .. })), 1);
    all_ended(&rig);
}

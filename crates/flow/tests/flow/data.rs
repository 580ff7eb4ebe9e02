//! Blocks that only set data: what they ask the contact to keep, in both formats.

use crate::stage::{Stage, flow, say};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tympan_flow::{
    ContactChange, ContactData, ContactReference, Effect, ErrorType, EventHook, Flow, Input, ResourceRef,
    Routing, Voice,
};

fn one(kind: &str, parameters: Value) -> Flow {
    let error = |kind: &str, to: &str| json!({ "ErrorType": kind, "NextAction": to });
    flow(json!([
        { "Identifier": "set", "Type": kind, "Parameters": parameters, "Transitions": { "NextAction": "next", "Errors": [
            error("NoMatchingError", "failed"), error("InvalidCallbackNumber", "invalid"), error("ChannelMismatch", "mismatch"),
            error("NoneFoundError", "nobody"), error("CallbackNumberNotDialable", "forbidden") ] } },
        { "Identifier": "forbidden", "Type": "MessageParticipant", "Parameters": { "Text": "forbidden" } },
        { "Identifier": "next", "Type": "MessageParticipant", "Parameters": { "Text": "next" } },
        { "Identifier": "failed", "Type": "MessageParticipant", "Parameters": { "Text": "failed" } },
        { "Identifier": "invalid", "Type": "MessageParticipant", "Parameters": { "Text": "invalid" } },
        { "Identifier": "mismatch", "Type": "MessageParticipant", "Parameters": { "Text": "mismatch" } },
        { "Identifier": "nobody", "Type": "MessageParticipant", "Parameters": { "Text": "nobody" } },
    ]))
}

/// What a block asks to keep, and what follows on either answer.
fn kept(flow: impl Fn() -> Flow) -> ContactChange {
    let mut stage = Stage::new(flow()).knowing("$.Attributes.a", "x");
    let Some(Effect::Change(change)) = stage.start() else { panic!("{:?}", stage.last_log()) };
    stage.done();
    assert_eq!(stage.log[0].results.as_deref(), Some("Success"));
    let mut stage = Stage::new(flow()).knowing("$.Attributes.a", "x");
    stage.start();
    stage.fail();
    assert_eq!(stage.log[0].results.as_deref(), Some("Error"));
    change
}

fn older(kind: &str, parameters: Value) -> Flow {
    let export = json!({ "modules": [
        { "id": "a", "type": kind, "parameters": parameters, "branches": [
            { "condition": "Success", "transition": "b" }, { "condition": "Error", "transition": "b" } ] },
        { "id": "b", "type": "Disconnect", "parameters": [], "branches": [] },
    ], "start": "a" });
    Flow::parse(&export.to_string()).expect("an export is a flow")
}

#[test]
fn a_queue_or_an_agent_is_kept_as_the_target() {
    let queue = ResourceRef { id: "arn:q".into(), name: Some("BasicQueue".into()) };
    let named = || {
        let document = json!({ "Version": "2019-10-30", "StartAction": "set",
            "Metadata": { "ActionMetadata": { "set": { "queue": { "text": "BasicQueue", "id": "arn:q" } } } },
            "Actions": [{ "Identifier": "set", "Type": "UpdateContactTargetQueue", "Parameters": { "QueueId": "arn:q" },
                "Transitions": { "NextAction": "set" } }] });
        Flow::parse(&document.to_string()).unwrap()
    };
    assert_eq!(kept(named), ContactChange::TargetQueue(queue.clone()));
    let display = || {
        let document = json!({ "Version": "2019-10-30", "StartAction": "set",
            "Metadata": { "ActionMetadata": { "set": { "parameters": { "QueueId": { "displayName": "BasicQueue" } } } } },
            "Actions": [{ "Identifier": "set", "Type": "UpdateContactTargetQueue", "Parameters": { "QueueId": "arn:q" },
                "Transitions": { "NextAction": "set" } }] });
        Flow::parse(&document.to_string()).unwrap()
    };
    assert_eq!(kept(display), ContactChange::TargetQueue(queue.clone()));
    let parameters =
        json!([{ "name": "Queue", "value": "arn:q", "namespace": null, "resourceName": "BasicQueue" }]);
    assert_eq!(kept(|| older("SetQueue", parameters.clone())), ContactChange::TargetQueue(queue));
    let agent = || one("UpdateContactTargetQueue", json!({ "AgentId": "$.Attributes.a" }));
    assert_eq!(kept(agent), ContactChange::TargetAgent(ResourceRef::of("x")));
    for parameters in [json!({}), json!({ "QueueId": "$.Attributes.unset" })] {
        assert_eq!(Stage::new(one("UpdateContactTargetQueue", parameters)).start(), say("failed"));
    }
}

#[test]
fn hooks_are_kept_with_their_configuration() {
    let parameters = json!({ "EventHooks": { "AgentWhisper": "f1" },
        "EventHooksConfiguration": { "AgentWhisper": { "DisableExecution": "true" }, "CustomerWhisper": { "DisableExecution": "false" } } });
    let hook = |event: &str, flow: Option<&str>, is_disabled| EventHook {
        event: event.into(),
        flow: flow.map(ResourceRef::of),
        is_disabled,
    };
    assert_eq!(
        kept(|| one("UpdateContactEventHooks", parameters.clone())),
        ContactChange::EventHooks(vec![
            hook("AgentWhisper", Some("f1"), Some(true)),
            hook("CustomerWhisper", None, Some(false)),
        ])
    );
    for kind in ["SetEventHook", "SetContactFlow"] {
        let parameters = json!([{ "name": "Type", "value": "CustomerQueue" },
            { "name": "ContactFlowId", "value": "f2", "resourceName": "Music" }]);
        let flow = Some(ResourceRef { id: "f2".into(), name: Some("Music".into()) });
        let expected = EventHook { event: "CustomerQueue".into(), flow, is_disabled: None };
        assert_eq!(kept(|| older(kind, parameters.clone())), ContactChange::EventHooks(vec![expected]));
    }
    let unheard = one("UpdateContactEventHooks", json!({ "EventHooks": { "Lunch": "f1" } }));
    let problems: Vec<_> = unheard.problems().iter().map(ToString::to_string).collect();
    assert!(
        problems.contains(&"Actions[0].Parameters.EventHooks.Lunch is not an event of a contact".to_owned())
    );
    assert_eq!(Stage::new(unheard).start(), say("failed"));
}

#[test]
fn routing_is_kept() {
    let priority = Routing { priority: Some(2), ..Routing::default() };
    let age = Routing { age_adjustment_s: Some(-60), ..Routing::default() };
    assert_eq!(
        kept(|| one("UpdateContactRoutingBehavior", json!({ "QueuePriority": "2" }))),
        ContactChange::Routing(priority.clone())
    );
    assert_eq!(
        kept(|| one("UpdateContactRoutingBehavior", json!({ "QueueTimeAdjustmentSeconds": "-60" }))),
        ContactChange::Routing(age.clone())
    );
    for (name, value, expected) in [("AbsolutePosition", "2", priority), ("TimeOffset", "-60", age)] {
        let parameters = json!([{ "name": name, "value": value }]);
        assert_eq!(
            kept(|| older("UpdateRoutingPriority", parameters.clone())),
            ContactChange::Routing(expected)
        );
    }
    let steps = json!({ "Steps": [{ "Expression": { "AttributeCondition": { "Name": "lang", "Value": "$.Attributes.a" } } }] });
    let ContactChange::Routing(routing) =
        kept(|| one("UpdateContactRoutingCriteria", json!({ "RoutingCriteria": steps.clone() })))
    else {
        panic!("it changes the routing")
    };
    assert_eq!(routing.criteria.unwrap()["Steps"][0]["Expression"]["AttributeCondition"]["Value"], "x");
}

#[test]
fn data_tags_voice_and_recording_are_kept() {
    let data = json!({ "LanguageCode": "de-DE", "Name": "call $.Attributes.a",
        "References": { "doc": { "Value": "https://example.test/$.Attributes.a", "Type": "URL" } } });
    let reference = ContactReference { value: "https://example.test/x".into(), kind: "URL".into() };
    assert_eq!(
        kept(|| one("UpdateContactData", data.clone())),
        ContactChange::Data(ContactData {
            name: Some("call x".into()),
            language_code: Some("de-DE".into()),
            references: BTreeMap::from([("doc".into(), reference)]),
            ..ContactData::default()
        })
    );
    let assistant = one("UpdateContactData", json!({ "WisdomSessionArn": "$.Wisdom.SessionArn" }));
    assert_eq!(Stage::new(assistant).start(), say("failed"));
    let tags = BTreeMap::from([("team".into(), "x".into())]);
    let tag = || one("TagContact", json!({ "Tags": { "team": "$.Attributes.a" } }));
    assert_eq!(kept(tag), ContactChange::Tag(tags));
    let untag = || one("UntagContact", json!({ "TagKeys": ["team"] }));
    assert_eq!(kept(untag), ContactChange::Untag(vec!["team".into()]));

    let voice = Voice { name: "Joanna".into(), engine: Some("Neural".into()), style: None };
    let parameters = json!({ "TextToSpeechVoice": "Joanna", "TextToSpeechEngine": "Neural" });
    assert_eq!(
        kept(|| one("UpdateContactTextToSpeechVoice", parameters.clone())),
        ContactChange::Voice(voice.clone())
    );
    let parameters =
        json!([{ "name": "GlobalVoice", "value": "Joanna" }, { "name": "GlobalEngine", "value": "Neural" }]);
    assert_eq!(kept(|| older("SetVoice", parameters.clone())), ContactChange::Voice(voice));

    let both = json!({ "RecordedParticipants": ["Agent", "Customer"] });
    let parameters = json!({ "RecordingBehavior": both });
    assert_eq!(
        kept(|| one("UpdateContactRecordingBehavior", parameters.clone())),
        ContactChange::Recording(both.clone())
    );
    let parameters = json!({ "VoiceBehavior": { "VoiceRecordingBehavior": both } });
    assert_eq!(
        kept(|| one("UpdateContactRecordingAndAnalyticsBehavior", parameters.clone())),
        ContactChange::Recording(both.clone())
    );
    let parameters = json!([{ "name": "RecordingBehaviorOption", "value": "Enable" },
        { "name": "RecordingParticipantOption", "value": "Both" }]);
    assert_eq!(kept(|| older("SetRecordingBehavior", parameters.clone())), ContactChange::Recording(both));
}

#[test]
fn a_callback_number_is_kept_or_invalid() {
    let flow = || one("UpdateContactCallbackNumber", json!({ "CallbackNumber": "$.StoredCustomerInput" }));
    assert_eq!(Stage::new(flow()).start(), say("invalid"));
    let number = || one("UpdateContactCallbackNumber", json!({ "CallbackNumber": "$.Attributes.number" }));
    let mut stage = Stage::new(number()).knowing("$.Attributes.number", "18005550100");
    assert_eq!(stage.start(), Some(Effect::Change(ContactChange::CallbackNumber("+18005550100".into()))));
    assert_eq!(stage.done(), say("next"));
    // The instance may not call every number; what else goes wrong has no branch but the one for numbers that are none.
    let refused = Input::Error { kind: ErrorType::CallbackNumberNotDialable, reason: "no trunk".into() };
    for (answer, branch) in [(refused, "forbidden"), (Input::Failed { reason: "no".into() }, "invalid")] {
        let mut stage = Stage::new(number()).knowing("$.Attributes.number", "18005550100");
        stage.start();
        assert_eq!(stage.give(answer), say(branch));
    }
}

#[test]
fn blocks_of_other_channels_take_the_branch_that_is_documented_for_them() {
    for (kind, parameters, heard) in [
        ("GetCustomerProfile", json!({}), "nobody"),
        ("UpdateContactRecordingAndAnalyticsBehavior", json!({ "ChatBehavior": {} }), "mismatch"),
        ("CreateTask", json!({}), "failed"),
        ("CreateWisdomSession", json!({}), "failed"),
        ("Wait", json!({ "TimeLimitSeconds": "5" }), "failed"),
        ("Wait", json!({ "TimeoutSeconds": "5" }), "failed"),
        ("ShowView", json!({}), "failed"),
    ] {
        let mut stage = Stage::new(one(kind, parameters));
        assert_eq!(stage.start(), say(heard), "{kind}");
        assert!(stage.last_log().2.is_some(), "{kind} says why");
    }
}

//! The seed's example flow, in both formats: the same walk, effect for effect.

use std::collections::BTreeMap;

use crate::stage::{Stage, fixture, say};
use serde_json::json;
use tympan_flow::{CollectSpec, Effect, Input, Prompt, ResponseKind};

const SEEDS: [&str; 2] = ["seed.json", "seed-modules.json"];
const APOLOGY: &str = "We are sorry, something went wrong. Goodbye.";
const STREAM: &str =
    "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo-connect-demo-contact-x/1700000000000";

fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
    entries.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// Up to the answer of Start, which Start's success publishes.
fn started(name: &str) -> (Stage, Option<Effect>) {
    let mut stage = Stage::of(name);
    assert_eq!(stage.start(), Some(Effect::SetLogging(true)));
    assert_eq!(stage.done(), say("Hello. This call demonstrates live media streaming."));
    let start = Effect::StartMediaStreaming { from_customer: true, to_customer: false };
    assert_eq!(stage.done(), Some(start));
    stage.contact.set("$.MediaStreams.Customer.Audio.StreamARN", STREAM);
    stage.contact.set("$.MediaStreams.Customer.Audio.StartTimestamp", "1700000000100");
    stage.contact.set("$.MediaStreams.Customer.Audio.StartFragmentNumber", "91343852333181432");
    let next = stage.done();
    (stage, next)
}

/// Up to the first time that the caller may speak.
fn listening(name: &str) -> (Stage, Option<Effect>) {
    let (mut stage, _) = started(name);
    stage.done();
    let tell = stage.give(Input::LambdaReturned(json!({ "message": "All is well.", "statusCode": 200 })));
    assert_eq!(tell, say("Your audio is being streamed. All is well."));
    let listen = stage.done();
    (stage, listen)
}

#[test]
fn both_formats_are_sound_and_fully_performed() {
    for name in SEEDS {
        let flow = fixture(name);
        assert_eq!(flow.problems(), [], "{name}");
        assert!(flow.blocks().iter().all(|block| block.is_supported()), "{name}");
        assert_eq!(flow.name(), Some("Live media streaming example"));
        assert_eq!(flow.flow_type(), Some("contactFlow"));
    }
}

#[test]
fn the_attributes_after_start_are_the_five_of_the_seed() {
    for name in SEEDS {
        let (_, effect) = started(name);
        let expected = map(&[
            ("streamArn", STREAM),
            ("startTimestamp", "1700000000100"),
            ("stopTimestamp", ""),
            ("startPosition", "91343852333181432"),
            ("stopPosition", ""),
        ]);
        let Some(Effect::SetAttributes(attributes)) = effect else { panic!("{name}: {effect:?}") };
        assert_eq!(attributes, expected, "{name}");
    }
}

#[test]
fn the_function_is_told_where_the_audio_is() {
    for name in SEEDS {
        let (mut stage, _) = started(name);
        let expected = Effect::InvokeLambda {
            function_arn: "arn:aws:lambda:us-west-2:111122223333:function:tympan-demo".into(),
            parameters: map(&[("streamArn", STREAM), ("startFragmentNumber", "91343852333181432")]),
            time_limit_ms: 8000,
            response: ResponseKind::StringMap,
            is_asynchronous: false,
        };
        assert!(stage.done() == Some(expected), "{name}");
    }
}

#[test]
fn the_caller_may_speak_until_one_is_pressed() {
    for name in SEEDS {
        let (mut stage, listen) = listening(name);
        let expected = Effect::Collect {
            prompt: Some(Prompt::Text("I am listening. Press 1 to finish.".into())),
            spec: CollectSpec {
                first_digit_timeout_ms: 5000,
                interdigit_timeout_ms: 5000,
                max_digits: 1,
                terminator: None,
                cancel_key: false,
            },
        };
        assert_eq!(listen, Some(expected), "{name}");
        assert_eq!(stage.wait(), listen, "{name}: silence is more time");
        assert_eq!(stage.press("7"), listen, "{name}: so is any other key");
        let stop = Effect::StopMediaStreaming { from_customer: true, to_customer: false };
        assert_eq!(stage.press("1"), Some(stop), "{name}");
    }
}

#[test]
fn the_time_to_speak_ends_by_itself() {
    for name in SEEDS {
        let (mut stage, listen) = listening(name);
        for _ in 0..2 {
            assert_eq!(stage.wait(), listen, "{name}");
        }
        assert!(matches!(stage.wait(), Some(Effect::StopMediaStreaming { .. })), "{name}");
    }
}

#[test]
fn after_stop_its_values_are_kept_and_the_call_ends() {
    for name in SEEDS {
        let (mut stage, _) = listening(name);
        stage.press("1");
        stage.contact.set("$.MediaStreams.Customer.Audio.StopTimestamp", "1700000009999");
        stage.contact.set("$.MediaStreams.Customer.Audio.StopFragmentNumber", "91343852333181441");
        let kept = map(&[("stopTimestamp", "1700000009999"), ("stopPosition", "91343852333181441")]);
        assert!(stage.done() == Some(Effect::SetAttributes(kept)), "{name}");
        assert_eq!(stage.done(), say("Thank you. Goodbye."));
        assert_eq!(stage.done(), Some(Effect::Disconnect));
        assert!(stage.interpreter.is_finished());
        assert_eq!(stage.done(), None, "{name}: a flow that is over stays so");
        assert_eq!(stage.log.iter().find(|entry| entry.reason.is_some()), None, "{name}");
    }
}

#[test]
fn every_failure_is_an_apology_and_then_the_end() {
    for name in SEEDS {
        // How many answers come before the effect that fails.
        for answers in [2, 3, 4] {
            let mut stage = Stage::of(name);
            stage.start();
            for _ in 0..answers {
                stage.done();
            }
            assert_eq!(stage.fail(), say(APOLOGY), "{name} after {answers}");
            assert_eq!(stage.done(), Some(Effect::Disconnect), "{name} after {answers}");
        }
    }
}

#[test]
fn both_formats_write_the_same_log() {
    let mut logs = SEEDS.map(|name| {
        let (mut stage, _) = listening(name);
        stage.press("1");
        for _ in 0..3 {
            stage.done();
        }
        std::mem::take(&mut stage.log)
    });
    let [newer, older] = &mut logs;
    assert_eq!(newer.len(), older.len());
    for (newer, older) in newer.iter().zip(older) {
        // The designer gave its modules UUIDs.
        older.identifier.clone_from(&newer.identifier);
        assert!(newer == older, "{newer:?} {older:?}");
    }
}

#[test]
fn the_log_names_modules_as_the_service_does() {
    let (mut stage, _) = listening("seed.json");
    stage.press("1");
    for _ in 0..3 {
        stage.done();
    }
    let kinds: Vec<_> = stage
        .log
        .iter()
        .map(|entry| (entry.contact_flow_module_type.as_str(), entry.results.as_deref().unwrap_or("-")))
        .collect();
    let attribute = ("SetAttributes", "Success");
    assert_eq!(
        kinds,
        [
            ("SetLoggingBehavior", "Success"),
            ("PlayPrompt", "Success"),
            ("StartMediaStreaming", "Success"),
            attribute,
            attribute,
            attribute,
            attribute,
            attribute,
            ("InvokeExternalResource", "Success"),
            ("PlayPrompt", "Success"),
            ("GetUserInput", "1"),
            ("StopMediaStreaming", "Success"),
            attribute,
            attribute,
            ("PlayPrompt", "Success"),
            ("Disconnect", "-"),
        ]
    );
    let lambda = &stage.log[8];
    assert_eq!(lambda.parameters["TimeLimit"], "8000");
    assert_eq!(lambda.external_results, Some(json!({ "message": "All is well.", "statusCode": "200" })));
}

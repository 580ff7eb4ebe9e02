use super::flows::{flow, hang_up, invoke, say, set, start, stop};
use super::rig::{LEG, Rig, number, stream};
use crate::{CaptureEvent, DisconnectReason, Effect, LegEvent, Phase, Stage};

use serde_json::{Value, json};
use tympan_telephony::words::Tracks;

/// The seed's sample: start, tell a function, copy the attributes, talk, stop, tell it again.
pub(super) fn seed() -> Value {
    flow(&[
        say("hello", "hello", "start"),
        start("start", "tell", "no streaming"),
        invoke(
            "tell",
            json!({ "when": "$.MediaStreams.Customer.Audio.StartTimestamp" }),
            "copy",
            "no function",
        ),
        set(
            "copy",
            json!({
                "arn": "$.MediaStreams.Customer.Audio.StreamARN",
                "first": "$.MediaStreams.Customer.Audio.StartPosition",
                "name": "$.External.name",
            }),
            "talk",
        ),
        say("talk", "speak now", "stop"),
        stop("stop", "tell again"),
        invoke("tell again", json!({}), "bye", "no function"),
        say("bye", "bye", "end"),
        say("no streaming", "not recorded", "end"),
        say("no function", "no function", "end"),
        say("set failed", "set failed", "end"),
        hang_up(),
    ])
}

#[test]
fn a_whole_call_from_answer_to_record() {
    let mut rig = Rig::new(&seed());
    let begun = rig.take();
    let [Effect::OpenMedia { leg: LEG, .. }, Effect::Answer { leg: LEG, sdp }] = begun.as_slice() else {
        panic!("{begun:?}")
    };
    assert!(sdp.contains("m=audio 20000 RTP/AVP 0 101"), "{sdp}");
    rig.leg(LegEvent::Confirmed);
    let [(stage, contact)] = rig.states().try_into().unwrap();
    assert_eq!(stage, Stage::Opened);
    assert_eq!(contact.connected_to_system_timestamp, Some(rig.now.wall));
    assert_eq!(rig.said(), "hello");
    rig.prompt_plays();

    let started = rig.now.wall;
    let Some(Effect::OpenCapture { request, .. }) = rig.effects.last() else { panic!("{:?}", rig.effects) };
    assert_eq!(request.tracks, Tracks::FROM_CUSTOMER);
    assert_eq!(request.settings.name_prefix, "demo-connect-demo-contact-");
    rig.wait_ms(5);
    rig.capture(CaptureEvent::Opened { stream: stream(1) });
    assert_eq!(rig.audio(), None, "an opened stream is not a safe lead-in");
    rig.wait_ms(5);
    rig.capture(CaptureEvent::Acknowledged { number: number(1) });

    let (_, _, event) = rig.attempt();
    assert_eq!(event["Details"]["Parameters"], json!({ "when": started.unix_ms().to_string() }));
    assert_eq!(
        event["Details"]["ContactData"]["MediaStreams"]["Customer"]["Audio"],
        json!({
            "StartFragmentNumber": number(1).to_string(),
            "StartTimestamp": started.unix_ms().to_string(),
            "StreamARN": stream(1).to_string(),
        })
    );
    rig.lambda_returns(r#"{"name":"Ada"}"#);
    assert_eq!(rig.said(), "speak now");
    for sequence in 2..9 {
        rig.wait_ms(1_000);
        rig.capture(CaptureEvent::Acknowledged { number: number(sequence) });
    }
    rig.prompt_plays();

    let stopped = rig.now.wall;
    assert!(matches!(rig.effects.last(), Some(Effect::Persist { stage: Stage::Changed, .. })));
    assert!(rig.effects.iter().any(|effect| matches!(effect, Effect::CloseCapture { .. })));
    rig.wait_ms(20);
    rig.capture(CaptureEvent::Acknowledged { number: number(9) });
    rig.capture(CaptureEvent::Closed);
    let (_, _, event) = rig.attempt();
    let audio = &event["Details"]["ContactData"]["MediaStreams"]["Customer"]["Audio"];
    assert_eq!(audio["StopFragmentNumber"], number(9).to_string());
    assert_eq!(audio["StopTimestamp"], stopped.unix_ms().to_string());
    rig.lambda_returns("{}");
    assert_eq!(rig.said(), "bye");
    rig.prompt_plays();

    assert_eq!(rig.hangups(), [DisconnectReason::ContactFlowDisconnect]);
    let contact = rig.ended();
    assert_eq!(contact.attributes.value("arn"), Some(stream(1).to_string().as_str()));
    assert_eq!(contact.attributes.value("first"), Some(number(1).to_string().as_str()));
    assert_eq!(contact.attributes.value("name"), Some("Ada"));
    let [capture] = contact.captures.as_slice() else { panic!("one capture") };
    assert_eq!(capture.start_fragment_number, number(1));
    assert_eq!(capture.stop_fragment_number, Some(number(9)));
    assert_eq!(capture.stream_arn, stream(1));
    assert_eq!(contact.disconnect_reason, Some(DisconnectReason::ContactFlowDisconnect));
    assert_eq!(rig.reasons(), Vec::<String>::new());
}

fn fixture(name: &str) -> Value {
    let path = format!("{}/../../fixtures/flows/{name}", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_json::from_str(&text).unwrap()
}

#[test]
fn the_sample_flow_runs_to_its_record_in_both_formats() {
    for name in ["seed.json", "seed-modules.json"] {
        let mut rig = Rig::answered(&fixture(name));
        rig.prompt_plays();
        rig.capture_runs();
        let (_, _, event) = rig.attempt();
        assert_eq!(
            event["Details"]["Parameters"],
            json!({ "streamArn": stream(1).to_string(), "startFragmentNumber": number(1).to_string() }),
            "{name}"
        );
        rig.lambda_returns(r#"{"message":"Welcome"}"#);
        assert_eq!(rig.said(), "Your audio is being streamed. Welcome", "{name}");
        rig.prompt_plays();
        rig.capture(CaptureEvent::Acknowledged { number: number(2) });
        rig.press("1");
        rig.capture(CaptureEvent::Acknowledged { number: number(3) });
        rig.capture(CaptureEvent::Closed);
        assert_eq!(rig.said(), "Thank you. Goodbye.", "{name}");
        rig.prompt_plays();
        let attributes = rig.ended().attributes;
        assert_eq!(attributes.value("streamArn"), Some(stream(1).to_string().as_str()), "{name}");
        assert_eq!(attributes.value("startPosition"), Some(number(1).to_string().as_str()), "{name}");
        assert_eq!(attributes.value("stopPosition"), Some(number(3).to_string().as_str()), "{name}");
        assert!(attributes.value("stopTimestamp").is_some_and(|at| at.starts_with('1')), "{name}");
    }
}

#[test]
fn the_sample_flow_apologises_when_nothing_is_streamed_and_may_be_left_at_any_point() {
    let mut rig = Rig::answered(&fixture("seed.json"));
    rig.prompt_plays();
    rig.capture(CaptureEvent::Failed { reason: "no stream is free".to_owned() });
    assert!(rig.said().contains("sorry"));
    rig.prompt_plays();
    assert_eq!(rig.ended().captures, []);

    let steps: [fn(&mut Rig); 6] = [
        Rig::prompt_plays,
        |rig| rig.capture(CaptureEvent::Opened { stream: stream(1) }),
        |rig| rig.capture(CaptureEvent::Acknowledged { number: number(1) }),
        |rig| rig.lambda_returns("{}"),
        Rig::prompt_plays,
        |rig| rig.press("1"),
    ];
    for left_after in 0..=steps.len() {
        let mut rig = Rig::answered(&fixture("seed.json"));
        steps.iter().take(left_after).for_each(|step| step(&mut rig));
        rig.hung_up();
        assert_eq!(rig.hangups(), [], "the caller is gone already");
        if rig.live.phase() == Phase::Ending {
            rig.capture(CaptureEvent::Closed);
        }
        let contact = rig.ended();
        assert_eq!(contact.disconnect_reason, Some(DisconnectReason::CustomerDisconnect));
        assert_eq!(!contact.captures.is_empty(), left_after >= 3, "left after {left_after}");
    }
}

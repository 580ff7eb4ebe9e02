//! Functions that no block waits for.

use super::flows::{action, flow, hang_up, say};
use super::rig::Rig;
use crate::invoke::AttemptError;
use crate::{Effect, Input, PromptEvent};
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use tympan_telephony::words::Sound;
use tympan_types::Redacted;

fn hand_over(id: &str, next: &str, error: &str) -> Value {
    let parameters = json!({
        "LambdaFunctionARN": "arn:aws:lambda:us-west-2:111122223333:function:f",
        "InvocationTimeLimitSeconds": "20", "InvocationType": "ASYNCHRONOUS",
    });
    action(id, "InvokeLambdaFunction", parameters, next, error)
}

fn notify() -> Value {
    flow(&[
        hand_over("notify", "say", "failed"),
        say("say", "on its way", "end"),
        say("failed", "failed", "end"),
        hang_up(),
    ])
}

fn attempts(rig: &Rig) -> usize {
    rig.count(|effect| matches!(effect, Effect::Invoke { is_awaited: false, .. }))
}

#[test]
fn a_function_that_is_not_waited_for_holds_up_no_caller() {
    let mut rig = Rig::answered(&notify());
    assert_eq!((rig.said().as_str(), attempts(&rig)), ("on its way", 1));
    rig.lambda_returns("whatever it is");
    assert_eq!((rig.said().as_str(), rig.reasons().len()), ("on its way", 0));
}

#[test]
fn one_that_fails_is_tried_again_and_its_failure_is_in_the_flow_log() {
    let mut rig = Rig::answered(&notify());
    for attempt in 1..=3 {
        assert_eq!(attempts(&rig), attempt);
        let (invocation, attempt, _) = rig.attempt();
        let result = Err(AttemptError::Transient { reason: "the endpoint answered 500".to_owned() });
        rig.handle(Input::Attempt { invocation, attempt, result });
    }
    assert_eq!(attempts(&rig), 3);
    assert_eq!(rig.reasons(), ["the function was not waited for, and failed: the endpoint answered 500"]);
    assert_eq!(rig.said(), "on its way");
}

#[test]
fn one_that_never_answers_is_given_up_at_its_limit() {
    let mut rig = Rig::answered(&notify());
    let sound = Sound::silence(60_000);
    rig.prompt(rig.last_prompt(), PromptEvent::Prepared { sound, note: None });
    rig.wait_ms(19_999);
    rig.handle(Input::TimePassed);
    assert!(rig.reasons().is_empty());
    rig.wait_ms(1);
    rig.handle(Input::TimePassed);
    assert_eq!(rig.reasons().len(), 1);
    // A late answer changes nothing.
    let (invocation, attempt, _) = rig.attempt();
    rig.handle(Input::Attempt { invocation, attempt, result: Ok(Redacted::new(Vec::new())) });
    assert_eq!(rig.reasons().len(), 1);
}

#[test]
fn sixteen_at_once_and_no_more() {
    let mut actions: Vec<Value> =
        (0..17).map(|nth| hand_over(&format!("f{nth}"), &format!("f{}", nth + 1), "failed")).collect();
    actions.extend([say("f17", "all of them", "end"), say("failed", "failed", "end"), hang_up()]);
    let rig = Rig::answered(&flow(&actions));
    assert_eq!((rig.said().as_str(), attempts(&rig)), ("failed", 16));
}

#[test]
fn one_that_the_instance_does_not_allow_takes_the_error_branch() {
    let mut rig = Rig::new(&notify());
    rig.settings.functions.store(false, Ordering::Relaxed);
    rig.leg(crate::LegEvent::Confirmed);
    assert_eq!((rig.said().as_str(), attempts(&rig)), ("failed", 0));
}

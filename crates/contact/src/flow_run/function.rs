//! A block that invokes a function.

use super::Step;
use crate::context::Context;
use crate::invoke::{self, Invocation};
use std::collections::BTreeMap;
use tympan_flow::Input;

/// Invokes a function that the instance lets its flows invoke.
pub(super) fn begin(
    cx: &mut Context,
    function_arn: String,
    parameters: &BTreeMap<String, String>,
    limit_ms: u32,
) -> Step<Invocation> {
    if !cx.instance.may_invoke(cx.contact.instance.id, &function_arn) {
        let reason = "the function is not associated with the instance: use AssociateLambdaFunction";
        return Step::At(Input::Failed { reason: reason.to_owned() });
    }
    let event = invoke::event(&cx.contact, parameters);
    let id = cx.next_invocation();
    Step::Waits(Invocation::begin(cx.now, id, function_arn, &event, limit_ms, &mut cx.effects))
}

/// What the block is answered.
pub(super) fn answer(outcome: invoke::Outcome) -> Input {
    outcome.map_or_else(|reason| Input::Failed { reason }, Input::LambdaReturned)
}

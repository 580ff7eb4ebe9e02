//! Blocks that invoke a function, and those that do not wait for it.

use super::Step;
use crate::context::Context;
use crate::invoke::{self, AttemptError, Invocation, Invoked};
use std::collections::BTreeMap;
use tympan_flow::{FlowIdentity, Input};
use tympan_types::{InvocationId, Mono, Redacted};

/// What a block wants invoked.
pub(super) struct FunctionCall {
    pub(super) function_arn: String,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) time_limit_ms: u32,
}

/// Invokes a function that the instance lets its flows invoke.
pub(super) fn begin(cx: &mut Context, call: FunctionCall) -> Step<Invocation> {
    match invocation(cx, call, true) {
        Ok(invocation) => Step::Waits(invocation),
        Err(refused) => Step::At(refused),
    }
}

fn invocation(cx: &mut Context, call: FunctionCall, is_awaited: bool) -> Result<Invocation, Input> {
    let FunctionCall { function_arn, parameters, time_limit_ms } = call;
    if !cx.instance.may_invoke(cx.contact.instance.id, &function_arn) {
        let reason = "the function is not associated with the instance: use AssociateLambdaFunction";
        return Err(Input::Failed { reason: reason.to_owned() });
    }
    let event = Redacted::new(invoke::event(&cx.contact, &parameters).to_string().into_bytes().into());
    let invoked = Invoked { id: cx.next_invocation(), function_arn, event, is_awaited };
    Ok(Invocation::begin(cx.now, invoked, time_limit_ms, &mut cx.effects))
}

/// What the block is answered.
pub(super) fn answer(outcome: invoke::Outcome) -> Input {
    outcome.map_or_else(|reason| Input::Failed { reason }, Input::LambdaReturned)
}

/// Invocations that no block waits for. They are tried as others are; that one failed stands in the flow log. When the flow is over, the
/// attempt that is under way is the last one.
#[derive(Default)]
pub(super) struct Unawaited(Vec<Invocation>);

impl Unawaited {
    /// Invocations of a flow at once.
    pub(super) const MAX: usize = 16;

    /// What the block is answered.
    pub(super) fn begin(&mut self, cx: &mut Context, call: FunctionCall) -> Input {
        if self.0.len() >= Self::MAX {
            let reason = format!("{} invocations that no block waits for are under way", Self::MAX);
            return Input::Failed { reason };
        }
        match invocation(cx, call, false) {
            Ok(invocation) => {
                self.0.push(invocation);
                Input::Done
            }
            Err(refused) => refused,
        }
    }

    pub(super) fn attempted(
        &mut self,
        cx: &mut Context,
        flow: &FlowIdentity,
        which: InvocationId,
        attempt: u32,
        result: Result<Redacted<Vec<u8>>, AttemptError>,
    ) {
        let Some(at) = self.0.iter().position(|invocation| invocation.id() == which) else { return };
        let Some(invocation) = self.0.get_mut(at) else { return };
        if let Some(outcome) = invocation.attempted(cx.now, which, attempt, result, &mut cx.effects) {
            self.0.swap_remove(at);
            tell(cx, flow, outcome);
        }
    }

    pub(super) fn time_passed(&mut self, cx: &mut Context, flow: &FlowIdentity) {
        let now = cx.now;
        let over: Vec<_> = self.0.extract_if(.., |invocation| invocation.deadline() <= now.mono).collect();
        for outcome in over.iter().filter_map(|invocation| invocation.time_passed(now)) {
            tell(cx, flow, outcome);
        }
    }

    pub(super) fn has(&self, which: InvocationId) -> bool {
        self.0.iter().any(|invocation| invocation.id() == which)
    }

    pub(super) fn deadline(&self) -> Option<Mono> {
        self.0.iter().map(Invocation::deadline).min()
    }
}

fn tell(cx: &mut Context, flow: &FlowIdentity, outcome: invoke::Outcome) {
    if let Err(reason) = outcome {
        let reason = format!("the function was not waited for, and failed: {reason}");
        cx.remark(flow, "InvokeExternalResource", "Error", &reason);
    }
}

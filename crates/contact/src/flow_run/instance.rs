//! What a flow asks of its instance, and keeps about its contact.

use crate::Stage;
use crate::context::Context;
use tympan_flow::{Answer, ContactChange, Input, Metrics, MetricsOf, Question, ResourceRef};

/// A flow to go on in.
pub(super) fn flow(cx: &Context, flow: &ResourceRef) -> Input {
    match cx.instance.flow(cx.contact.instance.id, flow) {
        Some(flow) => Input::Flow(flow),
        None => failed("the instance has no published flow of this id or name"),
    }
}

/// A module to run.
pub(super) fn module(cx: &Context, module: &ResourceRef) -> Input {
    match cx.instance.module(cx.contact.instance.id, module) {
        Some(module) => Input::Flow(module),
        None => failed("the instance has no published module of this id or name"),
    }
}

/// Keeps what a block sets about the contact.
pub(super) fn change(cx: &mut Context, change: ContactChange) -> Input {
    let instance = cx.contact.instance.id;
    let queue = match &change {
        ContactChange::TargetQueue(queue) => {
            cx.instance.queue(instance, queue).ok_or("the instance has no queue of this id or name")
        }
        ContactChange::TargetAgent(agent) => {
            cx.instance.agent_queue(instance, agent).ok_or("the instance has no agent of this id or name")
        }
        _ => {
            return match cx.edit().details.change(change) {
                Ok(()) => kept(cx),
                Err(reason) => Input::Failed { reason },
            };
        }
    };
    match queue {
        Ok(queue) => {
            cx.edit().details.target_queue = Some(queue);
            kept(cx)
        }
        Err(reason) => failed(reason),
    }
}

fn kept(cx: &mut Context) -> Input {
    cx.persist(Stage::Changed);
    Input::Done
}

/// Answers what a flow cannot know.
pub(super) fn answer(cx: &mut Context, question: &Question) -> Input {
    match question {
        Question::Hours { hours } => are_open(cx, hours.as_ref()),
        Question::Metrics { of, .. } => metrics(cx, of),
        Question::Percent => Input::Answer(Answer::Percent(cx.draw_percent())),
    }
}

fn are_open(cx: &Context, hours: Option<&ResourceRef>) -> Input {
    let of_queue = || {
        let queue = cx.contact.details.target_queue.as_ref()?;
        queue.hours_arn.clone().map(ResourceRef::of)
    };
    let Some(hours) = hours.cloned().or_else(of_queue) else {
        return failed(
            "the block names no hours of operation, and the contact has no target queue with some",
        );
    };
    match cx.instance.are_open(cx.contact.instance.id, &hours, cx.now.wall) {
        Some(is_open) => Input::Answer(Answer::IsOpen(is_open)),
        None => failed("the instance has no hours of operation of this id or name"),
    }
}

/// The numbers of a queue; all zero where no routing runs.
fn metrics(cx: &Context, of: &MetricsOf) -> Input {
    let instance = cx.contact.instance.id;
    let queue = match of {
        MetricsOf::TargetQueue => cx.contact.details.target_queue.clone(),
        MetricsOf::Queue(queue) => cx.instance.queue(instance, queue),
        MetricsOf::Agent(agent) => cx.instance.agent_queue(instance, agent),
    };
    match queue {
        Some(queue) => {
            let numbers = cx.instance.queue_numbers(instance, &queue).unwrap_or_default();
            let metrics = Metrics { queue_name: queue.name, queue_arn: queue.arn, ..numbers };
            Input::Answer(Answer::Metrics(Box::new(metrics)))
        }
        None => failed("there is no such queue, and metrics are of a queue"),
    }
}

fn failed(reason: &str) -> Input {
    Input::Failed { reason: reason.to_owned() }
}

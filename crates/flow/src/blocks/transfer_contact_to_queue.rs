//! `TransferContactToQueue` and `DequeueContactAndTransferToQueue` ("Transfer to queue").
//!
//! Source: Admin guide, "Transfer to queue": once the contact waits in its queue this flow is over, wherever the next block leads; a full
//! queue leaves the contact in the flow.

use serde_json::json;

use super::queue_target::QueueTargetTemplate;
use super::{Entered, Outcome, Run, failure};
use crate::effect::Effect;
use crate::input::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};

/// Puts the contact into the queue that it is meant for.
#[derive(Debug)]
pub(crate) struct TransferContactToQueue;

impl Run for TransferContactToQueue {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered::perform(json!({}), Effect::TransferToQueue)
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        over_when_done(input)
    }
}

/// Takes the contact out of its queue and puts it into another.
#[derive(Debug)]
pub(crate) struct DequeueContactAndTransferToQueue {
    to: QueueTargetTemplate,
}

impl DequeueContactAndTransferToQueue {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self { to: QueueTargetTemplate::read(parameters) })
    }
}

impl Run for DequeueContactAndTransferToQueue {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let mut log = json!({});
        match self.to.resolve(scene, &mut log) {
            Ok(to) => Entered::perform(log, Effect::DequeueAndTransferToQueue { to }),
            Err(reason) => Entered::failed(log, reason),
        }
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        over_when_done(input)
    }
}

fn over_when_done(input: Input) -> Outcome {
    match input {
        Input::Done => Outcome::Over(None),
        other => failure(other),
    }
}

//! `QueueId` or `AgentId`: the queue that a block is about. Without either it is the queue that the contact is meant for.

use serde_json::Value;

use crate::effect::QueueTarget;
use crate::memory::Scene;
use crate::parameters::{Parameters, ResourceTemplate};

/// A queue by id or reference.
#[derive(Debug)]
pub(super) struct QueueTargetTemplate {
    queue: Option<ResourceTemplate>,
    agent: Option<ResourceTemplate>,
}

impl QueueTargetTemplate {
    pub(super) fn read(parameters: &mut Parameters<'_>) -> Self {
        let (queue, agent) = (parameters.resource("QueueId"), parameters.resource("AgentId"));
        if queue.is_some() && agent.is_some() {
            parameters.note("AgentId", "cannot be used together with QueueId");
        }
        Self { queue, agent }
    }

    /// The queue; it is also put into the block's log entry.
    ///
    /// Errors: a reference that is unset, as a reason for the log.
    pub(super) fn resolve(&self, scene: &Scene<'_>, log: &mut Value) -> Result<QueueTarget, &'static str> {
        match (&self.queue, &self.agent) {
            (Some(queue), _) => {
                let queue = queue.resolve(scene);
                log["Queue"] = queue.id.as_str().into();
                if queue.is_unset() {
                    return Err("QueueId resolves to nothing");
                }
                Ok(QueueTarget::Queue(queue))
            }
            (None, Some(agent)) => {
                let agent = agent.resolve(scene);
                log["Agent"] = agent.id.as_str().into();
                if agent.is_unset() {
                    return Err("AgentId resolves to nothing");
                }
                Ok(QueueTarget::Agent(agent))
            }
            (None, None) => Ok(QueueTarget::TargetQueue),
        }
    }
}

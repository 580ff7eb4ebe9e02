//! `UpdateContactTargetQueue` ("Set working queue"): the queue, or the agent's own queue, that later blocks mean.

use serde_json::json;

use super::{Entered, Run};
use crate::effect::ContactChange;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, ResourceTemplate};

/// Sets the queue.
#[derive(Debug)]
pub(crate) struct UpdateContactTargetQueue {
    queue: Option<ResourceTemplate>,
    agent: Option<ResourceTemplate>,
}

impl UpdateContactTargetQueue {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let (queue, agent) = (parameters.resource("QueueId"), parameters.resource("AgentId"));
        if queue.is_some() && agent.is_some() {
            parameters.note("AgentId", "cannot be used together with QueueId");
        }
        Ok(Self { queue, agent })
    }
}

impl Run for UpdateContactTargetQueue {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let queue = self.queue.as_ref().map(|queue| queue.resolve(scene));
        let agent = self.agent.as_ref().map(|agent| agent.resolve(scene));
        match (queue, agent) {
            (Some(queue), _) if queue.is_unset() => {
                Entered::failed(json!({ "Queue": "" }), "QueueId resolves to nothing")
            }
            (Some(queue), _) => {
                Entered::change(json!({ "Queue": queue.id }), ContactChange::TargetQueue(queue))
            }
            (None, Some(agent)) if agent.is_unset() => {
                Entered::failed(json!({ "Agent": "" }), "AgentId resolves to nothing")
            }
            (None, Some(agent)) => {
                Entered::change(json!({ "Agent": agent.id }), ContactChange::TargetAgent(agent))
            }
            (None, None) => Entered::failed(json!({}), "the block names neither a queue nor an agent"),
        }
    }
}

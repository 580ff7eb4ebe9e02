//! `GetMetricData` ("Get queue metrics"): fills `$.Metrics`.
//!
//! Units: `$.Metrics.Queue.OldestContactAge` in seconds. Every value is a text.

use serde_json::{Value, json};

use super::{Entered, Outcome, Run, failure};
use crate::effect::{Answer, Effect, Metrics, MetricsOf, Question};
use crate::input::Input;
use crate::memory::{Namespace, Scene};
use crate::parameters::{Misconfigured, Parameters, ResourceTemplate};
use crate::template::Template;

/// Asks for the metrics of a queue or an agent.
#[derive(Debug)]
pub(crate) struct GetMetricData {
    queue: Option<ResourceTemplate>,
    agent: Option<ResourceTemplate>,
    channel: Option<Template>,
}

impl GetMetricData {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self {
            queue: parameters.resource("QueueId"),
            agent: parameters.resource("AgentId"),
            channel: parameters.template("QueueChannel"),
        })
    }
}

/// Whose metrics a block wants, and what its log entry says of that.
pub(super) fn subject(
    scene: &Scene<'_>,
    queue: Option<&ResourceTemplate>,
    agent: Option<&ResourceTemplate>,
) -> (MetricsOf, Value) {
    if let Some(queue) = queue {
        let queue = queue.resolve(scene);
        let log = json!({ "Queue": queue.id });
        return (MetricsOf::Queue(queue), log);
    }
    match agent.map(|agent| agent.resolve(scene)) {
        Some(agent) => {
            let log = json!({ "Agent": agent.id });
            (MetricsOf::Agent(agent), log)
        }
        None => (MetricsOf::TargetQueue, json!({})),
    }
}

impl Run for GetMetricData {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let (of, mut log) = subject(scene, self.queue.as_ref(), self.agent.as_ref());
        let channel = self.channel.as_ref().map(|channel| scene.resolve(channel));
        if let Some(channel) = &channel {
            log["Channel"] = json!(channel);
        }
        Entered::perform(log, Effect::Ask(Question::Metrics { of, channel }))
    }

    fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Answer(Answer::Metrics(metrics)) => {
                scene.memory.put(Namespace::Metrics, values(&metrics));
                Outcome::Success
            }
            other => failure(other),
        }
    }
}

fn values(metrics: &Metrics) -> Value {
    let count = |number: u64| json!({ "Count": number.to_string() });
    json!({
        "Queue": {
            "Name": metrics.queue_name,
            "ARN": metrics.queue_arn,
            "Size": metrics.contacts_in_queue.to_string(),
            "OldestContactAge": (metrics.oldest_contact_age_ms / 1000).to_string(),
        },
        "Agents": {
            "Online": count(metrics.agents_online),
            "Available": count(metrics.agents_available),
            "Staffed": count(metrics.agents_staffed),
            "AfterContactWork": count(metrics.agents_after_contact_work),
            "Busy": count(metrics.agents_busy),
            "Missed": count(metrics.agents_missed),
            "NonProductive": count(metrics.agents_non_productive),
        },
    })
}

//! `CheckMetricData` ("Check staffing", "Check queue status"): compares one number of a queue or an agent.
//!
//! Units: the age of the oldest contact is compared in milliseconds, as exported flows do, whatever the metric is called.

use serde_json::json;

use super::get_metric_data::subject;
use super::{Entered, Outcome, Run, failure};
use crate::effect::{Answer, Effect, Metrics, MetricsOf, Question};
use crate::input::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, ResourceTemplate};

/// What can be asked for.
pub(crate) const METRIC_TYPES: &[&str] = &[
    "NumberOfAgentsAvailable",
    "NumberOfAgentsStaffed",
    "NumberOfAgentsOnline",
    "OldestContactInQueueAgeSeconds",
    "NumberOfContactsInQueue",
];

/// Takes the branch whose condition the number meets.
#[derive(Debug)]
pub(crate) struct CheckMetricData {
    metric: String,
    queue: Option<ResourceTemplate>,
    agent: Option<ResourceTemplate>,
}

impl CheckMetricData {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let metric = parameters.required_text("MetricType")?;
        if !METRIC_TYPES.contains(&metric.as_str()) {
            return Err(parameters.refuse("MetricType", "is none that can be checked"));
        }
        Ok(Self { metric, queue: parameters.resource("QueueId"), agent: parameters.resource("AgentId") })
    }

    fn number(&self, metrics: &Metrics) -> u64 {
        match self.metric.as_str() {
            "NumberOfAgentsAvailable" => metrics.agents_available,
            "NumberOfAgentsStaffed" => metrics.agents_staffed,
            "NumberOfAgentsOnline" => metrics.agents_online,
            "OldestContactInQueueAgeSeconds" => metrics.oldest_contact_age_ms,
            _ => metrics.contacts_in_queue,
        }
    }
}

impl Run for CheckMetricData {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let (of, mut log) = subject(scene, self.queue.as_ref(), self.agent.as_ref());
        log["MetricType"] = json!(self.metric);
        if matches!(of, MetricsOf::Agent(_)) && !self.metric.contains("Agents") {
            return Entered::failed(log, "an agent has no queue to look at");
        }
        Entered::perform(log, Effect::Ask(Question::Metrics { of, channel: None }))
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Answer(Answer::Metrics(metrics)) => {
                Outcome::Result(Some(self.number(&metrics).to_string()))
            }
            other => failure(other),
        }
    }
}

//! GetMetricData: POST /metrics/historical/{InstanceId}.

use super::past::{self, LONGEST_CONTACT_MS};
use super::scope::{Filters, reference};
use super::tally::{Facts, Statistic, count, service_level};
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::paging;
use crate::queues::Queue;
use crate::target::Context;
use crate::timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use tympan_aws::Output;
use tympan_contact::{Contact, DisconnectReason, InitiationMethod, TimeAxis};
use tympan_types::{ResourceId, WallTime};

/// Times are at five minutes, of the last 24 hours.
const STEP_MS: i64 = 300_000;
const DAY_MS: i64 = 24 * 3_600_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    start_time: Value,
    end_time: Value,
    filters: Filters,
    #[serde(default)]
    groupings: Vec<String>,
    historical_metrics: Vec<Wanted>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

/// A metric as it is asked for, and answered.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<Threshold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    statistic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Threshold {
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<String>,
    threshold_value: Option<f64>,
}

/// What contacts that ended in a time add up to, by queue. Those that were queued count by the time of that.
///
/// Errors: InvalidParameter, InvalidRequest, ResourceNotFound.
pub(crate) struct GetMetricData;

impl InstanceView for GetMetricData {
    const NAME: &'static str = "GetMetricData";

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let body: Body = input.read(cx)?;
        let page = paging::page(cx.tokens([]), body.next_token.as_deref(), body.max_results, 100)?;
        let (from, to) = body.range(cx.now)?;
        body.check()?;
        let scope = body.filters.scope(scene)?;
        if scope.queues.is_empty() {
            return Err(ConnectError::parameter("Filters has Queues: metrics of the past are by queue"));
        }
        let has = |grouping: &str| body.groupings.iter().any(|given| given == grouping);
        let contacts = match scope.has_voice {
            true => past::contacts(scene, TimeAxis::Initiation, from.plus_ms(-LONGEST_CONTACT_MS), to)?,
            false => Vec::new(),
        };
        let mut by_queue: BTreeMap<Option<ResourceId>, Period> = BTreeMap::new();
        for contact in &contacts {
            let queue = contact.queue.as_ref().and_then(|stay| queue_of(&stay.queue.arn));
            let Some(queue) = queue.filter(|queue| scope.queues.contains(queue)) else { continue };
            by_queue.entry(has("QUEUE").then_some(queue)).or_default().add(contact, from, to);
        }
        by_queue.retain(|_, period| !period.is_empty());
        let results = by_queue.iter().enumerate().map(|(place, (queue, period))| {
            let mut dimensions = Map::new();
            if let Some(queue) = queue {
                dimensions.insert("Queue".to_owned(), reference::<Queue>(scene, *queue));
            }
            if has("CHANNEL") {
                dimensions.insert("Channel".to_owned(), "VOICE".into());
            }
            let collections: Vec<Value> = body
                .historical_metrics
                .iter()
                .map(|wanted| json!({ "Metric": wanted, "Value": wanted.value(period) }))
                .collect();
            (format!("{place:06}"), json!({ "Dimensions": dimensions, "Collections": collections }))
        });
        let results: Vec<(String, Value)> = results.collect();
        Ok(paging::list(&page, "MetricResults", results))
    }
}

/// The queue that an ARN names.
pub(super) fn queue_of(arn: &str) -> Option<ResourceId> {
    ResourceId::parse(arn.rsplit('/').next()?).ok()
}

/// The contacts of a time.
#[derive(Default)]
pub(super) struct Period {
    /// That ended in it.
    pub(super) ended: Vec<Facts>,
    /// How many were queued in it.
    pub(super) queued: u64,
    /// How many began in it.
    pub(super) created: u64,
}

impl Period {
    /// Adds a contact, from `from` to before `to`.
    pub(super) fn add(&mut self, contact: &Contact, from: WallTime, to: WallTime) {
        let is_in = |at: Option<WallTime>| at.is_some_and(|at| from <= at && at < to);
        if is_in(contact.disconnect_timestamp) {
            self.ended.push(Facts::of(contact));
        }
        self.queued += u64::from(is_in(contact.queue.as_ref().map(|stay| stay.enqueued)));
        self.created += u64::from(is_in(Some(contact.initiation_timestamp)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.queued == 0 && self.created == 0
    }
}

/// The metrics of counts.
const COUNTS: &[&str] = &[
    "CONTACTS_QUEUED",
    "CONTACTS_HANDLED",
    "CONTACTS_ABANDONED",
    "CONTACTS_CONSULTED",
    "CONTACTS_AGENT_HUNG_UP_FIRST",
    "CONTACTS_HANDLED_INCOMING",
    "CONTACTS_HANDLED_OUTBOUND",
    "CONTACTS_HOLD_ABANDONS",
    "CONTACTS_TRANSFERRED_IN",
    "CONTACTS_TRANSFERRED_OUT",
    "CONTACTS_TRANSFERRED_IN_FROM_QUEUE",
    "CONTACTS_TRANSFERRED_OUT_FROM_QUEUE",
    "CONTACTS_MISSED",
    "CALLBACK_CONTACTS_HANDLED",
    "API_CONTACTS_HANDLED",
];
/// Those of durations, each with its statistic.
const DURATIONS: &[(&str, &str)] = &[
    ("HANDLE_TIME", "AVG"),
    ("AFTER_CONTACT_WORK_TIME", "AVG"),
    ("QUEUED_TIME", "MAX"),
    ("ABANDON_TIME", "AVG"),
    ("QUEUE_ANSWER_TIME", "AVG"),
    ("HOLD_TIME", "AVG"),
    ("INTERACTION_TIME", "AVG"),
    ("INTERACTION_AND_HOLD_TIME", "AVG"),
];

impl Body {
    fn range(&self, now: WallTime) -> Result<(WallTime, WallTime), ConnectError> {
        let read = |value| {
            timestamp::read(value).ok_or_else(|| ConnectError::parameter("StartTime and EndTime are times"))
        };
        let (from, to) = (read(&self.start_time)?, read(&self.end_time)?);
        let is_at_step = |at: WallTime| at.unix_ms() % STEP_MS == 0;
        if !is_at_step(from) || !is_at_step(to) {
            return Err(ConnectError::parameter("StartTime and EndTime are at five minutes: 10:05, 10:10"));
        }
        let is_recent = now.ms_since(from) <= DAY_MS + STEP_MS && to.ms_since(now) <= STEP_MS;
        if to <= from || to.ms_since(from) > DAY_MS || !is_recent {
            return Err(ConnectError::parameter(
                "EndTime is after StartTime and not in the future, and StartTime at most 24 hours ago",
            ));
        }
        Ok((from, to))
    }

    fn check(&self) -> Result<(), ConnectError> {
        if self.groupings.len() > 2
            || self.groupings.iter().any(|given| given != "QUEUE" && given != "CHANNEL")
        {
            return Err(ConnectError::parameter("Groupings are QUEUE and CHANNEL here"));
        }
        if self.historical_metrics.is_empty() {
            return Err(ConnectError::parameter("HistoricalMetrics has at least one metric"));
        }
        self.historical_metrics.iter().try_for_each(Wanted::check)
    }
}

impl Wanted {
    fn check(&self) -> Result<(), ConnectError> {
        let name = self.name.as_str();
        let (statistics, unit): (&[&str], _) = match name {
            "OCCUPANCY" => (&["AVG"], "PERCENT"),
            "SERVICE_LEVEL" => (&["AVG"], "PERCENT"),
            _ if COUNTS.contains(&name) => (&["SUM"], "COUNT"),
            _ => match DURATIONS.iter().find(|(known, _)| *known == name) {
                Some((_, statistic)) => (std::slice::from_ref(statistic), "SECONDS"),
                None => return Err(ConnectError::parameter(format!("there is no metric {name:?}"))),
            },
        };
        let fits = |given: &Option<String>, wanted: &[&str]| {
            given.as_ref().is_none_or(|given| wanted.contains(&given.as_str()))
        };
        if !fits(&self.statistic, statistics) || !fits(&self.unit, &[unit]) {
            return Err(ConnectError::parameter(format!(
                "{name} has Statistic {} and Unit {unit}",
                statistics.join(", ")
            )));
        }
        let seconds = self.threshold.as_ref().and_then(|threshold| threshold.threshold_value);
        let is_threshold = seconds.is_some_and(|seconds| (1.0..=604_800.0).contains(&seconds));
        match name == "SERVICE_LEVEL" && !is_threshold {
            true => Err(ConnectError::parameter("SERVICE_LEVEL has a Threshold of 1 to 604800 seconds")),
            false => Ok(()),
        }
    }

    /// Null where it cannot be computed.
    fn value(&self, period: &Period) -> Value {
        let ended = &period.ended;
        let number = |met: fn(&Facts) -> bool| Some(count(ended.iter().filter(|facts| met(facts))));
        let by = |method: InitiationMethod| {
            Some(count(ended.iter().filter(|facts| facts.is_handled && facts.method == Some(method))))
        };
        let handled = || ended.iter().filter(|facts| facts.is_handled);
        let mean = |of: fn(&Facts) -> u64| Statistic::Mean.of(handled().map(of));
        let value = match self.name.as_str() {
            "CONTACTS_QUEUED" => Some(period.queued as f64),
            "CONTACTS_HANDLED" => number(|facts| facts.is_handled),
            "CONTACTS_ABANDONED" => number(|facts| facts.is_abandoned),
            "CONTACTS_AGENT_HUNG_UP_FIRST" => {
                number(|facts| facts.is_handled && facts.reason == Some(DisconnectReason::AgentDisconnect))
            }
            "CONTACTS_HANDLED_INCOMING" => number(|facts| {
                facts.is_handled
                    && !matches!(
                        facts.method,
                        Some(InitiationMethod::Outbound | InitiationMethod::Callback | InitiationMethod::Api)
                    )
            }),
            "CONTACTS_HANDLED_OUTBOUND" => by(InitiationMethod::Outbound),
            "CALLBACK_CONTACTS_HANDLED" => by(InitiationMethod::Callback),
            "API_CONTACTS_HANDLED" => by(InitiationMethod::Api),
            "CONTACTS_HOLD_ABANDONS" => number(|facts| facts.left_on_hold),
            "CONTACTS_TRANSFERRED_IN" => number(|facts| facts.is_transferred_in),
            "CONTACTS_TRANSFERRED_OUT" => number(|facts| facts.is_transferred_out),
            "CONTACTS_TRANSFERRED_IN_FROM_QUEUE" => number(|facts| {
                facts.is_transferred_in && facts.method == Some(InitiationMethod::QueueTransfer)
            }),
            "CONTACTS_MISSED" => Some(ended.iter().map(|facts| facts.missed as f64).sum()),
            "HANDLE_TIME" => mean(Facts::handle_ms),
            "AFTER_CONTACT_WORK_TIME" => mean(|facts| facts.after_contact_work_ms),
            "HOLD_TIME" => {
                Statistic::Mean.of(handled().filter(|facts| facts.holds > 0).map(|facts| facts.hold_ms))
            }
            "INTERACTION_TIME" => mean(|facts| facts.interaction_ms),
            "INTERACTION_AND_HOLD_TIME" => mean(|facts| facts.interaction_ms + facts.hold_ms),
            "QUEUED_TIME" => {
                Statistic::Max.of(ended.iter().filter(|facts| facts.is_queued).map(|facts| facts.queued_ms))
            }
            "QUEUE_ANSWER_TIME" => {
                Statistic::Mean.of(handled().filter(|facts| facts.is_queued).map(|facts| facts.queued_ms))
            }
            "ABANDON_TIME" => Statistic::Mean
                .of(ended.iter().filter(|facts| facts.is_abandoned).map(|facts| facts.queued_ms)),
            "SERVICE_LEVEL" => {
                let seconds = self.threshold.as_ref().and_then(|threshold| threshold.threshold_value);
                service_level(ended, seconds.unwrap_or(0.0))
            }
            // Consultations and occupancy are not in contacts.
            _ => None,
        };
        value.map_or(Value::Null, Value::from)
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, NOW, Routed};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};
    use tympan_contact::History;

    fn body(setting: &Routed, with: Value) -> Value {
        let end = NOW.unix_ms() / 300_000 * 300 + 300;
        let queue = setting.bench.basic_queue(&setting.instance);
        let mut body = json!({ "StartTime": end - 3_600, "EndTime": end, "Filters": { "Queues": [queue] }, "Groupings": ["QUEUE"],
            "HistoricalMetrics": [{ "Name": "CONTACTS_HANDLED", "Statistic": "SUM", "Unit": "COUNT" }] });
        with.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        body
    }

    /// One contact that an agent had for ten seconds, and one that was abandoned after twenty.
    fn two_contacts() -> Routed {
        let setting = Routed::new();
        let mut handled = setting.with_agent();
        handled.disconnect_timestamp = Some(NOW.plus_ms(10_000));
        handled.agent.as_mut().unwrap().left = Some(NOW.plus_ms(10_000));
        handled.agent_connection_attempts = 3;
        setting.bench.history.close(&handled).unwrap();
        let waiting = setting.waiting();
        let mut abandoned = setting.bench.live.up.lock().unwrap()[&waiting].clone();
        abandoned.disconnect_timestamp = Some(NOW.plus_ms(20_000));
        setting.bench.history.close(&abandoned).unwrap();
        setting
    }

    #[test]
    fn contacts_of_the_past_add_up_by_queue() {
        let setting = two_contacts();
        let names = [
            ("CONTACTS_QUEUED", json!(2.0)),
            ("CONTACTS_HANDLED", json!(1.0)),
            ("CONTACTS_ABANDONED", json!(1.0)),
            ("CONTACTS_MISSED", json!(2.0)),
            ("CONTACTS_HANDLED_INCOMING", json!(1.0)),
            ("INTERACTION_TIME", json!(10.0)),
            ("ABANDON_TIME", json!(20.0)),
            ("QUEUED_TIME", json!(20.0)),
            ("QUEUE_ANSWER_TIME", json!(0.0)),
            ("HOLD_TIME", Value::Null),
            ("OCCUPANCY", Value::Null),
        ];
        let mut metrics: Vec<Value> = names.iter().map(|(name, _)| json!({ "Name": name })).collect();
        metrics.push(
            json!({ "Name": "SERVICE_LEVEL", "Threshold": { "Comparison": "LT", "ThresholdValue": 15.0 } }),
        );
        let path = format!("/metrics/historical/{}", setting.instance);
        let answer = setting
            .bench
            .call("POST", &path, body(&setting, json!({ "HistoricalMetrics": metrics })))
            .unwrap();
        let result = &answer["MetricResults"][0];
        assert_eq!(result["Dimensions"]["Queue"]["Id"], setting.bench.basic_queue(&setting.instance));
        let found: Vec<&Value> =
            result["Collections"].as_array().unwrap().iter().map(|item| &item["Value"]).collect();
        for ((name, expected), value) in names.iter().zip(&found) {
            assert_eq!(*value, expected, "{name}");
        }
        assert_eq!(found[names.len()], &json!(50.0));
        let other = body(
            &setting,
            json!({ "Filters": { "Queues": [setting.bench.basic_queue(&setting.instance)], "Channels": ["CHAT"] } }),
        );
        assert_eq!(setting.bench.call("POST", &path, other).unwrap(), json!({ "MetricResults": [] }));
    }

    #[test]
    fn times_metrics_and_filters_that_are_none_are_refused() {
        let setting = Routed::new();
        let path = format!("/metrics/historical/{}", setting.instance);
        let end = NOW.unix_ms() / 300_000 * 300;
        for (with, code) in [
            (json!({ "StartTime": end - 61 }), ErrorCode::InvalidParameter),
            (json!({ "StartTime": end, "EndTime": end }), ErrorCode::InvalidParameter),
            (json!({ "StartTime": end - 200_000 * 300 }), ErrorCode::InvalidParameter),
            (json!({ "EndTime": end + 3_000 }), ErrorCode::InvalidParameter),
            (json!({ "Groupings": ["ROUTING_PROFILE"] }), ErrorCode::InvalidParameter),
            (
                json!({ "HistoricalMetrics": [{ "Name": "CONTACTS_HANDLED", "Statistic": "AVG" }] }),
                ErrorCode::InvalidParameter,
            ),
            (json!({ "HistoricalMetrics": [{ "Name": "SERVICE_LEVEL" }] }), ErrorCode::InvalidParameter),
            (json!({ "HistoricalMetrics": [{ "Name": "LUNCH" }] }), ErrorCode::InvalidParameter),
            (json!({ "Filters": { "Queues": [ABSENT] } }), ErrorCode::ResourceNotFound),
            (json!({ "StartTime": null }), ErrorCode::InvalidRequest),
        ] {
            assert_eq!(setting.bench.refusal("POST", &path, body(&setting, with.clone())), code, "{with}");
        }
    }
}

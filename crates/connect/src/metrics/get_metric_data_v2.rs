//! GetMetricDataV2: POST /metrics/data.

use super::get_metric_data::{Period, queue_of};
use super::past::{self, LONGEST_CONTACT_MS};
use super::tally::{Facts, Statistic, count, service_level};
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::paging;
use crate::service::ConnectService;
use crate::target::{Context, InstanceTarget};
use crate::timestamp::{self, epoch_seconds};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tympan_aws::{Operation, Output};
use tympan_contact::{Contact, TimeAxis};
use tympan_types::WallTime;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// Results of one request, over all intervals.
const RESULTS: usize = 10_000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    start_time: Value,
    end_time: Value,
    #[serde(default)]
    interval: Interval,
    filters: Vec<Filter>,
    #[serde(default)]
    groupings: Vec<String>,
    metrics: Vec<Wanted>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Interval {
    interval_period: IntervalPeriod,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum IntervalPeriod {
    FifteenMin,
    ThirtyMin,
    Hour,
    Day,
    Week,
    #[default]
    Total,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Filter {
    filter_key: String,
    #[serde(default)]
    filter_values: Vec<String>,
}

/// A metric as it is asked for, and answered.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    threshold: Vec<Threshold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_id: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    metric_filters: Vec<MetricFilter>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Threshold {
    comparison: Option<String>,
    threshold_value: Option<f64>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MetricFilter {
    metric_filter_key: String,
    #[serde(default)]
    metric_filter_values: Vec<String>,
    #[serde(default)]
    negate: bool,
}

/// By what contacts are grouped and filtered.
const DIMENSIONS: [&str; 5] = ["QUEUE", "CHANNEL", "ROUTING_PROFILE", "AGENT", "INITIATION_METHOD"];
/// The metrics.
const METRICS: [&str; 22] = [
    "AGENT_NON_RESPONSE",
    "AGENT_OCCUPANCY",
    "AVG_ABANDON_TIME",
    "AVG_AFTER_CONTACT_WORK_TIME",
    "AVG_HANDLE_TIME",
    "AVG_HOLD_TIME",
    "AVG_HOLDS",
    "AVG_INTERACTION_TIME",
    "AVG_INTERACTION_AND_HOLD_TIME",
    "AVG_QUEUE_ANSWER_TIME",
    "CONTACTS_ABANDONED",
    "CONTACTS_CREATED",
    "CONTACTS_HANDLED",
    "CONTACTS_HOLD_ABANDONS",
    "CONTACTS_QUEUED",
    "CONTACTS_TRANSFERRED_OUT",
    "MAX_QUEUED_TIME",
    "SERVICE_LEVEL",
    "SUM_AFTER_CONTACT_WORK_TIME",
    "SUM_HANDLE_TIME",
    "SUM_HOLD_TIME",
    "SUM_INTERACTION_TIME",
];

/// What contacts that ended in a time add up to, by interval and by what they were with.
///
/// Errors: InvalidParameter, InvalidRequest, ResourceNotFound.
pub(crate) struct GetMetricDataV2;

impl Operation for GetMetricDataV2 {
    type Service = ConnectService;
    type Input = Members;
    type Target = InstanceTarget;
    const NAME: &'static str = "GetMetricDataV2";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<InstanceTarget, ConnectError> {
        Ok(InstanceTarget::of(cx, input.text("ResourceArn")))
    }

    async fn call(cx: &Context<'_>, input: Members, target: InstanceTarget) -> Result<Output, ConnectError> {
        if input.text("ResourceArn").is_empty() {
            return Err(crate::target::missing(cx, "ResourceArn"));
        }
        let instance = target.instance?;
        let directory = cx.service.directory();
        let scene = Scene { service: cx.service, directory: &directory, instance: &instance, now: cx.now };
        Results::of(cx, input, &scene)
    }
}

/// The answer.
struct Results;

impl InstanceView for Results {
    const NAME: &'static str = "GetMetricDataV2";

    fn of(cx: &Context<'_>, mut input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let asked: Option<Value> = input.take(cx, "Filters")?;
        let text = asked.as_ref().map(Value::to_string).unwrap_or_default();
        let tokens = cx.tokens([input.text("ResourceArn"), text.as_str()]);
        let filters: Vec<Filter> = asked
            .map(serde_json::from_value)
            .transpose()
            .map_err(|error| ConnectError::parameter(format!("Filters: {error}")))?
            .unwrap_or_default();
        let body = Body { filters, ..input.read::<WithoutFilters>(cx)?.into() };
        let page = paging::page(tokens, body.next_token.as_deref(), body.max_results, 100)?;
        let (from, to) = body.range(cx.now)?;
        body.check()?;
        let contacts = past::contacts(scene, TimeAxis::Initiation, from.plus_ms(-LONGEST_CONTACT_MS), to)?;
        let contacts: Vec<&Contact> = contacts.iter().filter(|contact| body.has(contact)).collect();
        let step_ms = body.interval.interval_period.step_ms().unwrap_or_else(|| to.ms_since(from));
        let mut results = Vec::new();
        let mut start = from;
        while start < to {
            let end = start.plus_ms(step_ms).min(to);
            let mut groups: BTreeMap<Vec<String>, Vec<&Contact>> = BTreeMap::new();
            for contact in &contacts {
                // A contact that has no value of a grouping is in no group of it.
                let group =
                    body.groupings.iter().map(|key| dimension(contact, key)).collect::<Option<Vec<_>>>();
                if let Some(group) = group {
                    groups.entry(group).or_default().push(contact);
                }
            }
            for (group, contacts) in groups {
                if let Some(result) = body.result(&group, &contacts, (start, end)) {
                    results.push((format!("{:06}", results.len()), result));
                }
                if results.len() > RESULTS {
                    return Err(ConnectError::request(
                        "there are more than 10000 results: ask for longer intervals",
                    ));
                }
            }
            start = end;
        }
        Ok(paging::list(&page, "MetricResults", results))
    }
}

/// The members beside the filters, which are part of what a token is for.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WithoutFilters {
    start_time: Value,
    end_time: Value,
    #[serde(default)]
    interval: Interval,
    #[serde(default)]
    groupings: Vec<String>,
    metrics: Vec<Wanted>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

impl From<WithoutFilters> for Body {
    fn from(body: WithoutFilters) -> Self {
        let WithoutFilters { start_time, end_time, interval, groupings, metrics, next_token, max_results } =
            body;
        Self {
            start_time,
            end_time,
            interval,
            filters: Vec::new(),
            groupings,
            metrics,
            next_token,
            max_results,
        }
    }
}

impl IntervalPeriod {
    /// Its length; `None`: the whole time.
    fn step_ms(self) -> Option<i64> {
        match self {
            Self::FifteenMin => Some(HOUR_MS / 4),
            Self::ThirtyMin => Some(HOUR_MS / 2),
            Self::Hour => Some(HOUR_MS),
            Self::Day => Some(DAY_MS),
            Self::Week => Some(7 * DAY_MS),
            Self::Total => None,
        }
    }

    /// The longest time that is divided so.
    fn most_ms(self) -> i64 {
        match self {
            Self::FifteenMin | Self::ThirtyMin | Self::Hour => 3 * DAY_MS,
            Self::Day | Self::Week | Self::Total => 35 * DAY_MS,
        }
    }
}

/// What a contact is of.
fn dimension(contact: &Contact, key: &str) -> Option<String> {
    match key {
        "QUEUE" => contact.queue.as_ref().and_then(|stay| queue_of(&stay.queue.arn)).map(|id| id.to_string()),
        "CHANNEL" => Some(contact.channel.to_string()),
        "AGENT" => contact.agent.as_ref().map(|part| part.agent.id.to_string()),
        "ROUTING_PROFILE" => {
            let arn = contact.agent.as_ref().map(|part| part.agent.routing_profile_arn.as_str());
            arn.and_then(queue_of).map(|id| id.to_string())
        }
        "INITIATION_METHOD" => Some(contact.initiation_method.word().to_owned()),
        _ => None,
    }
}

impl Body {
    fn range(&self, now: WallTime) -> Result<(WallTime, WallTime), ConnectError> {
        let read = |value| {
            timestamp::read(value).ok_or_else(|| ConnectError::parameter("StartTime and EndTime are times"))
        };
        let (from, to) = (read(&self.start_time)?, read(&self.end_time)?);
        let period = self.interval.interval_period;
        let step_ms = match period {
            IntervalPeriod::FifteenMin => HOUR_MS / 4,
            IntervalPeriod::ThirtyMin => HOUR_MS / 2,
            IntervalPeriod::Hour | IntervalPeriod::Day | IntervalPeriod::Week => HOUR_MS,
            IntervalPeriod::Total => 300_000,
        };
        if from.unix_ms() % step_ms != 0 || to.unix_ms() % step_ms != 0 {
            return Err(ConnectError::parameter("StartTime and EndTime are at whole steps of the interval"));
        }
        if to <= from || to.ms_since(from) > period.most_ms() || now.ms_since(from) > 92 * DAY_MS {
            return Err(ConnectError::parameter(
                "EndTime is after StartTime; the time is at most 3 days long for intervals up to an hour and 35 days else, of the last three months",
            ));
        }
        Ok((from, to))
    }

    fn check(&self) -> Result<(), ConnectError> {
        let is_known = |key: &str| DIMENSIONS.contains(&key);
        if !(1..=5).contains(&self.filters.len())
            || !self
                .filters
                .iter()
                .all(|filter| is_known(&filter.filter_key) && (1..=100).contains(&filter.filter_values.len()))
        {
            return Err(ConnectError::parameter(format!(
                "Filters has 1 to 5 entries, each of 1 to 100 values of {}",
                DIMENSIONS.join(", ")
            )));
        }
        if self.groupings.len() > 4 || !self.groupings.iter().all(|key| is_known(key)) {
            return Err(ConnectError::parameter(format!(
                "Groupings are up to 4 of {}",
                DIMENSIONS.join(", ")
            )));
        }
        if self.metrics.is_empty() {
            return Err(ConnectError::parameter("Metrics has at least one metric"));
        }
        self.metrics.iter().try_for_each(Wanted::check)
    }

    fn has(&self, contact: &Contact) -> bool {
        self.filters.iter().all(|filter| {
            let value = dimension(contact, &filter.filter_key);
            value.is_some_and(|value| {
                let mut wanted = filter.filter_values.iter();
                wanted.any(|wanted| {
                    wanted.rsplit('/').next().is_some_and(|wanted| wanted.eq_ignore_ascii_case(&value))
                })
            })
        })
    }

    /// `None` where nothing was in the time.
    fn result(
        &self,
        group: &[String],
        contacts: &[&Contact],
        (from, to): (WallTime, WallTime),
    ) -> Option<Value> {
        let mut whole = Period::default();
        contacts.iter().for_each(|contact| whole.add(contact, from, to));
        if whole.is_empty() {
            return None;
        }
        let collections: Vec<Value> = self
            .metrics
            .iter()
            .map(|wanted| {
                let mut period = Period::default();
                let wanted_ones = contacts.iter().filter(|contact| wanted.has(contact));
                wanted_ones.for_each(|contact| period.add(contact, from, to));
                let mut collection = json!({ "Metric": wanted });
                if let Some(value) = wanted.value(&period) {
                    collection["Value"] = value.into();
                }
                collection
            })
            .collect();
        let dimensions: Map<String, Value> =
            self.groupings.iter().cloned().zip(group.iter().map(|value| value.as_str().into())).collect();
        Some(json!({
            "Dimensions": dimensions,
            "MetricInterval": { "Interval": self.interval.interval_period, "StartTime": epoch_seconds(from), "EndTime": epoch_seconds(to) },
            "Collections": collections,
        }))
    }
}

impl Wanted {
    fn check(&self) -> Result<(), ConnectError> {
        let name = self.name.as_str();
        if !METRICS.contains(&name) {
            return Err(ConnectError::parameter(format!("there is no metric {name:?} here")));
        }
        if name == "SERVICE_LEVEL"
            && !self.seconds().is_some_and(|seconds| (1.0..=604_800.0).contains(&seconds))
        {
            return Err(ConnectError::parameter("SERVICE_LEVEL has a Threshold of 1 to 604800 seconds"));
        }
        let is_known = |filter: &MetricFilter| {
            ["INITIATION_METHOD", "DISCONNECT_REASON"].contains(&filter.metric_filter_key.as_str())
        };
        match self.metric_filters.len() <= 2 && self.metric_filters.iter().all(is_known) {
            true => Ok(()),
            false => {
                Err(ConnectError::parameter("MetricFilters are by INITIATION_METHOD and DISCONNECT_REASON"))
            }
        }
    }

    fn seconds(&self) -> Option<f64> {
        self.threshold.first().and_then(|threshold| threshold.threshold_value)
    }

    fn has(&self, contact: &Contact) -> bool {
        self.metric_filters.iter().all(|filter| {
            let value = match filter.metric_filter_key.as_str() {
                "INITIATION_METHOD" => Some(contact.initiation_method.word()),
                _ => contact.disconnect_reason.map(|reason| reason.word()),
            };
            let values: BTreeSet<&str> = filter.metric_filter_values.iter().map(String::as_str).collect();
            value.is_some_and(|value| values.contains(value)) != filter.negate
        })
    }

    /// `None` where it cannot be computed.
    fn value(&self, period: &Period) -> Option<f64> {
        let ended = &period.ended;
        let number = |met: fn(&Facts) -> bool| Some(count(ended.iter().filter(|facts| met(facts))));
        let handled = || ended.iter().filter(|facts| facts.is_handled);
        let of = |statistic: Statistic, of: fn(&Facts) -> u64| statistic.of(handled().map(of));
        match self.name.as_str() {
            "CONTACTS_CREATED" => Some(period.created as f64),
            "CONTACTS_QUEUED" => Some(period.queued as f64),
            "CONTACTS_HANDLED" => number(|facts| facts.is_handled),
            "CONTACTS_ABANDONED" => number(|facts| facts.is_abandoned),
            "CONTACTS_HOLD_ABANDONS" => number(|facts| facts.left_on_hold),
            "CONTACTS_TRANSFERRED_OUT" => number(|facts| facts.is_transferred_out),
            "AGENT_NON_RESPONSE" => Some(ended.iter().map(|facts| facts.missed as f64).sum()),
            "AVG_HANDLE_TIME" => of(Statistic::Mean, Facts::handle_ms),
            "SUM_HANDLE_TIME" => of(Statistic::Sum, Facts::handle_ms),
            "AVG_HOLD_TIME" => {
                Statistic::Mean.of(handled().filter(|facts| facts.holds > 0).map(|facts| facts.hold_ms))
            }
            "SUM_HOLD_TIME" => of(Statistic::Sum, |facts| facts.hold_ms),
            "AVG_HOLDS" => of(Statistic::Mean, |facts| facts.holds.saturating_mul(1000)),
            "AVG_INTERACTION_TIME" => of(Statistic::Mean, |facts| facts.interaction_ms),
            "SUM_INTERACTION_TIME" => of(Statistic::Sum, |facts| facts.interaction_ms),
            "AVG_INTERACTION_AND_HOLD_TIME" => {
                of(Statistic::Mean, |facts| facts.interaction_ms.saturating_add(facts.hold_ms))
            }
            "AVG_AFTER_CONTACT_WORK_TIME" => of(Statistic::Mean, |facts| facts.after_contact_work_ms),
            "SUM_AFTER_CONTACT_WORK_TIME" => of(Statistic::Sum, |facts| facts.after_contact_work_ms),
            "AVG_QUEUE_ANSWER_TIME" => {
                Statistic::Mean.of(handled().filter(|facts| facts.is_queued).map(|facts| facts.queued_ms))
            }
            "AVG_ABANDON_TIME" => Statistic::Mean
                .of(ended.iter().filter(|facts| facts.is_abandoned).map(|facts| facts.queued_ms)),
            "MAX_QUEUED_TIME" => {
                Statistic::Max.of(ended.iter().filter(|facts| facts.is_queued).map(|facts| facts.queued_ms))
            }
            "SERVICE_LEVEL" => service_level(ended, self.seconds()?),
            // Occupancy is of agents, not of contacts.
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, NOW, Routed};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};
    use tympan_contact::{DisconnectReason, History};

    const PATH: &str = "/metrics/data";

    fn body(setting: &Routed, with: Value) -> Value {
        let end = NOW.unix_ms() / 3_600_000 * 3_600 + 3_600;
        let arn = format!("arn:aws:connect:us-west-2:111122223333:instance/{}", setting.instance);
        let mut body = json!({ "ResourceArn": arn, "StartTime": end - 7_200, "EndTime": end,
            "Filters": [{ "FilterKey": "QUEUE", "FilterValues": [setting.bench.basic_queue(&setting.instance)] }],
            "Metrics": [{ "Name": "CONTACTS_HANDLED" }] });
        with.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        body
    }

    fn handled() -> Routed {
        let setting = Routed::new();
        let mut contact = setting.with_agent();
        contact.disconnect_timestamp = Some(NOW.plus_ms(10_000));
        contact.disconnect_reason = Some(DisconnectReason::AgentDisconnect);
        contact.agent.as_mut().unwrap().left = contact.disconnect_timestamp;
        setting.bench.history.close(&contact).unwrap();
        setting
    }

    #[test]
    fn metrics_are_by_interval_and_grouping_with_filters_of_their_own() {
        let setting = handled();
        let with = json!({ "Groupings": ["QUEUE", "AGENT"], "Interval": { "IntervalPeriod": "HOUR" }, "Metrics": [
            { "Name": "CONTACTS_HANDLED" }, { "Name": "AVG_HANDLE_TIME", "MetricId": "aht" },
            { "Name": "CONTACTS_HANDLED", "MetricFilters": [{ "MetricFilterKey": "DISCONNECT_REASON", "MetricFilterValues": ["AGENT_DISCONNECT"], "Negate": true }] },
            { "Name": "SERVICE_LEVEL", "Threshold": [{ "Comparison": "LT", "ThresholdValue": 1 }] }, { "Name": "AGENT_OCCUPANCY" } ] });
        let answer = setting.bench.call("POST", PATH, body(&setting, with)).unwrap();
        let results = answer["MetricResults"].as_array().unwrap();
        assert_eq!(results.len(), 1, "the other hour has nothing");
        assert_eq!(results[0]["Dimensions"]["AGENT"], setting.agent);
        assert_eq!(results[0]["MetricInterval"]["Interval"], "HOUR");
        let values: Vec<Option<f64>> = results[0]["Collections"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item.get("Value").and_then(Value::as_f64))
            .collect();
        assert_eq!(values, [Some(1.0), Some(10.0), Some(0.0), Some(100.0), None]);
        assert_eq!(
            results[0]["Collections"][1]["Metric"],
            json!({ "Name": "AVG_HANDLE_TIME", "MetricId": "aht" })
        );
        let other = json!({ "Filters": [{ "FilterKey": "QUEUE", "FilterValues": [ABSENT] }] });
        assert_eq!(
            setting.bench.call("POST", PATH, body(&setting, other)).unwrap()["MetricResults"],
            json!([])
        );
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let setting = Routed::new();
        for (with, code) in [
            (json!({ "StartTime": 1 }), ErrorCode::InvalidParameter),
            (json!({ "Filters": [] }), ErrorCode::InvalidParameter),
            (
                json!({ "Filters": [{ "FilterKey": "CASE", "FilterValues": ["x"] }] }),
                ErrorCode::InvalidParameter,
            ),
            (json!({ "Groupings": ["CASE"] }), ErrorCode::InvalidParameter),
            (json!({ "Metrics": [] }), ErrorCode::InvalidParameter),
            (json!({ "Metrics": [{ "Name": "LUNCH" }] }), ErrorCode::InvalidParameter),
            (json!({ "Metrics": [{ "Name": "SERVICE_LEVEL" }] }), ErrorCode::InvalidParameter),
            (
                json!({ "Interval": { "IntervalPeriod": "FIFTEEN_MIN" }, "StartTime": NOW.unix_ms() / 3_600_000 * 3_600 - 86_400 * 4 }),
                ErrorCode::InvalidParameter,
            ),
            (
                json!({ "ResourceArn": format!("arn:aws:connect:us-west-2:111122223333:instance/{ABSENT}") }),
                ErrorCode::ResourceNotFound,
            ),
            (json!({ "ResourceArn": null }), ErrorCode::InvalidRequest),
            (json!({ "EndTime": null }), ErrorCode::InvalidRequest),
        ] {
            assert_eq!(setting.bench.refusal("POST", PATH, body(&setting, with.clone())), code, "{with}");
        }
    }
}

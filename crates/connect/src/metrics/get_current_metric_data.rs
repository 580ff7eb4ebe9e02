//! GetCurrentMetricData: POST /metrics/current/{InstanceId}.

use super::current::{Metric, Numbers};
use super::scope::{Filters, Scope, reference};
use crate::agent_statuses::AgentStatus;
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::paging;
use crate::queues::Queue;
use crate::routing_profiles::RoutingProfile;
use crate::target::Context;
use crate::timestamp::epoch_seconds;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tympan_aws::Output;
use tympan_contact::Now;
use tympan_contact::routing::{AgentCounts, QueueKey, Routing};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    filters: Filters,
    #[serde(default)]
    groupings: Vec<Grouping>,
    current_metrics: Vec<Wanted>,
    #[serde(default)]
    sort_criteria: Vec<SortCriterion>,
    next_token: Option<String>,
    max_results: Option<i64>,
}

/// A metric as it is asked for, and answered.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Wanted {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    metric_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SortCriterion {
    sort_by_metric: String,
    #[serde(default)]
    sort_order: SortOrder,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum SortOrder {
    Ascending,
    #[default]
    Descending,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Grouping {
    Queue,
    Channel,
    RoutingProfile,
    AgentStatus,
    RoutingStepExpression,
    Subtype,
    ValidationTestType,
}

/// What is counted of queues and agents now.
///
/// Errors: InvalidParameter, InvalidRequest, ResourceNotFound.
pub(crate) struct GetCurrentMetricData;

/// One result: what it is of, and its numbers.
type Row = (Map<String, Value>, Numbers);

impl InstanceView for GetCurrentMetricData {
    const NAME: &'static str = "GetCurrentMetricData";

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let body: Body = input.read(cx)?;
        let page = paging::page(cx.tokens([]), body.next_token.as_deref(), body.max_results, 100)?;
        let metrics = body.metrics()?;
        let scope = body.filters.scope(scene)?;
        let (sort, order) = body.sort()?;
        body.check(&metrics)?;
        let rows = match scope.has_voice {
            true => {
                cx.service.look(|routing, now| body.rows(scene, &scope, routing, now)).unwrap_or_default()
            }
            false => Vec::new(),
        };
        let is_grouped = !body.groupings.is_empty();
        let mut rows: Vec<Row> = rows.into_iter().filter(|(_, numbers)| !numbers.is_empty()).collect();
        let place = |numbers: &Numbers| sort.value(numbers, is_grouped).as_f64().unwrap_or(-1.0);
        rows.sort_by(|(_, one), (_, other)| match order {
            SortOrder::Ascending => place(one).total_cmp(&place(other)),
            SortOrder::Descending => place(other).total_cmp(&place(one)),
        });
        let total = rows.len();
        let results = rows.into_iter().enumerate().map(|(place, (dimensions, numbers))| {
            let collections: Vec<Value> = metrics
                .iter()
                .zip(&body.current_metrics)
                .map(|(metric, wanted)| json!({ "Metric": wanted, "Value": metric.value(&numbers, is_grouped) }))
                .collect();
            (format!("{place:06}"), json!({ "Dimensions": dimensions, "Collections": collections }))
        });
        let (results, next) = page.cut(results);
        let mut answer = json!({ "MetricResults": results, "DataSnapshotTime": epoch_seconds(cx.now),
            "ApproximateTotalCount": total });
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(Output::json(&answer))
    }
}

impl Body {
    fn metrics(&self) -> Result<Vec<Metric>, ConnectError> {
        if self.current_metrics.is_empty() {
            return Err(ConnectError::parameter("CurrentMetrics has at least one metric"));
        }
        let metric = |wanted: &Wanted| {
            let metric = Metric::parse(&wanted.name);
            let metric =
                metric.filter(|metric| wanted.unit.as_ref().is_none_or(|unit| unit == metric.unit()));
            metric.ok_or_else(|| {
                ConnectError::parameter(format!("there is no metric {} of this unit", wanted.name))
            })
        };
        self.current_metrics.iter().map(metric).collect()
    }

    fn sort(&self) -> Result<(Metric, SortOrder), ConnectError> {
        match &self.sort_criteria[..] {
            [] => Ok((Metric::AgentsOnline, SortOrder::Descending)),
            [one] => {
                let metric = Metric::parse(&one.sort_by_metric).filter(|metric| !metric.is_of_slots());
                let none =
                    || ConnectError::parameter(format!("results are not sorted by {:?}", one.sort_by_metric));
                Ok((metric.ok_or_else(none)?, one.sort_order))
            }
            _ => Err(ConnectError::parameter("SortCriteria has one metric")),
        }
    }

    fn check(&self, metrics: &[Metric]) -> Result<(), ConnectError> {
        let has = |grouping| self.groupings.contains(&grouping);
        if self.groupings.len() > 2 {
            return Err(ConnectError::parameter("Groupings has at most two entries"));
        }
        if has(Grouping::RoutingStepExpression) || has(Grouping::Subtype) || has(Grouping::ValidationTestType)
        {
            return Err(ConnectError::parameter(
                "Groupings are QUEUE, CHANNEL, ROUTING_PROFILE and AGENT_STATUS here",
            ));
        }
        if has(Grouping::AgentStatus) && !(has(Grouping::Queue) && metrics == [Metric::AgentsOnline]) {
            return Err(ConnectError::parameter(
                "AGENT_STATUS goes with QUEUE, and with AGENTS_ONLINE alone",
            ));
        }
        Ok(())
    }

    fn rows(&self, scene: &Scene<'_>, scope: &Scope, routing: &Routing, now: Now) -> Vec<Row> {
        let instance = scene.instance.id;
        let has = |grouping| self.groupings.contains(&grouping);
        let mut base = Map::new();
        if has(Grouping::Channel) {
            base.insert("Channel".to_owned(), "VOICE".into());
        }
        let of_queue = |queue| {
            let mut dimensions = base.clone();
            dimensions.insert("Queue".to_owned(), reference::<Queue>(scene, queue));
            dimensions
        };
        let of_profile = |mut dimensions: Map<String, Value>, profile| {
            dimensions.insert("RoutingProfile".to_owned(), reference::<RoutingProfile>(scene, profile));
            dimensions
        };
        let key = |queue| QueueKey::standard(instance, queue);
        let profiles_of = |queue| {
            let profiles = scene.all::<RoutingProfile>();
            profiles.filter(move |profile| profile.spec.queues.iter().any(|routed| routed.queue == queue))
        };
        // Without queues in the filter they are those of the routing profiles.
        let queues = match scope.queues.is_empty() {
            false => scope.queues.clone(),
            true => {
                let known = scene.all::<Queue>().map(|queue| queue.id);
                known
                    .filter(|id| profiles_of(*id).any(|profile| scope.profiles.contains(&profile.id)))
                    .collect()
            }
        };
        let is_wanted = |profile| scope.profiles.is_empty() || scope.profiles.contains(&profile);
        let mut rows = Vec::new();
        match (has(Grouping::Queue), has(Grouping::RoutingProfile), has(Grouping::AgentStatus)) {
            (_, _, true) => {
                for queue in queues {
                    for (status, count) in routing.queue_statuses(key(queue)) {
                        let mut dimensions = of_queue(queue);
                        dimensions.insert("AgentStatus".to_owned(), reference::<AgentStatus>(scene, status));
                        let agents = AgentCounts { online: count, ..AgentCounts::default() };
                        rows.push((dimensions, Numbers { agents, ..Numbers::default() }));
                    }
                }
            }
            (true, false, _) => rows.extend(
                queues
                    .into_iter()
                    .map(|queue| (of_queue(queue), Numbers::of_queue(routing, now, key(queue)))),
            ),
            (true, true, _) => {
                for queue in queues {
                    for profile in profiles_of(queue).filter(|profile| is_wanted(profile.id)) {
                        let mut numbers = Numbers::of_queue(routing, now, key(queue));
                        numbers.agents = routing.queue_profile_agents(key(queue), profile.id);
                        rows.push((of_profile(of_queue(queue), profile.id), numbers));
                    }
                }
            }
            (false, true, _) => {
                let profiles = scene.all::<RoutingProfile>().map(|profile| profile.id);
                let of_queues = |profile: &_| {
                    queues.iter().any(|queue| profiles_of(*queue).any(|known| known.id == *profile))
                };
                for profile in profiles.filter(|profile| is_wanted(*profile)).filter(of_queues) {
                    rows.push((
                        of_profile(base.clone(), profile),
                        Numbers::of_profile(routing, now, instance, profile),
                    ));
                }
            }
            (false, false, _) if scope.queues.is_empty() => {
                rows.push((base, Numbers::of_profiles(routing, now, instance, &scope.profiles)));
            }
            (false, false, _) => {
                let keys: Vec<QueueKey> = scope.queues.iter().map(|queue| key(*queue)).collect();
                rows.push((base, Numbers::of_queues(routing, now, &keys)));
            }
        }
        // By a routing profile contacts are counted only where the filter is by routing profiles.
        if has(Grouping::RoutingProfile) && scope.profiles.is_empty() {
            rows.iter_mut().for_each(|(_, numbers)| numbers.contacts = Default::default());
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench, Routed};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    fn ask(setting: &Routed, with: Value) -> Value {
        let queue = setting.bench.basic_queue(&setting.instance);
        let mut body = json!({ "Filters": { "Queues": [queue] },
            "CurrentMetrics": [{ "Name": "CONTACTS_IN_QUEUE", "Unit": "COUNT" }, { "Name": "AGENTS_ONLINE", "Unit": "COUNT" }] });
        with.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        setting.bench.call("POST", &format!("/metrics/current/{}", setting.instance), body).unwrap()
    }

    fn values(answer: &Value) -> Vec<Vec<f64>> {
        let results = answer["MetricResults"].as_array().unwrap().iter();
        let of = |result: &Value| {
            result["Collections"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["Value"].as_f64().unwrap_or(f64::NAN))
                .collect()
        };
        results.map(of).collect()
    }

    #[test]
    fn without_agents_and_contacts_there_is_no_result_and_with_them_a_number() {
        let setting = Routed::new();
        let empty = ask(&setting, json!({}));
        assert_eq!((&empty["MetricResults"], &empty["ApproximateTotalCount"]), (&json!([]), &json!(0)));
        assert!(empty["DataSnapshotTime"].is_number());
        setting.waiting();
        setting.waiting();
        assert_eq!(values(&ask(&setting, json!({}))), [[2.0, 0.0]]);
        setting.online();
        assert_eq!(values(&ask(&setting, json!({}))), [[2.0, 1.0]]);
    }

    #[test]
    fn groupings_say_what_a_result_is_of() {
        let setting = Routed::new();
        setting.waiting();
        setting.online();
        let queue = setting.bench.basic_queue(&setting.instance);
        let answer = ask(&setting, json!({ "Groupings": ["QUEUE", "CHANNEL"] }));
        let dimensions = &answer["MetricResults"][0]["Dimensions"];
        assert_eq!((&dimensions["Queue"]["Id"], &dimensions["Channel"]), (&json!(queue), &json!("VOICE")));
        assert!(dimensions["Queue"]["Arn"].as_str().unwrap().ends_with(&queue));
        let answer = ask(&setting, json!({ "Groupings": ["ROUTING_PROFILE"] }));
        assert_eq!(values(&answer), [[0.0, 1.0]], "contacts are counted for a filter by profiles");
        let profile = answer["MetricResults"][0]["Dimensions"]["RoutingProfile"]["Id"].clone();
        let by_profile =
            json!({ "Groupings": ["ROUTING_PROFILE"], "Filters": { "RoutingProfiles": [profile] } });
        assert_eq!(values(&ask(&setting, by_profile)), [[1.0, 1.0]]);
        let statuses = ask(
            &setting,
            json!({ "Groupings": ["QUEUE", "AGENT_STATUS"],
            "CurrentMetrics": [{ "Name": "AGENTS_ONLINE", "Unit": "COUNT" }] }),
        );
        let status = &statuses["MetricResults"][0]["Dimensions"]["AgentStatus"]["Id"];
        assert_eq!(*status, setting.status("Available"));
        assert_eq!(
            values(&ask(&setting, json!({ "Filters": { "Queues": [queue], "Channels": ["CHAT"] } }))),
            [[0.0; 0]; 0]
        );
    }

    #[test]
    fn the_oldest_age_is_in_seconds_with_groupings_and_in_milliseconds_without() {
        let setting = Routed::new();
        let contact = setting.waiting();
        // As if it had begun to wait a minute ago.
        let mut routing = setting.routing.lock().unwrap();
        let queue = routing.leave(setting.now(), contact).unwrap();
        routing.enqueue(setting.now(), setting.queued(contact, queue, -60_000)).unwrap();
        drop(routing);
        let oldest = json!([{ "Name": "OLDEST_CONTACT_AGE", "Unit": "SECONDS" }]);
        assert_eq!(values(&ask(&setting, json!({ "CurrentMetrics": oldest }))), [[60_000.0]]);
        let grouped = json!({ "CurrentMetrics": oldest, "Groupings": ["QUEUE"] });
        assert_eq!(values(&ask(&setting, grouped)), [[60.0]]);
        let wait = json!({ "CurrentMetrics": [{ "Name": "ESTIMATED_WAIT_TIME", "Unit": "SECONDS" }] });
        assert_eq!(
            ask(&setting, wait)["MetricResults"][0]["Collections"][0]["Value"],
            Value::Null,
            "not computable"
        );
    }

    #[test]
    fn pages_and_sorting_follow_the_metric_that_is_asked_for() {
        let setting = Routed::new();
        let Routed { bench, instance, .. } = &setting;
        let hours =
            bench.call("GET", &format!("/hours-of-operations-summary/{instance}"), Value::Null).unwrap();
        let hours = hours["HoursOfOperationSummaryList"][0]["Id"].clone();
        let other = bench.call(
            "PUT",
            &format!("/queues/{instance}"),
            json!({ "Name": "Other", "HoursOfOperationId": hours }),
        );
        let other = other.unwrap()["QueueId"].as_str().unwrap().to_owned();
        setting.configure();
        setting.waiting();
        setting.waiting_in(&other);
        setting.waiting_in(&other);
        let queues = json!({ "Queues": [bench.basic_queue(instance), other] });
        let mut with = json!({ "Filters": queues, "Groupings": ["QUEUE"], "MaxResults": 1,
            "SortCriteria": [{ "SortByMetric": "CONTACTS_IN_QUEUE", "SortOrder": "DESCENDING" }] });
        let first = ask(&setting, with.clone());
        assert_eq!((values(&first), &first["ApproximateTotalCount"]), (vec![vec![2.0, 0.0]], &json!(2)));
        with["NextToken"] = first["NextToken"].clone();
        let second = ask(&setting, with);
        assert_eq!((values(&second), second.get("NextToken")), (vec![vec![1.0, 0.0]], None));
    }

    #[test]
    fn what_cannot_be_asked_is_refused() {
        let setting = Routed::new();
        let path = format!("/metrics/current/{}", setting.instance);
        let queue = setting.bench.basic_queue(&setting.instance);
        let online = json!([{ "Name": "AGENTS_ONLINE", "Unit": "COUNT" }]);
        let filters = json!({ "Queues": [queue] });
        for (body, code) in [
            (json!({ "CurrentMetrics": online }), ErrorCode::InvalidRequest),
            (json!({ "Filters": {}, "CurrentMetrics": online }), ErrorCode::InvalidParameter),
            (json!({ "Filters": filters, "CurrentMetrics": [] }), ErrorCode::InvalidParameter),
            (
                json!({ "Filters": filters, "CurrentMetrics": [{ "Name": "AGENTS" }] }),
                ErrorCode::InvalidParameter,
            ),
            (
                json!({ "Filters": filters, "CurrentMetrics": [{ "Name": "AGENTS_ONLINE", "Unit": "SECONDS" }] }),
                ErrorCode::InvalidParameter,
            ),
            (
                json!({ "Filters": filters, "CurrentMetrics": online, "Groupings": ["AGENT_STATUS"] }),
                ErrorCode::InvalidParameter,
            ),
            (
                json!({ "Filters": filters, "CurrentMetrics": online, "Groupings": ["SUBTYPE"] }),
                ErrorCode::InvalidParameter,
            ),
            (
                json!({ "Filters": filters, "CurrentMetrics": online, "SortCriteria": [{ "SortByMetric": "SLOTS_ACTIVE" }] }),
                ErrorCode::InvalidParameter,
            ),
            (
                json!({ "Filters": { "Queues": [ABSENT] }, "CurrentMetrics": online }),
                ErrorCode::ResourceNotFound,
            ),
        ] {
            assert_eq!(setting.bench.refusal("POST", &path, body.clone()), code, "{body}");
        }
        let bench = Bench::new();
        let body = json!({ "Filters": filters, "CurrentMetrics": online });
        assert_eq!(
            bench.refusal("POST", &format!("/metrics/current/{ABSENT}"), body),
            ErrorCode::ResourceNotFound
        );
    }
}

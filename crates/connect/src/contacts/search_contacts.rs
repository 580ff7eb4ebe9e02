//! SearchContacts: POST /search-contacts.

use super::describe_contact::queue_info;
use super::search_criteria::{Axis, Criteria, TimeRange};
use crate::error::ConnectError;
use crate::instances::{Instance, InstanceView};
use crate::metrics::past::{self, LONGEST_CONTACT_MS};
use crate::named::{Members, Scene};
use crate::paging;
use crate::record::tags;
use crate::target::{Context, required};
use crate::timestamp::epoch_seconds;
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::Output;
use tympan_contact::{Contact, InitiationMethod, TimeAxis};
use tympan_types::WallTime;

/// The longest range of time: what a user of the service saw refused lay above it.
const RANGE_MS: i64 = 1_345 * 3_600_000;
/// The largest page.
const MOST: usize = 100;

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sort {
    field_name: Field,
    order: Order,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Field {
    InitiationTimestamp,
    ScheduledTimestamp,
    ConnectedToAgentTimestamp,
    DisconnectTimestamp,
    InitiationMethod,
    Channel,
    ExpiryTimestamp,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Order {
    Ascending,
    Descending,
}

/// Lists the contacts of a time that meet criteria, live ones as they were last written.
///
/// Errors: InvalidParameter, InvalidRequest (too many contacts in the range), ResourceNotFound.
pub(crate) struct SearchContacts;

impl InstanceView for SearchContacts {
    const NAME: &'static str = "SearchContacts";

    fn of(cx: &Context<'_>, mut input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let instance = input.instance().to_ascii_lowercase();
        let raw: Option<Value> = input.take(cx, "SearchCriteria")?;
        let order: Option<Value> = input.take(cx, "Sort")?;
        let range_value: Value = required(cx, input.take(cx, "TimeRange")?, "TimeRange")?;
        let (token, size) = (input.take::<String>(cx, "NextToken")?, input.take::<i64>(cx, "MaxResults")?);
        let text = |value: &Option<Value>| value.as_ref().map(Value::to_string).unwrap_or_default();
        let asked = [instance.as_str(), &range_value.to_string(), &text(&raw), &text(&order)];
        let page = paging::page(cx.tokens(asked), token.as_deref(), size, MOST)?;
        let malformed = |member: &'static str| {
            move |error: serde_json::Error| ConnectError::parameter(format!("{member}: {error}"))
        };
        let range: TimeRange = serde_json::from_value(range_value).map_err(malformed("TimeRange"))?;
        let criteria: Criteria = raw
            .map(|raw| serde_json::from_value(raw).map_err(malformed("SearchCriteria")))
            .transpose()?
            .unwrap_or_default();
        let sort: Option<Sort> =
            order.map(|order| serde_json::from_value(order).map_err(malformed("Sort"))).transpose()?;
        let sort = sort.unwrap_or(Sort { field_name: Field::InitiationTimestamp, order: Order::Descending });
        let (from, to) = range.ends()?;
        if to.ms_since(from) > RANGE_MS {
            return Err(ConnectError::parameter("a TimeRange has at most 1345 hours"));
        }
        // A contact is queued and answered after it began, and not much later.
        let (axis, begin) = match range.axis {
            Axis::Initiation => (TimeAxis::Initiation, from),
            Axis::Disconnect => (TimeAxis::Disconnect, from),
            _ => (TimeAxis::Initiation, from.plus_ms(-LONGEST_CONTACT_MS)),
        };
        // What is scheduled begins before its time; nothing of it lies after the range.
        let mut found = Vec::new();
        for contact in past::contacts(scene, axis, begin, to)? {
            let is_in_range = range.axis.of(&contact).is_some_and(|at| (from..=to).contains(&at));
            if is_in_range && criteria.meets(scene, &contact)? {
                found.push((key(&sort, &contact), summary(scene.instance, &contact)));
            }
        }
        let total = found.len();
        let (contacts, next) = page.cut(found);
        let mut answer = json!({ "Contacts": contacts, "TotalCount": total });
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(Output::json(&answer))
    }
}

/// A text that sorts as a contact does. Those without the time stand last.
fn key(sort: &Sort, contact: &Contact) -> String {
    let time = |axis: Axis| axis.of(contact).map(WallTime::unix_ms);
    let rank = match sort.field_name {
        Field::InitiationTimestamp => time(Axis::Initiation),
        Field::ScheduledTimestamp => time(Axis::Scheduled),
        Field::ConnectedToAgentTimestamp => time(Axis::ConnectedToAgent),
        Field::DisconnectTimestamp => time(Axis::Disconnect),
        Field::InitiationMethod => {
            let place = InitiationMethod::ALL.iter().position(|method| *method == contact.initiation_method);
            place.and_then(|place| i64::try_from(place).ok())
        }
        Field::Channel => Some(0),
        // No contact here expires in its queue.
        Field::ExpiryTimestamp => None,
    };
    let Some(rank) = rank else { return format!("~{}", contact.id) };
    let rank = rank.max(0);
    let rank = if sort.order == Order::Descending { i64::MAX - rank } else { rank };
    format!("{rank:020}{}", contact.id)
}

fn summary(instance: &Instance, contact: &Contact) -> Value {
    let mut summary = json!({
        "Arn": instance.contact_arn(contact.id),
        "Id": contact.id,
        "InitiationMethod": contact.initiation_method.word(),
        "Channel": contact.channel.to_string(),
        "InitiationTimestamp": epoch_seconds(contact.initiation_timestamp),
        "Tags": tags(contact),
    });
    let agent = contact.agent.as_ref().and_then(|part| {
        Some(json!({ "Id": part.agent.id, "ConnectedToAgentTimestamp": epoch_seconds(part.connected?) }))
    });
    let optional = [
        ("InitialContactId", contact.initial_contact_id.map(|id| json!(id))),
        ("PreviousContactId", contact.previous_contact_id.map(|id| json!(id))),
        ("QueueInfo", contact.queue.as_ref().map(queue_info)),
        ("AgentInfo", agent),
        ("DisconnectTimestamp", contact.disconnect_timestamp.map(epoch_seconds)),
        ("ScheduledTimestamp", contact.scheduled_timestamp.map(epoch_seconds)),
        ("Name", contact.details.name.as_deref().map(Value::from)),
    ];
    for (name, value) in optional {
        if let Some(value) = value {
            summary[name] = value;
        }
    }
    summary
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, NOW, Routed, ended_contact};
    use crate::error::ErrorCode;
    use tympan_contact::History;

    const PATH: &str = "/search-contacts";

    fn range(axis: &str) -> Value {
        json!({ "Type": axis, "StartTime": NOW.unix_ms() as f64 / 1e3 - 60.0, "EndTime": NOW.unix_ms() as f64 / 1e3 + 60.0 })
    }

    fn ids(answer: &Value) -> Vec<String> {
        answer["Contacts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["Id"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn pages_join_to_all_contacts_of_the_range_newest_first() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let mut expected = Vec::new();
        for n in 0..5 {
            let mut contact = ended_contact(&bench, &instance);
            contact.initiation_timestamp = NOW.plus_ms(n * 1_000);
            bench.history.update(&contact).unwrap();
            expected.insert(0, contact.id.to_string());
        }
        let mut seen = Vec::new();
        let mut body =
            json!({ "InstanceId": instance, "TimeRange": range("INITIATION_TIMESTAMP"), "MaxResults": 2 });
        loop {
            let answer = bench.call("POST", PATH, body.clone()).unwrap();
            assert_eq!(answer["TotalCount"], 5);
            seen.extend(ids(&answer));
            let Some(token) = answer.get("NextToken") else { break };
            body["NextToken"] = token.clone();
        }
        assert_eq!(seen, expected);
        body["Sort"] = json!({ "FieldName": "INITIATION_TIMESTAMP", "Order": "ASCENDING" });
        assert_eq!(
            bench.refusal("POST", PATH, body.clone()),
            ErrorCode::InvalidParameter,
            "another question"
        );
        body.as_object_mut().unwrap().remove("NextToken");
        body["MaxResults"] = 100.into();
        let mut ascending = ids(&bench.call("POST", PATH, body).unwrap());
        ascending.reverse();
        assert_eq!(ascending, expected);
    }

    #[test]
    fn each_criterion_finds_what_meets_it_and_nothing_else() {
        let setting = Routed::new();
        let Routed { bench, instance, agent, .. } = &setting;
        let mut met = setting.with_agent();
        met.disconnect_timestamp = Some(NOW.plus_ms(5_000));
        met.details.name = Some("Parcels of Ada".to_owned());
        met.details.tags.insert("team".to_owned(), "blue".to_owned());
        met.attributes.set([("k".to_owned(), "v".to_owned())].into()).unwrap();
        bench.history.close(&met).unwrap();
        let other = ended_contact(bench, instance);
        let queue = bench.basic_queue(instance);
        let found = |criteria: Value, axis: &str| {
            let body =
                json!({ "InstanceId": instance, "TimeRange": range(axis), "SearchCriteria": criteria });
            ids(&bench.call("POST", PATH, body).unwrap_or_else(|error| panic!("{criteria}: {error}")))
        };
        for axis in ["CONNECTED_TO_AGENT_TIMESTAMP", "ENQUEUE_TIMESTAMP"] {
            assert_eq!(found(json!({}), axis), [met.id.to_string()], "{axis}");
        }
        assert_eq!(found(json!({}), "SCHEDULED_TIMESTAMP"), [""; 0]);
        assert_eq!(found(json!({}), "DISCONNECT_TIMESTAMP").len(), 2);
        for criteria in [
            json!({ "AgentIds": [agent] }),
            json!({ "QueueIds": [queue] }),
            json!({ "Name": { "SearchText": ["ada"], "MatchType": "MATCH_ANY" } }),
            json!({ "ContactTags": { "TagCondition": { "TagKey": "team", "TagValue": "blue" } } }),
            json!({ "SearchableContactAttributes": { "Criteria": [{ "Key": "k", "Values": ["x", "v"] }] } }),
        ] {
            assert_eq!(found(criteria.clone(), "INITIATION_TIMESTAMP"), [met.id.to_string()], "{criteria}");
        }
        for criteria in [
            json!({ "AgentIds": [ABSENT] }),
            json!({ "Channels": ["CHAT"] }),
            json!({ "InitiationMethods": ["OUTBOUND"] }),
            json!({ "SearchableSegmentAttributes": { "Criteria": [{ "Key": "k", "Values": ["v"] }] } }),
            json!({ "AgentHierarchyGroups": { "L1Ids": [ABSENT] } }),
        ] {
            assert_eq!(found(criteria.clone(), "INITIATION_TIMESTAMP"), [""; 0], "{criteria}");
        }
        let never_queued = json!({ "AdditionalTimeRange": { "MatchType": "MATCH_ALL", "Criteria": [
            { "TimestampCondition": { "Type": "ENQUEUE_TIMESTAMP", "ConditionType": "NOT_EXISTS" } } ] } });
        assert_eq!(found(never_queued, "INITIATION_TIMESTAMP"), [other.id.to_string()]);
        let body = json!({ "InstanceId": instance, "TimeRange": range("ENQUEUE_TIMESTAMP") });
        let shown = bench.call("POST", PATH, body).unwrap()["Contacts"][0].clone();
        assert_eq!((&shown["AgentInfo"]["Id"], &shown["QueueInfo"]["Id"]), (&json!(agent), &json!(queue)));
    }

    #[test]
    fn ranges_and_criteria_that_are_none_are_refused() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let refusal = |with: Value| {
            let mut body = json!({ "InstanceId": instance, "TimeRange": range("INITIATION_TIMESTAMP") });
            with.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
            bench.refusal("POST", PATH, body)
        };
        for with in [
            json!({ "TimeRange": { "Type": "INITIATION_TIMESTAMP", "StartTime": 2, "EndTime": 1 } }),
            json!({ "TimeRange": { "Type": "INITIATION_TIMESTAMP", "StartTime": 0, "EndTime": 5_000_000 } }),
            json!({ "TimeRange": { "Type": "LUNCH", "StartTime": 0, "EndTime": 5 } }),
            json!({ "SearchCriteria": { "ContactAnalysis": {} } }),
            json!({ "Sort": { "FieldName": "NAME", "Order": "ASCENDING" } }),
            json!({ "MaxResults": 101 }),
        ] {
            assert_eq!(refusal(with.clone()), ErrorCode::InvalidParameter, "{with}");
        }
        assert_eq!(refusal(json!({ "TimeRange": null })), ErrorCode::InvalidRequest);
        assert_eq!(refusal(json!({ "InstanceId": ABSENT })), ErrorCode::ResourceNotFound);
    }
}

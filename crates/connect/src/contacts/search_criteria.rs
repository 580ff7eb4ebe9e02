//! What SearchContacts looks for.

use crate::error::ConnectError;
use crate::hierarchy;
use crate::named::Scene;
use crate::timestamp;
use crate::users::User;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeSet;
use tympan_contact::Contact;
use tympan_types::WallTime;

/// `SearchCriteria`. Members that are for what there is none of here are refused: a search that passes them over would find too much.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default, deny_unknown_fields)]
pub(super) struct Criteria {
    name: Option<Texts>,
    agent_ids: Vec<String>,
    agent_hierarchy_groups: Option<Groups>,
    channels: Vec<String>,
    initiation_methods: Vec<String>,
    queue_ids: Vec<String>,
    additional_time_range: Option<Times>,
    searchable_contact_attributes: Option<Attributes>,
    searchable_segment_attributes: Option<Attributes>,
    contact_tags: Option<Tags>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Texts {
    search_text: Vec<String>,
    match_type: Match,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Groups {
    #[serde(rename = "L1Ids")]
    l1: Vec<String>,
    #[serde(rename = "L2Ids")]
    l2: Vec<String>,
    #[serde(rename = "L3Ids")]
    l3: Vec<String>,
    #[serde(rename = "L4Ids")]
    l4: Vec<String>,
    #[serde(rename = "L5Ids")]
    l5: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Times {
    criteria: Vec<TimeCriterion>,
    match_type: Match,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TimeCriterion {
    time_range: Option<TimeRange>,
    timestamp_condition: Option<TimestampCondition>,
}

#[derive(Deserialize)]
struct TimestampCondition {
    #[serde(rename = "Type")]
    axis: Axis,
}

/// `TimeRange`, both ends included.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TimeRange {
    #[serde(rename = "Type")]
    pub(super) axis: Axis,
    start_time: Value,
    end_time: Value,
}

/// Which time of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Axis {
    #[serde(rename = "INITIATION_TIMESTAMP")]
    Initiation,
    #[serde(rename = "SCHEDULED_TIMESTAMP")]
    Scheduled,
    #[serde(rename = "CONNECTED_TO_AGENT_TIMESTAMP")]
    ConnectedToAgent,
    #[serde(rename = "DISCONNECT_TIMESTAMP")]
    Disconnect,
    #[serde(rename = "ENQUEUE_TIMESTAMP")]
    Enqueue,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    criteria: Vec<AttributeCriterion>,
    #[serde(default)]
    match_type: Match,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeCriterion {
    key: String,
    values: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Tags {
    or_conditions: Vec<Vec<Tag>>,
    and_conditions: Vec<Tag>,
    tag_condition: Option<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    tag_key: String,
    tag_value: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
enum Match {
    #[default]
    #[serde(rename = "MATCH_ALL")]
    All,
    #[serde(rename = "MATCH_ANY")]
    Any,
    #[serde(rename = "MATCH_EXACT")]
    Exact,
    #[serde(rename = "MATCH_NONE")]
    None,
}

impl Match {
    fn of(self, mut met: impl Iterator<Item = bool>) -> bool {
        match self {
            Self::All | Self::Exact => met.all(|met| met),
            Self::Any => met.any(|met| met),
            Self::None => !met.any(|met| met),
        }
    }
}

impl Axis {
    pub(super) fn of(self, contact: &Contact) -> Option<WallTime> {
        match self {
            Self::Initiation => Some(contact.initiation_timestamp),
            Self::Scheduled => contact.scheduled_timestamp,
            Self::ConnectedToAgent => contact.agent.as_ref()?.connected,
            Self::Disconnect => contact.disconnect_timestamp,
            Self::Enqueue => contact.queue.as_ref().map(|stay| stay.enqueued),
        }
    }
}

impl TimeRange {
    /// Its ends.
    ///
    /// # Errors
    /// InvalidParameter: no times, or an end before its beginning.
    pub(super) fn ends(&self) -> Result<(WallTime, WallTime), ConnectError> {
        let read = |value| {
            timestamp::read(value).ok_or_else(|| ConnectError::parameter("a TimeRange has two times"))
        };
        let (from, to) = (read(&self.start_time)?, read(&self.end_time)?);
        if from > to {
            return Err(ConnectError::parameter("EndTime is before StartTime"));
        }
        Ok((from, to))
    }

    fn has(&self, contact: &Contact) -> Result<bool, ConnectError> {
        let (from, to) = self.ends()?;
        Ok(self.axis.of(contact).is_some_and(|at| (from..=to).contains(&at)))
    }
}

impl Groups {
    fn all(&self) -> BTreeSet<&str> {
        let levels = [&self.l1, &self.l2, &self.l3, &self.l4, &self.l5];
        levels.into_iter().flatten().map(|text| id_of(text)).collect()
    }
}

/// An id, as it is or at the end of an ARN.
fn id_of(text: &str) -> &str {
    text.rsplit('/').next().unwrap_or(text)
}

impl Criteria {
    /// Whether a contact meets all of them.
    pub(super) fn meets(&self, scene: &Scene<'_>, contact: &Contact) -> Result<bool, ConnectError> {
        let is_among = |wanted: &[String], found: Option<String>| {
            wanted.is_empty()
                || found
                    .is_some_and(|found| wanted.iter().any(|text| id_of(text).eq_ignore_ascii_case(&found)))
        };
        let agent = contact.agent.as_ref().map(|part| part.agent.id);
        let queue = contact.queue.as_ref().map(|stay| id_of(&stay.queue.arn).to_owned());
        let plain = is_among(&self.agent_ids, agent.map(|id| id.to_string()))
            && is_among(&self.queue_ids, queue)
            && is_among(&self.channels, Some(contact.channel.to_string()))
            && is_among(&self.initiation_methods, Some(contact.initiation_method.word().to_owned()))
            && self.name.as_ref().is_none_or(|name| name.meets(contact))
            && self.meets_groups(scene, contact)
            && self.meets_attributes(contact)
            && self.contact_tags.as_ref().is_none_or(|tags| tags.meet(contact));
        Ok(plain && self.meets_times(contact)?)
    }

    fn meets_groups(&self, scene: &Scene<'_>, contact: &Contact) -> bool {
        let Some(groups) = &self.agent_hierarchy_groups else { return true };
        let wanted = groups.all();
        let user = contact.agent.as_ref().and_then(|part| scene.get::<User>(part.agent.id));
        let group = user.and_then(|user| user.spec.hierarchy_group);
        let path = group.map(|id| hierarchy::path(scene, id)).unwrap_or_default();
        wanted.is_empty() || path.iter().any(|group| wanted.contains(group.id.to_string().as_str()))
    }

    fn meets_attributes(&self, contact: &Contact) -> bool {
        let met = |criterion: &AttributeCriterion| {
            let value = contact.attributes.value(&criterion.key);
            value.is_some_and(|value| criterion.values.iter().any(|wanted| wanted == value))
        };
        let own = self.searchable_contact_attributes.as_ref();
        let own = own.is_none_or(|wanted| wanted.match_type.of(wanted.criteria.iter().map(met)));
        // No contact has segment attributes here.
        let none = self.searchable_segment_attributes.as_ref();
        own && none.is_none_or(|wanted| wanted.match_type.of(wanted.criteria.iter().map(|_| false)))
    }

    fn meets_times(&self, contact: &Contact) -> Result<bool, ConnectError> {
        let Some(times) = &self.additional_time_range else { return Ok(true) };
        let met = |criterion: &TimeCriterion| match (&criterion.time_range, &criterion.timestamp_condition) {
            (Some(range), None) => range.has(contact),
            (None, Some(condition)) => Ok(condition.axis.of(contact).is_none()),
            _ => Err(ConnectError::parameter("a criterion has a TimeRange or a TimestampCondition")),
        };
        let met = times.criteria.iter().map(met).collect::<Result<Vec<_>, _>>()?;
        Ok(times.match_type.of(met.into_iter()))
    }
}

impl Texts {
    /// The case of letters does not count.
    fn meets(&self, contact: &Contact) -> bool {
        let name = contact.details.name.as_deref().unwrap_or_default().to_lowercase();
        let met = |text: &String| match self.match_type {
            Match::Exact => name == text.to_lowercase(),
            _ => name.contains(&text.to_lowercase()),
        };
        self.match_type.of(self.search_text.iter().map(met))
    }
}

impl Tags {
    fn meet(&self, contact: &Contact) -> bool {
        let has = |tag: &Tag| {
            let value = contact.details.tags.get(&tag.tag_key);
            value.is_some_and(|value| tag.tag_value.as_ref().is_none_or(|wanted| wanted == value))
        };
        (self.or_conditions.is_empty() || self.or_conditions.iter().any(|tags| tags.iter().all(has)))
            && self.and_conditions.iter().all(has)
            && self.tag_condition.as_ref().is_none_or(has)
    }
}

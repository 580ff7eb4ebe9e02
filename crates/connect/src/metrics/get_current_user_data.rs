//! GetCurrentUserData: POST /metrics/userdata/{InstanceId}.

use super::scope::{found, reference};
use crate::agent_statuses::AgentStatus;
use crate::error::ConnectError;
use crate::hierarchy::{self, HierarchyGroup};
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::paging;
use crate::queues::Queue;
use crate::routing_profiles::RoutingProfile;
use crate::target::Context;
use crate::timestamp::epoch_seconds;
use crate::users::User;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use tympan_aws::Output;
use tympan_contact::InitiationMethod;
use tympan_contact::routing::{AgentContact, AgentKey, QueueKey, QueueKind, Routing, UserData};
use tympan_types::ResourceId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Body {
    filters: Filters,
    next_token: Option<String>,
    max_results: Option<i64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Filters {
    queues: Vec<String>,
    routing_profiles: Vec<String>,
    agents: Vec<String>,
    user_hierarchy_groups: Vec<String>,
    contact_filter: Option<ContactFilter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContactFilter {
    #[serde(default)]
    contact_states: Vec<String>,
}

/// The words of states; a voice contact is never in two of them here.
const STATES: [&str; 9] = [
    "INCOMING",
    "PENDING",
    "CONNECTING",
    "CONNECTED",
    "CONNECTED_ONHOLD",
    "MISSED",
    "ERROR",
    "ENDED",
    "REJECTED",
];

/// What the agents do who are there: those who are logged in, are not offline, or have contacts.
///
/// Errors: InvalidParameter, InvalidRequest, ResourceNotFound.
pub(crate) struct GetCurrentUserData;

impl InstanceView for GetCurrentUserData {
    const NAME: &'static str = "GetCurrentUserData";

    fn of(cx: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let body: Body = input.read(cx)?;
        let page = paging::page(cx.tokens([]), body.next_token.as_deref(), body.max_results, 100)?;
        let wanted = body.filters.wanted(scene)?;
        let states = body.filters.states()?;
        let agents = cx.service.look(|routing, _| wanted.agents(scene, routing)).unwrap_or_default();
        let is_offline = |data: &UserData| {
            let status = data.status.and_then(|id| scene.get::<AgentStatus>(id));
            status.is_none_or(|status| {
                status.spec.status_type == crate::agent_statuses::AgentStatusType::Offline
            })
        };
        let is_there =
            |data: &UserData| data.is_at_telephone || !is_offline(data) || !data.contacts.is_empty();
        let has_state = |data: &UserData| {
            states.is_empty() || data.contacts.iter().any(|contact| states.contains(contact.state.as_str()))
        };
        let shown: Vec<(String, Value)> = agents
            .iter()
            .filter(|data| is_there(data) && has_state(data))
            .map(|data| (data.agent.user.to_string(), user_data(scene, data, &states)))
            .collect();
        let total = shown.len();
        let (list, next) = page.cut(shown);
        let mut answer = json!({ "UserDataList": list, "ApproximateTotalCount": total });
        if let Some(next) = next {
            answer["NextToken"] = next.into();
        }
        Ok(Output::json(&answer))
    }
}

/// Whom a request is about.
enum Wanted {
    All,
    Queues(Vec<ResourceId>),
    Profiles(Vec<ResourceId>),
    Users(Vec<ResourceId>),
    Group(ResourceId),
}

impl Filters {
    fn wanted(&self, scene: &Scene<'_>) -> Result<Wanted, ConnectError> {
        let lists = [&self.queues, &self.routing_profiles, &self.agents, &self.user_hierarchy_groups];
        let given = lists.iter().filter(|list| !list.is_empty()).count();
        if given > 1 || lists.iter().any(|list| list.len() > 100) || self.user_hierarchy_groups.len() > 1 {
            return Err(ConnectError::parameter(
                "Filters has up to 100 Queues, RoutingProfiles or Agents, or one of UserHierarchyGroups",
            ));
        }
        Ok(match self {
            Self { queues, .. } if !queues.is_empty() => Wanted::Queues(found::<Queue>(scene, queues)?),
            Self { routing_profiles, .. } if !routing_profiles.is_empty() => {
                Wanted::Profiles(found::<RoutingProfile>(scene, routing_profiles)?)
            }
            Self { agents, .. } if !agents.is_empty() => Wanted::Users(found::<User>(scene, agents)?),
            Self { user_hierarchy_groups, .. } => match &user_hierarchy_groups[..] {
                [group] => Wanted::Group(scene.find::<HierarchyGroup>(group)?.id),
                _ => Wanted::All,
            },
        })
    }

    fn states(&self) -> Result<BTreeSet<&str>, ConnectError> {
        let states: BTreeSet<&str> = self
            .contact_filter
            .iter()
            .flat_map(|filter| &filter.contact_states)
            .map(String::as_str)
            .collect();
        match states.iter().find(|state| !STATES.contains(*state)) {
            Some(state) => Err(ConnectError::parameter(format!("there is no contact state {state:?}"))),
            None => Ok(states),
        }
    }
}

impl Wanted {
    fn agents(&self, scene: &Scene<'_>, routing: &Routing) -> Vec<UserData> {
        let instance = scene.instance.id;
        let all = || routing.agents(instance);
        let keys: BTreeSet<AgentKey> = match self {
            Self::All => all().collect(),
            Self::Queues(queues) => {
                let queues = queues.iter().map(|queue| QueueKey::standard(instance, *queue));
                queues.flat_map(|queue| routing.agents_of_queue(queue)).collect()
            }
            Self::Users(users) => users.iter().map(|user| AgentKey { instance, user: *user }).collect(),
            Self::Profiles(profiles) => {
                let has = |key: &AgentKey| {
                    routing.user_data(*key).is_some_and(|data| profiles.contains(&data.profile))
                };
                all().filter(has).collect()
            }
            Self::Group(group) => {
                let is_in = |key: &AgentKey| {
                    let own = scene.get::<User>(key.user).and_then(|user| user.spec.hierarchy_group);
                    own.is_some_and(|own| hierarchy::path(scene, own).iter().any(|above| above.id == *group))
                };
                all().filter(is_in).collect()
            }
        };
        keys.into_iter().filter_map(|key| routing.user_data(key)).collect()
    }
}

fn user_data(scene: &Scene<'_>, data: &UserData, states: &BTreeSet<&str>) -> Value {
    let user = data.agent.user;
    let contacts = data.contacts.iter();
    let contacts = contacts.filter(|contact| states.is_empty() || states.contains(contact.state.as_str()));
    let voice = |count: u32| json!({ "VOICE": count });
    let mut shown = json!({
        "User": reference::<User>(scene, user),
        "RoutingProfile": reference::<RoutingProfile>(scene, data.profile),
        "AvailableSlotsByChannel": voice(data.slots.available),
        "MaxSlotsByChannel": voice(data.slots.max),
        "ActiveSlotsByChannel": voice(data.slots.active),
        "Contacts": contacts.map(|contact| agent_contact(scene, contact)).collect::<Vec<_>>(),
    });
    let group = scene.get::<User>(user).and_then(|user| user.spec.hierarchy_group);
    if let Some(group) = group {
        let levels = ["LevelOne", "LevelTwo", "LevelThree", "LevelFour", "LevelFive"];
        let path = hierarchy::path(scene, group);
        let path = levels
            .iter()
            .zip(path)
            .map(|(level, group)| ((*level).to_owned(), reference::<HierarchyGroup>(scene, group.id)));
        shown["HierarchyPath"] = path.collect::<Map<_, _>>().into();
    }
    if let Some(status) = data.status.and_then(|id| scene.get::<AgentStatus>(id)) {
        shown["Status"] = json!({
            "StatusStartTimestamp": epoch_seconds(data.status_since),
            "StatusArn": scene.arn::<AgentStatus>(status.id),
            "StatusName": status.name,
        });
    }
    if let Some(next) = data.next_status.and_then(|id| scene.get::<AgentStatus>(id)) {
        shown["NextStatus"] = next.name.as_str().into();
    }
    shown
}

fn agent_contact(scene: &Scene<'_>, contact: &AgentContact) -> Value {
    let live = scene.service.live().contact(contact.contact);
    let usual = if contact.is_outbound { InitiationMethod::Outbound } else { InitiationMethod::Inbound };
    let method = live.map_or(usual, |live| live.initiation_method);
    let mut shown = json!({
        "ContactId": contact.contact,
        "Channel": "VOICE",
        "InitiationMethod": method.word(),
        "AgentContactState": contact.state.as_str(),
        "StateStartTimestamp": epoch_seconds(contact.state_since),
    });
    if let Some(at) = contact.connected_at {
        shown["ConnectedToAgentTimestamp"] = epoch_seconds(at);
    }
    shown["Queue"] = match contact.queue.map(|queue| queue.kind) {
        Some(QueueKind::Queue(id)) => reference::<Queue>(scene, id),
        Some(QueueKind::Agent(id)) => {
            json!({ "Id": id, "Arn": format!("{}/queue/agent/{id}", scene.instance.arn()) })
        }
        None => return shown,
    };
    shown
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Routed};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    fn ask(setting: &Routed, filters: Value) -> Value {
        let path = format!("/metrics/userdata/{}", setting.instance);
        setting.bench.call("POST", &path, json!({ "Filters": filters })).unwrap()
    }

    #[test]
    fn an_agent_is_listed_once_he_is_there_with_his_status_slots_and_contacts() {
        let setting = Routed::new();
        assert_eq!(ask(&setting, json!({})), json!({ "UserDataList": [], "ApproximateTotalCount": 0 }));
        let contact = setting.with_agent();
        let data = setting.user_data();
        assert_eq!(data["User"]["Id"], setting.agent);
        assert_eq!(data["Status"]["StatusName"], "Available");
        assert_eq!(
            (&data["MaxSlotsByChannel"], &data["AvailableSlotsByChannel"]),
            (&json!({ "VOICE": 1 }), &json!({ "VOICE": 0 }))
        );
        let shown = &data["Contacts"][0];
        assert_eq!(
            (&shown["ContactId"], &shown["AgentContactState"]),
            (&json!(contact.id), &json!("CONNECTED"))
        );
        assert_eq!(shown["Queue"]["Id"], setting.bench.basic_queue(&setting.instance));
        assert_eq!(shown["InitiationMethod"], "INBOUND");
    }

    #[test]
    fn filters_are_by_queue_profile_agent_group_and_state() {
        let setting = Routed::new();
        setting.with_agent();
        let queue = setting.bench.basic_queue(&setting.instance);
        let profile = setting.user_data()["RoutingProfile"]["Id"].clone();
        for filters in [
            json!({ "Queues": [queue] }),
            json!({ "RoutingProfiles": [profile] }),
            json!({ "Agents": [setting.agent] }),
            json!({ "ContactFilter": { "ContactStates": ["CONNECTED"] } }),
        ] {
            assert_eq!(ask(&setting, filters.clone())["ApproximateTotalCount"], 1, "{filters}");
        }
        let missed = json!({ "ContactFilter": { "ContactStates": ["MISSED"] } });
        assert_eq!(ask(&setting, missed)["UserDataList"], json!([]));
    }

    #[test]
    fn two_filters_at_once_and_what_is_not_there_are_refused() {
        let setting = Routed::new();
        let path = format!("/metrics/userdata/{}", setting.instance);
        let queue = setting.bench.basic_queue(&setting.instance);
        for (body, code) in [
            (json!({}), ErrorCode::InvalidRequest),
            (
                json!({ "Filters": { "Queues": [queue], "Agents": [setting.agent] } }),
                ErrorCode::InvalidParameter,
            ),
            (
                json!({ "Filters": { "ContactFilter": { "ContactStates": ["LUNCH"] } } }),
                ErrorCode::InvalidParameter,
            ),
            (json!({ "Filters": { "Agents": [ABSENT] } }), ErrorCode::ResourceNotFound),
            (json!({ "Filters": {}, "MaxResults": 101 }), ErrorCode::InvalidParameter),
        ] {
            assert_eq!(setting.bench.refusal("POST", &path, body.clone()), code, "{body}");
        }
    }
}

//! Agent events: what changed between two looks at an agent, in the JSON of the agent event stream.
//!
//! Source: Administrator Guide, "Agent event streams data model". Its examples print a doctored `Version`; ours is the one of contact
//! records.

use crate::agent_statuses::{AgentStatus, AgentStatusType};
use crate::hierarchy::{self, HierarchyGroup};
use crate::named::Scene;
use crate::queues::Queue;
use crate::routing_profiles::{Channel, RoutingProfile};
use crate::service::ConnectService;
use crate::users::User;
use ring::digest::{SHA256, digest};
use serde_json::{Map, Value, json};
use tympan_contact::InitiationMethod;
use tympan_contact::routing::{AgentContact, AgentKey, QueueKind, UserData};
use tympan_types::{ContactId, InstanceId, ResourceId, WallTime};

/// After so long without another event there is one that says that nothing has changed.
pub const HEARTBEAT_MS: i64 = 120_000;
/// Heartbeats go on so long after the agent has logged out.
pub const AFTER_LOGOUT_MS: i64 = 3_600_000;
const VERSION: &str = "2017-03-10";

/// An agent at a moment: what events show of him.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentSnapshot {
    /// The agent.
    pub agent: AgentKey,
    /// Whether he is logged in: in a status that is not offline.
    pub is_online: bool,
    /// The snapshot as events have it.
    pub json: Value,
}

/// Something that happened to an agent.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentEvent {
    /// What.
    pub event_type: AgentEventType,
    /// The user.
    pub agent: ResourceId,
    /// Of which instance.
    pub instance: InstanceId,
    /// When.
    pub at: WallTime,
    /// The whole event.
    pub json: Value,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AgentEventType {
    /// He logged in.
    Login,
    /// He logged out.
    Logout,
    /// His status, his contacts or what is configured for him changed.
    StateChange,
    /// Nothing did.
    HeartBeat,
}

impl AgentEventType {
    /// Its word: `STATE_CHANGE`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Login => "LOGIN",
            Self::Logout => "LOGOUT",
            Self::StateChange => "STATE_CHANGE",
            Self::HeartBeat => "HEART_BEAT",
        }
    }
}

impl ConnectService {
    /// An agent as events show him; `None` where the user is gone.
    pub fn agent_snapshot(&self, data: &UserData) -> Option<AgentSnapshot> {
        self.seen(data.agent.instance, WallTime::from_unix_ms(0), |scene| {
            let user = scene.get::<User>(data.agent.user)?;
            let status = data.status.and_then(|id| scene.get::<AgentStatus>(id));
            let is_online = status.is_some_and(|status| status.spec.status_type != AgentStatusType::Offline);
            let shown = |id: ResourceId| {
                let status = scene.get::<AgentStatus>(id)?;
                Some(json!({ "ARN": scene.arn::<AgentStatus>(id), "Name": status.name }))
            };
            let mut current = data.status.and_then(shown);
            if let (Some(current), Some(status)) = (&mut current, status) {
                current["StartTimestamp"] = data.status_since.rfc3339_ms().into();
                current["Type"] = json!(status.spec.status_type);
            }
            let mut next = data.next_status.and_then(shown);
            if let (Some(next), Some(at)) = (&mut next, data.next_status_since) {
                next["EnqueuedTimestamp"] = at.rfc3339_ms().into();
            }
            let contacts = data.contacts.iter().map(|contact| self.agents_contact(scene, contact));
            let json = json!({
                "AgentStatus": current,
                "NextAgentStatus": next,
                "Configuration": configuration(scene, user.id, data),
                "Contacts": contacts.collect::<Vec<_>>(),
            });
            Some(AgentSnapshot { agent: data.agent, is_online, json })
        })
    }

    fn agents_contact(&self, scene: &Scene<'_>, contact: &AgentContact) -> Value {
        let live = self.live().contact(contact.contact);
        let usual = if contact.is_outbound { InitiationMethod::Outbound } else { InitiationMethod::Inbound };
        let method = live.as_ref().map_or(usual, |live| live.initiation_method);
        let time = |at: Option<WallTime>| at.map(WallTime::rfc3339_ms);
        let queue = contact.queue.map(|queue| match queue.kind {
            QueueKind::Queue(id) => {
                let name = scene.get::<Queue>(id).map(|queue| queue.name.clone());
                json!({ "ARN": scene.arn::<Queue>(id), "Name": name })
            }
            QueueKind::Agent(id) => {
                json!({ "ARN": format!("{}/queue/agent/{id}", scene.instance.arn()), "Name": null })
            }
        });
        json!({
            "ContactId": contact.contact,
            "InitialContactId": live.and_then(|live| live.initial_contact_id),
            "Channel": "VOICE",
            "InitiationMethod": method.word(),
            "State": contact.state.as_str(),
            "StateStartTimestamp": contact.state_since.rfc3339_ms(),
            "ConnectedToAgentTimestamp": time(contact.connected_at),
            "QueueTimestamp": time(contact.queued_at),
            "Queue": queue,
        })
    }
}

fn configuration(scene: &Scene<'_>, user: ResourceId, data: &UserData) -> Value {
    let Some(user) = scene.get::<User>(user) else { return Value::Null };
    let profile = scene.get::<RoutingProfile>(data.profile);
    let queue = |id: ResourceId| {
        let queue = scene.get::<Queue>(id)?;
        Some(json!({ "ARN": scene.arn::<Queue>(id), "Name": queue.name }))
    };
    let profile = profile.map(|profile| {
        let routed = profile.spec.queues.iter().filter(|routed| routed.channel == Channel::Voice);
        let inbound = routed.filter_map(|routed| {
            let mut shown = queue(routed.queue)?;
            shown["Channels"] = json!(["VOICE"]);
            Some(shown)
        });
        json!({
            "ARN": scene.arn::<RoutingProfile>(profile.id),
            "Name": profile.name,
            "InboundQueues": inbound.collect::<Vec<_>>(),
            "DefaultOutboundQueue": queue(profile.spec.default_outbound_queue),
            "Concurrency": [{ "Channel": "VOICE", "AvailableSlots": data.slots.available, "MaximumSlots": data.slots.max }],
        })
    });
    let path = user.spec.hierarchy_group.map(|id| hierarchy::path(scene, id)).unwrap_or_default();
    let levels = path.iter().enumerate().map(|(level, group)| {
        let group = json!({ "ARN": scene.arn::<HierarchyGroup>(group.id), "Name": group.name });
        (format!("Level{}", level + 1), group)
    });
    let levels: Map<String, Value> = levels.collect();
    json!({
        "FirstName": user.spec.identity.first_name,
        "LastName": user.spec.identity.last_name,
        "Username": user.name,
        "AgentHierarchyGroups": (!levels.is_empty()).then_some(levels),
        "RoutingProfile": profile,
    })
}

/// What lies between two looks at one agent; `previous` is `None` for the first. `None` where there is nothing to tell: he is offline and
/// was so, or nothing has changed and the last event, at `last`, was not long enough ago.
pub fn between(
    service: &ConnectService,
    previous: Option<&AgentSnapshot>,
    current: &AgentSnapshot,
    last: Option<WallTime>,
    now: WallTime,
) -> Option<AgentEvent> {
    let was_online = previous.is_some_and(|previous| previous.is_online);
    let event_type = match (was_online, current.is_online) {
        (false, true) => AgentEventType::Login,
        (true, false) => AgentEventType::Logout,
        _ if previous.is_some_and(|previous| previous.json != current.json) => AgentEventType::StateChange,
        _ if last.is_some_and(|last| now.ms_since(last) >= HEARTBEAT_MS) => AgentEventType::HeartBeat,
        _ => return None,
    };
    let instance = service.instance(current.agent.instance)?;
    let AgentKey { instance: instance_id, user } = current.agent;
    let agent_arn = format!("{}/agent/{user}", instance.arn());
    let previous = previous.map(|previous| &previous.json);
    let text = format!("{agent_arn} {} {} {}", event_type.word(), now.unix_ms(), current.json);
    let mut bytes = [0; 16];
    for (to, from) in bytes.iter_mut().zip(digest(&SHA256, text.as_bytes()).as_ref()) {
        *to = *from;
    }
    let json = json!({
        "AWSAccountId": instance.account,
        "AgentARN": agent_arn,
        "CurrentAgentSnapshot": current.json,
        "EventId": ContactId::from_random(bytes),
        "EventTimestamp": now.rfc3339_ms(),
        "EventType": event_type.word(),
        "InstanceARN": instance.arn(),
        "PreviousAgentSnapshot": previous,
        "Version": VERSION,
    });
    Some(AgentEvent { event_type, agent: user, instance: instance_id, at: now, json })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{NOW, Routed};

    fn snapshot(setting: &Routed) -> AgentSnapshot {
        let data = setting.routing.lock().unwrap().user_data(setting.agent_key()).unwrap();
        setting.bench.service.agent_snapshot(&data).unwrap()
    }

    #[test]
    fn an_agent_logs_in_changes_beats_and_logs_out() {
        let setting = Routed::new();
        let service = &setting.bench.service;
        let offline = snapshot(&setting);
        assert_eq!(between(service, None, &offline, None, NOW), None, "he is not there");
        setting.online();
        let online = snapshot(&setting);
        let login = between(service, Some(&offline), &online, None, NOW).unwrap();
        assert_eq!((login.event_type, &login.json["EventType"]), (AgentEventType::Login, &json!("LOGIN")));
        assert_eq!(login.json["CurrentAgentSnapshot"]["AgentStatus"]["Name"], "Available");
        assert_eq!(login.json["PreviousAgentSnapshot"]["AgentStatus"]["Type"], "OFFLINE");
        let contact = setting.with_agent();
        let busy = snapshot(&setting);
        let change = between(service, Some(&online), &busy, Some(NOW), NOW.plus_ms(1)).unwrap();
        assert_eq!(change.event_type, AgentEventType::StateChange);
        let shown = &change.json["CurrentAgentSnapshot"];
        assert_eq!(
            (&shown["Contacts"][0]["ContactId"], &shown["Contacts"][0]["State"]),
            (&json!(contact.id), &json!("CONNECTED"))
        );
        assert_eq!(shown["Contacts"][0]["Queue"]["Name"], "BasicQueue");
        let profile = &shown["Configuration"]["RoutingProfile"];
        assert_eq!(
            profile["Concurrency"][0],
            json!({ "Channel": "VOICE", "AvailableSlots": 0, "MaximumSlots": 1 })
        );
        assert_eq!(profile["InboundQueues"][0]["Channels"], json!(["VOICE"]));
        assert_eq!(between(service, Some(&busy), &busy, Some(NOW), NOW.plus_ms(HEARTBEAT_MS - 1)), None);
        let beat = between(service, Some(&busy), &busy, Some(NOW), NOW.plus_ms(HEARTBEAT_MS)).unwrap();
        assert_eq!(beat.json["EventType"], "HEART_BEAT");
        let logout = between(service, Some(&busy), &offline, Some(NOW), NOW.plus_ms(2)).unwrap();
        assert_eq!(logout.event_type, AgentEventType::Logout);
        assert_ne!(logout.json["EventId"], beat.json["EventId"]);
    }

    #[test]
    fn keys_are_in_alphabetical_order_at_the_top_and_every_one_is_there() {
        let setting = Routed::new();
        setting.online();
        let event = between(&setting.bench.service, None, &snapshot(&setting), None, NOW).unwrap();
        let keys: Vec<&str> = event.json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "AWSAccountId",
                "AgentARN",
                "CurrentAgentSnapshot",
                "EventId",
                "EventTimestamp",
                "EventType",
                "InstanceARN",
                "PreviousAgentSnapshot",
                "Version"
            ]
        );
        assert_eq!(event.json["PreviousAgentSnapshot"], Value::Null);
        assert_eq!(event.json["CurrentAgentSnapshot"]["NextAgentStatus"], Value::Null);
    }
}

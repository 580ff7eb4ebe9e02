use super::{AgentKey, QueueKey, QueueKind};
use std::collections::BTreeMap;
use tympan_types::{InstanceId, ResourceId};

/// What routing knows of an instance: its queues, routing profiles, agents and statuses.
///
/// Source: Amazon Connect API Reference, `CreateQueue`, `CreateRoutingProfile`, `CreateUser`, `CreateAgentStatus`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstancePlan {
    /// The instance.
    pub instance: InstanceId,
    /// Its standard queues.
    pub queues: BTreeMap<ResourceId, QueuePlan>,
    /// Its routing profiles.
    pub profiles: BTreeMap<ResourceId, ProfilePlan>,
    /// Its users who may take contacts.
    pub agents: BTreeMap<ResourceId, AgentPlan>,
    /// The statuses that agents may choose.
    pub statuses: BTreeMap<ResourceId, StatusPlan>,
    /// How many contacts a standard queue holds that says nothing of its own: the quota of concurrent calls, 10 by default.
    pub queue_contacts: u32,
}

/// A standard queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuePlan {
    /// Whether it takes new contacts; those inside are served in any case.
    pub is_enabled: bool,
    /// `MaxContacts`; `None` for the instance's.
    pub max_contacts: Option<u32>,
}

/// A routing profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProfilePlan {
    /// Its queues for voice.
    pub queues: Vec<RoutedQueuePlan>,
    /// How many voice contacts one of its agents has at once, 0 to 10.
    pub voice_concurrency: u32,
    /// From when on its agents count as idle.
    pub timer: AvailabilityTimer,
}

/// A queue of a routing profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoutedQueuePlan {
    /// The standard queue.
    pub queue: ResourceId,
    /// 1 to 99; the lowest is served first.
    pub priority: u32,
    /// The age at which a contact begins to count for the profile, 0 to 9999.
    pub delay_s: u32,
}

/// `AgentAvailabilityTimer`: from when on an agent counts as idle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum AvailabilityTimer {
    /// From when he last became able to take a contact: his last contact or after-contact work ended, he became available, or a missed
    /// contact was cleared.
    #[default]
    SinceLastActivity,
    /// From when the after-contact work of the last contact that was routed to him ended: calls of his own and other statuses do not
    /// count.
    SinceLastInbound,
}

/// A user who may take contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentPlan {
    /// His routing profile.
    pub profile: ResourceId,
    /// How long after-contact work lasts; 0: until he ends it.
    pub after_contact_work_s: u32,
    /// Whether his telephone answers by itself. Not for callbacks.
    pub auto_accept: bool,
}

/// A status that agents may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusPlan {
    /// Its name.
    pub name: String,
    /// What it means for routing.
    pub kind: StatusKind,
    /// Whether it may be chosen.
    pub is_enabled: bool,
}

/// What a status means for routing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StatusKind {
    /// Contacts are routed to the agent.
    Routable,
    /// The agent is there and takes none.
    Custom,
    /// The agent is not there.
    Offline,
}

impl InstancePlan {
    /// An instance with nothing in it.
    pub fn empty(instance: InstanceId) -> Self {
        Self {
            instance,
            queues: BTreeMap::new(),
            profiles: BTreeMap::new(),
            agents: BTreeMap::new(),
            statuses: BTreeMap::new(),
            queue_contacts: 10,
        }
    }

    /// The settings of a queue, those of an agent's own queue included; `None` where there is none.
    pub(super) fn queue(&self, queue: QueueKey) -> Option<QueuePlan> {
        match queue.kind {
            QueueKind::Queue(id) => self.queues.get(&id).copied(),
            QueueKind::Agent(user) => self
                .agents
                .contains_key(&user)
                .then_some(QueuePlan { is_enabled: true, max_contacts: Some(OWN_QUEUE_CONTACTS) }),
        }
    }

    /// How many contacts a queue holds.
    pub(super) fn capacity(&self, queue: QueuePlan) -> u32 {
        queue.max_contacts.unwrap_or(self.queue_contacts)
    }

    /// The status of a kind that comes first: one that may be chosen, by id.
    pub(super) fn first_status(&self, kind: StatusKind) -> Option<ResourceId> {
        let of_kind = || self.statuses.iter().filter(|(_, status)| status.kind == kind);
        of_kind().find(|(_, status)| status.is_enabled).or_else(|| of_kind().next()).map(|(id, _)| *id)
    }

    /// The agents of it, with their keys.
    pub(super) fn agents(&self) -> impl Iterator<Item = (AgentKey, AgentPlan)> {
        let instance = self.instance;
        self.agents.iter().map(move |(user, plan)| (AgentKey { instance, user: *user }, *plan))
    }
}

/// What an agent's own queue holds, always.
const OWN_QUEUE_CONTACTS: u32 = 10;

//! The numbers of now: of which queues and agents they are, and their names.

use serde_json::Value;
use std::collections::BTreeSet;
use tympan_contact::Now;
use tympan_contact::routing::{AgentCounts, AgentKey, ContactCounts, QueueKey, Routing};
use tympan_types::{InstanceId, ResourceId};

/// What is counted together.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Numbers {
    pub(super) contacts: ContactCounts,
    pub(super) agents: AgentCounts,
    pub(super) wait_ms: Option<i64>,
}

/// A metric of `CurrentMetrics`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Metric {
    AgentsOnline,
    AgentsAvailable,
    AgentsOnContact,
    AgentsNonProductive,
    AgentsAfterContactWork,
    AgentsError,
    AgentsStaffed,
    ContactsInQueue,
    OldestContactAge,
    ContactsScheduled,
    SlotsActive,
    SlotsAvailable,
    EstimatedWaitTime,
}

impl Metric {
    /// Of its name; two names are of the same one.
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "AGENTS_ONLINE" => Self::AgentsOnline,
            "AGENTS_AVAILABLE" => Self::AgentsAvailable,
            "AGENTS_ON_CALL" | "AGENTS_ON_CONTACT" => Self::AgentsOnContact,
            "AGENTS_NON_PRODUCTIVE" => Self::AgentsNonProductive,
            "AGENTS_AFTER_CONTACT_WORK" => Self::AgentsAfterContactWork,
            "AGENTS_ERROR" => Self::AgentsError,
            "AGENTS_STAFFED" => Self::AgentsStaffed,
            "CONTACTS_IN_QUEUE" => Self::ContactsInQueue,
            "OLDEST_CONTACT_AGE" => Self::OldestContactAge,
            "CONTACTS_SCHEDULED" => Self::ContactsScheduled,
            "SLOTS_ACTIVE" => Self::SlotsActive,
            "SLOTS_AVAILABLE" => Self::SlotsAvailable,
            "ESTIMATED_WAIT_TIME" => Self::EstimatedWaitTime,
            _ => return None,
        })
    }

    /// Its unit.
    pub(super) fn unit(self) -> &'static str {
        match self {
            Self::OldestContactAge | Self::EstimatedWaitTime => "SECONDS",
            _ => "COUNT",
        }
    }

    pub(super) fn is_of_slots(self) -> bool {
        matches!(self, Self::SlotsActive | Self::SlotsAvailable)
    }

    /// Its value; null where it cannot be computed. The oldest age is in seconds with groupings, and in milliseconds without, under
    /// the same unit.
    pub(super) fn value(self, numbers: &Numbers, is_grouped: bool) -> Value {
        let Numbers { contacts, agents, wait_ms } = numbers;
        let count = |count: u32| Value::from(f64::from(count));
        match self {
            Self::AgentsOnline => count(agents.online),
            Self::AgentsAvailable => count(agents.available),
            Self::AgentsOnContact => count(agents.on_contact),
            Self::AgentsNonProductive => count(agents.non_productive),
            Self::AgentsAfterContactWork => count(agents.after_contact_work),
            Self::AgentsError => count(agents.error),
            Self::AgentsStaffed => count(agents.staffed),
            Self::ContactsInQueue => count(contacts.in_queue),
            Self::ContactsScheduled => count(contacts.scheduled),
            Self::SlotsActive => count(agents.slots.active),
            Self::SlotsAvailable => count(agents.slots.available),
            Self::OldestContactAge if is_grouped => Value::from((contacts.oldest_age_ms / 1000) as f64),
            Self::OldestContactAge => Value::from(contacts.oldest_age_ms as f64),
            Self::EstimatedWaitTime => wait_ms.map_or(Value::Null, |ms| Value::from((ms / 1000) as f64)),
        }
    }
}

impl Numbers {
    /// Whether there is anything to tell of.
    pub(super) fn is_empty(&self) -> bool {
        let Self { contacts, agents, .. } = self;
        contacts.in_queue == 0
            && contacts.scheduled == 0
            && agents.online == 0
            && agents.error == 0
            && agents.on_contact == 0
    }

    /// Of one queue.
    pub(super) fn of_queue(routing: &Routing, now: Now, queue: QueueKey) -> Self {
        Self {
            contacts: routing.queue_contacts(now, queue),
            agents: routing.queue_agents(queue),
            wait_ms: routing.estimated_wait_ms(now, queue),
        }
    }

    /// Of one routing profile.
    pub(super) fn of_profile(routing: &Routing, now: Now, instance: InstanceId, profile: ResourceId) -> Self {
        Self {
            contacts: routing.profile_contacts(now, instance, profile),
            agents: routing.profile_agents(instance, profile),
            wait_ms: None,
        }
    }

    /// Of all these queues together; an agent of several is counted once.
    pub(super) fn of_queues(routing: &Routing, now: Now, queues: &[QueueKey]) -> Self {
        let contacts = queues.iter().map(|queue| routing.queue_contacts(now, *queue));
        let agents: BTreeSet<AgentKey> =
            queues.iter().flat_map(|queue| routing.agents_of_queue(*queue)).collect();
        let wait_ms = match queues {
            [queue] => routing.estimated_wait_ms(now, *queue),
            _ => None,
        };
        Self {
            contacts: contacts.fold(ContactCounts::default(), plus),
            agents: sum(routing, agents),
            wait_ms,
        }
    }

    /// Of all these routing profiles together.
    pub(super) fn of_profiles(
        routing: &Routing,
        now: Now,
        instance: InstanceId,
        profiles: &[ResourceId],
    ) -> Self {
        let contacts = profiles.iter().map(|profile| routing.profile_contacts(now, instance, *profile));
        let has_profile =
            |key: &AgentKey| routing.user_data(*key).is_some_and(|data| profiles.contains(&data.profile));
        let agents: BTreeSet<AgentKey> = routing.agents(instance).filter(has_profile).collect();
        Self {
            contacts: contacts.fold(ContactCounts::default(), plus),
            agents: sum(routing, agents),
            wait_ms: None,
        }
    }
}

fn plus(sum: ContactCounts, one: ContactCounts) -> ContactCounts {
    ContactCounts {
        in_queue: sum.in_queue.saturating_add(one.in_queue),
        scheduled: sum.scheduled.saturating_add(one.scheduled),
        oldest_age_ms: sum.oldest_age_ms.max(one.oldest_age_ms),
    }
}

fn sum(routing: &Routing, agents: BTreeSet<AgentKey>) -> AgentCounts {
    let counts = agents.into_iter().map(|agent| routing.agent_counts(agent));
    counts.fold(AgentCounts::default(), |mut sum, one| {
        for (total, count) in [
            (&mut sum.online, one.online),
            (&mut sum.staffed, one.staffed),
            (&mut sum.available, one.available),
            (&mut sum.on_contact, one.on_contact),
            (&mut sum.non_productive, one.non_productive),
            (&mut sum.after_contact_work, one.after_contact_work),
            (&mut sum.error, one.error),
            (&mut sum.slots.max, one.slots.max),
            (&mut sum.slots.active, one.slots.active),
            (&mut sum.slots.available, one.slots.available),
        ] {
            *total = total.saturating_add(count);
        }
        sum
    })
}

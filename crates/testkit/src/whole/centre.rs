//! The contact centre of a world: its queues, its agents, and what each agent does when the telephone rings.

use super::flows::{self, RoutedFlow};
use crate::sim::Random;
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_contact::routing::{
    AgentKey, AgentPlan, AvailabilityTimer, InstancePlan, ProfilePlan, QueuePlan, RoutedQueuePlan,
    StatusKind, StatusPlan,
};
use tympan_contact::{AgentRef, QueueRef};
use tympan_types::{InstanceId, ResourceId};

/// A contact centre.
pub(crate) struct Centre {
    pub(crate) queues: usize,
    pub(crate) agents: usize,
    pub(crate) plan: InstancePlan,
    /// The flows of events.
    pub(crate) hooked: Arc<BTreeMap<&'static str, RoutedFlow>>,
}

/// What an agent does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Takes it after so long.
    Takes { after_ms: u64 },
    /// Refuses it after so long, with this status.
    Refuses { after_ms: u64, status: u16 },
    /// Lets it ring.
    Rings,
    /// The telephone says nothing at all.
    Dead,
}

impl Answer {
    pub(crate) fn draw(random: &mut Random) -> Self {
        match random.below(100) {
            0..=69 => Self::Takes { after_ms: random.pick(&[0, 50, 900, 4_000]) },
            70..=84 => Self::Refuses {
                after_ms: random.between(0, 3_000),
                status: random.pick(&[486, 480, 603, 404, 500]),
            },
            85..=94 => Self::Rings,
            _ => Self::Dead,
        }
    }
}

fn id(kind: u8, index: usize) -> ResourceId {
    let mut bytes = [kind; 16];
    bytes[15] = u8::try_from(index).unwrap_or(u8::MAX);
    ResourceId::from_random(bytes)
}

/// An agent of the simulated instance.
pub(crate) fn agent_id(index: usize) -> ResourceId {
    id(90, index)
}

const PROFILE: u8 = 60;
const AVAILABLE: u8 = 70;
const OFFLINE: u8 = 71;

impl Centre {
    /// Queues and agents for so many callers.
    pub(crate) fn draw(random: &mut Random, instance: InstanceId, agents: usize) -> Self {
        let queues = usize::try_from(random.between(1, 3)).unwrap_or(1);
        let profiles = usize::try_from(random.between(1, 3)).unwrap_or(1);
        let mut plan = InstancePlan::empty(instance);
        plan.queue_contacts = random.pick(&[2, 10, 1_000]);
        for queue in 0..queues {
            let max_contacts = random.percent(20).then(|| random.pick(&[1, 3]));
            let is_enabled = !random.percent(3);
            plan.queues.insert(flows::queue_id(queue), QueuePlan { is_enabled, max_contacts });
        }
        for profile in 0..profiles {
            let mut routed = Vec::new();
            for queue in 0..queues {
                // Each queue has agents.
                if queue % profiles == profile || random.percent(40) {
                    routed.push(RoutedQueuePlan {
                        queue: flows::queue_id(queue),
                        priority: random.pick(&[1, 1, 2, 5]),
                        delay_s: random.pick(&[0, 0, 3]),
                    });
                }
            }
            let timer = AvailabilityTimer::default();
            plan.profiles
                .insert(id(PROFILE, profile), ProfilePlan { queues: routed, voice_concurrency: 1, timer });
        }
        for agent in 0..agents {
            let after_contact_work_s = random.pick(&[1, 2, 10]);
            let auto_accept = random.percent(30);
            let profile = id(PROFILE, agent % profiles);
            plan.agents.insert(agent_id(agent), AgentPlan { profile, after_contact_work_s, auto_accept });
        }
        for (status, name, kind) in
            [(AVAILABLE, "Available", StatusKind::Routable), (OFFLINE, "Offline", StatusKind::Offline)]
        {
            plan.statuses.insert(id(status, 0), StatusPlan { name: name.to_owned(), kind, is_enabled: true });
        }
        let hooked = Arc::new(flows::draw_hooked(random));
        Self { queues, agents, plan, hooked }
    }
}

/// An agent as contacts name it.
pub(crate) fn agent_ref(key: AgentKey) -> AgentRef {
    AgentRef {
        id: key.user,
        arn: format!("arn:aws:connect:us-west-2:111122223333:instance/{}/agent/{}", key.instance, key.user),
        user_name: format!("agent-{}", key.user),
        first_name: "A".to_owned(),
        last_name: "Gent".to_owned(),
        routing_profile_arn: "arn:profile".to_owned(),
        routing_profile_name: "profile".to_owned(),
    }
}

/// A queue as contacts name it.
pub(crate) fn queue_ref(instance: InstanceId, queue: ResourceId) -> QueueRef {
    QueueRef {
        arn: format!("arn:aws:connect:us-west-2:111122223333:instance/{instance}/queue/{queue}"),
        name: format!("queue {queue}"),
        hours_arn: None,
        outbound_caller_id: None,
        is_agents: false,
    }
}

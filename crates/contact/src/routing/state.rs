//! What outlives a restart.

use super::{AgentKey, CallbackPlan, QueueKey, RoutingCriteria};
use serde::{Deserialize, Serialize};
use tympan_types::{ContactId, ResourceId, WallTime};

/// What routing keeps over a restart: the agents' statuses, and the callbacks that wait.
///
/// Calls die with the process, and with them what agents had of them: an agent is free after a restart. A callback that an agent had
/// accepted was a call and has died, too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingState {
    /// The agents.
    pub agents: Vec<AgentRecord>,
    /// The callbacks.
    pub callbacks: Vec<CallbackRecord>,
}

/// An agent's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentRecord {
    /// The agent.
    pub agent: AgentKey,
    /// His status.
    pub status: ResourceId,
    /// Since when.
    pub since: WallTime,
    /// The next status, which he has after a restart.
    pub next: Option<ResourceId>,
    /// Since when he is idle.
    pub idle_since: WallTime,
    /// Since when he had no contact that was routed to him.
    pub inbound_idle_since: WallTime,
}

/// A callback that waits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackRecord {
    /// The contact.
    pub contact: ContactId,
    /// Its queue.
    pub queue: QueueKey,
    /// Contact priority.
    pub priority: u64,
    /// The adjustment of its age.
    pub age_adjustment_s: i32,
    /// From when on it waits.
    pub queued_at: WallTime,
    /// How it is called.
    pub plan: CallbackPlan,
    /// How often the customer was dialled.
    pub attempts: u32,
    /// Whether it waits in its queue: it was due.
    pub is_queued: bool,
    /// Whom it prefers, the steps that are left.
    pub criteria: RoutingCriteria,
}

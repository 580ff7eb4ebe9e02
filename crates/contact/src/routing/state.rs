//! What outlives a restart.

use super::criteria::RunningCriteria;
use super::deadline::Deadline;
use super::order::{mono_of, ms_of, wall_of};
use super::queue::{Place, Queued};
use super::{
    AgentKey, CallbackPlan, Output, QueueKey, QueuedKind, Removal, Routing, RoutingCriteria, StatusKind,
};
use crate::Now;
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

impl Routing {
    /// What is to be kept over a restart.
    pub fn state(&self, now: Now) -> RoutingState {
        let agent = |(key, agent): (&AgentKey, &super::agent::Agent)| {
            agent.plan?;
            Some(AgentRecord {
                agent: *key,
                status: agent.status?,
                since: agent.status_since,
                next: agent.next.map(|next| next.status),
                idle_since: wall_of(now, agent.idle_ms),
                inbound_idle_since: wall_of(now, agent.inbound_idle_ms),
            })
        };
        let callback = |(contact, queued): (&ContactId, &Queued)| {
            let QueuedKind::Callback(plan) = queued.kind else { return None };
            let is_queued = match queued.place {
                Place::Waiting | Place::Offered(_) => true,
                Place::Scheduled { .. } => false,
                Place::Accepted(_) | Place::Dialled => return None,
            };
            Some(CallbackRecord {
                contact: *contact,
                queue: queued.queue,
                priority: queued.priority,
                age_adjustment_s: queued.age_adjustment_s,
                queued_at: queued.queued_at,
                plan,
                attempts: queued.dials,
                is_queued,
                criteria: queued.criteria.rest(),
            })
        };
        RoutingState {
            agents: self.agents.iter().filter_map(agent).collect(),
            callbacks: self.contacts.iter().filter_map(callback).collect(),
        }
    }

    /// Changes whenever [`Self::state`] does.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Takes up what was kept over a restart: once, after all instances were configured.
    ///
    /// Agents have their statuses and their places in the order of idleness, and no contacts; nothing is routed to one whose telephone
    /// has not come back ([`Self::online`]), and he is offline after a limit. What is unknown by now is left out; a callback whose queue
    /// is gone is reported as [`Output::Removed`].
    pub fn restore(&mut self, now: Now, state: RoutingState) {
        for record in state.agents {
            self.restore_agent(now, record);
        }
        for record in state.callbacks {
            self.restore_callback(now, record);
        }
        self.route(now);
    }

    fn restore_agent(&mut self, now: Now, record: AgentRecord) {
        let key = record.agent;
        let status = record.next.unwrap_or(record.status);
        let Some(kind) = self.status_kind(key, status) else { return };
        let limit_ms = i64::from(self.options.restored_limit_ms);
        let Some(agent) = self.agents.get_mut(&key).filter(|agent| agent.plan.is_some()) else { return };
        agent.status = Some(status);
        agent.status_since = if record.next.is_some() { now.wall } else { record.since };
        agent.idle_ms = ms_of(now, record.idle_since);
        agent.inbound_idle_ms = ms_of(now, record.inbound_idle_since);
        if kind != StatusKind::Offline && !agent.is_at_telephone {
            let at = now.mono.plus_ms(limit_ms);
            self.deadlines.clear(agent.restored.replace(at), Deadline::Restored(key));
            self.deadlines.set(at, Deadline::Restored(key));
        }
        self.revision += 1;
        self.refresh(now, key);
    }

    fn restore_callback(&mut self, now: Now, record: CallbackRecord) {
        let CallbackRecord { contact, queue, plan, .. } = record;
        if self.contacts.contains_key(&contact) || !record.criteria.fits() {
            return;
        }
        let removal = if self.queue_plan(queue).is_none() {
            Some(Removal::QueueDeleted)
        } else {
            (self.contacts.len() >= self.options.contacts_max).then_some(Removal::NoPlace)
        };
        if let Some(why) = removal {
            self.outputs.push_back(Output::Removed { contact, queue, why });
            return;
        }
        let lifetime_ms = i64::from(self.options.callback_lifetime_s).saturating_mul(1000);
        let queued = Queued {
            queue,
            priority: record.priority,
            age_adjustment_s: record.age_adjustment_s,
            queued_at: record.queued_at,
            queued_ms: ms_of(now, record.queued_at),
            kind: QueuedKind::Callback(plan),
            criteria: RunningCriteria::new(record.criteria),
            place: if record.is_queued {
                Place::Waiting
            } else {
                Place::Scheduled { due: mono_of(ms_of(now, plan.due_at)) }
            },
            offers: 0,
            dials: record.attempts,
            expiry: Some(mono_of(ms_of(now, plan.created_at).saturating_add(lifetime_ms))),
        };
        self.put_back(now, contact, queued);
    }
}

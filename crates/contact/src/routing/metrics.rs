//! Numbers of queues and agents, made when they are asked for.

use super::agent::{Agent, Handled};
use super::order::now_ms;
use super::queue::{Place, Queue};
use super::{
    Activity, AgentContact, AgentContactState, AgentCounts, AgentKey, ContactCounts, QueueKey, QueueKind,
    Routing, RoutingCounters, Slots, StatusKind, StepStatus, UserData,
};
use crate::Now;
use std::collections::{BTreeMap, BTreeSet};
use tympan_types::{ContactId, InstanceId, ResourceId};

impl Routing {
    /// The place of a contact in its queue, from 1 on: `POSITION_IN_QUEUE`. Walks the queue.
    pub fn position(&self, contact: ContactId) -> Option<u32> {
        let queued = self.contacts.get(&contact)?;
        let rank = queued.rank(contact);
        let ranks = &self.queues.get(&queued.queue)?.ranks;
        ranks.contains(&rank).then(|| count(ranks.range(..=rank).count()))
    }

    /// How long a contact that is put at the end of the queue waits, in milliseconds: the length of the queue times the pace of its last
    /// joins. `None` without joins in the last half hour: not computable.
    pub fn estimated_wait_ms(&self, now: Now, queue: QueueKey) -> Option<i64> {
        let queue = self.queues.get(&queue)?;
        let length = i64::try_from(queue.ranks.len()).unwrap_or(i64::MAX);
        Some(queue.pace_ms(now_ms(now))?.saturating_mul(length))
    }

    /// The same for a contact from where it stands.
    pub fn contact_wait_ms(&self, now: Now, contact: ContactId) -> Option<i64> {
        let pace_ms = self.queues.get(&self.queue_of(contact)?)?.pace_ms(now_ms(now))?;
        Some(pace_ms.saturating_mul(i64::from(self.position(contact)?)))
    }

    /// The queue in which a contact waits, or for which a callback is scheduled.
    pub fn queue_of(&self, contact: ContactId) -> Option<QueueKey> {
        self.contacts.get(&contact).map(|queued| queued.queue)
    }

    /// How often a queued contact was offered: `AgentConnectionAttempts`.
    pub fn attempts(&self, contact: ContactId) -> Option<u32> {
        self.contacts.get(&contact).map(|queued| queued.offers)
    }

    /// Where each step of a queued contact's criteria stands.
    pub fn steps(&self, contact: ContactId) -> Vec<StepStatus> {
        let Some(queued) = self.contacts.get(&contact) else { return Vec::new() };
        let mut statuses = queued.criteria.statuses();
        if matches!(queued.place, Place::Accepted(_))
            && let Some(status) = queued.criteria.current().and_then(|step| statuses.get_mut(step))
        {
            *status = StepStatus::Joined;
        }
        statuses
    }

    /// What waits in a queue. Zeros where there is none.
    pub fn queue_contacts(&self, now: Now, queue: QueueKey) -> ContactCounts {
        self.queues.get(&queue).map(|queue| queue.counts(now)).unwrap_or_default()
    }

    /// What waits in all queues of a routing profile.
    pub fn profile_contacts(&self, now: Now, instance: InstanceId, profile: ResourceId) -> ContactCounts {
        let routes = self.instances.get(&instance).and_then(|instance| instance.ordered.get(&profile));
        let queues: BTreeSet<ResourceId> = routes.into_iter().flatten().map(|route| route.queue).collect();
        queues.into_iter().fold(ContactCounts::default(), |sum, queue| {
            let counts = self.queue_contacts(now, QueueKey::standard(instance, queue));
            ContactCounts {
                in_queue: sum.in_queue.saturating_add(counts.in_queue),
                scheduled: sum.scheduled.saturating_add(counts.scheduled),
                oldest_age_ms: sum.oldest_age_ms.max(counts.oldest_age_ms),
            }
        })
    }

    /// The agents of a queue: those whose routing profile has it; the owner of an agent's own queue.
    pub fn queue_agents(&self, queue: QueueKey) -> AgentCounts {
        self.count(self.agents_of_queue(queue))
    }

    /// The agents of a routing profile.
    pub fn profile_agents(&self, instance: InstanceId, profile: ResourceId) -> AgentCounts {
        let has_profile = |agent: &Agent| agent.plan.is_some_and(|plan| plan.profile == profile);
        let agents = self.agents_in(instance).filter(|(_, agent)| has_profile(agent));
        self.count(agents.map(|(key, _)| *key))
    }

    /// The agents of a queue that have a routing profile: both groupings at once.
    pub fn queue_profile_agents(&self, queue: QueueKey, profile: ResourceId) -> AgentCounts {
        let plan = |key: &AgentKey| self.agents.get(key).and_then(|agent| agent.plan);
        let has_profile = |key: &AgentKey| plan(key).is_some_and(|plan| plan.profile == profile);
        self.count(self.agents_of_queue(queue).into_iter().filter(has_profile))
    }

    /// The agents of a queue who are online, by status: `AGENTS_ONLINE` by `AGENT_STATUS`.
    pub fn queue_statuses(&self, queue: QueueKey) -> BTreeMap<ResourceId, u32> {
        let mut statuses = BTreeMap::new();
        for key in self.agents_of_queue(queue) {
            let status = self.agents.get(&key).and_then(|agent| agent.status);
            let is_online = |status: &ResourceId| {
                self.status_kind(key, *status).is_some_and(|kind| kind != StatusKind::Offline)
            };
            if let Some(status) = status.filter(is_online) {
                *statuses.entry(status).or_default() += 1;
            }
        }
        statuses
    }

    /// One agent, counted: for the flow block that asks for an agent's metrics.
    pub fn agent_counts(&self, agent: AgentKey) -> AgentCounts {
        self.count([agent])
    }

    /// What `GetCurrentUserData` says of an agent.
    pub fn user_data(&self, key: AgentKey) -> Option<UserData> {
        let agent = self.agents.get(&key)?;
        Some(UserData {
            agent: key,
            profile: agent.plan?.profile,
            status: agent.status,
            status_since: agent.status_since,
            next_status: agent.next.map(|next| next.status),
            next_status_since: agent.next.map(|next| next.since),
            is_at_telephone: agent.is_at_telephone,
            activity: activity(agent),
            contacts: agent.contacts.iter().map(Handled::shown).collect(),
            slots: self.slots(key),
        })
    }

    /// The agents of an instance.
    pub fn agents(&self, instance: InstanceId) -> impl Iterator<Item = AgentKey> {
        self.agents_in(instance).filter(|(_, agent)| agent.plan.is_some()).map(|(key, _)| *key)
    }

    /// The agents of a queue, as for [`Self::queue_agents`].
    pub fn agents_of_queue(&self, queue: QueueKey) -> Vec<AgentKey> {
        if let QueueKind::Agent(user) = queue.kind {
            let owner = AgentKey { instance: queue.instance, user };
            return self.agents.get(&owner).and_then(|agent| agent.plan).map(|_| owner).into_iter().collect();
        }
        let routes = self.instances.get(&queue.instance).and_then(|instance| instance.routes.get(&queue));
        let profiles: BTreeSet<ResourceId> =
            routes.into_iter().flat_map(BTreeMap::values).flatten().copied().collect();
        let of_queue = |agent: &Agent| agent.plan.is_some_and(|plan| profiles.contains(&plan.profile));
        let agents = self.agents_in(queue.instance).filter(|(_, agent)| of_queue(agent));
        agents.map(|(key, _)| *key).collect()
    }

    /// The contacts that wait in a queue, in the order of the queue, at most so many.
    pub fn queued(&self, queue: QueueKey, at_most: usize) -> Vec<ContactId> {
        let ranks = self.queues.get(&queue).into_iter().flat_map(|queue| &queue.ranks);
        ranks.take(at_most).map(|rank| rank.contact).collect()
    }

    /// What happened since the start.
    pub fn counters(&self) -> RoutingCounters {
        self.counters
    }

    fn slots(&self, key: AgentKey) -> Slots {
        let max = count(self.slots_of(key));
        let active = count(self.agents.get(&key).map_or(0, |agent| agent.contacts.len()));
        let available = if self.can_take(key) { max.saturating_sub(active) } else { 0 };
        Slots { max, active, available }
    }

    fn count(&self, agents: impl IntoIterator<Item = AgentKey>) -> AgentCounts {
        let mut counts = AgentCounts::default();
        for key in agents {
            let Some(agent) = self.agents.get(&key).filter(|agent| agent.plan.is_some()) else { continue };
            let kind = agent.status.and_then(|status| self.status_kind(key, status));
            let (is_routable, is_custom) =
                (kind == Some(StatusKind::Routable), kind == Some(StatusKind::Custom));
            let has = |is: &dyn Fn(&Handled) -> bool| agent.contacts.iter().any(is);
            let is_dialled = has(&|handled| handled.is_outbound && handled.state.is_busy());
            let slots = self.slots(key);
            counts.online += u32::from(is_routable || is_custom);
            counts.staffed += u32::from(is_routable);
            counts.available += u32::from(self.is_available(key) && agent.contacts.is_empty());
            counts.on_contact += u32::from(has(&|handled| is_on_contact(handled) || is_work(handled)));
            counts.non_productive += u32::from(is_custom || (!is_routable && is_dialled));
            counts.after_contact_work += count(agent.contacts.iter().filter(|held| is_work(held)).count());
            counts.error += u32::from(has(&|handled| handled.state.is_blamed()));
            counts.slots.max = counts.slots.max.saturating_add(slots.max);
            counts.slots.active = counts.slots.active.saturating_add(slots.active);
            counts.slots.available = counts.slots.available.saturating_add(slots.available);
        }
        counts
    }
}

impl Queue {
    fn counts(&self, now: Now) -> ContactCounts {
        let oldest = self.by_age.first().map(|(queued_ms, _)| now_ms(now).saturating_sub(*queued_ms).max(0));
        ContactCounts {
            in_queue: count(self.ranks.len()),
            scheduled: count(self.scheduled.len()),
            oldest_age_ms: oldest.unwrap_or(0),
        }
    }
}

impl Handled {
    fn shown(&self) -> AgentContact {
        let on_hold_since = self.connected_at.filter(|_| self.state == AgentContactState::ConnectedOnHold);
        AgentContact {
            contact: self.contact,
            state: self.state,
            state_since: on_hold_since.unwrap_or(self.since),
            queue: self.queue,
            queued_at: self.queued_at,
            connected_at: self.connected_at,
            is_outbound: self.is_outbound,
        }
    }
}

/// Connected, on hold, or dialling.
fn is_on_contact(handled: &Handled) -> bool {
    match handled.state {
        AgentContactState::Connected | AgentContactState::ConnectedOnHold => true,
        AgentContactState::Connecting => handled.is_outbound,
        AgentContactState::Incoming
        | AgentContactState::Missed
        | AgentContactState::Error
        | AgentContactState::Ended => false,
    }
}

fn is_work(handled: &Handled) -> bool {
    handled.state == AgentContactState::Ended
}

fn activity(agent: &Agent) -> Activity {
    type Rule = (fn(&Handled) -> bool, Activity);
    const RULES: [Rule; 5] = [
        (|handled| matches!(handled.state, AgentContactState::Error), Activity::Error),
        (|handled| matches!(handled.state, AgentContactState::Missed), Activity::Missed),
        (is_on_contact, Activity::OnContact),
        (is_work, Activity::AfterContactWork),
        (|handled| handled.state.is_busy(), Activity::Incoming),
    ];
    let first = RULES.into_iter().find(|(holds, _)| agent.contacts.iter().any(holds));
    first.map_or(Activity::Status, |(_, activity)| activity)
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

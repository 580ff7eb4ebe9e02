//! What is known of instances, and what becomes of those who live in them when it changes.

use super::agent::Agent;
use super::queue::Place;
use super::{
    AgentKey, InstancePlan, OfferEnd, QueueKey, QueuePlan, Removal, RoutedQueuePlan, Routing, StatusKind,
};
use crate::Now;
use std::collections::{BTreeMap, BTreeSet};
use tympan_types::{ContactId, InstanceId, ResourceId};

/// An instance.
pub(super) struct Instance {
    pub(super) plan: InstancePlan,
    /// Which profiles a contact of a queue counts for, by the delay after which it does.
    pub(super) routes: BTreeMap<QueueKey, BTreeMap<u32, BTreeSet<ResourceId>>>,
    /// The queues of each profile, those of the lowest priority first.
    pub(super) ordered: BTreeMap<ResourceId, Vec<RoutedQueuePlan>>,
}

impl Instance {
    fn new(plan: InstancePlan) -> Self {
        let mut routes: BTreeMap<QueueKey, BTreeMap<u32, BTreeSet<ResourceId>>> = BTreeMap::new();
        let mut ordered = BTreeMap::new();
        for (profile, settings) in &plan.profiles {
            let mut queues = settings.queues.clone();
            queues.sort_by_key(|routed| (routed.priority, routed.queue));
            for routed in &queues {
                let queue = QueueKey::standard(plan.instance, routed.queue);
                routes.entry(queue).or_default().entry(routed.delay_s).or_default().insert(*profile);
            }
            ordered.insert(*profile, queues);
        }
        Self { plan, routes, ordered }
    }

    fn delays(&self, queue: QueueKey) -> Vec<u32> {
        self.routes.get(&queue).map(|routes| routes.keys().copied().collect()).unwrap_or_default()
    }
}

impl Routing {
    /// Takes the place of what was known of the instance.
    ///
    /// * A queue that is gone gives up its contacts ([`Removal::QueueDeleted`]), those that ring or hear a whisper when their offer has
    ///   failed. A disabled one serves those inside.
    /// * An agent who is gone takes nothing more: offers to him end, his own queue goes, what he missed and his after-contact work are
    ///   cleared, a conversation goes on to its end, without after-contact work.
    /// * An agent whose status is gone is offline. A new agent is offline until his telephone is there.
    /// * Other profiles, priorities, delays and slots hold at once for what waits.
    pub fn configure(&mut self, now: Now, plan: InstancePlan) {
        let id = plan.instance;
        if self.instances.get(&id).is_some_and(|known| known.plan == plan) {
            return;
        }
        let queued: Vec<ContactId> = self.contacts_of(id);
        for contact in &queued {
            if let Some(queued) = self.contacts.remove(contact) {
                if queued.place == Place::Waiting {
                    self.line_out(*contact, &queued);
                }
                self.contacts.insert(*contact, queued);
            }
        }
        self.instances.insert(id, Instance::new(plan));
        self.configure_agents(now, id);
        for contact in queued {
            let Some(of_contact) = self.contacts.get(&contact) else { continue };
            match (of_contact.place, self.queue_plan(of_contact.queue).is_some()) {
                (Place::Waiting, true) => {
                    if let Some(queued) = self.contacts.remove(&contact) {
                        self.line_up(now, contact, &queued);
                        self.contacts.insert(contact, queued);
                    }
                }
                (Place::Waiting | Place::Scheduled { .. } | Place::Dialled, false) => {
                    self.remove(contact, Removal::QueueDeleted);
                }
                _ => {}
            }
        }
        self.route(now);
    }

    /// Forgets an instance, as if it had neither queues nor agents any longer.
    pub fn forget(&mut self, now: Now, instance: InstanceId) {
        self.configure(now, InstancePlan::empty(instance));
        let is_over = |key: &AgentKey| key.instance != instance;
        if self.agents.keys().all(is_over) && self.contacts_of(instance).is_empty() {
            self.instances.remove(&instance);
        }
    }

    /// The settings of a queue; `None` where there is none.
    pub(super) fn queue_plan(&self, queue: QueueKey) -> Option<QueuePlan> {
        self.instances.get(&queue.instance)?.plan.queue(queue)
    }

    /// The delays that profiles have for a queue.
    pub(super) fn delays(&self, queue: QueueKey) -> Vec<u32> {
        self.instances.get(&queue.instance).map(|instance| instance.delays(queue)).unwrap_or_default()
    }

    /// The agents of an instance, those who are gone and talk yet included.
    pub(super) fn agents_in(&self, instance: InstanceId) -> impl Iterator<Item = (&AgentKey, &Agent)> {
        let first = AgentKey { instance, user: ResourceId::LEAST };
        self.agents.range(first..).take_while(move |(key, _)| key.instance == instance)
    }

    fn contacts_of(&self, instance: InstanceId) -> Vec<ContactId> {
        let of_instance = self.contacts.iter().filter(|(_, queued)| queued.queue.instance == instance);
        of_instance.map(|(contact, _)| *contact).collect()
    }

    fn configure_agents(&mut self, now: Now, id: InstanceId) {
        let Some(instance) = self.instances.get(&id) else { return };
        let plans: BTreeMap<AgentKey, _> = instance.plan.agents().collect();
        let offline = instance.plan.first_status(StatusKind::Offline);
        let statuses: BTreeSet<ResourceId> = instance.plan.statuses.keys().copied().collect();
        for (key, plan) in &plans {
            self.agents.entry(*key).or_insert_with(|| Agent::new(now)).plan = Some(*plan);
        }
        let keys: Vec<AgentKey> = self.agents_in(id).map(|(key, _)| *key).collect();
        for key in keys {
            if !plans.contains_key(&key) {
                self.dismiss_agent(now, key);
            } else if let Some(agent) = self.agents.get_mut(&key) {
                agent.next = agent.next.filter(|next| statuses.contains(&next.status));
                if !agent.status.is_some_and(|status| statuses.contains(&status)) && agent.status != offline {
                    self.set_status(now, key, offline);
                }
            }
            self.refresh(now, key);
        }
    }

    fn dismiss_agent(&mut self, now: Now, key: AgentKey) {
        let Some(agent) = self.agents.get_mut(&key) else { return };
        agent.plan = None;
        agent.next = None;
        let offers: Vec<_> = agent.contacts.iter().filter_map(|handled| handled.offer).collect();
        self.clear_contacts(now, key, |state| !state.is_busy());
        for id in offers {
            let contact = self.offers.get(&id).filter(|offer| offer.is_queued).map(|offer| offer.contact);
            self.withdraw(now, id, OfferEnd::AgentGone);
            if let Some(contact) = contact {
                self.requeue(now, contact);
            }
        }
    }
}

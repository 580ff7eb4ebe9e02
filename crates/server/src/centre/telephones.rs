//! Which agent is at which telephone. The user name of a telephone is that of its agent.

use super::Centre;
use crate::sip::Destination;
use std::collections::BTreeSet;
use tympan_contact::AgentRef;
use tympan_contact::TELEPHONES_MAX;
use tympan_contact::routing::AgentKey;

impl Centre {
    /// What rings when an agent is called: each device that is registered, else the telephone that stands in the configuration, else
    /// the number of the agent's own telephone.
    pub(crate) fn telephones(&self, agent: &AgentRef) -> Vec<Destination> {
        let Some(sip) = self.0.sip.get() else { return Vec::new() };
        let bindings = sip.locations().of(&agent.user_name);
        let registered: Vec<Destination> =
            bindings.iter().take(TELEPHONES_MAX).map(|binding| Destination::Binding(binding.id)).collect();
        if !registered.is_empty() {
            return registered;
        }
        if sip.phones().get(&agent.user_name).is_some_and(|phone| phone.contact.is_some()) {
            return vec![Destination::Phone(agent.user_name.clone())];
        }
        let number =
            super::instances::agent_key(&agent.arn).and_then(|key| self.0.instances.get()?.desk_phone(key));
        number.map(Destination::Number).into_iter().collect()
    }

    /// The agents at a telephone, one of each instance that has such a user.
    pub(crate) fn agents_at(&self, telephone: &str) -> Vec<AgentRef> {
        let Some(instances) = self.0.instances.get() else { return Vec::new() };
        instances.named(telephone).into_iter().filter_map(|agent| instances.agent(agent)).collect()
    }

    /// Logs agents in whose telephones are there now, and out whose are there no longer.
    pub(super) fn follow_telephones(&self) {
        let (Some(sip), Some(instances)) = (self.0.sip.get(), self.0.instances.get()) else { return };
        let registered = sip.locations().registered();
        let standing = sip.phones().iter().filter(|phone| phone.contact.is_some()).map(|phone| &phone.user);
        let mut present: BTreeSet<AgentKey> =
            registered.iter().chain(standing).flat_map(|user| instances.named(user)).collect();
        let mut state = self.state();
        for (instance, plan) in &state.plans {
            let keys = plan.agents.keys().map(|user| AgentKey { instance: *instance, user: *user });
            // A telephone of its own is always there, as far as this server can know.
            present.extend(keys.filter(|agent| instances.desk_phone(*agent).is_some()));
        }
        let now = self.now();
        let state = &mut *state;
        for agent in present.difference(&state.online) {
            state.routing.online(now, *agent);
        }
        for agent in state.online.difference(&present) {
            state.routing.offline(now, *agent);
        }
        state.online = present;
        self.wake();
    }
}

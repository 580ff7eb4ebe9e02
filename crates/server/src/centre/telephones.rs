//! Which agent is at which telephone. The user name of a telephone is that of its agent.

use super::Centre;
use super::instances::agent_key;
use crate::sip::Destination;
use std::collections::{BTreeMap, BTreeSet};
use tympan_connect::AgentTelephone;
use tympan_contact::routing::AgentKey;
use tympan_contact::{AgentRef, TELEPHONES_MAX};

/// The users of all instances, by their telephones.
#[derive(Debug, Default)]
pub(super) struct People {
    /// By user name in small letters: one of each instance that has such a user.
    named: BTreeMap<String, Vec<AgentKey>>,
    desk_phones: BTreeMap<AgentKey, String>,
}

impl People {
    pub(super) fn new(telephones: Vec<AgentTelephone>) -> Self {
        let mut people = Self::default();
        for AgentTelephone { agent, user_name, desk_phone } in telephones {
            people.named.entry(user_name.to_ascii_lowercase()).or_default().push(agent);
            people.desk_phones.extend(desk_phone.map(|number| (agent, number)));
        }
        people
    }

    fn named(&self, user_name: &str) -> &[AgentKey] {
        self.named.get(&user_name.to_ascii_lowercase()).map_or(&[], Vec::as_slice)
    }
}

impl Centre {
    /// What rings when an agent is called: each device that is registered, else the telephone that stands in the configuration, else
    /// the number of the agent's own telephone.
    pub(crate) fn telephones(&self, agent: &AgentRef) -> Vec<Destination> {
        let Some(sip) = self.0.sip.get() else { return Vec::new() };
        let bindings = sip.locations().of(&agent.user_name);
        if !bindings.is_empty() {
            let devices = bindings.iter().take(TELEPHONES_MAX);
            return devices.map(|binding| Destination::Binding(binding.id)).collect();
        }
        if sip.phones().get(&agent.user_name).is_some_and(|phone| phone.contact.is_some()) {
            return vec![Destination::Phone(agent.user_name.clone())];
        }
        let state = self.state();
        let number = agent_key(&agent.arn).and_then(|agent| state.people.desk_phones.get(&agent));
        number.cloned().map(Destination::Number).into_iter().collect()
    }

    /// The agents at a telephone, one of each instance that has such a user.
    pub(crate) fn agents_at(&self, telephone: &str) -> Vec<AgentRef> {
        let Some(instances) = self.0.instances.get() else { return Vec::new() };
        let named = self.state().people.named(telephone).to_vec();
        named.into_iter().filter_map(|agent| instances.agent(agent)).collect()
    }

    /// Logs agents in whose telephones are there now, and out whose are there no longer.
    pub(super) fn follow_telephones(&self) {
        let Some(sip) = self.0.sip.get() else { return };
        let registered = sip.locations().registered();
        let standing = sip.phones().iter().filter(|phone| phone.contact.is_some()).map(|phone| &phone.user);
        let now = self.now();
        let mut state = self.state();
        let state = &mut *state;
        let mut present: BTreeSet<AgentKey> =
            registered.iter().chain(standing).flat_map(|user| state.people.named(user)).copied().collect();
        // A telephone of the agent's own is always there, as far as this server can know.
        present.extend(state.people.desk_phones.keys());
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

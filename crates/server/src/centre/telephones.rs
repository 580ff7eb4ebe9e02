//! Which agent is at which telephone: the configuration says it of those that register or have an address there, the user's settings
//! of those that have a number.

use super::Centre;
use super::instances::agent_key;
use crate::sip::{AgentPhone, Destination, SipCalls};
use std::collections::{BTreeMap, BTreeSet};
use tympan_connect::AgentTelephone;
use tympan_contact::routing::AgentKey;
use tympan_contact::{AgentRef, TELEPHONES_MAX};

/// The users of all instances.
#[derive(Debug, Default)]
pub(super) struct People {
    /// By the alias of the instance and the user name in small letters.
    named: BTreeMap<(String, String), AgentKey>,
    desk_phones: BTreeMap<AgentKey, String>,
}

/// One of the telephones that ring for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RungTelephone {
    pub(crate) destination: Destination,
    /// It is asked to answer by itself, whatever the agent's settings are.
    pub(crate) answers_by_itself: bool,
}

impl People {
    pub(super) fn new(telephones: Vec<AgentTelephone>) -> Self {
        let mut people = Self::default();
        for AgentTelephone { agent, alias, user_name, desk_phone } in telephones {
            people.named.insert((alias, user_name.to_ascii_lowercase()), agent);
            people.desk_phones.extend(desk_phone.map(|number| (agent, number)));
        }
        people
    }

    fn at(&self, phone: &AgentPhone) -> Option<AgentKey> {
        let (alias, user_name) = phone.agent.clone()?;
        self.named.get(&(alias, user_name.to_ascii_lowercase())).copied()
    }
}

impl Centre {
    /// What rings when an agent is called: each device that is registered, and each telephone that stands in the configuration with its
    /// address; else the number of the agent's own telephone.
    pub(crate) fn telephones(&self, agent: &AgentRef) -> Vec<RungTelephone> {
        let (Some(sip), Some(key)) = (self.0.sip.get(), agent_key(&agent.arn)) else { return Vec::new() };
        let state = self.state();
        let phones = sip.agents().iter().filter(|phone| state.people.at(phone) == Some(key));
        let rung = phones.flat_map(|phone| {
            let answers_by_itself = phone.auto_answer;
            let devices = devices_of(sip, &phone.phone).into_iter();
            devices.map(move |destination| RungTelephone { destination, answers_by_itself })
        });
        let mut rung: Vec<RungTelephone> = rung.take(TELEPHONES_MAX).collect();
        if rung.is_empty() {
            let number = state.people.desk_phones.get(&key).cloned().map(Destination::Number);
            rung.extend(number.map(|destination| RungTelephone { destination, answers_by_itself: false }));
        }
        rung
    }

    /// The agent at a telephone.
    pub(crate) fn agent_at(&self, telephone: &str) -> Option<AgentRef> {
        let phone = self.0.sip.get()?.agent_phone(telephone)?;
        let key = self.state().people.at(phone)?;
        self.0.instances.get()?.agent(key)
    }

    /// Logs agents in whose telephones are there now, and out whose are there no longer.
    pub(super) fn follow_telephones(&self) {
        let Some(sip) = self.0.sip.get() else { return };
        let registered = sip.locations().registered();
        let is_there = |phone: &&AgentPhone| {
            let stands = sip.phones().get(&phone.phone).is_some_and(|known| known.contact.is_some());
            stands || registered.contains(&phone.phone)
        };
        let now = self.now();
        let mut state = self.state();
        let state = &mut *state;
        let mut present: BTreeSet<AgentKey> =
            sip.agents().iter().filter(is_there).filter_map(|phone| state.people.at(phone)).collect();
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

/// Where a telephone is: each device that is registered, else its address in the configuration.
fn devices_of(sip: &SipCalls, phone: &str) -> Vec<Destination> {
    let bindings = sip.locations().of(phone);
    if !bindings.is_empty() {
        return bindings.iter().map(|binding| Destination::Binding(binding.id)).collect();
    }
    let stands = sip.phones().get(phone).is_some_and(|known| known.contact.is_some());
    stands.then(|| Destination::Phone(phone.to_owned())).into_iter().collect()
}

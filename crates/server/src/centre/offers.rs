//! Offers under way, so that a report that names one finds its contact and its agent.

use std::collections::HashMap;
use tympan_contact::routing::{AgentKey, OfferKind};
use tympan_types::{ContactId, OfferId};

/// One offer, and later the agent's part in the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) contact: ContactId,
    pub(super) agent: AgentKey,
    pub(super) part: Part,
}

/// How the agent came to the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// By the routing.
    Offered(OfferKind),
    /// The routing was told that the agent is on it.
    Occupied,
}

/// Of each contact that agents are on or are rung for. Calls end: at the end of a contact nothing is left of it.
#[derive(Debug, Default)]
pub(super) struct Offers {
    offers: HashMap<OfferId, Offer>,
    of_contact: HashMap<ContactId, Vec<OfferId>>,
    occupied: u64,
}

/// Numbers of what the routing has not offered; its own are counted from 1.
const OCCUPIED_FROM: u64 = 1 << 63;

impl Offers {
    pub(super) fn add(&mut self, id: OfferId, offer: Offer) {
        self.offers.insert(id, offer);
        self.of_contact.entry(offer.contact).or_default().push(id);
    }

    /// The agent is on a contact that was not offered.
    pub(super) fn occupy(&mut self, contact: ContactId, agent: AgentKey) -> OfferId {
        let id = OfferId::new(OCCUPIED_FROM | self.occupied);
        self.occupied += 1;
        self.add(id, Offer { contact, agent, part: Part::Occupied });
        id
    }

    pub(super) fn get(&self, id: OfferId) -> Option<Offer> {
        self.offers.get(&id).copied()
    }

    pub(super) fn remove(&mut self, id: OfferId) -> Option<Offer> {
        let offer = self.offers.remove(&id)?;
        if let Some(ids) = self.of_contact.get_mut(&offer.contact) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.of_contact.remove(&offer.contact);
            }
        }
        Some(offer)
    }

    /// The contact is over. Gives what was known of it.
    pub(super) fn forget(&mut self, contact: ContactId) -> Vec<Offer> {
        let ids = self.of_contact.remove(&contact).unwrap_or_default();
        ids.iter().filter_map(|id| self.offers.remove(id)).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.offers.len()
    }

    /// The contact that an agent is on, the newest one.
    pub(super) fn contact_of(&self, agent: AgentKey) -> Option<ContactId> {
        let of_agent = self.offers.iter().filter(|(_, offer)| offer.agent == agent);
        of_agent.max_by_key(|(id, _)| **id).map(|(_, offer)| offer.contact)
    }
}

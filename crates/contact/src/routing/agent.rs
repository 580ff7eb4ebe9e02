//! Agents and what they have of contacts.

use super::deadline::Deadline;
use super::offers::Offer;
use super::order::{IdleRank, ProfileKey, now_ms};
use super::queue::Place;
use super::{
    AgentContactState, AgentKey, AgentPlan, AvailabilityTimer, DismissRefusal, OfferRefusal, Output,
    QueueKey, Routing, StatusKind,
};
use crate::Now;
use tympan_types::{ContactId, Mono, OfferId, ResourceId, WallTime};

/// An agent.
pub(super) struct Agent {
    /// His settings; `None` where he exists no longer and has a conversation yet.
    pub(super) plan: Option<AgentPlan>,
    pub(super) status: Option<ResourceId>,
    pub(super) status_since: WallTime,
    pub(super) next: Option<NextStatus>,
    pub(super) is_at_telephone: bool,
    pub(super) contacts: Vec<Handled>,
    /// Since when he is idle, in milliseconds.
    pub(super) idle_ms: i64,
    /// Since when he had no contact that was routed to him.
    pub(super) inbound_idle_ms: i64,
    /// His place among those who can take a contact, where he can.
    pub(super) idle: Option<(ProfileKey, IdleRank)>,
    /// Until when his telephone may come back after a restart.
    pub(super) restored: Option<Mono>,
}

/// The status that an agent gets when he is on no contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NextStatus {
    pub(super) status: ResourceId,
    pub(super) since: WallTime,
    /// It was chosen because his telephone is gone.
    pub(super) is_logout: bool,
}

/// A contact of an agent.
pub(super) struct Handled {
    pub(super) contact: ContactId,
    pub(super) state: AgentContactState,
    pub(super) since: WallTime,
    /// The offer that is not over.
    pub(super) offer: Option<OfferId>,
    pub(super) queue: Option<QueueKey>,
    pub(super) queued_at: Option<WallTime>,
    pub(super) connected_at: Option<WallTime>,
    pub(super) is_outbound: bool,
    /// When it ends by itself.
    pub(super) deadline: Option<Mono>,
}

impl AgentContactState {
    /// Whether something goes on: neither over nor failed.
    pub(super) const fn is_busy(self) -> bool {
        match self {
            Self::Incoming | Self::Connecting | Self::Connected | Self::ConnectedOnHold => true,
            Self::Missed | Self::Error | Self::Ended => false,
        }
    }

    /// Whether the agent did not take it.
    pub(super) const fn is_blamed(self) -> bool {
        matches!(self, Self::Missed | Self::Error)
    }
}

impl Handled {
    pub(super) fn new(contact: ContactId, state: AgentContactState, now: Now) -> Self {
        Self {
            contact,
            state,
            since: now.wall,
            offer: None,
            queue: None,
            queued_at: None,
            connected_at: None,
            is_outbound: false,
            deadline: None,
        }
    }

    pub(super) fn change(&mut self, state: AgentContactState, now: WallTime) {
        self.state = state;
        self.since = now;
    }
}

impl Agent {
    pub(super) fn new(now: Now) -> Self {
        Self {
            plan: None,
            status: None,
            status_since: now.wall,
            next: None,
            is_at_telephone: false,
            contacts: Vec::new(),
            idle_ms: now_ms(now),
            inbound_idle_ms: now_ms(now),
            idle: None,
            restored: None,
        }
    }

    pub(super) fn find(&self, contact: ContactId) -> Option<&Handled> {
        self.contacts.iter().find(|handled| handled.contact == contact)
    }
}

impl Routing {
    /// The agent holds the customer, or takes him off hold.
    pub fn held(&mut self, now: Now, agent: AgentKey, contact: ContactId, is_held: bool) {
        let handled = self.handled(agent, contact);
        match (handled, is_held) {
            (Some(handled), true) if handled.state == AgentContactState::Connected => {
                handled.change(AgentContactState::ConnectedOnHold, now.wall);
            }
            (Some(handled), false) if handled.state == AgentContactState::ConnectedOnHold => {
                handled.change(AgentContactState::Connected, now.wall);
            }
            _ => self.counters.late += 1,
        }
    }

    /// The agent dials, in any status: he is on a contact at once.
    pub fn dialled(&mut self, now: Now, agent: AgentKey, contact: ContactId) -> Result<(), OfferRefusal> {
        let dialler = self.agents.get(&agent).filter(|agent| agent.plan.is_some());
        let dialler = dialler.ok_or(OfferRefusal::NoSuchAgent)?;
        if dialler.find(contact).is_some() {
            return Err(OfferRefusal::AlreadyOffered);
        }
        if dialler.contacts.len() >= self.options.agent_contacts_max {
            return Err(OfferRefusal::TooManyContacts);
        }
        let handled = Handled::new(contact, AgentContactState::Connecting, now);
        self.add_contact(agent, Handled { is_outbound: true, ..handled });
        self.refresh(now, agent);
        self.route(now);
        Ok(())
    }

    /// The far end of the call that an agent placed has answered.
    pub fn answered(&mut self, now: Now, agent: AgentKey, contact: ContactId) {
        match self.handled(agent, contact) {
            Some(handled) if handled.is_outbound && handled.state == AgentContactState::Connecting => {
                handled.connected_at = Some(now.wall);
                handled.change(AgentContactState::Connected, now.wall);
            }
            _ => self.counters.late += 1,
        }
    }

    /// The agent's part of the contact is over: after-contact work begins. Before a caller was joined it is a missed offer; a callback
    /// whose customer was dialled, a direct offer and a caller who heard his whisper have after-contact work too.
    pub fn ended(&mut self, now: Now, agent: AgentKey, contact: ContactId) {
        self.part_ended(now, agent, contact);
        self.route(now);
    }

    /// Nothing is left of the contact's call: it leaves its queue, offers of it end, and it has ended for each agent who was on it. Not
    /// for a callback that goes on waiting.
    pub fn closed(&mut self, now: Now, contact: ContactId) {
        self.take_out(contact);
        self.withdraw_all(now, contact);
        for agent in self.agents_on(contact) {
            if self.handled(agent, contact).is_some_and(|handled| handled.state.is_busy()) {
                self.part_ended(now, agent, contact);
            }
        }
        self.route(now);
    }

    /// Clears a missed, failed or ended contact of an agent: `DismissUserContact`, and the end of after-contact work.
    pub fn dismiss(&mut self, now: Now, agent: AgentKey, contact: ContactId) -> Result<(), DismissRefusal> {
        let of_agent = self.agents.get(&agent).ok_or(DismissRefusal::NoSuchAgent)?;
        let handled = of_agent.find(contact).ok_or(DismissRefusal::NoSuchContact)?;
        if handled.state.is_busy() {
            return Err(DismissRefusal::StillHandled);
        }
        self.clear_contact(now, agent, contact);
        self.refresh(now, agent);
        self.route(now);
        Ok(())
    }

    /// The deadline of an agent's contact is over.
    pub(super) fn agent_contact_timed_out(&mut self, now: Now, agent: AgentKey, contact: ContactId) {
        if self.handled(agent, contact).is_some_and(|handled| !handled.state.is_busy()) {
            self.clear_contact(now, agent, contact);
            self.refresh(now, agent);
        }
    }

    /// The agents who have a contact, in any state.
    pub fn agents_on(&self, contact: ContactId) -> Vec<AgentKey> {
        self.agents_on.get(&contact).into_iter().flatten().copied().collect()
    }

    pub(super) fn handled(&mut self, agent: AgentKey, contact: ContactId) -> Option<&mut Handled> {
        let agent = self.agents.get_mut(&agent)?;
        agent.contacts.iter_mut().find(|handled| handled.contact == contact)
    }

    pub(super) fn add_contact(&mut self, key: AgentKey, handled: Handled) {
        if let Some(agent) = self.agents.get_mut(&key) {
            self.agents_on.entry(handled.contact).or_default().insert(key);
            agent.contacts.push(handled);
        }
    }

    /// Forgets a contact of an agent.
    pub(super) fn drop_contact(&mut self, key: AgentKey, contact: ContactId) -> Option<Handled> {
        let contacts = &mut self.agents.get_mut(&key)?.contacts;
        let place = contacts.iter().position(|handled| handled.contact == contact)?;
        let handled = contacts.remove(place);
        self.deadlines.clear(handled.deadline, Deadline::AgentContact(key, contact));
        if let Some(agents) = self.agents_on.get_mut(&contact) {
            agents.remove(&key);
            if agents.is_empty() {
                self.agents_on.remove(&contact);
            }
        }
        Some(handled)
    }

    /// Clears the contacts of an agent whose state it is.
    pub(super) fn clear_contacts(
        &mut self,
        now: Now,
        key: AgentKey,
        is_cleared: impl Fn(AgentContactState) -> bool,
    ) {
        let contacts = self.agents.get(&key).map(|agent| agent.contacts.as_slice()).unwrap_or_default();
        let cleared = contacts.iter().filter(|handled| is_cleared(handled.state));
        let cleared: Vec<ContactId> = cleared.map(|handled| handled.contact).collect();
        for contact in cleared {
            self.clear_contact(now, key, contact);
        }
    }

    /// The agent did not take a contact: it sticks to him until it is cleared. Without a telephone he could not clear it.
    pub(super) fn blame(&mut self, now: Now, key: AgentKey, contact: ContactId, state: AgentContactState) {
        let clear_after_ms = self.options.clear_missed_after_ms;
        if let Some(handled) = self.handled(key, contact) {
            handled.offer = None;
            handled.change(state, now.wall);
            handled.deadline = clear_after_ms.map(|ms| now.mono.plus_ms(i64::from(ms)));
            if let Some(at) = handled.deadline {
                self.deadlines.set(at, Deadline::AgentContact(key, contact));
            }
        }
        if self.agents.get(&key).is_some_and(|agent| !agent.is_at_telephone || agent.plan.is_none()) {
            self.clear_contact(now, key, contact);
        }
        self.refresh(now, key);
    }

    /// Puts an agent where he belongs after something about him has changed: gives him his next status, forgets him, sorts him in.
    pub(super) fn refresh(&mut self, now: Now, key: AgentKey) {
        let Some(agent) = self.agents.get_mut(&key) else { return };
        if agent.contacts.is_empty() {
            if let Some(next) = agent.next.take() {
                self.set_status(now, key, Some(next.status));
            }
            if self.agents.get(&key).is_some_and(|agent| agent.plan.is_none()) {
                self.forget_agent(key);
                return;
            }
        }
        self.sort_in(key);
    }

    /// Whether an agent is at a telephone, available, and is to stay so.
    pub(super) fn is_available(&self, key: AgentKey) -> bool {
        let Some(agent) = self.agents.get(&key) else { return false };
        let kind = agent.status.and_then(|status| self.status_kind(key, status));
        agent.is_at_telephone
            && agent.plan.is_some()
            && agent.next.is_none()
            && kind == Some(StatusKind::Routable)
    }

    /// Whether an agent can take another contact: he is available, has a slot, takes no contact already, and has missed none.
    pub(super) fn can_take(&self, key: AgentKey) -> bool {
        let Some(agent) = self.agents.get(&key) else { return false };
        let is_taking = |handled: &Handled| handled.offer.is_some() || handled.state.is_blamed();
        self.is_available(key)
            && agent.contacts.len() < self.slots_of(key)
            && !agent.contacts.iter().any(is_taking)
    }

    /// The slots of an agent for voice.
    pub(super) fn slots_of(&self, key: AgentKey) -> usize {
        let Some(plan) = self.agents.get(&key).and_then(|agent| agent.plan) else { return 0 };
        let profiles = self.instances.get(&key.instance).map(|instance| &instance.plan.profiles);
        let profile = profiles.and_then(|profiles| profiles.get(&plan.profile));
        profile.map_or(0, |profile| usize::try_from(profile.voice_concurrency).unwrap_or(usize::MAX))
    }

    fn sort_in(&mut self, key: AgentKey) {
        let place = self.idle_place(key);
        let Some(agent) = self.agents.get_mut(&key) else { return };
        if agent.idle == place {
            return;
        }
        if let Some((profile, rank)) = std::mem::replace(&mut agent.idle, place) {
            self.idle.remove(profile, rank);
        }
        if let Some((profile, rank)) = place {
            self.idle.insert(profile, rank);
            self.idle.touch_agent(rank);
        }
    }

    pub(super) fn idle_place(&self, key: AgentKey) -> Option<(ProfileKey, IdleRank)> {
        let agent = self.agents.get(&key).filter(|_| self.can_take(key))?;
        let profile = agent.plan?.profile;
        let timer = self.instances.get(&key.instance)?.plan.profiles.get(&profile)?.timer;
        let since_ms = match timer {
            AvailabilityTimer::SinceLastActivity => agent.idle_ms,
            AvailabilityTimer::SinceLastInbound => agent.inbound_idle_ms,
        };
        let rank = IdleRank { contacts: agent.contacts.len(), since_ms, agent: key };
        Some(((key.instance, profile), rank))
    }

    fn forget_agent(&mut self, key: AgentKey) {
        if let Some(agent) = self.agents.remove(&key) {
            self.deadlines.clear(agent.restored, Deadline::Restored(key));
            if let Some((profile, rank)) = agent.idle {
                self.idle.remove(profile, rank);
            }
            self.revision += 1;
        }
    }

    /// Ends a conversation for one agent.
    pub(super) fn part_ended(&mut self, now: Now, key: AgentKey, contact: ContactId) {
        let handled = self.handled(key, contact).filter(|handled| handled.state.is_busy());
        let Some(offer) = handled.map(|handled| handled.offer) else {
            self.counters.late += 1;
            return;
        };
        if let Some(id) = offer {
            if self.offers.get(&id).is_some_and(Offer::is_left_by_hanging_up) {
                self.fell_through(now, id, AgentContactState::Missed);
                return;
            }
            if let Some(queued) = self.close_offer(id).and_then(|offer| self.contacts.get_mut(&offer.contact))
                && queued.offer() == Some(id)
            {
                queued.place = Place::Dialled;
            }
        }
        let Some(agent) = self.agents.get(&key) else { return };
        let has_work = agent.is_at_telephone && agent.plan.is_some();
        let own_limit_s = agent.plan.map_or(0, |plan| plan.after_contact_work_s);
        let limit_ms = match own_limit_s {
            0 => self.options.after_contact_work_limit_ms.map(i64::from),
            seconds => Some(i64::from(seconds).saturating_mul(1000)),
        };
        let deadline = limit_ms.map(|limit_ms| now.mono.plus_ms(limit_ms));
        if let Some(at) = deadline {
            self.deadlines.set(at, Deadline::AgentContact(key, contact));
        }
        if let Some(handled) = self.handled(key, contact) {
            handled.offer = None;
            handled.deadline = deadline;
            handled.change(AgentContactState::Ended, now.wall);
        }
        if !has_work {
            self.clear_contact(now, key, contact);
        }
        self.refresh(now, key);
    }

    /// A contact of an agent is over, his work after it included.
    pub(super) fn clear_contact(&mut self, now: Now, key: AgentKey, contact: ContactId) {
        let Some(handled) = self.drop_contact(key, contact) else { return };
        let is_ended = handled.state == AgentContactState::Ended;
        if is_ended {
            self.outputs.push_back(Output::AfterContactWorkEnded {
                contact,
                agent: key,
                began_at: handled.since,
                ended_at: now.wall,
            });
        }
        if let Some(agent) = self.agents.get_mut(&key) {
            agent.idle_ms = now_ms(now);
            if is_ended && !handled.is_outbound {
                agent.inbound_idle_ms = now_ms(now);
            }
            self.revision += 1;
        }
    }
}

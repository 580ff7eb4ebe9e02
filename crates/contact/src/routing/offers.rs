//! Offers of contacts to agents, from the choice to the conversation.

use super::agent::Handled;
use super::deadline::Deadline;
use super::order::{IdleRank, Line, Rank, now_ms};
use super::queue::Place;
use super::{
    AgentContactState, AgentKey, OfferEnd, OfferKind, OfferRefusal, Output, QueueKey, Removal, Routing,
};
use crate::Now;
use tympan_types::{ContactId, Mono, OfferId, WallTime};

/// An offer that is not over.
pub(super) struct Offer {
    pub(super) contact: ContactId,
    pub(super) agent: AgentKey,
    kind: OfferKind,
    /// Whether the contact waits for its outcome in a queue.
    pub(super) is_queued: bool,
    pub(super) is_accepted: bool,
    deadline: Mono,
}

impl Offer {
    /// Whether an agent who hangs up has not taken the contact: it rings, or a caller waits in the queue while the whisper runs.
    pub(super) fn is_left_by_hanging_up(&self) -> bool {
        !self.is_accepted || (self.is_queued && self.kind == OfferKind::Call)
    }
}

impl Routing {
    /// Offers a queued contact to a chosen agent, whatever his status and his slots: `AssociateContactWithUser`, "Interrupt agent".
    /// Where he does not take it, it goes on waiting.
    pub fn associate(
        &mut self,
        now: Now,
        contact: ContactId,
        agent: AgentKey,
    ) -> Result<OfferId, OfferRefusal> {
        let queued = self.contacts.get(&contact).ok_or(OfferRefusal::NotQueued)?;
        match queued.place {
            Place::Scheduled { .. } => return Err(OfferRefusal::NotQueued),
            Place::Waiting => {}
            Place::Offered(_) | Place::Accepted(_) | Place::Dialled => {
                return Err(OfferRefusal::AlreadyOffered);
            }
        }
        let chosen = self.agents.get(&agent).filter(|agent| agent.plan.is_some());
        let chosen = chosen.ok_or(OfferRefusal::NoSuchAgent)?;
        if chosen.contacts.len() >= self.options.agent_contacts_max {
            return Err(OfferRefusal::TooManyContacts);
        }
        if chosen.find(contact).is_some_and(|handled| handled.state.is_busy()) {
            return Err(OfferRefusal::AlreadyOffered);
        }
        let offer = self.offer_queued(now, contact, agent).ok_or(OfferRefusal::NotQueued)?;
        self.route(now);
        Ok(offer)
    }

    /// Offers a contact that waits in no queue to an agent: `TransferContactToAgent`. It cuts after-contact work short, and is refused
    /// where the agent is busy or not available. Where he does not take it, the call decides what becomes of it.
    pub fn offer_directly(
        &mut self,
        now: Now,
        contact: ContactId,
        agent: AgentKey,
    ) -> Result<OfferId, OfferRefusal> {
        let chosen = self.agents.get(&agent).filter(|agent| agent.plan.is_some());
        let chosen = chosen.ok_or(OfferRefusal::NoSuchAgent)?;
        if self.contacts.contains_key(&contact) {
            return Err(OfferRefusal::AlreadyOffered);
        }
        if chosen.contacts.iter().any(|handled| handled.state != AgentContactState::Ended) {
            return Err(OfferRefusal::Busy);
        }
        if !self.is_available(agent) {
            return Err(OfferRefusal::NotAvailable);
        }
        self.clear_contacts(now, agent, |state| state == AgentContactState::Ended);
        let offer = self.make_offer(now, contact, agent, OfferKind::Direct, None);
        self.route(now);
        Ok(offer)
    }

    /// Whether an agent has accepted the contact and they are not joined yet.
    pub fn is_being_joined(&self, contact: ContactId) -> bool {
        let place = self.contacts.get(&contact).map(|queued| queued.place);
        matches!(place, Some(Place::Accepted(_) | Place::Dialled))
    }

    /// The agent accepts: the whisper runs, the contact is still queued; a callback is taken out of its queue. False where the offer is
    /// over.
    pub fn accepted(&mut self, now: Now, id: OfferId) -> bool {
        let Some(offer) = self.offers.get_mut(&id).filter(|offer| !offer.is_accepted) else {
            self.counters.late += 1;
            return false;
        };
        offer.is_accepted = true;
        self.deadlines.clear(Some(offer.deadline), Deadline::Offer(id));
        offer.deadline = now.mono.plus_ms(i64::from(self.options.join_limit_ms));
        self.deadlines.set(offer.deadline, Deadline::Offer(id));
        let (contact, agent, is_queued, kind) = (offer.contact, offer.agent, offer.is_queued, offer.kind);
        self.counters.accepted += 1;
        if is_queued && let Some(mut queued) = self.take_out(contact) {
            queued.place = Place::Accepted(id);
            if kind == OfferKind::Callback {
                self.joined_from(now, queued.queue);
            }
            self.put_back(now, contact, queued);
        }
        if let Some(handled) = self.handled(agent, contact)
            && handled.state == AgentContactState::Incoming
        {
            handled.change(AgentContactState::Connecting, now.wall);
        }
        true
    }

    /// The agent whisper is over: the contact is taken out of its queue, the customer whisper runs. [`Self::joined`] does the same where
    /// there is none. False where the offer is over.
    pub fn dequeued(&mut self, now: Now, id: OfferId) -> bool {
        let Some(offer) = self.offers.get_mut(&id).filter(|offer| offer.is_accepted) else {
            self.counters.late += 1;
            return false;
        };
        // A callback was taken out when it was accepted, and is kept until its customer is there.
        if offer.is_queued && offer.kind != OfferKind::Callback {
            offer.is_queued = false;
            let contact = offer.contact;
            if let Some(queued) = self.take_out(contact) {
                self.joined_from(now, queued.queue);
            }
        }
        true
    }

    /// Agent and customer talk: the contact is taken out of its queue. False where the offer is over.
    pub fn joined(&mut self, now: Now, id: OfferId) -> bool {
        if !self.offers.get(&id).is_some_and(|offer| offer.is_accepted) && !self.accepted(now, id) {
            return false;
        }
        self.dequeued(now, id);
        let Some(offer) = self.close_offer(id) else { return false };
        if offer.is_queued {
            self.take_out(offer.contact);
        }
        if let Some(handled) = self.handled(offer.agent, offer.contact) {
            handled.offer = None;
            handled.connected_at = Some(now.wall);
            handled.change(AgentContactState::Connected, now.wall);
        }
        self.counters.joined += 1;
        self.refresh(now, offer.agent);
        self.route(now);
        true
    }

    /// The agent did not answer, refused, or hung up in the whisper: missed, as the service says of all three for voice. The contact
    /// keeps its place.
    pub fn missed(&mut self, now: Now, offer: OfferId) {
        self.fell_through(now, offer, AgentContactState::Missed);
        self.route(now);
    }

    /// The agent's side failed. The contact keeps its place.
    pub fn failed(&mut self, now: Now, offer: OfferId) {
        self.fell_through(now, offer, AgentContactState::Error);
        self.route(now);
    }

    /// An offer has rung for its time, or was accepted and nothing was heard of it since.
    pub(super) fn offer_timed_out(&mut self, now: Now, id: OfferId) {
        let Some(offer) = self.offers.get(&id) else { return };
        let (state, why) = if offer.is_accepted {
            (AgentContactState::Error, OfferEnd::NotJoined)
        } else {
            (AgentContactState::Missed, OfferEnd::NotAnswered)
        };
        let (contact, agent) = (offer.contact, offer.agent);
        self.outputs.push_back(Output::OfferEnded { offer: id, contact, agent, why });
        self.fell_through(now, id, state);
    }

    /// Ends all offers of a contact that is gone. What rang counts as missed.
    pub(super) fn withdraw_all(&mut self, now: Now, contact: ContactId) {
        for agent in self.agents_on(contact) {
            if let Some(id) = self.handled(agent, contact).and_then(|handled| handled.offer) {
                let has_rung = self.offers.get(&id).is_some_and(|offer| !offer.is_accepted);
                self.counters.missed += u64::from(has_rung);
                self.withdraw(now, id, OfferEnd::ContactGone);
            }
        }
    }

    /// Ends an offer whose contact or agent is gone. The agent is free at once; the contact is where its caller puts it.
    pub(super) fn withdraw(&mut self, now: Now, id: OfferId, why: OfferEnd) {
        let Some(Offer { contact, agent, .. }) = self.close_offer(id) else { return };
        self.outputs.push_back(Output::OfferEnded { offer: id, contact, agent, why });
        self.drop_contact(agent, contact);
        self.refresh(now, agent);
    }

    /// Forgets an offer.
    pub(super) fn close_offer(&mut self, id: OfferId) -> Option<Offer> {
        let offer = self.offers.remove(&id)?;
        self.deadlines.clear(Some(offer.deadline), Deadline::Offer(id));
        Some(offer)
    }

    /// The contact of an offer that is over goes back to its place.
    pub(super) fn requeue(&mut self, now: Now, contact: ContactId) {
        let Some(queued) = self.take_out(contact) else { return };
        let is_there = self.queue_plan(queued.queue).is_some();
        self.wait(now, contact, queued);
        if !is_there {
            self.remove(contact, Removal::QueueDeleted);
        }
    }

    /// Offers waiting contacts to free agents: the longest idle agent chooses first, among those for whom something has changed. After
    /// it no agent is free whom a contact waits for.
    pub(super) fn route(&mut self, now: Now) {
        while let Some(rank) = self.first_touched() {
            match self.best_for(rank.agent) {
                Some(contact) => {
                    self.offer_queued(now, contact, rank.agent);
                }
                // An agent of a line in which a contact waits has one to choose.
                None if !self.idle.nothing_for(rank) => drop(self.idle.take_lines()),
                None => {}
            }
        }
    }

    /// There is a contact in a line that was not there before.
    pub(super) fn touch(&mut self, line: Line) {
        match line.only.or_else(|| line.queue.owner()) {
            Some(agent) => {
                if let Some((_, rank)) = self.agents.get(&agent).and_then(|agent| agent.idle) {
                    self.idle.touch_agent(rank);
                }
            }
            None => self.idle.touch_line(line),
        }
    }

    /// The first of all agents for whom something has changed: in the agent, or in a line of the agent's profile in which a contact waits.
    fn first_touched(&mut self) -> Option<IdleRank> {
        let mut first = self.idle.first_touched();
        for line in self.idle.take_lines() {
            self.counters.lookups += 1;
            if self.lines.first(line).is_none() {
                continue;
            }
            let instance = self.instances.get(&line.queue.instance);
            let routes = instance.and_then(|instance| instance.routes.get(&line.queue));
            let profiles = routes.and_then(|routes| routes.get(&line.delay_s)).into_iter().flatten();
            let mut of_line = None;
            for profile in profiles {
                self.counters.lookups += 1;
                of_line = of_line.into_iter().chain(self.idle.first((line.queue.instance, *profile))).min();
            }
            // Without an idle agent there is nothing to come back for: an agent who becomes idle looks again.
            if of_line.is_some() {
                self.idle.touch_line(line);
            }
            first = first.into_iter().chain(of_line).min();
        }
        first
    }

    /// The contact that an agent is to be offered first: of his own queue; else by the priority of the queue in his profile, the
    /// priority of the contact, its routing age and its id.
    pub(super) fn best_for(&mut self, key: AgentKey) -> Option<ContactId> {
        let line = |queue, only, delay_s| Line { queue, only, delay_s };
        self.counters.lookups += 1;
        if let Some(rank) = self.lines.first(line(key.own_queue(), None, 0)) {
            return Some(rank.contact);
        }
        let plan = self.agents.get(&key)?.plan?;
        let routes = self.instances.get(&key.instance)?.ordered.get(&plan.profile)?;
        let mut best: Option<(u32, Rank)> = None;
        for route in routes {
            if best.is_some_and(|(priority, _)| priority < route.priority) {
                break;
            }
            self.counters.lookups += 2;
            let queue = QueueKey::standard(key.instance, route.queue);
            for only in [None, Some(key)] {
                let first = self.lines.first(line(queue, only, route.delay_s));
                best = best.into_iter().chain(first.map(|rank| (route.priority, rank))).min();
            }
        }
        best.map(|(_, rank)| rank.contact)
    }

    fn offer_queued(&mut self, now: Now, contact: ContactId, agent: AgentKey) -> Option<OfferId> {
        let mut queued = self.take_out(contact)?;
        let kind = if queued.is_callback() { OfferKind::Callback } else { OfferKind::Call };
        queued.offers = queued.offers.saturating_add(1);
        let offer = self.make_offer(now, contact, agent, kind, Some((queued.queue, queued.queued_at)));
        queued.place = Place::Offered(offer);
        self.put_back(now, contact, queued);
        Some(offer)
    }

    fn make_offer(
        &mut self,
        now: Now,
        contact: ContactId,
        agent: AgentKey,
        kind: OfferKind,
        queue: Option<(QueueKey, WallTime)>,
    ) -> OfferId {
        self.last_offer += 1;
        let id = OfferId::new(self.last_offer);
        let ring_limit_ms = self.options.ring_limit_ms;
        let deadline = now.mono.plus_ms(i64::from(ring_limit_ms));
        self.deadlines.set(deadline, Deadline::Offer(id));
        let is_queued = queue.is_some();
        self.offers.insert(id, Offer { contact, agent, kind, is_queued, is_accepted: false, deadline });
        let auto_accept = self.agents.get(&agent).and_then(|agent| agent.plan).is_some_and(|p| p.auto_accept);
        let state = match kind {
            OfferKind::Callback => AgentContactState::Incoming,
            OfferKind::Call | OfferKind::Direct => AgentContactState::Connecting,
        };
        let (queue, queued_at) = queue.unzip();
        self.drop_contact(agent, contact);
        self.add_contact(
            agent,
            Handled { queue, queued_at, offer: Some(id), ..Handled::new(contact, state, now) },
        );
        self.counters.offers += 1;
        self.outputs.push_back(Output::Offer {
            offer: id,
            contact,
            agent,
            queue,
            kind,
            ring_limit_ms,
            auto_accept: auto_accept && kind != OfferKind::Callback,
        });
        self.refresh(now, agent);
        id
    }

    /// The agent of an offer does not take it.
    pub(super) fn fell_through(&mut self, now: Now, id: OfferId, state: AgentContactState) {
        let Some(offer) = self.close_offer(id) else {
            self.counters.late += 1;
            return;
        };
        match state {
            AgentContactState::Error => self.counters.failed += 1,
            _ => self.counters.missed += 1,
        }
        if offer.is_queued {
            self.requeue(now, offer.contact);
        }
        self.blame(now, offer.agent, offer.contact, state);
    }

    fn joined_from(&mut self, now: Now, queue: QueueKey) {
        if let Some(queue) = self.queues.get_mut(&queue) {
            queue.has_joined(now_ms(now));
        }
    }
}

//! What calls ask of the routing.

use super::offers::{Offer, Part};
use super::outputs::blocking;
use super::stats::OfferOutcome;
use super::{Centre, State};
use crate::centre::instances::{agent_key, queue_key};
use std::sync::MutexGuard;
use tympan_contact::routing::{
    AgentKey, CallbackPlan, EnqueueRefusal, OfferRefusal, QueuedContact, QueuedKind, RoutingCriteria,
    RoutingUpdate,
};
use tympan_contact::{
    AgentReport, CallbackRequest, Contact, Now, RoutingEvent, RoutingRefusal, RoutingRequest,
};
use tympan_types::{ContactId, OfferId};

impl Centre {
    /// Does what a call asks of the routing. The answer comes to the call as an input.
    pub(crate) fn ask(&self, request: RoutingRequest) {
        let now = self.now();
        match request {
            RoutingRequest::Enqueue { contact, queue, priority, age_adjustment_s, is_transfer } => {
                let queued = queue_key(&queue).map(|queue| QueuedContact {
                    contact,
                    queue,
                    priority: priority.into(),
                    age_adjustment_s,
                    queued_at: now.wall,
                    kind: QueuedKind::Call,
                    has_buffer: is_transfer,
                    criteria: RoutingCriteria::default(),
                });
                self.enqueue(now, contact, queued);
            }
            RoutingRequest::OfferTo { contact, agent, ends_after_contact_work: _ } => {
                let offered = agent_key(&agent.arn).ok_or(OfferRefusal::NoSuchAgent).and_then(|agent| {
                    let mut state = self.state();
                    match state.routing.queue_of(contact) {
                        Some(_) => state.routing.associate(now, contact, agent),
                        None => state.routing.offer_directly(now, contact, agent),
                    }
                });
                // An offer that is made comes as an output.
                if let Err(error) = offered {
                    tracing::debug!(contact_id = %contact, %error, "a contact is not offered to the agent that it asks for");
                    let refusal = match error {
                        OfferRefusal::AlreadyOffered => RoutingRefusal::AlreadyQueued,
                        _ => RoutingRefusal::AgentNotAvailable,
                    };
                    self.tell(contact, RoutingEvent::Refused { contact, refusal });
                }
            }
            RoutingRequest::Update { contact, priority, age_adjustment_s } => {
                let _ = self.update(contact, priority, age_adjustment_s);
            }
            RoutingRequest::Leave { contact } => {
                self.state().routing.leave(now, contact);
            }
            RoutingRequest::Report { offer, report } => self.report(now, offer, report),
            RoutingRequest::Callback(request) => self.callback(now, *request),
            RoutingRequest::CallAgain { contact, next } => {
                // Where no attempt is left, the contact of the next one never was.
                if self.state().routing.unanswered(now, contact, next.id).is_some() {
                    self.remember(*next);
                }
            }
            RoutingRequest::Occupy { contact, agent } => self.occupy(now, contact, agent),
        }
        self.wake();
    }

    /// A contact in a queue counts otherwise from here on. False where it waits in none.
    pub(super) fn update(
        &self,
        contact: ContactId,
        priority: Option<u32>,
        age_adjustment_s: Option<i32>,
    ) -> bool {
        let now = self.now();
        let priority = priority.map(|priority| RoutingUpdate::Priority(priority.into()));
        let age = age_adjustment_s.map(|seconds| RoutingUpdate::AgeAdjustment { seconds });
        let mut state = self.state();
        let updates = [priority, age].into_iter().flatten();
        let changed: Vec<_> =
            updates.map(|update| state.routing.update(now, contact, update).is_ok()).collect();
        drop(state);
        self.wake();
        changed.iter().all(|changed| *changed)
    }

    /// Nothing is left of a contact's call: it is in no queue, and no agent is on it.
    pub(crate) fn closed(&self, contact: ContactId) {
        let now = self.now();
        {
            let mut state = self.state();
            state.routing.closed(now, contact);
            state.offers.forget(contact);
        }
        self.settle(contact);
    }

    /// The call of a callback is over: its agent is free, and what no agent has taken waits in its queue as before.
    pub(crate) fn released(&self, contact: ContactId) {
        let now = self.now();
        {
            let mut state = self.state();
            let State { routing, offers, .. } = &mut *state;
            for offer in offers.forget(contact) {
                routing.ended(now, offer.agent, contact);
            }
        }
        self.settle(contact);
    }

    /// Writes the end of the work after a contact that the call has kept back, or that no agent does any more.
    fn settle(&self, contact: ContactId) {
        let (work, is_free) = {
            let mut state = self.state();
            (state.late_work.remove(&contact), state.routing.agents_on(contact).is_empty())
        };
        match work {
            Some(work) => self.record_after_contact_work(contact, work),
            // The agent is gone, or the routing never knew of the agent's part.
            None if is_free => self.end_work_of_none(contact),
            None => {}
        }
        self.wake();
    }

    fn occupy(&self, now: Now, contact: ContactId, agent: tympan_contact::AgentRef) {
        let Some(key) = agent_key(&agent.arn) else { return };
        let mut state = self.state();
        let event = match state.routing.dialled(now, key, contact) {
            Ok(()) => {
                let offer = state.offers.occupy(contact, key);
                let (ring_limit_ms, accepts_by_itself) = (0, false);
                RoutingEvent::Offered { contact, offer, agent, ring_limit_ms, accepts_by_itself }
            }
            Err(error) => {
                tracing::debug!(contact_id = %contact, %error, "an agent is not on the contact that says so");
                RoutingEvent::Refused { contact, refusal: RoutingRefusal::AgentNotAvailable }
            }
        };
        self.tell_in_order(state, contact, event);
    }

    fn report(&self, now: Now, offer: OfferId, report: AgentReport) {
        let mut state = self.state();
        let Some(known) = state.offers.get(offer) else { return };
        let outcome = reported(&mut state, now, offer, known, report);
        drop(state);
        if let Some(outcome) = outcome {
            self.0.counts.offer(outcome);
        }
        // What the routing has withdrawn meanwhile is withdrawn by its output.
    }

    fn callback(&self, now: Now, request: CallbackRequest) {
        let CallbackRequest { contact, queue, due, retry_delay_s, attempts, priority, age_adjustment_s } =
            request;
        let Some(queue) = queue_key(&queue) else { return };
        let (id, previous) = (contact.id, contact.previous_contact_id);
        let queued = QueuedContact {
            contact: id,
            queue,
            priority: priority.into(),
            age_adjustment_s,
            queued_at: now.wall,
            kind: QueuedKind::Callback(CallbackPlan {
                created_at: now.wall,
                due_at: due,
                attempts_max: attempts,
                retry_delay_s,
            }),
            has_buffer: false,
            criteria: RoutingCriteria::default(),
        };
        // The call that asked hears of it, not the callback, which has none yet.
        let asker = previous.unwrap_or(id);
        if self.enqueue(now, asker, Some(queued)) {
            self.remember(contact);
        }
    }

    /// Puts a contact into its queue, and tells the call that asked. The call hears that before it hears of an offer.
    fn enqueue(&self, now: Now, asker: ContactId, queued: Option<QueuedContact>) -> bool {
        let contact = queued.as_ref().map_or(asker, |queued| queued.contact);
        let mut state = self.state();
        let result = match queued {
            Some(queued) => state.routing.enqueue(now, queued),
            None => Err(EnqueueRefusal::NoSuchQueue),
        };
        let event = match result {
            Ok(()) => RoutingEvent::Queued { contact },
            Err(error) => RoutingEvent::Refused { contact, refusal: refusal_of(error) },
        };
        self.tell_in_order(state, asker, event);
        result.is_ok()
    }

    /// Tells a call something before the routing can decide anything that follows from it.
    fn tell_in_order(&self, state: MutexGuard<'_, State>, contact: ContactId, event: RoutingEvent) {
        let is_told = self.0.calls.tell(contact, event);
        drop(state);
        if !is_told {
            self.untold(contact);
        }
    }

    /// Writes the contact of a callback, which no call has.
    fn remember(&self, contact: Contact) {
        let history = self.0.history.clone();
        blocking(move || {
            if let Err(error) = history.open(&contact) {
                tracing::warn!(contact_id = %contact.id, %error, "the contact of a callback could not be written yet");
            }
        });
    }

    /// Tells the call of a contact. One that takes nothing is over for the routing.
    pub(super) fn tell(&self, contact: ContactId, event: RoutingEvent) {
        if !self.0.calls.tell(contact, event) {
            self.untold(contact);
        }
    }

    fn untold(&self, contact: ContactId) {
        self.0.counts.untold();
        self.closed(contact);
    }

    /// The contact that an agent is on.
    pub(crate) fn contact_of(&self, agent: AgentKey) -> Option<ContactId> {
        self.state().offers.contact_of(agent)
    }
}

/// Hands a report to the routing. Gives what became of the offer, once.
fn reported(
    state: &mut State,
    now: Now,
    id: OfferId,
    offer: Offer,
    report: AgentReport,
) -> Option<OfferOutcome> {
    let State { routing, offers, .. } = state;
    let Offer { contact, agent, part } = offer;
    match report {
        AgentReport::Accepted => {
            if matches!(part, Part::Offered(_)) && !routing.accepted(now, id) {
                offers.remove(id);
                return None;
            }
            Some(OfferOutcome::Accepted)
        }
        AgentReport::Dequeued => {
            if matches!(part, Part::Offered(_)) {
                routing.dequeued(now, id);
            }
            None
        }
        AgentReport::Joined => {
            match part {
                Part::Offered(_) => drop(routing.joined(now, id)),
                Part::Occupied => routing.answered(now, agent, contact),
            }
            Some(OfferOutcome::Joined)
        }
        AgentReport::OnHold | AgentReport::OffHold => {
            routing.held(now, agent, contact, report == AgentReport::OnHold);
            None
        }
        AgentReport::Missed => {
            offers.remove(id);
            routing.missed(now, id);
            Some(OfferOutcome::Missed)
        }
        AgentReport::Failed => {
            offers.remove(id);
            match part {
                Part::Offered(_) => routing.failed(now, id),
                Part::Occupied => routing.ended(now, agent, contact),
            }
            Some(OfferOutcome::Failed)
        }
        AgentReport::Abandoned => {
            offers.remove(id);
            if routing.leave(now, contact).is_none() {
                routing.closed(now, contact);
            }
            Some(OfferOutcome::Abandoned)
        }
        AgentReport::Ended => {
            offers.remove(id);
            routing.ended(now, agent, contact);
            None
        }
    }
}

fn refusal_of(error: EnqueueRefusal) -> RoutingRefusal {
    match error {
        EnqueueRefusal::AtCapacity => RoutingRefusal::AtCapacity,
        EnqueueRefusal::Disabled => RoutingRefusal::Disabled,
        EnqueueRefusal::NoSuchQueue | EnqueueRefusal::TooManySteps => RoutingRefusal::NoSuchQueue,
        EnqueueRefusal::AlreadyQueued => RoutingRefusal::AlreadyQueued,
    }
}

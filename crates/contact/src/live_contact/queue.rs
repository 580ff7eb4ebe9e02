//! A caller in a queue.

use super::LiveContact;
use crate::participant::{Awaited, Participant, Place};
use crate::{
    AgentReport, DisconnectReason, Effect, InitiationMethod, QueueRef, QueueStay, RoutingEvent,
    RoutingRefusal, RoutingRequest, Stage,
};
use tympan_flow::{ErrorType, Input, QueueTarget, ResourceRef};
use tympan_types::{ContactId, ParticipantId};

/// The priority of a contact of which no flow has said one.
pub(super) const PRIORITY: u32 = 5;

impl LiveContact {
    /// A TransferContactToQueue block.
    pub(super) fn enter_queue(&mut self, id: ParticipantId) {
        let Some(contact) = self.participant(id).map(|caller| caller.contact) else { return };
        let queue = self.facts(contact).and_then(|contact| contact.details.target_queue.clone());
        let Some(queue) = queue else {
            return self
                .refuse_ask(id, "the contact has no target queue: put a Set working queue block before");
        };
        if self.place_of(id) != Some(Place::Flow) {
            return self.refuse_ask(id, "the contact is in a queue already, or is being joined to an agent");
        }
        self.goes(id, Place::Entering { contact, from_queue: false });
        // An agent's quick connect counts as a transfer.
        self.enqueue(contact, queue, id != self.customer());
    }

    /// A DequeueContactAndTransferToQueue block: a new contact goes on in the other queue.
    pub(super) fn change_queue(&mut self, id: ParticipantId, to: &QueueTarget) {
        let Some(queue) = self.queue_named(self.current, to) else {
            return self.refuse_ask(id, "the instance has no such queue");
        };
        let is_customer = id == self.customer();
        if !is_customer || self.place() != Some(Place::Queued) || self.is_offered(self.current) {
            return self.refuse_ask(id, "the contact waits in no queue, or is being joined to an agent");
        }
        let Some(next) = self.prepare_next(InitiationMethod::QueueTransfer, None) else {
            return self.refuse_ask(id, "the chain of contacts is too long");
        };
        self.change(next, |contact| contact.details.target_queue = Some(queue.clone()));
        self.goes(id, Place::Entering { contact: next, from_queue: true });
        self.enqueue(next, queue, true);
    }

    pub(super) fn queue_named(&self, contact: ContactId, to: &QueueTarget) -> Option<QueueRef> {
        let instance = self.cx.contact.instance.id;
        match to {
            QueueTarget::Queue(queue) => self.cx.instance.queue(instance, queue),
            QueueTarget::Agent(agent) => self.cx.instance.agent_queue(instance, agent),
            QueueTarget::TargetQueue => self.facts(contact)?.details.target_queue.clone(),
        }
    }

    fn enqueue(&mut self, contact: ContactId, queue: QueueRef, is_transfer: bool) {
        let details = self.facts(contact).map(|contact| &contact.details);
        let priority = details.and_then(|details| details.routing_priority).unwrap_or(PRIORITY);
        let age_adjustment_s = details.and_then(|details| details.routing_age_adjustment_s).unwrap_or(0);
        let request = RoutingRequest::Enqueue { contact, queue, priority, age_adjustment_s, is_transfer };
        self.cx.emit(Effect::Routing(request));
    }

    /// The block fails. Where no flow asked, the caller has nothing to go on with.
    pub(super) fn refuse_ask(&mut self, id: ParticipantId, reason: &str) {
        self.answer_or_end(id, Input::Failed { reason: reason.to_owned() }, reason);
    }

    fn answer_or_end(&mut self, id: ParticipantId, input: Input, remark: &str) {
        if self.participant(id).is_some_and(Participant::hears_flow) {
            return self.answer(id, input);
        }
        self.caller_ends(id, DisconnectReason::ContactFlowDisconnect, Some(remark));
    }

    /// News of the routing.
    pub(super) fn routing(&mut self, event: RoutingEvent) {
        match event {
            RoutingEvent::Queued { contact } if self.is_callback_awaited(contact) => {
                self.callback_taken(contact);
            }
            RoutingEvent::Queued { contact } => self.queued(contact),
            RoutingEvent::Refused { contact, refusal } => self.not_queued(contact, refusal),
            RoutingEvent::Offered { contact, offer, agent, ring_limit_ms, accepts_by_itself } => {
                if self.is_live() {
                    self.offered(contact, offer, agent, ring_limit_ms, accepts_by_itself);
                } else {
                    self.report(Some(offer), AgentReport::Abandoned);
                }
            }
            RoutingEvent::Withdrawn { offer } => self.withdrawn(offer),
        }
    }

    /// The caller who is to wait as this contact.
    fn entering(&self, contact: ContactId) -> Option<(ParticipantId, bool)> {
        self.participants.iter().find_map(|participant| match participant.place()? {
            Place::Entering { contact: entering, from_queue } if entering == contact => {
                Some((participant.id, from_queue))
            }
            _ => None,
        })
    }

    fn queued(&mut self, contact: ContactId) {
        let Some((caller, from_queue)) = self.entering(contact).filter(|_| self.is_live()) else {
            // The caller has gone meanwhile. A callback stays in its queue.
            if self.facts(contact).is_some() {
                self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact }));
            }
            return;
        };
        self.goes(caller, Place::Queued);
        // The block succeeds in the flow that asked, and so in its contact.
        self.answer(caller, Input::Done);
        if !self.is_live() {
            return;
        }
        if from_queue {
            self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact: self.current }));
            self.go_on_in(contact, DisconnectReason::Other);
        }
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            if let Some(queue) = contact.details.target_queue.clone() {
                contact.queue = Some(QueueStay { queue, enqueued: now, dequeued: None });
            }
        });
        self.save(contact, Stage::Changed);
        self.stop_flow(caller);
        if self.is_blind(caller) {
            // Who waits in a queue has been passed on.
            self.pass_on(caller);
        }
        let Some(caller) = self.caller_in(contact) else { return };
        if let Some(flow) = self.flow_at(contact, "CustomerQueue") {
            self.begin_flow(caller, flow);
        }
    }

    fn not_queued(&mut self, contact: ContactId, refusal: RoutingRefusal) {
        if self.is_callback_awaited(contact) {
            return self.callback_refused(contact, &refusal.to_string());
        }
        let Some((caller, from_queue)) = self.entering(contact) else {
            return self.not_offered(contact, refusal);
        };
        self.goes(caller, if from_queue { Place::Queued } else { Place::Flow });
        if from_queue {
            self.cx.disown(contact);
        }
        let reason = refusal.to_string();
        let input = match refusal {
            RoutingRefusal::AtCapacity => Input::Error { kind: ErrorType::QueueAtCapacity, reason },
            _ => Input::Failed { reason },
        };
        self.answer_or_end(caller, input, "the queue does not take the contact");
    }

    /// A contact that waits is not offered to the agent whom it was to go to, or has lost its queue.
    fn not_offered(&mut self, contact: ContactId, refusal: RoutingRefusal) {
        let caller = self.caller_in(contact);
        let Some(caller) = caller.filter(|caller| self.place_of(*caller) == Some(Place::Queued)) else {
            return;
        };
        if self.takes_awaited(caller, Awaited::Route) {
            return self.answer(caller, Input::Failed { reason: refusal.to_string() });
        }
        if self.is_queued(contact) {
            let remark = Some("the queue of the contact is gone");
            self.caller_ends(caller, DisconnectReason::Other, remark);
        } else if !self.is_offered(contact) {
            self.agent_not_available(caller);
        }
    }

    /// A RouteContactToAgent block: the queued contact is offered to an agent who may be busy.
    pub(super) fn route_to_agent(&mut self, id: ParticipantId, agent: &ResourceRef) {
        let instance = self.cx.contact.instance.id;
        let Some(contact) = self.participant(id).map(|caller| caller.contact) else { return };
        let Some(agent) = self.cx.instance.agent(instance, agent) else {
            return self.refuse_ask(id, "the instance has no agent of this id or name");
        };
        if self.place_of(id) != Some(Place::Queued) || !self.is_queued(contact) || self.is_offered(contact) {
            return self.refuse_ask(id, "the contact waits in no queue, or is being joined to an agent");
        }
        self.awaits(id, Awaited::Route);
        let request = RoutingRequest::OfferTo { contact, agent, ends_after_contact_work: false };
        self.cx.emit(Effect::Routing(request));
    }

    /// The contact of a caller is offered to an agent: a block that asked for that is done.
    pub(super) fn routed(&mut self, caller: ParticipantId) {
        if self.takes_awaited(caller, Awaited::Route) {
            self.answer(caller, Input::Done);
        }
    }

    /// Whether the contact stands in a queue: one that goes to a chosen agent does not.
    pub(super) fn is_queued(&self, contact: ContactId) -> bool {
        let stay = self.facts(contact).and_then(|contact| contact.queue.as_ref());
        stay.is_some_and(|stay| stay.dequeued.is_none())
    }

    /// A caller leaves its queue, or what leads there, for good.
    pub(super) fn leaves_queue(&mut self, caller: ParticipantId) {
        let Some(own) = self.participant(caller).map(|caller| caller.contact) else { return };
        match self.place_of(caller) {
            Some(Place::Entering { contact, from_queue }) => {
                self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact }));
                if from_queue {
                    self.cx.disown(contact);
                    self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact: own }));
                }
            }
            Some(Place::Queued) => self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact: own })),
            _ => {}
        }
        let now = self.cx.now.wall;
        self.change(own, |contact| {
            if let Some(stay) = &mut contact.queue {
                stay.dequeued.get_or_insert(now);
            }
        });
    }

    /// UpdateContactRoutingData, and what a flow sets while the contact waits.
    pub(super) fn route(&mut self, contact: ContactId, priority: Option<u32>, age_adjustment_s: Option<i32>) {
        if self.facts(contact).is_none_or(|contact| contact.disconnect_timestamp.is_some()) {
            return;
        }
        self.change(contact, |contact| {
            let details = &mut contact.details;
            details.routing_priority = priority.or(details.routing_priority);
            details.routing_age_adjustment_s = age_adjustment_s.or(details.routing_age_adjustment_s);
        });
        self.save(contact, Stage::Changed);
        self.cx.emit(Effect::Routing(RoutingRequest::Update { contact, priority, age_adjustment_s }));
    }
}

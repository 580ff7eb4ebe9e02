//! The customer in a queue.

use super::{LiveContact, Phase};
use crate::flow_run::FlowRun;
use crate::participant::Place;
use crate::{
    DisconnectReason, Effect, InitiationMethod, QueueRef, QueueStay, RoutingEvent, RoutingRefusal,
    RoutingRequest, Stage,
};
use tympan_flow::{ErrorType, Input, QueueTarget};
use tympan_types::{ContactId, ParticipantId};

/// The priority of a contact of which no flow has said one.
const PRIORITY: u32 = 5;

impl LiveContact {
    /// A TransferContactToQueue block.
    pub(super) fn enter_queue(&mut self, id: ParticipantId) {
        let Some(queue) = self.cx.contact.details.target_queue.clone() else {
            return self
                .refuse_ask(id, "the contact has no target queue: put a Set working queue block before");
        };
        if self.place() != Some(Place::Flow) {
            return self.refuse_ask(id, "the contact is in a queue already, or is being joined to an agent");
        }
        let contact = self.current;
        self.customer_goes(Place::Entering { contact, from_queue: false });
        self.enqueue(contact, queue, false);
    }

    /// A DequeueContactAndTransferToQueue block: a new contact goes on in the other queue.
    pub(super) fn change_queue(&mut self, id: ParticipantId, to: &QueueTarget) {
        let instance = self.cx.contact.instance.id;
        let queue = match to {
            QueueTarget::Queue(queue) => self.cx.instance.queue(instance, queue),
            QueueTarget::Agent(agent) => self.cx.instance.agent_queue(instance, agent),
            QueueTarget::TargetQueue => self.cx.contact.details.target_queue.clone(),
        };
        let Some(queue) = queue else { return self.refuse_ask(id, "the instance has no such queue") };
        if self.place() != Some(Place::Queued) || self.is_offered() {
            return self.refuse_ask(id, "the contact waits in no queue, or is being joined to an agent");
        }
        let Some(next) = self.prepare_next(InitiationMethod::QueueTransfer) else {
            return self.refuse_ask(id, "the chain of contacts is too long");
        };
        self.cx.focus(next);
        self.cx.edit().details.target_queue = Some(queue.clone());
        self.cx.focus(self.current);
        self.customer_goes(Place::Entering { contact: next, from_queue: true });
        self.enqueue(next, queue, true);
    }

    pub(super) fn enqueue(&mut self, contact: ContactId, queue: QueueRef, is_transfer: bool) {
        let details = &self.cx.contact.details;
        let priority = details.routing_priority.unwrap_or(PRIORITY);
        let age_adjustment_s = details.routing_age_adjustment_s.unwrap_or(0);
        let request = RoutingRequest::Enqueue { contact, queue, priority, age_adjustment_s, is_transfer };
        self.cx.emit(Effect::Routing(request));
    }

    pub(super) fn refuse_ask(&mut self, id: ParticipantId, reason: &str) {
        self.answer(id, Input::Failed { reason: reason.to_owned() });
    }

    /// News of the routing.
    pub(super) fn routing(&mut self, event: RoutingEvent) {
        match event {
            RoutingEvent::Queued { contact } => self.queued(contact),
            RoutingEvent::Refused { contact, refusal } => self.not_queued(contact, refusal),
            RoutingEvent::Offered { contact, offer, agent, ring_limit_ms, accepts_by_itself } => {
                self.offered(contact, offer, agent, ring_limit_ms, accepts_by_itself);
            }
            RoutingEvent::Withdrawn { offer } => self.withdrawn(offer),
        }
    }

    fn queued(&mut self, contact: ContactId) {
        let entering = match self.place() {
            Some(Place::Entering { contact: entering, from_queue }) if self.phase == Phase::Live => {
                Some((entering, from_queue)).filter(|(entering, _)| *entering == contact)
            }
            _ => None,
        };
        let Some((_, from_queue)) = entering else {
            // The customer has gone meanwhile.
            return self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact }));
        };
        let Some(customer) = self.customer_at().and_then(|at| self.participants.get(at)).map(|one| one.id)
        else {
            return;
        };
        self.customer_goes(Place::Queued);
        // The block succeeds in the flow that asked, and so in its contact.
        self.answer(customer, Input::Done);
        if self.phase != Phase::Live {
            return;
        }
        if from_queue {
            self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact: self.current }));
            self.go_on_in(contact, DisconnectReason::Other);
        }
        let now = self.cx.now.wall;
        if let Some(queue) = self.cx.contact.details.target_queue.clone() {
            self.cx.edit().queue = Some(QueueStay { queue, enqueued: now, dequeued: None });
        }
        self.cx.persist(Stage::Changed);
        match self.cx.hooked_flow("CustomerQueue") {
            Some(flow) => self.begin_flow(customer, flow),
            None => self.stop_flow(customer),
        }
    }

    fn not_queued(&mut self, contact: ContactId, refusal: RoutingRefusal) {
        let (entering, from_queue) = match self.place() {
            Some(Place::Entering { contact: entering, from_queue }) => (entering, from_queue),
            Some(Place::Queued) if contact == self.current && !self.is_queued() => {
                return self.agent_not_available();
            }
            _ => return,
        };
        if entering != contact {
            return;
        }
        self.customer_goes(if from_queue { Place::Queued } else { Place::Flow });
        if from_queue {
            self.cx.disown(contact);
        }
        let reason = refusal.to_string();
        let input = match refusal {
            RoutingRefusal::AtCapacity => Input::Error { kind: ErrorType::QueueAtCapacity, reason },
            _ => Input::Failed { reason },
        };
        let at = self.customer_at();
        self.with_flow(at, |flow: &mut FlowRun, cx, streaming| flow.answer(cx, streaming, input));
    }

    /// Whether the contact stands in a queue: one that goes to a chosen agent does not.
    pub(super) fn is_queued(&self) -> bool {
        self.cx.contact.queue.as_ref().is_some_and(|stay| stay.dequeued.is_none())
    }

    /// UpdateContactRoutingData, and what a flow sets while the contact waits.
    pub(super) fn route(&mut self, contact: ContactId, priority: Option<u32>, age_adjustment_s: Option<i32>) {
        if !self.cx.focus(contact) {
            return;
        }
        let details = &mut self.cx.edit().details;
        details.routing_priority = priority.or(details.routing_priority);
        details.routing_age_adjustment_s = age_adjustment_s.or(details.routing_age_adjustment_s);
        self.cx.persist(Stage::Changed);
        self.cx.emit(Effect::Routing(RoutingRequest::Update { contact, priority, age_adjustment_s }));
        self.cx.focus(self.current);
    }
}

//! Callbacks that flows create. The conversation in which one is made is another: see `outbound`.

use super::LiveContact;
use super::queue::PRIORITY;
use crate::contact_details::CallbackDetails;
use crate::participant::{Awaited, Place};
use crate::{CallbackRequest, DisconnectReason, Effect, Endpoint, InitiationMethod, RoutingRequest, Stage};
use tympan_flow::{CallbackSpec, Input};
use tympan_types::{ContactId, ParticipantId, Redacted};

impl LiveContact {
    /// A CreateCallbackContact block. It succeeds when the routing has taken the callback.
    pub(super) fn create_callback(&mut self, id: ParticipantId, spec: &CallbackSpec) {
        let Some(own) = self.participant(id).map(|caller| caller.contact) else { return };
        let Some(queue) = self.queue_named(own, &spec.to) else {
            return self.refuse_ask(id, "the instance has no such queue, or the contact has no target queue");
        };
        let former = &self.cx.contact;
        let customers = former.customer_endpoint.as_ref().map(|endpoint| endpoint.address.clone());
        let Some(number) = former.details.callback_number.clone().or(customers) else {
            return self.refuse_ask(id, "the number of the caller is not known");
        };
        let (priority, age) = (former.details.routing_priority, former.details.routing_age_adjustment_s);
        let mut contact = self.next_contact(InitiationMethod::Callback, None);
        // A flow that is to put the callback into its queue makes it due at once.
        let delay_s = if spec.flow.is_some() { 0 } else { spec.delay_s };
        let due = self.cx.now.wall.plus_ms(i64::from(delay_s).saturating_mul(1_000));
        contact.customer_endpoint = Some(Endpoint::telephone(number));
        contact.scheduled_timestamp = Some(due);
        contact.details.target_queue = Some(queue.clone());
        contact.details.routing_priority = priority;
        contact.details.routing_age_adjustment_s = age;
        contact.details.callback = Some(CallbackDetails {
            caller_id: spec.caller_id.clone().map(Redacted::new),
            attempts_left: spec.attempts.max(1),
        });
        self.awaits(id, Awaited::Callback(contact.id));
        let request = CallbackRequest {
            contact,
            queue,
            due,
            retry_delay_s: spec.retry_delay_s,
            attempts: spec.attempts.max(1),
            priority: priority.unwrap_or(PRIORITY),
            age_adjustment_s: age.unwrap_or(0),
        };
        self.cx.emit(Effect::Routing(RoutingRequest::Callback(Box::new(request))));
    }

    fn asked_for_callback(&self, callback: ContactId) -> Option<ParticipantId> {
        let awaited = Some(Awaited::Callback(callback));
        let asker = self.participants.iter().find(|participant| participant.awaits == awaited);
        asker.map(|participant| participant.id)
    }

    pub(super) fn is_callback_awaited(&self, callback: ContactId) -> bool {
        self.asked_for_callback(callback).is_some()
    }

    /// The routing has taken a callback.
    pub(super) fn callback_taken(&mut self, callback: ContactId) {
        let Some(id) = self.asked_for_callback(callback) else { return };
        self.takes_awaited(id, Awaited::Callback(callback));
        let current = self.current;
        self.change(current, |contact| contact.next_contact_id = Some(callback));
        self.save(current, Stage::Changed);
        self.answer(id, Input::Done);
    }

    /// The routing takes a callback not.
    pub(super) fn callback_refused(&mut self, callback: ContactId, reason: &str) {
        let Some(id) = self.asked_for_callback(callback) else { return };
        self.takes_awaited(id, Awaited::Callback(callback));
        self.answer(id, Input::Failed { reason: reason.to_owned() });
    }

    /// The customer of this callback did not answer: the next attempt is a contact of its own, where there is one left.
    ///
    /// Source: Administrator Guide, "About queued callbacks": only a customer whose telephone rang unanswered is called again.
    pub(super) fn callback_not_answered(&mut self, reason: DisconnectReason) {
        let contact = self.current;
        let details = &self.cx.contact.details;
        let (queue, priority, age) =
            (details.target_queue.clone(), details.routing_priority, details.routing_age_adjustment_s);
        let left = details.callback.clone().map(|callback| CallbackDetails {
            attempts_left: callback.attempts_left.saturating_sub(1),
            ..callback
        });
        let rang = matches!(reason, DisconnectReason::TelecomTimeout | DisconnectReason::TelecomUnanswered);
        let Some(left) = left.filter(|left| rang && left.attempts_left > 0) else { return };
        let mut next = self.next_contact(InitiationMethod::Callback, None);
        next.details.target_queue = queue;
        next.details.routing_priority = priority;
        next.details.routing_age_adjustment_s = age;
        next.details.callback = Some(left);
        self.cx.edit().next_contact_id = Some(next.id);
        // From here on the routing knows the next attempt alone.
        self.goes(self.customer(), Place::Flow);
        self.cx.emit(Effect::Routing(RoutingRequest::CallAgain { contact, next: Box::new(next) }));
    }
}

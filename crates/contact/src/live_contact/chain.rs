//! The chain of contacts of one conversation.

use super::LiveContact;
use crate::{Contact, DisconnectReason, InitiationMethod, NewContact, Stage, record};
use tympan_types::ContactId;

impl LiveContact {
    /// A contact that may follow the current one. It is linked, and opened, when the customer goes on in it.
    ///
    /// It has the attributes of the chain, the hooks and the voice; its queue is a new one.
    pub(super) fn next_contact(&mut self, method: InitiationMethod, id: Option<ContactId>) -> Contact {
        let id = id.unwrap_or_else(|| self.cx.next_contact_id());
        let former = &self.cx.contact;
        let new = NewContact {
            id,
            instance: former.instance.clone(),
            initiation_method: method,
            customer_number: None,
            system_number: None,
            sip_headers: former.sip_headers.clone(),
        };
        let mut contact = Contact::new(self.cx.now.wall, new);
        contact.customer_endpoint.clone_from(&former.customer_endpoint);
        // Source: "Contact records data model": empty for callbacks, supervisors, and a transfer from queue to queue.
        let has_none =
            [InitiationMethod::QueueTransfer, InitiationMethod::Callback, InitiationMethod::Monitor];
        if !has_none.contains(&method) {
            contact.system_endpoint.clone_from(&former.system_endpoint);
        }
        contact.initial_contact_id = Some(former.initial_contact_id.unwrap_or(former.id));
        contact.previous_contact_id = Some(former.id);
        contact.attributes = former.attributes.clone();
        contact.details = former.details.clone();
        contact.details.target_queue = None;
        contact.details.routing_priority = None;
        contact.details.routing_age_adjustment_s = None;
        contact.details.callback = None;
        contact
    }

    /// Takes a contact that may follow the current one into the conversation; `None` where there are too many.
    pub(super) fn prepare_next(
        &mut self,
        method: InitiationMethod,
        id: Option<ContactId>,
    ) -> Option<ContactId> {
        let is_taken = id.is_some_and(|id| self.facts(id).is_some());
        let contact = self.next_contact(method, id);
        let id = contact.id;
        (!is_taken && self.cx.adopt(contact)).then_some(id)
    }

    /// Opens a contact beside the customer's.
    pub(super) fn open_beside(&mut self, contact: ContactId) {
        let now = self.cx.now.wall;
        self.change(contact, |contact| contact.initiation_timestamp = now);
        self.save(contact, Stage::Opened);
    }

    /// The customer leaves the current contact and goes on in the next one, which begins.
    pub(super) fn go_on_in(&mut self, next: ContactId, reason: DisconnectReason) {
        let now = self.cx.now.wall;
        self.follow(next, reason);
        let contact = self.cx.edit();
        contact.initiation_timestamp = now;
        contact.connected_to_system_timestamp = Some(now);
        self.cx.persist(Stage::Opened);
    }

    /// The customer leaves the current contact and goes on in the next one. What is being captured is shown in it as well.
    pub(super) fn follow(&mut self, next: ContactId, reason: DisconnectReason) {
        let now = self.cx.now.wall;
        self.cx.focus(self.current);
        let former = self.cx.edit();
        former.next_contact_id = Some(next);
        if let Some(stay) = &mut former.queue {
            stay.dequeued.get_or_insert(now);
        }
        let captures: Vec<_> = former.captures.iter().filter(|audio| audio.is_running()).cloned().collect();
        record::disconnected(former, now, reason);
        self.cx.persist(Stage::Ended);
        self.cx.focus(next);
        self.current = next;
        self.cx.flow_memory = self.cx.flow_memory.of_next_contact();
        let contact = self.cx.edit();
        for audio in captures {
            if !contact.captures.iter().any(|known| known.start_timestamp == audio.start_timestamp) {
                contact.captures.push(audio);
            }
        }
        for participant in self.participants.iter_mut().filter(|participant| participant.is_customer()) {
            participant.contact = next;
        }
    }
}

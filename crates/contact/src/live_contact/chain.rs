//! The chain of contacts of one conversation.

use super::LiveContact;
use crate::{Contact, DisconnectReason, InitiationMethod, NewContact, Stage, record};
use tympan_types::ContactId;

impl LiveContact {
    /// A contact that may follow the current one. It is linked, and opened, when the customer goes on in it.
    ///
    /// It has the attributes of the chain, the hooks and the voice; its queue is a new one. What is being captured is shown in it as well.
    pub(super) fn prepare_next(&mut self, method: InitiationMethod) -> Option<ContactId> {
        let id = self.cx.next_contact_id();
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
        // Source: "Contact records data model": empty for a transfer from queue to queue.
        if method != InitiationMethod::QueueTransfer {
            contact.system_endpoint.clone_from(&former.system_endpoint);
        }
        contact.initial_contact_id = Some(former.initial_contact_id.unwrap_or(former.id));
        contact.previous_contact_id = Some(former.id);
        contact.attributes = former.attributes.clone();
        contact.details = former.details.clone();
        contact.details.target_queue = None;
        contact.details.routing_priority = None;
        contact.details.routing_age_adjustment_s = None;
        contact.captures = former.captures.iter().filter(|audio| audio.is_running()).cloned().collect();
        self.cx.adopt(contact).then_some(id)
    }

    /// The customer leaves the current contact and goes on in the next one.
    pub(super) fn go_on_in(&mut self, next: ContactId, reason: DisconnectReason) {
        let now = self.cx.now.wall;
        self.cx.focus(self.current);
        let former = self.cx.edit();
        former.next_contact_id = Some(next);
        if let Some(stay) = &mut former.queue {
            stay.dequeued.get_or_insert(now);
        }
        record::disconnected(former, now, reason);
        self.cx.persist(Stage::Ended);
        self.cx.focus(next);
        self.current = next;
        let contact = self.cx.edit();
        contact.initiation_timestamp = now;
        contact.connected_to_system_timestamp = Some(now);
        self.cx.persist(Stage::Opened);
        for participant in self.participants.iter_mut().filter(|participant| participant.is_customer()) {
            participant.contact = next;
        }
    }
}

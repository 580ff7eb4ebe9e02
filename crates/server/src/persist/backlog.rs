//! Contacts that `control.db` did not take: the newest state of each, until it does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tympan_contact::Contact;
use tympan_db::contact::ContactEvent as Event;
use tympan_types::ContactId;

/// All of them as JSON take no more. A contact takes 2 kB, or 40 kB with all the attributes that it may have.
const LIMIT_BYTES: usize = 64 << 20;
/// Calls are let in while at least this is free: it is for those that are up.
const KEPT_FOR_CALLS_BYTES: usize = LIMIT_BYTES / 2;

/// What waits for room on the disk.
#[derive(Default)]
pub(super) struct Backlog(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    contacts: BTreeMap<ContactId, Arc<Unwritten>>,
    bytes: usize,
    lost: u64,
}

/// A contact's newest state, and what has to be done with it.
pub(super) struct Unwritten {
    pub(super) contact: Contact,
    pub(super) event: Event,
    bytes: usize,
}

impl Backlog {
    /// Keeps a state in the place of an older one of the same contact. Where there is no room, the older one stays, and
    /// the loss is counted.
    pub(super) fn keep(&self, contact: &Contact, event: Event) {
        let mut waiting = self.lock();
        let older = waiting.contacts.get(&contact.id);
        // What has ended stays so.
        let event = older.map_or(event, |older| older.event.max(event));
        let bytes = serde_json::to_vec(contact).map_or(usize::MAX, |json| json.len());
        let others = waiting.bytes - older.map_or(0, |older| older.bytes);
        if others.saturating_add(bytes) > LIMIT_BYTES {
            waiting.lost += 1;
            return;
        }
        waiting.bytes = others + bytes;
        waiting.contacts.insert(contact.id, Arc::new(Unwritten { contact: contact.clone(), event, bytes }));
    }

    /// Some of what waits.
    pub(super) fn some(&self, count: usize) -> Vec<Arc<Unwritten>> {
        self.lock().contacts.values().take(count).cloned().collect()
    }

    /// These are written. A newer state of one of them goes on waiting.
    pub(super) fn written(&self, contacts: &[Arc<Unwritten>]) {
        let mut waiting = self.lock();
        for written in contacts {
            let id = written.contact.id;
            if waiting.contacts.get(&id).is_some_and(|waiting| Arc::ptr_eq(waiting, written)) {
                waiting.contacts.remove(&id);
                waiting.bytes -= written.bytes;
            }
        }
    }

    /// The contact, if it waits.
    pub(super) fn find(&self, id: ContactId) -> Option<Contact> {
        self.lock().contacts.get(&id).map(|unwritten| unwritten.contact.clone())
    }

    /// All that wait.
    pub(super) fn all(&self) -> Vec<Arc<Unwritten>> {
        self.some(usize::MAX)
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.lock().contacts.len()
    }

    /// Whether the contacts of further calls fit.
    pub(super) fn has_room(&self) -> bool {
        self.lock().bytes <= LIMIT_BYTES - KEPT_FOR_CALLS_BYTES
    }

    /// How many states were lost.
    pub(super) fn lost(&self) -> u64 {
        self.lock().lost
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        // No change here can be left half made: none of it panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{contact, ended};
    use super::*;
    use tympan_contact::MAX_ATTRIBUTES_BYTES;

    fn numbered(n: u64) -> Contact {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&n.to_be_bytes());
        let mut contact = contact(1);
        contact.id = ContactId::from_random(id);
        let value = "x".repeat(MAX_ATTRIBUTES_BYTES - 1);
        contact.attributes.set(BTreeMap::from([("k".to_owned(), value)])).unwrap();
        contact
    }

    #[test]
    fn the_newest_state_of_a_contact_waits_and_what_has_ended_stays_so() {
        let backlog = Backlog::default();
        backlog.keep(&contact(1), Event::Opened);
        backlog.keep(&ended(1), Event::Closed);
        let mut later = ended(1);
        later.attributes.set(BTreeMap::from([("k".to_owned(), "v".to_owned())])).unwrap();
        backlog.keep(&later, Event::Changed);
        let [only] = &backlog.all()[..] else { panic!("one contact") };
        assert_eq!((&only.contact, only.event), (&later, Event::Closed));
        let older = Unwritten { contact: ended(1), event: Event::Closed, bytes: only.bytes };
        backlog.written(&[Arc::new(older)]);
        assert_eq!(backlog.len(), 1, "what was written meanwhile is older than what waits");
        backlog.written(std::slice::from_ref(only));
        assert_eq!((backlog.len(), backlog.lock().bytes), (0, 0));
    }

    #[test]
    fn calls_are_kept_out_before_it_is_full_and_what_does_not_fit_is_counted() {
        let backlog = Backlog::default();
        let mut kept = 0;
        while backlog.has_room() {
            backlog.keep(&numbered(kept), Event::Opened);
            kept += 1;
        }
        assert!(kept > 900, "{kept}");
        while backlog.lost() == 0 {
            backlog.keep(&numbered(kept), Event::Opened);
            kept += 1;
        }
        assert_eq!(backlog.len() as u64, kept - 1);
        assert!(backlog.lock().bytes <= LIMIT_BYTES);
        // Those that are there already can still change, as far as they do not grow.
        backlog.keep(&numbered(0), Event::Closed);
        assert_eq!((backlog.lost(), backlog.some(1)[0].event), (1, Event::Closed));
    }
}

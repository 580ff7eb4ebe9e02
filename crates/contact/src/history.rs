use crate::{AttributesTooLarge, Contact};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use tympan_flow::ContactChange;
use tympan_types::{AccountId, ContactId, InstanceId, WallTime};

/// The memory of contacts: the journal of those that are live, the records of those that ended.
///
/// A state that could not be written is an error, and is kept in memory: it can be read, and is written when that is
/// possible again.
///
/// An implementation on disk keeps what `open` and `update` wrote across a crash, finds those that were never
/// closed at its next start, and closes each with [`close_interrupted`](crate::close_interrupted).
pub trait History: Send + Sync {
    /// A contact has begun.
    fn open(&self, contact: &Contact) -> Result<(), HistoryError>;

    /// A contact has changed: it is durable when this returns. For one that has ended this delivers its record again.
    fn update(&self, contact: &Contact) -> Result<(), HistoryError>;

    /// A contact has ended: it is durable when this returns, and its record is delivered.
    fn close(&self, contact: &Contact) -> Result<(), HistoryError>;

    /// Looks a contact up, live or ended.
    fn find(&self, id: ContactId) -> Result<Option<Contact>, HistoryError>;

    /// A page of the contacts that a query asks for, newest first.
    fn list(&self, query: &HistoryQuery) -> Result<HistoryPage, HistoryError>;

    /// Sets all of these attributes of a contact that has ended, or none; durable when this returns. Reading, changing
    /// and writing are one step: of two changes at once, one sees the other.
    fn set_attributes(
        &self,
        now: WallTime,
        id: ContactId,
        changes: BTreeMap<String, String>,
    ) -> Result<(), SetAttributesError>;

    /// The work after a contact that has ended is over, from `began` to `ended`: with it the contact is closed, and its record says so.
    /// What has no agent, or is not known, stays as it is. Durable when it returns.
    fn end_after_contact_work(
        &self,
        id: ContactId,
        began: WallTime,
        ended: WallTime,
    ) -> Result<(), HistoryError> {
        let Some(mut contact) = self.find(id)? else { return Ok(()) };
        if contact.end_after_contact_work(began, ended) { self.close(&contact) } else { Ok(()) }
    }

    /// Changes what is set beside attributes of a contact whose call is not up, all or none: the same promises.
    fn change(&self, now: WallTime, id: ContactId, change: ContactChange) -> Result<(), ChangeError>;

    /// Erases a contact that has ended, with everything that is kept of it, and, if asked for, what was captured of it; `None` if there was
    /// none. Once this returns no storage has a byte of it, but for audio that waits ([`Erased::audio_waits`]).
    fn erase(&self, id: ContactId, audio: CapturedAudio) -> Result<Option<Erased>, HistoryError>;

    /// Whether the contacts of further calls would be remembered. Not so only while a disk refuses much for long.
    fn has_room(&self) -> bool {
        true
    }
}

/// Whether a contact's audio goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapturedAudio {
    /// It is its stream's, and goes with that or with its retention.
    Keep,
    /// Its fragments are erased: of each capture, from the first to the last.
    Erase,
}

/// What the erasure of a contact came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Erased {
    /// Audio was to be erased and is not yet: that it will be is durable.
    pub audio_waits: bool,
    /// What has lines or records about the contact, and keeps them: they are its readers'.
    pub delivered_to: Vec<String>,
}

/// Which contacts to list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only contacts of this account; `None` for all.
    pub account: Option<AccountId>,
    /// Only contacts of this instance; `None` for all.
    pub instance: Option<InstanceId>,
    /// Which of a contact's times must lie in the range.
    pub axis: TimeAxis,
    /// The earliest time, inclusive.
    pub from: WallTime,
    /// The latest time, inclusive.
    pub to: WallTime,
    /// The `next` of the page before this one.
    pub after: Option<String>,
    /// How many at most.
    pub limit: usize,
}

/// A page of contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    /// At most as many as were asked for; may be fewer, or none, though there are more pages.
    pub contacts: Vec<Contact>,
    /// What the query for the next page says as `after`; `None` at the end.
    pub next: Option<String>,
}

impl HistoryQuery {
    /// The time by which this query orders a contact, where the contact meets its conditions: `after` and `limit` are not looked at.
    pub fn place(&self, contact: &Contact) -> Option<(WallTime, ContactId)> {
        let at = self.axis.of(contact)?;
        let wanted = self.account.as_ref().is_none_or(|account| *account == contact.instance.account)
            && self.instance.is_none_or(|id| id == contact.instance.id)
            && (self.from..=self.to).contains(&at);
        wanted.then_some((at, contact.id))
    }
}

/// One of the times of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimeAxis {
    /// When it was answered.
    ConnectedToSystem,
    /// When it ended.
    Disconnect,
    /// When it arrived.
    Initiation,
}

impl TimeAxis {
    /// This time of a contact, where it has one.
    pub fn of(self, contact: &Contact) -> Option<WallTime> {
        match self {
            Self::ConnectedToSystem => contact.connected_to_system_timestamp,
            Self::Disconnect => contact.disconnect_timestamp,
            Self::Initiation => Some(contact.initiation_timestamp),
        }
    }
}

/// Why the memory of contacts failed: what was tried and what the storage said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the contact history is not available: {message}")]
pub struct HistoryError {
    /// What happened.
    pub message: String,
}

/// Why the attributes of an ended contact were not set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetAttributesError {
    /// The storage failed.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is no such contact.
    #[error("there is no such contact")]
    NoSuchContact,
    /// Too many bytes in all.
    #[error(transparent)]
    TooLarge(#[from] AttributesTooLarge),
}

/// Why a contact was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The storage failed.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// There is no such contact.
    #[error("there is no such contact")]
    NoSuchContact,
    /// It may not have this much: the reason.
    #[error("{0}")]
    Refused(String),
}

/// A history in memory: for tests and for servers that keep nothing.
#[derive(Debug, Default)]
pub struct MemoryHistory {
    contacts: Mutex<BTreeMap<ContactId, Contact>>,
}

impl MemoryHistory {
    fn put(&self, contact: &Contact) {
        self.lock().insert(contact.id, contact.clone());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<ContactId, Contact>> {
        // Every change is one insertion: a panic elsewhere cannot leave the map half changed.
        self.contacts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl History for MemoryHistory {
    fn open(&self, contact: &Contact) -> Result<(), HistoryError> {
        self.put(contact);
        Ok(())
    }

    fn update(&self, contact: &Contact) -> Result<(), HistoryError> {
        self.put(contact);
        Ok(())
    }

    fn close(&self, contact: &Contact) -> Result<(), HistoryError> {
        self.put(contact);
        Ok(())
    }

    fn find(&self, id: ContactId) -> Result<Option<Contact>, HistoryError> {
        Ok(self.lock().get(&id).cloned())
    }

    fn list(&self, query: &HistoryQuery) -> Result<HistoryPage, HistoryError> {
        let after = query.after.as_deref().map(place_of).transpose()?;
        let contacts = self.lock();
        let mut places: Vec<_> = contacts.values().filter_map(|contact| query.place(contact)).collect();
        places.retain(|place| after.is_none_or(|after| *place < after));
        places.sort_unstable_by(|a, b| b.cmp(a));
        let is_last = places.len() <= query.limit;
        places.truncate(query.limit);
        let next = places.last().filter(|_| !is_last).map(|(at, id)| format!("{}.{id}", at.unix_ms()));
        let contacts = places.iter().filter_map(|(_, id)| contacts.get(id).cloned()).collect();
        Ok(HistoryPage { contacts, next })
    }

    fn set_attributes(
        &self,
        now: WallTime,
        id: ContactId,
        changes: BTreeMap<String, String>,
    ) -> Result<(), SetAttributesError> {
        let mut contacts = self.lock();
        let contact = contacts.get_mut(&id).ok_or(SetAttributesError::NoSuchContact)?;
        Ok(contact.set_late_attributes(now, changes)?)
    }

    fn change(&self, now: WallTime, id: ContactId, change: ContactChange) -> Result<(), ChangeError> {
        let mut contacts = self.lock();
        let contact = contacts.get_mut(&id).ok_or(ChangeError::NoSuchContact)?;
        contact.change_late(now, change).map_err(ChangeError::Refused)
    }

    fn erase(&self, id: ContactId, _: CapturedAudio) -> Result<Option<Erased>, HistoryError> {
        Ok(self.lock().remove(&id).map(|_| Erased::default()))
    }
}

/// Where a page of [`MemoryHistory`] ended.
fn place_of(after: &str) -> Result<(WallTime, ContactId), HistoryError> {
    let place = after
        .split_once('.')
        .and_then(|(at, id)| Some((WallTime::from_unix_ms(at.parse().ok()?), ContactId::parse(id).ok()?)));
    place.ok_or_else(|| HistoryError { message: "no page ends there".to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::contact;

    #[test]
    fn pages_run_from_the_newest_to_the_oldest_without_repeats() {
        let history = MemoryHistory::default();
        for n in 0..5u8 {
            let mut contact = contact();
            contact.id = ContactId::from_random([n; 16]);
            contact.initiation_timestamp = WallTime::from_unix_ms(i64::from(n / 2));
            history.open(&contact).unwrap();
        }
        let mut query = HistoryQuery {
            account: Some(contact().instance.account),
            instance: Some(contact().instance.id),
            axis: TimeAxis::Initiation,
            from: WallTime::from_unix_ms(0),
            to: WallTime::from_unix_ms(10),
            after: None,
            limit: 2,
        };
        let mut seen = Vec::new();
        loop {
            let page = history.list(&query).unwrap();
            seen.extend(page.contacts.iter().map(|contact| (contact.initiation_timestamp, contact.id)));
            query.after = page.next;
            if query.after.is_none() {
                break;
            }
        }
        assert_eq!(seen.len(), 5);
        assert!(seen.is_sorted_by(|a, b| a > b));
    }

    #[test]
    fn attributes_of_an_ended_contact_can_still_be_set() {
        let history = MemoryHistory::default();
        let id = contact().id;
        let changes = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
        let now = contact().last_update_timestamp.plus_ms(9);
        assert_eq!(history.set_attributes(now, id, changes.clone()), Err(SetAttributesError::NoSuchContact));
        history.close(&contact()).unwrap();
        history.set_attributes(now, id, changes).unwrap();
        let contact = history.find(id).unwrap().unwrap();
        assert_eq!((contact.attributes.value("k"), contact.last_update_timestamp), (Some("v"), now));
    }

    #[test]
    fn a_late_change_dates_a_contact_later_whatever_the_clock_says() {
        let mut contact = contact();
        let before = contact.last_update_timestamp;
        contact.set_late_attributes(before.plus_ms(-5), BTreeMap::new()).unwrap();
        assert_eq!(contact.last_update_timestamp, before.plus_ms(1));
    }
}

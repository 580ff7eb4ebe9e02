//! What one reader is sent.

use super::places::{EventReaders, Place};
use crate::contacts::{ContactIndex, IndexError, summary};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use tympan_connect::ConnectService;
use tympan_contact::Contact;
use tympan_db::change::Operation;
use tympan_db::{Change, Db, Revision, Watch, WatchError, contact};
use tympan_types::{AccountId, Caller, ContactId, Region};

/// The events of one reader, from a revision on.
pub struct EventFeed {
    watch: Watch,
    contacts: Arc<dyn ContactIndex>,
    /// Knows what flows are called.
    flows: Option<ConnectService>,
    account: AccountId,
    region: Region,
    place: Place,
}

/// Some events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Each as it goes over the wire: JSON.
    pub events: Vec<String>,
    /// Everything up to here was looked at: where to resume. It may lie beyond the last event, because others' changes are left
    /// out.
    pub revision: Revision,
    /// Whether there was nothing behind these.
    pub is_up_to_date: bool,
}

/// Why a feed ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FeedError {
    /// The changes after its revision are no longer kept, or the revision never was.
    #[error("changes are kept from revision {oldest} on; read the contacts again and go on after {current}")]
    Gone {
        /// The earliest revision that can be resumed after.
        oldest: i64,
        /// The newest change.
        current: i64,
    },
    /// As many readers are connected as may be.
    #[error("{most} readers of events are connected already")]
    Full {
        /// How many.
        most: u64,
    },
    /// The database.
    #[error("{0}")]
    Unavailable(String),
}

impl From<WatchError> for FeedError {
    fn from(error: WatchError) -> Self {
        match error {
            WatchError::Gone { oldest, current } => {
                Self::Gone { oldest: oldest.number(), current: current.number() }
            }
            WatchError::Db(error) => Self::Unavailable(error.to_string()),
        }
    }
}

impl EventFeed {
    /// The feed of a caller, from what comes after `since` on, else from now on. It takes one of the places of `readers`.
    ///
    /// # Errors
    /// [`FeedError`]
    pub fn open(
        readers: &EventReaders,
        db: &Db,
        contacts: Arc<dyn ContactIndex>,
        caller: &Caller,
        since: Option<Revision>,
    ) -> Result<Self, FeedError> {
        let place = readers.take().ok_or(FeedError::Full { most: readers.most() })?;
        let watch = db.watch(since.unwrap_or_else(|| db.revision()))?;
        let (account, region) = (caller.account.clone(), caller.region.clone());
        Ok(Self { watch, contacts, flows: None, account, region, place })
    }

    /// The same with the names of flows in its events.
    #[must_use]
    pub fn with_flow_names(mut self, flows: ConnectService) -> Self {
        self.flows = Some(flows);
        self
    }

    /// The frame that a reader gets first: where it begins.
    pub fn beginning(&self) -> String {
        json!({ "Type": "Begin", "Revision": self.revision().number().to_string() }).to_string()
    }

    /// The frame that says how far an idle reader has come.
    pub fn progress(&self) -> String {
        json!({ "Type": "Progress", "Revision": self.revision().number().to_string() }).to_string()
    }

    /// Everything up to here was given.
    pub fn revision(&self) -> Revision {
        self.watch.revision()
    }

    /// The events of at most `limit` changes; none where there is nothing new. Blocks for the database.
    ///
    /// # Errors
    /// [`FeedError`]; the feed stays where it was.
    pub fn next(&mut self, limit: usize) -> Result<Batch, FeedError> {
        let before = self.watch.revision();
        let changes = self.watch.poll(limit)?;
        let mut known = HashMap::new();
        let mut events = Vec::with_capacity(changes.len());
        for change in &changes {
            match self.event(change, &mut known) {
                Ok(Some(event)) => events.push(event.to_string()),
                Ok(None) => {}
                Err(error) => {
                    self.watch.resume_after(before);
                    return Err(FeedError::Unavailable(error.to_string()));
                }
            }
        }
        self.place.sent(events.len());
        Ok(Batch { events, revision: self.watch.revision(), is_up_to_date: changes.len() < limit })
    }

    /// The reader took nothing for too long and is cut off.
    pub fn was_too_slow(&self) {
        self.place.was_too_slow();
    }

    fn event(
        &self,
        change: &Change,
        known: &mut HashMap<ContactId, Option<Contact>>,
    ) -> Result<Option<Value>, IndexError> {
        if change.kind != contact::KIND {
            return Ok(None);
        }
        let mut event = json!({
            "Type": "Event",
            "Revision": change.revision.number().to_string(),
            "Kind": change.kind,
            // The same through all changes of a contact: what an erasure can still be told by.
            "Row": change.row.to_string(),
            "Operation": match change.operation {
                Operation::Put => "PUT",
                Operation::Removed => "REMOVED",
                Operation::Erased => "ERASED",
            },
        });
        if change.operation == Operation::Erased {
            return Ok(Some(event));
        }
        let Some(id) = change.key.as_deref().and_then(|key| ContactId::parse(key).ok()) else {
            return Ok(None);
        };
        let found = match known.get(&id) {
            Some(found) => found,
            None => {
                let found = match self.contacts.find(id) {
                    Ok(found) => found,
                    // Whose it is cannot be read either.
                    Err(IndexError::Unreadable(_)) => None,
                    Err(error) => return Err(error),
                };
                known.entry(id).or_insert(found)
            }
        };
        // One that is not there any more was erased since; that is a change of its own.
        let Some(contact) = found.as_ref().filter(|contact| self.is_own(contact)) else { return Ok(None) };
        event["Id"] = json!(id);
        event["Contact"] = summary(contact);
        if let Some(flows) = &self.flows {
            event["Contact"]["ContactFlowName"] =
                json!(contact.initial_flow.and_then(|id| flows.flow_name(id)));
        }
        Ok(Some(event))
    }

    fn is_own(&self, contact: &Contact) -> bool {
        contact.instance.account == self.account && contact.instance.region == self.region
    }
}

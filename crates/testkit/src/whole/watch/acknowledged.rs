//! Nothing that was acknowledged is missing: PERSISTED fragments, attributes that were answered, records that were delivered.

use crate::whole::control::ControlRows;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tympan_contact::Contact;
use tympan_store::simulation::now_or_never;
use tympan_store::{MediaStore, StreamRef, TimeAxis};
use tympan_types::{ContactId, FragmentNumber, StreamArn};

pub(crate) const NAME: &str = "nothing acknowledged is missing";

/// Everything that was acknowledged so far.
#[derive(Default)]
pub(crate) struct Acknowledged {
    fragments: BTreeMap<StreamArn, BTreeSet<FragmentNumber>>,
    attributes: Vec<(ContactId, String, String)>,
    records: BTreeMap<ContactId, Arc<Contact>>,
}

impl Acknowledged {
    /// A fragment is durable, says the store.
    pub(crate) fn persisted(&mut self, stream: &StreamArn, number: FragmentNumber) -> Result<(), String> {
        let is_new = self.fragments.entry(stream.clone()).or_default().insert(number);
        if is_new { Ok(()) } else { Err(format!("fragment {number} of {stream} was acknowledged twice")) }
    }

    /// An attribute is set, says the API.
    pub(crate) fn attribute(&mut self, contact: ContactId, key: &str, value: &str) {
        self.attributes.push((contact, key.to_owned(), value.to_owned()));
    }

    /// A record was delivered.
    pub(crate) fn record(&mut self, contact: &Arc<Contact>) {
        self.records.insert(contact.id, contact.clone());
    }

    /// Compares with what the disk has: after a start, and at the end.
    pub(crate) fn check(&self, store: &MediaStore, rows: &ControlRows) -> Result<(), String> {
        for (stream, numbers) in &self.fragments {
            let stored = stored(store, stream)?;
            if let Some(missing) = numbers.iter().find(|number| !stored.contains(number)) {
                return Err(format!("fragment {missing} of {stream} was acknowledged as PERSISTED"));
            }
        }
        for (contact, key, value) in &self.attributes {
            let found = rows.find(*contact).and_then(|contact| contact.attributes.value(key));
            if found != Some(value) {
                return Err(format!("attribute {key} of {contact} was answered; the row has {found:?}"));
            }
        }
        for (id, record) in &self.records {
            let found =
                rows.find(*id).filter(|row| row.last_update_timestamp >= record.last_update_timestamp);
            if found.is_none() {
                return Err(format!("the record of {id} was delivered, and its row is older or gone"));
            }
        }
        Ok(())
    }
}

/// The numbers of all durable fragments of a stream.
pub(crate) fn stored(store: &MediaStore, stream: &StreamArn) -> Result<BTreeSet<FragmentNumber>, String> {
    let found = now_or_never(store.stream(StreamRef::Arn(stream))).ok_or("the store waits")?;
    let id = found.map_err(|error| format!("{stream}: {error}"))?.id;
    let mut numbers = BTreeSet::new();
    loop {
        let last = numbers.last().copied();
        let page = store.list_fragments(id, TimeAxis::Server, i64::MIN, i64::MAX, last, 1_000);
        let page =
            now_or_never(page).ok_or("the store waits")?.map_err(|error| format!("{stream}: {error}"))?;
        if page.is_empty() {
            return Ok(numbers);
        }
        numbers.extend(page.iter().map(|meta| meta.number));
    }
}

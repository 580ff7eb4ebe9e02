//! Every contact that was written leaves a record, at least once, and all of one state are equal.

use crate::whole::control::ControlRows;
use std::collections::{BTreeMap, BTreeSet};
use tympan_contact::Contact;
use tympan_types::ContactId;

pub(crate) const NAME: &str = "at least one record per contact, and equal ones";

/// Contacts and what is known of them.
#[derive(Default)]
pub(crate) struct Records {
    /// Contacts that were opened durably.
    opened: BTreeSet<ContactId>,
    /// Contacts whose caller was connected, and the run of the node in which.
    connected: BTreeMap<ContactId, u32>,
}

impl Records {
    /// The contact's first row is durable.
    pub(crate) fn opened(&mut self, contact: ContactId) {
        self.opened.insert(contact);
    }

    /// A caller confirmed the answer.
    pub(crate) fn connected(&mut self, contact: ContactId, epoch: u32) {
        self.connected.insert(contact, epoch);
    }

    /// All calls are over; `epoch` is the run of the node now.
    pub(crate) fn check(&self, rows: &ControlRows, epoch: u32) -> Result<(), String> {
        let mut delivered: BTreeMap<ContactId, Vec<&Contact>> = BTreeMap::new();
        for record in &rows.delivered {
            delivered.entry(record.id).or_default().push(record);
        }
        for contact in &self.opened {
            let records = delivered.get(contact).map(Vec::as_slice).unwrap_or_default();
            let Some(last) = records.last() else { return Err(format!("{contact} has no record")) };
            if rows.find(*contact).is_none_or(|row| row.as_ref() != *last) {
                return Err(format!("the last record of {contact} is not its last state"));
            }
        }
        for (contact, records) in &delivered {
            for pair in records.windows(2) {
                let is_same = pair[0].last_update_timestamp == pair[1].last_update_timestamp;
                if is_same && pair[0] != pair[1] {
                    return Err(format!("two records of {contact} have one time and differ"));
                }
            }
        }
        if let Some((contact, is_ended)) = rows.all().find(|(_, is_ended)| !is_ended) {
            return Err(format!("{} is not ended ({is_ended})", contact.id));
        }
        // What power took before it was durable leaves nothing.
        let lost = self
            .connected
            .iter()
            .find(|(contact, in_epoch)| **in_epoch == epoch && !self.opened.contains(contact));
        match lost {
            Some((contact, _)) => Err(format!("{contact} was connected and never written")),
            None => Ok(()),
        }
    }
}

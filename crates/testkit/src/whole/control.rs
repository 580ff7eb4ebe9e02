//! The control rows of the node: contacts, in memory, under the rule of the disk. A row is durable when its group is committed, and
//! atomic; what power takes before that is lost.

use super::core::Core;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tympan_contact::{Contact, Stage};
use tympan_types::{ContactId, WriteId};

/// Rows that are durable, and what waits to become so.
#[derive(Debug, Default)]
pub(crate) struct ControlRows {
    durable: BTreeMap<ContactId, Row>,
    pending: VecDeque<Write>,
    /// Records that were delivered, in order: a delivery that is not confirmed is made again.
    pub(crate) delivered: Vec<Arc<Contact>>,
    /// Contacts whose records wait for their delivery: durable, as the outbox is.
    outbox: VecDeque<ContactId>,
}

#[derive(Debug, Clone)]
struct Row {
    contact: Arc<Contact>,
    is_ended: bool,
}

/// A state of a contact on its way to the disk.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) contact: Arc<Contact>,
    pub(crate) stage: Stage,
    /// For the contact that waits for it; `None` where it is closed after an interruption.
    pub(crate) write: Option<WriteId>,
}

impl ControlRows {
    /// Takes a state; it is durable with the next [`Self::commit`].
    pub(crate) fn write(&mut self, write: Write) {
        self.pending.push_back(write);
    }

    /// How many states wait.
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Makes all that waits durable, and gives it back.
    pub(crate) fn commit(&mut self) -> VecDeque<Write> {
        let committed = std::mem::take(&mut self.pending);
        for write in &committed {
            let id = write.contact.id;
            let was_ended = self.durable.get(&id).is_some_and(|row| row.is_ended);
            let is_ended = was_ended || write.stage == Stage::Ended;
            self.durable.insert(id, Row { contact: write.contact.clone(), is_ended });
            if is_ended {
                self.outbox.push_back(id);
            }
        }
        committed
    }

    /// Power goes: what waits is lost.
    pub(crate) fn lose_power(&mut self) {
        self.pending.clear();
    }

    /// Delivers the next record. The confirmation may get lost: then it is delivered again. Without `keeps` the row
    /// goes with it.
    pub(crate) fn deliver(&mut self, core: &mut Core, keeps: bool) -> Option<Arc<Contact>> {
        let id = self.outbox.pop_front()?;
        let contact = self.durable.get(&id)?.contact.clone();
        core.event(&id, "has its record delivered", "");
        core.tally.records += 1;
        if !core.conditions.is_calm && core.random.percent(10) {
            self.outbox.push_back(id);
        }
        if keeps {
            self.delivered.push(contact.clone());
        } else {
            self.durable.remove(&id);
        }
        Some(contact)
    }

    /// Whether a record waits for its delivery.
    pub(crate) fn has_to_deliver(&self) -> bool {
        !self.outbox.is_empty()
    }

    /// A contact as the disk has it.
    pub(crate) fn find(&self, id: ContactId) -> Option<&Arc<Contact>> {
        self.durable.get(&id).map(|row| &row.contact)
    }

    /// All contacts, and whether each has ended.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Arc<Contact>, bool)> {
        self.durable.values().map(|row| (&row.contact, row.is_ended))
    }

    /// Contacts that a power cut interrupted.
    pub(crate) fn interrupted(&self) -> Vec<Arc<Contact>> {
        self.all().filter(|(_, is_ended)| !is_ended).map(|(contact, _)| contact.clone()).collect()
    }
}

//! What the API needs to know of the calls that are up.

use std::collections::BTreeMap;
use tympan_contact::{Contact, HistoryError};
use tympan_types::ContactId;

/// The calls that are up; the server implements it over its call tasks.
pub trait LiveCalls: Send + Sync {
    /// The contact of a call that is up, as it is now.
    fn contact(&self, id: ContactId) -> Option<Contact>;

    /// Asks a call to end, without waiting for it; false when no such call is up.
    fn stop(&self, id: ContactId) -> bool;

    /// Sets attributes on the contact of a call that is up, all or none, and returns when the history has them. Where
    /// the call ends meanwhile, this returns when the history has its last state: the history takes late changes.
    fn set_attributes(&self, id: ContactId, changes: &BTreeMap<String, String>) -> SetAttributes;
}

/// What became of attributes for a live call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SetAttributes {
    /// They are set, and durable.
    Set,
    /// No such call is up: it may just have ended, and then the history has it.
    NoSuchCall,
    /// Too many changes of this contact wait to be written; nothing was set.
    Busy,
    /// The contact would carry too much; nothing was set.
    TooLarge,
    /// The call has them, and the history could not be written.
    NotWritten(HistoryError),
}

/// No calls: for tests and for servers without telephony.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCalls;

impl LiveCalls for NoCalls {
    fn contact(&self, _: ContactId) -> Option<Contact> {
        None
    }

    fn stop(&self, _: ContactId) -> bool {
        false
    }

    fn set_attributes(&self, _: ContactId, _: &BTreeMap<String, String>) -> SetAttributes {
        SetAttributes::NoSuchCall
    }
}

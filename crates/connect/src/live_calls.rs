//! What the API needs to know of the calls that are up.

use std::collections::BTreeMap;
use tympan_contact::{Contact, HistoryError, Order, QueueRef};
use tympan_flow::{ContactChange, RoutedFlow};
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

    /// Changes what else is set about the contact of a call that is up: its tags, name, references. The same promises as of
    /// [`Self::set_attributes`].
    fn change(&self, id: ContactId, _: &ContactChange) -> ChangeContact {
        match self.contact(id) {
            Some(_) => ChangeContact::NotOffered,
            None => ChangeContact::NoSuchCall,
        }
    }

    /// Has the call of a contact carry an order out, without waiting for it; false when no such call is up.
    fn order(&self, _: ContactId, _: Order) -> bool {
        false
    }

    /// Calls a number, and returns before it rings. The flow begins when it answers.
    ///
    /// # Errors
    /// Why there is no call: then there is no contact either.
    fn start_outbound(&self, _: OutboundCall) -> Result<(), OutboundError> {
        Err(OutboundError::NotOffered)
    }
}

/// A call that the API places.
#[derive(Clone)]
pub struct OutboundCall {
    /// The new contact, of method API. Its customer is the number to call, its system's number the one that is shown.
    pub contact: Contact,
    /// The number to call, in E.164.
    pub destination: String,
    /// The number that is shown, in E.164.
    pub caller_id: String,
    /// The name that is shown.
    pub caller_name: Option<String>,
    /// The flow that runs once the call is answered.
    pub flow: RoutedFlow,
    /// The queue that the contact is meant for.
    pub queue: Option<QueueRef>,
    /// For how long it rings.
    pub ring_s: u32,
}

/// Why no call is placed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// Calls to this number are not allowed here.
    #[error("calls to this number are not allowed: {0}")]
    NotAllowed(String),
    /// As many calls are up as may be.
    #[error("as many calls are up as the server takes")]
    Full,
    /// There is nothing that the call could go out by.
    #[error("no call can be placed: {0}")]
    NoWayOut(String),
    /// This server places no calls.
    #[error("this server places no calls")]
    NotOffered,
}

/// What became of a change of a live contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeContact {
    /// It is made, and durable.
    Changed,
    /// No such call is up: it may just have ended, and then the history has it.
    NoSuchCall,
    /// Too many changes of this contact wait to be written; nothing was changed.
    Busy,
    /// It is refused, and nothing was changed: the reason.
    Refused(String),
    /// The call has it, and the history could not be written.
    NotWritten(HistoryError),
    /// Calls of this server take no such changes.
    NotOffered,
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

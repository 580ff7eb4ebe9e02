//! One call as the service remembers it: who, when, which attributes, which streams, and how it ended.
//!
//! Source: Amazon Connect Administrator Guide, "List of available contact attributes and their JSONPath
//! references" and "Contact records data model".

mod attributes;
#[allow(clippy::module_inception, reason = "the folder is the subject, the file is its central noun")]
pub(crate) mod contact;
mod customer_audio;
mod history;
mod record;
mod view;

pub use attributes::{Attributes, AttributesTooLarge, MAX_ATTRIBUTES_BYTES};
pub use contact::{Channel, Contact, DisconnectReason, Endpoint, InitiationMethod, InstanceRef, NewContact};
pub use customer_audio::CustomerAudio;
pub use history::{
    History, HistoryError, HistoryQuery, MemoryHistory, SetAttributesError, TimeAxis, close_interrupted,
};
pub use record::{ContactRecord, MediaStream, Recording};

//! One call as the service remembers it: who, when, which attributes, which streams, and how it ended.
//!
//! Source: Amazon Connect Administrator Guide, "List of available contact attributes and their JSONPath
//! references" and "Contact records data model".

mod attributes;
pub mod call;
mod contact;
mod customer_audio;
mod history;
pub mod lambda;
mod routed_flow;
mod view;

pub use attributes::{Attributes, AttributesTooLarge, MAX_ATTRIBUTES_BYTES};
pub use contact::{Channel, Contact, DisconnectReason, Endpoint, InitiationMethod, InstanceRef, NewContact};
pub use customer_audio::CustomerAudio;
pub use history::{
    History, HistoryError, HistoryQuery, MemoryHistory, SetAttributesError, TimeAxis, close_interrupted,
};
pub use routed_flow::RoutedFlow;

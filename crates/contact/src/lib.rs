//! One call as the service remembers it: who, when, which attributes, which streams, and how it ended.
//!
//! Source: Amazon Connect Administrator Guide, "List of available contact attributes and their JSONPath
//! references" and "Contact records data model".

mod attributes;
pub mod call;
mod contact;
mod customer_audio;
mod effect;
mod history;
mod input;
pub mod invoke;
pub mod lambda;
mod now;
mod routed_flow;
mod view;

pub use attributes::{Attributes, AttributesTooLarge, MAX_ATTRIBUTES_BYTES};
pub use contact::{Channel, Contact, DisconnectReason, Endpoint, InitiationMethod, InstanceRef, NewContact};
pub use customer_audio::CustomerAudio;
pub use effect::{CaptureRequest, Effect, Reply, Stage};
pub use history::{
    History, HistoryError, HistoryQuery, MemoryHistory, SetAttributesError, TimeAxis, close_interrupted,
};
pub use input::{CaptureEvent, EndedBy, Input, LegEvent, PromptEvent};
pub use now::Now;
pub use routed_flow::RoutedFlow;

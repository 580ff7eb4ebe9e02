//! Contacts, participants, legs and running flows as state machines; records as facts.
//!
//! A contact is not a call is not a leg: a contact has participants, a participant has legs, a leg has one dialog and one media session;
//! flows run on a participant. [`LiveContact`] is the contact whose call is up, [`Contact`] are its facts. Sans-IO: an [`Input`] comes in
//! with its instant, [`Effect`]s go out, and each word of both names what it is about.
//!
//! Source: Amazon Connect Administrator Guide, "List of available contact attributes and their JSONPath references" and "Contact records
//! data model".

mod agent_part;
mod attributes;
mod contact;
mod contact_details;
mod context;
mod customer_audio;
mod delivery;
mod dial;
mod effect;
#[cfg(any(test, feature = "fixtures"))]
pub mod fixtures;
mod flow_run;
mod history;
mod input;
mod instance_settings;
pub mod invoke;
mod leg;
mod live_contact;
mod now;
mod options;
mod participant;
mod queue_stay;
mod queueing;
pub mod record;
mod recording;
pub mod routing;
mod sip_headers;
mod streaming;
#[cfg(test)]
mod tests;
mod view;

pub use agent_part::{AgentPart, AgentRef, Hold, MonitorState};
pub use attributes::{Attributes, AttributesTooLarge, MAX_ATTRIBUTES_BYTES};
pub use contact::{Channel, Contact, DisconnectReason, Endpoint, InitiationMethod, InstanceRef, NewContact};
pub use contact_details::{
    CallbackDetails, ContactDetails, HookedFlow, MAX_DETAILS_BYTES, MAX_TAGS, PromptVoice, QueueRef,
    Reference,
};
pub use customer_audio::CustomerAudio;
pub use delivery::REQUESTS_MAX;
pub use dial::{CallerId, DialRequest, DialTarget, TELEPHONES_MAX};
pub use effect::{CaptureRequest, Effect, Reply, Stage};
pub use history::{
    CapturedAudio, ChangeError, Erased, History, HistoryError, HistoryPage, HistoryQuery, MemoryHistory,
    SetAttributesError, TimeAxis,
};
pub use input::{CaptureEvent, DialledLeg, EndedBy, Input, LegEvent, Order, PromptEvent, TransferTarget};
pub use instance_settings::InstanceSettings;
pub use leg::{Leg, LegSpec};
pub use live_contact::{AgentCallSetup, CallbackSetup, ContactSetup, LiveContact, OutboundSetup, Phase};
pub use now::Now;
pub use options::ContactOptions;
pub use queue_stay::QueueStay;
pub use queueing::{AgentReport, CallbackRequest, RoutingEvent, RoutingRefusal, RoutingRequest};
pub use record::{close_earlier, close_interrupted};
pub use recording::Recording;
pub use sip_headers::{SIP_HEADER_MAX_BYTES, SIP_HEADERS_MAX, SIP_HEADERS_MAX_BYTES, readable_sip_headers};
pub use tympan_flow::RoutedFlow;

//! The Amazon Connect service and its calls, transport-free.
//!
//! [`operations`] answers the API, one file per operation beside the resource that it is about, and [`ConnectService`] routes
//! dialled numbers to flows.
//! Nothing here opens a socket, reads a clock or draws a random number: `now` is an argument, ids come from
//! [`Ids`], and what must last goes through [`settings::Settings`] and [`History`](tympan_contact::History).

pub mod agent_events;
pub mod agent_statuses;
#[cfg(test)]
mod bench;
pub mod bots;
mod catalogue;
mod contacts;
mod defaults;
mod directory;
pub mod error;
pub mod events;
pub mod flow_associations;
pub mod flow_check;
mod flow_resources;
pub mod flows;
mod functions;
pub mod hierarchy;
pub mod hours;
pub mod instance_attributes;
mod instance_settings;
pub mod instances;
pub mod integrations;
mod listless;
pub mod live_calls;
pub mod live_centre;
mod metrics;
pub mod modules;
pub mod named;
mod not_offered;
mod operations;
mod paging;
pub mod phone_numbers;
mod plan;
pub mod prompts;
pub mod provision;
pub mod queues;
pub mod quick_connects;
pub mod record;
pub mod record_parts;
mod reference;
mod resources;
pub mod routing_profiles;
pub mod rows;
pub mod security_profiles;
pub mod service;
pub mod settings;
pub mod storage;
mod tagging;
mod tags;
mod target;
mod telephones;
#[cfg(test)]
mod tests;
mod timestamp;
mod transfers;
pub mod users;
pub mod versions;

pub use error::{ConnectError, ErrorCode};
pub use live_calls::{LiveCalls, SetAttributes};
pub use live_centre::{LiveCentre, NoCentre};
pub use operations::operations;
pub use provision::Provision;
pub use service::{ConnectService, Counts, Ids, Limits, OpenError, Options, Routed};
pub use telephones::AgentTelephone;

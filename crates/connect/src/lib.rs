//! The Amazon Connect service and its calls, transport-free.
//!
//! [`operations`] answers the API, one file per operation beside the resource that it is about, and [`ConnectService`] routes
//! dialled numbers to flows.
//! Nothing here opens a socket, reads a clock or draws a random number: `now` is an argument, ids come from
//! [`Ids`], and what must last goes through [`settings::Settings`] and [`History`](tympan_contact::History).

#[cfg(test)]
mod bench;
mod catalogue;
mod contacts;
mod directory;
pub mod error;
mod flow_resources;
pub mod flows;
mod functions;
pub mod hours;
mod instance_settings;
pub mod instances;
pub mod live_calls;
pub mod named;
mod not_offered;
mod operations;
mod paging;
pub mod phone_numbers;
pub mod provision;
pub mod record;
mod reference;
mod resources;
pub mod rows;
pub mod service;
pub mod settings;
pub mod storage;
mod tags;
mod target;
#[cfg(test)]
mod tests;
mod timestamp;

pub use error::{ConnectError, ErrorCode};
pub use live_calls::{LiveCalls, SetAttributes};
pub use operations::operations;
pub use provision::Provision;
pub use service::{ConnectService, Counts, Ids, Limits, OpenError, Options, Routed};

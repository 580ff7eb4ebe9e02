//! The Amazon Connect service and its calls, transport-free.
//!
//! [`ConnectService`] answers the API (one file per operation in [`api`]) and routes dialled numbers to flows.
//! Nothing here opens a socket, reads a clock or draws a random number: `now` is an argument, ids come from
//! [`Ids`], and what must last goes through [`settings::Settings`] and [`History`](tympan_contact::History).

pub mod api;
mod directory;
pub mod error;
pub mod flows;
pub mod instance;
mod instance_settings;
pub mod live_calls;
pub mod phone_number;
pub mod provision;
pub mod record;
pub mod service;
pub mod settings;

pub use directory::DamagedDocument;
pub use error::{ConnectError, ErrorCode};
pub use live_calls::{LiveCalls, SetAttributes};
pub use provision::Provision;
pub use service::{ConnectService, Counts, Ids, Limits, OpenError, Options, Routed};

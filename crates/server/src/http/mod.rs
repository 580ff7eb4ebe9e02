//! The HTTP side: one listener for Kinesis Video Streams, KMS, Connect, STS, the server's own service, health and metrics.
//!
//! The web console has a listener of its own, before the same services.
//!
//! Which service a request is for is told by the signing name in its signature, as AWS tells by the host name.

mod admin;
mod authenticate;
mod authorize;
mod body;
mod console;
mod events;
mod keys;
mod listen;
mod listener;
mod media;
mod own_address;
mod pages;
#[cfg(test)]
mod policy_questions;
mod request_body;
mod respond;
mod route;
mod slot;
mod tls;
mod unproven;
mod uploader;
#[cfg(test)]
mod uploads_tests;
mod websocket;
mod write_deadline;

pub(crate) use admin::Readiness;
pub(crate) use body::{Body, Incoming};
pub(crate) use console::{ConsoleParts, SignInCode, SignIns, Users, serve as serve_console};
pub(crate) use listener::{Answer, Listener, Tear, Timeouts};
pub(crate) use media::BreakOff;
pub(crate) use own_address::OwnAddress;
pub(crate) use route::{Router, Services};
pub(crate) use tls::Tls;
pub(crate) use unproven::UnprovenBytes;

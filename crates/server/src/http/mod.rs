//! The HTTP side: one listener for Kinesis Video Streams, KMS, Connect, STS, health and metrics.
//!
//! Which service a request is for is told by the signing name in its signature, as AWS tells by the host name.

mod admin;
mod authenticate;
mod backup;
mod body;
mod body_limit;
mod connect;
mod contacts;
mod emulator;
mod expiry;
mod gate;
mod kms;
mod kvs;
mod listener;
mod own_address;
#[cfg(test)]
mod policy_questions;
mod request_body;
mod respond;
mod route;
mod slot;
mod tls;
mod unknown;
mod unproven;
mod uploader;
#[cfg(test)]
mod uploads_tests;
mod web;
mod write_deadline;

pub(crate) use admin::Readiness;
pub(crate) use emulator::{Emulator, EmulatorParts, House, ResetRequest};
pub(crate) use listener::{Door, Timeouts};
pub(crate) use own_address::OwnAddress;
pub(crate) use route::{Services, serve};
pub(crate) use tls::Tls;
pub(crate) use unproven::UnprovenBytes;
pub(crate) use web::WebRules;

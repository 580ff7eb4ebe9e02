//! The client side: signed requests to Kinesis Video Streams, readers and writers of its streams, and a test caller that
//! speaks SIP and RTP.
//!
//! * [`kvs::Kvs`] signs and sends; it works against a tympan server and, for everything but contacts, against AWS.
//! * [`kms::Kms`] does so with the keys behind it.
//! * [`media`] reads what GetMedia delivers: fragments, the customer's track, files.
//! * [`call`] places phone calls.
//!
//! Source: `docs/kvs-compat.md` for the operations; RFC 3261, 3550 and 4733 for calls.
//! Not implemented: credentials from profiles, instance metadata or single sign-on (only the environment is read);
//! SIPS, SRTP and registration.

mod access;
mod acknowledgements;
mod backups;
pub mod call;
mod captured_audio;
mod connect;
mod contacts;
mod credentials;
mod endpoint;
mod error;
mod events;
mod expiry;
mod http;
pub mod kms;
pub mod kvs;
mod live_sound;
mod machine;
pub mod media;
mod prompts;
mod readers;
pub mod sts;
#[cfg(test)]
mod testing;
mod websocket;

pub use access::{Access, AuditSearch};
pub use acknowledgements::{Acknowledgement, Acknowledgements};
pub use backups::{BackupStatus, Backups};
pub use captured_audio::{CapturedAudio, WantedAudio};
pub use connect::Connect;
pub use contacts::{ContactChoice, ContactRecord, ContactSearch, Contacts, Ledger, LedgerTotal, Recording};
pub use credentials::Identity;
pub use endpoint::Endpoint;
pub use error::{ClientError, Exit, ServiceError};
pub use events::{EventEnd, Events};
pub use expiry::{Expiry, ExpiryStatus};
pub use http::{HttpClient, RequestBody};
pub use live_sound::{LiveEnd, LiveItem, LiveSound};
pub use machine::Machine;
pub use prompts::{Prompts, SentPrompt};
pub use readers::{ReaderInfo, Readers};

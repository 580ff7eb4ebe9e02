//! The server's own service, which Amazon has no operation for: contacts and their searches, waveforms, sound, flow logs, live events,
//! streams and their readers, flows, prompts, backups, the doctor, health, settings, access and the audit file. Signing name `tympan`, IAM actions `tympan:*`,
//! rest-json, transport-free.
//!
//! An operation is one file with its type, what it is documented by, and one line in [`operations()`]. The OpenAPI document
//! ([`openapi()`]) is made of the same table. Described for users in docs/admin.md.
//!
//! What needs a disk, a program or a socket is handed in: [`ContactIndex`], [`Waveforms`], [`Sounds`], [`PromptSounds`], [`Backups`],
//! [`Doctor`], [`Health`], [`Configuration`], [`AuditTrail`]. Two operations are no request and answer: the server feeds WebSockets from what they give.
//! WatchEvents gives an [`EventFeed`], ListenContact what [`Sounds`] makes.

mod access;
mod contacts;
mod documentation;
mod error;
mod events;
mod flows;
mod named;
mod openapi;
mod operations;
mod paging;
mod prompts;
mod service;
mod streams;
#[cfg(test)]
mod tests;
mod times;
mod upkeep;

pub use access::{
    AccessParts, AuditTrail, AuditWalk, Configuration, KeyUses, NotEnded, Sessions, Setting, SettingSource,
    Visit, kinds,
};
pub use contacts::{
    AxisPart, ContactIndex, ContactPage, FlowLogLines, IndexError, Intervals, SoundError, SoundForm,
    SoundTrack, Sounds, WantedSound, WaveformError, Waveforms, meets,
};
pub use error::{AdminError, ErrorCode};
pub use events::{Batch, EventCounts, EventFeed, EventReaders, FeedError};
pub use openapi::openapi;
pub use operations::{SCOPE, operations};
pub use prompts::{PROMPT_UPLOAD_MAX_BYTES, PromptSounds};
pub use service::{AdminParts, AdminService};
pub use upkeep::{BackupRefusal, Backups, Doctor, Health, NewBackup};

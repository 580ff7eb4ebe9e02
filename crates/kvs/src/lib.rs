//! The Kinesis Video Streams service, transport-free: what an HTTP server has to call so that unmodified AWS SDKs, the
//! KVS producer SDKs and the KVS consumer libraries work against a [`tympan_store::MediaStore`].
//!
//! * [`KvsService::call`]: the JSON operations, one file each in `control/` and `archived/`.
//! * [`KvsService::put_media`]: a [`PutMediaSession`] takes body bytes in any cut and an [`AckStream`] gives ack lines.
//! * [`KvsService::get_media`], [`KvsService::get_media_for_fragment_list`]: a [`MediaBody`] gives body bytes.
//!
//! Which operations and fields are done, differ or are refused: `docs/kvs-compat.md`.
//!
//! * [`operations`]: all of them for a server, which has each authorised with what was looked up for it.
//!
//! Not here: HTTP, signatures, policies.

mod archived;
mod companded;
mod connections;
mod constraint;
mod control;
mod data;
mod error;
mod lifecycle;
mod limits;
mod meter;
mod operation;
mod operations;
mod paging;
mod rate;
mod readers;
mod service;
mod stopwatch;
mod stream_identity;
mod target;
mod version;

pub use companded::{Companded, Law as G711};
pub use data::{
    Ack, AckEvent, AckStream, AcksTold, BodyEnd, CutFragments, ErrorId, MediaBody, PutMediaInput,
    PutMediaOutput, PutMediaRequest, PutMediaSession, TimecodeType, ToldAck, error_document_of,
    fragment_document,
};
pub use error::{KvsError, KvsErrorCode};
pub use limits::Limits;
pub use operation::{Operation, Playback};
pub use operations::operations;
pub use readers::{ReaderCounts, ReaderStatus};
pub use service::{KvsOptions, KvsService, MEDIA_CONTENT_TYPE};
pub use stream_identity::StreamIdentity;

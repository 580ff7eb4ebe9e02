//! The fragment log: streams of fragments that are durable when acknowledged, replayable, followed live, encrypted
//! always and gone when their retention ends.
//!
//! ```text
//!   Writer::seal -> record (AES-256-GCM) -> commit queue -> one write + one fdatasync per group -> Persisting
//!   Writer::push -> tail -> Reader (live, at once)            journal ---(minutes later)---> chunk -> Reader
//! ```
//!
//! [`MediaStore`] is the whole of it: batching, live tail, encryption, chunking, retention. Where bytes and rows come
//! to rest is behind the [`Backend`] trait: [`embedded`] keeps files and an SQLite catalogue in one directory,
//! [`memory`] keeps nothing and fails on command. The store keeps opaque bytes and metadata; it knows nothing of
//! Matroska. Formats, invariants and the place of every fsync: `docs/storage.md`.

mod backend;
mod clock_trust;
mod codec;
mod committer;
pub mod conformance;
pub mod embedded;
mod erasure;
mod error;
mod extent;
mod gone;
mod history;
mod index_block;
mod indexes;
mod keeper;
mod keys;
pub mod memory;
mod model;
mod options;
mod reader;
mod record;
mod retention;
mod run;
mod scrub;
mod seek;
mod soundness;
mod store;
mod stream_cell;
mod stream_rules;
mod tail;
mod timekeeper;
mod writer;

pub use backend::{
    Backend, ChunkPart, ChunkRow, ExpireReport, FirstMatch, JournalLoc, KeyRow, Located, MAX_ERASURES,
    Remaining, Reservation, SEQUENCE_BLOCK, StreamKey, StreamPage, StreamRow,
};
pub use clock_trust::ClockDoubt;
pub use codec::{BodyCodec, BodyPart};
#[cfg(any(test, feature = "simulation"))]
pub use embedded::simulation;
pub use erasure::Erasure;
pub use error::{ErrorKind, StoreError};
pub use extent::{ChunkTotals, Extent};
pub use indexes::IndexedFragment;
pub use model::{
    Clock, Ending, Entropy, Fragment, FragmentHead, FragmentMeta, FragmentRange, NewStream, OpenFragment,
    ReadEvent, Start, StorageTier, Stream, StreamId, StreamRef, StreamStatus, SystemEntropy, TimeAxis,
};
pub use options::StoreOptions;
pub use reader::Reader;
pub use record::{RECORD_HEADER_BYTES, Record, RecordError, RecordHeader};
pub use retention::SweepReport;
pub use scrub::{Damage, ScrubReport};
pub use store::{MediaStore, StoreStats};
pub use tail::{HandoverBell, Standing, TakeOver};
pub use writer::{Persisting, Writer};

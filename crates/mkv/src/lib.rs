//! EBML/Matroska, read and written incrementally.
//!
//! Three floors, each usable alone:
//!
//! * [`read::Reader`] turns bytes, cut anywhere, into element events. It owns no heap memory.
//! * [`fragment::FragmentReader`] adds meaning: documents, tracks, Clusters, blocks, tags, each with its verbatim bytes.
//! * [`consume::MediaReader`] adds ownership: whole frames and tag lists per fragment, for programs that play or store.
//!
//! [`mod@write`] is the way back: it reproduces, byte for byte, the layouts that Kinesis Video Streams and its producer
//! SDK put on the wire. No policy lives here: what a tag means, how long a fragment may last and who may send one
//! are decided elsewhere.
//!
//! Assumptions: element ids have 1 to 4 bytes and sizes 1 to 8; a Matroska element known to [`element`] stands only
//! under the parent that RFC 9559 gives it; an id unknown to [`element`] is an opaque run of bytes of known size.
//!
//! Source: RFC 8794 (EBML), RFC 9559 (Matroska).
//! Not implemented: CRC-32 values are passed through and not verified; compressed or encrypted tracks
//! (ContentEncodings) are delivered as they are.

pub mod consume;
pub mod element;
mod error;
pub mod fragment;
pub mod lacing;
mod limits;
pub mod read;
pub mod vint;
pub mod write;

pub use element::ElementId;
pub use error::MkvError;
pub use limits::Limits;

//! From a customer's samples to fragments of a stream, and the rules by which calls share streams.
//!
//! The pieces, in the order of the sound:
//!
//! * [`Cutter`] turns samples into Matroska bytes in Amazon Connect's shape;
//! * [`Capture`] owns a cutter on the media plane and holds its bytes until an upload is attached;
//! * [`Captures`] keeps the captures of one leg apart by their ids and feeds them the frames of its taps;
//! * [`Upload`] takes them away: a [`MediaSink`] of the server's opens one, in process or as PutMedia over HTTP;
//! * [`CaptureAcks`] turns the store's acknowledgements into [`CaptureEvent`]s for the call;
//! * [`Leases`] gives every capturing call a stream of its own.

mod acks;
mod capture;
mod captures;
mod cut;
mod cutter;
mod lease;
mod open;
mod sink;
#[cfg(test)]
pub(crate) mod testing;
mod to_track;

pub use acks::{CaptureAcks, CaptureEvent};
pub use capture::{Capture, CaptureStats};
pub use captures::{CaptureTaps, Captures};
pub use cut::{Cut, Piece};
pub use cutter::{Anchor, Cutter, CutterSpec, CutterStats, TrackProfile};
pub use lease::{
    DirectoryError, HeldLeases, Lease, LeaseError, LeaseSpec, Leases, NewLeasedStream, PooledStream, Rest,
    StreamDirectory, StreamPool,
};
pub use open::{OpenCaptureError, OpenedCapture, open};
pub use sink::{MediaSink, SinkError, SinkErrorKind, Upload, UploadAck, UploadAcks, UploadSpec};

//! What GetMedia delivers, for programs that store or play it.
//!
//! [`Follow`] reads a stream through as many GetMedia bodies as it takes; [`ContactFilter`] keeps one call's part of it;
//! [`Recording`] writes the customer's track into a file or a pipe and keeps a [`Tally`] of it.
//! [`PlacedRecording`] writes samples that come with their places.

mod contact_filter;
mod destination;
mod documents;
mod follow;
mod placed;
mod reader;
mod recording;
mod tally;
mod track;

pub use contact_filter::{ContactFilter, Verdict};
pub use destination::Destination;
pub use follow::{Follow, FollowOptions};
pub use placed::{Hole, PlacedRecording, PlacedTally};
pub use reader::{FragmentHead, GetMediaReader, MediaItem, ReadError};
pub use recording::{Format, Recording};
pub use tally::{Gap, Tally};
pub use track::{Sound, TrackChoice};

#[cfg(test)]
pub(crate) use reader::tests;

//! Live events: every change of a contact, in the order of commits, resumable by revision.
//!
//! The change table of the control database is the queue: a reader holds one batch, and asks for the next one when its peer has
//! taken it. One that is too slow loses nothing by being cut off; it resumes after the last revision that it saw.

mod feed;
mod places;
mod watch_events;

pub use feed::{Batch, EventFeed, FeedError};
pub use places::{EventCounts, EventReaders};
pub(crate) use watch_events::WatchEvents;

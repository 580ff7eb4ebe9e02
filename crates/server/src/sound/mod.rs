//! The sound of contacts: what was captured, as a body, and what is captured now, for listeners.
//!
//! Both are read from the store, as GetMedia reads it; no thread of a call knows of them. A sample has its place on the axis of the
//! contact's waveform: the producer's time of its fragment, and the samples of its track before it in the fragment.

mod body;
mod decoder;
mod fragments;
mod listeners;
mod listening;
mod service;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use body::SoundBody;
pub(crate) use listeners::ListenerPlaces;
pub(crate) use listening::{Heard, Listening, SoundFrame};
pub(crate) use service::StoredSounds;

use crate::waveform::axis::SAMPLES_PER_MS;
use tympan_types::ProducerTime;

/// The place of a fragment's first sample on an axis that begins at `start_ms`: less than 0 before it.
fn place(producer: ProducerTime, start_ms: i64) -> i64 {
    producer.unix_ms().saturating_sub(start_ms).saturating_mul(i64::from(SAMPLES_PER_MS))
}

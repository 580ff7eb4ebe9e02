//! The media of a leg, sans-IO: datagrams in, datagrams out, and between them everything that a call does with sound.
//!
//! One law for all of it: [`Session::handle`], drain [`Session::poll`], come back no later than [`Session::next_deadline`].
//! The crate owns no socket, clock, thread or random number, and a packet costs no allocation.
//!
//! The pieces, in the order of the sound:
//!
//! * [`Session`] is the media of one leg: up to [`Session::STREAMS_MAX`] streams, its prompts, its taps, its place in a bridge;
//! * a *stream* is one audio section of the description: whose packets it takes, their timeline, and what is sent back and when;
//! * a *tap* hands a track on as [`Frame`](tympan_telephony::words::Frame)s: a capture is one of its listeners;
//! * a *listening* waits for one utterance of the far end and records it, beside the taps;
//! * the *player* plays prompts one after the other;
//! * [`Bridges`] says which legs hear each other; what a leg says goes from its session to theirs, and never into a received track.

mod bridge;
mod listening;
mod outbox;
mod pace;
mod player;
mod reports;
mod session;
mod silence;
mod stats;
mod stream;
mod tap;

pub use bridge::{BridgeFull, Bridges};
pub use outbox::{Output, Port};
pub use player::PROMPTS_MAX;
pub use session::{Input, Session, SessionSpec};
pub use silence::SilenceSending;
pub use stats::SessionStats;
pub use tap::TAPS_MAX;

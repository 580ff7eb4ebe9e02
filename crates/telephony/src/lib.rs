//! What a phone speaks, sans-IO: SDP, RTP timeline, DTMF, G.711, G.722, tones, WAV.
//!
//! The crate owns no socket, clock, thread or random number. Time comes in as [`Mono`](tympan_types::Mono), datagrams come in
//! as byte slices, and what happened comes out of `poll`.
//!
//! * [`rtp::timeline::Timeline`] turns one remote party's packets into a contiguous run of 8 kHz samples.
//! * [`sdp::Session`] agrees on codecs, addresses and directions of the audio streams of a call, from the first offer to the last.
//! * [`audio`] holds the sample formats: G.711, G.722, WAV, resampling, tones and their detection.
//!
//! Not implemented: SRTP, SIPREC metadata.

pub mod audio;
pub mod capture_ledger;
pub mod digit;
pub mod digit_source;
pub mod index;
pub mod rtp;
pub mod sdp;
pub mod time;
pub mod words;

pub use digit::Digit;
pub use time::{SampleOffset, samples_between};

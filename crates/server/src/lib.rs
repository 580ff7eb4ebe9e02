//! The server: sockets, threads, tokio, configuration and wiring. No protocol or business decision lives here.
//!
//! [`serve::run`] is all of it; [`config`] and [`doctor`] also answer questions without a server, and [`setup`] makes
//! what the first start of one needs. What a person types is in
//! the crate `cli`.

mod audit;
mod call;
mod centre;
mod clock;
pub mod config;
mod connections;
mod descriptors;
pub mod doctor;
mod http;
mod kms;
mod lambda;
mod lex;
mod lines;
mod media;
mod metrics;
mod outgoing;
mod persist;
mod recent_log;
pub mod serve;
pub mod setup;
mod sink;
mod sip;
mod sound;
mod speech;
mod upkeep;
mod waveform;

pub use clock::SystemClock;
pub use upkeep::keyring_file;

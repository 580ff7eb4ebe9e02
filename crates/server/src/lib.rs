//! tympan, the one deployable: sockets, tokio, configuration and wiring. No protocol or business decision lives here.

mod audit;
mod call;
pub mod cli;
mod clock;
pub mod config;
mod connections;
mod descriptors;
mod doctor;
mod emulator;
mod http;
mod kms;
mod lambda;
mod lines;
mod media;
mod metrics;
mod persist;
pub mod serve;
mod sink;
mod sip;
mod speech;
mod upkeep;
mod waveform;

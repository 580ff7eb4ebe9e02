//! Black-box tests of the real binary with real peers: sipp, PJSIP, baresip, kamailio and one by hand for calls, boto3 for
//! everything that AWS's clients do, the AWS SDKs for Rust and JavaScript beside it for every operation of Kinesis Video
//! Streams.
//!
//! Content decides, not time: what a caller says is made so that every 20 ms of it occurs once, and what was captured is
//! looked up in it, sample for sample.
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "all of this crate is test code: what it prints belongs to the output of a test"
)]

pub mod agents;
pub mod audio;
pub mod browser;
pub mod by_hand;
pub mod clock;
pub mod conformance;
pub mod control;
pub mod damage;
pub mod desk;
pub mod environment;
pub mod flow;
pub mod folder;
pub mod network;
pub mod office;
pub mod outsiders;
pub mod phone;
pub mod printed;
pub mod python;
pub mod raw_message;
pub mod raw_peer;
pub mod sipp;
pub mod site;
pub mod small_disk;
pub mod softphones;
pub mod trunk;
mod wait;
pub mod wideband;

pub use wait::{LIMIT, until};

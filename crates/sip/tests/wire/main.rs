//! The wire as a peer sees it: packets, streams, values, refusals, and the messages of RFC 4475 and RFC 5118.

#![allow(clippy::unwrap_used, reason = "tests only")]

mod allocations;
mod answers;
mod multipart;
mod packets;
mod properties;
mod streams;
mod support;
mod torture;
mod values;

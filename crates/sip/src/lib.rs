//! SIP, sans-IO: bytes and time come in, bytes and events go out.
//!
//! * [`wire`] turns bytes into messages and back. It is the only judge of bytes: every doubt becomes a status or a counted drop.
//! * [`transaction`] repeats what is lost and absorbs what comes twice (RFC 3261 section 17, RFC 6026).
//! * [`dialog`] orders the requests of a call and owns its offers, targets and timers.

pub mod agent;
pub mod dialog;
pub mod transaction;
pub mod wire;

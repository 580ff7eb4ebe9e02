//! SIP, sans-IO: bytes and time come in, bytes and events go out.
//!
//! * [`wire`] turns bytes into messages and back. It is the only judge of bytes: every doubt becomes a status or a counted drop.
//! * [`transaction`] repeats what is lost and absorbs what comes twice (RFC 3261 section 17, RFC 6026).
//! * [`dialog`] orders the requests of a call and owns its offers, targets and timers.
//! * [`agent`] is the public face: a user agent that answers and places calls.
//!
//! Bodies are opaque here: this crate knows that a message has an offer, not what the offer says.

pub mod agent;
pub mod dialog;
pub mod transaction;
pub mod wire;

//! SIP, sans-IO: bytes and time come in, bytes and events go out.
//!
//! [`wire`] turns bytes into messages and back. It is the only judge of bytes: every doubt becomes a status or a counted drop.

pub mod wire;

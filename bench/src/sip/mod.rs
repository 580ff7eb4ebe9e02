//! A minimal SIP caller over UDP: INVITE with SDP, ACK, BYE, for as many calls as wanted from one socket. And one that takes calls.
//!
//! Source: RFC 3261, RFC 3264, RFC 4566.
//! Not implemented: proxies (Record-Route), authentication, re-INVITEs (refused with 488), TCP.

pub(crate) mod answerer;
pub(crate) mod caller;
pub(crate) mod dialog;
pub(crate) mod message;

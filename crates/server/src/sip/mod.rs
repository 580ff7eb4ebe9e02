//! SIP, through `rsipstack`, which no other module sees: what leaves this folder are events and commands of our own.
//!
//! Sources: RFC 3261 (dialogs, transactions), RFC 6026 (2xx retransmission), RFC 3311 (UPDATE), RFC 6086 (INFO).
//! Not implemented: REFER, PRACK with matching RSeq, session timers (RFC 4028), digest challenges, TLS.
//!
//! Traps of the stack that are covered here: UDP bodies cut at 8 kB are found by their Content-Length and refused;
//! `Confirmed` events never carry SDP that we read; OPTIONS inside a dialog is answered before the dialog sees it,
//! because it would leave its confirmed state; the stack's own log lines print whole messages and are kept at `error`.

mod endpoint;
mod leg;
mod request;
mod tcp;

pub(crate) use endpoint::SipEndpoint;
pub(crate) use leg::{EndedBy, Invitation, Leg, LegEvent, Refusal, Reoffer};
pub(crate) use tcp::{PER_CONNECTION, TcpLimits};

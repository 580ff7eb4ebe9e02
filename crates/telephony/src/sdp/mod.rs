//! Session descriptions: agreeing on the one audio stream of a call.
//!
//! Source: RFC 8866 (SDP), RFC 3264 (offer/answer), RFC 3551 (G.711), RFC 4733 (telephone events).

pub mod offer_answer;
pub mod session;

mod description;
mod write;

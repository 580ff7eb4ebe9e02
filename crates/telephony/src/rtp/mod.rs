//! RTP from the wire to a timeline, and from a prompt to the wire.
//!
//! Source: RFC 3550 (RTP), RFC 3551 (G.711 payloads), RFC 4733 (telephone events), RFC 3389 (comfort noise),
//! RFC 5761 (telling RTP from RTCP).

pub mod dtmf;
pub mod latch;
pub mod ledger;
pub mod packet;
pub mod payload;
pub mod rtcp;
pub mod sender;
pub mod timeline;

mod lag;
mod reorder;

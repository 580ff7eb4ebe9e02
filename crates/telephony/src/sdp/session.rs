//! The offer/answer session of one leg: what its descriptions say, from the first offer to the last.
//!
//! Source: RFC 3264; RFC 6337 for what may be offered when. When a body may be sent is SIP's to decide.

use super::offer_answer::{Codec, Direction};
use crate::rtp::payload::PayloadMap;
use std::net::SocketAddr;

/// What both sides have agreed, seen from ours: one entry per media section, in the order of the descriptions.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Agreement {
    /// The media sections; `None` is one that was refused or is of no use to us.
    pub streams: Vec<Option<StreamAgreement>>,
}

impl Agreement {
    /// The first live audio stream.
    pub fn audio(&self) -> Option<&StreamAgreement> {
        self.streams.iter().flatten().next()
    }
}

/// One audio stream of an [`Agreement`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamAgreement {
    /// Where to send audio. The address is unspecified while the peer wants nothing; see [`StreamAgreement::destination`].
    pub remote: SocketAddr,
    /// Where to send RTCP; `None` where it shares the port of the audio (RFC 5761) or is not wanted.
    pub remote_rtcp: Option<SocketAddr>,
    /// RTCP comes and goes on the port of the audio.
    pub rtcp_mux: bool,
    /// The codec to send with.
    pub codec: Codec,
    /// Payload type of telephone events, when the peer knows them.
    pub dtmf: Option<u8>,
    /// What *we* do: [`Direction::RecvOnly`] means the peer only sends, as on hold.
    pub direction: Direction,
    /// Milliseconds of audio in a packet we send.
    pub ptime_ms: u32,
    /// Everything the peer may send.
    pub payloads: PayloadMap,
    /// The label of the section (RFC 4574), which SIPREC metadata refer to.
    pub label: Option<String>,
}

impl StreamAgreement {
    /// Where to send audio; `None` while the peer does not want any.
    pub fn destination(&self) -> Option<SocketAddr> {
        (self.direction.sends() && !self.remote.ip().is_unspecified() && self.remote.port() != 0)
            .then_some(self.remote)
    }
}

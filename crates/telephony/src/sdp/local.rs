//! Our side of a session.

use std::net::{IpAddr, SocketAddr};

use super::direction::Direction;
use crate::audio::codec::AudioCodec;

/// Our side of a session: where we receive, and what we understand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalMedia {
    /// Address we receive at.
    pub addr: IpAddr,
    /// Ports we receive at: one for each audio stream that may be agreed, so that their number is the limit of streams. Where RTCP has
    /// a port of its own, it is the next one (RFC 3550 section 11).
    pub ports: Vec<u16>,
    /// Codecs we understand, best first. None at all means no call.
    pub codecs: Vec<AudioCodec>,
    /// Whose order of codecs decides.
    pub preference: Preference,
    /// What we are willing to do; the peer's wish narrows it.
    pub direction: Direction,
    /// RTCP may share the port of the audio (RFC 5761): taken up where it is offered, and offered.
    pub rtcp_mux: bool,
    /// Session id of the origin line: a number chosen once a call.
    pub session_id: u64,
    /// Version of the origin line of the first description; counted up from there.
    pub version: u64,
}

impl LocalMedia {
    /// One audio stream both ways at an address: PCMU, PCMA and G.722, as the peer prefers them.
    pub fn new(address: SocketAddr, session_id: u64) -> Self {
        Self {
            addr: address.ip(),
            ports: vec![address.port()],
            codecs: AudioCodec::ALL.to_vec(),
            preference: Preference::Offerer,
            direction: Direction::SendRecv,
            rtcp_mux: true,
            session_id,
            version: 1,
        }
    }

    /// How many audio streams may be agreed.
    pub const fn streams_max(&self) -> usize {
        self.ports.len()
    }
}

/// Whose order of codecs decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preference {
    /// The offerer's, but G.722 only where nothing else is common: all audio is 8 kHz inside, so that its wider band would be lost,
    /// and G.711 is captured as it came.
    #[default]
    Offerer,
    /// Ours, the order of [`LocalMedia::codecs`].
    Local,
}

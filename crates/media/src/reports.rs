//! The RTCP of a stream: where it comes from and goes to.

use crate::outbox::{Outbox, Port};
use std::net::{IpAddr, SocketAddr};
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::rtp::packet::{RtpHeader, RtpTimestamp, Ssrc};
use tympan_telephony::rtp::rtcp::{Rtcp, RtcpConfig};
use tympan_telephony::sdp::StreamAgreement;
use tympan_types::{Mono, WallTime};

/// The reports of one stream.
#[derive(Debug)]
pub(crate) struct Reports {
    rtcp: Rtcp,
    way: Way,
    datagram: Vec<u8>,
}

/// Where reports go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// The peer wants none.
    None,
    /// To where audio goes, from its port (RFC 5761).
    WithAudio,
    /// From a port of their own.
    Apart {
        described: SocketAddr,
        /// Where the peer's come from: another port where there is a translator between.
        heard_from: Option<SocketAddr>,
    },
}

impl Reports {
    pub(crate) fn new(now: Mono, wall: WallTime, ssrc: Ssrc, random: [u8; 20]) -> Self {
        let config = RtcpConfig { ssrc, clock_hz: AudioCodec::RTP_CLOCK_HZ, wall, random };
        Self { rtcp: Rtcp::new(now, &config), way: Way::None, datagram: Vec::new() }
    }

    /// Takes what was agreed.
    pub(crate) fn negotiate(&mut self, agreement: &StreamAgreement) {
        let way = match agreement.remote_rtcp {
            _ if agreement.rtcp_mux => Way::WithAudio,
            Some(described) => Way::Apart { described, heard_from: None },
            None => Way::None,
        };
        let is_known = matches!((self.way, way), (Way::Apart { described, .. }, Way::Apart { described: new, .. }) if described == new);
        if !is_known {
            self.way = way;
        }
    }

    /// A packet of the stream was received.
    pub(crate) fn received(&mut self, arrived: Mono, header: &RtpHeader) {
        self.rtcp.received(arrived, header);
    }

    /// A packet of ours was sent.
    pub(crate) fn sent(&mut self, now: Mono, timestamp: RtpTimestamp, payload_bytes: usize) {
        self.rtcp.sent(now, timestamp, payload_bytes);
    }

    /// Reads a report, if it is from the host that audio goes to or from the one that was described; says whether it was.
    pub(crate) fn handle(
        &mut self,
        now: Mono,
        port: Port,
        from: SocketAddr,
        remote: IpAddr,
        bytes: &[u8],
    ) -> bool {
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let is_described =
            matches!(self.way, Way::Apart { described, .. } if described.ip().to_canonical() == from.ip());
        if from.ip() != remote.to_canonical() && !is_described {
            return false;
        }
        if let Way::Apart { heard_from, .. } = &mut self.way
            && port == Port::Rtcp
        {
            *heard_from = Some(from);
        }
        self.rtcp.handle(now, bytes);
        true
    }

    /// When a report is due.
    pub(crate) fn next_deadline(&self, remote: SocketAddr) -> Option<Mono> {
        self.to(remote).map(|_| self.rtcp.next_deadline())
    }

    /// Sends the report that is due; says whether there was one.
    pub(crate) fn send_due(&mut self, now: Mono, index: usize, remote: SocketAddr, out: &mut Outbox) -> bool {
        let Some((port, to)) = self.to(remote) else { return false };
        let is_due = self.rtcp.poll(now, &mut self.datagram);
        if is_due {
            out.transmit(index, port, to, |bytes| bytes.extend_from_slice(&self.datagram));
        }
        is_due
    }

    /// Sends the last report, with a BYE; says whether there was one.
    pub(crate) fn send_last(
        &mut self,
        now: Mono,
        index: usize,
        remote: SocketAddr,
        out: &mut Outbox,
    ) -> bool {
        let Some((port, to)) = self.to(remote) else { return false };
        let ends = self.rtcp.end(now, &mut self.datagram);
        if ends {
            out.transmit(index, port, to, |bytes| bytes.extend_from_slice(&self.datagram));
        }
        ends
    }

    fn to(&self, remote: SocketAddr) -> Option<(Port, SocketAddr)> {
        let (port, to) = match self.way {
            Way::None => return None,
            Way::WithAudio => (Port::Rtp, remote),
            Way::Apart { described, heard_from } => (Port::Rtcp, heard_from.unwrap_or(described)),
        };
        (!to.ip().is_unspecified() && to.port() != 0).then_some((port, to))
    }
}

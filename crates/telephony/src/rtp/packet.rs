//! One RTP packet, as a checked view over a datagram.
//!
//! Source: RFC 3550 section 5.1. Parsing is total: padding, extensions and contributing sources are checked once,
//! here, so that no later access can fail.

use std::fmt;

use super::rtcp::is_rtcp;

/// The longest datagram that a media socket takes, 2 kB: 250 ms of G.711 with extensions and padding. One that is cut at this
/// length is not read at all.
pub const DATAGRAM_MAX_BYTES: usize = 2_048;

/// An RTP packet inside a datagram; nothing is copied.
pub struct RtpPacket<'a>(rtp_types::RtpPacket<'a>);

impl<'a> RtpPacket<'a> {
    /// Reads a datagram as RTP.
    ///
    /// Errors: [`PacketError::Rtcp`] for reports that share the port, otherwise what is wrong with the bytes.
    pub fn parse(datagram: &'a [u8]) -> Result<Self, PacketError> {
        if is_rtcp(datagram) {
            return Err(PacketError::Rtcp);
        }
        rtp_types::RtpPacket::parse(datagram).map(Self).map_err(PacketError::Malformed)
    }

    /// The fields that place the packet.
    pub fn header(&self) -> RtpHeader {
        RtpHeader {
            ssrc: Ssrc(self.0.ssrc()),
            sequence: self.0.sequence_number(),
            timestamp: RtpTimestamp(self.0.timestamp()),
            payload_type: self.0.payload_type(),
            marker: self.0.marker_bit(),
        }
    }

    /// The payload, without padding; may be empty.
    pub fn payload(&self) -> &[u8] {
        self.0.payload()
    }
}

impl fmt::Debug for RtpPacket<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The payload is someone's voice: only its length is printed.
        write!(f, "RtpPacket {{ {:?}, payload_bytes: {} }}", self.header(), self.payload().len())
    }
}

/// The fixed header fields of an RTP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RtpHeader {
    /// Synchronisation source.
    pub ssrc: Ssrc,
    /// Sequence number; wraps after 65,535.
    pub sequence: u16,
    /// Media time of the first sample.
    pub timestamp: RtpTimestamp,
    /// Payload type, 0-127.
    pub payload_type: u8,
    /// Marker bit: the first packet after a pause.
    pub marker: bool,
}

/// Identifies one sender's numbering of packets and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ssrc(pub u32);

/// Media time in an RTP header: samples at 8 kHz from a random start; wraps after 149 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RtpTimestamp(pub u32);

impl RtpTimestamp {
    /// The timestamp `samples` later.
    #[must_use]
    pub const fn plus(self, samples: u32) -> Self {
        Self(self.0.wrapping_add(samples))
    }

    /// Samples from `earlier` to this timestamp; negative when this one is the earlier, across the wrap.
    pub const fn samples_after(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0) as i32 as i64
    }
}

/// Why a datagram is not an RTP packet.
#[derive(Debug, thiserror::Error)]
pub enum PacketError {
    /// An RTCP packet on the media port: not an error of the sender, nothing to hear.
    #[error("RTCP on the media port")]
    Rtcp,
    /// Too short, wrong version, or lengths that contradict each other.
    #[error("not RTP: {0}")]
    Malformed(rtp_types::RtpParseError),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_header_and_payload() {
        let datagram = [0x80, 0x80, 0x12, 0x34, 0, 0, 0, 160, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3];
        let packet = RtpPacket::parse(&datagram).unwrap();
        assert_eq!(
            packet.header(),
            RtpHeader {
                ssrc: Ssrc(0xdead_beef),
                sequence: 0x1234,
                timestamp: RtpTimestamp(160),
                payload_type: 0,
                marker: true
            }
        );
        assert_eq!(packet.payload(), [1, 2, 3]);
    }

    #[test]
    fn leaves_out_sources_extension_and_padding() {
        let datagram = [
            0xb1, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, // P, X, one source
            9, 9, 9, 9, // contributing source
            0xbe, 0xde, 0, 1, 1, 2, 3, 4, // extension, one word
            7, 7, // payload
            0, 2, // padding
        ];
        assert_eq!(RtpPacket::parse(&datagram).unwrap().payload(), [7, 7]);
    }

    #[test]
    fn refuses_what_is_not_rtp() {
        assert!(matches!(RtpPacket::parse(&[]), Err(PacketError::Malformed(_))));
        let stun = [0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42, 0, 0, 0, 0];
        assert!(matches!(RtpPacket::parse(&stun), Err(PacketError::Malformed(_))));
        let report = [0x80, 200, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(matches!(RtpPacket::parse(&report), Err(PacketError::Rtcp)));
    }

    #[test]
    fn debug_output_holds_no_audio() {
        let datagram = [0x80, 0, 0, 1, 0, 0, 0, 160, 0, 0, 0, 1, 0xab, 0xcd];
        let text = format!("{:?}", RtpPacket::parse(&datagram).unwrap());
        assert!(text.contains("payload_bytes: 2") && !text.contains("171"), "{text}");
    }

    #[test]
    fn timestamps_compare_across_the_wrap() {
        assert_eq!(RtpTimestamp(80).samples_after(RtpTimestamp(u32::MAX - 79)), 160);
        assert_eq!(RtpTimestamp(u32::MAX - 79).samples_after(RtpTimestamp(80)), -160);
    }

    proptest! {
        #[test]
        fn any_bytes_are_parsed_or_refused(datagram in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(packet) = RtpPacket::parse(&datagram) {
                prop_assert!(packet.payload().len() + 12 <= datagram.len());
            }
        }
    }
}

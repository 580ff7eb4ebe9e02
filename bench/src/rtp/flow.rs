//! One call's packets.

use super::stamp::{PACKET_8K, Payload, Stamp};
use crate::clock::Monotonic;
use rustix::net::SocketAddrAny;
use std::net::SocketAddr;

/// The RTP of one call: a ready-made packet of which each sending changes a few fields.
///
/// Source: RFC 3550 section 5.1; payload type 0 is PCMU (RFC 3551 section 6).
#[derive(Debug)]
pub(crate) struct Flow {
    /// The call.
    pub(crate) call: u32,
    /// Where its packets go.
    pub(crate) remote: SocketAddrAny,
    packet: [u8; HEADER_BYTES + PACKET_8K],
    /// When each packet was handed to the kernel, by its sequence number.
    sent: Vec<Monotonic>,
}

impl Flow {
    /// A flow of which nothing was sent yet.
    pub(crate) fn new(call: u32, remote: SocketAddr) -> Self {
        let mut packet = [0; HEADER_BYTES + PACKET_8K];
        packet[0] = VERSION_2;
        packet[8..12].copy_from_slice(&(SSRC_BASE ^ call).to_be_bytes());
        Self { call, remote: remote.into(), packet, sent: Vec::new() }
    }

    /// Makes the next packet, leaving at `now`.
    pub(crate) fn stamp(&mut self, now: Monotonic) {
        // 2^32 packets are two and a half years.
        let sequence = self.sent.len() as u32;
        self.sent.push(now);
        let marker = if sequence == 0 { MARKER_BIT } else { 0 };
        self.packet[1] = marker | PCMU;
        self.packet[2..4].copy_from_slice(&(sequence as u16).wrapping_add(FIRST_SEQUENCE).to_be_bytes());
        let timestamp = sequence.wrapping_mul(PACKET_8K as u32).wrapping_add(FIRST_TIMESTAMP);
        self.packet[4..8].copy_from_slice(&timestamp.to_be_bytes());
        let payload: &mut Payload =
            self.packet.last_chunk_mut().expect("invariant: the packet is longer than its payload");
        Stamp { call: self.call, sequence, sent: now }.write(payload);
    }

    /// The packet that was made last.
    pub(crate) fn packet(&self) -> &[u8] {
        &self.packet
    }

    /// When each packet was sent, by its sequence number.
    pub(crate) fn into_sent(self) -> Vec<Monotonic> {
        self.sent
    }
}

const HEADER_BYTES: usize = 12;
const VERSION_2: u8 = 0x80;
const MARKER_BIT: u8 = 0x80;
const PCMU: u8 = 0;
const SSRC_BASE: u32 = 0x7e57_0000;
/// Close to their ends, so that every run of a few seconds wraps both.
const FIRST_SEQUENCE: u16 = 65_500;
const FIRST_TIMESTAMP: u32 = u32::MAX - 5_000;

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_telephony::rtp::packet::RtpPacket;

    #[test]
    fn packets_follow_each_other_also_where_their_fields_wrap() {
        let mut flow = Flow::new(3, "127.0.0.1:4000".parse().unwrap());
        let mut headers = Vec::new();
        for ms in 0..40 {
            flow.stamp(Monotonic(ms));
            let packet = RtpPacket::parse(flow.packet()).unwrap();
            let stamp = Stamp::read(packet.payload().try_into().unwrap()).unwrap();
            assert_eq!((stamp.call, stamp.sequence, stamp.sent), (3, ms as u32, Monotonic(ms)));
            headers.push(packet.header());
        }
        assert!(headers[0].marker && headers[1..].iter().all(|header| !header.marker));
        assert!(headers.iter().all(|header| header.payload_type == 0 && header.ssrc == headers[0].ssrc));
        for (one, next) in headers.iter().zip(&headers[1..]) {
            assert_eq!(next.sequence.wrapping_sub(one.sequence), 1);
            assert_eq!(next.timestamp.samples_after(one.timestamp), 160);
        }
        assert_eq!(flow.into_sent().len(), 40);
    }
}

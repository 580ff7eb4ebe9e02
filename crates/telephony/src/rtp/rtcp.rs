//! Telling RTCP from RTP on one port.
//!
//! Source: RFC 5761 section 4. RTCP packet types 192-223 occupy the second octet, where RTP has the marker bit and
//! payload types 64-95; RTP/AVP assigns none of those. Not implemented: reports are neither read nor sent.

/// Whether a datagram is RTCP: version 2 and a packet type of 192-223.
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [first, 192..=223, ..] if first >> 6 == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sender_reports_and_feedback_are_rtcp() {
        assert!(is_rtcp(&[0x80, 200, 0, 6]));
        assert!(is_rtcp(&[0x81, 205, 0, 2]));
    }

    #[test]
    fn audio_with_a_marker_bit_is_not_rtcp() {
        assert!(!is_rtcp(&[0x80, 0x80, 0, 1]));
        assert!(!is_rtcp(&[0x80, 0x80 | 101, 0, 1]));
        assert!(!is_rtcp(&[0x80]));
        assert!(!is_rtcp(&[]));
    }
}

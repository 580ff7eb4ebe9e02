//! Turns companded audio into RTP packets.
//!
//! Source: RFC 3550 section 5.1, RFC 3551 section 4.1 (marker bit at the beginning of a talkspurt).

use super::packet::{RtpTimestamp, Ssrc};

/// Numbers and stamps the packets of one outgoing stream.
///
/// The caller supplies the random beginnings RFC 3550 asks for, and the pace: a packet per frame.
#[derive(Debug)]
pub struct RtpSender {
    ssrc: Ssrc,
    sequence: u16,
    timestamp: RtpTimestamp,
    payload_type: u8,
    /// The next audio packet begins a talkspurt.
    talkspurt: bool,
}

impl RtpSender {
    /// A stream that begins with the given numbers.
    pub const fn new(ssrc: Ssrc, sequence: u16, timestamp: RtpTimestamp, payload_type: u8) -> Self {
        Self { ssrc, sequence, timestamp, payload_type, talkspurt: true }
    }

    /// Changes the audio payload type, after a re-offer.
    pub const fn set_payload_type(&mut self, payload_type: u8) {
        self.payload_type = payload_type;
    }

    /// Writes the packet of one frame (a byte a sample) into `out`, replacing what was there.
    pub fn audio_packet(&mut self, frame: &[u8], out: &mut Vec<u8>) {
        out.clear();
        self.append_audio_packet(out, |payload| payload.extend_from_slice(frame));
    }

    /// As [`Self::audio_packet`], behind what `out` holds: `write` appends the frame, and is not copied again. Gives the packet's
    /// timestamp and the bytes of its payload.
    pub fn append_audio_packet(
        &mut self,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> (RtpTimestamp, usize) {
        let marker = std::mem::take(&mut self.talkspurt);
        let timestamp = self.timestamp;
        self.append_header(self.payload_type, marker, out);
        let begin = out.len();
        write(out);
        let bytes = out.len().saturating_sub(begin);
        self.timestamp = timestamp.plus(u32::try_from(bytes).unwrap_or(u32::MAX));
        (timestamp, bytes)
    }

    /// Appends a packet of comfort noise (RFC 3389) to `out` that stands for `samples` of silence, at a level of -`level_db` dBov. The
    /// next audio packet begins a talkspurt. Gives the packet's timestamp and the bytes of its payload.
    pub fn append_comfort_noise_packet(
        &mut self,
        payload_type: u8,
        level_db: u8,
        samples: u32,
        out: &mut Vec<u8>,
    ) -> (RtpTimestamp, usize) {
        let timestamp = self.timestamp;
        self.append_header(payload_type, false, out);
        out.push(level_db & 0x7f);
        self.skip(samples);
        (timestamp, 1)
    }

    /// Lets `samples` pass without a packet: silence. The next audio packet begins a talkspurt.
    pub const fn skip(&mut self, samples: u32) {
        self.timestamp = self.timestamp.plus(samples);
        self.talkspurt = true;
    }

    /// Packets of a whole companded prompt, `frame_samples` each; the last frame may be shorter.
    pub fn audio_packets<'a>(
        &'a mut self,
        prompt: &'a [u8],
        frame_samples: usize,
    ) -> impl Iterator<Item = Vec<u8>> + 'a {
        prompt.chunks(frame_samples.max(1)).map(|frame| {
            let mut packet = Vec::with_capacity(HEADER_BYTES + frame.len());
            self.audio_packet(frame, &mut packet);
            packet
        })
    }

    /// Writes an event packet; the clock stays where the event began.
    pub(super) fn event_packet(&mut self, payload_type: u8, marker: bool, payload: &[u8], out: &mut Vec<u8>) {
        out.clear();
        self.append_header(payload_type, marker, out);
        out.extend_from_slice(payload);
    }

    fn append_header(&mut self, payload_type: u8, marker: bool, out: &mut Vec<u8>) {
        let mut header = [0; HEADER_BYTES];
        header[0] = 0x80;
        header[1] = u8::from(marker) << 7 | payload_type & 0x7f;
        header[2..4].copy_from_slice(&self.sequence.to_be_bytes());
        header[4..8].copy_from_slice(&self.timestamp.0.to_be_bytes());
        header[8..].copy_from_slice(&self.ssrc.0.to_be_bytes());
        out.extend_from_slice(&header);
        self.sequence = self.sequence.wrapping_add(1);
    }
}

const HEADER_BYTES: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::packet::RtpPacket;

    #[test]
    fn a_prompt_becomes_consecutive_packets_that_wrap() {
        let prompt: Vec<u8> = (0..400u32).map(|index| index as u8).collect();
        let mut sender = RtpSender::new(Ssrc(0x0102_0304), 65_535, RtpTimestamp(u32::MAX - 159), 8);
        let packets: Vec<_> = sender.audio_packets(&prompt, 160).collect();
        let headers: Vec<_> =
            packets.iter().map(|packet| RtpPacket::parse(packet).unwrap().header()).collect();
        assert_eq!(headers.iter().map(|header| header.sequence).collect::<Vec<_>>(), [65_535, 0, 1]);
        assert_eq!(
            headers.iter().map(|header| header.timestamp.0).collect::<Vec<_>>(),
            [u32::MAX - 159, 0, 160]
        );
        assert_eq!(headers.iter().map(|header| header.marker).collect::<Vec<_>>(), [true, false, false]);
        assert!(headers.iter().all(|header| header.ssrc == Ssrc(0x0102_0304) && header.payload_type == 8));
        let sent: Vec<u8> =
            packets.iter().flat_map(|packet| RtpPacket::parse(packet).unwrap().payload().to_vec()).collect();
        assert_eq!(sent, prompt);
    }

    #[test]
    fn comfort_noise_moves_the_clock_by_the_silence_and_speech_after_it_is_marked() {
        let mut sender = RtpSender::new(Ssrc(1), 10, RtpTimestamp(0), 0);
        let mut packet = Vec::new();
        for expected in [(11, 13, 160, false), (12, 13, 320, false), (13, 0, 480, true)] {
            if expected.1 == 13 {
                packet.clear();
                sender.append_comfort_noise_packet(13, 70, 160, &mut packet);
                assert_eq!(packet[12..], [70]);
            } else {
                sender.audio_packet(&[0xff; 160], &mut packet);
            }
            let header = RtpPacket::parse(&packet).unwrap().header();
            let seen = (header.sequence + 1, header.payload_type, header.timestamp.0 + 160, header.marker);
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_packet_stands_behind_what_was_there_and_says_what_it_is() {
        let mut sender = RtpSender::new(Ssrc(1), 10, RtpTimestamp(160), 0);
        let mut out = b"before".to_vec();
        let sent = sender.append_audio_packet(&mut out, |payload| payload.resize(payload.len() + 80, 0xff));
        assert_eq!(sent, (RtpTimestamp(160), 80));
        let begin = out.len();
        assert_eq!(sender.append_comfort_noise_packet(13, 65, 160, &mut out), (RtpTimestamp(240), 1));
        assert_eq!(out[..6], *b"before");
        let headers = [&out[6..begin], &out[begin..]].map(|packet| {
            let packet = RtpPacket::parse(packet).unwrap();
            (packet.header().sequence, packet.header().timestamp.0, packet.payload().len())
        });
        assert_eq!(headers, [(10, 160, 80), (11, 240, 1)]);
    }

    #[test]
    fn a_pause_moves_the_clock_and_not_the_numbering() {
        let mut sender = RtpSender::new(Ssrc(1), 10, RtpTimestamp(0), 0);
        let mut packet = Vec::new();
        sender.audio_packet(&[0xff; 160], &mut packet);
        sender.skip(8_000);
        sender.audio_packet(&[0xff; 160], &mut packet);
        let header = RtpPacket::parse(&packet).unwrap().header();
        assert_eq!((header.sequence, header.timestamp.0, header.marker), (11, 8_160, true));
    }
}

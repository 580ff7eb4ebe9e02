//! Telephone events: keys sent as packets of their own.
//!
//! A key is many packets with one timestamp: updates while it is held, then three with the end bit. Receiving gives
//! each key once, with its first packet. Source: RFC 4733 sections 2.3-2.5. Not implemented: redundancy (RFC 2198)
//! and events other than the sixteen keys.

use std::time::Duration;

use super::packet::{RtpHeader, RtpTimestamp, Ssrc};
use super::sender::RtpSender;
use crate::Digit;
use tympan_types::Mono;

/// The payload of one event packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPayload {
    /// Event code; 0-15 are keys.
    pub event: u8,
    /// The event is over.
    pub end: bool,
    /// Power below 0 dBm0, 0-63 dB.
    pub volume_db: u8,
    /// How long the event has lasted since the packet's timestamp, in samples.
    pub duration_samples: u16,
}

impl EventPayload {
    /// Bytes of the payload.
    pub const LENGTH: usize = 4;

    /// Reads a payload; anything after the first event is left aside. `None` when it is too short.
    pub fn parse(payload: &[u8]) -> Option<Self> {
        let &[event, flags, high, low, ..] = payload else { return None };
        Some(Self {
            event,
            end: flags & 0x80 != 0,
            volume_db: flags & 0x3f,
            duration_samples: u16::from_be_bytes([high, low]),
        })
    }

    /// The payload's bytes.
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        let [high, low] = self.duration_samples.to_be_bytes();
        [self.event, (self.end as u8) << 7 | self.volume_db & 0x3f, high, low]
    }
}

/// Gives each received key once.
#[derive(Debug, Default)]
pub struct EventReceiver {
    last: Option<LastEvent>,
}

#[derive(Debug)]
struct LastEvent {
    ssrc: Ssrc,
    timestamp: RtpTimestamp,
    payload: EventPayload,
    ended: bool,
    heard: Mono,
}

impl EventReceiver {
    /// Takes an event packet; gives the key when it is the first packet of a key press.
    pub fn handle(&mut self, arrival: Mono, header: &RtpHeader, payload: &[u8]) -> Option<Digit> {
        let payload = EventPayload::parse(payload)?;
        let digit = Digit::from_event(payload.event)?;
        match &mut self.last {
            Some(last) if last.is_of_the_past(arrival, header) => return None,
            Some(last) if last.goes_on(arrival, header, &payload) => {
                last.timestamp = header.timestamp;
                last.ended |= payload.end;
                last.payload = payload;
                last.heard = last.heard.max(arrival);
                return None;
            }
            _ => {}
        }
        self.last = Some(LastEvent {
            ssrc: header.ssrc,
            timestamp: header.timestamp,
            ended: payload.end,
            payload,
            heard: arrival,
        });
        Some(digit)
    }
}

impl LastEvent {
    /// A straggler of an event before this one. Beyond the horizon a lower timestamp is a new clock instead.
    fn is_of_the_past(&self, arrival: Mono, header: &RtpHeader) -> bool {
        self.ssrc == header.ssrc
            && header.timestamp.samples_after(self.timestamp) < 0
            && arrival.since(self.heard) < HORIZON
    }

    fn goes_on(&self, arrival: Mono, header: &RtpHeader, payload: &EventPayload) -> bool {
        if self.ssrc != header.ssrc || self.payload.event != payload.event {
            return false;
        }
        let since_begin = header.timestamp.samples_after(self.timestamp);
        if since_begin == 0 {
            // A test peer that plays one recording twice repeats its timestamps; a network does not, after a second.
            let played_again = self.ended && !payload.end && arrival.since(self.heard) >= HORIZON;
            return !played_again;
        }
        // A key held for over eight seconds continues in a new segment, which begins where the last one ended.
        let segment = i64::from(self.payload.duration_samples);
        !self.ended
            && !header.marker
            && since_begin <= segment + SEGMENT_SLACK_SAMPLES
            && segment >= SEGMENT_MIN_SAMPLES
    }
}

/// One key press on its way out, a packet per 20 ms.
///
/// The packets share one timestamp, the first has the marker bit, the last three the end bit. When it is over the
/// sender's clock stands behind the key.
#[derive(Debug)]
pub struct EventSender {
    digit: Digit,
    payload_type: u8,
    duration_samples: u16,
    sent_samples: u16,
    ends_sent: u8,
}

impl EventSender {
    /// A press of `digit` for `duration`, rounded up to whole 20 ms frames and at most 8 s.
    pub fn new(digit: Digit, payload_type: u8, duration: Duration) -> Self {
        let frames = duration.as_micros().div_ceil(20_000).clamp(1, 400) as u16;
        Self { digit, payload_type, duration_samples: frames * FRAME_SAMPLES, sent_samples: 0, ends_sent: 0 }
    }

    /// Writes the next packet into `out`, replacing what was there; `false` when all have been sent.
    ///
    /// Call it every 20 ms; the second and third end packet may follow at once.
    pub fn next_packet(&mut self, sender: &mut RtpSender, out: &mut Vec<u8>) -> bool {
        if self.ends_sent == ENDS {
            return false;
        }
        let marker = self.sent_samples == 0;
        self.sent_samples = self.duration_samples.min(self.sent_samples + FRAME_SAMPLES);
        let end = self.sent_samples == self.duration_samples;
        let payload = EventPayload {
            event: self.digit.event(),
            end,
            volume_db: VOLUME_DB,
            duration_samples: self.sent_samples,
        };
        sender.event_packet(self.payload_type, marker, &payload.to_bytes(), out);
        if end {
            self.ends_sent += 1;
            if self.ends_sent == ENDS {
                sender.skip(u32::from(self.duration_samples));
            }
        }
        true
    }
}

/// Events further apart than this by arrival are never the same, nor one a straggler of the other.
const HORIZON: Duration = Duration::from_secs(1);
/// A segment is full at 0xFFFF samples; senders cut somewhat earlier.
const SEGMENT_MIN_SAMPLES: i64 = 0x8000;
const SEGMENT_SLACK_SAMPLES: i64 = 1_600;
const FRAME_SAMPLES: u16 = 160;
const ENDS: u8 = 3;
const VOLUME_DB: u8 = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtp::packet::RtpPacket;

    fn header(timestamp: u32, marker: bool) -> RtpHeader {
        RtpHeader {
            ssrc: Ssrc(1),
            sequence: 0,
            timestamp: RtpTimestamp(timestamp),
            payload_type: 101,
            marker,
        }
    }

    fn payload(event: u8, end: bool, duration_samples: u16) -> [u8; 4] {
        EventPayload { event, end, volume_db: 10, duration_samples }.to_bytes()
    }

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    #[test]
    fn payload_reads_as_rfc_4733_figure_1_writes_it() {
        let parsed = EventPayload::parse(&[9, 0x80 | 7, 0x03, 0x20]).unwrap();
        assert_eq!(parsed, EventPayload { event: 9, end: true, volume_db: 7, duration_samples: 800 });
        assert_eq!(parsed.to_bytes(), [9, 0x87, 0x03, 0x20]);
        assert_eq!(EventPayload::parse(&[9, 0, 0]), None);
    }

    #[test]
    fn a_sent_key_is_received_once() {
        let mut sender = RtpSender::new(Ssrc(7), 100, RtpTimestamp(4_000), 0);
        let mut receiver = EventReceiver::default();
        for (press, digit) in Digit::all().enumerate() {
            let mut key = EventSender::new(digit, 101, Duration::from_millis(100));
            let (mut packet, mut count, mut digits) = (Vec::new(), 0, Vec::new());
            while key.next_packet(&mut sender, &mut packet) {
                let parsed = RtpPacket::parse(&packet).unwrap();
                assert_eq!(parsed.header().marker, count == 0);
                assert_eq!(parsed.header().timestamp, RtpTimestamp(4_000 + press as u32 * 800));
                digits.extend(receiver.handle(at(count * 20), &parsed.header(), parsed.payload()));
                count += 1;
            }
            assert_eq!((digits, count), (vec![digit], 7));
        }
    }

    #[test]
    fn the_same_key_twice_is_two_digits() {
        let mut receiver = EventReceiver::default();
        assert!(receiver.handle(at(0), &header(0, true), &payload(5, false, 160)).is_some());
        assert!(receiver.handle(at(20), &header(0, false), &payload(5, true, 320)).is_none());
        assert!(receiver.handle(at(60), &header(480, true), &payload(5, false, 160)).is_some());
    }

    #[test]
    fn a_key_whose_first_packets_were_lost_is_still_given() {
        let mut receiver = EventReceiver::default();
        assert!(receiver.handle(at(0), &header(0, false), &payload(5, true, 800)).is_some());
        assert!(receiver.handle(at(1), &header(0, false), &payload(5, true, 800)).is_none());
    }

    #[test]
    fn stragglers_of_an_earlier_key_are_ignored() {
        let mut receiver = EventReceiver::default();
        receiver.handle(at(0), &header(0, true), &payload(1, false, 160));
        assert!(receiver.handle(at(100), &header(800, true), &payload(2, false, 160)).is_some());
        assert!(receiver.handle(at(101), &header(0, false), &payload(1, true, 480)).is_none());
    }

    #[test]
    fn a_long_press_in_two_segments_is_one_digit() {
        let mut receiver = EventReceiver::default();
        assert!(receiver.handle(at(0), &header(0, true), &payload(3, false, 0xffff)).is_some());
        assert!(receiver.handle(at(8_200), &header(0xffff, false), &payload(3, false, 160)).is_none());
    }

    #[test]
    fn a_recording_played_again_is_a_new_key_press() {
        let mut receiver = EventReceiver::default();
        for start in [0, 3_000] {
            assert!(receiver.handle(at(start), &header(0, true), &payload(5, false, 160)).is_some());
            assert!(receiver.handle(at(start + 20), &header(0, false), &payload(5, true, 320)).is_none());
        }
    }

    #[test]
    fn events_that_are_not_keys_are_ignored() {
        let mut receiver = EventReceiver::default();
        assert!(receiver.handle(at(0), &header(0, true), &payload(16, false, 160)).is_none());
        assert!(receiver.handle(at(0), &header(0, true), &[]).is_none());
    }
}

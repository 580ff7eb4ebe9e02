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
///
/// A press is known by its source and timestamp. Senders differ from the RFC: they press again under the timestamp of
/// the press before, move the timestamp within a press, cut long presses into segments; networks lose first and last packets
/// and overtake. Sequence numbers tell what the sender sent later, the marker bit a new press, and arrivals whether there was
/// time for another press.
#[derive(Debug, Default)]
pub struct EventReceiver {
    last: Option<Press>,
}

/// An event packet on its way to an [`EventReceiver`].
#[derive(Clone, Copy, Debug)]
pub struct EventPacket<'a> {
    /// When it arrived.
    pub arrival: Mono,
    /// Its header.
    pub header: RtpHeader,
    /// Its payload.
    pub payload: &'a [u8],
    /// Ticks in a second of its timestamp and duration; none counts as 8,000.
    pub clock_hz: u32,
}

/// The press that was heard last.
#[derive(Clone, Copy, Debug)]
struct Press {
    ssrc: Ssrc,
    sequence: u16,
    timestamp: RtpTimestamp,
    event: u8,
    duration: u16,
    ended: bool,
    heard: Mono,
    clock_hz: u32,
}

impl EventReceiver {
    /// Takes an event packet; gives the key when it is the first packet of a key press.
    pub fn handle(&mut self, packet: &EventPacket<'_>) -> Option<Digit> {
        let payload = EventPayload::parse(packet.payload)?;
        let digit = Digit::from_event(payload.event)?;
        let Some(last) = &mut self.last else {
            self.last = Some(Press::of(packet, payload));
            return Some(digit);
        };
        if last.is_overtaken(packet) {
            // It may still be the end that the press was waiting for.
            last.ended |=
                payload.end && last.timestamp == packet.header.timestamp && last.event == payload.event;
            return None;
        }
        let goes_on = last.goes_on(packet, payload);
        let ended = payload.end || goes_on && last.ended;
        *last = Press { ended, ..Press::of(packet, payload) };
        if goes_on { None } else { Some(digit) }
    }
}

impl Press {
    fn of(packet: &EventPacket<'_>, payload: EventPayload) -> Self {
        let EventPacket { arrival, header, clock_hz, .. } = *packet;
        Self {
            ssrc: header.ssrc,
            sequence: header.sequence,
            timestamp: header.timestamp,
            event: payload.event,
            duration: payload.duration_samples,
            ended: payload.end,
            heard: arrival,
            clock_hz: if clock_hz == 0 { CLOCK_HZ } else { clock_hz },
        }
    }

    /// A packet that was sent before one that is here already, or that one again. Beyond the horizon its number means a new
    /// numbering.
    fn is_overtaken(&self, packet: &EventPacket<'_>) -> bool {
        self.ssrc == packet.header.ssrc
            && self.sequence.wrapping_sub(packet.header.sequence) < OVERTAKEN_MAX
            && packet.arrival.since(self.heard) < HORIZON
    }

    /// Whether a packet that was sent later is of the same press.
    fn goes_on(&self, packet: &EventPacket<'_>, payload: EventPayload) -> bool {
        if self.ssrc != packet.header.ssrc || self.event != payload.event {
            return false;
        }
        let quiet = packet.arrival.since(self.heard);
        let moved = packet.header.timestamp.samples_after(self.timestamp);
        let (before, now) = (i64::from(self.duration), i64::from(payload.duration_samples));
        let marker = packet.header.marker;
        if moved == 0 {
            // Under one timestamp durations grow until the press ends; what begins anew is the next press. A long one may run over.
            let again = if self.ended {
                now < before || marker && !payload.end || quiet >= HORIZON
            } else {
                now < before && (marker || before < SEGMENT_MIN) || now == before && marker && !payload.end
            };
            return !again;
        }
        if marker || moved < 0 {
            return false;
        }
        // A press longer than its duration field goes on in a new segment, which begins where the last one ended.
        let clock_hz = i64::from(self.clock_hz);
        if !self.ended && before >= SEGMENT_MIN && moved <= SEGMENT_MAX + clock_hz / SLACK_PER_SECOND {
            return quiet < HORIZON;
        }
        if now < before {
            return false;
        }
        // The timestamp moves within the press, often with its end. Another press begins a pause after this one; and after
        // packets that were lost there must have been time for it.
        let frame = clock_hz / FRAMES_PER_SECOND;
        let length = Duration::from_secs_f64(f64::from(payload.duration_samples) / f64::from(self.clock_hz));
        moved <= before + frame || moved <= now + frame && quiet < length
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

/// Packets further apart than this by arrival are of different presses, and none overtook the other.
const HORIZON: Duration = Duration::from_secs(1);
/// A packet may be overtaken by fewer than this.
const OVERTAKEN_MAX: u16 = 64;
/// A segment is full at 0xFFFF ticks; senders cut somewhat earlier.
const SEGMENT_MIN: i64 = 0x8000;
const SEGMENT_MAX: i64 = 0x1_0000;
/// The end that the last packet told may be a fifth of a second early: packets in between were lost.
const SLACK_PER_SECOND: i64 = 5;
/// Packets of a press come every 20 ms.
const FRAMES_PER_SECOND: i64 = 50;
const CLOCK_HZ: u32 = 8_000;
const FRAME_SAMPLES: u16 = 160;
const ENDS: u8 = 3;
const VOLUME_DB: u8 = 10;

#[cfg(test)]
mod tests;

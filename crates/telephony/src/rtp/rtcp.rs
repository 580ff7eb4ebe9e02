//! RTCP beside one stream: reports are sent and read.
//!
//! Source: RFC 3550 section 6; RFC 5761 section 4 (RTCP and RTP on one port), RFC 5506 (reports of reduced size are read, not
//! sent), RFC 7022 section 4.2 (canonical names). Not implemented: feedback (RFC 4585), extended reports (RFC 3611).

mod interval;
pub mod packet;
mod reception;

use std::time::Duration;

use self::interval::Interval;
use self::packet::{Compound, ReportBlock, RtcpPacket, SenderInfo, write_bye, write_cname, write_report};
pub use self::reception::Reception;
use super::packet::{RtpHeader, RtpTimestamp, Ssrc};
use tympan_types::{Mono, WallTime};

/// Whether a datagram is RTCP: version 2 and a packet type of 192-223. These occupy the second octet, where RTP has the marker
/// bit and payload types 64-95; RTP/AVP assigns none of those.
pub fn is_rtcp(datagram: &[u8]) -> bool {
    matches!(datagram, [first, 192..=223, ..] if first >> 6 == 2)
}

/// The RTCP of one stream: one participant here, one at the far end.
///
/// Shape: tell it every packet with `received` and `sent`, hand in what comes with `handle`, and call `poll` at
/// [`Rtcp::next_deadline`]. A BYE of the far end is counted and ends nothing: SIP does.
/// Units: ticks of the stream's clock; `Mono` in nanoseconds.
/// Errors: none; what cannot be read is counted. Give it only what comes from the far end: any host can forge a report.
/// Memory: some 500 bytes, whatever comes.
#[derive(Debug)]
pub struct Rtcp {
    ssrc: Ssrc,
    cname: [u8; CNAME_BYTES],
    clock_hz: u32,
    /// The wall-clock time of an instant: NTP times run from it with the monotonic clock.
    anchor: (Mono, WallTime),
    interval: Interval,
    sent: Sent,
    reception: Option<Reception>,
    /// Packets received when the last report was sent.
    reported_received: Option<(Ssrc, u64)>,
    /// The last sender report of the far end: source, middle of its NTP time, arrival.
    last_report: Option<(Ssrc, u32, Mono)>,
    stats: RtcpStats,
}

/// How the RTCP of a stream begins.
#[derive(Clone, Copy, Debug)]
pub struct RtcpConfig {
    /// The source of our packets.
    pub ssrc: Ssrc,
    /// Ticks in a second of the stream's clock; none counts as 8,000.
    pub clock_hz: u32,
    /// The wall-clock time at the beginning.
    pub wall: WallTime,
    /// For the canonical name (it tells nothing of the host) and the intervals.
    pub random: [u8; 20],
}

/// What was counted, and what the far end reported last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RtcpStats {
    /// Reports sent.
    pub reports_sent: u64,
    /// Datagrams with reports received.
    pub received: u64,
    /// Datagrams that were no RTCP.
    pub malformed: u64,
    /// How the far end receives us, by its last report.
    pub far_end: Option<FarEndReport>,
    /// Times the far end said that its source has left.
    pub byes: u64,
}

/// How the far end receives us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FarEndReport {
    /// When the report came.
    pub at: Mono,
    /// Packets lost on the way since the report before, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost on the way so far.
    pub lost: i32,
    /// Interarrival jitter in ticks of the stream's clock.
    pub jitter_ticks: u32,
    /// From here to there and back; `None` until it has answered a report of ours.
    pub round_trip: Option<Duration>,
}

/// What we have sent.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    packets: u32,
    bytes: u32,
    /// The last packet.
    last: Option<(Mono, RtpTimestamp)>,
    /// The middle of the NTP times of our last sender reports.
    reports: [Option<u32>; REPORTS_KEPT],
}

impl Rtcp {
    /// For a stream that begins at `now`.
    pub fn new(now: Mono, config: &RtcpConfig) -> Self {
        let RtcpConfig { ssrc, clock_hz, wall, random } = *config;
        let [seed @ .., _, _, _, _, _, _, _, _, _, _, _, _] = random;
        let mut cname = [0; CNAME_BYTES];
        let name = random.iter().skip(seed.len()).flat_map(|byte| [byte >> 4, byte & 0x0f]);
        for (character, nibble) in cname.iter_mut().zip(name) {
            *character = HEX[usize::from(nibble) % HEX.len()];
        }
        Self {
            ssrc,
            cname,
            clock_hz: if clock_hz == 0 { 8_000 } else { clock_hz },
            anchor: (now, wall),
            interval: Interval::new(now, u64::from_be_bytes(seed)),
            sent: Sent::default(),
            reception: None,
            reported_received: None,
            last_report: None,
            stats: RtcpStats::default(),
        }
    }

    /// A packet of the stream was received.
    pub fn received(&mut self, arrival: Mono, header: &RtpHeader) {
        match &mut self.reception {
            Some(reception) if reception.ssrc() == header.ssrc => {
                reception.count(arrival, header, self.clock_hz);
            }
            other => *other = Some(Reception::new(arrival, header)),
        }
    }

    /// A packet of ours was sent.
    pub fn sent(&mut self, now: Mono, timestamp: RtpTimestamp, payload_bytes: usize) {
        self.sent.packets = self.sent.packets.wrapping_add(1);
        self.sent.bytes = self.sent.bytes.wrapping_add(u32::try_from(payload_bytes).unwrap_or(u32::MAX));
        self.sent.last = Some((now, timestamp));
    }

    /// Reads a datagram of the far end.
    pub fn handle(&mut self, now: Mono, datagram: &[u8]) {
        let Ok(compound) = Compound::parse(datagram) else {
            self.stats.malformed += 1;
            return;
        };
        self.stats.received += 1;
        self.interval.count(datagram.len());
        for packet in compound.packets() {
            match packet {
                RtcpPacket::SenderReport { ssrc, sent, blocks } => {
                    self.last_report = Some((ssrc, middle(sent.ntp), now));
                    self.read_blocks(now, blocks.iter());
                }
                RtcpPacket::ReceiverReport { blocks, .. } => self.read_blocks(now, blocks.iter()),
                RtcpPacket::Bye(_) => self.stats.byes += 1,
                RtcpPacket::Sdes(_) | RtcpPacket::Other(_) => {}
            }
        }
    }

    /// When `poll` has something to send.
    pub const fn next_deadline(&self) -> Mono {
        self.interval.due()
    }

    /// Writes a report into `out`, replacing what was there, when one is due; `false` when none is.
    pub fn poll(&mut self, now: Mono, out: &mut Vec<u8>) -> bool {
        if !self.interval.expire(now) {
            return false;
        }
        self.write(now, out);
        self.interval.sent(now, out.len());
        true
    }

    /// Writes the last report with a BYE, when the stream ends; `false` where nothing was ever sent (section 6.3.7).
    pub fn end(&mut self, now: Mono, out: &mut Vec<u8>) -> bool {
        if self.sent.packets == 0 && self.stats.reports_sent == 0 {
            return false;
        }
        self.write(now, out);
        write_bye(self.ssrc, out);
        true
    }

    /// How the stream is received; `None` before its first packet.
    pub const fn reception(&self) -> Option<&Reception> {
        self.reception.as_ref()
    }

    /// Counters so far, and what the far end reported last.
    pub const fn stats(&self) -> &RtcpStats {
        &self.stats
    }

    fn write(&mut self, now: Mono, out: &mut Vec<u8>) {
        out.clear();
        let info = self.sender_info(now);
        if let Some(info) = info {
            self.sent.reports.rotate_right(1);
            self.sent.reports[0] = Some(middle(info.ntp));
        }
        let block = self.block(now);
        write_report(self.ssrc, info, block, out);
        write_cname(self.ssrc, &self.cname, out);
        self.stats.reports_sent += 1;
    }

    /// What we have sent; `None` where that was nothing since the report before the last (section 6.4).
    fn sender_info(&self, now: Mono) -> Option<SenderInfo> {
        let (sent_at, timestamp) = self.sent.last?;
        if self.interval.before_last().is_some_and(|before| sent_at < before) {
            return None;
        }
        let ticks = now.since(sent_at).as_nanos() * u128::from(self.clock_hz) / NANOS_PER_SECOND;
        Some(SenderInfo {
            ntp: self.ntp(now),
            timestamp: timestamp.plus(u32::try_from(ticks & u128::from(u32::MAX)).unwrap_or(0)),
            packets: self.sent.packets,
            bytes: self.sent.bytes,
        })
    }

    /// How the far end is received; `None` where nothing came since the last report.
    fn block(&mut self, now: Mono) -> Option<ReportBlock> {
        let reception = self.reception.as_mut()?;
        let heard = Some((reception.ssrc(), reception.received()));
        if std::mem::replace(&mut self.reported_received, heard) == heard {
            return None;
        }
        let last_report = self.last_report.filter(|&(ssrc, ..)| ssrc == reception.ssrc());
        Some(ReportBlock {
            ssrc: reception.ssrc(),
            fraction_lost: reception.take_fraction_lost(),
            lost: i32::try_from(reception.lost()).unwrap_or(i32::MAX),
            highest_sequence: reception.highest_sequence(),
            jitter_ticks: reception.jitter_ticks(),
            last_report: last_report.map_or(0, |(_, middle, _)| middle),
            delay: last_report.map_or(0, |(.., at)| to_short(now.since(at))),
        })
    }

    fn read_blocks(&mut self, now: Mono, blocks: impl Iterator<Item = ReportBlock>) {
        for block in blocks.filter(|block| block.ssrc == self.ssrc) {
            // Only an answer to a report of ours tells a time.
            let answers = block.last_report != 0 && self.sent.reports.contains(&Some(block.last_report));
            let ago = middle(self.ntp(now)).wrapping_sub(block.last_report);
            let round_trip = ago.checked_sub(block.delay).filter(|_| answers).map(from_short);
            let before = self.stats.far_end.and_then(|report| report.round_trip);
            self.stats.far_end = Some(FarEndReport {
                at: now,
                fraction_lost: block.fraction_lost,
                lost: block.lost,
                jitter_ticks: block.jitter_ticks,
                round_trip: round_trip.or(before),
            });
        }
    }

    /// Seconds since 1900 in 32.32 bits.
    fn ntp(&self, now: Mono) -> u64 {
        let (began, wall) = self.anchor;
        let anchor = u128::from(wall.unix_ms().max(0).unsigned_abs()) * NANOS_PER_MS;
        let nanos = anchor + now.since(began).as_nanos() + NTP_UNIX_SECONDS * NANOS_PER_SECOND;
        let fixed = (nanos << 32) / NANOS_PER_SECOND;
        // The seconds wrap in 2036, as NTP's do.
        u64::try_from(fixed & u128::from(u64::MAX)).unwrap_or(0)
    }
}

/// The middle 32 bits of an NTP time: seconds in 16.16 bits.
const fn middle(ntp: u64) -> u32 {
    let [_, _, a, b, c, d, _, _] = ntp.to_be_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// A duration in 65,536ths of a second, at most 18 hours.
fn to_short(duration: Duration) -> u32 {
    u32::try_from((duration.as_nanos() << 16) / NANOS_PER_SECOND).unwrap_or(u32::MAX)
}

fn from_short(short: u32) -> Duration {
    Duration::from_nanos((u64::from(short) * 1_000_000_000) >> 16)
}

const HEX: &[u8; 16] = b"0123456789abcdef";
/// 96 bits in hexadecimal.
const CNAME_BYTES: usize = 24;
/// Of so many reports of ours an answer is understood.
const REPORTS_KEPT: usize = 4;
const NANOS_PER_MS: u128 = 1_000_000;
const NANOS_PER_SECOND: u128 = 1_000_000_000;
/// From 1900 to 1970.
const NTP_UNIX_SECONDS: u128 = 2_208_988_800;

#[cfg(test)]
mod tests;

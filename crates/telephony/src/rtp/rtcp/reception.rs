//! How one source is received: what a report says of it.
//!
//! Source: RFC 3550 appendices A.1, A.3 and A.8. A new source or numbering begins its counts anew.

use crate::rtp::packet::{RtpHeader, RtpTimestamp, Ssrc};
use tympan_types::Mono;

/// Counts of the source that is received now.
#[derive(Clone, Debug)]
pub struct Reception {
    ssrc: Ssrc,
    first: u16,
    highest: u16,
    wraps: u32,
    received: u64,
    /// A number that fits nothing; the next one after it means a new numbering.
    suspect: Option<u16>,
    /// Expected and received at the last report.
    before: (u64, u64),
    jitter: Jitter,
}

/// Interarrival jitter, in sixteenths of a tick.
#[derive(Clone, Copy, Debug, Default)]
struct Jitter {
    sixteenths: u64,
    last: Option<(Mono, RtpTimestamp)>,
}

impl Reception {
    /// Begins with a packet.
    pub(super) fn new(arrival: Mono, header: &RtpHeader) -> Self {
        Self {
            ssrc: header.ssrc,
            first: header.sequence,
            highest: header.sequence,
            wraps: 0,
            received: 1,
            suspect: None,
            before: (0, 0),
            jitter: Jitter { sixteenths: 0, last: Some((arrival, header.timestamp)) },
        }
    }

    /// Counts a packet of this source.
    pub(super) fn count(&mut self, arrival: Mono, header: &RtpHeader, clock_hz: u32) {
        let ahead = header.sequence.wrapping_sub(self.highest);
        if ahead < DROPOUT_MAX {
            self.wraps += u32::from(header.sequence < self.highest);
            self.highest = header.sequence;
        } else if ahead <= u16::MAX - MISORDER_MAX {
            if self.suspect != Some(header.sequence) {
                self.suspect = Some(header.sequence.wrapping_add(1));
                return;
            }
            *self = Self::new(arrival, header);
            return;
        }
        self.suspect = None;
        self.received += 1;
        self.jitter.observe(arrival, header.timestamp, clock_hz);
    }

    /// The source.
    pub const fn ssrc(&self) -> Ssrc {
        self.ssrc
    }

    /// Packets that came, duplicates included.
    pub const fn received(&self) -> u64 {
        self.received
    }

    /// The highest sequence number, with the count of its wraps above it.
    pub fn highest_sequence(&self) -> u32 {
        self.wraps << 16 | u32::from(self.highest)
    }

    /// Packets that were sent, by their numbers.
    pub fn expected(&self) -> u64 {
        (u64::from(self.wraps) << 16 | u64::from(self.highest)) - u64::from(self.first) + 1
    }

    /// Packets that were sent and did not come; negative where duplicates outnumber them.
    pub fn lost(&self) -> i64 {
        i64::try_from(self.expected()).unwrap_or(i64::MAX) - i64::try_from(self.received).unwrap_or(i64::MAX)
    }

    /// Interarrival jitter in ticks of the stream's clock.
    pub fn jitter_ticks(&self) -> u32 {
        u32::try_from(self.jitter.sixteenths / 16).unwrap_or(u32::MAX)
    }

    /// The part of the packets since the last call that did not come, in 256ths.
    pub(super) fn take_fraction_lost(&mut self) -> u8 {
        let now = (self.expected(), self.received);
        let (expected_before, received_before) = std::mem::replace(&mut self.before, now);
        let expected = now.0 - expected_before;
        let lost = expected.saturating_sub(now.1 - received_before);
        (lost * 256).checked_div(expected).map_or(0, |fraction| u8::try_from(fraction).unwrap_or(u8::MAX))
    }
}

impl Jitter {
    fn observe(&mut self, arrival: Mono, timestamp: RtpTimestamp, clock_hz: u32) {
        let Some((last_arrival, last_timestamp)) = self.last.replace((arrival, timestamp)) else { return };
        let nanos = arrival.since(last_arrival).as_nanos() * u128::from(clock_hz);
        let between = i64::try_from(nanos / 1_000_000_000).unwrap_or(i64::MAX);
        let off = between.saturating_sub(timestamp.samples_after(last_timestamp)).unsigned_abs();
        // A gain of one sixteenth (A.8), for differences that are differences of one clock.
        self.sixteenths = self.sixteenths - (self.sixteenths + 8) / 16 + off.min(OFF_MAX_TICKS);
    }
}

/// As in appendix A.1: a minute of 20 ms packets.
const DROPOUT_MAX: u16 = 3_000;
const MISORDER_MAX: u16 = 100;
/// A pause of a sender whose timestamps sleep is no jitter: more than ten seconds at 8 kHz count as that.
const OFF_MAX_TICKS: u64 = 80_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn header(sequence: u16, timestamp: u32) -> RtpHeader {
        RtpHeader {
            ssrc: Ssrc(1),
            sequence,
            timestamp: RtpTimestamp(timestamp),
            payload_type: 0,
            marker: false,
        }
    }

    fn at(ms: u64) -> Mono {
        Mono::from_millis(ms)
    }

    #[test]
    fn counts_across_the_wrap_and_tells_losses() {
        let mut reception = Reception::new(at(0), &header(65_530, 0));
        for index in 1..20u16 {
            if index % 5 != 0 {
                let header = header(65_530u16.wrapping_add(index), u32::from(index) * 160);
                reception.count(at(20 * u64::from(index)), &header, 8_000);
            }
        }
        assert_eq!(reception.highest_sequence(), 1 << 16 | 13);
        assert_eq!((reception.expected(), reception.received(), reception.lost()), (20, 17, 3));
        assert_eq!(reception.take_fraction_lost(), 38);
        assert_eq!(reception.take_fraction_lost(), 0);
        assert_eq!(reception.jitter_ticks(), 0);
    }

    #[test]
    fn duplicates_make_the_loss_negative_and_no_fraction() {
        let mut reception = Reception::new(at(0), &header(9, 0));
        reception.count(at(1), &header(9, 0), 8_000);
        assert_eq!(reception.lost(), -1);
        assert_eq!(reception.take_fraction_lost(), 0);
    }

    #[test]
    fn two_numbers_in_a_row_begin_anew_and_a_lone_one_does_not() {
        let mut reception = Reception::new(at(0), &header(9, 0));
        reception.count(at(20), &header(30_000, 0), 8_000);
        reception.count(at(40), &header(10, 160), 8_000);
        assert_eq!((reception.received(), reception.highest_sequence()), (2, 10));
        reception.count(at(60), &header(30_001, 0), 8_000);
        assert_eq!(reception.received(), 2);
        reception.count(at(80), &header(30_002, 160), 8_000);
        assert_eq!((reception.received(), reception.highest_sequence()), (1, 30_002));
    }

    /// Every second packet comes 10 ms late: the differences are 80 ticks, and so is the jitter in the end.
    #[test]
    fn jitter_converges_on_the_mean_difference() {
        let mut reception = Reception::new(at(0), &header(0, 0));
        for index in 1..500u16 {
            let late_ms = u64::from(index % 2) * 10;
            reception.count(
                at(20 * u64::from(index) + late_ms),
                &header(index, u32::from(index) * 160),
                8_000,
            );
        }
        assert!((78..=81).contains(&reception.jitter_ticks()), "{}", reception.jitter_ticks());
    }
}

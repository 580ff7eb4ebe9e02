//! Whether the load was what it was meant to be. A load that was late measures itself.

use crate::report::Row;
use crate::rtp::sender::Reading;
use serde_json::json;
use std::time::Duration;

/// A sender that was later than this, for more than one packet in a hundred, was not punctual.
const LATENESS_LIMIT: Duration = Duration::from_millis(2);
/// A sender that was busier than this had no reserve.
const CPU_LIMIT_PERCENT: f64 = 85.0;
/// Packets of one call, per second.
const PACKETS_PER_CALL_S: f64 = 50.0;

/// What a sender did over a window.
#[derive(Clone, Debug)]
pub(crate) struct Punctuality {
    calls: u32,
    window: Duration,
    reading: Reading,
}

impl Punctuality {
    /// Of that many calls over that window.
    pub(crate) fn new(calls: u32, window: Duration, reading: Reading) -> Self {
        Self { calls, window, reading }
    }

    /// Packets a second that were sent.
    pub(crate) fn packets_per_s(&self) -> f64 {
        self.reading.packets as f64 / self.window.as_secs_f64()
    }

    /// Share of its core that the sender took.
    pub(crate) fn cpu_percent(&self) -> f64 {
        self.reading.cpu_ns as f64 / self.window.as_nanos() as f64 * 100.0
    }

    /// Why the result does not count; empty when it does.
    pub(crate) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        let late = self.reading.lateness.percentile(99.0);
        if late > LATENESS_LIMIT {
            doubts.push(format!("packets left {:.1} ms late (p99)", late.as_secs_f64() * 1_000.0));
        }
        if self.cpu_percent() > CPU_LIMIT_PERCENT {
            doubts.push(format!("the sender took {:.0} % of its core", self.cpu_percent()));
        }
        if self.reading.refused > 0 {
            doubts.push(format!("the kernel refused {} packets", self.reading.refused));
        }
        let wanted = f64::from(self.calls) * PACKETS_PER_CALL_S;
        if self.packets_per_s() < wanted * 0.99 {
            doubts.push(format!("{:.0} of {wanted:.0} packets a second were sent", self.packets_per_s()));
        }
        doubts
    }

    /// The columns that every result of a load has.
    pub(crate) fn columns(&self, row: Row) -> Row {
        let lateness = &self.reading.lateness;
        let doubts = self.doubts();
        let verdict = if doubts.is_empty() { "yes" } else { "NO" };
        row.number("sent pkt/s", "sent_packets_per_s", self.packets_per_s(), 0)
            .ms("late p50 ms", "send_lateness_p50_ms", lateness.percentile(50.0))
            .ms("late p99 ms", "send_lateness_p99_ms", lateness.percentile(99.0))
            .number("sender CPU %", "sender_cpu_percent", self.cpu_percent(), 0)
            .cell("valid", verdict.to_owned(), "valid", doubts.is_empty())
            .detail("doubts", json!(doubts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Monotonic;
    use crate::statistics::Histogram;

    fn doubts(packets: u64, late_ms: u64, cpu_ms: u64, refused: u64) -> usize {
        let mut lateness = Histogram::new();
        lateness.record(Duration::from_millis(late_ms));
        let reading = Reading { at: Monotonic(0), packets, refused, lateness, cpu_ns: cpu_ms * 1_000_000 };
        Punctuality::new(10, Duration::from_secs(1), reading).doubts().len()
    }

    #[test]
    fn a_punctual_sender_is_believed() {
        assert_eq!(doubts(500, 1, 300, 0), 0);
    }

    #[test]
    fn lateness_lack_of_reserve_refusals_and_a_low_rate_are_doubts() {
        assert_eq!(doubts(500, 3, 300, 0), 1);
        assert_eq!(doubts(500, 1, 900, 0), 1);
        assert_eq!(doubts(500, 1, 300, 1), 1);
        assert_eq!(doubts(400, 1, 300, 0), 1);
        assert_eq!(doubts(400, 3, 900, 1), 4);
    }
}

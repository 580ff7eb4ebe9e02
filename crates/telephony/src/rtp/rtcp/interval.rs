//! When the next report is due.
//!
//! Source: RFC 3550 sections 6.2 and 6.3 with appendix A.7, for a session of two: five seconds, by chance from half of that to one
//! and a half, and half of all that before the first report. Both members are always counted, so that a timer is reconsidered
//! by the chance of the second draw alone.

use std::time::Duration;

use tympan_types::Mono;

/// The timer of one participant.
#[derive(Debug)]
pub(super) struct Interval {
    /// State of the generator.
    dice: u64,
    due: Mono,
    /// Our last report, or the beginning; and the one before.
    last: Mono,
    before_last: Option<Mono>,
    is_first: bool,
    /// The usual length of a compound with its headers, in sixteenths of a byte.
    usual_sixteenths: u64,
}

impl Interval {
    pub(super) fn new(now: Mono, seed: u64) -> Self {
        let mut interval = Self {
            dice: seed,
            due: now,
            last: now,
            before_last: None,
            is_first: true,
            usual_sixteenths: FIRST_BYTES * 16,
        };
        interval.due = now + interval.draw();
        interval
    }

    pub(super) const fn due(&self) -> Mono {
        self.due
    }

    /// Our report before the last one, once there were two.
    pub(super) const fn before_last(&self) -> Option<Mono> {
        self.before_last
    }

    /// A compound came or went.
    pub(super) fn count(&mut self, bytes: usize) {
        let bytes = u64::from(u32::try_from(bytes).unwrap_or(u32::MAX)) + HEADER_BYTES;
        self.usual_sixteenths = self.usual_sixteenths - self.usual_sixteenths / 16 + bytes;
    }

    /// Whether a report is to be sent at `now`: the timer has expired, and a second draw agrees (6.3.6).
    pub(super) fn expire(&mut self, now: Mono) -> bool {
        if now < self.due {
            return false;
        }
        let again = self.last + self.draw();
        if again <= now {
            return true;
        }
        self.due = again;
        false
    }

    /// A report was sent.
    pub(super) fn sent(&mut self, now: Mono, bytes: usize) {
        self.count(bytes);
        self.before_last = (!self.is_first).then_some(self.last);
        self.is_first = false;
        self.last = now;
        self.due = now + self.draw();
    }

    fn draw(&mut self) -> Duration {
        let least = if self.is_first { LEAST / 2 } else { LEAST };
        let by_bandwidth = Duration::from_micros(
            MEMBERS.saturating_mul(self.usual_sixteenths / 16).saturating_mul(1_000_000) / BYTES_PER_SECOND,
        );
        // From a half to one and a half, divided by e - 1.5 for what the second draw adds.
        let chance = 0.5 + f64::from(self.roll()) / f64::from(u32::MAX);
        least.max(by_bandwidth.min(MOST)).mul_f64(chance / RECONSIDERATION)
    }

    /// The next number of SplitMix64, its upper half.
    fn roll(&mut self) -> u32 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.dice;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let [a, b, c, d, ..] = (mixed ^ (mixed >> 31)).to_be_bytes();
        u32::from_be_bytes([a, b, c, d])
    }
}

const LEAST: Duration = Duration::from_secs(5);
/// However large the compounds of the far end are.
const MOST: Duration = Duration::from_secs(30);
const RECONSIDERATION: f64 = 1.218_28;
const MEMBERS: u64 = 2;
/// A twentieth of 80 kbit/s, which G.711 takes with its headers.
const BYTES_PER_SECOND: u64 = 500;
/// IP and UDP.
const HEADER_BYTES: u64 = 28;
/// A sender report with one block, and a canonical name.
const FIRST_BYTES: u64 = 116;

#[cfg(test)]
mod tests {
    use super::*;

    /// Sends at every due time; gives the times between.
    fn play(seed: u64, reports: usize) -> Vec<Duration> {
        let (mut now, mut before) = (Mono::from_millis(1), Mono::from_millis(1));
        let mut interval = Interval::new(now, seed);
        let mut between = Vec::new();
        while between.len() < reports {
            now = interval.due();
            if interval.expire(now) {
                interval.sent(now, 80);
                between.push(now.since(before));
                before = now;
            }
        }
        between
    }

    #[test]
    fn reports_are_five_seconds_apart_on_average_and_never_in_step() {
        let between = play(7, 2_000);
        let mean = between[1..].iter().sum::<Duration>().as_secs_f64() / 1_999.0;
        assert!((4.7..5.3).contains(&mean), "{mean} s");
        let (least, most) = (between[1..].iter().min().unwrap(), between[1..].iter().max().unwrap());
        assert!(*least >= Duration::from_millis(2_050) && *most <= Duration::from_millis(6_160));
        assert!(*most - *least > Duration::from_secs(2));
        assert_ne!(between, play(8, 2_000));
    }

    #[test]
    fn the_first_report_comes_in_half_the_time() {
        for seed in 0..200 {
            let first = play(seed, 1)[0];
            assert!((1_025..=3_080).contains(&first.as_millis()), "{first:?}");
        }
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut interval = Interval::new(Mono::from_millis(1), 3);
        assert!(!interval.expire(Mono::from_nanos(interval.due().as_nanos() - 1)));
    }

    #[test]
    fn compounds_of_any_length_keep_it_within_bounds() {
        let mut interval = Interval::new(Mono::from_millis(1), 3);
        for _ in 0..1_000 {
            interval.count(usize::MAX);
        }
        interval.sent(Mono::from_millis(2), 80);
        assert!(interval.due().since(Mono::from_millis(2)) <= MOST.mul_f64(1.5 / RECONSIDERATION));
    }
}

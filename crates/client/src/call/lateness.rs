use std::time::Duration;

/// How far behind their deadlines packets were sent: a histogram of 50 us steps up to 100 ms.
#[derive(Clone, PartialEq, Eq)]
pub struct Lateness {
    steps: Vec<u64>,
    count: u64,
    max: Duration,
}

const STEP_US: u64 = 50;
const STEPS: usize = 2_000;

impl Default for Lateness {
    fn default() -> Self {
        Self { steps: vec![0; STEPS + 1], count: 0, max: Duration::ZERO }
    }
}

impl std::fmt::Debug for Lateness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Lateness {{ count: {}, p99: {:?}, max: {:?} }}",
            self.count,
            self.percentile(0.99),
            self.max
        )
    }
}

impl Lateness {
    pub(super) fn record(&mut self, late: Duration) {
        let step = usize::try_from(late.as_micros() as u64 / STEP_US).unwrap_or(STEPS).min(STEPS);
        self.steps[step] += 1;
        self.count += 1;
        self.max = self.max.max(late);
    }

    /// The lateness that `share` (0 to 1) of the packets did not exceed, rounded up to a step; zero for none.
    pub fn percentile(&self, share: f64) -> Duration {
        let wanted = (self.count as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (step, count) in self.steps.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                let upper = Duration::from_micros((step as u64 + 1) * STEP_US);
                return if step == STEPS { self.max } else { upper.min(self.max) };
            }
        }
        Duration::ZERO
    }

    /// The worst of all.
    pub fn max(&self) -> Duration {
        self.max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_step() {
        let mut lateness = Lateness::default();
        assert_eq!(lateness.percentile(0.99), Duration::ZERO);
        (0..1_000u64).for_each(|index| lateness.record(Duration::from_micros(index * 10)));
        assert_eq!(lateness.percentile(0.5), Duration::from_micros(5_000));
        assert_eq!(lateness.percentile(0.99), Duration::from_micros(9_900));
        lateness.record(Duration::from_secs(2));
        assert_eq!(
            (lateness.percentile(1.0), lateness.max()),
            (Duration::from_secs(2), Duration::from_secs(2))
        );
    }
}

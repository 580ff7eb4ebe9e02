//! A token bucket in whole numbers: the same times give the same verdicts.

use tympan_types::Mono;

/// One token.
const TOKEN: u64 = 1_000;

#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    /// In thousandths of a token: one per millisecond for each token per second.
    level: u64,
    at_ms: u64,
}

impl Bucket {
    pub(super) fn full(now: Mono, burst: u32) -> Self {
        Self { level: u64::from(burst) * TOKEN, at_ms: now.as_millis() }
    }

    /// Takes a token, or says in how many seconds (1 and more) there will be one.
    pub(super) fn take(&mut self, now: Mono, per_s: u32, burst: u32) -> Result<(), u32> {
        let now_ms = now.as_millis();
        let earned = now_ms.saturating_sub(self.at_ms).saturating_mul(u64::from(per_s));
        self.level = self.level.saturating_add(earned).min(u64::from(burst) * TOKEN);
        self.at_ms = self.at_ms.max(now_ms);
        match self.level.checked_sub(TOKEN) {
            Some(rest) => {
                self.level = rest;
                Ok(())
            }
            None => {
                let wait_ms = (TOKEN - self.level).div_ceil(u64::from(per_s.max(1)));
                Err(u32::try_from(wait_ms.div_ceil(1_000)).unwrap_or(u32::MAX).max(1))
            }
        }
    }
}

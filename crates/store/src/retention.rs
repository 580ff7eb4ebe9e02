//! Retention: a fragment expires when its server time plus its stream's retention has come. From that instant it is
//! not served, listed or found; the sweep removes its bytes soon afterwards, unless the clock that says so is in doubt
//! ([`ClockDoubt`](crate::ClockDoubt)).

use crate::StoreError;
use crate::keeper::release;
use crate::store::Core;
use std::sync::PoisonError;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SweepReport {
    /// Fragments dropped from the journal's index.
    pub fragments_dropped: u64,
    /// Chunks of which every fragment had expired.
    pub chunks_expired: u64,
    /// Chunks whose bytes were removed, for this or another reason.
    pub objects_removed: u64,
}

impl Core {
    pub(crate) fn sweep(&self) -> Result<SweepReport, StoreError> {
        let _alone = self.keeper.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.removing_now();
        let mut fragments_dropped = 0;
        for cell in self.loaded_cells() {
            let expired = cell.tail().expire(now, &self.options);
            fragments_dropped += expired.len() as u64;
            release(&*self.backend, &expired);
        }
        let removed = self.remove_all_erased();
        let report = self.backend.expire(now.wall)?;
        removed?;
        Ok(SweepReport {
            fragments_dropped,
            chunks_expired: report.chunks_expired,
            objects_removed: report.objects_removed,
        })
    }
}

//! What of a stream is served no more: what has expired, and what was erased.

use crate::{FragmentMeta, FragmentRange};
use std::sync::Arc;
use tympan_types::{FragmentNumber, ServerTime};

/// As of one moment. A durable fragment that is gone is neither shown nor listed nor found.
#[derive(Debug, Clone)]
pub(crate) struct Gone {
    /// A fragment with this server time or an earlier one has expired.
    pub(crate) expired_through: ServerTime,
    /// Ranges of which something is left somewhere; a fragment of any other erased range is in no index.
    pub(crate) erased: Arc<[FragmentRange]>,
}

impl Gone {
    /// Whether a fragment is gone.
    pub(crate) fn has(&self, meta: &FragmentMeta) -> bool {
        self.has_number(meta.number, meta.server)
    }

    /// As [`Self::has`], by what an index tells of it.
    pub(crate) fn has_number(&self, number: FragmentNumber, server: ServerTime) -> bool {
        server <= self.expired_through || is_erased(&self.erased, number)
    }
}

/// Whether a number lies in one of these ranges.
pub(crate) fn is_erased(erased: &[FragmentRange], number: FragmentNumber) -> bool {
    erased.iter().any(|range| range.contains(number))
}

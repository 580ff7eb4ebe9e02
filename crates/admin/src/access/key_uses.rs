//! How often each access key was used.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use tympan_types::WallTime;

/// Counts for the long-term access keys of the configuration, and for no others: what a sender names takes no memory. Cheap to
/// clone; every clone counts for all.
#[derive(Debug, Clone, Default)]
pub struct KeyUses(Arc<HashMap<String, Counts>>);

#[derive(Debug)]
struct Counts {
    requests: AtomicU64,
    refusals: AtomicU64,
    /// Milliseconds since 1970; [`NEVER`] before the first request.
    last_used_ms: AtomicI64,
}

const NEVER: i64 = i64::MIN;

/// What is counted of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct KeyUse {
    pub(super) last_used: Option<WallTime>,
    pub(super) requests: u64,
    pub(super) refusals: u64,
}

impl KeyUses {
    /// Counts that begin with 0, for the keys of these ids.
    pub fn new<'a>(ids: impl IntoIterator<Item = &'a str>) -> Self {
        let counts = || Counts {
            requests: AtomicU64::new(0),
            refusals: AtomicU64::new(0),
            last_used_ms: AtomicI64::new(NEVER),
        };
        Self(Arc::new(ids.into_iter().map(|id| (id.to_owned(), counts())).collect()))
    }

    /// A request that is rightly signed with a key, or with a session of it.
    pub fn count_request(&self, access_key_id: &str, at: WallTime) {
        if let Some(counts) = self.0.get(access_key_id) {
            counts.requests.fetch_add(1, Ordering::Relaxed);
            counts.last_used_ms.fetch_max(at.unix_ms(), Ordering::Relaxed);
        }
    }

    /// Such a request that was denied.
    pub fn count_refusal(&self, access_key_id: &str) {
        if let Some(counts) = self.0.get(access_key_id) {
            counts.refusals.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn of(&self, access_key_id: &str) -> KeyUse {
        let Some(counts) = self.0.get(access_key_id) else {
            return KeyUse { last_used: None, requests: 0, refusals: 0 };
        };
        let last_used_ms = counts.last_used_ms.load(Ordering::Relaxed);
        KeyUse {
            last_used: (last_used_ms != NEVER).then(|| WallTime::from_unix_ms(last_used_ms)),
            requests: counts.requests.load(Ordering::Relaxed),
            refusals: counts.refusals.load(Ordering::Relaxed),
        }
    }
}

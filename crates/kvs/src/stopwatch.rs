//! Where durations are measured from: tokio's clock, which tests may stop, or the instants that a simulation hands in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;
use tympan_types::Mono;

/// A clock for what lasts.
#[derive(Debug, Clone)]
pub(crate) enum Stopwatch {
    /// Tokio's.
    Runtime,
    /// It says what it was last told; only differences of its instants mean anything.
    Driven(Arc<Driven>),
}

#[derive(Debug)]
pub(crate) struct Driven {
    epoch: Instant,
    now_ns: AtomicU64,
}

impl Stopwatch {
    /// One that stands at 0 until its driver moves it.
    pub(crate) fn driven() -> Self {
        Self::Driven(Arc::new(Driven { epoch: Instant::now(), now_ns: AtomicU64::new(0) }))
    }

    pub(crate) fn is_driven(&self) -> bool {
        matches!(self, Self::Driven(_))
    }

    pub(crate) fn now(&self) -> Instant {
        match self {
            Self::Runtime => Instant::now(),
            Self::Driven(driven) => {
                driven.epoch + Duration::from_nanos(driven.now_ns.load(Ordering::Relaxed))
            }
        }
    }

    /// It is `now`. Never goes back; nothing to tokio's clock.
    pub(crate) fn set(&self, now: Mono) {
        if let Self::Driven(driven) = self {
            driven.now_ns.fetch_max(now.as_nanos(), Ordering::Relaxed);
        }
    }

    /// An instant as its driver counts.
    pub(crate) fn mono(&self, at: Instant) -> Mono {
        match self {
            Self::Runtime => Mono::default(),
            Self::Driven(driven) => {
                let since = at.saturating_duration_since(driven.epoch);
                Mono::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
            }
        }
    }
}

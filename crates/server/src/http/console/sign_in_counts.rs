//! Counts of sign-ins by what became of them, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// What became of an attempt to sign in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SignInOutcome {
    /// A session began.
    Accepted,
    /// The secret or the code was wrong.
    Wrong,
    /// Its source had been wrong too often.
    TooMany,
    /// Secrets are not taken over its channel.
    Exposed,
    /// It was no sign-in that the server could read, or it could not be answered then.
    Failed,
}

impl SignInOutcome {
    const ALL: [Self; 5] = [Self::Accepted, Self::Wrong, Self::TooMany, Self::Exposed, Self::Failed];

    fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Wrong => "wrong",
            Self::TooMany => "too_many",
            Self::Exposed => "exposed",
            Self::Failed => "failed",
        }
    }
}

/// The counts since the program's start.
#[derive(Debug, Default)]
pub(crate) struct SignIns([AtomicU64; SignInOutcome::ALL.len()]);

impl SignIns {
    pub(super) fn count(&self, outcome: SignInOutcome) {
        for (known, count) in SignInOutcome::ALL.iter().zip(&self.0) {
            if *known == outcome {
                count.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Each outcome by its name.
    pub(crate) fn values(&self) -> impl Iterator<Item = (&'static str, u64)> {
        SignInOutcome::ALL
            .iter()
            .zip(&self.0)
            .map(|(outcome, count)| (outcome.name(), count.load(Ordering::Relaxed)))
    }
}

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Rows that are listed by name; more are only counted.
pub(crate) const LISTED: usize = 1_000;

/// A row that this build cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its kind.
    pub kind: String,
    /// Its key; as far as that can be read.
    pub key: String,
    /// Why not.
    pub reason: Reason,
}

/// Why a row cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// Its bytes are not those that were written.
    Checksum,
    /// A later build wrote it, in this format.
    Format(u16),
    /// Its payload is not what its format says; with the parser's words.
    Payload(String),
    /// It stands on a page that does not hold together.
    Page,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checksum => f.write_str("its checksum does not fit"),
            Self::Format(format) => write!(f, "it has format {format}, which this build does not know"),
            Self::Payload(why) => write!(f, "its payload does not parse: {why}"),
            Self::Page => f.write_str("its page does not hold together"),
        }
    }
}

/// What is known of rows that cannot be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnreadableRows {
    /// Each of them once, at most 1,000.
    pub rows: Vec<Unreadable>,
    /// How many were met beside those.
    pub beside: u64,
}

/// Rows that readers met and could not read, each once.
#[derive(Default)]
pub(crate) struct Noted(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    rows: BTreeMap<(String, String), Reason>,
    beside: u64,
}

impl Noted {
    pub(crate) fn note(&self, kind: &str, key: &str, reason: Reason) {
        let mut inner = self.lock();
        let place = (kind.to_owned(), key.to_owned());
        if inner.rows.contains_key(&place) {
            return;
        }
        tracing::error!(kind, key, %reason, "a row of control.db cannot be read and is left out");
        if inner.rows.len() < LISTED {
            inner.rows.insert(place, reason);
        } else {
            inner.beside = inner.beside.saturating_add(1);
        }
    }

    pub(crate) fn forget(&self, kind: &str, key: &str) {
        self.lock().rows.remove(&(kind.to_owned(), key.to_owned()));
    }

    pub(crate) fn all(&self) -> UnreadableRows {
        let inner = self.lock();
        let rows = inner.rows.iter().map(|((kind, key), reason)| Unreadable {
            kind: kind.clone(),
            key: key.clone(),
            reason: reason.clone(),
        });
        UnreadableRows { rows: rows.collect(), beside: inner.beside }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No change here can be left half made: none of it panics.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

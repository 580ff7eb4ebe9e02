//! Statuses that take time. At AWS a stream is CREATING, UPDATING or DELETING for some seconds; here each change is
//! done at once, and a service that is told to delay says so for a while, so that clients which poll can be tried.
//!
//! Held in memory: after a restart every stream is ACTIVE. Reads no clock: `now` is given.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tympan_store::{Stream, StreamId};
use tympan_types::Mono;

/// What `Status` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Creating,
    Active,
    Updating,
    Deleting,
}

impl Status {
    /// As DescribeStream writes it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATING",
            Self::Active => "ACTIVE",
            Self::Updating => "UPDATING",
            Self::Deleting => "DELETING",
        }
    }
}

/// The changes that are not over yet.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    delay_ms: i64,
    passing: Mutex<HashMap<StreamId, Passing>>,
}

#[derive(Debug)]
struct Passing {
    status: Status,
    until: Mono,
    /// The stream as it was: the store knows nothing of it while it is DELETING.
    stream: Stream,
}

impl Lifecycle {
    /// Each change lasts so long; 0 is at once.
    pub(crate) fn new(delay_ms: i64) -> Self {
        Self { delay_ms, passing: Mutex::default() }
    }

    /// A change of `stream` begins.
    pub(crate) fn begin(&self, now: Mono, stream: &Stream, status: Status) {
        if self.delay_ms > 0 {
            let passing = Passing { status, until: now.plus_ms(self.delay_ms), stream: stream.clone() };
            self.passing(now).insert(stream.id, passing);
        }
    }

    /// Where a stream is that the store knows.
    pub(crate) fn status(&self, now: Mono, stream: StreamId) -> Status {
        if self.delay_ms == 0 {
            return Status::Active;
        }
        self.passing(now).get(&stream).map_or(Status::Active, |passing| passing.status)
    }

    /// Streams that are being deleted, of those that `wanted` wants.
    pub(crate) fn deleting(&self, now: Mono, wanted: impl Fn(&Stream) -> bool) -> Vec<Stream> {
        if self.delay_ms == 0 {
            return Vec::new();
        }
        let passing = self.passing(now);
        let deleting = passing.values().filter(|passing| passing.status == Status::Deleting);
        deleting.map(|passing| &passing.stream).filter(|stream| wanted(stream)).cloned().collect()
    }

    fn passing(&self, now: Mono) -> MutexGuard<'_, HashMap<StreamId, Passing>> {
        let mut passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        passing.retain(|_, passing| passing.until > now);
        passing
    }
}

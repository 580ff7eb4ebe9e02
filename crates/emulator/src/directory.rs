//! The streams of captures, which may run out when a rule says so: the call takes the Error branch of its Start block.

use crate::faults::Faults;
use crate::operation::operation;
use crate::rule::{Fault, Seam};
use async_trait::async_trait;
use std::sync::Arc;
use tympan_capture::{DirectoryError, NewLeasedStream, PooledStream, StreamDirectory};
use tympan_types::{StreamArn, StreamName};

/// Stands before the real directory.
pub struct FaultyDirectory {
    inner: Arc<dyn StreamDirectory>,
    faults: Faults,
}

impl FaultyDirectory {
    /// Refuses to create what the rules say, and asks `inner` for the rest.
    pub fn new(inner: Arc<dyn StreamDirectory>, faults: Faults) -> Self {
        Self { inner, faults }
    }
}

#[async_trait]
impl StreamDirectory for FaultyDirectory {
    async fn list(&self, name_prefix: &str) -> Result<Vec<StreamName>, DirectoryError> {
        self.inner.list(name_prefix).await
    }

    async fn describe(&self, name: &StreamName) -> Result<Option<PooledStream>, DirectoryError> {
        self.inner.describe(name).await
    }

    async fn create(&self, new: NewLeasedStream) -> Result<StreamArn, DirectoryError> {
        let name = new.name.to_string();
        if let Some(Fault::QuotaReached {}) = self.faults.strike(Seam::Streams, &operation(), Some(&name)) {
            let why = "a fault rule of the emulator says that the account may have no more streams";
            return Err(DirectoryError::QuotaReached(why.to_owned()));
        }
        self.inner.create(new).await
    }

    async fn set_retention(&self, stream: &StreamArn, retention_hours: u32) -> Result<(), DirectoryError> {
        self.inner.set_retention(stream, retention_hours).await
    }
}

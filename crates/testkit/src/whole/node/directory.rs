//! The streams of the account, for leases.

use async_trait::async_trait;
use tympan_capture::{DirectoryError, NewLeasedStream, PooledStream, StreamDirectory};
use tympan_store::{ErrorKind, MediaStore, NewStream, StorageTier, StoreError, StreamRef};
use tympan_types::{AccountId, Region, StreamArn, StreamName};

/// A directory over the store.
pub(crate) struct Directory {
    pub(crate) store: MediaStore,
    pub(crate) account: AccountId,
    pub(crate) region: Region,
}

#[async_trait]
impl StreamDirectory for Directory {
    async fn list(&self, name_prefix: &str) -> Result<Vec<StreamName>, DirectoryError> {
        let (account, region) = (&self.account, &self.region);
        let streams = self.store.list_streams(account, region, Some(name_prefix), None, 10_000).await;
        Ok(streams.map_err(refused)?.iter().map(|stream| stream.arn.name().clone()).collect())
    }

    async fn describe(&self, name: &StreamName) -> Result<Option<PooledStream>, DirectoryError> {
        let (account, region) = (&self.account, &self.region);
        match self.store.stream(StreamRef::Name { account, region, name }).await {
            Ok(stream) => Ok(Some(PooledStream {
                arn: stream.arn,
                key_id: stream.kms_key_id,
                retention_hours: stream.retention_hours,
            })),
            Err(error) if *error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(refused(error)),
        }
    }

    async fn create(&self, new: NewLeasedStream) -> Result<StreamArn, DirectoryError> {
        let arn = StreamArn::new(self.region.clone(), self.account.clone(), new.name, self.store.now());
        let stream = NewStream {
            arn,
            device_name: None,
            media_type: Some("audio/L16".to_owned()),
            kms_key_id: new.key_id,
            kms_key_arn: None,
            retention_hours: new.retention_hours,
            storage_tier: StorageTier::Hot,
            tags: std::collections::BTreeMap::new(),
        };
        Ok(self.store.create_stream(stream, None).await.map_err(refused)?.arn)
    }

    async fn set_retention(&self, stream: &StreamArn, retention_hours: u32) -> Result<(), DirectoryError> {
        let found = self.store.stream(StreamRef::Arn(stream)).await.map_err(refused)?;
        self.store.set_retention(found.id, None, retention_hours).await.map_err(refused)?;
        Ok(())
    }
}

fn refused(error: StoreError) -> DirectoryError {
    DirectoryError::Unavailable(error.to_string())
}

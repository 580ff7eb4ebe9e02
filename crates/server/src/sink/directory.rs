//! The streams of the account, asked of the KVS service of this process as any client would.

use async_trait::async_trait;
use serde_json::{Value, json};
use tympan_capture::{DirectoryError, NewLeasedStream, PooledStream, StreamDirectory};
use tympan_kvs::{KvsError, KvsErrorCode, KvsService, Operation};
use tympan_types::{AccountId, Caller, Region, StreamArn, StreamName};

/// A [`StreamDirectory`] over the store of this process.
pub(crate) struct LocalDirectory {
    kvs: KvsService,
    caller: Caller,
}

impl LocalDirectory {
    /// The streams of one account and region.
    pub(crate) fn new(kvs: KvsService, account: AccountId, region: Region) -> Self {
        let kvs = kvs.within_process();
        Self { kvs, caller: Caller { account, region, access_key_id: "tympan-capture".into() } }
    }

    async fn call(&self, operation: Operation, request: Value) -> Result<Value, KvsError> {
        let answer = self.kvs.call(&self.caller, operation, request.to_string().as_bytes()).await?;
        Ok(serde_json::from_slice(&answer).unwrap_or(Value::Null))
    }
}

#[async_trait]
impl StreamDirectory for LocalDirectory {
    async fn list(&self, name_prefix: &str) -> Result<Vec<StreamName>, DirectoryError> {
        let condition = json!({ "ComparisonOperator": "BEGINS_WITH", "ComparisonValue": name_prefix });
        let mut names = Vec::new();
        let mut token = Value::Null;
        loop {
            let mut request = json!({ "StreamNameCondition": condition });
            if !token.is_null() {
                request["NextToken"] = token;
            }
            let page = self.call(Operation::ListStreams, request).await.map_err(refused)?;
            let streams = page["StreamInfoList"].as_array().map(Vec::as_slice).unwrap_or_default();
            names.extend(
                streams.iter().filter_map(|stream| StreamName::parse(stream["StreamName"].as_str()?).ok()),
            );
            token = page["NextToken"].clone();
            if token.is_null() {
                return Ok(names);
            }
        }
    }

    async fn describe(&self, name: &StreamName) -> Result<Option<PooledStream>, DirectoryError> {
        let described = match self.call(Operation::DescribeStream, json!({ "StreamName": name })).await {
            Ok(described) => described,
            Err(error) if error.code() == KvsErrorCode::ResourceNotFound => return Ok(None),
            Err(error) => return Err(refused(error)),
        };
        let info = &described["StreamInfo"];
        Ok(info["StreamARN"].as_str().and_then(|arn| StreamArn::parse(arn).ok()).map(|arn| PooledStream {
            arn,
            key_id: info["KmsKeyId"].as_str().unwrap_or_default().to_owned(),
            retention_hours: retention_of(info),
        }))
    }

    async fn create(&self, new: NewLeasedStream) -> Result<StreamArn, DirectoryError> {
        let request = json!({
            "StreamName": new.name,
            "KmsKeyId": new.key_id,
            "DataRetentionInHours": new.retention_hours,
            "MediaType": "audio/L16",
        });
        let created = self.call(Operation::CreateStream, request).await.map_err(refused)?;
        let arn = created["StreamARN"].as_str().unwrap_or_default();
        StreamArn::parse(arn).map_err(|error| DirectoryError::Unavailable(error.to_string()))
    }

    async fn set_retention(&self, stream: &StreamArn, retention_hours: u32) -> Result<(), DirectoryError> {
        let described =
            self.call(Operation::DescribeStream, json!({ "StreamARN": stream })).await.map_err(refused)?;
        let info = &described["StreamInfo"];
        let now_hours = retention_of(info);
        let operation = match retention_hours.cmp(&now_hours) {
            std::cmp::Ordering::Equal => return Ok(()),
            std::cmp::Ordering::Greater => "INCREASE_DATA_RETENTION",
            std::cmp::Ordering::Less => "DECREASE_DATA_RETENTION",
        };
        let request = json!({
            "StreamARN": stream,
            "CurrentVersion": info["Version"],
            "Operation": operation,
            "DataRetentionChangeInHours": retention_hours.abs_diff(now_hours),
        });
        self.call(Operation::UpdateDataRetention, request).await.map_err(refused)?;
        Ok(())
    }
}

fn retention_of(info: &Value) -> u32 {
    info["DataRetentionInHours"].as_u64().and_then(|hours| u32::try_from(hours).ok()).unwrap_or(0)
}

fn refused(error: KvsError) -> DirectoryError {
    match error.code() {
        KvsErrorCode::AccountStreamLimitExceeded => DirectoryError::QuotaReached(error.message().to_owned()),
        _ => DirectoryError::Unavailable(error.to_string()),
    }
}

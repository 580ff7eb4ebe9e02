use super::storage_config::StorageConfig;
use crate::error::ConnectError;
use crate::instances::Instance;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Where records or recordings of an instance go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkStorage {
    /// Names this association, 64 hexadecimal digits.
    pub association_id: String,
    /// What goes there.
    pub resource: SinkResource,
    /// Where that is.
    pub sink: Sink,
    /// The token of the request that associated it.
    pub client_token: Option<String>,
}

/// What can be sent somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SinkResource {
    /// Contact records.
    ContactTraceRecords,
    /// Recordings of calls.
    CallRecordings,
    /// Events of agents.
    AgentEvents,
}

/// Where something goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sink {
    /// A data stream, by its ARN.
    KinesisStream(String),
    /// A folder of a bucket.
    S3 {
        /// The bucket.
        bucket: String,
        /// What keys begin with.
        prefix: String,
        /// The key that objects are encrypted under.
        key_id: Option<String>,
    },
}

impl SinkResource {
    /// The resource that a word of the API means, where it can be sent somewhere.
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "CONTACT_TRACE_RECORDS" => Some(Self::ContactTraceRecords),
            "CALL_RECORDINGS" => Some(Self::CallRecordings),
            "AGENT_EVENTS" => Some(Self::AgentEvents),
            _ => None,
        }
    }

    /// Checks where it is to go.
    pub(super) fn sink(self, config: StorageConfig) -> Result<Sink, ConnectError> {
        match (self, config.storage_type.as_str(), config.kinesis_stream_config, config.s3_config) {
            (Self::ContactTraceRecords | Self::AgentEvents, "KINESIS_STREAM", Some(stream), _) => {
                let arn = stream.stream_arn;
                let parts: Vec<&str> = arn.splitn(6, ':').collect();
                let is_stream = matches!(parts.as_slice(), ["arn", _, "kinesis", _, _, name] if name.starts_with("stream/"));
                match is_stream && arn.len() <= 2048 {
                    true => Ok(Sink::KinesisStream(arn)),
                    false => Err(ConnectError::parameter(
                        "KinesisStreamConfig.StreamArn must be the ARN of a data stream",
                    )),
                }
            }
            (Self::CallRecordings, "S3", _, Some(config)) => {
                let fits = |text: &str| (1..=128).contains(&text.chars().count());
                if !fits(&config.bucket_name) || !fits(&config.bucket_prefix) {
                    return Err(ConnectError::parameter(
                        "S3Config has a BucketName and a BucketPrefix to 128 characters",
                    ));
                }
                let key_id = config.encryption_config.map(|encryption| encryption.key_id);
                Ok(Sink::S3 { bucket: config.bucket_name, prefix: config.bucket_prefix, key_id })
            }
            (Self::ContactTraceRecords, ..) => Err(ConnectError::parameter(
                "CONTACT_TRACE_RECORDS go to a KINESIS_STREAM, with its KinesisStreamConfig",
            )),
            (Self::AgentEvents, ..) => Err(ConnectError::parameter(
                "AGENT_EVENTS go to a KINESIS_STREAM, with its KinesisStreamConfig",
            )),
            (Self::CallRecordings, ..) => {
                Err(ConnectError::parameter("CALL_RECORDINGS go to S3, with their S3Config"))
            }
        }
    }
}

impl Instance {
    /// Where contact records or recordings of the instance go, where that is configured.
    pub fn sink(&self, resource: SinkResource) -> Option<&Sink> {
        let storage = self.config.storage.iter().find(|storage| storage.resource == resource);
        storage.map(|storage| &storage.sink)
    }
}

impl SinkStorage {
    /// The StorageConfig of the API.
    pub(super) fn shown(&self) -> Value {
        let mut config = match &self.sink {
            Sink::KinesisStream(arn) => {
                json!({ "StorageType": "KINESIS_STREAM", "KinesisStreamConfig": { "StreamArn": arn } })
            }
            Sink::S3 { bucket, prefix, key_id } => {
                let mut config = json!({ "BucketName": bucket, "BucketPrefix": prefix });
                if let Some(key) = key_id {
                    config["EncryptionConfig"] = json!({ "EncryptionType": "KMS", "KeyId": key });
                }
                json!({ "StorageType": "S3", "S3Config": config })
            }
        };
        config["AssociationId"] = self.association_id.as_str().into();
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{Bench, text};
    use crate::error::ErrorCode;

    #[test]
    fn records_go_to_a_stream_and_recordings_to_a_bucket_until_they_are_disassociated() {
        let bench = Bench::new();
        let id = bench.instance("demo");
        let path = format!("/instance/{id}/storage-config");
        let stream = |name: &str| {
            json!({ "StorageType": "KINESIS_STREAM", "KinesisStreamConfig": {
            "StreamArn": format!("arn:aws:kinesis:us-west-2:111122223333:stream/{name}") } })
        };
        let bucket = json!({ "StorageType": "S3", "S3Config": { "BucketName": "b", "BucketPrefix": "p",
            "EncryptionConfig": { "EncryptionType": "KMS", "KeyId": "alias/k" } } });
        let associate = |resource: &str, config: &Value| {
            let body = json!({ "ResourceType": resource, "StorageConfig": config, "ClientToken": "t" });
            bench.call("PUT", &path, body).map_err(|error| error.code())
        };
        let records = text(&associate("CONTACT_TRACE_RECORDS", &stream("records")).unwrap()["AssociationId"]);
        let again = associate("CONTACT_TRACE_RECORDS", &stream("records")).unwrap();
        assert_eq!(again["AssociationId"], records, "the same request");
        assert_eq!(associate("CONTACT_TRACE_RECORDS", &stream("other")), Err(ErrorCode::ResourceConflict));
        assert_eq!(associate("CONTACT_TRACE_RECORDS", &bucket), Err(ErrorCode::InvalidParameter));
        assert_eq!(associate("AGENT_EVENTS", &bucket), Err(ErrorCode::InvalidParameter));
        associate("AGENT_EVENTS", &stream("agents")).unwrap();
        let calls = text(&associate("CALL_RECORDINGS", &bucket).unwrap()["AssociationId"]);
        let shown =
            bench.call("GET", &format!("{path}/{calls}?resourceType=CALL_RECORDINGS"), Value::Null).unwrap();
        assert_eq!(shown["StorageConfig"]["S3Config"], bucket["S3Config"]);
        let one = format!("{path}/{records}?resourceType=CONTACT_TRACE_RECORDS");
        bench.call("POST", &one, json!({ "StorageConfig": stream("changed") })).unwrap();
        let sink = || {
            let instance = bench.reopened().service.instance(id.parse().unwrap()).unwrap();
            instance.sink(SinkResource::ContactTraceRecords).cloned()
        };
        let changed = "arn:aws:kinesis:us-west-2:111122223333:stream/changed";
        assert_eq!(sink(), Some(Sink::KinesisStream(changed.to_owned())));
        bench.call("DELETE", &one, Value::Null).unwrap();
        assert_eq!((sink(), bench.refusal("GET", &one, Value::Null)), (None, ErrorCode::ResourceNotFound));
    }
}

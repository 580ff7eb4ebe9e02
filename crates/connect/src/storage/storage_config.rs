//! The StorageConfig structure of the five storage operations.
//!
//! Implemented: MEDIA_STREAMS in a KINESIS_VIDEO_STREAM, CONTACT_TRACE_RECORDS and AGENT_EVENTS in a KINESIS_STREAM, CALL_RECORDINGS in S3. Every other resource type is refused when it is
//! written, and read as not configured: what is accepted is acted on.

use super::{MediaStreamStorage, SinkResource, SinkStorage};
use crate::error::ConnectError;
use crate::instances::Instance;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StorageConfig {
    pub(super) storage_type: String,
    kinesis_video_stream_config: Option<KinesisVideoStreamConfig>,
    pub(super) kinesis_stream_config: Option<KinesisStreamConfig>,
    #[serde(rename = "S3Config")]
    pub(super) s3_config: Option<S3Config>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct KinesisStreamConfig {
    pub(super) stream_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct S3Config {
    pub(super) bucket_name: String,
    pub(super) bucket_prefix: String,
    pub(super) encryption_config: Option<EncryptionConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KinesisVideoStreamConfig {
    prefix: String,
    retention_period_hours: i64,
    encryption_config: EncryptionConfig,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EncryptionConfig {
    encryption_type: String,
    pub(super) key_id: String,
}

/// What names a storage configuration of an instance, in the operations that read or end one.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct NamedAssociation {
    pub(super) instance_id: String,
    pub(super) association_id: String,
    #[serde(rename = "resourceType")]
    resource_type: Option<String>,
}

impl NamedAssociation {
    /// The member that stands in the query.
    pub(super) const QUERY: &'static [&'static str] = &["resourceType"];

    /// What is stored by it.
    pub(super) fn stored(&self) -> Result<Stored, ConnectError> {
        stored(self.resource_type.as_deref())
    }
}

/// What a request wants stored, checked.
#[derive(PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) prefix: String,
    pub(super) retention_hours: u32,
    pub(super) key_id: String,
}

impl StorageConfig {
    /// The key that is named.
    pub(super) fn key(&self) -> Option<&str> {
        self.kinesis_video_stream_config.as_ref().map(|config| config.encryption_config.key_id.as_str())
    }

    /// Checks the structure for the MEDIA_STREAMS of an instance.
    pub(super) fn wanted(self, instance: &Instance) -> Result<Wanted, ConnectError> {
        if self.storage_type != "KINESIS_VIDEO_STREAM" {
            return Err(ConnectError::parameter("StorageType of MEDIA_STREAMS must be KINESIS_VIDEO_STREAM"));
        }
        let config = self.kinesis_video_stream_config.ok_or_else(|| {
            ConnectError::parameter("KinesisVideoStreamConfig is required with KINESIS_VIDEO_STREAM")
        })?;
        if config.encryption_config.encryption_type != "KMS" {
            return Err(ConnectError::parameter("EncryptionConfig.EncryptionType must be KMS"));
        }
        let prefix = MediaStreamStorage::undecorated(&config.prefix, &instance.alias).to_owned();
        let key_id = config.encryption_config.key_id;
        let retention_hours = MediaStreamStorage::check(&prefix, config.retention_period_hours, &key_id)
            .map_err(ConnectError::parameter)?;
        Ok(Wanted { prefix, retention_hours, key_id })
    }
}

impl Wanted {
    pub(super) fn of(storage: &MediaStreamStorage) -> Self {
        Self {
            prefix: storage.prefix.clone(),
            retention_hours: storage.retention_hours,
            key_id: storage.key_id.clone(),
        }
    }
}

/// What a resource type means here.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stored {
    MediaStreams,
    Sent(SinkResource),
    /// It can be asked for, and is not configured.
    Nothing,
}

/// What a resource type means; an error for a word the API does not have.
pub(super) fn stored(resource_type: Option<&str>) -> Result<Stored, ConnectError> {
    const TYPES: [&str; 13] = [
        "CHAT_TRANSCRIPTS",
        "CALL_RECORDINGS",
        "SCHEDULED_REPORTS",
        "MEDIA_STREAMS",
        "CONTACT_TRACE_RECORDS",
        "AGENT_EVENTS",
        "REAL_TIME_CONTACT_ANALYSIS_SEGMENTS",
        "ATTACHMENTS",
        "CONTACT_EVALUATIONS",
        "SCREEN_RECORDINGS",
        "REAL_TIME_CONTACT_ANALYSIS_CHAT_SEGMENTS",
        "REAL_TIME_CONTACT_ANALYSIS_VOICE_SEGMENTS",
        "EMAIL_MESSAGES",
    ];
    match resource_type {
        None => Err(ConnectError::request("ResourceType is required")),
        Some("MEDIA_STREAMS") => Ok(Stored::MediaStreams),
        Some(word) if TYPES.contains(&word) => {
            Ok(SinkResource::parse(word).map_or(Stored::Nothing, Stored::Sent))
        }
        Some(_) => Err(ConnectError::parameter(format!("ResourceType must be one of {}", TYPES.join(" ")))),
    }
}

/// A storage configuration that an instance has.
pub(super) enum Found<'a> {
    MediaStreams(&'a MediaStreamStorage),
    Sent(&'a SinkStorage),
}

/// The configuration of a resource type.
pub(super) fn configured(instance: &Instance, stored: Stored) -> Option<Found<'_>> {
    match stored {
        Stored::MediaStreams => instance.media_streams.as_ref().map(Found::MediaStreams),
        Stored::Sent(resource) => {
            instance.config.storage.iter().find(|storage| storage.resource == resource).map(Found::Sent)
        }
        Stored::Nothing => None,
    }
}

/// The same, where the path's association is that of the resource type.
pub(super) fn associated<'a>(
    instance: &'a Instance,
    stored: Stored,
    association_id: &str,
) -> Result<Found<'a>, ConnectError> {
    let found = configured(instance, stored).filter(|found| found.association_id() == association_id);
    found.ok_or_else(|| {
        ConnectError::not_found(format!("instance {} has no such storage association", instance.id))
    })
}

impl Found<'_> {
    pub(super) fn association_id(&self) -> &str {
        match self {
            Self::MediaStreams(storage) => &storage.association_id,
            Self::Sent(storage) => &storage.association_id,
        }
    }

    /// The StorageConfig. The prefix of media streams is shown as the service shows it: decorated with what follows it in
    /// every stream's name.
    pub(super) fn shown(&self, instance: &Instance) -> Value {
        match self {
            Self::Sent(storage) => storage.shown(),
            Self::MediaStreams(storage) => json!({
                "AssociationId": storage.association_id,
                "StorageType": "KINESIS_VIDEO_STREAM",
                "KinesisVideoStreamConfig": {
                    "Prefix": storage.stream_name_prefix(&instance.alias),
                    "RetentionPeriodHours": storage.retention_hours,
                    "EncryptionConfig": { "EncryptionType": "KMS", "KeyId": storage.key_id },
                },
            }),
        }
    }
}

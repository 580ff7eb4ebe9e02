//! The StorageConfig structure of the five storage operations.
//!
//! Implemented: MEDIA_STREAMS in a KINESIS_VIDEO_STREAM. Every other resource type is refused when it is
//! written, and read as not configured: what is accepted is acted on.

use super::MediaStreamStorage;
use crate::error::ConnectError;
use crate::instances::Instance;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StorageConfig {
    storage_type: String,
    kinesis_video_stream_config: Option<KinesisVideoStreamConfig>,
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
struct EncryptionConfig {
    encryption_type: String,
    key_id: String,
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

/// Whether a resource type is the one that can be configured here; an error for a word the API does not have.
pub(super) fn is_media_streams(resource_type: Option<&str>) -> Result<bool, ConnectError> {
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
        Some(word) if TYPES.contains(&word) => Ok(word == "MEDIA_STREAMS"),
        Some(_) => Err(ConnectError::parameter(format!("ResourceType must be one of {}", TYPES.join(" ")))),
    }
}

/// The media streams of an instance, where the path's association is theirs.
pub(super) fn associated<'a>(
    instance: &'a Instance,
    media_streams: bool,
    association_id: &str,
) -> Result<&'a MediaStreamStorage, ConnectError> {
    let storage = instance.media_streams.as_ref().filter(|_| media_streams);
    storage.filter(|storage| storage.association_id == association_id).ok_or_else(|| {
        ConnectError::not_found(format!("instance {} has no such storage association", instance.id))
    })
}

/// The StorageConfig of an instance's media streams. The prefix is shown as the service shows it: decorated
/// with what follows it in every stream's name.
pub(super) fn shown(instance: &Instance, storage: &MediaStreamStorage) -> Value {
    json!({
        "AssociationId": storage.association_id,
        "StorageType": "KINESIS_VIDEO_STREAM",
        "KinesisVideoStreamConfig": {
            "Prefix": storage.stream_name_prefix(&instance.alias),
            "RetentionPeriodHours": storage.retention_hours,
            "EncryptionConfig": { "EncryptionType": "KMS", "KeyId": storage.key_id },
        },
    })
}

//! `StreamInfo`, the shape in which streams are described.

use crate::lifecycle::Status;
use crate::version;
use serde::Serialize;
use tympan_store::Stream;

/// A stream as DescribeStream and ListStreams show it.
///
/// Shape: members in the service's own order, absent ones as null; `CreationTime` in seconds with a fraction.
/// Source: responses in public logs of the C producer SDK.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct StreamInfo {
    creation_time: f64,
    data_retention_in_hours: u32,
    device_name: Option<String>,
    kms_key_id: String,
    media_type: Option<String>,
    status: &'static str,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_name: String,
    version: String,
}

impl StreamInfo {
    /// A stream that is in some status.
    pub(super) fn new(stream: Stream, status: Status) -> Self {
        Self {
            creation_time: stream.arn.created().unix_ms() as f64 / 1000.0,
            data_retention_in_hours: stream.retention_hours,
            device_name: stream.device_name,
            kms_key_id: stream.kms_key_id,
            media_type: stream.media_type,
            status: status.name(),
            stream_arn: stream.arn.text(),
            stream_name: stream.arn.name().to_string(),
            version: version::print(stream.version),
        }
    }
}

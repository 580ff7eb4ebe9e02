//! The operations on streams themselves.

use super::{Kvs, StreamRef, read};
use crate::ClientError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tympan_types::{StreamArn, StreamName, WallTime};

/// A stream, as `DescribeStream` and `ListStreams` tell of it; it serialises under the names that they use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct StreamInfo {
    /// The device that feeds it; nobody uses this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// The name.
    pub stream_name: StreamName,
    /// The ARN.
    #[serde(rename = "StreamARN")]
    pub stream_arn: StreamArn,
    /// Such as `audio/L16`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// The key that its media is encrypted under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// Changes with every change of the stream.
    #[serde(default)]
    pub version: String,
    /// `CREATING`, `ACTIVE`, `UPDATING` or `DELETING`.
    pub status: String,
    /// Epoch seconds, with a fraction.
    pub creation_time: f64,
    /// How long media is kept. Units: hours.
    pub data_retention_in_hours: u32,
}

impl StreamInfo {
    /// When it was created.
    pub fn created(&self) -> WallTime {
        wall_time(self.creation_time)
    }
}

/// A stream to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStream {
    /// The name.
    pub name: StreamName,
    /// Such as `audio/L16`; the service accepts no parameters in it.
    pub media_type: String,
    /// How long media is kept. Units: hours; 0 keeps nothing.
    pub retention_hours: u32,
}

impl Kvs {
    /// `DescribeStream`.
    pub async fn describe_stream(&self, stream: &StreamRef) -> Result<StreamInfo, ClientError> {
        let answer =
            self.control("DescribeStream", "/describeStream", &Value::Object(stream.members())).await?;
        read("DescribeStream", answer["StreamInfo"].clone())
    }

    /// `ListStreams`, page after page to the end; `prefix` is what the names begin with.
    pub async fn list_streams(&self, prefix: Option<&str>) -> Result<Vec<StreamInfo>, ClientError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Page {
            stream_info_list: Vec<StreamInfo>,
            next_token: Option<String>,
        }
        let mut streams = Vec::new();
        let mut request = json!({ "MaxResults": 1_000 });
        if let Some(prefix) = prefix {
            request["StreamNameCondition"] =
                json!({ "ComparisonOperator": "BEGINS_WITH", "ComparisonValue": prefix });
        }
        loop {
            let page: Page =
                read("ListStreams", self.control("ListStreams", "/listStreams", &request).await?)?;
            streams.extend(page.stream_info_list);
            match page.next_token {
                Some(token) => request["NextToken"] = json!(token),
                None => return Ok(streams),
            }
        }
    }

    /// `CreateStream`.
    pub async fn create_stream(&self, stream: &NewStream) -> Result<StreamArn, ClientError> {
        let request = json!({
            "StreamName": stream.name,
            "MediaType": stream.media_type,
            "DataRetentionInHours": stream.retention_hours,
        });
        let answer = self.control("CreateStream", "/createStream", &request).await?;
        read("CreateStream", answer["StreamARN"].clone())
    }
}

/// From epoch seconds with a fraction, as JSON carries times.
pub(super) fn wall_time(epoch_seconds: f64) -> WallTime {
    // A float to int cast saturates.
    WallTime::from_unix_ms((epoch_seconds * 1_000.0).round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_reads_and_writes_as_the_service_names_its_members() {
        let answer = json!({
            "DeviceName": null,
            "StreamName": "demo",
            "StreamARN": "arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo/1598784211076",
            "MediaType": "audio/L16",
            "KmsKeyId": "alias/aws/kinesisvideo",
            "Version": "abc",
            "Status": "ACTIVE",
            "CreationTime": 1598784211.076,
            "DataRetentionInHours": 24,
        });
        let info: StreamInfo = read("DescribeStream", answer.clone()).unwrap();
        assert_eq!(info.created().unix_ms(), 1_598_784_211_076);
        let mut written = serde_json::to_value(&info).unwrap();
        written["DeviceName"] = Value::Null;
        assert_eq!(written, answer);
    }

    #[test]
    fn an_answer_without_what_is_needed_is_an_error_and_no_panic() {
        let error = read::<StreamInfo>("DescribeStream", json!({ "StreamName": "demo" })).unwrap_err();
        assert!(error.to_string().starts_with("the answer to DescribeStream: missing field"), "{error}");
    }
}

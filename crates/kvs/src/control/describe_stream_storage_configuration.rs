use super::storage_configuration::StreamStorageConfiguration;
use crate::service::StreamMembers;
use crate::{KvsError, KvsService, constraint};
use serde::Serialize;
use tympan_types::Caller;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStreamStorageConfigurationResponse {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_storage_configuration: StreamStorageConfiguration,
}

/// Shows a stream's storage tier.
pub(crate) async fn describe_stream_storage_configuration(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<DescribeStreamStorageConfigurationResponse, KvsError> {
    let request: StreamMembers = constraint::request(body)?;
    let stream = service.stream(caller, &request.identity()?).await?;
    Ok(DescribeStreamStorageConfigurationResponse {
        stream_name: stream.arn.name().to_string(),
        stream_arn: stream.arn.to_string(),
        stream_storage_configuration: stream.storage_tier.into(),
    })
}

use super::storage_configuration::StreamStorageConfiguration;
use crate::service::StreamMembers;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService};
use serde::Serialize;
use tympan_aws::{Cx, Operation, Output};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStreamStorageConfigurationResponse {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    stream_storage_configuration: StreamStorageConfiguration,
}

/// Shows a stream's storage tier.
pub(crate) struct DescribeStreamStorageConfiguration;

impl Operation for DescribeStreamStorageConfiguration {
    type Service = KvsService;
    type Input = StreamMembers;
    type Target = StreamTarget;
    const NAME: &'static str = "DescribeStreamStorageConfiguration";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &StreamMembers) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_members(cx, input).await)
    }

    async fn call(
        _: &Cx<'_, KvsService>,
        _: StreamMembers,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let stream = target.stream()?;
        Ok(Output::json(&DescribeStreamStorageConfigurationResponse {
            stream_name: stream.arn.name().to_string(),
            stream_arn: stream.arn.to_string(),
            stream_storage_configuration: stream.storage_tier.into(),
        }))
    }
}

use super::stream_info::StreamInfo;
use crate::service::StreamMembers;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService};
use serde::Serialize;
use tympan_aws::{Cx, Operation, Output};

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStreamResponse {
    stream_info: StreamInfo,
}

/// Describes a stream by name or ARN. A 404 is what makes the C producer SDK create the stream.
pub(crate) struct DescribeStream;

impl Operation for DescribeStream {
    type Service = KvsService;
    type Input = StreamMembers;
    type Target = StreamTarget;
    const NAME: &'static str = "DescribeStream";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &StreamMembers) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_members(cx, input).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        _: StreamMembers,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let (stream, status) = target.described_stream(cx)?;
        Ok(Output::json(&DescribeStreamResponse { stream_info: StreamInfo::new(stream, status) }))
    }
}

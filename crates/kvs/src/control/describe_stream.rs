use super::stream_info::StreamInfo;
use crate::service::StreamMembers;
use crate::{KvsError, KvsService, constraint};
use serde::Serialize;
use tympan_types::Caller;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct DescribeStreamResponse {
    stream_info: StreamInfo,
}

/// Describes a stream by name or ARN. A 404 is what makes the C producer SDK create the stream.
pub(crate) async fn describe_stream(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<DescribeStreamResponse, KvsError> {
    let request: StreamMembers = constraint::request(body)?;
    let (stream, status) = service.described_stream(caller, &request.identity()?).await?;
    Ok(DescribeStreamResponse { stream_info: StreamInfo::new(stream, status) })
}

use super::Empty;
use crate::lifecycle::Status;
use crate::{KvsError, KvsService, StreamIdentity, constraint, version};
use serde::Deserialize;
use tympan_store::StreamRef;
use tympan_types::Caller;

#[derive(Debug, Deserialize)]
struct DeleteStreamRequest {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "CurrentVersion")]
    current_version: Option<String>,
}

/// Deletes a stream and its media, by ARN only: at once, also where it is said to be DELETING for a while. Without a version whatever is there is deleted.
pub(crate) async fn delete_stream(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<Empty, KvsError> {
    let request: DeleteStreamRequest = constraint::request(body)?;
    let arn = constraint::required(request.stream_arn.as_deref(), "streamARN")?;
    let arn = constraint::stream_arn(arn, "streamARN")?;
    let stream = service.changeable_stream(caller, &StreamIdentity::Arn(arn)).await?;
    let version = request.current_version.as_deref().map(version::parse).transpose()?;
    service.store().delete_stream(StreamRef::Arn(&stream.arn), version).await?;
    service.passes_through(&stream, Status::Deleting);
    tracing::info!(stream_arn = %stream.arn, "stream deleted");
    Ok(Empty {})
}

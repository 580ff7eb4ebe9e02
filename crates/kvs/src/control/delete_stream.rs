use crate::lifecycle::Status;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint, version};
use serde::Deserialize;
use tympan_aws::{Cx, Operation, Output};
use tympan_store::StreamRef;

#[derive(Debug, Deserialize)]
pub(crate) struct DeleteStreamRequest {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "CurrentVersion")]
    current_version: Option<String>,
}

/// Deletes a stream and its media, by ARN only: at once, also where it is said to be DELETING for a while. Without a version whatever is there is deleted.
pub(crate) struct DeleteStream;

impl Operation for DeleteStream {
    type Service = KvsService;
    type Input = DeleteStreamRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "DeleteStream";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &DeleteStreamRequest) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of(cx, None, input.stream_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: DeleteStreamRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        let arn = constraint::required(request.stream_arn.as_deref(), "streamARN")?;
        constraint::stream_arn(arn, "streamARN")?;
        let stream = target.changeable_stream(cx)?;
        let version = request.current_version.as_deref().map(version::parse).transpose()?;
        service.store().delete_stream(StreamRef::Arn(&stream.arn), version).await?;
        service.passes_through(&stream, Status::Deleting);
        tracing::info!(stream_arn = %stream.arn, "stream deleted");
        Ok(Output::empty_object())
    }
}

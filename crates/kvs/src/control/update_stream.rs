use crate::lifecycle::Status;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint, version};
use serde::Deserialize;
use tympan_aws::{Cx, Operation, Output};

#[derive(Debug, Deserialize)]
pub(crate) struct UpdateStreamRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "CurrentVersion")]
    current_version: Option<String>,
    #[serde(rename = "DeviceName")]
    device_name: Option<String>,
    #[serde(rename = "MediaType")]
    media_type: Option<String>,
}

/// Changes device name and media type, where given.
pub(crate) struct UpdateStream;

impl Operation for UpdateStream {
    type Service = KvsService;
    type Input = UpdateStreamRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "UpdateStream";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &UpdateStreamRequest) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: UpdateStreamRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        let current_version = constraint::required(request.current_version.as_deref(), "currentVersion")?;
        request.device_name.as_deref().map(constraint::device_name).transpose()?;
        request.media_type.as_deref().map(constraint::media_type).transpose()?;
        target.identity()?;
        let stream = target.changeable_stream(cx)?;
        let version = version::parse(current_version)?;
        let details = (request.device_name, request.media_type);
        let changed = service.store().set_details(stream.id, Some(version), details.0, details.1).await?;
        service.passes_through(&changed, Status::Updating);
        Ok(Output::empty_object())
    }
}

use super::Empty;
use crate::lifecycle::Status;
use crate::{KvsError, KvsService, StreamIdentity, constraint, version};
use serde::Deserialize;
use tympan_types::Caller;

#[derive(Debug, Deserialize)]
struct UpdateStreamRequest {
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
pub(crate) async fn update_stream(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<Empty, KvsError> {
    let request: UpdateStreamRequest = constraint::request(body)?;
    let current_version = constraint::required(request.current_version.as_deref(), "currentVersion")?;
    request.device_name.as_deref().map(constraint::device_name).transpose()?;
    request.media_type.as_deref().map(constraint::media_type).transpose()?;
    let identity =
        StreamIdentity::from_members(request.stream_name.as_deref(), request.stream_arn.as_deref())?;
    let stream = service.changeable_stream(caller, &identity).await?;
    let version = version::parse(current_version)?;
    let details = (request.device_name, request.media_type);
    let changed = service.store().set_details(stream.id, Some(version), details.0, details.1).await?;
    service.passes_through(&changed, Status::Updating);
    Ok(Empty {})
}

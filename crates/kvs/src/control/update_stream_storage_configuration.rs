use super::Empty;
use super::storage_configuration::StreamStorageConfiguration;
use crate::lifecycle::Status;
use crate::service::StreamMembers;
use crate::{KvsError, KvsService, constraint, version};
use serde::Deserialize;
use tympan_types::Caller;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateStreamStorageConfigurationRequest {
    #[serde(flatten)]
    stream: StreamMembers,
    current_version: Option<String>,
    stream_storage_configuration: Option<StreamStorageConfiguration>,
}

/// Changes a stream's storage tier.
pub(crate) async fn update_stream_storage_configuration(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<Empty, KvsError> {
    let request: UpdateStreamStorageConfigurationRequest = constraint::request(body)?;
    let current_version = constraint::required(request.current_version.as_deref(), "currentVersion")?;
    let member = "streamStorageConfiguration";
    let tier = constraint::required(request.stream_storage_configuration.as_ref(), member)?.tier()?;
    let stream = service.changeable_stream(caller, &request.stream.identity()?).await?;
    let version = version::parse(current_version)?;
    let changed = service.store().set_storage_tier(stream.id, Some(version), tier).await?;
    service.passes_through(&changed, Status::Updating);
    Ok(Empty {})
}

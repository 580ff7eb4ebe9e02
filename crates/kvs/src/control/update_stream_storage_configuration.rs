use super::storage_configuration::StreamStorageConfiguration;
use crate::lifecycle::Status;
use crate::service::StreamMembers;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint, version};
use serde::Deserialize;
use tympan_aws::{Cx, Operation, Output};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateStreamStorageConfigurationRequest {
    #[serde(flatten)]
    stream: StreamMembers,
    current_version: Option<String>,
    stream_storage_configuration: Option<StreamStorageConfiguration>,
}

/// Changes a stream's storage tier.
pub(crate) struct UpdateStreamStorageConfiguration;

impl Operation for UpdateStreamStorageConfiguration {
    type Service = KvsService;
    type Input = UpdateStreamStorageConfigurationRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "UpdateStreamStorageConfiguration";

    async fn resolve(
        cx: &Cx<'_, KvsService>,
        input: &UpdateStreamStorageConfigurationRequest,
    ) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_members(cx, &input.stream).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: UpdateStreamStorageConfigurationRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        let current_version = constraint::required(request.current_version.as_deref(), "currentVersion")?;
        let member = "streamStorageConfiguration";
        let tier = constraint::required(request.stream_storage_configuration.as_ref(), member)?.tier()?;
        let stream = target.changeable_stream(cx)?;
        let version = version::parse(current_version)?;
        let changed = service.store().set_storage_tier(stream.id, Some(version), tier).await?;
        service.passes_through(&changed, Status::Updating);
        Ok(Output::empty_object())
    }
}

use crate::lifecycle::Status;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint, version};
use serde::Deserialize;
use tympan_aws::{Cx, Operation, Output};

#[derive(Debug, Deserialize)]
pub(crate) struct UpdateDataRetentionRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "CurrentVersion")]
    current_version: Option<String>,
    #[serde(rename = "Operation")]
    operation: Option<String>,
    #[serde(rename = "DataRetentionChangeInHours")]
    change_hours: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Increase,
    Decrease,
}

/// Lengthens or shortens a stream's retention; what a shorter one does not cover is gone at once.
pub(crate) struct UpdateDataRetention;

impl Operation for UpdateDataRetention {
    type Service = KvsService;
    type Input = UpdateDataRetentionRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "UpdateDataRetention";

    async fn resolve(
        cx: &Cx<'_, KvsService>,
        input: &UpdateDataRetentionRequest,
    ) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: UpdateDataRetentionRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        let current_version = constraint::required(request.current_version.as_deref(), "currentVersion")?;
        let operation = constraint::required(request.operation.as_deref(), "operation")?;
        let directions = [
            ("INCREASE_DATA_RETENTION", Direction::Increase),
            ("DECREASE_DATA_RETENTION", Direction::Decrease),
        ];
        let direction = constraint::one_of(operation, "operation", &directions)?;
        let change = constraint::required(request.change_hours, "dataRetentionChangeInHours")?;
        let change = constraint::range(change, "dataRetentionChangeInHours", 1, i64::from(u32::MAX))?;
        target.identity()?;

        let stream = target.changeable_stream(cx)?;
        let version = version::parse(current_version)?;
        let most = service.limits().retention_hours;
        let hours = match direction {
            Direction::Increase => i64::from(stream.retention_hours) + change,
            Direction::Decrease => i64::from(stream.retention_hours) - change,
        };
        let hours = u32::try_from(hours).ok().filter(|hours| *hours <= most).ok_or_else(|| {
            KvsError::invalid(format!(
                "The data retention would be {hours} hours; it must be between 0 and {most}."
            ))
        })?;
        let changed = service.store().set_retention(stream.id, Some(version), hours).await?;
        service.passes_through(&changed, Status::Updating);
        tracing::info!(stream_arn = %stream.arn, retention_hours = hours, "data retention changed");
        Ok(Output::empty_object())
    }
}

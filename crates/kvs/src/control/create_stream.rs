use super::storage_configuration::StreamStorageConfiguration;
use crate::lifecycle::Status;
use crate::target::StreamTarget;
use crate::{KvsError, KvsErrorCode, KvsService, constraint};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tympan_aws::{Cx, Operation, Output};
use tympan_store::NewStream;
use tympan_types::StreamArn;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateStreamRequest {
    stream_name: Option<String>,
    device_name: Option<String>,
    media_type: Option<String>,
    kms_key_id: Option<String>,
    data_retention_in_hours: Option<i64>,
    tags: Option<BTreeMap<String, String>>,
    stream_storage_configuration: Option<StreamStorageConfiguration>,
}

#[derive(Debug, Serialize)]
pub(crate) struct CreateStreamResponse {
    #[serde(rename = "StreamARN")]
    stream_arn: String,
}

/// Creates a stream, which is ACTIVE at once unless statuses are delayed: the C producer SDK sends PutMedia without another DescribeStream.
pub(crate) struct CreateStream;

impl Operation for CreateStream {
    type Service = KvsService;
    type Input = CreateStreamRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "CreateStream";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &CreateStreamRequest) -> Result<StreamTarget, KvsError> {
        StreamTarget::to_create(cx, input.stream_name.as_deref(), input.kms_key_id.as_deref()).await
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: CreateStreamRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let (service, caller) = (cx.service, cx.caller);
        constraint::required(request.stream_name.as_deref(), "streamName")?;
        let name = target.identity()?.name().clone();
        request.device_name.as_deref().map(constraint::device_name).transpose()?;
        request.media_type.as_deref().map(constraint::media_type).transpose()?;
        request.kms_key_id.as_deref().map(constraint::kms_key_id).transpose()?;
        let most_hours = service.limits().retention_hours;
        let hours = request.data_retention_in_hours.unwrap_or(0);
        let hours = constraint::range(hours, "dataRetentionInHours", 0, i64::from(most_hours))?;
        let tier = request.stream_storage_configuration.as_ref().map(StreamStorageConfiguration::tier);
        let storage_tier = tier.transpose()?.unwrap_or_default();
        let tags = request.tags.unwrap_or_default();
        constraint::tags(&tags)?;
        if tags.len() > service.limits().stream_tags {
            return Err(too_many_tags(service.limits().stream_tags));
        }

        let granted = target.key_arn().map(ToOwned::to_owned);
        let key = match request.kms_key_id {
            Some(key) if key != constraint::DEFAULT_KEY => key,
            _ => format!("arn:aws:kms:{}:{}:alias/aws/kinesisvideo", caller.region, caller.account),
        };
        if !service.deleting_streams(caller, |stream| *stream.arn.name() == name).is_empty() {
            return Err(KvsError::new(
                KvsErrorCode::ResourceInUse,
                "A stream of this name is being deleted.",
            ));
        }
        let stream = NewStream {
            arn: StreamArn::new(caller.region.clone(), caller.account.clone(), name, cx.now),
            device_name: request.device_name,
            media_type: request.media_type,
            kms_key_id: key,
            // The key that the policies were asked about, wherever the alias points by now.
            kms_key_arn: granted,
            retention_hours: u32::try_from(hours).unwrap_or(most_hours),
            storage_tier,
            tags,
        };
        let stream = service.store().create_stream(stream, service.limits().streams_per_account).await?;
        service.passes_through(&stream, Status::Creating);
        tracing::info!(stream_arn = %stream.arn, retention_hours = stream.retention_hours, "stream created");
        Ok(Output::json(&CreateStreamResponse { stream_arn: stream.arn.to_string() }))
    }
}

pub(super) fn too_many_tags(limit: usize) -> KvsError {
    KvsError::new(
        KvsErrorCode::TagsPerResourceExceededLimit,
        format!("You have exceeded the limit of {limit} tags that you can associate with the resource."),
    )
}

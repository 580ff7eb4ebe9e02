use super::create_stream::too_many_tags;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint};
use serde::Deserialize;
use std::collections::BTreeMap;
use tympan_aws::{Cx, Operation, Output};
use tympan_store::ErrorKind;

#[derive(Debug, Deserialize)]
pub(crate) struct TagStreamRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "Tags")]
    tags: Option<BTreeMap<String, String>>,
}

/// Adds tags, replacing the values of those that are there.
pub(crate) struct TagStream;

impl Operation for TagStream {
    type Service = KvsService;
    type Input = TagStreamRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "TagStream";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &TagStreamRequest) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: TagStreamRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        let tags = constraint::required(request.tags, "tags")?;
        check_tags(service, &tags)?;
        target.identity()?;
        add_tags(service, target, &tags).await
    }
}

/// What holds for the tags of TagStream and TagResource alike.
pub(super) fn check_tags(service: &KvsService, tags: &BTreeMap<String, String>) -> Result<(), KvsError> {
    let limit = service.limits().stream_tags;
    if tags.is_empty() {
        return Err(KvsError::invalid("At least one tag must be specified."));
    }
    constraint::tags(tags)?;
    if tags.len() > limit { Err(too_many_tags(limit)) } else { Ok(()) }
}

/// Adds tags to a stream.
pub(super) async fn add_tags(
    service: &KvsService,
    target: StreamTarget,
    tags: &BTreeMap<String, String>,
) -> Result<Output, KvsError> {
    let limit = service.limits().stream_tags;
    let stream = target.stream()?;
    match service.store().set_tags(stream.id, tags, &[], limit).await {
        Ok(_) => Ok(Output::empty_object()),
        Err(error) if *error.kind() == ErrorKind::QuotaReached => Err(too_many_tags(limit)),
        Err(error) => Err(error.into()),
    }
}

use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint};
use serde::Deserialize;
use std::collections::BTreeMap;
use tympan_aws::{Cx, Operation, Output};

#[derive(Debug, Deserialize)]
pub(crate) struct UntagStreamRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "TagKeyList")]
    tag_key_list: Option<Vec<String>>,
}

/// Removes tags. Keys that the stream does not have are ignored.
pub(crate) struct UntagStream;

impl Operation for UntagStream {
    type Service = KvsService;
    type Input = UntagStreamRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "UntagStream";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &UntagStreamRequest) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of(cx, input.stream_name.as_deref(), input.stream_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: UntagStreamRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        let keys = constraint::required(request.tag_key_list, "tagKeyList")?;
        check_keys(&keys)?;
        target.identity()?;
        remove_tags(service, target, &keys).await
    }
}

/// What holds for the keys of UntagStream and UntagResource alike.
pub(super) fn check_keys(keys: &[String]) -> Result<(), KvsError> {
    if !(1..=50).contains(&keys.len()) {
        return Err(KvsError::invalid("TagKeyList must have 1 to 50 keys."));
    }
    keys.iter().try_for_each(|key| constraint::tag_key(key))
}

/// Removes tags from a stream.
pub(super) async fn remove_tags(
    service: &KvsService,
    target: StreamTarget,
    keys: &[String],
) -> Result<Output, KvsError> {
    let stream = target.stream()?;
    service.store().set_tags(stream.id, &BTreeMap::new(), keys, service.limits().stream_tags).await?;
    Ok(Output::empty_object())
}

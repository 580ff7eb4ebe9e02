use super::untag_stream::{check_keys, remove_tags};
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint};
use serde::Deserialize;
use tympan_aws::{Cx, Operation, Output};

#[derive(Debug, Deserialize)]
pub(crate) struct UntagResourceRequest {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    #[serde(rename = "TagKeyList")]
    tag_key_list: Option<Vec<String>>,
}

/// Removes tags from a stream by its ARN. Keys that it does not have are ignored.
pub(crate) struct UntagResource;

impl Operation for UntagResource {
    type Service = KvsService;
    type Input = UntagResourceRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "UntagResource";

    async fn resolve(
        cx: &Cx<'_, KvsService>,
        input: &UntagResourceRequest,
    ) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_resource(cx, input.resource_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: UntagResourceRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        target.identity()?;
        let keys = constraint::required(request.tag_key_list, "tagKeyList")?;
        check_keys(&keys)?;
        remove_tags(service, target, &keys).await
    }
}

use super::list_tags_for_stream::tags_page;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService};
use serde::Deserialize;
use tympan_aws::{Cx, Operation, Output};

#[derive(Debug, Deserialize)]
pub(crate) struct ListTagsForResourceRequest {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    #[serde(rename = "NextToken")]
    next_token: Option<String>,
}

/// Lists a stream's tags by its ARN: a map, although TagResource takes a list.
pub(crate) struct ListTagsForResource;

impl Operation for ListTagsForResource {
    type Service = KvsService;
    type Input = ListTagsForResourceRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "ListTagsForResource";

    async fn resolve(
        cx: &Cx<'_, KvsService>,
        input: &ListTagsForResourceRequest,
    ) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_resource(cx, input.resource_arn.as_deref()).await)
    }

    async fn call(
        _: &Cx<'_, KvsService>,
        request: ListTagsForResourceRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        target.identity()?;
        tags_page(target, request.next_token.as_deref())
    }
}

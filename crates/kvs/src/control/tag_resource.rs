use super::tag_stream::{add_tags, check_tags};
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint};
use serde::Deserialize;
use tympan_aws::{Cx, Operation, Output};

#[derive(Debug, Deserialize)]
pub(crate) struct TagResourceRequest {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    #[serde(rename = "Tags")]
    tags: Option<Vec<Tag>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: Option<String>,
    value: Option<String>,
}

/// Adds tags to a stream by its ARN. AWS documents the call for signaling channels, of which there are none here; its
/// model takes the ARN of any resource.
pub(crate) struct TagResource;

impl Operation for TagResource {
    type Service = KvsService;
    type Input = TagResourceRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "TagResource";

    async fn resolve(cx: &Cx<'_, KvsService>, input: &TagResourceRequest) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_resource(cx, input.resource_arn.as_deref()).await)
    }

    async fn call(
        cx: &Cx<'_, KvsService>,
        request: TagResourceRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        let service = cx.service;
        target.identity()?;
        let tags = constraint::required(request.tags, "tags")?;
        let tags = tags.into_iter().map(|tag| {
            Ok((
                constraint::required(tag.key, "tags.member.key")?,
                constraint::required(tag.value, "tags.member.value")?,
            ))
        });
        let tags = tags.collect::<Result<_, KvsError>>()?;
        check_tags(service, &tags)?;
        add_tags(service, target, &tags).await
    }
}

use super::list_tags_for_stream::{ListTagsForStreamResponse, tags_page};
use super::tag_resource::resource;
use crate::{KvsError, KvsService, constraint};
use serde::Deserialize;
use tympan_types::Caller;

#[derive(Debug, Deserialize)]
struct ListTagsForResourceRequest {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    #[serde(rename = "NextToken")]
    next_token: Option<String>,
}

/// Lists a stream's tags by its ARN: a map, although TagResource takes a list.
pub(crate) async fn list_tags_for_resource(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<ListTagsForStreamResponse, KvsError> {
    let request: ListTagsForResourceRequest = constraint::request(body)?;
    let identity = resource(request.resource_arn.as_deref())?;
    tags_page(service, caller, &identity, request.next_token.as_deref()).await
}

use super::Empty;
use super::tag_stream::{add_tags, check_tags};
use crate::{KvsError, KvsService, StreamIdentity, constraint};
use serde::Deserialize;
use tympan_types::Caller;

#[derive(Debug, Deserialize)]
struct TagResourceRequest {
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
pub(crate) async fn tag_resource(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<Empty, KvsError> {
    let request: TagResourceRequest = constraint::request(body)?;
    let identity = resource(request.resource_arn.as_deref())?;
    let tags = constraint::required(request.tags, "tags")?;
    let tags = tags.into_iter().map(|tag| {
        Ok((
            constraint::required(tag.key, "tags.member.key")?,
            constraint::required(tag.value, "tags.member.value")?,
        ))
    });
    let tags = tags.collect::<Result<_, KvsError>>()?;
    check_tags(service, &tags)?;
    add_tags(service, caller, &identity, &tags).await
}

/// What `ResourceARN` names.
pub(super) fn resource(arn: Option<&str>) -> Result<StreamIdentity, KvsError> {
    let arn = constraint::required(arn, "resourceARN")?;
    constraint::stream_arn(arn, "resourceARN").map(StreamIdentity::Arn)
}

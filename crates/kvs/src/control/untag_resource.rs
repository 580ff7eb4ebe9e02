use super::Empty;
use super::tag_resource::resource;
use super::untag_stream::{check_keys, remove_tags};
use crate::{KvsError, KvsService, constraint};
use serde::Deserialize;
use tympan_types::Caller;

#[derive(Debug, Deserialize)]
struct UntagResourceRequest {
    #[serde(rename = "ResourceARN")]
    resource_arn: Option<String>,
    #[serde(rename = "TagKeyList")]
    tag_key_list: Option<Vec<String>>,
}

/// Removes tags from a stream by its ARN. Keys that it does not have are ignored.
pub(crate) async fn untag_resource(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<Empty, KvsError> {
    let request: UntagResourceRequest = constraint::request(body)?;
    let identity = resource(request.resource_arn.as_deref())?;
    let keys = constraint::required(request.tag_key_list, "tagKeyList")?;
    check_keys(&keys)?;
    remove_tags(service, caller, &identity, &keys).await
}

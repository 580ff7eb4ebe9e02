use super::Empty;
use crate::{KvsError, KvsService, StreamIdentity, constraint};
use serde::Deserialize;
use std::collections::BTreeMap;
use tympan_types::Caller;

#[derive(Debug, Deserialize)]
struct UntagStreamRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "TagKeyList")]
    tag_key_list: Option<Vec<String>>,
}

/// Removes tags. Keys that the stream does not have are ignored.
pub(crate) async fn untag_stream(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<Empty, KvsError> {
    let request: UntagStreamRequest = constraint::request(body)?;
    let keys = constraint::required(request.tag_key_list, "tagKeyList")?;
    check_keys(&keys)?;
    let identity =
        StreamIdentity::from_members(request.stream_name.as_deref(), request.stream_arn.as_deref())?;
    remove_tags(service, caller, &identity, &keys).await
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
    caller: &Caller,
    identity: &StreamIdentity,
    keys: &[String],
) -> Result<Empty, KvsError> {
    let stream = service.stream(caller, identity).await?;
    service.store().set_tags(stream.id, &BTreeMap::new(), keys, service.limits().stream_tags).await?;
    Ok(Empty {})
}

use super::Empty;
use super::create_stream::too_many_tags;
use crate::{KvsError, KvsService, StreamIdentity, constraint};
use serde::Deserialize;
use std::collections::BTreeMap;
use tympan_store::ErrorKind;
use tympan_types::Caller;

#[derive(Debug, Deserialize)]
struct TagStreamRequest {
    #[serde(rename = "StreamName")]
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    #[serde(rename = "Tags")]
    tags: Option<BTreeMap<String, String>>,
}

/// Adds tags, replacing the values of those that are there.
pub(crate) async fn tag_stream(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<Empty, KvsError> {
    let request: TagStreamRequest = constraint::request(body)?;
    let tags = constraint::required(request.tags, "tags")?;
    check_tags(service, &tags)?;
    let identity =
        StreamIdentity::from_members(request.stream_name.as_deref(), request.stream_arn.as_deref())?;
    add_tags(service, caller, &identity, &tags).await
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
    caller: &Caller,
    identity: &StreamIdentity,
    tags: &BTreeMap<String, String>,
) -> Result<Empty, KvsError> {
    let limit = service.limits().stream_tags;
    let stream = service.stream(caller, identity).await?;
    match service.store().set_tags(stream.id, tags, &[], limit).await {
        Ok(_) => Ok(Empty {}),
        Err(error) if *error.kind() == ErrorKind::QuotaReached => Err(too_many_tags(limit)),
        Err(error) => Err(error.into()),
    }
}

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
    let limit = service.limits().stream_tags;
    let tags = constraint::required(request.tags, "tags")?;
    if tags.is_empty() {
        return Err(KvsError::invalid("At least one tag must be specified."));
    }
    constraint::tags(&tags)?;
    if tags.len() > limit {
        return Err(too_many_tags(limit));
    }
    let identity =
        StreamIdentity::from_members(request.stream_name.as_deref(), request.stream_arn.as_deref())?;
    let stream = service.stream(caller, &identity).await?;
    match service.store().set_tags(stream.id, &tags, &[], limit).await {
        Ok(_) => Ok(Empty {}),
        Err(error) if *error.kind() == ErrorKind::QuotaReached => Err(too_many_tags(limit)),
        Err(error) => Err(error.into()),
    }
}

use crate::service::StreamMembers;
use crate::{KvsError, KvsService, StreamIdentity, constraint, paging};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound;
use tympan_types::{Caller, PageToken};

/// Tags on a page: as many as a stream may have by default.
const PAGE: usize = 50;
/// The longest `NextToken` of the control plane.
const TOKEN_CHARS: usize = 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListTagsForStreamRequest {
    #[serde(flatten)]
    stream: StreamMembers,
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTagsForStreamResponse {
    next_token: Option<String>,
    tags: BTreeMap<String, String>,
}

/// Lists a stream's tags.
pub(crate) async fn list_tags_for_stream(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<ListTagsForStreamResponse, KvsError> {
    let request: ListTagsForStreamRequest = constraint::request(body)?;
    tags_page(service, caller, &request.stream.identity()?, request.next_token.as_deref()).await
}

/// A page of a stream's tags in the order of their keys. The token is the last key of the page before.
pub(super) async fn tags_page(
    service: &KvsService,
    caller: &Caller,
    identity: &StreamIdentity,
    token: Option<&str>,
) -> Result<ListTagsForStreamResponse, KvsError> {
    let token = token.filter(|token| !token.is_empty());
    token.map_or(Ok(()), |token| constraint::next_token(token, TOKEN_CHARS))?;
    let stream = service.stream(caller, identity).await?;
    let tokens = PageToken::of(["tags", &stream.arn.to_string()]);
    let after = token.map(|token| paging::decode(tokens, token, TOKEN_CHARS)).transpose()?;
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = stream.tags.range::<String, _>((from, Bound::Unbounded));
    let tags: BTreeMap<String, String> =
        rest.by_ref().take(PAGE).map(|(key, value)| (key.clone(), value.clone())).collect();
    let last = rest.next().and_then(|_| tags.last_key_value());
    Ok(ListTagsForStreamResponse { next_token: last.map(|(key, _)| paging::encode(tokens, key)), tags })
}

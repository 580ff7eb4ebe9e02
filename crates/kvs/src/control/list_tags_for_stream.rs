use crate::service::StreamMembers;
use crate::target::StreamTarget;
use crate::{KvsError, KvsService, constraint, paging};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::Bound;
use tympan_aws::{Cx, Operation, Output};
use tympan_types::PageToken;

/// Tags on a page: as many as a stream may have by default.
const PAGE: usize = 50;
/// The longest `NextToken` of the control plane.
const TOKEN_CHARS: usize = 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTagsForStreamRequest {
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
pub(crate) struct ListTagsForStream;

impl Operation for ListTagsForStream {
    type Service = KvsService;
    type Input = ListTagsForStreamRequest;
    type Target = StreamTarget;
    const NAME: &'static str = "ListTagsForStream";

    async fn resolve(
        cx: &Cx<'_, KvsService>,
        input: &ListTagsForStreamRequest,
    ) -> Result<StreamTarget, KvsError> {
        Ok(StreamTarget::of_members(cx, &input.stream).await)
    }

    async fn call(
        _: &Cx<'_, KvsService>,
        request: ListTagsForStreamRequest,
        target: StreamTarget,
    ) -> Result<Output, KvsError> {
        target.identity()?;
        tags_page(target, request.next_token.as_deref())
    }
}

/// A page of a stream's tags in the order of their keys. The token is the last key of the page before.
pub(super) fn tags_page(target: StreamTarget, token: Option<&str>) -> Result<Output, KvsError> {
    let token = token.filter(|token| !token.is_empty());
    token.map_or(Ok(()), |token| constraint::next_token(token, TOKEN_CHARS))?;
    let stream = target.stream()?;
    let tokens = PageToken::of(["tags", &stream.arn.to_string()]);
    let after = token.map(|token| paging::decode(tokens, token, TOKEN_CHARS)).transpose()?;
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let mut rest = stream.tags.range::<String, _>((from, Bound::Unbounded));
    let tags: BTreeMap<String, String> =
        rest.by_ref().take(PAGE).map(|(key, value)| (key.clone(), value.clone())).collect();
    let last = rest.next().and_then(|_| tags.last_key_value());
    let next_token = last.map(|(key, _)| paging::encode(tokens, key));
    Ok(Output::json(&ListTagsForStreamResponse { next_token, tags }))
}

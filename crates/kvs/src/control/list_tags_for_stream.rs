use crate::service::StreamMembers;
use crate::{KvsError, KvsService, constraint};
use serde::Serialize;
use std::collections::BTreeMap;
use tympan_types::Caller;

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ListTagsForStreamResponse {
    next_token: Option<String>,
    tags: BTreeMap<String, String>,
}

/// Lists a stream's tags, all 50 at once: there is never another page.
pub(crate) async fn list_tags_for_stream(
    service: &KvsService,
    caller: &Caller,
    body: &[u8],
) -> Result<ListTagsForStreamResponse, KvsError> {
    let request: StreamMembers = constraint::request(body)?;
    let stream = service.stream(caller, &request.identity()?).await?;
    Ok(ListTagsForStreamResponse { next_token: None, tags: stream.tags })
}

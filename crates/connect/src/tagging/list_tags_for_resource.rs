//! ListTagsForResource: GET /tags/{resourceArn}.

use super::tagged::TaggedTarget;
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::Context;
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    resource_arn: String,
}

/// Lists the tags of a resource.
///
/// Errors: InvalidRequest, InvalidParameter (a tag, too many), ResourceNotFound.
pub(crate) struct ListTagsForResource;

impl Operation for ListTagsForResource {
    type Service = ConnectService;
    type Input = Input;
    type Target = TaggedTarget;
    const NAME: &'static str = "ListTagsForResource";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<TaggedTarget, ConnectError> {
        Ok(TaggedTarget::of(cx, &input.resource_arn))
    }

    async fn call(_: &Context<'_>, _: Input, target: TaggedTarget) -> Result<Output, ConnectError> {
        Ok(Output::json(&json!({ "tags": target.found?.tags() })))
    }
}

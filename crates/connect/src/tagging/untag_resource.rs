//! UntagResource: DELETE /tags/{resourceArn}.

use super::tagged::TaggedTarget;
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, missing};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    resource_arn: String,
    #[serde(default)]
    tag_keys: Vec<String>,
}

/// Takes tags away from a resource; one that it does not have is passed over.
///
/// Errors: InvalidRequest, InvalidParameter (a tag, too many), ResourceNotFound.
pub(crate) struct UntagResource;

impl Operation for UntagResource {
    type Service = ConnectService;
    type Input = Input;
    type Target = TaggedTarget;
    const NAME: &'static str = "UntagResource";
    const QUERY: &'static [&'static str] = &["tagKeys"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<TaggedTarget, ConnectError> {
        Ok(TaggedTarget::of(cx, &input.resource_arn))
    }

    async fn call(cx: &Context<'_>, input: Input, target: TaggedTarget) -> Result<Output, ConnectError> {
        if input.tag_keys.is_empty() {
            return Err(missing(cx, "tagKeys"));
        }
        let found = target.found?;
        cx.service.change(|edit| {
            found.change(edit, |known| {
                known.retain(|key, _| !input.tag_keys.contains(key));
                Ok(())
            })?;
            Ok(Output::empty())
        })
    }
}

//! TagResource: POST /tags/{resourceArn}.

use super::tagged::TaggedTarget;
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::tags;
use crate::target::{Context, missing};
use serde::Deserialize;
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    resource_arn: String,
    tags: Option<BTreeMap<String, String>>,
}

/// Adds tags to a resource, or gives those that are there another value.
///
/// Errors: InvalidRequest, InvalidParameter (a tag, too many), ResourceNotFound.
pub(crate) struct TagResource;

impl Operation for TagResource {
    type Service = ConnectService;
    type Input = Input;
    type Target = TaggedTarget;
    const NAME: &'static str = "TagResource";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<TaggedTarget, ConnectError> {
        Ok(TaggedTarget::of(cx, &input.resource_arn))
    }

    async fn call(cx: &Context<'_>, input: Input, target: TaggedTarget) -> Result<Output, ConnectError> {
        let new = input.tags.ok_or_else(|| missing(cx, "tags"))?;
        let new = tags::check(Some(new))?;
        let found = target.found?;
        cx.service.change(|edit| {
            found.change(edit, |known| {
                known.extend(new);
                tags::check(Some(known.clone())).map(drop)
            })?;
            Ok(Output::empty())
        })
    }
}

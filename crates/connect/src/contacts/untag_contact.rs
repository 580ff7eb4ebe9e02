//! UntagContact: DELETE /contact/tags/{InstanceId}/{ContactId}.

use super::change::change;
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context};
use serde::Deserialize;
use tympan_aws::{Operation, Output};
use tympan_flow::ContactChange;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_id: String,
    #[serde(default)]
    tag_keys: Vec<String>,
}

/// Removes tags from a contact, live or ended. A key that it has not is passed over.
///
/// Errors: InvalidParameter, InvalidRequest, ResourceNotFound, Throttling.
pub(crate) struct UntagContact;

impl Operation for UntagContact {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "UntagContact";
    const QUERY: &'static [&'static str] = &["TagKeys"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        ContactTarget::of(cx, &input.instance_id, &input.contact_id, None)
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        if !(1..=6).contains(&input.tag_keys.len()) {
            return Err(ConnectError::parameter("TagKeys has 1 to 6 entries"));
        }
        let (_, contact) = target.known()?;
        change(cx, &contact, &ContactChange::Untag(input.tag_keys))?;
        Ok(Output::empty_object())
    }
}

//! ListContactReferences: GET /contact/references/{InstanceId}/{ContactId}.

use super::references::KINDS;
use crate::error::ConnectError;
use crate::paging;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_id: String,
    #[serde(rename = "referenceTypes", default)]
    types: Vec<String>,
    #[serde(rename = "nextToken")]
    next_token: Option<String>,
}

/// Lists the references of a contact that are of some types.
///
/// Errors: InvalidRequest, ResourceNotFound.
pub(crate) struct ListContactReferences;

impl Operation for ListContactReferences {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "ListContactReferences";
    const QUERY: &'static [&'static str] = &["referenceTypes", "nextToken"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        ContactTarget::of(cx, &input.instance_id, &input.contact_id, None)
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        let (_, contact) = target.known()?;
        if input.types.is_empty() {
            return Err(ConnectError::request("referenceTypes names at least one type"));
        }
        let page = paging::page(cx.tokens([]), input.next_token.as_deref(), None, 100)?;
        let wanted = contact.details.references.iter().filter_map(|(name, reference)| {
            let (kind, member) = KINDS.iter().find(|(kind, _)| *kind == reference.kind)?;
            let is_wanted = input.types.iter().any(|wanted| wanted == kind);
            let summary = json!({ *member: { "Name": name, "Value": reference.value } });
            is_wanted.then(|| (name.clone(), summary))
        });
        Ok(paging::list(&page, "ReferenceSummaryList", wanted))
    }
}

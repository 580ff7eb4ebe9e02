use super::target::ContactTarget;
use crate::documentation::{Documentation, Documented, Kind, always};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

/// What the blocks of a contact's flows did.
pub(crate) struct GetFlowLog;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    contact_id: String,
}

impl Documented for GetFlowLog {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Gives what the blocks of a contact's flows did, oldest first, as far as it is kept.",
        query: &[],
        body: &[],
        answer: &[
            always("ContactId", Kind::Text, "the contact"),
            always("Lines", Kind::List(&Kind::Opaque), "lines as in flow-logs.jsonl"),
            always(
                "Complete",
                Kind::Boolean,
                "whether everything that the server keeps of flow logs was looked at",
            ),
        ],
        errors: &[ErrorCode::NotFound],
    };
}

impl Operation for GetFlowLog {
    type Service = AdminService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "GetFlowLog";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, AdminError> {
        Ok(ContactTarget::of(cx, &input.contact_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: ContactTarget) -> Result<Output, AdminError> {
        let contact = target.known()?;
        let log = cx.service.parts().contacts.flow_log(&contact)?;
        Ok(Output::json(&json!({
            "ContactId": contact.id,
            "Lines": log.lines,
            "Complete": log.is_complete,
        })))
    }
}

use super::target::ContactTarget;
use crate::documentation::{Documentation, Documented};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

/// Erases a contact that has ended, also one that cannot be read.
///
/// Its state, attributes, index rows and the lines of the flow log that no sink has are in no file when this answers. What sinks
/// have is theirs, and its audio is its stream's.
pub(crate) struct DeleteContact;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    contact_id: String,
}

impl Documented for DeleteContact {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Erases a contact that has ended: record, attributes, index rows and waiting flow log lines. Its audio stays in its stream.",
        query: &[],
        body: &[],
        answer: &[],
        errors: &[ErrorCode::NotFound, ErrorCode::Conflict],
    };
}

impl Operation for DeleteContact {
    type Service = AdminService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "DeleteContact";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, AdminError> {
        Ok(ContactTarget::of(cx, &input.contact_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: ContactTarget) -> Result<Output, AdminError> {
        let id = target.existing()?;
        let parts = cx.service.parts();
        if parts.live.contact(id).is_some() {
            let message = "The call is up: end it before its contact is deleted.";
            return Err(AdminError::new(ErrorCode::Conflict, message));
        }
        match parts.contacts.erase(id)? {
            true => Ok(Output::empty_object()),
            false => Err(AdminError::no_contact()),
        }
    }
}

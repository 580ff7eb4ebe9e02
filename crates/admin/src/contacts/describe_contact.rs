use super::ledger::ledger;
use super::records::RecordWithFlow;
use super::target::ContactTarget;
use crate::documentation::{Documentation, Documented};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output};
use tympan_connect::ConnectService;
use tympan_contact::Contact;

/// The record of a contact, with what of its audio was not received.
pub(crate) struct DescribeContact;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    contact_id: String,
}

impl Documented for DescribeContact {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Gives the record of a contact, with ContactFlowId and ContactFlowName of the flow that it began in. Each of its Recordings that is a capture has a Ledger, null where it is not known (yet): what was not received, by cause.",
        query: &[],
        body: &[],
        // The members of the record itself, as Amazon documents them.
        answer: &[],
        errors: &[ErrorCode::NotFound],
    };
}

impl Operation for DescribeContact {
    type Service = AdminService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "DescribeContact";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, AdminError> {
        Ok(ContactTarget::of(cx, &input.contact_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: ContactTarget) -> Result<Output, AdminError> {
        Ok(Output::json(&with_ledgers(&target.known()?, &cx.service.parts().connect)))
    }
}

/// The record alone is what Connect delivers, so that the ledgers are here only.
fn with_ledgers(contact: &Contact, flows: &ConnectService) -> Value {
    let mut record = json!(RecordWithFlow::of(contact, flows));
    // A record has one recording for each capture, in the same order.
    let recordings = record["Recordings"].as_array_mut().into_iter().flatten();
    for (recording, audio) in recordings.zip(&contact.captures) {
        recording["Ledger"] = audio.ledger.as_ref().map_or(Value::Null, ledger);
    }
    record
}

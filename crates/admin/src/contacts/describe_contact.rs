use super::ledger::ledger;
use super::records::RecordWithFlow;
use super::target::ContactTarget;
use crate::documentation::{Documentation, Documented, Kind, maybe};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use serde_json::{Value, json};
use tympan_aws::{Operation, Output, constraint};
use tympan_connect::ConnectService;
use tympan_contact::{Contact, Hold};
use tympan_types::WallTime;

/// The record of a contact, with what of its audio was not received.
pub(crate) struct DescribeContact;

#[derive(Deserialize)]
pub(crate) struct Input {
    #[serde(rename = "ContactId")]
    contact_id: String,
    attributes: Option<String>,
}

impl Documented for DescribeContact {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Gives the record of a contact, with ContactFlowId and ContactFlowName of the flow that it began in. Each of its Recordings that is a capture has a Ledger, null where it is not known (yet): what was not received, by cause. Its Agent has Holds: From and To, null while one lasts.",
        query: &[maybe(
            "attributes",
            Kind::OneOf(&["VALUES", "NAMES"]),
            "VALUES unless given; NAMES: every value is null, and connect:GetContactAttributes, which is audited, gives it",
        )],
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
    const QUERY: &'static [&'static str] = &["attributes"];

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, AdminError> {
        Ok(ContactTarget::of(cx, &input.contact_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, AdminError> {
        let has_values = input.attributes.as_deref().map_or(Ok(true), |attributes| {
            constraint::one_of(attributes, "attributes", &[("VALUES", true), ("NAMES", false)])
        })?;
        let mut record = with_details(&target.known()?, &cx.service.parts().connect);
        if !has_values && let Some(attributes) = record["Attributes"].as_object_mut() {
            attributes.iter_mut().for_each(|(_, value)| *value = Value::Null);
        }
        Ok(Output::json(&record))
    }
}

/// The record alone is what Connect delivers, so that ledgers and the times of holds are here only.
fn with_details(contact: &Contact, flows: &ConnectService) -> Value {
    let mut record = json!(RecordWithFlow::of(contact, flows));
    // A record has one recording for each capture, in the same order.
    let recordings = record["Recordings"].as_array_mut().into_iter().flatten();
    for (recording, audio) in recordings.zip(&contact.captures) {
        recording["Ledger"] = audio.ledger.as_ref().map_or(Value::Null, ledger);
    }
    if let Some(part) = contact.agent.as_ref().filter(|_| record["Agent"].is_object()) {
        let hold =
            |hold: &Hold| json!({ "From": hold.from.rfc3339_ms(), "To": hold.to.map(WallTime::rfc3339_ms) });
        record["Agent"]["Holds"] = part.holds.iter().map(hold).collect();
    }
    record
}

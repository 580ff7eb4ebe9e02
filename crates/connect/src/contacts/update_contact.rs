//! UpdateContact: POST /contacts/{InstanceId}/{ContactId}.

use super::change::change;
use super::references::{self, Reference};
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};
use tympan_flow::{ContactChange, ContactData};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_id: String,
    name: Option<String>,
    description: Option<String>,
    references: Option<BTreeMap<String, Reference>>,
    segment_attributes: Option<Value>,
    queue_info: Option<Value>,
    user_info: Option<Value>,
    customer_endpoint: Option<Value>,
    system_endpoint: Option<Value>,
    additional_recipients: Option<Value>,
}

/// Changes name, description and references of a contact, live or ended.
///
/// Errors: InvalidParameter, InvalidRequest (members that are for tasks and e-mails), ResourceNotFound, Throttling.
pub(crate) struct UpdateContact;

impl Operation for UpdateContact {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "UpdateContact";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        ContactTarget::of(cx, &input.instance_id, &input.contact_id, None)
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        let Input { name, description, references, .. } = input;
        let (_, contact) = target.known()?;
        let others = [
            ("SegmentAttributes", input.segment_attributes),
            ("QueueInfo", input.queue_info),
            ("UserInfo", input.user_info),
            ("CustomerEndpoint", input.customer_endpoint),
            ("SystemEndpoint", input.system_endpoint),
            ("AdditionalRecipients", input.additional_recipients),
        ];
        if let Some((member, _)) = others.iter().find(|(_, value)| value.is_some()) {
            return Err(ConnectError::request(format!("{member} of a voice contact cannot be changed here")));
        }
        let too_long =
            |text: &Option<String>, most| text.as_ref().is_some_and(|text| text.chars().count() > most);
        if too_long(&name, 1024) || too_long(&description, 4096) {
            return Err(ConnectError::parameter("Name has at most 1024 characters, Description 4096"));
        }
        let references = references::read(references.unwrap_or_default())?;
        let data = ContactData { name, description, references, ..ContactData::default() };
        change(cx, &contact, &ContactChange::Data(data))?;
        Ok(Output::empty_object())
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench, ended_contact, live_contact};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn names_and_references_of_live_and_ended_contacts_are_shown_once_they_are_set() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        for contact in [live_contact(&bench, &instance), ended_contact(&bench, &instance)] {
            let path = format!("/contacts/{instance}/{}", contact.id);
            let body = json!({ "Name": "a call", "Description": "about parcels",
                "References": { "ticket": { "Type": "URL", "Value": "https://example.com/1" } } });
            assert_eq!(bench.call("POST", &path, body).unwrap(), json!({}));
            let shown = bench.call("GET", &path, Value::Null).unwrap();
            assert_eq!(shown["Contact"]["Name"], "a call");
            assert_eq!(shown["Contact"]["Description"], "about parcels");
            let path = format!("/contact/references/{instance}/{}", contact.id);
            let listed = bench.call("GET", &format!("{path}?referenceTypes=URL"), Value::Null).unwrap();
            let wanted = json!([{ "Url": { "Name": "ticket", "Value": "https://example.com/1" } }]);
            assert_eq!(listed["ReferenceSummaryList"], wanted);
            let listed = bench.call("GET", &format!("{path}?referenceTypes=DATE"), Value::Null).unwrap();
            assert_eq!(listed["ReferenceSummaryList"], json!([]));
            assert_eq!(bench.refusal("GET", &path, Value::Null), ErrorCode::InvalidRequest);
        }
    }

    #[test]
    fn what_is_for_other_channels_is_refused() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let contact = live_contact(&bench, &instance);
        let path = format!("/contacts/{instance}/{}", contact.id);
        let refusal = |body| bench.refusal("POST", &path, body);
        assert_eq!(refusal(json!({ "QueueInfo": { "Id": "x" } })), ErrorCode::InvalidRequest);
        assert_eq!(refusal(json!({ "Name": "x".repeat(1025) })), ErrorCode::InvalidParameter);
        let attachment = json!({ "References": { "a": { "Type": "ATTACHMENT", "Value": "x" } } });
        assert_eq!(refusal(attachment), ErrorCode::InvalidParameter);
        let absent = format!("/contacts/{instance}/{ABSENT}");
        assert_eq!(bench.refusal("POST", &absent, json!({ "Name": "x" })), ErrorCode::ResourceNotFound);
    }
}

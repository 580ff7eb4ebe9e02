//! UpdateContactAttributes: POST /contact/attributes.

use crate::error::{ConnectError, ErrorCode};
use crate::live_calls::SetAttributes;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context, required};
use serde::Deserialize;
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};
use tympan_contact::{MAX_ATTRIBUTES_BYTES, SetAttributesError};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    initial_contact_id: Option<String>,
    instance_id: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    /// Read by nothing. A request that names a second contact must be granted that one, too.
    contact_id: Option<String>,
}

/// Sets attributes of a contact, all or none, durably. A live call sees them at once; an ended contact's record is
/// delivered again.
///
/// Errors: InvalidParameter (a key, or more than 32 KB in all), InvalidRequest, ResourceNotFound, Throttling (too many changes of
/// the contact wait).
pub(crate) struct UpdateContactAttributes;

impl Operation for UpdateContactAttributes {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "UpdateContactAttributes";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        let instance = input.instance_id.as_deref().unwrap_or_default();
        let contact = input.initial_contact_id.as_deref().unwrap_or_default();
        ContactTarget::of(cx, instance, contact, input.contact_id.as_deref())
    }

    async fn call(cx: &Context<'_>, input: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        required(cx, input.initial_contact_id, "InitialContactId")?;
        required(cx, input.instance_id, "InstanceId")?;
        let attributes = required(cx, input.attributes, "Attributes")?;
        check_keys(&attributes)?;
        let (_, contact) = target.known()?;
        let too_large = || {
            ConnectError::parameter(format!(
                "the attributes of a contact may take {MAX_ATTRIBUTES_BYTES} bytes in all; none was set"
            ))
        };
        match cx.service.live().set_attributes(contact.id, &attributes) {
            SetAttributes::Set => Ok(Output::empty_object()),
            SetAttributes::Busy => Err(ConnectError::new(
                ErrorCode::Throttling,
                format!("too many changes of contact {} wait to be written; none was set", contact.id),
            )),
            SetAttributes::TooLarge => Err(too_large()),
            SetAttributes::NotWritten(error) => Err(ConnectError::internal(&error)),
            SetAttributes::NoSuchCall => {
                let set = cx.service.history().set_attributes(cx.now, contact.id, attributes);
                set.map_err(|error| match error {
                    SetAttributesError::TooLarge(_) => too_large(),
                    SetAttributesError::NoSuchContact => ConnectError::not_found("the contact is gone"),
                    SetAttributesError::History(error) => ConnectError::internal(&error),
                })?;
                Ok(Output::empty_object())
            }
        }
    }
}

/// Source: the model: keys have 1 to 32,767 characters, "alphanumeric, dash, and underscore". Keys with spaces are
/// let through, because the Set contact attributes block lets them through.
fn check_keys(attributes: &BTreeMap<String, String>) -> Result<(), ConnectError> {
    let fits = |key: &str| !key.is_empty() && !key.chars().any(char::is_control);
    if attributes.keys().all(|key| fits(key)) {
        return Ok(());
    }
    Err(ConnectError::parameter("an attribute key must not be empty or hold control characters"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, NOW, ended_contact, live_contact};
    use serde_json::{Value, json};
    use tympan_contact::{Contact, History};

    fn body(instance: &str, contact: &Contact, attributes: Value) -> Value {
        json!({ "InstanceId": instance, "InitialContactId": contact.id, "Attributes": attributes })
    }

    #[test]
    fn works_on_live_and_ended_contacts() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        for contact in [live_contact(&bench, &instance), ended_contact(&bench, &instance)] {
            let set =
                |attributes| bench.call("POST", "/contact/attributes", body(&instance, &contact, attributes));
            assert_eq!(set(json!({ "a": "1", "b": "1" })).unwrap(), json!({}));
            set(json!({ "b": "2" })).unwrap();
            let target = format!("/contact/attributes/{instance}/{}", contact.id);
            let answer = bench.call("GET", &target, Value::Null).unwrap();
            assert_eq!(answer, json!({ "Attributes": { "a": "1", "b": "2" } }));
        }
    }

    #[test]
    fn an_ended_contact_is_dated_anew() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let mut contact = ended_contact(&bench, &instance);
        contact.last_update_timestamp = NOW.plus_ms(-1);
        bench.history.update(&contact).unwrap();
        bench.call("POST", "/contact/attributes", body(&instance, &contact, json!({ "a": "1" }))).unwrap();
        assert_eq!(bench.history.find(contact.id).unwrap().unwrap().last_update_timestamp, NOW);
    }

    #[test]
    fn all_attributes_together_have_32_kb() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        for contact in [live_contact(&bench, &instance), ended_contact(&bench, &instance)] {
            let set = |length: usize| {
                let attributes = json!({ "k": "x".repeat(length) });
                bench.call("POST", "/contact/attributes", body(&instance, &contact, attributes))
            };
            assert!(set(MAX_ATTRIBUTES_BYTES - 1).is_ok());
            assert_eq!(set(MAX_ATTRIBUTES_BYTES).unwrap_err().code(), ErrorCode::InvalidParameter);
        }
    }

    #[test]
    fn refuses_bad_members_and_absent_contacts() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let contact = ended_contact(&bench, &instance);
        let refusal = |body| bench.refusal("POST", "/contact/attributes", body);
        assert_eq!(refusal(body(&instance, &contact, json!({ "": "1" }))), ErrorCode::InvalidParameter);
        assert_eq!(refusal(body(&instance, &contact, json!({ "a": 1 }))), ErrorCode::InvalidRequest);
        assert_eq!(refusal(body(&instance, &contact, Value::Null)), ErrorCode::InvalidRequest);
        assert_eq!(refusal(body(ABSENT, &contact, json!({}))), ErrorCode::ResourceNotFound);
        let absent = json!({ "InstanceId": instance, "InitialContactId": ABSENT, "Attributes": {} });
        assert_eq!(refusal(absent), ErrorCode::ResourceNotFound);
    }
}

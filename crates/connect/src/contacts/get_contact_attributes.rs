//! GetContactAttributes: GET /contact/attributes/{InstanceId}/{InitialContactId}.

use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{ContactTarget, Context};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    initial_contact_id: String,
}

/// Returns the attributes of a contact, live or ended.
///
/// Errors: ResourceNotFound.
pub(crate) struct GetContactAttributes;

impl Operation for GetContactAttributes {
    type Service = ConnectService;
    type Input = Input;
    type Target = ContactTarget;
    const NAME: &'static str = "GetContactAttributes";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<ContactTarget, ConnectError> {
        ContactTarget::of(cx, &input.instance_id, &input.initial_contact_id, None)
    }

    async fn call(_: &Context<'_>, _: Input, target: ContactTarget) -> Result<Output, ConnectError> {
        let (_, contact) = target.known()?;
        let attributes: Map<String, Value> =
            contact.attributes.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        Ok(Output::json(&json!({ "Attributes": attributes })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{ABSENT, Bench, live_contact};
    use crate::error::ErrorCode;

    #[test]
    fn a_new_contact_has_none() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let contact = live_contact(&bench, &instance);
        let target = format!("/contact/attributes/{instance}/{}", contact.id);
        assert_eq!(bench.call("GET", &target, Value::Null).unwrap(), json!({ "Attributes": {} }));
        let absent = format!("/contact/attributes/{instance}/{ABSENT}");
        assert_eq!(bench.refusal("GET", &absent, Value::Null), ErrorCode::ResourceNotFound);
    }
}

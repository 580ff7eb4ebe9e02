//! GetContactAttributes: GET /contact/attributes/{InstanceId}/{InitialContactId}.

use super::invocation::Invocation;
use super::{Answer, describe_contact};
use serde_json::{Map, Value, json};

/// Returns the attributes of a contact, live or ended.
///
/// Errors: ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let instance = i.instance()?;
    let contact = describe_contact::find(i, &instance, i.label("InitialContactId"))?;
    let attributes: Map<String, Value> =
        contact.attributes.iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
    Ok(Some(json!({ "Attributes": attributes })))
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench, live_contact};
    use super::*;
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

//! UpdateContactFlowName: POST /contact-flows/{InstanceId}/{ContactFlowId}/name.

use super::Answer;
use super::invocation::Invocation;
use super::update_contact_flow_metadata::{self, Input as Metadata};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    name: Option<String>,
    description: Option<String>,
}

/// Changes name and description; a member that is absent stays as it is.
///
/// Errors: DuplicateResource (the name), InvalidRequest, InvalidParameter, ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let Input { name, description } = i.input()?;
    update_contact_flow_metadata::apply(i, Metadata { name, description, contact_flow_state: None })
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn renames_a_flow_and_leaves_its_state() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        bench.flow(&instance, "taken");
        let flow = format!("/contact-flows/{instance}/{}", bench.flow(&instance, "a"));
        let target = format!("{flow}/name");
        let body = json!({ "Name": "b", "ContactFlowState": "ARCHIVED" });
        assert_eq!(bench.call("POST", &target, body).unwrap(), json!({}));
        let shown = bench.call("GET", &flow, Value::Null).unwrap()["ContactFlow"].clone();
        assert_eq!((&shown["Name"], &shown["State"]), (&json!("b"), &json!("ACTIVE")));
        assert_eq!(bench.refusal("POST", &target, json!({ "Name": "taken" })), ErrorCode::DuplicateResource);
    }
}

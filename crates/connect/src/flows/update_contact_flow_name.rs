//! UpdateContactFlowName: POST /contact-flows/{InstanceId}/{ContactFlowId}/name.

use super::update_contact_flow_metadata::{Metadata, apply};
use crate::error::ConnectError;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use serde::Deserialize;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    contact_flow_id: String,
    name: Option<String>,
    description: Option<String>,
}

/// Changes name and description; a member that is absent stays as it is.
///
/// Errors: DuplicateResource (the name), InvalidRequest, InvalidParameter, ResourceNotFound.
pub(crate) struct UpdateContactFlowName;

impl Operation for UpdateContactFlowName {
    type Service = ConnectService;
    type Input = Input;
    type Target = FlowTarget;
    const NAME: &'static str = "UpdateContactFlowName";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, &input.instance_id, &input.contact_flow_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: FlowTarget) -> Result<Output, ConnectError> {
        let Input { name, description, .. } = input;
        apply(cx, Metadata { name, description, state: None }, target)
    }
}

#[cfg(test)]
mod tests {
    use crate::bench::Bench;
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

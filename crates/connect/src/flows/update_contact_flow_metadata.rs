//! UpdateContactFlowMetadata: POST /contact-flows/{InstanceId}/{ContactFlowId}/metadata.

use super::FlowState;
use super::create_contact_flow::{check_name, check_name_is_free};
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
    contact_flow_state: Option<String>,
}

/// What is to be changed of a flow; a member that is absent stays as it is.
pub(super) struct Metadata {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) state: Option<String>,
}

/// Changes name, description and state; a member that is absent stays as it is.
///
/// Errors: DuplicateResource (the name), InvalidRequest, InvalidParameter, ResourceNotFound.
pub(crate) struct UpdateContactFlowMetadata;

impl Operation for UpdateContactFlowMetadata {
    type Service = ConnectService;
    type Input = Input;
    type Target = FlowTarget;
    const NAME: &'static str = "UpdateContactFlowMetadata";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, &input.instance_id, &input.contact_flow_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: FlowTarget) -> Result<Output, ConnectError> {
        let Input { name, description, contact_flow_state: state, .. } = input;
        apply(cx, Metadata { name, description, state }, target)
    }
}

/// What this operation and UpdateContactFlowName have in common.
pub(super) fn apply(
    cx: &Context<'_>,
    metadata: Metadata,
    target: FlowTarget,
) -> Result<Output, ConnectError> {
    let Metadata { name, description, state } = metadata;
    let state = state.as_deref().map(FlowState::parse).transpose();
    let state = state.map_err(ConnectError::parameter)?;
    if let Some(name) = &name {
        check_name(name)?;
    }
    let found = target.found?;
    cx.service.change(|edit| {
        let mut flow = edit.flow(&found.flow)?;
        if let Some(name) = name {
            check_name_is_free(&edit.directory, flow.instance, &name, Some(flow.id))?;
            flow.name = name;
        }
        flow.description = description.or(flow.description);
        flow.state = state.unwrap_or(flow.state);
        flow.modified = cx.now;
        edit.put_flow(flow)?;
        Ok(Output::empty_object())
    })
}

#[cfg(test)]
mod tests {
    use crate::bench::{ABSENT, Bench};
    use crate::error::ErrorCode;
    use serde_json::{Value, json};

    #[test]
    fn changes_only_what_is_given() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        let flow = format!("/contact-flows/{instance}/{}", bench.flow(&instance, "a"));
        let target = format!("{flow}/metadata");
        assert_eq!(bench.call("POST", &target, json!({ "Description": "d" })).unwrap(), json!({}));
        bench.call("POST", &target, json!({ "Name": "b", "ContactFlowState": "ARCHIVED" })).unwrap();
        let shown = bench.reopened().call("GET", &flow, Value::Null).unwrap()["ContactFlow"].clone();
        assert_eq!(shown["Name"], "b");
        assert_eq!(shown["Description"], "d");
        assert_eq!(shown["State"], "ARCHIVED");
    }

    #[test]
    fn refuses_taken_names_and_bad_members() {
        let bench = Bench::new();
        let instance = bench.instance("demo");
        bench.flow(&instance, "taken");
        let target = format!("/contact-flows/{instance}/{}/metadata", bench.flow(&instance, "a"));
        let refusal = |body| bench.refusal("POST", &target, body);
        assert_eq!(refusal(json!({ "Name": "taken" })), ErrorCode::DuplicateResource);
        assert_eq!(refusal(json!({ "Name": "" })), ErrorCode::InvalidParameter);
        assert_eq!(refusal(json!({ "ContactFlowState": "GONE" })), ErrorCode::InvalidParameter);
        assert_eq!(refusal(json!([])), ErrorCode::InvalidRequest);
        let absent = format!("/contact-flows/{instance}/{ABSENT}/metadata");
        assert_eq!(bench.refusal("POST", &absent, json!({})), ErrorCode::ResourceNotFound);
    }
}

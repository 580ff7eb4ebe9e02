//! UpdateContactFlowMetadata: POST /contact-flows/{InstanceId}/{ContactFlowId}/metadata.

use super::Answer;
use super::create_contact_flow::{check_name, check_name_is_free};
use super::invocation::Invocation;
use crate::error::ConnectError;
use crate::flows::FlowState;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Input {
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) contact_flow_state: Option<String>,
}

/// Changes name, description and state; a member that is absent stays as it is.
///
/// Errors: DuplicateResource (the name), InvalidRequest, InvalidParameter, ResourceNotFound.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    apply(i, i.input()?)
}

/// What this operation and UpdateContactFlowName have in common.
pub(super) fn apply(i: &Invocation<'_>, input: Input) -> Answer {
    let state = input.contact_flow_state.as_deref().map(FlowState::parse).transpose();
    let state = state.map_err(ConnectError::parameter)?;
    if let Some(name) = &input.name {
        check_name(name)?;
    }
    i.service.change(|edit| {
        let instance = i.instance_in(&edit.directory, i.label("InstanceId"))?;
        let (flow, _) = i.flow_in(&edit.directory, &instance, i.label("ContactFlowId"))?;
        let mut flow = flow.as_ref().clone();
        if let Some(name) = input.name {
            check_name_is_free(&edit.directory, instance.id, &name, Some(flow.id))?;
            flow.name = name;
        }
        flow.description = input.description.or(flow.description);
        flow.state = state.unwrap_or(flow.state);
        flow.modified = i.now;
        edit.put_flow(flow)?;
        Ok(Some(json!({})))
    })
}

#[cfg(test)]
mod tests {
    use super::super::bench::{ABSENT, Bench};
    use super::*;
    use crate::error::ErrorCode;
    use serde_json::Value;

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

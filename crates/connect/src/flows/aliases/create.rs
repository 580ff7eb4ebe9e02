//! CreateContactFlowAlias: PUT /contact-flows/{InstanceId}/{ContactFlowId}/alias.

use crate::error::ConnectError;
use crate::named::Members;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use crate::versions::NewAlias;
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Own {
    alias_name: String,
    contact_flow_version: u32,
    description: Option<String>,
}

/// Names a version of a flow.
///
/// Errors: DuplicateResource (the name), InvalidRequest, InvalidParameter, LimitExceeded, ResourceNotFound (flow, version).
pub(crate) struct CreateContactFlowAlias;

impl Operation for CreateContactFlowAlias {
    type Service = ConnectService;
    type Input = Members;
    type Target = FlowTarget;
    const NAME: &'static str = "CreateContactFlowAlias";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, input.instance(), input.text("ContactFlowId")))
    }

    async fn call(cx: &Context<'_>, input: Members, target: FlowTarget) -> Result<Output, ConnectError> {
        let Own { alias_name: name, contact_flow_version: version, description } = input.read(cx)?;
        super::change(cx, target, |scene, flow| {
            let of = flow.aliased(scene.instance);
            let new = of.new_alias(scene, NewAlias { name, description, version })?;
            let answer = json!({ "ContactFlowArn": of.arn, "Id": new.id });
            flow.aliases.push(new);
            Ok(Output::json(&answer))
        })
    }
}

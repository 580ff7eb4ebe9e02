//! CreateContactFlowVersion: PUT /contact-flows/{InstanceId}/{ContactFlowId}/version.

use super::version::{Draft, add};
use crate::error::ConnectError;
use crate::named::Members;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use serde_json::json;
use tympan_aws::{Operation, Output};

/// Keeps the published content of a flow as a version of it.
pub(crate) struct CreateContactFlowVersion;

impl Operation for CreateContactFlowVersion {
    type Service = ConnectService;
    type Input = Members;
    type Target = FlowTarget;
    const NAME: &'static str = "CreateContactFlowVersion";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, input.instance(), input.text("ContactFlowId")))
    }

    async fn call(cx: &Context<'_>, mut input: Members, target: FlowTarget) -> Result<Output, ConnectError> {
        let (description, sha256) = (input.take(cx, "Description")?, input.take(cx, "FlowContentSha256")?);
        let found = target.found?;
        cx.service.change(|edit| {
            let mut flow = edit.flow(&found.flow)?;
            let content = flow.published.clone();
            let content =
                content.ok_or_else(|| ConnectError::request("a flow that is only saved has no versions"))?;
            let (of, last) = (flow.resource_id(), flow.last_version);
            let draft = Draft { of, last, content, settings: None, description, sha256 };
            let number = add(cx, edit, &found.instance, draft)?;
            flow.last_version = number;
            let arn = format!("{}:{number}", found.instance.flow_arn(flow.id));
            edit.put_flow(flow)?;
            Ok(Output::json(&json!({ "ContactFlowArn": arn, "Version": number })))
        })
    }
}

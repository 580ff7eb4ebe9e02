//! DescribeContactFlowAlias: GET /contact-flows/{InstanceId}/{ContactFlowId}/alias/{AliasId}.

use crate::error::ConnectError;
use crate::named::{Members, Scene};
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use serde_json::json;
use tympan_aws::{Operation, Output};

/// Describes an alias of a flow.
///
/// Errors: ResourceNotFound.
pub(crate) struct DescribeContactFlowAlias;

impl Operation for DescribeContactFlowAlias {
    type Service = ConnectService;
    type Input = Members;
    type Target = FlowTarget;
    const NAME: &'static str = "DescribeContactFlowAlias";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, input.instance(), input.text("ContactFlowId")))
    }

    async fn call(cx: &Context<'_>, input: Members, target: FlowTarget) -> Result<Output, ConnectError> {
        let found = target.found?;
        let (directory, instance) = (cx.service.directory(), &found.instance);
        let scene = Scene { service: cx.service, directory: &directory, instance, now: cx.now };
        let of = found.flow.aliased(instance);
        let alias = of.find(input.text("AliasId"))?;
        Ok(Output::json(&json!({ "ContactFlowAlias": of.described(&scene, alias) })))
    }
}

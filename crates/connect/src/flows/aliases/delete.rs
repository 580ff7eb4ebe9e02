//! DeleteContactFlowAlias: DELETE /contact-flows/{InstanceId}/{ContactFlowId}/alias/{AliasId}.

use crate::error::ConnectError;
use crate::named::Members;
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use tympan_aws::{Operation, Output};

/// Takes a name away from a version of a flow.
///
/// Errors: ResourceNotFound.
pub(crate) struct DeleteContactFlowAlias;

impl Operation for DeleteContactFlowAlias {
    type Service = ConnectService;
    type Input = Members;
    type Target = FlowTarget;
    const NAME: &'static str = "DeleteContactFlowAlias";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, input.instance(), input.text("ContactFlowId")))
    }

    async fn call(cx: &Context<'_>, input: Members, target: FlowTarget) -> Result<Output, ConnectError> {
        super::change(cx, target, |scene, flow| {
            let gone = flow.aliased(scene.instance).find(input.text("AliasId"))?.id;
            flow.aliases.retain(|alias| alias.id != gone);
            Ok(Output::empty_object())
        })
    }
}

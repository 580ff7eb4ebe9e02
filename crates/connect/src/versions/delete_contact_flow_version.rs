//! DeleteContactFlowVersion: DELETE /contact-flows/{InstanceId}/{ContactFlowId}/version/{ContactFlowVersion}.

use super::get;
use crate::error::ConnectError;
use crate::named::{Members, Scene};
use crate::service::ConnectService;
use crate::target::{Context, FlowTarget};
use tympan_aws::{Operation, Output};

/// Deletes a version of a flow that no alias is of.
pub(crate) struct DeleteContactFlowVersion;

impl Operation for DeleteContactFlowVersion {
    type Service = ConnectService;
    type Input = Members;
    type Target = FlowTarget;
    const NAME: &'static str = "DeleteContactFlowVersion";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<FlowTarget, ConnectError> {
        Ok(FlowTarget::of(cx, input.instance(), input.text("ContactFlowId")))
    }

    async fn call(cx: &Context<'_>, input: Members, target: FlowTarget) -> Result<Output, ConnectError> {
        let found = target.found?;
        cx.service.change(|edit| {
            let (directory, instance) = (&edit.directory, &found.instance);
            let scene = Scene { service: cx.service, directory, instance, now: cx.now };
            let gone = get(&scene, found.flow.resource_id(), input.text("ContactFlowVersion"))?.clone();
            edit.flow(&found.flow)?.aliased(instance).check_unused(gone.spec.number)?;
            edit.remove_named(&gone);
            Ok(Output::empty_object())
        })
    }
}

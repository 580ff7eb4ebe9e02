//! DeleteContactFlowModuleVersion: DELETE /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/version/{ContactFlowModuleVersion}.

use super::get;
use crate::error::ConnectError;
use crate::modules::Module;
use crate::named::{Members, NamedTarget, Scene};
use crate::service::ConnectService;
use crate::target::Context;
use tympan_aws::{Operation, Output};

/// Deletes a version of a flow module that no alias is of.
pub(crate) struct DeleteContactFlowModuleVersion;

impl Operation for DeleteContactFlowModuleVersion {
    type Service = ConnectService;
    type Input = Members;
    type Target = NamedTarget<Module>;
    const NAME: &'static str = "DeleteContactFlowModuleVersion";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<NamedTarget<Module>, ConnectError> {
        Ok(NamedTarget::of(cx, input.instance(), input.text("ContactFlowModuleId")))
    }

    async fn call(
        cx: &Context<'_>,
        input: Members,
        target: NamedTarget<Module>,
    ) -> Result<Output, ConnectError> {
        let (instance, module) = target.found?;
        cx.service.change(|edit| {
            let module = edit.named(&module)?;
            let (directory, instance) = (&edit.directory, &instance);
            let scene = Scene { service: cx.service, directory, instance, now: cx.now };
            let gone = get(&scene, module.id, input.text("ContactFlowModuleVersion"))?.clone();
            Module::aliased(&scene, &module).check_unused(gone.spec.number)?;
            edit.remove_named(&gone);
            Ok(Output::empty_object())
        })
    }
}

//! CreateContactFlowModuleVersion: PUT /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/version.

use super::version::{Draft, add};
use crate::error::ConnectError;
use crate::modules::Module;
use crate::named::{Members, NamedTarget, Scene};
use crate::service::ConnectService;
use crate::target::Context;
use serde_json::json;
use tympan_aws::{Operation, Output};

/// Keeps the content of a flow module as a version of it.
pub(crate) struct CreateContactFlowModuleVersion;

impl Operation for CreateContactFlowModuleVersion {
    type Service = ConnectService;
    type Input = Members;
    type Target = NamedTarget<Module>;
    const NAME: &'static str = "CreateContactFlowModuleVersion";

    async fn resolve(cx: &Context<'_>, input: &Members) -> Result<NamedTarget<Module>, ConnectError> {
        Ok(NamedTarget::of(cx, input.instance(), input.text("ContactFlowModuleId")))
    }

    async fn call(
        cx: &Context<'_>,
        mut input: Members,
        target: NamedTarget<Module>,
    ) -> Result<Output, ConnectError> {
        let (description, sha256) =
            (input.take(cx, "Description")?, input.take(cx, "FlowModuleContentSha256")?);
        let (instance, module) = target.found?;
        cx.service.change(|edit| {
            let mut module = edit.named(&module)?;
            let (of, last) = (module.id, module.spec.last_version);
            let (content, settings) = (module.spec.published.clone(), module.spec.settings.clone());
            let draft = Draft { of, last, content, settings, description, sha256 };
            let number = add(cx, edit, &instance, draft)?;
            module.spec.last_version = number;
            let scene =
                Scene { service: cx.service, directory: &edit.directory, instance: &instance, now: cx.now };
            let arn = format!("{}:{number}", scene.arn::<Module>(of));
            edit.put_named(module);
            Ok(Output::json(&json!({ "ContactFlowModuleArn": arn, "Version": number })))
        })
    }
}

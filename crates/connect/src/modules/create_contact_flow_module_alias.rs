//! CreateContactFlowModuleAlias: PUT /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/alias.

use super::Module;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use crate::versions::NewAlias;
use serde::Deserialize;
use serde_json::json;
use tympan_aws::Output;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    alias_name: String,
    contact_flow_module_version: u32,
    description: Option<String>,
}

/// Names a version of a flow module.
pub(crate) struct CreateContactFlowModuleAlias;

impl Change for CreateContactFlowModuleAlias {
    type Spec = Module;
    type Members = Members;
    const NAME: &'static str = "CreateContactFlowModuleAlias";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Module>) -> Result<(), ConnectError> {
        let Members { alias_name: name, contact_flow_module_version: version, description } = members;
        let new = Module::aliased(scene, named).new_alias(scene, NewAlias { name, description, version })?;
        named.spec.aliases.push(new);
        Ok(())
    }

    fn answer(scene: &Scene<'_>, named: &Named<Module>) -> Output {
        let id = named.spec.aliases.last().map(|alias| alias.id);
        Output::json(&json!({ "ContactFlowModuleArn": scene.arn::<Module>(named.id), "Id": id }))
    }
}

//! CreateContactFlowModuleAlias: PUT /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/alias.

use super::Alias;
use super::Module;
use super::alias::MOST;
use crate::error::ConnectError;
use crate::error::ErrorCode;
use crate::named::{Change, Named, Scene};
use crate::service::Limits;
use serde::Deserialize;
use serde_json::json;
use tympan_aws::Output;
use tympan_types::ResourceId;

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
        let new = Alias {
            id: ResourceId::from_random(scene.service.random()),
            name: members.alias_name,
            description: members.description.filter(|text| !text.is_empty()),
            version: members.contact_flow_module_version,
            modified: scene.now,
        };
        new.check(scene, named)?;
        Limits::check(named.spec.aliases.len(), MOST, ErrorCode::LimitExceeded, "aliases of the module")?;
        named.spec.aliases.push(new);
        Ok(())
    }

    fn answer(scene: &Scene<'_>, named: &Named<Module>) -> Output {
        let id = named.spec.aliases.last().map(|alias| alias.id);
        Output::json(&json!({ "ContactFlowModuleArn": scene.arn::<Module>(named.id), "Id": id }))
    }
}

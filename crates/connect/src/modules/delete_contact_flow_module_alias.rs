//! DeleteContactFlowModuleAlias: DELETE /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/alias/{AliasId}.

use super::Module;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    alias_id: String,
}

/// Takes a name away from a version of a flow module.
pub(crate) struct DeleteContactFlowModuleAlias;

impl Change for DeleteContactFlowModuleAlias {
    type Spec = Module;
    type Members = Members;
    const NAME: &'static str = "DeleteContactFlowModuleAlias";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Module>) -> Result<(), ConnectError> {
        let gone = Module::aliased(scene, named).find(&members.alias_id)?.id;
        named.spec.aliases.retain(|alias| alias.id != gone);
        Ok(())
    }
}

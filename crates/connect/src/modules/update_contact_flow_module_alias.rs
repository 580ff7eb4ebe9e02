//! UpdateContactFlowModuleAlias: POST /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/alias/{AliasId}.

use super::Module;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use crate::versions::AliasChange;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    alias_id: String,
    name: Option<String>,
    description: Option<String>,
    contact_flow_module_version: Option<u32>,
}

/// Changes an alias of a flow module; a member that is absent stays as it is.
pub(crate) struct UpdateContactFlowModuleAlias;

impl Change for UpdateContactFlowModuleAlias {
    type Spec = Module;
    type Members = Members;
    const NAME: &'static str = "UpdateContactFlowModuleAlias";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Module>) -> Result<(), ConnectError> {
        let Members { alias_id, name, description, contact_flow_module_version: version } = members;
        let change = AliasChange { alias_id, name, description, version };
        let changed = Module::aliased(scene, named).changed(scene, change)?;
        let place = named.spec.aliases.iter_mut().find(|alias| alias.id == changed.id);
        place.into_iter().for_each(|place| place.clone_from(&changed));
        Ok(())
    }
}

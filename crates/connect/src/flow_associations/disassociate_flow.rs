//! DisassociateFlow: DELETE /flow-associations/{InstanceId}/{ResourceId}/{ResourceType}.

use super::flow_association::find;
use crate::error::ConnectError;
use crate::instances::{Instance, InstanceEdit};
use crate::named::Scene;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    resource_id: String,
    resource_type: String,
}

/// Lets what comes for an address start no flow.
pub(crate) struct DisassociateFlow;

impl InstanceEdit for DisassociateFlow {
    type Members = Members;
    const NAME: &'static str = "DisassociateFlow";

    fn apply(scene: &Scene<'_>, members: Members, instance: &mut Instance) -> Result<(), ConnectError> {
        let gone = find(scene, &members.resource_id, &members.resource_type)?;
        instance.config.flow_associations.retain(|known| known != gone);
        Ok(())
    }
}

//! AssociateFlow: PUT /flow-associations/{InstanceId}.

use super::FlowAssociation;
use super::flow_association::{MOST, check_type};
use crate::error::ConnectError;
use crate::error::ErrorCode;
use crate::instances::{Instance, InstanceEdit};
use crate::named::Scene;
use crate::service::Limits;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    resource_id: String,
    flow_id: String,
    resource_type: String,
}

/// Lets what comes for an address start a flow.
pub(crate) struct AssociateFlow;

impl InstanceEdit for AssociateFlow {
    type Members = Members;
    const NAME: &'static str = "AssociateFlow";

    fn apply(scene: &Scene<'_>, members: Members, instance: &mut Instance) -> Result<(), ConnectError> {
        check_type(&members.resource_type)?;
        let flow = scene.flow(&members.flow_id)?.id;
        let associations = &mut instance.config.flow_associations;
        let (resource, resource_type) = (members.resource_id, members.resource_type);
        associations.retain(|known| known.resource != resource || known.resource_type != resource_type);
        let count = associations.len();
        Limits::check(count, MOST, ErrorCode::InvalidRequest, "flow associations of an instance")?;
        associations.push(FlowAssociation { resource, resource_type, flow });
        Ok(())
    }
}

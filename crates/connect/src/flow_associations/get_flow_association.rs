//! GetFlowAssociation: GET /flow-associations/{InstanceId}/{ResourceId}/{ResourceType}.

use super::flow_association::find;
use crate::error::ConnectError;
use crate::instances::InstanceView;
use crate::named::{Members, Scene};
use crate::target::Context;
use serde_json::json;
use tympan_aws::Output;

/// Tells which flow an address starts.
pub(crate) struct GetFlowAssociation;

impl InstanceView for GetFlowAssociation {
    const NAME: &'static str = "GetFlowAssociation";

    fn of(_: &Context<'_>, input: Members, scene: &Scene<'_>) -> Result<Output, ConnectError> {
        let found = find(scene, input.text("ResourceId"), input.text("ResourceType"))?;
        Ok(Output::json(&json!({
            "ResourceId": found.resource,
            "FlowId": scene.instance.flow_arn(found.flow),
            "ResourceType": found.resource_type,
        })))
    }
}

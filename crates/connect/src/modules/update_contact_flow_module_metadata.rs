//! UpdateContactFlowModuleMetadata: POST /contact-flow-modules/{InstanceId}/{ContactFlowModuleId}/metadata.

use super::Module;
use crate::error::ConnectError;
use crate::flows::FlowState;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;
use tympan_aws::Output;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    name: Option<String>,
    description: Option<String>,
    state: Option<String>,
}

/// Changes name, description and state; a member that is absent stays as it is.
pub(crate) struct UpdateContactFlowModuleMetadata;

impl Change for UpdateContactFlowModuleMetadata {
    type Spec = Module;
    type Members = Members;
    const NAME: &'static str = "UpdateContactFlowModuleMetadata";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Module>) -> Result<(), ConnectError> {
        scene.rename(named, members.name, members.description)?;
        let state = members.state.as_deref().map(FlowState::parse).transpose();
        named.spec.state = state.map_err(ConnectError::parameter)?.unwrap_or(named.spec.state);
        Ok(())
    }

    fn answer(_: &Scene<'_>, _: &Named<Module>) -> Output {
        Output::empty_object()
    }
}

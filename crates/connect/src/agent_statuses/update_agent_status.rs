//! UpdateAgentStatus: POST /agent-status/{InstanceId}/{AgentStatusId}.

use super::AgentStatus;
use super::AgentStatusState;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    name: Option<String>,
    description: Option<String>,
    state: Option<AgentStatusState>,
    display_order: Option<u32>,
    #[serde(default)]
    reset_order_number: bool,
}

/// Changes an agent status; a member that is absent stays as it is.
pub(crate) struct UpdateAgentStatus;

impl Change for UpdateAgentStatus {
    type Spec = AgentStatus;
    type Members = Members;
    const NAME: &'static str = "UpdateAgentStatus";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<AgentStatus>,
    ) -> Result<(), ConnectError> {
        scene.rename(named, members.name, members.description)?;
        let status = &mut named.spec;
        status.state = members.state.unwrap_or(status.state);
        status.display_order = match members.reset_order_number {
            true => None,
            false => members.display_order.or(status.display_order),
        };
        status.check()
    }
}

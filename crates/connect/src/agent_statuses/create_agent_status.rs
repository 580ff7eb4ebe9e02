//! CreateAgentStatus: PUT /agent-status/{InstanceId}.

use super::{AgentStatus, AgentStatusState, AgentStatusType};
use crate::error::ConnectError;
use crate::named::{Creation, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    state: AgentStatusState,
    display_order: Option<u32>,
}

/// Creates an agent status, in which agents are given no contacts.
pub(crate) struct CreateAgentStatus;

impl Creation for CreateAgentStatus {
    type Spec = AgentStatus;
    type Members = Members;
    const NAME: &'static str = "CreateAgentStatus";

    fn spec(_: &Scene<'_>, members: Members) -> Result<AgentStatus, ConnectError> {
        let status_type = AgentStatusType::Custom;
        let status = AgentStatus { status_type, state: members.state, display_order: members.display_order };
        status.check()?;
        Ok(status)
    }
}

//! UpdateRoutingProfileAgentAvailabilityTimer: POST /routing-profiles/{InstanceId}/{RoutingProfileId}/agent-availability-timer.

use super::AgentAvailabilityTimer;
use super::RoutingProfile;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    agent_availability_timer: AgentAvailabilityTimer,
}

/// Changes from when on a user counts as waiting.
pub(crate) struct UpdateRoutingProfileAgentAvailabilityTimer;

impl Change for UpdateRoutingProfileAgentAvailabilityTimer {
    type Spec = RoutingProfile;
    type Members = Members;
    const NAME: &'static str = "UpdateRoutingProfileAgentAvailabilityTimer";

    fn apply(_: &Scene<'_>, members: Members, named: &mut Named<RoutingProfile>) -> Result<(), ConnectError> {
        named.spec.timer = members.agent_availability_timer;
        Ok(())
    }
}

//! UpdateRoutingProfileQueues: POST /routing-profiles/{InstanceId}/{RoutingProfileId}/queues.

use super::RoutingProfile;
use super::routing_profile::QueueConfig;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    queue_configs: Vec<QueueConfig>,
}

/// Changes priority and delay of queues that the profile has.
pub(crate) struct UpdateRoutingProfileQueues;

impl Change for UpdateRoutingProfileQueues {
    type Spec = RoutingProfile;
    type Members = Members;
    const NAME: &'static str = "UpdateRoutingProfileQueues";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<RoutingProfile>,
    ) -> Result<(), ConnectError> {
        let known = named.spec.queues.len();
        named.spec.associate(scene, &members.queue_configs)?;
        if named.spec.queues.len() > known {
            return Err(ConnectError::parameter(
                "QueueConfigs has a queue that the routing profile does not have",
            ));
        }
        Ok(())
    }
}

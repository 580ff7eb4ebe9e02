//! AssociateRoutingProfileQueues: POST /routing-profiles/{InstanceId}/{RoutingProfileId}/associate-queues.

use super::RoutingProfile;
use super::routing_profile::{ManualQueueConfig, QueueConfig};
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    #[serde(default)]
    queue_configs: Vec<QueueConfig>,
    #[serde(default)]
    manual_assignment_queue_configs: Vec<ManualQueueConfig>,
}

/// Adds queues to a routing profile.
pub(crate) struct AssociateRoutingProfileQueues;

impl Change for AssociateRoutingProfileQueues {
    type Spec = RoutingProfile;
    type Members = Members;
    const NAME: &'static str = "AssociateRoutingProfileQueues";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<RoutingProfile>,
    ) -> Result<(), ConnectError> {
        named.spec.associate(scene, &members.queue_configs)?;
        named.spec.associate_manual(scene, &members.manual_assignment_queue_configs)
    }
}

//! DisassociateRoutingProfileQueues: POST /routing-profiles/{InstanceId}/{RoutingProfileId}/disassociate-queues.

use super::RoutingProfile;
use super::routing_profile::QueueReference;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    #[serde(default)]
    queue_references: Vec<QueueReference>,
    #[serde(default)]
    manual_assignment_queue_references: Vec<QueueReference>,
}

/// Takes queues away from a routing profile; one that it does not have is passed over.
pub(crate) struct DisassociateRoutingProfileQueues;

impl Change for DisassociateRoutingProfileQueues {
    type Spec = RoutingProfile;
    type Members = Members;
    const NAME: &'static str = "DisassociateRoutingProfileQueues";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<RoutingProfile>,
    ) -> Result<(), ConnectError> {
        for reference in &members.queue_references {
            let gone = reference.found(scene)?;
            named.spec.queues.retain(|known| (known.queue, known.channel) != gone);
        }
        for reference in &members.manual_assignment_queue_references {
            let gone = reference.found(scene)?;
            named.spec.manual_queues.retain(|known| *known != gone);
        }
        Ok(())
    }
}

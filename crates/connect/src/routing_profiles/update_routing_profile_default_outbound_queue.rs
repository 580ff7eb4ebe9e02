//! UpdateRoutingProfileDefaultOutboundQueue: POST /routing-profiles/{InstanceId}/{RoutingProfileId}/default-outbound-queue.

use super::RoutingProfile;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use crate::queues::Queue;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    default_outbound_queue_id: String,
}

/// Changes the queue of calls that users place.
pub(crate) struct UpdateRoutingProfileDefaultOutboundQueue;

impl Change for UpdateRoutingProfileDefaultOutboundQueue {
    type Spec = RoutingProfile;
    type Members = Members;
    const NAME: &'static str = "UpdateRoutingProfileDefaultOutboundQueue";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<RoutingProfile>,
    ) -> Result<(), ConnectError> {
        named.spec.default_outbound_queue = scene.find::<Queue>(&members.default_outbound_queue_id)?.id;
        Ok(())
    }
}

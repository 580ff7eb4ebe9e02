//! UpdateQueueOutboundCallerConfig: POST /queues/{InstanceId}/{QueueId}/outbound-caller-config.

use super::Queue;
use super::queue::OutboundCallerConfig;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    outbound_caller_config: OutboundCallerConfig,
}

/// Changes how calls are placed from a queue.
pub(crate) struct UpdateQueueOutboundCallerConfig;

impl Change for UpdateQueueOutboundCallerConfig {
    type Spec = Queue;
    type Members = Members;
    const NAME: &'static str = "UpdateQueueOutboundCallerConfig";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Queue>) -> Result<(), ConnectError> {
        named.spec.outbound_caller = members.outbound_caller_config.found(scene)?;
        Ok(())
    }
}

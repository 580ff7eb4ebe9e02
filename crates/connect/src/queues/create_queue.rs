//! CreateQueue: PUT /queues/{InstanceId}.

use super::Queue;
use super::queue::{OutboundCallerConfig, QueueStatus, hours};
use crate::error::ConnectError;
use crate::named::{Creation, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    hours_of_operation_id: String,
    max_contacts: Option<u32>,
    #[serde(default)]
    outbound_caller_config: OutboundCallerConfig,
    #[serde(default)]
    quick_connect_ids: Vec<String>,
}

/// Creates a queue; it takes contacts at once.
pub(crate) struct CreateQueue;

impl Creation for CreateQueue {
    type Spec = Queue;
    type Members = Members;
    const NAME: &'static str = "CreateQueue";

    fn spec(scene: &Scene<'_>, members: Members) -> Result<Queue, ConnectError> {
        let mut queue = Queue {
            hours: hours(scene, &members.hours_of_operation_id)?,
            status: QueueStatus::Enabled,
            max_contacts: members.max_contacts,
            outbound_caller: members.outbound_caller_config.found(scene)?,
            quick_connects: Vec::new(),
        };
        queue.associate(scene, &members.quick_connect_ids)?;
        Ok(queue)
    }
}

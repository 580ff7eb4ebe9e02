//! UpdateQueueStatus: POST /queues/{InstanceId}/{QueueId}/status.

use super::Queue;
use super::QueueStatus;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    status: QueueStatus,
}

/// Lets a queue take contacts, or no new ones.
pub(crate) struct UpdateQueueStatus;

impl Change for UpdateQueueStatus {
    type Spec = Queue;
    type Members = Members;
    const NAME: &'static str = "UpdateQueueStatus";

    fn apply(_: &Scene<'_>, members: Members, named: &mut Named<Queue>) -> Result<(), ConnectError> {
        named.spec.status = members.status;
        Ok(())
    }
}

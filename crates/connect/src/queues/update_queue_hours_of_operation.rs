//! UpdateQueueHoursOfOperation: POST /queues/{InstanceId}/{QueueId}/hours-of-operation.

use super::Queue;
use super::queue::hours;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    hours_of_operation_id: String,
}

/// Gives a queue other hours of operation.
pub(crate) struct UpdateQueueHoursOfOperation;

impl Change for UpdateQueueHoursOfOperation {
    type Spec = Queue;
    type Members = Members;
    const NAME: &'static str = "UpdateQueueHoursOfOperation";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Queue>) -> Result<(), ConnectError> {
        named.spec.hours = hours(scene, &members.hours_of_operation_id)?;
        Ok(())
    }
}

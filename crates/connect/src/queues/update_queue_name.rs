//! UpdateQueueName: POST /queues/{InstanceId}/{QueueId}/name.

use super::Queue;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    name: Option<String>,
    description: Option<String>,
}

/// Changes name and description of a queue; a member that is absent stays as it is.
pub(crate) struct UpdateQueueName;

impl Change for UpdateQueueName {
    type Spec = Queue;
    type Members = Members;
    const NAME: &'static str = "UpdateQueueName";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Queue>) -> Result<(), ConnectError> {
        scene.rename(named, members.name, members.description)
    }
}

//! AssociateQueueQuickConnects: POST /queues/{InstanceId}/{QueueId}/associate-quick-connects.

use super::Queue;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    quick_connect_ids: Vec<String>,
}

/// Adds quick connects to a queue; one that it has already stays.
pub(crate) struct AssociateQueueQuickConnects;

impl Change for AssociateQueueQuickConnects {
    type Spec = Queue;
    type Members = Members;
    const NAME: &'static str = "AssociateQueueQuickConnects";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Queue>) -> Result<(), ConnectError> {
        named.spec.associate(scene, &members.quick_connect_ids)
    }
}

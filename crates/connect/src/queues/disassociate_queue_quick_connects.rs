//! DisassociateQueueQuickConnects: POST /queues/{InstanceId}/{QueueId}/disassociate-quick-connects.

use super::Queue;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use crate::quick_connects::QuickConnect;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    quick_connect_ids: Vec<String>,
}

/// Takes quick connects away from a queue; one that it does not have is passed over.
pub(crate) struct DisassociateQueueQuickConnects;

impl Change for DisassociateQueueQuickConnects {
    type Spec = Queue;
    type Members = Members;
    const NAME: &'static str = "DisassociateQueueQuickConnects";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Queue>) -> Result<(), ConnectError> {
        for text in &members.quick_connect_ids {
            let gone = scene.find::<QuickConnect>(text)?.id;
            named.spec.quick_connects.retain(|id| *id != gone);
        }
        Ok(())
    }
}

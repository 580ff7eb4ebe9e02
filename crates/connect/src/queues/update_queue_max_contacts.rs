//! UpdateQueueMaxContacts: POST /queues/{InstanceId}/{QueueId}/max-contacts.

use super::Queue;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    max_contacts: Option<u32>,
}

/// Changes how many contacts a queue holds; without a number it is as many as the instance.
pub(crate) struct UpdateQueueMaxContacts;

impl Change for UpdateQueueMaxContacts {
    type Spec = Queue;
    type Members = Members;
    const NAME: &'static str = "UpdateQueueMaxContacts";

    fn apply(_: &Scene<'_>, members: Members, named: &mut Named<Queue>) -> Result<(), ConnectError> {
        named.spec.max_contacts = members.max_contacts;
        Ok(())
    }
}

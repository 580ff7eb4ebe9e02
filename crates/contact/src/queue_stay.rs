use crate::QueueRef;
use serde::{Deserialize, Serialize};
use tympan_types::WallTime;

/// The time of a contact in a queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueStay {
    /// The queue.
    pub queue: QueueRef,
    /// Since when it waits.
    pub enqueued: WallTime,
    /// When it was taken out: for an agent, or because the customer has gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dequeued: Option<WallTime>,
}

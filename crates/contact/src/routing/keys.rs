use serde::{Deserialize, Serialize};
use tympan_types::{InstanceId, ResourceId};

/// An agent: a user of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AgentKey {
    /// The instance.
    pub instance: InstanceId,
    /// The user.
    pub user: ResourceId,
}

impl AgentKey {
    /// The queue of the agent alone.
    pub const fn own_queue(self) -> QueueKey {
        QueueKey { instance: self.instance, kind: QueueKind::Agent(self.user) }
    }
}

/// A queue of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct QueueKey {
    /// The instance.
    pub instance: InstanceId,
    /// Which one of it.
    pub kind: QueueKind,
}

impl QueueKey {
    /// A queue that agents share.
    pub const fn standard(instance: InstanceId, queue: ResourceId) -> Self {
        Self { instance, kind: QueueKind::Queue(queue) }
    }

    /// The agent whose own queue it is.
    pub const fn owner(self) -> Option<AgentKey> {
        match self.kind {
            QueueKind::Agent(user) => Some(AgentKey { instance: self.instance, user }),
            QueueKind::Queue(_) => None,
        }
    }
}

/// Whose queue it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum QueueKind {
    /// A standard queue: agents share it.
    Queue(ResourceId),
    /// The own queue of this user.
    Agent(ResourceId),
}

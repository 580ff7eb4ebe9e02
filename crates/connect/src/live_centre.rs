//! What the API needs to know of queues and agents while calls are up.

use std::time::Duration;
use tympan_contact::{InitiationMethod, QueueRef};
use tympan_types::{ContactId, InstanceId, ResourceId, WallTime};

/// The queues and agents as routing has them; the server implements it.
pub trait LiveCentre: Send + Sync {
    /// The numbers of every queue of an instance of which routing knows, agents' own queues left out. Queues that are not here
    /// are empty.
    fn queues(&self, instance: InstanceId) -> Vec<QueueNumbers>;

    /// Every agent of an instance of whom routing knows. Those who are not here are offline.
    fn agents(&self, instance: InstanceId) -> Vec<AgentView>;

    /// Where a contact stands in its queue; `None` where it waits in none.
    fn place(&self, contact: ContactId) -> Option<QueuePlace>;

    /// Sets the status of an agent, or the next one while he is on a contact. The work after a contact ends.
    ///
    /// # Errors
    /// Why not.
    fn set_status(
        &self,
        instance: InstanceId,
        agent: ResourceId,
        status: ResourceId,
    ) -> Result<(), CentreError>;

    /// Takes a contact away from an agent that is missed, in error or ended: he can be given others.
    ///
    /// # Errors
    /// Why not.
    fn dismiss(&self, instance: InstanceId, agent: ResourceId, contact: ContactId)
    -> Result<(), CentreError>;

    /// Offers a contact that waits in a queue to an agent, whatever his status.
    ///
    /// # Errors
    /// Why not.
    fn associate(
        &self,
        instance: InstanceId,
        contact: ContactId,
        agent: ResourceId,
    ) -> Result<(), CentreError>;
}

/// A queue at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueNumbers {
    /// The queue.
    pub queue: ResourceId,
    /// Contacts that wait, those that are being offered among them.
    pub waiting: u64,
    /// Callbacks whose time has not come.
    pub scheduled: u64,
    /// Since when the oldest one waits.
    pub oldest: Option<WallTime>,
    /// How long the next contact will wait, as far as that can be said.
    pub estimated_wait_ms: Option<u64>,
}

/// Where a contact stands in its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuePlace {
    /// 1 is the next one.
    pub position: u64,
    /// How long it will wait, as far as that can be said.
    pub estimated_wait: Option<Duration>,
}

/// An agent at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentView {
    /// The user.
    pub user: ResourceId,
    /// His status.
    pub status: ResourceId,
    /// Since when he has it.
    pub since: WallTime,
    /// The status that he gets when his contacts are over.
    pub next_status: Option<ResourceId>,
    /// His contacts; more than one only where his routing profile says so.
    pub contacts: Vec<AgentContact>,
    /// How many contacts he can have at once.
    pub slots: u32,
    /// Whether he listens to a contact of another agent.
    pub is_monitoring: bool,
}

/// A contact as an agent has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentContact {
    /// The contact.
    pub contact: ContactId,
    /// How far it is.
    pub state: AgentContactState,
    /// Since when.
    pub since: WallTime,
    /// When both heard each other first.
    pub connected: Option<WallTime>,
    /// The queue that it came from, if it came from one.
    pub queue: Option<QueueRef>,
    /// Since when it waited there.
    pub enqueued: Option<WallTime>,
    /// How the contact began.
    pub initiation_method: InitiationMethod,
    /// The first contact of its chain.
    pub initial_contact: Option<ContactId>,
}

/// How far an agent's contact is.
///
/// Source: API reference, `ContactState`; Administrator Guide, "Agent event streams data model".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AgentContactState {
    /// A callback is offered.
    Incoming,
    /// A callback waits to be connected.
    Pending,
    /// The agent's telephone rings, or his whisper plays.
    Connecting,
    /// Agent and customer are connected.
    Connected,
    /// The customer is on hold.
    ConnectedOnHold,
    /// The agent did not take it.
    Missed,
    /// The agent's telephone failed.
    Error,
    /// The call is over, and the agent's work after it is not.
    Ended,
    /// The agent turned it down; not for calls.
    Rejected,
}

impl AgentContactState {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Incoming,
        Self::Pending,
        Self::Connecting,
        Self::Connected,
        Self::ConnectedOnHold,
        Self::Missed,
        Self::Error,
        Self::Ended,
        Self::Rejected,
    ];

    /// The word of the API: `CONNECTED_ONHOLD`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Incoming => "INCOMING",
            Self::Pending => "PENDING",
            Self::Connecting => "CONNECTING",
            Self::Connected => "CONNECTED",
            Self::ConnectedOnHold => "CONNECTED_ONHOLD",
            Self::Missed => "MISSED",
            Self::Error => "ERROR",
            Self::Ended => "ENDED",
            Self::Rejected => "REJECTED",
        }
    }

    /// Whether an operator may take it away from the agent.
    pub const fn can_be_dismissed(self) -> bool {
        matches!(self, Self::Missed | Self::Error | Self::Ended | Self::Rejected)
    }
}

/// Why something cannot be done about an agent or a queue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CentreError {
    /// The contact is not up, or is not where it would have to be.
    #[error("the contact is not there: {0}")]
    NoContact(String),
    /// The agent is not known, or has no telephone.
    #[error("the agent cannot be reached: {0}")]
    NoAgent(String),
    /// It does not fit what agent and contact do now.
    #[error("not now: {0}")]
    Conflict(String),
    /// As many as may be are there.
    #[error("the limit is reached: {0}")]
    Full(String),
    /// This server routes no contacts.
    #[error("this server routes no contacts to agents")]
    NotOffered,
}

/// No queues and no agents: for tests and for servers that route nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoCentre;

impl LiveCentre for NoCentre {
    fn queues(&self, _: InstanceId) -> Vec<QueueNumbers> {
        Vec::new()
    }

    fn agents(&self, _: InstanceId) -> Vec<AgentView> {
        Vec::new()
    }

    fn place(&self, _: ContactId) -> Option<QueuePlace> {
        None
    }

    fn set_status(&self, _: InstanceId, _: ResourceId, _: ResourceId) -> Result<(), CentreError> {
        Err(CentreError::NotOffered)
    }

    fn dismiss(&self, _: InstanceId, _: ResourceId, _: ContactId) -> Result<(), CentreError> {
        Err(CentreError::NotOffered)
    }

    fn associate(&self, _: InstanceId, _: ContactId, _: ResourceId) -> Result<(), CentreError> {
        Err(CentreError::NotOffered)
    }
}

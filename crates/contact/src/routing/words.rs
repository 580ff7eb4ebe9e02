//! What comes in, what goes out, and why something is refused.

use super::{AgentKey, QueueKey};
use serde::{Deserialize, Serialize};
use tympan_types::{ContactId, OfferId, ResourceId, WallTime};

/// The contact priority of a contact that says nothing else. The lowest number is served first.
pub const DEFAULT_PRIORITY: u64 = 5;

/// A contact that is to be put into a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueuedContact {
    /// The contact.
    pub contact: ContactId,
    /// The queue.
    pub queue: QueueKey,
    /// `QueuePriority`, 1 to 2^63-1; [`DEFAULT_PRIORITY`] without a wish. The lowest is served first.
    pub priority: u64,
    /// `QueueTimeAdjustmentSeconds`: makes it look older; negative: younger.
    pub age_adjustment_s: i32,
    /// From when on it waits.
    pub queued_at: WallTime,
    /// What it is.
    pub kind: QueuedKind,
    /// True for a transfer from a queue and for an agent's quick connect: 20 % more find place.
    pub has_buffer: bool,
    /// Whom it prefers. Never applied in an agent's own queue.
    pub criteria: RoutingCriteria,
}

/// What waits in a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueuedKind {
    /// A caller.
    Call,
    /// A customer who wants to be called.
    Callback(CallbackPlan),
}

/// How a customer is called back: `CreateCallbackContact`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallbackPlan {
    /// When it was asked for.
    pub created_at: WallTime,
    /// When it is put into its queue.
    pub due_at: WallTime,
    /// How often the customer is dialled at most.
    pub attempts_max: u32,
    /// From an attempt without an answer to the next.
    pub retry_delay_s: u32,
}

/// `RoutingCriteria`: the agents to whom a contact is offered, step by step; when all steps are spent, to any agent of the queue.
///
/// Only steps that name agents exist: agents have no proficiencies here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingCriteria {
    /// The steps, at most [`STEPS_MAX`].
    pub steps: Vec<RoutingStep>,
}

/// The most steps of routing criteria.
pub const STEPS_MAX: usize = 10;

/// The most agents of a step.
pub const STEP_AGENTS_MAX: usize = 100;

/// A step of routing criteria.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingStep {
    /// The preferred agents, at most [`STEP_AGENTS_MAX`]. They must have the queue in their routing profile.
    pub agents: Vec<AgentKey>,
    /// How long it holds; `None`: until an agent takes the contact.
    pub expires_after_s: Option<u32>,
}

/// Where a step of routing criteria stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepStatus {
    /// It was not its turn yet.
    Inactive,
    /// It narrows the agents.
    Active,
    /// An agent took the contact while it was active.
    Joined,
    /// Its time has passed.
    Expired,
}

/// A change of a queued contact's place: `UpdateContactRoutingBehavior`, `UpdateContactRoutingData`. It holds at once; the service
/// takes at least 60 s.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RoutingUpdate {
    /// Another contact priority.
    Priority(u64),
    /// Another adjustment of its age, in place of the former one.
    AgeAdjustment {
        /// Seconds.
        seconds: i32,
    },
    /// Other criteria, from their first step on.
    Criteria(RoutingCriteria),
}

/// Why a contact is not put into a queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnqueueRefusal {
    /// The queue is full: the flow's `QueueAtCapacity`.
    #[error("the queue is at its capacity")]
    AtCapacity,
    /// The queue takes no new contacts.
    #[error("the queue is disabled")]
    Disabled,
    /// There is none.
    #[error("there is no such queue")]
    NoSuchQueue,
    /// The contact waits in a queue.
    #[error("the contact is queued already")]
    AlreadyQueued,
    /// The criteria have too many steps, or a step too many agents.
    #[error("the routing criteria are too large")]
    TooManySteps,
}

/// Why something about a queued contact is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueuedRefusal {
    /// It waits in no queue.
    #[error("the contact is not queued")]
    NotQueued,
    /// An agent has accepted it.
    #[error("the contact is being joined to an agent")]
    BeingJoined,
    /// The criteria have too many steps, or a step too many agents.
    #[error("the routing criteria are too large")]
    TooManySteps,
}

/// Why a contact is not offered to a chosen agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferRefusal {
    /// There is no such agent.
    #[error("there is no such agent")]
    NoSuchAgent,
    /// The contact waits in no queue.
    #[error("the contact is not queued")]
    NotQueued,
    /// It is offered to an agent, or one has accepted it.
    #[error("the contact is offered to an agent")]
    AlreadyOffered,
    /// The agent has a contact: `TransferContactToAgent` disconnects the contact.
    #[error("the agent is busy")]
    Busy,
    /// The agent is not available.
    #[error("the agent is not available")]
    NotAvailable,
    /// The agent has as many contacts as one may have.
    #[error("the agent has too many contacts")]
    TooManyContacts,
}

/// Why an agent's status is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StatusRefusal {
    /// There is no such agent.
    #[error("there is no such agent")]
    NoSuchAgent,
    /// There is no such status, or it is disabled.
    #[error("there is no such status")]
    NoSuchStatus,
}

/// What choosing a status did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusChange {
    /// It is the agent's status.
    Now,
    /// It is the agent's next status: he is on a contact.
    Next,
}

/// What a `DismissUserContact` is refused for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DismissRefusal {
    /// There is no such agent.
    #[error("there is no such agent")]
    NoSuchAgent,
    /// The agent has no such contact.
    #[error("the agent has no such contact")]
    NoSuchContact,
    /// Only contacts that are missed, failed or ended can be dismissed.
    #[error("the contact is neither missed nor failed nor ended")]
    StillHandled,
}

/// What an offer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferKind {
    /// A caller who waits in a queue.
    Call,
    /// A callback: the agent is asked first, then the customer is dialled.
    Callback,
    /// A contact that was sent to this agent and waits in no queue.
    Direct,
}

/// Something that others do or hear of. The order of outputs is the order of what happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// The agent's telephone is to ring. Answered by `accepted`, `missed`, `rejected` or `failed`.
    Offer {
        /// Names it.
        offer: OfferId,
        /// Of this contact.
        contact: ContactId,
        /// To this agent.
        agent: AgentKey,
        /// From this queue; `None` for a direct offer.
        queue: Option<QueueKey>,
        /// What it is about.
        kind: OfferKind,
        /// How long it rings; routing ends it by itself, with [`Output::OfferEnded`].
        ring_limit_ms: u32,
        /// Whether the telephone is to answer by itself.
        auto_accept: bool,
    },
    /// Routing has ended an offer: the telephone is not to ring any longer, a whisper is not to run any longer. Reports on it come too
    /// late. A contact that waits in a queue keeps its place.
    OfferEnded {
        /// The offer.
        offer: OfferId,
        /// Of this contact.
        contact: ContactId,
        /// To this agent.
        agent: AgentKey,
        /// Why.
        why: OfferEnd,
    },
    /// A callback is due and waits in its queue: its `EnqueueTimestamp`.
    CallbackQueued {
        /// The callback.
        contact: ContactId,
        /// Its queue.
        queue: QueueKey,
        /// When.
        at: WallTime,
    },
    /// Routing has taken a contact out of its queue by itself: a call has no queue any longer, a callback is over.
    Removed {
        /// The contact.
        contact: ContactId,
        /// Its queue.
        queue: QueueKey,
        /// Why.
        why: Removal,
    },
    /// A step of the contact's routing criteria is over without an agent.
    StepExpired {
        /// The contact.
        contact: ContactId,
        /// Counted from 0.
        step: usize,
    },
    /// The after-contact work of a contact is over: its record is complete.
    AfterContactWorkEnded {
        /// The contact.
        contact: ContactId,
        /// The agent.
        agent: AgentKey,
        /// Since when.
        began_at: WallTime,
        /// Until when.
        ended_at: WallTime,
    },
    /// An agent's status has changed: `AgentStatus` and `NextAgentStatus` of the agent events.
    StatusChanged {
        /// The agent.
        agent: AgentKey,
        /// The status.
        status: ResourceId,
        /// The next status.
        next: Option<ResourceId>,
        /// When.
        at: WallTime,
    },
}

/// Why routing ended an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferEnd {
    /// It rang for its time: missed.
    NotAnswered,
    /// Nothing was heard of it for too long after the acceptance: failed.
    NotJoined,
    /// The contact has left.
    ContactGone,
    /// The agent exists no longer.
    AgentGone,
}

/// Why routing took a contact out of its queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// The queue exists no longer.
    QueueDeleted,
    /// The callback was kept for as long as callbacks are.
    Expired,
    /// After a restart with smaller limits there is no place for the callback.
    NoPlace,
}

//! What metrics and `GetCurrentUserData` are made of.

use super::{AgentKey, QueueKey};
use tympan_types::{ContactId, ResourceId, WallTime};

/// What a contact is to its agent: `AgentContactState`. A refused voice contact is missed, so there is no rejected one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AgentContactState {
    /// A callback is offered.
    Incoming,
    /// It rings, a whisper runs, or the far end of the agent's own call rings.
    Connecting,
    /// They talk.
    Connected,
    /// The customer is on hold.
    ConnectedOnHold,
    /// The agent did not take it.
    Missed,
    /// The agent's side failed.
    Error,
    /// The conversation is over, after-contact work runs.
    Ended,
}

impl AgentContactState {
    /// The word of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Incoming => "INCOMING",
            Self::Connecting => "CONNECTING",
            Self::Connected => "CONNECTED",
            Self::ConnectedOnHold => "CONNECTED_ONHOLD",
            Self::Missed => "MISSED",
            Self::Error => "ERROR",
            Self::Ended => "ENDED",
        }
    }
}

/// What an agent does: the first that holds.
///
/// Source: Amazon Connect Administrator Guide, "Agent activity".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activity {
    /// A contact failed at his side.
    Error,
    /// He did not take a contact.
    Missed,
    /// He talks, holds, or dials.
    OnContact,
    /// He works after a contact.
    AfterContactWork,
    /// A contact is offered to him.
    Incoming,
    /// What his status says.
    Status,
}

/// What `GetCurrentUserData` says of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserData {
    /// The agent.
    pub agent: AgentKey,
    /// His routing profile.
    pub profile: ResourceId,
    /// His status; `None` where the instance has none.
    pub status: Option<ResourceId>,
    /// Since when.
    pub status_since: WallTime,
    /// The status that he gets when he is on no contact.
    pub next_status: Option<ResourceId>,
    /// When that was chosen.
    pub next_status_since: Option<WallTime>,
    /// Whether a telephone of his is there.
    pub is_at_telephone: bool,
    /// What he does.
    pub activity: Activity,
    /// His contacts.
    pub contacts: Vec<AgentContact>,
    /// His slots for voice.
    pub slots: Slots,
}

/// A contact of an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentContact {
    /// The contact.
    pub contact: ContactId,
    /// What it is to him.
    pub state: AgentContactState,
    /// Since when; while the customer is on hold, since when they were connected.
    pub state_since: WallTime,
    /// The queue from which it came.
    pub queue: Option<QueueKey>,
    /// Since when it waited there.
    pub queued_at: Option<WallTime>,
    /// When they were connected.
    pub connected_at: Option<WallTime>,
    /// True for a call that the agent placed.
    pub is_outbound: bool,
}

/// Slots for voice contacts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Slots {
    /// How many there are.
    pub max: u32,
    /// How many are taken, by contacts of any state.
    pub active: u32,
    /// How many can take a contact now.
    pub available: u32,
}

/// Agents by what they do: `AGENTS_...` of `GetCurrentMetricData`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AgentCounts {
    /// Not offline.
    pub online: u32,
    /// Online and in no custom status.
    pub staffed: u32,
    /// Available, at a telephone, with no contact.
    pub available: u32,
    /// Connected, on hold, in after-contact work, or dialling.
    pub on_contact: u32,
    /// In a custom status, or on a call of their own while not available.
    pub non_productive: u32,
    /// Contacts, not agents.
    pub after_contact_work: u32,
    /// With a missed or a failed contact.
    pub error: u32,
    /// Their slots.
    pub slots: Slots,
}

/// What waits: `CONTACTS_IN_QUEUE`, `CONTACTS_SCHEDULED`, `OLDEST_CONTACT_AGE`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ContactCounts {
    /// Contacts that wait, those that ring or hear a whisper included, callbacks that are due included.
    pub in_queue: u32,
    /// Callbacks that are not due yet.
    pub scheduled: u32,
    /// The real age of the oldest contact that waits; 0 where none does.
    pub oldest_age_ms: i64,
}

/// What happened since the start, and what limits were met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RoutingCounters {
    /// Contacts that were put into a queue.
    pub enqueued: u64,
    /// Contacts that a queue had no place for.
    pub at_capacity: u64,
    /// Contacts for which the server or the queue's hard limit had no place.
    pub over_limit: u64,
    /// Offers to agents.
    pub offers: u64,
    /// Offers that were accepted.
    pub accepted: u64,
    /// Offers that led to a conversation.
    pub joined: u64,
    /// Offers that were not answered or refused, and those whose customer left while it rang: `AGENT_NON_RESPONSE`.
    pub missed: u64,
    /// Offers that failed at the agent's side.
    pub failed: u64,
    /// Reports on something that is over.
    pub late: u64,
    /// Sets that were looked into for offers: what routing costs, independent of the machine.
    pub lookups: u64,
}

/// How long routing waits for others, and how much it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoutingOptions {
    /// For an agent to accept an offer.
    pub ring_limit_ms: u32,
    /// From acceptance until the agent and the customer are joined, whispers and the dialling of a callback included. The call ends a
    /// whisper long before (two minutes); this bounds a call that reports nothing.
    pub join_limit_ms: u32,
    /// When a missed or failed contact is cleared by itself, for agents who have a telephone and nothing else. `None`: never, as in
    /// Amazon Connect.
    pub clear_missed_after_ms: Option<u32>,
    /// How long after-contact work lasts whose agent has no limit of his own, for agents who have a telephone and nothing else. `None`:
    /// until he ends it, as in Amazon Connect.
    pub after_contact_work_limit_ms: Option<u32>,
    /// Whether an agent whose telephone registers becomes available. Without it he is offline until a status is chosen for him.
    pub available_at_login: bool,
    /// How long the telephones of agents may take to come back after a restart before the agents are offline.
    pub restored_limit_ms: u32,
    /// Contacts in all queues, scheduled callbacks included.
    pub contacts_max: usize,
    /// Contacts in one queue, scheduled callbacks included; its own capacity may be less.
    pub queue_contacts_max: usize,
    /// Contacts of one agent, of any state.
    pub agent_contacts_max: usize,
    /// When an overdue callback whose queue is full is tried again.
    pub callback_recheck_ms: u32,
    /// How long a callback is kept, from its creation on.
    pub callback_lifetime_s: u32,
}

impl Default for RoutingOptions {
    fn default() -> Self {
        Self {
            ring_limit_ms: 20_000,
            join_limit_ms: 300_000,
            clear_missed_after_ms: None,
            after_contact_work_limit_ms: None,
            available_at_login: true,
            restored_limit_ms: 3_600_000,
            contacts_max: 20_000,
            queue_contacts_max: 10_000,
            agent_contacts_max: 20,
            callback_recheck_ms: 10_000,
            callback_lifetime_s: 7 * 24 * 3600,
        }
    }
}

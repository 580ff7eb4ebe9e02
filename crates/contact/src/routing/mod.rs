//! Queues and routing: which waiting contact is offered to which agent, as a state machine without sockets, clocks or threads. One for
//! the server, outside of the calls.

mod keys;
mod options;
mod plan;
mod state;
mod view;
mod words;

pub use keys::{AgentKey, QueueKey, QueueKind};
pub use options::RoutingOptions;
pub use plan::{
    AgentPlan, AvailabilityTimer, InstancePlan, ProfilePlan, QueuePlan, RoutedQueuePlan, StatusKind,
    StatusPlan,
};
pub use state::{AgentRecord, CallbackRecord, RoutingState};
pub use view::{
    Activity, AgentContact, AgentContactState, AgentCounts, ContactCounts, RoutingCounters, Slots, UserData,
};
pub use words::{
    CallbackPlan, DEFAULT_PRIORITY, DismissRefusal, EnqueueRefusal, OfferEnd, OfferKind, OfferRefusal,
    Output, QueuedContact, QueuedKind, QueuedRefusal, Removal, RoutingCriteria, RoutingStep, RoutingUpdate,
    STEP_AGENTS_MAX, STEPS_MAX, StatusChange, StatusRefusal, StepStatus,
};

use crate::Now;
use std::collections::{BTreeMap, VecDeque};
use tympan_types::{ContactId, InstanceId, Mono, OfferId, ResourceId, WallTime};

/// Queues, agents and what is offered to whom.
#[derive(Default)]
pub struct Routing {
    outputs: VecDeque<Output>,
    counters: RoutingCounters,
}

#[allow(unused_variables, clippy::needless_pass_by_ref_mut, reason = "signatures first")]
impl Routing {
    /// Without an instance.
    pub fn new(options: RoutingOptions) -> Self {
        Self::default()
    }

    /// Takes up what was kept over a restart: once, after all instances were configured.
    pub fn restore(&mut self, now: Now, state: &RoutingState) {}

    /// What is to be kept over a restart.
    pub fn state(&self) -> RoutingState {
        RoutingState::default()
    }

    /// Changes whenever [`Self::state`] does.
    pub fn revision(&self) -> u64 {
        0
    }

    /// Takes the place of what was known of the instance.
    pub fn configure(&mut self, now: Now, plan: InstancePlan) {}

    /// Forgets an instance, as if it had neither queues nor agents any longer.
    pub fn forget(&mut self, now: Now, instance: InstanceId) {}

    /// Puts a contact into a queue.
    pub fn enqueue(&mut self, now: Now, contact: QueuedContact) -> Result<(), EnqueueRefusal> {
        Err(EnqueueRefusal::NoSuchQueue)
    }

    /// The contact leaves its queue: the customer is gone, the queue flow took it out, a callback is cancelled. An offer of it ends.
    /// Gives the queue.
    pub fn leave(&mut self, now: Now, contact: ContactId) -> Option<QueueKey> {
        None
    }

    /// Changes the place of a queued contact.
    pub fn update(
        &mut self,
        now: Now,
        contact: ContactId,
        update: RoutingUpdate,
    ) -> Result<(), QueuedRefusal> {
        Err(QueuedRefusal::NotQueued)
    }

    /// Offers a queued contact to a chosen agent, whatever his status and his slots: `AssociateContactWithUser`, "Interrupt agent".
    /// Where he does not take it, it goes on waiting.
    pub fn associate(
        &mut self,
        now: Now,
        contact: ContactId,
        agent: AgentKey,
    ) -> Result<OfferId, OfferRefusal> {
        Err(OfferRefusal::NoSuchAgent)
    }

    /// Offers a contact that waits in no queue to an agent: `TransferContactToAgent`. It cuts after-contact work short, and is refused
    /// where the agent is busy or not available.
    pub fn offer_directly(
        &mut self,
        now: Now,
        contact: ContactId,
        agent: AgentKey,
    ) -> Result<OfferId, OfferRefusal> {
        Err(OfferRefusal::NoSuchAgent)
    }

    /// Whether an agent has accepted the contact and they are not joined yet.
    pub fn is_being_joined(&self, contact: ContactId) -> bool {
        false
    }

    /// The agent accepts: the whisper runs, the contact is still queued; a callback is taken out of its queue. False where the offer is
    /// over.
    pub fn accepted(&mut self, now: Now, offer: OfferId) -> bool {
        false
    }

    /// Agent and customer talk: the contact is taken out of its queue. False where the offer is over.
    pub fn joined(&mut self, now: Now, offer: OfferId) -> bool {
        false
    }

    /// The agent did not answer, refused, or hung up in the whisper: missed, as the service says of all three for voice. The contact
    /// keeps its place.
    pub fn missed(&mut self, now: Now, offer: OfferId) {}

    /// The agent's side failed. The contact keeps its place.
    pub fn failed(&mut self, now: Now, offer: OfferId) {}

    /// The agent holds the customer, or takes him off hold.
    pub fn held(&mut self, now: Now, agent: AgentKey, contact: ContactId, is_held: bool) {}

    /// The agent dials, in any status: he is on a contact at once.
    pub fn dialled(&mut self, now: Now, agent: AgentKey, contact: ContactId) -> Result<(), OfferRefusal> {
        Err(OfferRefusal::NoSuchAgent)
    }

    /// The far end of the call that an agent placed has answered.
    pub fn answered(&mut self, now: Now, agent: AgentKey, contact: ContactId) {}

    /// The agent's part of the contact is over: after-contact work begins.
    pub fn ended(&mut self, now: Now, agent: AgentKey, contact: ContactId) {}

    /// Nothing is left of the contact's call: it leaves its queue, offers of it end, and it has ended for each agent who was on it.
    pub fn closed(&mut self, now: Now, contact: ContactId) {}

    /// Clears a missed, failed or ended contact of an agent: `DismissUserContact`, and the end of after-contact work.
    pub fn dismiss(&mut self, now: Now, agent: AgentKey, contact: ContactId) -> Result<(), DismissRefusal> {
        Err(DismissRefusal::NoSuchAgent)
    }

    /// A telephone of the agent is there: he logs in.
    pub fn online(&mut self, now: Now, agent: AgentKey) {}

    /// No telephone of the agent is there any longer: he logs out.
    pub fn offline(&mut self, now: Now, agent: AgentKey) {}

    /// Chooses a status for an agent: `PutUserStatus`.
    pub fn put_status(
        &mut self,
        now: Now,
        agent: AgentKey,
        status: ResourceId,
    ) -> Result<StatusChange, StatusRefusal> {
        Err(StatusRefusal::NoSuchAgent)
    }

    /// The customer of a callback did not answer: `next` is the contact of the next attempt, which is due at the time given. `None`
    /// where it was the last attempt. The agent's part is reported by [`Self::ended`].
    pub fn unanswered(&mut self, now: Now, contact: ContactId, next: ContactId) -> Option<WallTime> {
        None
    }

    /// When [`Self::time_passed`] is due.
    pub fn next_deadline(&self) -> Option<Mono> {
        None
    }

    /// Does what is due.
    pub fn time_passed(&mut self, now: Now) {}

    /// What is to be done next.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// The place of a contact in its queue, from 1 on: `POSITION_IN_QUEUE`. Walks the queue.
    pub fn position(&self, contact: ContactId) -> Option<u32> {
        None
    }

    /// How long a contact at the end of the queue waits, in milliseconds: its length times the pace of its last joins.
    /// `None` without enough of them: not computable.
    pub fn estimated_wait_ms(&self, now: Now, queue: QueueKey) -> Option<i64> {
        None
    }

    /// The same for a contact from where it stands.
    pub fn contact_wait_ms(&self, now: Now, contact: ContactId) -> Option<i64> {
        None
    }

    /// The queue in which a contact waits.
    pub fn queue_of(&self, contact: ContactId) -> Option<QueueKey> {
        None
    }

    /// How often a queued contact was offered: `AgentConnectionAttempts`.
    pub fn attempts(&self, contact: ContactId) -> Option<u32> {
        None
    }

    /// Where each step of a queued contact's criteria stands.
    pub fn steps(&self, contact: ContactId) -> Vec<StepStatus> {
        Vec::new()
    }

    /// What waits in a queue. Zeros where there is none.
    pub fn queue_contacts(&self, now: Now, queue: QueueKey) -> ContactCounts {
        ContactCounts::default()
    }

    /// What waits in all queues of a routing profile.
    pub fn profile_contacts(&self, now: Now, instance: InstanceId, profile: ResourceId) -> ContactCounts {
        ContactCounts::default()
    }

    /// The agents of a queue: those whose routing profile has it; the owner of an agent's own queue.
    pub fn queue_agents(&self, queue: QueueKey) -> AgentCounts {
        AgentCounts::default()
    }

    /// The agents of a routing profile.
    pub fn profile_agents(&self, instance: InstanceId, profile: ResourceId) -> AgentCounts {
        AgentCounts::default()
    }

    /// The agents of a queue that have a routing profile: both groupings at once.
    pub fn queue_profile_agents(&self, queue: QueueKey, profile: ResourceId) -> AgentCounts {
        AgentCounts::default()
    }

    /// The agents of a queue who are online, by status.
    pub fn queue_statuses(&self, queue: QueueKey) -> BTreeMap<ResourceId, u32> {
        BTreeMap::new()
    }

    /// One agent, counted: for the flow block that asks for an agent's metrics.
    pub fn agent_counts(&self, agent: AgentKey) -> AgentCounts {
        AgentCounts::default()
    }

    /// What `GetCurrentUserData` says of an agent.
    pub fn user_data(&self, agent: AgentKey) -> Option<UserData> {
        None
    }

    /// The agents of an instance.
    pub fn agents(&self, instance: InstanceId) -> impl Iterator<Item = AgentKey> {
        std::iter::empty()
    }

    /// The agents of a queue, as for [`Self::queue_agents`].
    pub fn agents_of_queue(&self, queue: QueueKey) -> Vec<AgentKey> {
        Vec::new()
    }

    /// The contacts that wait in a queue, in the order of the queue, at most so many.
    pub fn queued(&self, queue: QueueKey, at_most: usize) -> Vec<ContactId> {
        Vec::new()
    }

    /// What happened since the start.
    pub fn counters(&self) -> RoutingCounters {
        self.counters
    }
}

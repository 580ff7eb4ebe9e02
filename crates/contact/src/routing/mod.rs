//! Queues and routing: which waiting contact is offered to which agent, as a state machine without sockets, clocks or threads. One for
//! the server, outside of the calls.
//!
//! The law: after each method that takes a [`Now`], drain [`Routing::poll`] until it gives `None`, and come back with
//! [`Routing::time_passed`] no later than [`Routing::next_deadline`]. Reports that come too late, or on something that is over, change
//! nothing and are counted: no order of them loses a caller or strands an agent.
//!
//! # Who is offered what
//!
//! While an agent can take a contact and one waits that counts for him, the agent who comes first is offered the contact that comes
//! first for him.
//!
//! * An agent can take a contact when his status is routable, no next status is set, his telephone is there, he has a free slot, no
//!   contact is offered to him or being joined, and none of his is missed or failed. First comes the one with the fewest contacts, then
//!   the longest idle, by the timer of his profile.
//! * First come the contacts of his own queue, without a delay. Then those of his profile's queues whose routing age has reached the
//!   delay: by the queue's priority in the profile, the contact's priority, the routing age, the contact's id. Routing age is the real
//!   age and the adjustment; metrics tell the real one.
//! * A contact with routing criteria counts only for the agents of its active step, each of whom must have the queue in his profile;
//!   after the last step, for all. In an agent's own queue criteria are ignored. Steps of attribute conditions do not exist: agents have
//!   no proficiencies here.
//!
//! Sets per queue and delay hold the waiting contacts in this order, sets per profile the agents who can take one: an offer looks at the
//! first of each and walks neither.
//!
//! # A contact in a queue
//!
//! | place | offered | `accepted` | `joined` | missed, failed, rung out | `leave` | due | expired |
//! |---|---|---|---|---|---|---|---|
//! | scheduled (callback) | - | - | - | - | gone | waiting, where the queue has a place | gone |
//! | waiting | offered | - | - | - | gone | - | gone (callback) |
//! | offered | - | accepted | gone | waiting | gone, the offer ends | - | later |
//! | accepted | - | - | gone | waiting | gone, the offer ends | - | later |
//! | dialled (callback whose agent has ended) | - | - | - | - | gone | - | gone |
//!
//! An accepted call is still queued until `dequeued` or `joined`; an accepted callback is not. `unanswered` makes an accepted or dialled
//! callback a scheduled one under the contact of its next attempt, or the end of it.
//!
//! # A contact of an agent
//!
//! | state | `accepted` | `joined`, `answered` | missed, rung out | failed | contact gone | `ended` | `dismiss`, a status chosen, its deadline |
//! |---|---|---|---|---|---|---|---|
//! | incoming (callback) | connecting | connected | missed | error | free | missed | - |
//! | connecting | - | connected | missed | error | free | missed; work where the caller waits no longer | - |
//! | connected, on hold | - | - | - | - | work | work | - |
//! | missed, error | - | - | - | - | - | - | free |
//! | work (ENDED) | - | - | - | - | - | - | free |
//!
//! An agent without a telephone has no after-contact work and keeps nothing that he missed: he could not end either.
//! A customer who leaves while it rings, or in the whisper, leaves the agent free at once and with his place among the idle ones; where
//! it rang, it counts as missed. The service's sources say only the latter.

mod agent;
mod callbacks;
mod configure;
mod criteria;
mod deadline;
mod keys;
mod metrics;
mod offers;
mod options;
mod order;
mod plan;
mod queue;
mod state;
mod status;
#[cfg(test)]
mod tests;
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
use agent::Agent;
use configure::Instance;
use deadline::{Deadline, Deadlines};
use offers::Offer;
use order::{Idle, Lines, mono_of, now_ms};
use queue::{Queue, Queued};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tympan_types::{ContactId, InstanceId, Mono, OfferId};

/// Queues, agents and what is offered to whom.
#[derive(Default)]
pub struct Routing {
    options: RoutingOptions,
    instances: BTreeMap<InstanceId, Instance>,
    queues: BTreeMap<QueueKey, Queue>,
    contacts: BTreeMap<ContactId, Queued>,
    agents: BTreeMap<AgentKey, Agent>,
    /// Which agents have a contact.
    agents_on: BTreeMap<ContactId, BTreeSet<AgentKey>>,
    offers: BTreeMap<OfferId, Offer>,
    last_offer: u64,
    lines: Lines,
    idle: Idle,
    deadlines: Deadlines,
    outputs: VecDeque<Output>,
    counters: RoutingCounters,
    revision: u64,
}

impl Routing {
    /// Without an instance.
    pub fn new(options: RoutingOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// When [`Self::time_passed`] is due.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.deadlines.next().into_iter().chain(self.lines.next_ms().map(mono_of)).min()
    }

    /// Does what is due.
    pub fn time_passed(&mut self, now: Now) {
        while let Some(deadline) = self.deadlines.take_due(now.mono) {
            match deadline {
                Deadline::AgentContact(agent, contact) => self.agent_contact_timed_out(now, agent, contact),
                Deadline::CallbackDue(contact) => self.callback_due(now, contact),
                Deadline::CallbackExpiry(contact) => self.callback_expired(now, contact),
                Deadline::Offer(offer) => self.offer_timed_out(now, offer),
                Deadline::Restored(agent) => self.not_restored(now, agent),
                Deadline::Step(contact) => self.step_expired(now, contact),
            }
        }
        while let Some(line) = self.lines.ripen(now_ms(now)) {
            self.touch(line);
        }
        self.route(now);
    }

    /// What is to be done next.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }
}

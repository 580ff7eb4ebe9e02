//! What a live contact and the routing of its server say to each other.

use crate::{AgentRef, QueueRef};
use tympan_types::{ContactId, OfferId, WallTime};

/// What a live contact wants of the routing.
#[derive(Debug, Clone, PartialEq)]
pub enum RoutingRequest {
    /// Put a contact into a queue. [`RoutingEvent::Queued`] or [`RoutingEvent::Refused`] follows.
    Enqueue {
        /// The contact.
        contact: ContactId,
        /// The queue.
        queue: QueueRef,
        /// 1 is the best, 5 the rule.
        priority: u32,
        /// Seconds that are added to its age.
        age_adjustment_s: i32,
        /// It comes from another queue or from an agent's quick connect: a full queue has some room for those.
        is_transfer: bool,
    },
    /// Offer a contact to this agent, whatever queue it is in. [`RoutingEvent::Offered`] or [`RoutingEvent::Refused`] follows.
    OfferTo {
        /// The contact.
        contact: ContactId,
        /// The agent.
        agent: AgentRef,
        /// The agent may be working after another contact: that ends.
        ends_after_contact_work: bool,
    },
    /// A contact in a queue counts otherwise from here on.
    Update {
        /// The contact.
        contact: ContactId,
        /// 1 is the best; `None` leaves it.
        priority: Option<u32>,
        /// Seconds that are added to its age; `None` leaves it.
        age_adjustment_s: Option<i32>,
    },
    /// Take a contact out of its queue: it is gone, or goes elsewhere. An offer of it under way is over.
    Leave {
        /// The contact.
        contact: ContactId,
    },
    /// What became of an offer, and later of the agent's part in the contact.
    Report {
        /// The offer.
        offer: OfferId,
        /// What.
        report: AgentReport,
    },
    /// A customer is to be called back.
    Callback(Box<CallbackRequest>),
    /// The customer of a callback did not answer: the next attempt is the contact `next`, when the time between two attempts is over. Where
    /// no attempt is left, nothing becomes of it.
    CallAgain {
        /// The contact of the callback that was not answered.
        contact: ContactId,
        /// The contact of the next attempt; it is not open yet.
        next: Box<crate::Contact>,
    },
    /// An agent calls by hand, or is called for a consultation that no queue offers: the agent is on this contact from here on.
    /// [`RoutingEvent::Offered`] gives the offer by which the agent is reported.
    Occupy {
        /// The contact.
        contact: ContactId,
        /// The agent.
        agent: AgentRef,
    },
}

/// What became of an offer, and later of the agent's part in the contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AgentReport {
    /// The agent took the call and hears the whisper: the contact is still in its queue.
    Accepted,
    /// The customer was taken out of the queue for this agent.
    Dequeued,
    /// Agent and customer hear each other.
    Joined,
    /// The customer is on hold.
    OnHold,
    /// The customer is on hold no more.
    OffHold,
    /// The agent did not answer in time, or refused.
    Missed,
    /// The agent's telephone could not be reached, or left during the whisper.
    Failed,
    /// The customer has gone while the agent's telephone rang, or before they were joined.
    Abandoned,
    /// The agent's part is over: work after the contact begins.
    Ended,
}

/// A customer to be called back.
#[derive(Debug, Clone, PartialEq)]
pub struct CallbackRequest {
    /// The contact of the callback.
    pub contact: crate::Contact,
    /// The queue.
    pub queue: QueueRef,
    /// When it is put into the queue.
    pub due: WallTime,
    /// Between two attempts.
    pub retry_delay_s: u32,
    /// Attempts in all.
    pub attempts: u32,
    /// 1 is the best, 5 the rule.
    pub priority: u32,
    /// Seconds that are added to its age.
    pub age_adjustment_s: i32,
}

/// What the routing tells a live contact.
#[derive(Debug, Clone, PartialEq)]
pub enum RoutingEvent {
    /// It is in the queue.
    Queued {
        /// The contact.
        contact: ContactId,
    },
    /// It is not put into the queue, or not offered.
    Refused {
        /// The contact.
        contact: ContactId,
        /// Why.
        refusal: RoutingRefusal,
    },
    /// An agent is to be rung for it.
    Offered {
        /// The contact.
        contact: ContactId,
        /// Names the offer in reports.
        offer: OfferId,
        /// The agent.
        agent: AgentRef,
        /// For how long.
        ring_limit_ms: u32,
        /// The agent's telephone is asked to answer by itself.
        accepts_by_itself: bool,
    },
    /// The offer is over: the agent has logged off, or was taken out of the instance.
    Withdrawn {
        /// The offer.
        offer: OfferId,
    },
}

/// Why the routing refuses a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoutingRefusal {
    /// The queue is full.
    #[error("the queue is full")]
    AtCapacity,
    /// The queue takes no new contacts.
    #[error("the queue is disabled")]
    Disabled,
    /// There is no such queue.
    #[error("there is no such queue any more")]
    NoSuchQueue,
    /// The contact is in a queue already.
    #[error("the contact is in a queue already, or is being joined to an agent")]
    AlreadyQueued,
    /// The agent cannot take it.
    #[error("the agent is not available")]
    AgentNotAvailable,
}

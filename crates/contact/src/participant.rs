//! One participant of a conversation: who takes part, on which legs, in which contact, and in which flow.

use crate::AgentRef;
use crate::flow_run::FlowRun;
use crate::leg::Leg;
use tympan_types::{ContactId, DialId, LegId, Mono, OfferId, ParticipantId};

/// A participant. One that is called has a leg for each telephone that rings, until one of them has answered.
pub(crate) struct Participant {
    pub(crate) id: ParticipantId,
    pub(crate) role: Role,
    /// The contact that the participant's flow runs for.
    pub(crate) contact: ContactId,
    pub(crate) legs: Vec<Leg>,
    /// What the participant hears, while no one talks.
    pub(crate) flow: Option<FlowRun>,
}

/// What a participant is to the conversation.
#[derive(Debug)]
pub(crate) enum Role {
    /// The conversation is the customer's: it ends when the customer is gone, and captures the customer's leg.
    Customer(Place),
    /// An agent.
    Agent(AgentPlace),
}

/// Where the customer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The flow decides.
    Flow,
    /// The flow waits for the routing to take the contact, or a new contact after it, into a queue.
    Entering {
        /// The contact that is to be queued.
        contact: ContactId,
        /// Whether the customer waits in another queue meanwhile.
        from_queue: bool,
    },
    /// In a queue; what is heard is the queue flow.
    Queued,
    /// Out of the queue: the customer whisper is heard.
    Whisper {
        /// The agent who waits for the end of it.
        agent: ParticipantId,
        /// It is cut off then.
        until: Mono,
    },
    /// The agent is heard.
    Talking {
        /// The agent.
        agent: ParticipantId,
    },
    /// On hold; what is heard is the hold flow.
    OnHold {
        /// The agent whose hold it is.
        agent: ParticipantId,
    },
}

/// Where an agent stands.
#[derive(Debug)]
pub(crate) struct AgentPlace {
    pub(crate) agent: AgentRef,
    /// By which the routing knows the agent's part.
    pub(crate) offer: OfferId,
    pub(crate) state: AgentState,
}

/// How far an agent's part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgentState {
    /// The telephones are looked up.
    Dialling {
        /// The call.
        dial: DialId,
        /// The agent has missed it then.
        until: Mono,
    },
    /// The telephones ring.
    Ringing {
        /// The agent has missed it then.
        until: Mono,
    },
    /// The agent whisper is heard; the contact is still in its queue.
    Whisper {
        /// The agent is let go then.
        until: Mono,
    },
    /// The agent waits for the customer whisper to end.
    Waiting,
    /// Joined with the customer, who may be on hold.
    Joined,
}

impl Participant {
    /// The customer who called.
    pub(crate) fn customer(contact: ContactId, leg: Leg, flow: FlowRun) -> Self {
        Self {
            id: ParticipantId::new(1),
            role: Role::Customer(Place::Flow),
            contact,
            legs: vec![leg],
            flow: Some(flow),
        }
    }

    pub(crate) fn leg_is(&self, id: LegId) -> bool {
        self.legs.iter().any(|leg| leg.id() == id)
    }

    pub(crate) fn leg(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id() == id)
    }

    pub(crate) fn is_customer(&self) -> bool {
        matches!(self.role, Role::Customer(_))
    }

    /// When its part changes by itself at the latest.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        let own = match &self.role {
            Role::Customer(Place::Whisper { until, .. }) => Some(*until),
            Role::Customer(_) => None,
            Role::Agent(place) => place.state.deadline(),
        };
        let legs = self.legs.iter().filter_map(Leg::deadline);
        legs.chain(self.flow.as_ref().and_then(FlowRun::deadline)).chain(own).min()
    }
}

impl AgentState {
    fn deadline(self) -> Option<Mono> {
        match self {
            Self::Dialling { until, .. } | Self::Ringing { until } | Self::Whisper { until } => Some(until),
            Self::Waiting | Self::Joined => None,
        }
    }
}

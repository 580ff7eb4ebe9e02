//! One participant of a conversation: who takes part, on which legs, in which contact, and in which flow.

use crate::AgentRef;
use crate::TransferTarget;
use crate::flow_run::FlowRun;
use crate::leg::Leg;
use tympan_types::{ContactId, DialId, LegId, Mono, OfferId, ParticipantId, ReferId};

/// A participant. One that is called has a leg for each telephone that rings, until one of them has answered.
pub(crate) struct Participant {
    pub(crate) id: ParticipantId,
    pub(crate) role: Role,
    /// The contact that the participant's flow runs for.
    pub(crate) contact: ContactId,
    /// The call that is being made ready for it: no telephone rings yet.
    pub(crate) dial: Option<DialId>,
    pub(crate) legs: Vec<Leg>,
    /// A leg of another participant, on which this one's flow is heard.
    pub(crate) hears_on: Option<LegId>,
    /// The leg that takes the place of the first one when it is up.
    pub(crate) successor: Option<LegId>,
    /// What the participant hears, while no one talks.
    pub(crate) flow: Option<FlowRun>,
    /// What its flow waits for, beside a place in a queue.
    pub(crate) awaits: Option<Awaited>,
}

/// What a participant is to the conversation.
#[derive(Debug)]
pub(crate) enum Role {
    /// The conversation is the customer's: it ends when the customer is gone, and captures the customer's leg.
    Customer(Place),
    /// An agent.
    Agent(AgentPlace),
    /// An agent who passes the customer on, in the part of the caller of the contact that is to follow.
    Transferring(Transfer),
    /// A number outside.
    ThirdParty(ThirdParty),
    /// A supervisor, who listens to an agent.
    Supervisor(Supervisor),
}

/// What a flow waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// The routing takes this callback.
    Callback(ContactId),
    /// The customer answers.
    Customer,
    /// A third party answers, or hangs up.
    Party(ParticipantId),
    /// The routing offers the contact to an agent.
    Route,
}

/// Where a caller stands: the customer, or the agent who passes the customer on.
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
    /// The customer's telephone is called.
    Called {
        /// The customer has not answered then.
        until: Mono,
    },
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
    /// A third party is called.
    Calling {
        /// Which one.
        party: ParticipantId,
    },
    /// A third party is heard.
    WithParty {
        /// Which one.
        party: ParticipantId,
    },
}

/// Where an agent stands.
#[derive(Debug)]
pub(crate) struct AgentPlace {
    pub(crate) agent: AgentRef,
    /// By which the routing knows the agent's part; `None` until it has said so of an agent who called.
    pub(crate) offer: Option<OfferId>,
    pub(crate) state: AgentState,
}

/// How far an agent's part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgentState {
    /// The telephones are looked up, or ring.
    Ringing {
        /// The agent has missed it then.
        until: Mono,
    },
    /// The agent's own call is being answered.
    Calls,
    /// The agent whisper is heard; the contact is still in its queue.
    Whisper {
        /// The agent is let go then.
        until: Mono,
    },
    /// The agent waits for the customer: for the end of the customer whisper, or for an answer.
    Waiting,
    /// Joined with the customer, who may be on hold.
    Joined,
}

/// A transfer that is not completed.
#[derive(Debug)]
pub(crate) struct Transfer {
    /// The agent who passes the customer on.
    pub(crate) by: ParticipantId,
    pub(crate) place: Place,
    /// Where to, until that is begun.
    pub(crate) target: Option<TransferTarget>,
    /// Completed as soon as someone takes the customer: the agent does not ask first.
    pub(crate) is_blind: bool,
    /// The leg and the REFER that asked for it.
    pub(crate) refer: Option<(LegId, ReferId)>,
}

/// A third party.
#[derive(Debug)]
pub(crate) struct ThirdParty {
    /// The caller who is joined with it.
    pub(crate) with: ParticipantId,
    /// It has not answered then.
    pub(crate) until: Mono,
    pub(crate) is_joined: bool,
    /// The flow of the caller goes on after it has hung up.
    pub(crate) continues: bool,
    /// Keys to send once it has answered.
    pub(crate) digits: Option<String>,
}

/// A supervisor.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) supervisor: AgentRef,
    /// Whom the supervisor listens to.
    pub(crate) agent: ParticipantId,
    pub(crate) may_barge: bool,
    pub(crate) state: SupervisorState,
}

/// How far a supervisor's part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SupervisorState {
    /// The telephones ring.
    Ringing {
        /// They are let go then.
        until: Mono,
    },
    /// The supervisor hears the conversation.
    Listens,
    /// The supervisor is heard as well.
    Barges,
}

impl Participant {
    /// One without a leg, a flow or a call.
    pub(crate) fn new(id: ParticipantId, role: Role, contact: ContactId) -> Self {
        Self {
            id,
            role,
            contact,
            dial: None,
            legs: Vec::new(),
            hears_on: None,
            successor: None,
            flow: None,
            awaits: None,
        }
    }

    /// The customer who called.
    pub(crate) fn customer(contact: ContactId, leg: Leg, flow: FlowRun) -> Self {
        Self {
            legs: vec![leg],
            flow: Some(flow),
            ..Self::new(ParticipantId::new(1), Role::Customer(Place::Flow), contact)
        }
    }

    pub(crate) fn leg_is(&self, id: LegId) -> bool {
        self.legs.iter().any(|leg| leg.id() == id)
    }

    pub(crate) fn leg(&mut self, id: LegId) -> Option<&mut Leg> {
        self.legs.iter_mut().find(|leg| leg.id() == id)
    }

    /// The leg on which the participant hears.
    pub(crate) fn ear(&self) -> Option<LegId> {
        self.hears_on.or_else(|| self.legs.first().map(Leg::id))
    }

    /// Whether the participant's telephone has put us on hold.
    pub(crate) fn is_held(&self) -> bool {
        self.legs.iter().any(Leg::is_held)
    }

    pub(crate) fn is_customer(&self) -> bool {
        matches!(self.role, Role::Customer(_))
    }

    /// Where a caller stands; `None` of any other participant.
    pub(crate) fn place(&self) -> Option<Place> {
        match &self.role {
            Role::Customer(place) => Some(*place),
            Role::Transferring(transfer) => Some(transfer.place),
            Role::Agent(_) | Role::ThirdParty(_) | Role::Supervisor(_) => None,
        }
    }

    pub(crate) fn place_mut(&mut self) -> Option<&mut Place> {
        match &mut self.role {
            Role::Customer(place) => Some(place),
            Role::Transferring(transfer) => Some(&mut transfer.place),
            Role::Agent(_) | Role::ThirdParty(_) | Role::Supervisor(_) => None,
        }
    }

    pub(crate) fn agent(&self) -> Option<&AgentPlace> {
        match &self.role {
            Role::Agent(place) => Some(place),
            _ => None,
        }
    }

    /// Whether the participant's flow runs.
    pub(crate) fn hears_flow(&self) -> bool {
        self.flow.as_ref().is_some_and(FlowRun::is_running)
    }

    /// When its part changes by itself at the latest.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        let own = match &self.role {
            Role::Customer(place) => place.deadline(),
            Role::Transferring(transfer) => transfer.place.deadline(),
            Role::Agent(place) => place.state.deadline(),
            Role::ThirdParty(party) => Some(party.until).filter(|_| !party.is_joined),
            Role::Supervisor(supervisor) => match supervisor.state {
                SupervisorState::Ringing { until } => Some(until),
                SupervisorState::Listens | SupervisorState::Barges => None,
            },
        };
        let legs = self.legs.iter().filter_map(Leg::deadline);
        legs.chain(self.flow.as_ref().and_then(FlowRun::deadline)).chain(own).min()
    }
}

impl Place {
    fn deadline(self) -> Option<Mono> {
        match self {
            Self::Whisper { until, .. } | Self::Called { until } => Some(until),
            _ => None,
        }
    }
}

impl AgentState {
    fn deadline(self) -> Option<Mono> {
        match self {
            Self::Ringing { until } | Self::Whisper { until } => Some(until),
            Self::Calls | Self::Waiting | Self::Joined => None,
        }
    }
}

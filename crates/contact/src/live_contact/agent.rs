//! An agent's part: from the offer to the end of the agent's call.
//!
//! | state | answers | refuses, rings too long | the telephone fails | the flow is over | the agent's leg ends | the customer is gone |
//! |---|---|---|---|---|---|---|
//! | dialling, ringing | whisper | gone: missed | gone: failed | - | gone: missed | gone: abandoned |
//! | whisper | - | - | - | waiting; the customer whisper begins | gone: failed | gone: abandoned |
//! | waiting | - | - | - | - | the customer remains | gone: abandoned |
//! | joined | - | - | - | - | the customer remains | gone: ended |
//!
//! Up to the end of the agent whisper the customer is in the queue and hears its flow: an agent who is gone by then costs the customer
//! nothing. When the agent leaves later, the customer remains: the flow of the hook `CustomerRemaining` runs, and without one the contact
//! ends.
//!
//! Source: Administrator Guide, "How whisper flows work", "Set disconnect flow".

use super::{LiveContact, Phase};
use crate::leg::{Ending, Leg};
use crate::participant::{AgentPlace, AgentState, Participant, Place, Role};
use crate::{
    AgentPart, AgentRef, AgentReport, CallerId, DialTarget, DisconnectReason, Effect, EndedBy,
    InitiationMethod, RoutingRequest, Stage,
};
use tympan_flow::ResourceRef;
use tympan_telephony::words::MediaCommand;
use tympan_types::{BridgeId, ContactId, LegId, OfferId, ParticipantId};

/// Source: Administrator Guide: a whisper longer than two minutes ends the call.
const WHISPER_LIMIT_MS: u32 = 120_000;

impl LiveContact {
    /// Whether an agent is being joined.
    pub(super) fn is_offered(&self) -> bool {
        self.participants.iter().any(|participant| {
            matches!(&participant.role, Role::Agent(place) if place.state != AgentState::Joined)
        })
    }

    /// An agent is to be rung for the contact.
    pub(super) fn offered(
        &mut self,
        contact: ContactId,
        offer: OfferId,
        agent: AgentRef,
        ring_limit_ms: u32,
        accepts_by_itself: bool,
    ) {
        let is_waiting = self.phase == Phase::Live && self.place() == Some(Place::Queued);
        if !is_waiting || contact != self.current || self.is_offered() {
            return self.report(offer, AgentReport::Abandoned);
        }
        let caller = CallerId {
            number: self.cx.contact.customer_endpoint.as_ref().map(|endpoint| endpoint.address.clone()),
            name: None,
        };
        let dial = self.dial(DialTarget::Agent(agent.clone()), caller, accepts_by_itself);
        let until = self.cx.in_ms(ring_limit_ms);
        self.last_participant += 1;
        let id = ParticipantId::new(self.last_participant);
        let place = AgentPlace { agent, offer, state: AgentState::Dialling { dial, until } };
        self.participants.push(Participant {
            id,
            role: Role::Agent(place),
            contact,
            legs: Vec::new(),
            flow: None,
        });
        self.cx.edit().agent_connection_attempts += 1;
        self.cx.persist(Stage::Changed);
    }

    /// The routing takes an offer back.
    pub(super) fn withdrawn(&mut self, offer: OfferId) {
        let found = self.participants.iter().find(|participant| {
            matches!(&participant.role, Role::Agent(place)
                if place.offer == offer && !matches!(place.state, AgentState::Joined | AgentState::Waiting))
        });
        if let Some(id) = found.map(|participant| participant.id) {
            self.agent_gone(id, AgentReport::Failed);
        }
    }

    /// One telephone of the agent has answered: the others stop ringing, and the agent whisper begins.
    pub(super) fn agent_answered(&mut self, at: usize, leg: LegId) {
        let until = self.cx.in_ms(WHISPER_LIMIT_MS);
        let Some(participant) = self.participants.get_mut(at) else { return };
        let id = participant.id;
        let Role::Agent(place) = &mut participant.role else { return };
        if !matches!(place.state, AgentState::Ringing { .. }) {
            // Two telephones have answered at once.
            if let Some(late) = participant.leg(leg) {
                late.close(&mut self.cx, DisconnectReason::Other);
            }
            return;
        }
        place.state = AgentState::Whisper { until };
        let (offer, agent) = (place.offer, place.agent.clone());
        for other in participant.legs.iter_mut().filter(|one| one.id() != leg) {
            other.close(&mut self.cx, DisconnectReason::Other);
        }
        participant.legs.retain(|one| one.id() == leg);
        let now = self.cx.now.wall;
        self.cx.edit().agent = Some(AgentPart::accepted(agent, now));
        self.cx.persist(Stage::Changed);
        self.report(offer, AgentReport::Accepted);
        match self.cx.hooked_flow("AgentWhisper") {
            Some(flow) => self.begin_flow(id, flow),
            None => self.whispered_to_agent(id),
        }
    }

    /// A flow that the agent hears is over.
    pub(super) fn agent_flow_over(&mut self, id: ParticipantId) {
        let is_whisper = self.participant(id).is_some_and(|participant| {
            matches!(&participant.role, Role::Agent(place) if matches!(place.state, AgentState::Whisper { .. }))
        });
        if is_whisper {
            self.whispered_to_agent(id);
        }
    }

    /// The agent whisper is over: the customer leaves the queue and hears the customer whisper.
    fn whispered_to_agent(&mut self, id: ParticipantId) {
        let Some(offer) = self.agent_state(id, AgentState::Waiting) else { return };
        self.report(offer, AgentReport::Dequeued);
        let now = self.cx.now.wall;
        if let Some(stay) = &mut self.cx.edit().queue {
            stay.dequeued = Some(now);
        }
        self.cx.persist(Stage::Changed);
        let until = self.cx.in_ms(WHISPER_LIMIT_MS);
        self.customer_goes(Place::Whisper { agent: id, until });
        let Some(customer) = self.customer_at().and_then(|at| self.participants.get(at)).map(|one| one.id)
        else {
            return;
        };
        match self.cx.hooked_flow("CustomerWhisper") {
            Some(flow) => self.begin_flow(customer, flow),
            None => self.join(id),
        }
    }

    /// Both whispers are over: agent and customer hear each other.
    pub(super) fn join(&mut self, agent: ParticipantId) {
        let Some(offer) = self.agent_state(agent, AgentState::Joined) else { return };
        self.stop_customer_flow();
        self.customer_goes(Place::Talking { agent });
        self.bridge(agent, true);
        let now = self.cx.now.wall;
        if let Some(part) = &mut self.cx.edit().agent {
            part.connected = Some(now);
        }
        self.cx.persist(Stage::Changed);
        self.report(offer, AgentReport::Joined);
        // The telephone may have put us on hold while the whispers ran.
        let is_held = self.participant(agent).is_some_and(|one| one.legs.iter().any(Leg::is_held));
        if is_held {
            self.hold(agent, true);
        }
    }

    pub(super) fn stop_customer_flow(&mut self) {
        if let Some(customer) = self.customer_at().and_then(|at| self.participants.get(at)).map(|one| one.id)
        {
            self.stop_flow(customer);
        }
    }

    /// The legs of the customer and of an agent hear each other, or do not any more.
    pub(super) fn bridge(&mut self, agent: ParticipantId, is_joined: bool) {
        let bridge = BridgeId::new(self.cx.customer_leg.number());
        let theirs = self.participant(agent).and_then(|participant| participant.legs.first().map(Leg::id));
        let command = if is_joined { MediaCommand::Join { bridge } } else { MediaCommand::Leave };
        for leg in [Some(self.cx.customer_leg), theirs].into_iter().flatten() {
            self.cx.emit(Effect::Media { leg, command: command.clone() });
        }
    }

    /// Moves an agent on; gives the offer.
    fn agent_state(&mut self, id: ParticipantId, to: AgentState) -> Option<OfferId> {
        match &mut self.participant(id)?.role {
            Role::Agent(place) => {
                place.state = to;
                Some(place.offer)
            }
            Role::Customer(_) => None,
        }
    }

    pub(super) fn report(&mut self, offer: OfferId, report: AgentReport) {
        self.cx.emit(Effect::Routing(RoutingRequest::Report { offer, report }));
    }

    /// One of an agent's legs is over.
    pub(super) fn agent_leg_ended(&mut self, at: usize, leg: LegId, ending: Ending) {
        let Some(participant) = self.participants.get_mut(at) else { return };
        let id = participant.id;
        if let Some(ended) = participant.leg(leg) {
            ended.close(&mut self.cx, ending.reason());
        }
        let Some(participant) = self.participants.get_mut(at) else { return };
        participant.legs.retain(|one| one.id() != leg);
        if !participant.legs.is_empty() {
            return;
        }
        let Role::Agent(place) = &participant.role else { return };
        match place.state {
            AgentState::Dialling { .. } => {}
            AgentState::Ringing { .. } => self.agent_gone(id, unanswered(ending)),
            AgentState::Whisper { .. } => self.agent_gone(id, AgentReport::Failed),
            AgentState::Waiting | AgentState::Joined => self.agent_left(id),
        }
    }

    /// An agent is gone before the customer has left the queue: the customer waits on.
    pub(super) fn agent_gone(&mut self, id: ParticipantId, report: AgentReport) {
        let Some(offer) = self.remove_agent(id) else { return };
        if self.cx.contact.agent.as_ref().is_some_and(|part| part.connected.is_none()) {
            self.cx.edit().agent = None;
            self.cx.persist(Stage::Changed);
        }
        self.report(offer, report);
        if self.phase == Phase::Live && self.place() == Some(Place::Queued) && !self.is_queued() {
            self.agent_not_available();
        }
    }

    /// An agent leaves whom the customer was taken out of the queue for.
    fn agent_left(&mut self, id: ParticipantId) {
        let Some(offer) = self.remove_agent(id) else { return };
        self.cx.emit(Effect::Media { leg: self.cx.customer_leg, command: MediaCommand::Leave });
        self.agent_part_ends();
        self.report(offer, AgentReport::Ended);
        let Some(flow) = self.remaining_flow() else {
            return self.end(DisconnectReason::AgentDisconnect, None);
        };
        let Some(next) = self.prepare_next(InitiationMethod::Disconnect) else {
            return self.end(DisconnectReason::AgentDisconnect, None);
        };
        self.go_on_in(next, DisconnectReason::AgentDisconnect);
        self.customer_goes(Place::Flow);
        if let Some(customer) = self.customer_at().and_then(|at| self.participants.get(at)).map(|one| one.id)
        {
            self.begin_flow(customer, flow);
        }
    }

    /// The flow for a customer whom the agent has left, where a flow has set one.
    fn remaining_flow(&self) -> Option<crate::RoutedFlow> {
        self.cx.contact.details.event_hooks.contains_key("CustomerRemaining").then_some(())?;
        self.cx.hooked_flow("CustomerRemaining")
    }

    /// The agent's part in the current contact is over, and the work after it begins.
    fn agent_part_ends(&mut self) {
        let now = self.cx.now.wall;
        if let Some(part) = &mut self.cx.edit().agent {
            part.left.get_or_insert(now);
            part.after_contact_work_began.get_or_insert(now);
            if let Some(hold) = part.holds.last_mut() {
                hold.to.get_or_insert(now);
            }
        }
    }

    /// Takes an agent out: the flow is cut off, and the legs are ended. Gives the offer.
    fn remove_agent(&mut self, id: ParticipantId) -> Option<OfferId> {
        self.stop_flow(id);
        let at = self.place_of(id)?;
        let Role::Agent(_) = &self.participants.get(at)?.role else { return None };
        let mut participant = self.participants.remove(at);
        let Role::Agent(place) = &participant.role else { return None };
        if let AgentState::Dialling { dial, .. } = place.state {
            self.cx.emit(Effect::DropDial { dial });
        }
        let offer = place.offer;
        for leg in &mut participant.legs {
            leg.close(&mut self.cx, DisconnectReason::Other);
        }
        Some(offer)
    }

    /// Time limits of the participants' parts.
    pub(super) fn parts_time_passed(&mut self) {
        let now = self.cx.now.mono;
        let ids: Vec<ParticipantId> = self.participants.iter().map(|participant| participant.id).collect();
        for id in ids {
            let Some(participant) = self.participant(id) else { continue };
            match &participant.role {
                // The customer is not made to pay for a whisper that is too long.
                Role::Customer(Place::Whisper { agent, until }) if *until <= now => {
                    let agent = *agent;
                    self.join(agent);
                }
                Role::Customer(_) => {}
                Role::Agent(place) => match place.state {
                    AgentState::Dialling { until, .. } | AgentState::Ringing { until } if until <= now => {
                        self.agent_gone(id, AgentReport::Missed);
                    }
                    AgentState::Whisper { until } if until <= now => self.agent_gone(id, AgentReport::Failed),
                    _ => {}
                },
            }
        }
    }

    /// The customer is gone: what is left of queues and agents.
    pub(super) fn parts_end(&mut self) {
        let now = self.cx.now.wall;
        match self.place() {
            Some(Place::Entering { contact, from_queue }) => {
                self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact }));
                if from_queue {
                    self.cx.disown(contact);
                    self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact: self.current }));
                }
            }
            Some(Place::Queued) => {
                self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact: self.current }));
            }
            _ => {}
        }
        if let Some(stay) = &mut self.cx.edit().queue {
            stay.dequeued.get_or_insert(now);
        }
        let agents: Vec<(ParticipantId, bool)> = self
            .participants
            .iter()
            .filter_map(|participant| match &participant.role {
                Role::Agent(place) => Some((participant.id, place.state == AgentState::Joined)),
                Role::Customer(_) => None,
            })
            .collect();
        for (id, was_joined) in agents {
            if was_joined {
                self.agent_part_ends();
            } else {
                self.cx.edit().agent = None;
            }
            if let Some(offer) = self.remove_agent(id) {
                let report = if was_joined { AgentReport::Ended } else { AgentReport::Abandoned };
                self.report(offer, report);
            }
        }
    }

    /// A TransferContactToAgent block: the agent whose own queue the contact is meant for is rung at once.
    pub(super) fn to_target_agent(&mut self, _id: ParticipantId) {
        let instance = self.cx.contact.instance.id;
        let target = self.cx.contact.details.target_queue.clone().filter(|queue| queue.is_agents);
        let agent = target.and_then(|queue| self.cx.instance.agent(instance, &ResourceRef::of(queue.arn)));
        let Some(agent) = agent else {
            return self
                .end(DisconnectReason::ContactFlowDisconnect, Some("the contact is meant for no agent"));
        };
        self.customer_goes(Place::Queued);
        let request = RoutingRequest::OfferTo { contact: self.current, agent, ends_after_contact_work: true };
        self.cx.emit(Effect::Routing(request));
    }

    /// The routing does not offer the contact to the agent whom its flow has chosen: it ends (Administrator Guide, "Transfer to agent").
    pub(super) fn agent_not_available(&mut self) {
        self.end(DisconnectReason::ContactFlowDisconnect, Some("the agent is not available"));
    }
}

/// What a telephone that did not answer says about its agent.
fn unanswered(ending: Ending) -> AgentReport {
    match ending {
        // Busy, declined, not answered: the agent's doing.
        Ending::By(EndedBy::Refused(408 | 480 | 486 | 487 | 600 | 603))
        | Ending::By(EndedBy::Cancelled | EndedBy::Peer) => AgentReport::Missed,
        _ => AgentReport::Failed,
    }
}

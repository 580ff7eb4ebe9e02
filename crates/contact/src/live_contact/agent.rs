//! An agent's part: from the offer to the end of the agent's call.
//!
//! | state | answers | refuses, rings too long | the telephone fails | the flow is over | the agent's leg ends | the caller is gone |
//! |---|---|---|---|---|---|---|
//! | ringing | whisper | gone: missed | gone: failed | - | gone: missed | gone: abandoned |
//! | calls (the agent has called) | waiting | - | - | - | the contact ends | gone: ended |
//! | whisper | - | - | - | waiting; the customer whisper begins | gone: failed | gone: abandoned |
//! | waiting | - | - | - | - | the caller remains | gone: abandoned; ended where the agent was on the contact before the customer |
//! | joined | - | - | - | - | the caller remains, or goes on where the agent has passed it on | gone: ended |
//!
//! Up to the end of the agent whisper the caller is in the queue and hears its flow: an agent who is gone by then costs the caller
//! nothing. When the agent leaves later, the caller remains.
//!
//! Source: Administrator Guide, "How whisper flows work".

use super::LiveContact;
use crate::leg::Ending;
use crate::participant::{AgentPlace, AgentState, Participant, Place, Role};
use crate::{
    AgentPart, AgentRef, AgentReport, CallerId, DialTarget, DisconnectReason, Effect, EndedBy,
    InitiationMethod, RoutingRequest, Stage,
};
use tympan_flow::ResourceRef;
use tympan_types::{ContactId, LegId, OfferId, ParticipantId};

/// Source: Administrator Guide: a whisper longer than two minutes ends the call.
pub(super) const WHISPER_LIMIT_MS: u32 = 120_000;

impl LiveContact {
    /// Whether an agent is being joined with the caller of a contact.
    pub(super) fn is_offered(&self, contact: ContactId) -> bool {
        self.participants.iter().any(|participant| {
            participant.contact == contact
                && participant.agent().is_some_and(|place| place.state != AgentState::Joined)
        })
    }

    /// An agent is to be rung for a contact, or is on it.
    pub(super) fn offered(
        &mut self,
        contact: ContactId,
        offer: OfferId,
        agent: AgentRef,
        ring_limit_ms: u32,
        accepts_by_itself: bool,
    ) {
        if self.is_occupied(contact, offer, &agent) {
            return;
        }
        let caller = self.caller_in(contact);
        let is_waiting = self.is_live() && caller.and_then(|id| self.place_of(id)) == Some(Place::Queued);
        let Some(caller) = caller.filter(|_| is_waiting && !self.is_offered(contact)) else {
            return self.report(Some(offer), AgentReport::Abandoned);
        };
        self.idle_until = None;
        let shown = CallerId {
            number: self.cx.contact.customer_endpoint.as_ref().map(|endpoint| endpoint.address.clone()),
            name: None,
        };
        let until = self.cx.in_ms(ring_limit_ms);
        let id = self.next_participant();
        let target = DialTarget::Agent(agent.clone());
        let state = AgentState::Ringing { until };
        let role = Role::Agent(AgentPlace { agent, offer: Some(offer), state });
        let mut participant = Participant::new(id, role, contact);
        participant.dial = Some(self.dial(target, shown, accepts_by_itself));
        self.participants.push(participant);
        self.change(contact, |contact| contact.agent_connection_attempts += 1);
        self.save(contact, Stage::Changed);
        self.routed(caller);
    }

    /// The routing says by which offer it knows an agent who was on the contact before.
    fn is_occupied(&mut self, contact: ContactId, offer: OfferId, agent: &AgentRef) -> bool {
        let found = self.participants.iter_mut().find_map(|participant| match &mut participant.role {
            Role::Agent(place)
                if participant.contact == contact && place.offer.is_none() && place.agent.id == agent.id =>
            {
                place.offer = Some(offer);
                Some(place.state == AgentState::Joined)
            }
            _ => None,
        });
        let Some(is_joined) = found else { return false };
        self.report(Some(offer), AgentReport::Accepted);
        if is_joined {
            self.report(Some(offer), AgentReport::Joined);
        }
        true
    }

    /// The routing takes an offer back.
    pub(super) fn withdrawn(&mut self, offer: OfferId) {
        let found = self.participants.iter().find(|participant| {
            participant.agent().is_some_and(|place| {
                place.offer == Some(offer)
                    && matches!(place.state, AgentState::Ringing { .. } | AgentState::Whisper { .. })
            })
        });
        if let Some(id) = found.map(|participant| participant.id) {
            self.agent_gone(id, AgentReport::Failed);
        }
    }

    /// One telephone of the agent has answered: the others stop ringing, and the agent whisper begins.
    pub(super) fn agent_answered(&mut self, id: ParticipantId, leg: LegId) {
        let until = self.cx.in_ms(WHISPER_LIMIT_MS);
        let Some(participant) = self.participant_mut(id) else { return };
        let contact = participant.contact;
        let Role::Agent(place) = &mut participant.role else { return };
        match place.state {
            AgentState::Ringing { .. } => {}
            AgentState::Calls => return self.caller_agent_is_up(id),
            // Two telephones have answered at once.
            _ => return self.close_leg(id, leg, DisconnectReason::Other),
        }
        place.state = AgentState::Whisper { until };
        let (offer, agent) = (place.offer, place.agent.clone());
        self.keep_leg(id, leg);
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            contact.agent = Some(AgentPart::accepted(agent, now));
            if contact.initiation_method == InitiationMethod::Callback
                && let Some(stay) = &mut contact.queue
            {
                stay.dequeued.get_or_insert(now);
            }
        });
        self.save(contact, Stage::Changed);
        self.report(offer, AgentReport::Accepted);
        match self.flow_at(contact, "AgentWhisper") {
            Some(flow) => self.begin_flow(id, flow),
            None => self.whispered_to_agent(id),
        }
    }

    /// One telephone of a participant has answered: the others stop ringing.
    pub(super) fn keep_leg(&mut self, id: ParticipantId, leg: LegId) {
        let Some(at) = self.index_of(id) else { return };
        let Some(participant) = self.participants.get_mut(at) else { return };
        for other in participant.legs.iter_mut().filter(|one| one.id() != leg) {
            other.close(&mut self.cx, DisconnectReason::Other);
        }
        participant.legs.retain(|one| one.id() == leg);
    }

    pub(super) fn close_leg(&mut self, id: ParticipantId, leg: LegId, reason: DisconnectReason) {
        let Some(at) = self.index_of(id) else { return };
        let Some(participant) = self.participants.get_mut(at) else { return };
        if let Some(one) = participant.leg(leg) {
            one.close(&mut self.cx, reason);
        }
        participant.legs.retain(|one| one.id() != leg);
    }

    /// A flow that the agent hears is over.
    pub(super) fn agent_flow_over(&mut self, id: ParticipantId) {
        let place = self.participant(id).and_then(Participant::agent);
        if place.is_some_and(|place| matches!(place.state, AgentState::Whisper { .. })) {
            self.whispered_to_agent(id);
        }
    }

    /// The agent whisper is over: the caller leaves the queue and hears the customer whisper. Of a callback, the customer is called now.
    fn whispered_to_agent(&mut self, id: ParticipantId) {
        let Some(caller) = self.caller_of(id) else { return };
        let offer = self.agent_state(id, AgentState::Waiting);
        self.report(offer, AgentReport::Dequeued);
        if self.is_blind(caller) {
            self.pass_on(caller);
        }
        let Some((caller, contact)) = self.caller_of(id).zip(self.participant(id).map(|agent| agent.contact))
        else {
            return;
        };
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            if let Some(stay) = &mut contact.queue {
                stay.dequeued.get_or_insert(now);
            }
        });
        self.save(contact, Stage::Changed);
        if self.participant(caller).is_some_and(|caller| caller.ear().is_none()) {
            return self.call_customer(None);
        }
        let until = self.cx.in_ms(WHISPER_LIMIT_MS);
        self.goes(caller, Place::Whisper { agent: id, until });
        match self.flow_at(contact, "CustomerWhisper") {
            Some(flow) => self.begin_flow(caller, flow),
            None => self.join(id),
        }
    }

    /// Both whispers are over: agent and caller hear each other.
    pub(super) fn join(&mut self, agent: ParticipantId) {
        let Some(caller) = self.caller_of(agent) else { return };
        let Some(contact) = self.participant(agent).map(|agent| agent.contact) else { return };
        let offer = self.agent_state(agent, AgentState::Joined);
        self.stop_flow(caller);
        self.goes(caller, Place::Talking { agent });
        self.bridge(caller, agent, true);
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            if let Some(part) = &mut contact.agent {
                part.connected.get_or_insert(now);
            }
        });
        self.save(contact, Stage::Changed);
        self.report(offer, AgentReport::Joined);
        // The telephone may have put us on hold while the whispers ran.
        if self.participant(agent).is_some_and(Participant::is_held) {
            self.hold(agent, true);
        }
    }

    /// Moves an agent on; gives the offer.
    pub(super) fn agent_state(&mut self, id: ParticipantId, to: AgentState) -> Option<OfferId> {
        match &mut self.participant_mut(id)?.role {
            Role::Agent(place) => {
                place.state = to;
                place.offer
            }
            _ => None,
        }
    }

    /// Tells the routing. An agent who called is known to it only when it has said so.
    pub(super) fn report(&mut self, offer: Option<OfferId>, report: AgentReport) {
        if let Some(offer) = offer {
            self.cx.emit(Effect::Routing(RoutingRequest::Report { offer, report }));
        }
    }

    /// The last leg of an agent is over.
    pub(super) fn agent_leg_ended(&mut self, id: ParticipantId, ending: Ending) {
        let Some(place) = self.participant(id).and_then(Participant::agent) else { return };
        match place.state {
            AgentState::Ringing { .. } => self.agent_gone(id, unanswered(ending)),
            AgentState::Whisper { .. } => self.agent_gone(id, AgentReport::Failed),
            AgentState::Calls | AgentState::Waiting | AgentState::Joined => self.agent_left(id),
        }
    }

    /// An agent is gone before the caller has left the queue: the caller waits on.
    pub(super) fn agent_gone(&mut self, id: ParticipantId, report: AgentReport) {
        let (caller, contact) = (self.caller_of(id), self.participant(id).map(|agent| agent.contact));
        let (Some(contact), Some(offer)) = (contact, self.remove_agent(id)) else { return };
        let is_accepted =
            |contact: &crate::Contact| contact.agent.as_ref().is_some_and(|part| part.connected.is_none());
        if self.facts(contact).is_some_and(is_accepted) {
            self.change(contact, |contact| contact.agent = None);
            self.save(contact, Stage::Changed);
        }
        self.report(offer, report);
        let Some(caller) = caller.filter(|caller| self.place_of(*caller) == Some(Place::Queued)) else {
            return;
        };
        if self.is_live() && self.participant(caller).is_some_and(|one| one.ear().is_none()) {
            // A callback waits in its queue without a call.
            self.goes_back_to_queue();
        } else if self.is_live() && !self.is_queued(contact) {
            self.agent_not_available(caller);
        }
    }

    /// An agent leaves whom the caller was taken out of the queue for.
    pub(super) fn agent_left(&mut self, id: ParticipantId) {
        if let Some(transfer) = self.transfer_by(id) {
            // Who leaves in a transfer leaves the customer where the transfer stands.
            return self.pass_on(transfer);
        }
        let (caller, contact) = (self.caller_of(id), self.participant(id).map(|agent| agent.contact));
        let (Some(contact), Some(offer)) = (contact, self.remove_agent(id)) else { return };
        self.agent_part_ends(contact);
        self.report(offer, AgentReport::Ended);
        let Some(caller) = caller else { return };
        let ear = self.participant(caller).and_then(Participant::ear);
        self.leaves_bridge(ear);
        if matches!(self.place_of(caller), Some(Place::Called { .. })) || ear.is_none() {
            return self.caller_ends(caller, DisconnectReason::AgentDisconnect, None);
        }
        self.caller_remains(caller, DisconnectReason::AgentDisconnect, None);
    }

    /// The agent's part in a contact is over, and the work after it begins.
    pub(super) fn agent_part_ends(&mut self, contact: ContactId) {
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            if let Some(part) = &mut contact.agent {
                part.left.get_or_insert(now);
                part.after_contact_work_began.get_or_insert(now);
                if let Some(hold) = part.holds.last_mut() {
                    hold.to.get_or_insert(now);
                }
            }
        });
    }

    /// Takes an agent out: the flow is cut off, the legs are ended, and who listens to the agent goes too. Gives the offer.
    #[expect(
        clippy::option_option,
        reason = "no agent, and an agent of whom the routing has not said the offer yet"
    )]
    pub(super) fn remove_agent(&mut self, id: ParticipantId) -> Option<Option<OfferId>> {
        let offer = self.participant(id)?.agent()?.offer;
        self.remove(id, DisconnectReason::Other);
        self.supervisors_leave(id);
        Some(offer)
    }

    /// Takes a participant out: the flow is cut off, and the legs are ended.
    pub(super) fn remove(&mut self, id: ParticipantId, reason: DisconnectReason) -> Option<Participant> {
        self.stop_flow(id);
        let at = self.index_of(id)?;
        let mut participant = self.participants.remove(at);
        if let Some(dial) = participant.dial.take() {
            self.cx.emit(Effect::DropDial { dial });
        }
        for leg in &mut participant.legs {
            leg.close(&mut self.cx, reason);
        }
        Some(participant)
    }

    /// Takes out the agents of a contact whose caller is gone.
    pub(super) fn agents_leave(&mut self, contact: ContactId) {
        let agents: Vec<(ParticipantId, bool)> = self
            .participants
            .iter()
            .filter(|participant| participant.contact == contact)
            .filter_map(|participant| Some((participant.id, participant.agent()?.state)))
            .map(|(id, state)| (id, self.counts_as_on_contact(id, state)))
            .collect();
        for (id, was_on_contact) in agents {
            if was_on_contact {
                self.agent_part_ends(contact);
            } else {
                self.change(contact, |contact| contact.agent = None);
            }
            if let Some(offer) = self.remove_agent(id) {
                let report = if was_on_contact { AgentReport::Ended } else { AgentReport::Abandoned };
                self.report(offer, report);
            }
        }
    }

    /// Whether an agent works after the contact: one who was joined, and one who was on it before the customer.
    fn counts_as_on_contact(&self, id: ParticipantId, state: AgentState) -> bool {
        let agents_first = [InitiationMethod::Outbound, InitiationMethod::Callback];
        let contact = self.participant(id).and_then(|agent| self.facts(agent.contact));
        let is_first = contact.is_some_and(|contact| agents_first.contains(&contact.initiation_method));
        match state {
            AgentState::Joined | AgentState::Calls => true,
            AgentState::Waiting => is_first,
            AgentState::Ringing { .. } | AgentState::Whisper { .. } => false,
        }
    }

    /// A TransferContactToAgent block: the agent whose own queue the contact is meant for is rung at once.
    pub(super) fn offer_to_target(&mut self, caller: ParticipantId) {
        let Some(contact) = self.participant(caller).map(|caller| caller.contact) else { return };
        let instance = self.cx.contact.instance.id;
        let target = self.facts(contact).and_then(|contact| contact.details.target_queue.clone());
        let agent = target
            .filter(|queue| queue.is_agents)
            .and_then(|queue| self.cx.instance.agent(instance, &ResourceRef::of(queue.arn)));
        let Some(agent) = agent else {
            let remark = Some("the contact is meant for no agent");
            return self.caller_ends(caller, DisconnectReason::ContactFlowDisconnect, remark);
        };
        self.goes(caller, Place::Queued);
        let request = RoutingRequest::OfferTo { contact, agent, ends_after_contact_work: true };
        self.cx.emit(Effect::Routing(request));
    }

    /// The routing does not offer the contact to the agent whom its flow has chosen: it ends (Administrator Guide, "Transfer to agent").
    pub(super) fn agent_not_available(&mut self, caller: ParticipantId) {
        let remark = Some("the agent is not available");
        self.caller_remains(caller, DisconnectReason::ContactFlowDisconnect, remark);
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

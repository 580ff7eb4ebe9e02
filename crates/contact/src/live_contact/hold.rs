//! Callers on hold: by the agent's telephone, by the API, or by a flow of a transfer.

use super::LiveContact;
use crate::participant::{AgentState, Participant, Place, Role};
use crate::{AgentReport, Hold, Stage};
use tympan_flow::{HoldState, Input};
use tympan_types::{ContactId, LegId, ParticipantId};

impl LiveContact {
    /// A far end has put us on hold, or takes us back. The customer's own hold changes nothing: what is captured is what is sent.
    pub(super) fn leg_held(&mut self, leg: LegId, is_held: bool) {
        let participant = self.participants.iter().find(|participant| participant.leg_is(leg));
        let joined = participant
            .filter(|participant| participant.agent().is_some_and(|place| place.state == AgentState::Joined));
        if let Some(id) = joined.map(|participant| participant.id) {
            self.hold(id, is_held);
        }
    }

    /// The API puts the caller of a contact on hold, or takes the caller back.
    pub(super) fn order_hold(&mut self, contact: ContactId, is_on: bool) {
        if let Some(agent) = self.caller_in(contact).and_then(|caller| self.agent_with(caller)) {
            self.hold(agent, is_on);
        }
    }

    /// On hold the caller hears the hold flow, and the agent hears nothing.
    pub(super) fn hold(&mut self, agent: ParticipantId, is_on: bool) {
        if !self.moves_on_hold(agent, is_on) || !is_on {
            return;
        }
        let contact = self.participant(agent).map(|agent| agent.contact);
        let (Some(caller), Some(contact)) = (self.caller_of(agent), contact) else { return };
        if let Some(flow) = self.flow_at(contact, "CustomerHold") {
            self.begin_flow(caller, flow);
        }
    }

    /// The same without a flow. False where the caller is not with the agent, or is so already.
    fn moves_on_hold(&mut self, agent: ParticipantId, is_on: bool) -> bool {
        let Some(caller) = self.caller_of(agent).filter(|_| self.is_live()) else { return false };
        let place = self.place_of(caller);
        let from = if is_on { Place::Talking { agent } } else { Place::OnHold { agent } };
        if place != Some(from) {
            return false;
        }
        let Some(participant) = self.participant(agent) else { return false };
        let (contact, offer) = (participant.contact, participant.agent().and_then(|place| place.offer));
        let now = self.cx.now.wall;
        if is_on {
            self.bridge(caller, agent, false);
            self.goes(caller, Place::OnHold { agent });
        } else {
            self.stop_flow(caller);
            self.stop_flow(agent);
            self.goes(caller, Place::Talking { agent });
            self.bridge(caller, agent, true);
        }
        self.change(contact, |contact| {
            let Some(part) = &mut contact.agent else { return };
            if is_on {
                part.holds.push(Hold { from: now, to: None });
            } else if let Some(hold) = part.holds.last_mut() {
                hold.to.get_or_insert(now);
            }
        });
        self.save(contact, Stage::Changed);
        self.report(offer, if is_on { AgentReport::OnHold } else { AgentReport::OffHold });
        true
    }

    /// An UpdatePreviousContactParticipantState block: who of the former contact hears the flow of a transfer.
    ///
    /// | state | the flow is heard by | the agent hears | the customer hears |
    /// |---|---|---|---|
    /// | AgentOnHold | the customer | the agent's hold flow | the flow |
    /// | CustomerOnHold | the agent | the flow | the customer's hold flow |
    /// | OffHold | the customer | the customer | the agent, and the flow |
    ///
    /// Source: Administrator Guide, "Hold customer or agent".
    pub(super) fn set_hold(&mut self, id: ParticipantId, state: HoldState) {
        let by = self.participant(id).and_then(|participant| match &participant.role {
            Role::Transferring(transfer) => Some(transfer.by),
            _ => None,
        });
        let customer = self.customer();
        let agent = by.filter(|agent| self.is_joined(*agent) && self.agent_with(customer) == Some(*agent));
        let Some(agent) = agent else {
            return self.refuse_ask(id, "there is no former contact with an agent and a customer");
        };
        let customers = self.participant(customer).and_then(Participant::ear);
        let agents = self.participant(agent).and_then(Participant::ear);
        let Some(contact) = self.participant(agent).map(|agent| agent.contact) else { return };
        match state {
            HoldState::AgentOnHold => {
                self.moves_on_hold(agent, true);
                self.stop_flow(customer);
                self.moves_ear(id, customers);
                if let Some(flow) = self.flow_at(contact, "AgentHold") {
                    self.begin_flow(agent, flow);
                }
            }
            HoldState::CustomerOnHold => {
                self.stop_flow(agent);
                self.moves_ear(id, agents);
                self.moves_on_hold(agent, true);
                if let Some(flow) = self.flow_at(contact, "CustomerHold") {
                    self.begin_flow(customer, flow);
                }
            }
            HoldState::OffHold => {
                self.moves_on_hold(agent, false);
                self.moves_ear(id, customers);
            }
        }
        self.answer(id, Input::Done);
    }

    /// The flow of a participant is heard on another leg from here on.
    pub(super) fn moves_ear(&mut self, id: ParticipantId, to: Option<LegId>) {
        let Some(at) = self.index_of(id) else { return };
        let Some(participant) = self.participants.get_mut(at) else { return };
        let Some(to) = to else { return };
        participant.hears_on = Some(to).filter(|to| !participant.leg_is(*to));
        if let Some(flow) = &mut participant.flow {
            flow.moves(&mut self.cx, to);
        }
    }
}

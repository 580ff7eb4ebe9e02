//! The customer on hold: by the agent's telephone, or by the API.

use super::{LiveContact, Phase};
use crate::participant::{AgentState, Place, Role};
use crate::{AgentReport, Hold, Stage};
use tympan_types::{ContactId, LegId, ParticipantId};

impl LiveContact {
    /// A far end has put us on hold, or takes us back. The customer's own hold changes nothing: what is captured is what is sent.
    pub(super) fn leg_held(&mut self, leg: LegId, is_held: bool) {
        let Some(participant) = self.place_of_leg(leg).and_then(|at| self.participants.get(at)) else {
            return;
        };
        if let Role::Agent(place) = &participant.role
            && place.state == AgentState::Joined
        {
            let id = participant.id;
            self.hold(id, is_held);
        }
    }

    /// The API puts the customer of a contact on hold, or takes the customer back.
    pub(super) fn order_hold(&mut self, contact: ContactId, is_on: bool) {
        let agent = match self.place() {
            Some(Place::Talking { agent } | Place::OnHold { agent }) if contact == self.current => agent,
            _ => return,
        };
        self.hold(agent, is_on);
    }

    /// On hold the customer hears the hold flow, and the agent hears nothing.
    pub(super) fn hold(&mut self, agent: ParticipantId, is_on: bool) {
        let place = self.place();
        let is_change = if is_on {
            place == Some(Place::Talking { agent })
        } else {
            place == Some(Place::OnHold { agent })
        };
        if !is_change || self.phase != Phase::Live {
            return;
        }
        let Some(Role::Agent(part)) = self.participant(agent).map(|participant| &participant.role) else {
            return;
        };
        let offer = part.offer;
        let now = self.cx.now.wall;
        if is_on {
            self.bridge(agent, false);
            self.customer_goes(Place::OnHold { agent });
            if let Some(part) = &mut self.cx.edit().agent {
                part.holds.push(Hold { from: now, to: None });
            }
        } else {
            self.stop_customer_flow();
            self.customer_goes(Place::Talking { agent });
            self.bridge(agent, true);
            let holds = self.cx.edit().agent.as_mut().and_then(|part| part.holds.last_mut());
            if let Some(hold) = holds {
                hold.to.get_or_insert(now);
            }
        }
        self.cx.persist(Stage::Changed);
        self.report(offer, if is_on { AgentReport::OnHold } else { AgentReport::OffHold });
        if !is_on {
            return;
        }
        let customer = self.customer_at().and_then(|at| self.participants.get(at)).map(|one| one.id);
        if let (Some(customer), Some(flow)) = (customer, self.cx.hooked_flow("CustomerHold")) {
            self.begin_flow(customer, flow);
        }
    }
}

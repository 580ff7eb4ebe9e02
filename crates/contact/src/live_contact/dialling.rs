//! Calls that the conversation places.

use super::LiveContact;
use crate::leg::Leg;
use crate::participant::{AgentState, Role};
use crate::{
    AgentReport, CallerId, DialRequest, DialTarget, DialledLeg, DisconnectReason, Effect, TELEPHONES_MAX,
};
use tympan_types::{DialId, ParticipantId};

impl LiveContact {
    pub(super) fn dial(&mut self, target: DialTarget, caller: CallerId, answers_by_itself: bool) -> DialId {
        self.last_dial += 1;
        let dial = DialId::new(self.last_dial);
        let request = Box::new(DialRequest { target, caller, answers_by_itself });
        self.cx.emit(Effect::Dial { dial, request });
        dial
    }

    /// Who waits for a call to be made ready.
    fn dialling(&self, dial: DialId) -> Option<ParticipantId> {
        let waiting = self.participants.iter().find(|participant| match &participant.role {
            Role::Customer(_) => false,
            Role::Agent(place) => {
                matches!(place.state, AgentState::Dialling { dial: one, .. } if one == dial)
            }
        });
        waiting.map(|participant| participant.id)
    }

    pub(super) fn dial_ready(&mut self, dial: DialId, legs: Vec<DialledLeg>) {
        let legs = legs.into_iter().map(Leg::dialled);
        let Some(id) = self.dialling(dial) else {
            // It was given up meanwhile.
            return legs.for_each(|mut leg| leg.close(&mut self.cx, DisconnectReason::Other));
        };
        let mut legs: Vec<Leg> = legs.collect();
        for mut leg in legs.drain(legs.len().min(TELEPHONES_MAX)..) {
            leg.close(&mut self.cx, DisconnectReason::Other);
        }
        legs.iter_mut().for_each(|leg| leg.invite(&mut self.cx));
        let Some(participant) = self.participant(id) else { return };
        participant.legs = legs;
        if let Role::Agent(place) = &mut participant.role
            && let AgentState::Dialling { until, .. } = place.state
        {
            place.state = AgentState::Ringing { until };
        }
        if self.participant(id).is_some_and(|participant| participant.legs.is_empty()) {
            self.agent_gone(id, AgentReport::Failed);
        }
    }

    pub(super) fn dial_failed(&mut self, dial: DialId, reason: &str) {
        let Some(id) = self.dialling(dial) else { return };
        let contact_id = self.current;
        tracing::info!(%contact_id, %dial, reason, "a call cannot be placed");
        self.agent_gone(id, AgentReport::Failed);
    }
}

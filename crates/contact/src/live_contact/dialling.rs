//! Calls that the conversation places: to agents, third parties, supervisors, and the customer.

use super::LiveContact;
use crate::leg::{Ending, Leg};
use crate::participant::Role;
use crate::{
    AgentReport, CallerId, DialRequest, DialTarget, DialledLeg, DisconnectReason, Effect, EndedBy,
    TELEPHONES_MAX,
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
        let waiting = self.participants.iter().find(|participant| participant.dial == Some(dial));
        waiting.map(|participant| participant.id)
    }

    pub(super) fn dial_ready(&mut self, dial: DialId, legs: Vec<DialledLeg>) {
        let legs = legs.into_iter().map(Leg::dialled);
        let Some(id) = self.dialling(dial) else {
            // It was given up meanwhile.
            return legs.for_each(|mut leg| leg.close(&mut self.cx, DisconnectReason::Other));
        };
        let mut legs: Vec<Leg> = legs.collect();
        // Only an agent has several telephones.
        let most = match self.participant(id).map(|participant| &participant.role) {
            Some(Role::Agent(_) | Role::Supervisor(_)) => TELEPHONES_MAX,
            _ => 1,
        };
        for mut leg in legs.drain(legs.len().min(most)..) {
            leg.close(&mut self.cx, DisconnectReason::Other);
        }
        legs.iter_mut().for_each(|leg| leg.invite(&mut self.cx));
        let has_none = legs.is_empty();
        if let Some(participant) = self.participant_mut(id) {
            participant.dial = None;
            participant.legs = legs;
        }
        if has_none {
            self.not_reached(id, Ending::By(EndedBy::Failure));
        }
    }

    pub(super) fn dial_failed(&mut self, dial: DialId, reason: &str) {
        let Some(id) = self.dialling(dial) else { return };
        let contact_id = self.current;
        tracing::info!(%contact_id, %dial, reason, "a call cannot be placed");
        if let Some(participant) = self.participant_mut(id) {
            participant.dial = None;
        }
        match self.participant(id).map(|participant| &participant.role) {
            Some(Role::ThirdParty(_)) => self.party_not_placed(id),
            _ => self.not_reached(id, Ending::By(EndedBy::Failure)),
        }
    }

    /// None of a participant's telephones is there any more, and none has answered.
    fn not_reached(&mut self, id: ParticipantId, ending: Ending) {
        match self.participant(id).map(|participant| &participant.role) {
            Some(Role::Agent(_)) => self.agent_gone(id, AgentReport::Failed),
            Some(_) => self.last_leg_ended(id, ending),
            None => {}
        }
    }

    /// The last leg of a participant is over.
    pub(super) fn last_leg_ended(&mut self, id: ParticipantId, ending: Ending) {
        match self.participant(id).map(|participant| &participant.role) {
            Some(Role::Customer(_)) => self.customer_leg_ended(ending),
            Some(Role::Agent(_)) => self.agent_leg_ended(id, ending),
            Some(Role::Transferring(_)) => self.consultation_leg_ended(id),
            Some(Role::ThirdParty(_)) => self.party_leg_ended(id, ending),
            Some(Role::Supervisor(_)) => self.supervisor_gone(id),
            None => {}
        }
    }
}

/// The SIP status that says to a transfer why there was no answer.
pub(super) fn status_of(ending: Ending) -> u16 {
    match ending {
        Ending::By(EndedBy::Refused(status)) => status,
        Ending::By(EndedBy::Cancelled | EndedBy::Us | EndedBy::TooLong) => 487,
        _ => 503,
    }
}

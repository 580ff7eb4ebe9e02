//! A supervisor listens to an agent, in a contact of its own: the conversation does not change for it.
//!
//! | state | the telephone answers | one more order, with the right to barge | the supervisor leaves, the agent's part ends |
//! |---|---|---|---|
//! | ringing | listens | - | gone |
//! | listens | - | barges: the supervisor is heard as well | gone |
//! | barges | - | listens | gone |
//!
//! Source: API Reference, MonitorContact; Administrator Guide, "Listen to live conversations", "Barge live conversations".

use super::LiveContact;
use crate::participant::{Participant, Role, Supervisor, SupervisorState};
use crate::{
    AgentPart, AgentRef, CallerId, DialTarget, DisconnectReason, Effect, InitiationMethod, MonitorState,
    Stage,
};
use tympan_telephony::words::MediaCommand;
use tympan_types::{BridgeId, ContactId, LegId, ParticipantId};

/// Supervisors of one conversation at most: with its parties they fit into a bridge.
pub(super) const SUPERVISORS_MAX: usize = 4;

/// How long a supervisor's telephone rings.
const RING_LIMIT_MS: u32 = 20_000;

impl LiveContact {
    /// A supervisor is to hear the agent of a contact, or, who does already, is to be heard, or not any more.
    pub(super) fn order_monitor(
        &mut self,
        contact: ContactId,
        monitor: ContactId,
        supervisor: AgentRef,
        may_barge: bool,
    ) {
        let agent = self.caller_in(contact).and_then(|caller| self.agent_with(caller));
        let Some(agent) = agent.filter(|agent| self.is_live() && self.is_joined(*agent)) else { return };
        let known = self
            .supervisors_of(agent)
            .into_iter()
            .find(|id| self.supervisor(*id).is_some_and(|known| known.supervisor.id == supervisor.id));
        if let Some(known) = known {
            return self.barges(known, may_barge);
        }
        let takes_part = self.participants.iter().any(|participant| match &participant.role {
            Role::Agent(place) => place.agent.id == supervisor.id,
            Role::Supervisor(other) => other.supervisor.id == supervisor.id,
            _ => false,
        });
        let count = self.participants.iter().filter(|one| matches!(one.role, Role::Supervisor(_))).count();
        if takes_part || count >= SUPERVISORS_MAX {
            return;
        }
        let Some(own) = self.prepare_next(InitiationMethod::Monitor, Some(monitor)) else { return };
        self.change(own, |monitor| monitor.previous_contact_id = Some(contact));
        self.open_beside(own);
        let shown = CallerId {
            number: self.cx.contact.customer_endpoint.as_ref().map(|endpoint| endpoint.address.clone()),
            name: None,
        };
        let until = self.cx.in_ms(RING_LIMIT_MS);
        let id = self.next_participant();
        let target = DialTarget::Agent(supervisor.clone());
        let state = SupervisorState::Ringing { until };
        let role = Role::Supervisor(Supervisor { supervisor, agent, may_barge, state });
        let mut participant = Participant::new(id, role, own);
        participant.dial = Some(self.dial(target, shown, true));
        self.participants.push(participant);
    }

    fn supervisor(&self, id: ParticipantId) -> Option<&Supervisor> {
        match &self.participant(id)?.role {
            Role::Supervisor(supervisor) => Some(supervisor),
            _ => None,
        }
    }

    fn supervisors_of(&self, agent: ParticipantId) -> Vec<ParticipantId> {
        let ids = self.participants.iter().map(|participant| participant.id);
        ids.filter(|id| self.supervisor(*id).is_some_and(|one| one.agent == agent)).collect()
    }

    /// The supervisor's telephone has answered.
    pub(super) fn supervisor_answered(&mut self, id: ParticipantId, leg: LegId) {
        let ringing = |one: &Supervisor| matches!(one.state, SupervisorState::Ringing { .. });
        let Some(supervisor) = self.supervisor(id).filter(|one| ringing(one)) else {
            return self.close_leg(id, leg, DisconnectReason::Other);
        };
        let who = supervisor.supervisor.clone();
        let Some(contact) = self.participant(id).map(|participant| participant.contact) else { return };
        self.keep_leg(id, leg);
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            contact.connected_to_system_timestamp = Some(now);
            contact.agent = Some(AgentPart { connected: Some(now), ..AgentPart::accepted(who, now) });
        });
        self.supervisor_is(id, SupervisorState::Listens);
    }

    fn barges(&mut self, id: ParticipantId, may_barge: bool) {
        let Some(Role::Supervisor(supervisor)) = self.participant_mut(id).map(|one| &mut one.role) else {
            return;
        };
        supervisor.may_barge |= may_barge;
        let to = match supervisor.state {
            SupervisorState::Listens if supervisor.may_barge => SupervisorState::Barges,
            SupervisorState::Barges => SupervisorState::Listens,
            SupervisorState::Listens | SupervisorState::Ringing { .. } => return,
        };
        self.supervisor_is(id, to);
    }

    fn supervisor_is(&mut self, id: ParticipantId, state: SupervisorState) {
        let Some(participant) = self.participant_mut(id) else { return };
        let contact = participant.contact;
        let Role::Supervisor(supervisor) = &mut participant.role else { return };
        supervisor.state = state;
        let agent = supervisor.agent;
        let word = if state == SupervisorState::Barges { "BARGE" } else { "SILENT_MONITOR" };
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            if let Some(last) = contact.monitoring.last_mut() {
                last.to.get_or_insert(now);
            }
            contact.monitoring.push(MonitorState { state: word.to_owned(), from: now, to: None });
        });
        self.save(contact, Stage::Changed);
        self.supervisors_follow(agent);
    }

    /// Who listens to an agent is where the agent is.
    pub(super) fn supervisors_follow(&mut self, agent: ParticipantId) {
        let ear = self.caller_of(agent).and_then(|caller| self.participant(caller)?.ear());
        let Some(bridge) = ear.map(|ear| BridgeId::new(ear.number())) else { return };
        for id in self.supervisors_of(agent) {
            let command = match self.supervisor(id).map(|one| one.state) {
                Some(SupervisorState::Listens) => MediaCommand::Monitor { bridge },
                Some(SupervisorState::Barges) => MediaCommand::Join { bridge },
                _ => continue,
            };
            if let Some(leg) = self.participant(id).and_then(Participant::ear) {
                self.cx.emit(Effect::Media { leg, command });
            }
        }
    }

    /// The part of an agent is over, and so is that of who listens.
    pub(super) fn supervisors_leave(&mut self, agent: ParticipantId) {
        for id in self.supervisors_of(agent) {
            self.supervisor_gone(id);
        }
    }

    /// A supervisor's part is over.
    pub(super) fn supervisor_gone(&mut self, id: ParticipantId) {
        if self.supervisor(id).is_none() {
            return;
        }
        let Some(participant) = self.remove(id, DisconnectReason::Other) else { return };
        let now = self.cx.now.wall;
        self.change(participant.contact, |contact| {
            if let Some(last) = contact.monitoring.last_mut() {
                last.to.get_or_insert(now);
            }
            if let Some(part) = &mut contact.agent {
                part.left.get_or_insert(now);
            }
        });
        self.end_contact(participant.contact, DisconnectReason::AgentDisconnect);
    }

    pub(super) fn supervisor_time_passed(&mut self, id: ParticipantId) {
        let now = self.cx.now.mono;
        let is_late =
            |one: &Supervisor| matches!(one.state, SupervisorState::Ringing { until } if until <= now);
        if self.supervisor(id).is_some_and(is_late) {
            self.supervisor_gone(id);
        }
    }
}

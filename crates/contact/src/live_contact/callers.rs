//! Callers: the customer, and an agent who passes the customer on in the part of the caller of the next contact. Each stands somewhere
//! ([`Place`]), each has a contact of its own, and an agent who is offered that contact is joined with that caller.
//!
//! | place | what is heard | the flow is over | an agent is joined | the agent leaves |
//! |---|---|---|---|---|
//! | flow | the flow | the contact ends | - | - |
//! | entering | the flow, or the former queue's | the contact ends | - | - |
//! | queued | the queue flow, or the hold flow | stays | whisper | stays |
//! | called | nothing: it rings | the customer is called | whisper | the contact ends |
//! | whisper | the customer whisper | talking | - | remains |
//! | talking | the agent | - | - | remains |
//! | on hold | the hold flow | stays | - | remains |
//! | calling | nothing, or the hold flow | stays | - | - |
//! | with a party | the third party | - | - | - |
//!
//! A customer who remains goes on in the flow of the hook `CustomerRemaining`, and without one the contact ends. What ends the contact of
//! an agent who passes the customer on ends the transfer alone: the customer is with that agent as before.
//!
//! Source: Administrator Guide, "Set disconnect flow".

use super::LiveContact;
use crate::participant::{AgentState, Participant, Place};
use crate::{Contact, DisconnectReason, Effect, InitiationMethod, Stage, record};
use tympan_telephony::words::MediaCommand;
use tympan_types::{BridgeId, ContactId, LegId, ParticipantId};

impl LiveContact {
    pub(super) fn index_of(&self, id: ParticipantId) -> Option<usize> {
        self.participants.iter().position(|participant| participant.id == id)
    }

    pub(super) fn participant(&self, id: ParticipantId) -> Option<&Participant> {
        self.participants.iter().find(|participant| participant.id == id)
    }

    pub(super) fn participant_mut(&mut self, id: ParticipantId) -> Option<&mut Participant> {
        self.participants.iter_mut().find(|participant| participant.id == id)
    }

    /// The customer is always there.
    pub(super) fn customer(&self) -> ParticipantId {
        let customer = self.participants.iter().find(|participant| participant.is_customer());
        customer.map_or(ParticipantId::new(1), |customer| customer.id)
    }

    pub(super) fn next_participant(&mut self) -> ParticipantId {
        self.last_participant += 1;
        ParticipantId::new(self.last_participant)
    }

    /// The caller of a contact.
    pub(super) fn caller_in(&self, contact: ContactId) -> Option<ParticipantId> {
        let callers = self.participants.iter().filter(|participant| participant.place().is_some());
        callers.filter(|caller| caller.contact == contact).map(|caller| caller.id).next()
    }

    /// The caller whom an agent is there for.
    pub(super) fn caller_of(&self, agent: ParticipantId) -> Option<ParticipantId> {
        self.caller_in(self.participant(agent)?.contact)
    }

    /// Where a caller stands.
    pub(super) fn place_of(&self, caller: ParticipantId) -> Option<Place> {
        self.participant(caller)?.place()
    }

    /// Where the customer stands.
    pub(super) fn place(&self) -> Option<Place> {
        self.place_of(self.customer())
    }

    pub(super) fn goes(&mut self, caller: ParticipantId, to: Place) {
        if let Some(place) = self.participant_mut(caller).and_then(Participant::place_mut) {
            *place = to;
        }
    }

    /// The agent whom a caller is with.
    pub(super) fn agent_with(&self, caller: ParticipantId) -> Option<ParticipantId> {
        match self.place_of(caller)? {
            Place::Talking { agent } | Place::OnHold { agent } => Some(agent),
            _ => None,
        }
    }

    pub(super) fn is_joined(&self, agent: ParticipantId) -> bool {
        let place = self.participant(agent).and_then(Participant::agent);
        place.is_some_and(|place| place.state == AgentState::Joined)
    }

    /// Changes a contact of the conversation; it is persisted by [`Self::save`].
    pub(super) fn change(&mut self, contact: ContactId, change: impl FnOnce(&mut Contact)) {
        if self.cx.focus(contact) {
            change(self.cx.edit());
        }
        self.cx.focus(self.current);
    }

    pub(super) fn save(&mut self, contact: ContactId, stage: Stage) {
        if self.cx.focus(contact) {
            self.cx.persist(stage);
        }
        self.cx.focus(self.current);
    }

    /// A contact of the conversation as it is now.
    pub(super) fn facts(&self, contact: ContactId) -> Option<&Contact> {
        self.cx.contacts().find(|one| one.id == contact).map(|contact| &**contact)
    }

    /// Ends a contact that is not the customer's; once.
    pub(super) fn end_contact(&mut self, contact: ContactId, reason: DisconnectReason) {
        let is_up = self.facts(contact).is_some_and(|contact| contact.disconnect_timestamp.is_none());
        if contact == self.current || !is_up {
            return;
        }
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            if let Some(stay) = &mut contact.queue {
                stay.dequeued.get_or_insert(now);
            }
            record::disconnected(contact, now, reason);
        });
        self.save(contact, Stage::Ended);
    }

    /// The legs of a caller and of another participant hear each other, or do not any more.
    pub(super) fn bridge(&mut self, caller: ParticipantId, other: ParticipantId, is_joined: bool) {
        let ear = self.participant(caller).and_then(Participant::ear);
        let theirs = self.participant(other).and_then(Participant::ear);
        let command = match ear {
            Some(ear) if is_joined => MediaCommand::Join { bridge: BridgeId::new(ear.number()) },
            _ => MediaCommand::Leave,
        };
        for leg in [ear, theirs].into_iter().flatten() {
            self.cx.emit(Effect::Media { leg, command: command.clone() });
        }
    }

    pub(super) fn leaves_bridge(&mut self, leg: Option<LegId>) {
        if let Some(leg) = leg {
            self.cx.emit(Effect::Media { leg, command: MediaCommand::Leave });
        }
    }

    /// Nothing is left for a caller to do in its contact. A transfer alone is over with that, the conversation is over with the customer.
    pub(super) fn caller_ends(
        &mut self,
        caller: ParticipantId,
        reason: DisconnectReason,
        remark: Option<&str>,
    ) {
        match self.participant(caller) {
            Some(participant) if participant.is_customer() => self.end(reason, remark),
            Some(_) => self.transfer_fails(caller, reason),
            None => {}
        }
    }

    /// Whom a caller was with has gone. The customer goes on where a flow is set for that.
    pub(super) fn caller_remains(
        &mut self,
        caller: ParticipantId,
        reason: DisconnectReason,
        remark: Option<&str>,
    ) {
        if self.customer() != caller {
            return self.caller_ends(caller, reason, remark);
        }
        let Some(flow) = self.remaining_flow() else { return self.end(reason, remark) };
        let Some(next) = self.prepare_next(InitiationMethod::Disconnect, None) else {
            return self.end(reason, remark);
        };
        self.go_on_in(next, reason);
        self.goes(caller, Place::Flow);
        self.begin_flow(caller, flow);
    }

    /// The flow for a customer whom the agent has left, where a flow has set one.
    fn remaining_flow(&self) -> Option<crate::RoutedFlow> {
        self.cx.contact.details.event_hooks.contains_key("CustomerRemaining").then_some(())?;
        self.cx.hooked_flow("CustomerRemaining")
    }

    /// The flow of an event of a contact.
    pub(super) fn flow_at(&mut self, contact: ContactId, event: &str) -> Option<crate::RoutedFlow> {
        self.cx.focus(contact);
        let flow = self.cx.hooked_flow(event);
        self.cx.focus(self.current);
        flow
    }
}

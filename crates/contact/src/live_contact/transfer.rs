//! An agent passes the customer on: to an agent, a queue, a flow or a number; at once, or after a talk with who takes the customer.
//!
//! While a transfer is under way the transferring agent is the caller of the contact that follows: the transfer flow, the queue flow and
//! the customer whisper are heard by that agent, and the customer hears the hold flow. Completed, the customer stands where that agent
//! stood.
//!
//! | asked for by | heard by the agent on | completed when |
//! |---|---|---|
//! | REFER without Replaces, TransferContact | the agent's only leg | a queue has taken the contact, an agent has heard the whisper, a number has answered; to a flow: at once |
//! | a call of the agent's telephone | a leg of its own | REFER with Replaces, or the agent hangs up |
//!
//! | happens | a transfer at once | a consultation |
//! |---|---|---|
//! | no one takes the customer, the flow ends | fails | fails |
//! | the agent leaves both legs, or the one with the customer | completed as it stands | completed as it stands |
//! | the agent leaves the other leg; someone talks there, and the customer is on hold | - | completed |
//! | the agent leaves the other leg otherwise | - | fails |
//! | the customer leaves | all end | all end |
//!
//! A transfer that fails leaves the customer with the agent. Completed before anyone is reached, the customer hears the rest of what the
//! agent heard, and the hold flow where that is nothing.
//!
//! Source: Administrator Guide, "Transfer calls to a queue or agent", "Contact records data model"; RFC 3515, RFC 3891, RFC 5589.

use super::LiveContact;
use super::third_party::{PartyCall, RING_LIMIT_MS};
use crate::leg::{Leg, Referral};
use crate::participant::{Participant, Place, Role, Transfer};
use crate::{
    AgentRef, AgentReport, CallerId, Contact, DialTarget, DisconnectReason, Effect, InitiationMethod,
    QueueRef, RoutedFlow, Stage, TransferTarget,
};
use tympan_flow::ResourceRef;
use tympan_types::{ContactId, LegId, ParticipantId, Redacted, ReferId};

impl LiveContact {
    fn transfer(&self, id: ParticipantId) -> Option<&Transfer> {
        match &self.participant(id)?.role {
            Role::Transferring(transfer) => Some(transfer),
            _ => None,
        }
    }

    fn transfer_mut(&mut self, id: ParticipantId) -> Option<&mut Transfer> {
        match &mut self.participant_mut(id)?.role {
            Role::Transferring(transfer) => Some(transfer),
            _ => None,
        }
    }

    /// The transfer of an agent.
    pub(super) fn transfer_by(&self, agent: ParticipantId) -> Option<ParticipantId> {
        let mut ids = self.participants.iter().map(|participant| participant.id);
        ids.find(|id| self.transfer(*id).is_some_and(|transfer| transfer.by == agent))
    }

    pub(super) fn is_blind(&self, caller: ParticipantId) -> bool {
        self.transfer(caller).is_some_and(|transfer| transfer.is_blind)
    }

    /// A telephone asks that the one it talks to be connected with another.
    pub(super) fn referred(&mut self, leg: LegId, referral: Referral) {
        let Referral { refer, target, replaces } = referral;
        let reply = |status| Effect::ReplyRefer { leg, refer, status };
        let owner = self.participants.iter().find(|participant| participant.leg_is(leg));
        let Some(owner) = owner.filter(|_| self.is_live()).map(|owner| owner.id) else {
            return self.cx.emit(reply(603));
        };
        if let Some(replaces) = replaces {
            return self.join_consultation(owner, (leg, refer), replaces);
        }
        let customer = self.customer();
        let is_possible = self.agent_with(customer) == Some(owner)
            && self.is_joined(owner)
            && self.transfer_by(owner).is_none();
        let agent = self.participant(owner).and_then(Participant::agent).map(|place| place.agent.clone());
        let Some(agent) = agent.filter(|_| is_possible) else { return self.cx.emit(reply(603)) };
        let to = self.cx.instance.dialled(self.cx.contact.instance.id, &agent, dialled(target.expose()));
        self.cx.emit(reply(202));
        let id = self.begin_transfer(owner, None, true);
        if let Some(transfer) = self.transfer_mut(id) {
            transfer.refer = Some((leg, refer));
        }
        self.notify(id, 100);
        self.hold(owner, true);
        match to {
            Some(to) => self.transfer_to(id, to, None),
            None => {
                let next = self.participant(id).map(|transfer| transfer.contact);
                let uri = target.clone();
                self.transfer_outside(id, DialTarget::Referred { uri, by: leg }, target, next);
            }
        }
    }

    /// REFER with Replaces: the customer and who is consulted are joined.
    fn join_consultation(&mut self, owner: ParticipantId, asked: (LegId, ReferId), replaces: LegId) {
        let (leg, refer) = asked;
        let transfer = self.transfer_by(owner).or_else(|| self.transfer(owner).map(|_| owner));
        let is_theirs = |id: ParticipantId| {
            let legs_of = |id| self.participant(id).is_some_and(|one| one.leg_is(replaces));
            legs_of(id) || self.transfer(id).is_some_and(|transfer| legs_of(transfer.by))
        };
        let found = transfer.filter(|id| replaces != leg && is_theirs(*id));
        let is_begun = |id: ParticipantId| self.transfer(id).is_some_and(|one| one.target.is_none());
        let Some(id) = found.filter(|id| is_begun(*id)) else {
            // RFC 3891 section 3: there is no such dialog, or it is not theirs.
            return self.cx.emit(Effect::ReplyRefer { leg, refer, status: 481 });
        };
        self.cx.emit(Effect::ReplyRefer { leg, refer, status: 202 });
        if let Some(transfer) = self.transfer_mut(id) {
            transfer.refer = Some((leg, refer));
        }
        self.pass_on(id);
    }

    /// The agent of a contact passes it on by the API.
    pub(super) fn order_transfer(&mut self, contact: ContactId, next: ContactId, to: TransferTarget) {
        let agent = self.agent_with(self.customer()).filter(|_| contact == self.current);
        let Some(agent) = agent.filter(|agent| self.is_live() && self.transfer_by(*agent).is_none()) else {
            return;
        };
        let id = self.begin_transfer(agent, None, true);
        self.hold(agent, true);
        self.transfer_to(id, to, Some(next));
    }

    /// The telephone of an agent who takes part calls: a consultation.
    pub(super) fn called(&mut self, mut leg: Leg, agent: &AgentRef, called: &str) {
        let customer = self.customer();
        let caller = self.participants.iter().find(|participant| {
            participant.agent().is_some_and(|place| place.agent.id == agent.id)
                && self.agent_with(customer) == Some(participant.id)
        });
        let by = caller.map(|participant| participant.id).filter(|by| self.transfer_by(*by).is_none());
        let Some(by) = by.filter(|_| self.is_live()) else {
            return leg.close(&mut self.cx, DisconnectReason::TelecomBusy);
        };
        let to = self.cx.instance.dialled(self.cx.contact.instance.id, agent, called);
        let Some(to) = to else {
            return leg.close(&mut self.cx, DisconnectReason::TelecomNumberInvalid);
        };
        leg.answer(&mut self.cx);
        let id = self.begin_transfer(by, Some(leg), false);
        if let Some(transfer) = self.transfer_mut(id) {
            transfer.target = Some(to);
        }
    }

    /// The agent's second leg is up: the consultation begins.
    pub(super) fn consultation_is_up(&mut self, id: ParticipantId) {
        let Some(transfer) = self.transfer_mut(id) else { return };
        let (by, to) = (transfer.by, transfer.target.take());
        let Some(to) = to else { return };
        self.hold(by, true);
        self.transfer_to(id, to, None);
    }

    fn begin_transfer(&mut self, by: ParticipantId, leg: Option<Leg>, is_blind: bool) -> ParticipantId {
        let id = self.next_participant();
        let transfer = Transfer { by, place: Place::Flow, target: None, is_blind, refer: None };
        // Its contact is opened as soon as it is known where to.
        let contact = self.cx.next_contact_id();
        let mut participant = Participant::new(id, Role::Transferring(transfer), contact);
        if leg.is_none() {
            participant.hears_on = self.participant(by).and_then(Participant::ear);
        }
        participant.legs.extend(leg);
        self.participants.push(participant);
        id
    }

    fn transfer_to(&mut self, id: ParticipantId, to: TransferTarget, next: Option<ContactId>) {
        let next = next.or_else(|| self.participant(id).map(|transfer| transfer.contact));
        let instance = self.cx.contact.instance.id;
        match to {
            TransferTarget::Agent { agent, flow } => {
                let own = self.cx.instance.agent_queue(instance, &ResourceRef::of(agent.arn.clone()));
                let own = own.unwrap_or_else(|| QueueRef {
                    arn: agent.arn.clone(),
                    name: String::new(),
                    hours_arn: None,
                    outbound_caller_id: None,
                    is_agents: true,
                });
                let flow = self.transfer_flow(flow.as_ref(), "AgentTransfer");
                self.transfer_inside(id, next, Some(own), flow);
            }
            TransferTarget::Queue { queue, flow } => {
                let flow = self.transfer_flow(flow.as_ref(), "QueueTransfer");
                self.transfer_inside(id, next, Some(queue), flow);
            }
            TransferTarget::Flow(flow) => match self.cx.instance.flow(instance, &flow) {
                Some(flow) => self.transfer_inside(id, next, None, Some(flow)),
                None => self.transfer_fails_as(id, DisconnectReason::Other, 404),
            },
            TransferTarget::Number(number) => {
                self.transfer_outside(id, DialTarget::Number(number.clone()), number, next);
            }
        }
    }

    /// The flow of a quick connect, else the instance's default one.
    fn transfer_flow(&self, flow: Option<&ResourceRef>, event: &str) -> Option<RoutedFlow> {
        let instance = self.cx.contact.instance.id;
        let own = flow.and_then(|flow| self.cx.instance.flow(instance, flow));
        own.or_else(|| self.cx.instance.default_flow(instance, event))
    }

    fn transfer_inside(
        &mut self,
        id: ParticipantId,
        next: Option<ContactId>,
        queue: Option<QueueRef>,
        flow: Option<RoutedFlow>,
    ) {
        let Some(contact) = self.prepare_next(InitiationMethod::Transfer, next) else {
            return self.transfer_fails_as(id, DisconnectReason::Other, 503);
        };
        let is_agents = queue.as_ref().map(|queue| queue.is_agents);
        let now = self.cx.now.wall;
        self.change(contact, |contact| {
            contact.details.target_queue = queue;
            contact.connected_to_system_timestamp = Some(now);
        });
        if let Some(participant) = self.participant_mut(id) {
            participant.contact = contact;
        }
        self.open_beside(contact);
        match (flow, is_agents) {
            (Some(flow), None) if self.is_blind(id) => {
                self.pass_on(id);
                self.begin_flow(self.customer(), flow);
            }
            (Some(flow), _) => self.begin_flow(id, flow),
            (None, Some(true)) => self.offer_to_target(id),
            (None, _) => self.enter_queue(id),
        }
    }

    fn transfer_outside(
        &mut self,
        id: ParticipantId,
        target: DialTarget,
        number: Redacted<String>,
        next: Option<ContactId>,
    ) {
        // Source: Administrator Guide, "Quick connects": the caller id of the queue.
        let queue = self.cx.contact.queue.as_ref().map(|stay| &stay.queue);
        let queue = queue.or(self.cx.contact.details.target_queue.as_ref());
        let shown = queue.and_then(|queue| queue.outbound_caller_id.clone());
        let caller = CallerId { number: shown.map(Redacted::new), name: None };
        let number = Redacted::new(dialled(number.expose()).to_owned());
        let call = PartyCall {
            with: id,
            target,
            number,
            caller,
            limit_ms: RING_LIMIT_MS,
            continues: false,
            digits: None,
        };
        let Some(party) = self.open_party(call, next) else {
            return self.transfer_fails_as(id, DisconnectReason::Other, 503);
        };
        let contact = self.participant(party).map(|party| party.contact);
        if let (Some(contact), Some(participant)) = (contact, self.participant_mut(id)) {
            participant.contact = contact;
        }
        self.goes(id, Place::Calling { party });
    }

    /// Says how far a transfer is to the telephone that has asked for it.
    pub(super) fn notify(&mut self, id: ParticipantId, status: u16) {
        let Some(transfer) = self.transfer_mut(id) else { return };
        // A final status ends the subscription.
        let refer = if status < 200 { transfer.refer } else { transfer.refer.take() };
        if let Some((leg, refer)) = refer {
            self.cx.emit(Effect::NotifyRefer { leg, refer, status });
        }
    }

    /// A telephone rings for a contact that an agent passes on.
    pub(super) fn rings_for(&mut self, id: ParticipantId) {
        let Some(contact) = self.participant(id).map(|participant| participant.contact) else { return };
        if let Some(transfer) = self.caller_in(contact).filter(|caller| self.transfer(*caller).is_some()) {
            self.notify(transfer, 180);
        }
    }

    /// A transfer is completed: the customer stands where the transferring agent stood, and that agent's part is over.
    pub(super) fn pass_on(&mut self, id: ParticipantId) {
        let Some(transfer) = self.transfer(id) else { return };
        let (by, place, is_blind) = (transfer.by, transfer.place, transfer.is_blind);
        if transfer.target.is_some() {
            // It has not begun.
            self.transfer_fails_as(id, DisconnectReason::Other, 487);
            return self.agent_left(by);
        }
        self.notify(id, 200);
        let customer = self.customer();
        if self.place() == Some(Place::Talking { agent: by }) {
            self.bridge(customer, by, false);
        }
        let reached = match place {
            Place::Talking { agent } => Some(agent),
            Place::WithParty { party } if !is_blind => Some(party),
            _ => None,
        };
        if let Some(reached) = reached {
            self.bridge(id, reached, false);
        }
        let Some(at) = self.index_of(id) else { return };
        let mut passed = self.participants.remove(at);
        passed.legs.iter_mut().for_each(|leg| leg.close(&mut self.cx, DisconnectReason::Other));
        self.parties_follow(id, customer);
        let former = self.current;
        if let Some(offer) = self.remove_agent(by) {
            self.agent_part_ends(former);
            self.report(offer, AgentReport::Ended);
        }
        // With a number outside the customer stays in the former contact: the number has a contact of its own.
        let is_outside = |contact: &Contact| contact.initiation_method == InitiationMethod::ExternalOutbound;
        if self.facts(passed.contact).is_some_and(is_outside) {
            if matches!(place, Place::WithParty { .. }) {
                self.transferred_outside(customer, passed.contact);
            } else {
                self.save(former, Stage::Changed);
            }
        } else {
            let is_reached =
                matches!(place, Place::Talking { .. } | Place::OnHold { .. } | Place::WithParty { .. });
            if is_blind || !is_reached {
                let now = self.cx.now.wall;
                self.change(former, |contact| contact.transfer_completed_timestamp = Some(now));
            }
            self.follow(passed.contact, DisconnectReason::AgentDisconnect);
            self.save(passed.contact, Stage::Changed);
        }
        self.goes(customer, place);
        match place {
            Place::Talking { agent: other } | Place::WithParty { party: other } => {
                self.stop_flow(customer);
                self.hears_the_rest(customer, passed);
                self.bridge(customer, other, true);
                self.supervisors_follow(other);
            }
            Place::Calling { .. } => {}
            _ => self.hears_the_rest(customer, passed),
        }
    }

    /// The customer hears the rest of what the transferring agent heard; the hold flow goes on where that is nothing.
    fn hears_the_rest(&mut self, customer: ParticipantId, passed: Participant) {
        if !passed.hears_flow() {
            return;
        }
        self.stop_flow(customer);
        let Some(at) = self.index_of(customer) else { return };
        let Some(participant) = self.participants.get_mut(at) else { return };
        let ear = participant.ear();
        participant.flow = passed.flow;
        participant.awaits = passed.awaits;
        if let (Some(flow), Some(ear)) = (&mut participant.flow, ear) {
            flow.moves(&mut self.cx, ear);
        }
    }

    pub(super) fn transfer_fails(&mut self, id: ParticipantId, reason: DisconnectReason) {
        let status = match reason {
            DisconnectReason::TelecomBusy => 486,
            DisconnectReason::TelecomNumberInvalid => 404,
            DisconnectReason::TelecomPotentialBlocking => 603,
            DisconnectReason::AgentDisconnect | DisconnectReason::CustomerDisconnect => 487,
            _ => 480,
        };
        self.transfer_fails_as(id, reason, status);
    }

    /// A transfer is over: the customer is with the agent as before.
    pub(super) fn transfer_fails_as(&mut self, id: ParticipantId, reason: DisconnectReason, status: u16) {
        let Some(by) = self.transfer(id).map(|transfer| transfer.by) else { return };
        self.notify(id, status);
        self.transfer_ends(id, reason);
        let customer = self.customer();
        self.stop_flow(by);
        let is_held = self.participant(by).is_some_and(Participant::is_held);
        if self.place_of(customer) == Some(Place::OnHold { agent: by }) && !is_held {
            self.hold(by, false);
        }
    }

    /// Takes a transfer out, with all who were called for it.
    pub(super) fn transfer_ends(&mut self, id: ParticipantId, reason: DisconnectReason) {
        let Some(participant) = self.participant(id) else { return };
        let (contact, place) = (participant.contact, participant.place());
        self.leaves_queue(id);
        if let Some(Place::Talking { agent }) = place {
            self.bridge(id, agent, false);
        }
        self.agents_leave(contact);
        self.parties_leave(id, reason);
        self.remove(id, reason);
        self.end_contact(contact, reason);
    }

    /// The second leg of an agent is over.
    pub(super) fn consultation_leg_ended(&mut self, id: ParticipantId) {
        let Some(transfer) = self.transfer(id) else { return };
        let is_on_hold = self.place() == Some(Place::OnHold { agent: transfer.by });
        let is_reached =
            matches!(transfer.place, Place::Talking { .. } | Place::OnHold { .. } | Place::WithParty { .. });
        if is_on_hold && is_reached && transfer.target.is_none() {
            self.pass_on(id);
        } else {
            self.transfer_fails(id, DisconnectReason::AgentDisconnect);
        }
    }
}

/// What was dialled: the user part of a URI, or the number itself.
fn dialled(target: &str) -> &str {
    let rest = target.split_once(':').map_or(target, |(scheme, rest)| {
        let is_scheme = ["sip", "sips", "tel"].iter().any(|known| scheme.eq_ignore_ascii_case(known));
        if is_scheme { rest } else { target }
    });
    let user = rest.split_once('@').map_or(rest, |(user, _)| user);
    user.split(';').next().unwrap_or(user)
}

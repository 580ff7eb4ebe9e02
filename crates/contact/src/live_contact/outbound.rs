//! Conversations that begin without a call of the customer: the API calls the customer, an agent does by hand, or an agent takes a
//! callback that is due.
//!
//! | begins with | first | then | the customer answers |
//! |---|---|---|---|
//! | StartOutboundVoiceContact | the customer is called | - | the flow begins |
//! | an agent's call | the outbound whisper, where it calls the customer itself | else the customer is called | the whisper goes on, or begins; then they talk |
//! | a callback | the agent is rung | the agent whisper; the customer is called | the outbound whisper; then they talk |
//!
//! A customer who is not reached ends the contact with the reason of the network, and the agent works after it. An agent who does not take
//! a callback costs it nothing: it is in its queue as before, and this conversation is over without a word about the contact's end.
//!
//! Source: API Reference, StartOutboundVoiceContact; Administrator Guide, "Call phone number", "About queued callbacks".

use super::agent::WHISPER_LIMIT_MS;
use super::third_party::RING_LIMIT_MS;
use super::{LiveContact, Phase};
use crate::context::Context;
use crate::leg::{Ending, Leg};
use crate::participant::{AgentPlace, AgentState, Awaited, Participant, Place, Role};
use crate::streaming::Streaming;
use crate::{
    AgentPart, AgentRef, CallerId, Contact, ContactOptions, DialTarget, DisconnectReason, Effect, Endpoint,
    InitiationMethod, InstanceSettings, Now, RoutedFlow, RoutingRequest, Stage,
};
use std::collections::VecDeque;
use std::sync::Arc;
use tympan_flow::Input;
use tympan_types::{LegId, ParticipantId, Redacted};

/// How long a callback waits for the offer that it was begun for.
const OFFER_LIMIT_MS: u32 = 30_000;

/// What StartOutboundVoiceContact begins with.
pub struct OutboundSetup {
    /// The contact: its customer endpoint is who is called.
    pub contact: Contact,
    /// The flow that runs when the customer has answered.
    pub flow: RoutedFlow,
    /// The number that the customer sees.
    pub caller: CallerId,
    /// For how long the customer's telephone rings.
    pub ring_limit_ms: u32,
    /// What the contact may ask its instance.
    pub instance: Arc<dyn InstanceSettings>,
    /// How long it waits for what.
    pub options: ContactOptions,
}

/// What a call that an agent places begins with.
pub struct AgentCallSetup {
    /// The contact: its customer endpoint is who is called, its target queue the agent's default outbound queue.
    pub contact: Contact,
    /// The agent.
    pub agent: AgentRef,
    /// The agent's leg, which was invited.
    pub leg: Leg,
    /// What the contact may ask its instance.
    pub instance: Arc<dyn InstanceSettings>,
    /// How long it waits for what.
    pub options: ContactOptions,
}

/// What a callback begins with that an agent is to be offered. [`RoutingEvent::Offered`](crate::RoutingEvent) follows.
pub struct CallbackSetup {
    /// The contact, as a flow has made it; it is open.
    pub contact: Contact,
    /// What the contact may ask its instance.
    pub instance: Arc<dyn InstanceSettings>,
    /// How long it waits for what.
    pub options: ContactOptions,
}

impl LiveContact {
    /// The API calls a customer. The contact is opened at once.
    pub fn outbound(now: Now, setup: OutboundSetup) -> Self {
        let OutboundSetup { contact, flow, caller, ring_limit_ms, instance, options } = setup;
        let mut live = Self::without_customer(now, contact, instance, options);
        live.pending = Some(Box::new(flow));
        live.cx.persist(Stage::Opened);
        live.calls(caller, ring_limit_ms);
        live
    }

    /// An agent calls a customer. The contact is opened at once.
    pub fn called_by_agent(now: Now, setup: AgentCallSetup) -> Self {
        let AgentCallSetup { contact, agent, mut leg, instance, options } = setup;
        let mut live = Self::without_customer(now, contact, instance, options);
        let until = live.cx.in_ms(WHISPER_LIMIT_MS);
        live.goes(live.customer(), Place::Called { until });
        leg.answer(&mut live.cx);
        let id = live.next_participant();
        let place = AgentPlace { agent: agent.clone(), offer: None, state: AgentState::Calls };
        let mut participant = Participant::new(id, Role::Agent(place), live.current);
        participant.legs.push(leg);
        live.participants.push(participant);
        live.cx.edit().agent =
            Some(AgentPart { connected: Some(now.wall), ..AgentPart::accepted(agent.clone(), now.wall) });
        live.cx.persist(Stage::Opened);
        let contact = live.current;
        live.cx.emit(Effect::Routing(RoutingRequest::Occupy { contact, agent }));
        live
    }

    /// A callback is due, and an agent is to be offered it.
    pub fn callback(now: Now, setup: CallbackSetup) -> Self {
        let CallbackSetup { contact, instance, options } = setup;
        let mut live = Self::without_customer(now, contact, instance, options);
        live.goes(live.customer(), Place::Queued);
        live.idle_until = Some(live.cx.in_ms(OFFER_LIMIT_MS));
        live
    }

    fn without_customer(
        now: Now,
        contact: Contact,
        instance: Arc<dyn InstanceSettings>,
        options: ContactOptions,
    ) -> Self {
        let current = contact.id;
        let id = ParticipantId::new(1);
        Self {
            cx: Context::new(now, contact, instance, options),
            phase: Phase::Live,
            current,
            participants: vec![Participant::new(id, Role::Customer(Place::Flow), current)],
            last_participant: 1,
            last_dial: 0,
            streaming: Streaming::default(),
            drained_by: None,
            pending: None,
            idle_until: None,
            answers: VecDeque::new(),
            is_answering: false,
        }
    }

    /// The customer's telephone is called.
    fn calls(&mut self, caller: CallerId, ring_limit_ms: u32) {
        let customer = self.customer();
        let number = self.cx.contact.customer_endpoint.as_ref().map(|endpoint| endpoint.address.clone());
        let Some(number) = number else {
            return self
                .end(DisconnectReason::TelecomNumberInvalid, Some("the contact has no number to call"));
        };
        let until = self.cx.in_ms(ring_limit_ms);
        self.goes(customer, Place::Called { until });
        let dial = self.dial(DialTarget::Number(number), caller, false);
        if let Some(participant) = self.participant_mut(customer) {
            participant.dial = Some(dial);
        }
    }

    /// Whether the customer's telephone is called, or was.
    fn is_customer_called(&self) -> bool {
        let customer = self.participant(self.customer());
        customer.is_some_and(|customer| customer.dial.is_some() || !customer.legs.is_empty())
    }

    /// The customer of an agent is called: by the number that a block says, else that of the callback or the queue.
    pub(super) fn call_customer(&mut self, caller_id: Option<String>) {
        let contact = &self.cx.contact;
        let queue = contact.queue.as_ref().map(|stay| &stay.queue).or(contact.details.target_queue.as_ref());
        let number = caller_id
            .map(Redacted::new)
            .or_else(|| contact.details.callback.as_ref()?.caller_id.clone())
            .or_else(|| Some(Redacted::new(queue?.outbound_caller_id.clone()?)));
        if contact.initiation_method == InitiationMethod::Outbound {
            let shown = number.clone().map(Endpoint::telephone);
            let contact = self.cx.edit();
            contact.system_endpoint = shown.or(contact.system_endpoint.take());
        }
        self.calls(CallerId { number, name: None }, RING_LIMIT_MS);
    }

    /// A CompleteOutboundCall block.
    pub(super) fn dial_customer(&mut self, id: ParticipantId, caller_id: Option<String>) {
        let is_called = matches!(self.place_of(id), Some(Place::Called { .. }));
        if id != self.customer() || !is_called || self.is_customer_called() {
            return self.refuse_ask(id, "the contact has no customer who is still to be called");
        }
        self.awaits(id, Awaited::Customer);
        self.call_customer(caller_id);
    }

    /// The agent's own leg is up.
    pub(super) fn caller_agent_is_up(&mut self, id: ParticipantId) {
        self.agent_state(id, AgentState::Waiting);
        let customer = self.customer();
        let whisper = self.cx.hooked_flow("OutboundWhisper");
        let calls_itself = |flow: &RoutedFlow| {
            flow.flow.blocks().iter().any(|block| block.type_name() == "CompleteOutboundCall")
        };
        match whisper.filter(calls_itself) {
            Some(flow) => self.begin_flow(customer, flow),
            None => self.call_customer(None),
        }
    }

    /// A flow is over that ran before the customer was called.
    pub(super) fn whispered_to_no_one(&mut self) {
        if !self.is_customer_called() {
            self.call_customer(None);
        }
    }

    /// The customer has answered.
    pub(super) fn customer_answered(&mut self, leg: LegId) {
        let customer = self.customer();
        self.keep_leg(customer, leg);
        self.cx.customer_leg = leg;
        let now = self.cx.now.wall;
        self.cx.edit().connected_to_system_timestamp = Some(now);
        self.cx.persist(Stage::Changed);
        let agent = self.participants.iter().find(|participant| participant.agent().is_some());
        let Some(agent) = agent.map(|agent| agent.id) else {
            self.goes(customer, Place::Flow);
            let flow = self.pending.take();
            return match flow {
                Some(flow) => self.begin_flow(customer, *flow),
                None => self.end(DisconnectReason::ContactFlowDisconnect, None),
            };
        };
        let until = self.cx.in_ms(WHISPER_LIMIT_MS);
        self.goes(customer, Place::Whisper { agent, until });
        self.moves_ear(customer, Some(leg));
        if self.takes_awaited(customer, Awaited::Customer) {
            return self.answer(customer, Input::Done);
        }
        let has_whispered = self.participant(customer).is_some_and(|customer| customer.flow.is_some());
        match self.cx.hooked_flow("OutboundWhisper").filter(|_| !has_whispered) {
            Some(flow) => self.begin_flow(customer, flow),
            None => self.join(agent),
        }
    }

    /// The customer's leg is over. Of one who has not answered, the network says why.
    pub(super) fn customer_leg_ended(&mut self, ending: Ending) {
        self.customer_is_gone(ending.reason(), ending.remark());
    }

    fn customer_is_gone(&mut self, reason: DisconnectReason, remark: Option<&str>) {
        let is_called = matches!(self.place(), Some(Place::Called { .. }));
        let is_callback = self.cx.contact.initiation_method == InitiationMethod::Callback;
        if is_called && is_callback && self.is_live() {
            self.callback_not_answered(reason);
        }
        self.end(reason, remark);
    }

    /// The customer did not answer in time.
    pub(super) fn customer_time_passed(&mut self) {
        let now = self.cx.now.mono;
        match self.place() {
            Some(Place::Called { until }) if until <= now => {
                let remark = "the customer did not answer in time";
                self.customer_is_gone(DisconnectReason::TelecomTimeout, Some(remark));
            }
            _ => {}
        }
        if self.idle_until.is_some_and(|until| until <= now) && self.is_live() {
            self.goes_back_to_queue();
        }
    }

    /// No agent has taken a callback: it waits in its queue on.
    pub(super) fn goes_back_to_queue(&mut self) {
        self.phase = Phase::Over;
        if let Some(stay) = &mut self.cx.edit().queue {
            stay.dequeued = None;
        }
        self.cx.persist(Stage::Changed);
    }
}

//! A contact from the arrival of its call to its record, as a state machine without sockets, clocks or threads.
//!
//! The law: after each [`LiveContact::handle`], drain [`LiveContact::poll`] until it gives `None`, and come back with
//! [`Input::TimePassed`] no later than [`LiveContact::next_deadline`]. Inputs that come too late, or for something that is over, are
//! ignored: no order of inputs strands a caller or confuses a contact.
//!
//! | phase | the customer's leg is up | it ends, StopContact, the end of a drain | the flow is over | the last fragment is safe, or the limit |
//! |---|---|---|---|---|
//! | answering | live | over | - | - |
//! | live | - | ending; over where nothing is captured | as in the column before | - |
//! | ending | - | - | - | over |
//! | over | - | - | - | - |
//!
//! A contact is over for its driver ([`LiveContact::is_over`]) when it is over and its last state is written. A failure of the capture
//! never ends a contact.
//!
//! Values that callers typed, attributes and phone numbers are in no `Debug` output and in no flow-log entry.

mod agent;
mod callback;
mod callers;
mod chain;
#[cfg(test)]
mod consistent;
mod dialling;
mod flows;
mod hold;
mod monitor;
mod outbound;
mod queue;
mod replaced;
mod third_party;
mod transfer;

use crate::context::Context;
use crate::flow_run::FlowRun;
use crate::leg::{self, Ending, Leg};
use crate::participant::{AgentState, Participant, Place, Role};
use crate::streaming::{self, Streaming};
use crate::{
    AgentReport, Contact, ContactOptions, DisconnectReason, Effect, EndedBy, InitiationMethod, Input,
    InstanceSettings, Now, Order, Reply, RoutedFlow, RoutingRequest, Stage, record,
};
pub use outbound::{AgentCallSetup, CallbackSetup, OutboundSetup};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tympan_flow::ContactChange;
use tympan_types::{ContactId, LegId, Mono, ParticipantId, RequestId};

/// A conversation with a customer whose call is up: its contacts, their participants with their legs and flows, its captures, and its
/// records to be.
pub struct LiveContact {
    cx: Context,
    phase: Phase,
    /// The contact that the customer is in.
    current: ContactId,
    participants: Vec<Participant>,
    last_participant: u64,
    last_dial: u64,
    streaming: Streaming,
    /// When the server goes down.
    drained_by: Option<Mono>,
    /// The flow that runs when the customer has answered.
    pending: Option<Box<RoutedFlow>>,
    /// A callback that is not offered until then goes back to its queue.
    idle_until: Option<Mono>,
    /// Answers to what flows asked while one of them runs on its answer: a flow may ask a thousand times in a row.
    answers: VecDeque<(ParticipantId, tympan_flow::Input)>,
    is_answering: bool,
}

/// What a live contact begins with.
pub struct ContactSetup {
    /// The contact, just opened.
    pub contact: Contact,
    /// The flow that answers.
    pub flow: RoutedFlow,
    /// The customer's leg, which was invited.
    pub leg: Leg,
    /// What the contact may ask its instance.
    pub instance: Arc<dyn InstanceSettings>,
    /// How long it waits for what.
    pub options: ContactOptions,
}

/// Where a live contact stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The caller's side has not confirmed the answer.
    Answering,
    /// The flow runs.
    Live,
    /// The customer is gone; the last fragment is not safe yet.
    Ending,
    /// The record is closed.
    Over,
}

impl LiveContact {
    /// A contact whose call has just arrived; the call is answered.
    pub fn new(now: Now, setup: ContactSetup) -> Self {
        let ContactSetup { contact, flow, mut leg, instance, options } = setup;
        let current = contact.id;
        let mut cx = Context::new(now, contact, instance, options);
        cx.customer_leg = leg.id();
        leg.answer(&mut cx);
        let flow = FlowRun::new(&mut cx, leg.id(), flow);
        Self {
            cx,
            phase: Phase::Answering,
            current,
            participants: vec![Participant::customer(current, leg, flow)],
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

    /// Takes in what happened. Drain [`LiveContact::poll`] afterwards.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.cx.now = now;
        match input {
            Input::Attempt { invocation, attempt, result } => {
                let owner = self.participants.iter().position(|participant| {
                    participant.flow.as_ref().is_some_and(|flow| flow.has_invocation(invocation))
                });
                self.with_flow(owner, |flow, cx, streaming| {
                    flow.attempted(cx, streaming, invocation, attempt, result)
                });
            }
            Input::Called { leg, agent, called } => self.called(*leg, &agent, called.expose()),
            Input::Capture { capture, event } => {
                let news = self.streaming.event(&mut self.cx, capture, event);
                self.heard_of_capture(news);
            }
            Input::DialReady { dial, legs } => self.dial_ready(dial, legs),
            Input::DialFailed { dial, reason } => self.dial_failed(dial, &reason),
            Input::Drain { until } => self.drained_by = Some(until),
            Input::Leg { leg, event } => {
                let news = self.with_leg(leg, |leg, cx| leg.event(cx, event));
                self.heard_of_leg(leg, news);
            }
            Input::Media { leg, event } => {
                let news = self.with_leg(leg, |leg, cx| leg.media_event(cx, &event));
                self.heard_of_leg(leg, news);
            }
            Input::Ordered(order) => self.ordered(order),
            Input::Prompt { prompt, event } => {
                let owner = self.participants.iter().position(|participant| {
                    participant.flow.as_ref().is_some_and(|flow| flow.has_prompt(prompt))
                });
                self.with_flow(owner, |flow, cx, streaming| flow.prompt(cx, streaming, prompt, event));
            }
            Input::Replaced { leg, by } => self.replaced(leg, *by),
            Input::Recognized { invocation, result } => {
                let owner = self.participants.iter().position(|participant| {
                    participant.flow.as_ref().is_some_and(|flow| flow.has_invocation(invocation))
                });
                self.with_flow(owner, |flow, cx, streaming| {
                    flow.recognized(cx, streaming, invocation, result)
                });
            }
            Input::Routing(event) => self.routing(event),
            Input::SetAttributes { request, changes } => self.set_attributes(request, changes.into_exposed()),
            Input::Change { request, contact, change } => self.change_by_request(request, contact, *change),
            Input::Stop => self.end(DisconnectReason::Other, None),
            Input::TimePassed => {}
            Input::Written { write, result } => {
                self.cx.written(write, &result);
            }
        }
        self.time_passed();
        self.cx.focus(self.current);
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<Effect> {
        self.cx.effects.pop_front()
    }

    /// When to come back with [`Input::TimePassed`] at the latest.
    pub fn next_deadline(&self) -> Option<Mono> {
        match self.phase {
            Phase::Over => None,
            Phase::Ending => self.streaming.deadline(),
            Phase::Answering | Phase::Live => {
                let theirs = self.participants.iter().filter_map(Participant::deadline);
                let own = self.drained_by.into_iter().chain(self.idle_until);
                theirs.chain(own).chain(self.streaming.deadline()).min()
            }
        }
    }

    /// The contact that the customer is in, as it is now: a snapshot that later changes leave alone.
    pub fn contact(&self) -> &Arc<Contact> {
        &self.cx.contact
    }

    /// Every contact of the conversation, the one that the customer is in first. Each has its own record; those that have ended stay here.
    pub fn contacts(&self) -> impl Iterator<Item = &Arc<Contact>> {
        self.cx.contacts()
    }

    /// Where the contact stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the contact is over and everything of it is written, or is the history's to write. The effects of the last input are still
    /// to be done.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over && self.cx.is_written()
    }

    fn heard_of_leg(&mut self, leg: LegId, news: Option<leg::News>) {
        match news {
            None => {}
            Some(leg::News::Confirmed) => self.confirmed(leg),
            Some(leg::News::Digit(digit)) => {
                // A key may come before the acknowledgement: it is one that is typed ahead.
                if matches!(self.phase, Phase::Answering | Phase::Live) {
                    let at = self.who_hears_on(leg);
                    self.run_flow(at, |flow, cx, streaming| flow.digit(cx, streaming, digit));
                }
            }
            Some(leg::News::Held(is_held)) => self.leg_held(leg, is_held),
            Some(leg::News::Speech { listen, spoken }) => {
                let at = self.who_hears_on(leg);
                self.with_flow(at, |flow, cx, streaming| flow.speech(cx, streaming, listen, spoken));
            }
            Some(leg::News::PromptFinished(prompt)) => {
                let owner = self.participants.iter().position(|participant| {
                    participant.flow.as_ref().is_some_and(|flow| flow.has_prompt(prompt))
                });
                self.with_flow(owner, |flow, cx, streaming| flow.prompt_finished(cx, streaming, prompt));
            }
            Some(leg::News::Referred(referral)) => self.referred(leg, referral),
            Some(leg::News::Rings) => {
                if let Some(id) = self.owner_of(leg) {
                    self.rings_for(id);
                }
            }
            Some(leg::News::Ended(ending)) => self.leg_ended(leg, ending),
            Some(leg::News::LeftAfterAnswer) => {
                self.confirmed(leg);
                self.leg_ended(leg, Ending::By(EndedBy::Peer));
            }
        }
    }

    /// A leg is up. The customer's: the contact exists, and its flow begins.
    fn confirmed(&mut self, leg: LegId) {
        let Some(id) = self.owner_of(leg) else { return };
        if self.succeeds(id, leg) {
            return;
        }
        match self.participant(id).map(|participant| &participant.role) {
            Some(Role::Customer(Place::Called { .. })) => self.customer_answered(leg),
            Some(Role::Customer(_)) => self.call_is_up(id),
            Some(Role::Agent(_)) => self.agent_answered(id, leg),
            Some(Role::Transferring(_)) => self.consultation_is_up(id),
            Some(Role::ThirdParty(_)) => self.party_answered(id, leg),
            Some(Role::Supervisor(_)) => self.supervisor_answered(id, leg),
            None => {}
        }
    }

    fn call_is_up(&mut self, customer: ParticipantId) {
        if self.phase != Phase::Answering {
            return;
        }
        self.phase = Phase::Live;
        let now = self.cx.now.wall;
        self.cx.edit().connected_to_system_timestamp = Some(now);
        self.cx.persist(Stage::Opened);
        let at = self.index_of(customer);
        self.with_flow(at, FlowRun::begin);
    }

    fn leg_ended(&mut self, leg: LegId, ending: Ending) {
        let Some(at) = self.participants.iter().position(|participant| participant.leg_is(leg)) else {
            return;
        };
        let Some(participant) = self.participants.get_mut(at) else { return };
        if participant.is_customer() {
            // The conversation is the customer's.
            return self.customer_leg_ended(ending);
        }
        let id = participant.id;
        if let Some(ended) = participant.leg(leg) {
            ended.close(&mut self.cx, ending.reason());
        }
        participant.legs.retain(|one| one.id() != leg);
        participant.successor.take_if(|successor| *successor == leg);
        if participant.legs.is_empty() {
            self.last_leg_ended(id, ending);
        }
    }

    fn owner_of(&self, leg: LegId) -> Option<ParticipantId> {
        let owner = self.participants.iter().find(|participant| participant.leg_is(leg));
        owner.map(|participant| participant.id)
    }

    /// Whose flow is heard on a leg.
    fn who_hears_on(&self, leg: LegId) -> Option<usize> {
        let borrowed = self.participants.iter().position(|participant| participant.hears_on == Some(leg));
        borrowed.or_else(|| self.participants.iter().position(|participant| participant.leg_is(leg)))
    }

    fn ordered(&mut self, order: Order) {
        match order {
            Order::Hold { contact, is_on } => self.order_hold(contact, is_on),
            Order::Route { contact, priority, age_adjustment_s } => {
                self.route(contact, priority, age_adjustment_s);
            }
            Order::Monitor { contact, monitor, supervisor, may_barge } => {
                self.order_monitor(contact, monitor, supervisor, may_barge);
            }
            Order::Transfer { contact, next, to } => self.order_transfer(contact, next, to),
        }
    }

    fn heard_of_capture(&mut self, news: Option<streaming::News>) {
        let Some(news) = news else { return };
        let has_changed = !matches!(news, streaming::News::NotStarted { .. } | streaming::News::Broke { .. });
        if self.phase == Phase::Ending && news == streaming::News::Stopped {
            if !self.streaming.is_closing() {
                self.close();
            }
            return;
        }
        if has_changed {
            self.cx.persist(Stage::Changed);
        }
        if self.phase == Phase::Live {
            self.each_flow(|flow, cx, streaming| flow.streaming(cx, streaming, news.clone()));
        }
    }

    fn time_passed(&mut self) {
        if self.drained_by.is_some_and(|deadline| deadline <= self.cx.now.mono) {
            self.end(DisconnectReason::Other, None);
        }
        let legs = self.participants.iter_mut().flat_map(|participant| &mut participant.legs);
        let news: Vec<_> = legs.filter_map(|leg| Some((leg.id(), leg.time_passed(&self.cx)?))).collect();
        for (leg, news) in news {
            self.heard_of_leg(leg, Some(news));
        }
        self.each_flow(FlowRun::time_passed);
        self.parts_time_passed();
        let news = self.streaming.time_passed(&mut self.cx);
        self.heard_of_capture(news);
    }

    fn set_attributes(&mut self, request: RequestId, changes: BTreeMap<String, String>) {
        let reply = if !self.cx.delivery.has_room() {
            Reply::Busy
        } else if self.phase == Phase::Over {
            return self.cx.delivery.too_late(request, &mut self.cx.effects);
        } else {
            match self.cx.set_attributes(changes) {
                Ok(()) => {
                    self.cx.delivery.promise(request);
                    // A contact whose call was not answered yet is written when it is.
                    if self.phase != Phase::Answering {
                        self.cx.persist(Stage::Changed);
                    }
                    return;
                }
                Err(too_large) => Reply::TooLarge(too_large),
            }
        };
        self.cx.emit(Effect::Reply { request, reply });
    }

    fn change_by_request(&mut self, request: RequestId, contact: ContactId, change: ContactChange) {
        let reply = if !self.cx.focus(contact) {
            // It is in the history alone.
            Some(Reply::Over)
        } else if !self.cx.delivery.has_room() {
            Some(Reply::Busy)
        } else if self.phase == Phase::Over {
            self.cx.delivery.too_late(request, &mut self.cx.effects);
            None
        } else {
            match self.cx.edit().details.change(change) {
                Ok(()) => {
                    self.cx.delivery.promise(request);
                    if self.phase != Phase::Answering {
                        self.cx.persist(Stage::Changed);
                    }
                    None
                }
                Err(reason) => Some(Reply::Refused(reason)),
            }
        };
        self.cx.focus(self.current);
        if let Some(reply) = reply {
            self.cx.emit(Effect::Reply { request, reply });
        }
    }

    /// The customer is gone, or is to go. What was captured is completed before the record is closed.
    fn end(&mut self, reason: DisconnectReason, remark: Option<&str>) {
        let was_up = match self.phase {
            Phase::Answering => false,
            Phase::Live => true,
            Phase::Ending | Phase::Over => return,
        };
        self.phase = Phase::Ending;
        for participant in &mut self.participants {
            self.cx.focus(participant.contact);
            let Some(flow) = &mut participant.flow else { continue };
            if let Some(remark) = remark.filter(|_| matches!(participant.role, Role::Customer(_))) {
                flow.remark(&mut self.cx, "Disconnect", "Error", remark);
            }
            flow.interrupt(&mut self.cx);
        }
        self.cx.focus(self.current);
        self.parts_end(reason);
        let now = self.cx.now.wall;
        record::disconnected(self.cx.edit(), now, reason);
        let limit_ms = self.cx.options.close_limit_ms;
        self.streaming.end(&mut self.cx, limit_ms);
        for leg in self.participants.iter_mut().flat_map(|participant| &mut participant.legs) {
            leg.close(&mut self.cx, reason);
        }
        if !was_up {
            self.never_connected();
        } else if self.streaming.is_closing() {
            self.cx.persist(Stage::Changed);
        } else {
            self.close();
        }
    }

    /// Time limits of the participants' parts.
    fn parts_time_passed(&mut self) {
        let now = self.cx.now.mono;
        self.customer_time_passed();
        let ids: Vec<ParticipantId> = self.participants.iter().map(|participant| participant.id).collect();
        for id in ids {
            let Some(participant) = self.participant(id).filter(|_| self.is_live()) else { continue };
            match &participant.role {
                Role::Customer(Place::Whisper { agent, until }) if *until <= now => {
                    // The customer is not made to pay for a whisper that is too long.
                    let agent = *agent;
                    self.join(agent);
                }
                Role::Transferring(transfer) => {
                    if let Place::Whisper { agent, until } = transfer.place
                        && until <= now
                    {
                        self.join(agent);
                    }
                }
                Role::Agent(place) => match place.state {
                    AgentState::Ringing { until } if until <= now => {
                        self.agent_gone(id, AgentReport::Missed);
                    }
                    AgentState::Whisper { until } if until <= now => self.agent_gone(id, AgentReport::Failed),
                    _ => {}
                },
                Role::ThirdParty(_) => self.party_time_passed(id),
                Role::Supervisor(_) => self.supervisor_time_passed(id),
                Role::Customer(_) => {}
            }
        }
    }

    /// The customer is gone: what is left of queues, agents, transfers, third parties and supervisors.
    fn parts_end(&mut self, reason: DisconnectReason) {
        let ids: Vec<ParticipantId> = self.participants.iter().map(|participant| participant.id).collect();
        for id in ids {
            if self.participant(id).is_some_and(|one| matches!(one.role, Role::Transferring(_))) {
                self.notify(id, 487);
                self.transfer_ends(id, reason);
            }
        }
        let customer = self.customer();
        let is_callback = self.cx.contact.initiation_method == InitiationMethod::Callback;
        let is_made = matches!(self.place(), Some(Place::Called { .. } | Place::Whisper { .. }));
        self.leaves_queue(customer);
        self.parties_leave(customer, reason);
        self.agents_leave(self.current);
        if is_callback && is_made {
            // After the report of the agent, who works after it.
            let contact = self.current;
            self.cx.emit(Effect::Routing(RoutingRequest::Leave { contact }));
        }
        if let Some(at) = self.index_of(customer)
            && let Some(dial) = self.participants.get_mut(at).and_then(|customer| customer.dial.take())
        {
            self.cx.emit(Effect::DropDial { dial });
        }
    }

    fn never_connected(&mut self) {
        self.phase = Phase::Over;
        if record::is_due(&self.cx.contact) {
            self.cx.persist(Stage::Opened);
            self.cx.persist(Stage::Ended);
        } else {
            self.cx.delivery.give_up(&mut self.cx.effects);
        }
    }

    fn close(&mut self) {
        self.phase = Phase::Over;
        self.cx.persist(Stage::Ended);
    }

    fn with_leg<T>(
        &mut self,
        which: LegId,
        action: impl FnOnce(&mut Leg, &mut Context) -> Option<T>,
    ) -> Option<T> {
        let leg = self.participants.iter_mut().find_map(|participant| participant.leg(which))?;
        action(leg, &mut self.cx)
    }
}

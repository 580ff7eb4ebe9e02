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
mod chain;
mod dialling;
mod flows;
mod hold;
mod queue;

use crate::context::Context;
use crate::flow_run::FlowRun;
use crate::leg::{self, Ending, Leg};
use crate::participant::{Participant, Role};
use crate::streaming::{self, Streaming};
use crate::{
    Contact, ContactOptions, DisconnectReason, Effect, EndedBy, Input, InstanceSettings, Now, Order, Reply,
    RoutedFlow, Stage, record,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_types::{ContactId, LegId, Mono, RequestId};

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
        let flow = FlowRun::new(&cx, leg.id(), flow);
        Self {
            cx,
            phase: Phase::Answering,
            current,
            participants: vec![Participant::customer(current, leg, flow)],
            last_participant: 1,
            last_dial: 0,
            streaming: Streaming::default(),
            drained_by: None,
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
            Input::Called { mut leg, .. } | Input::Replaced { by: mut leg, .. } => {
                leg.close(&mut self.cx, DisconnectReason::Other);
            }
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
            Input::Routing(event) => self.routing(event),
            Input::SetAttributes { request, changes } => self.set_attributes(request, changes.into_exposed()),
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
                theirs.chain(self.drained_by).chain(self.streaming.deadline()).min()
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
                    let at = self.place_of_leg(leg);
                    self.run_flow(at, |flow, cx, streaming| flow.digit(cx, streaming, digit));
                }
            }
            Some(leg::News::Held(is_held)) => self.leg_held(leg, is_held),
            Some(leg::News::PromptFinished(prompt)) => {
                let at = self.place_of_leg(leg);
                self.with_flow(at, |flow, cx, streaming| flow.prompt_finished(cx, streaming, prompt));
            }
            Some(leg::News::Referred(referral)) => {
                self.cx.emit(Effect::ReplyRefer { leg, refer: referral.refer, status: 603 });
            }
            Some(leg::News::Rings) => {}
            Some(leg::News::Ended(ending)) => self.leg_ended(leg, ending),
            Some(leg::News::LeftAfterAnswer) => {
                self.confirmed(leg);
                self.leg_ended(leg, Ending::By(EndedBy::Peer));
            }
        }
    }

    /// A leg is up. The customer's: the contact exists, and its flow begins.
    fn confirmed(&mut self, leg: LegId) {
        let Some(at) = self.place_of_leg(leg) else { return };
        if !self.participants.get(at).is_some_and(Participant::is_customer) {
            return self.agent_answered(at, leg);
        }
        if self.phase != Phase::Answering {
            return;
        }
        self.phase = Phase::Live;
        let now = self.cx.now.wall;
        self.cx.edit().connected_to_system_timestamp = Some(now);
        self.cx.persist(Stage::Opened);
        self.with_flow(Some(at), FlowRun::begin);
    }

    fn leg_ended(&mut self, leg: LegId, ending: Ending) {
        let Some(at) = self.place_of_leg(leg) else { return };
        let Some(participant) = self.participants.get_mut(at) else { return };
        match participant.role {
            // The conversation is the customer's.
            Role::Customer(_) => self.end(ending.reason(), ending.remark()),
            Role::Agent(_) => self.agent_leg_ended(at, leg, ending),
        }
    }

    fn place_of_leg(&self, leg: LegId) -> Option<usize> {
        self.participants.iter().position(|participant| participant.leg_is(leg))
    }

    fn ordered(&mut self, order: Order) {
        match order {
            Order::Hold { contact, is_on } => self.order_hold(contact, is_on),
            Order::Route { contact, priority, age_adjustment_s } => {
                self.route(contact, priority, age_adjustment_s);
            }
            Order::Monitor { .. } | Order::Transfer { .. } => {}
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
        self.parts_end();
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

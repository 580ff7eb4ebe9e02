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

use crate::context::Context;
use crate::flow_run::{FlowRun, Progress};
use crate::leg::{self, Ending, Leg};
use crate::participant::{Participant, Role};
use crate::streaming::{self, Streaming};
use crate::{
    Contact, ContactOptions, DisconnectReason, Effect, EndedBy, Input, InstanceSettings, Now, Reply,
    RoutedFlow, Stage, record,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_types::{LegId, Mono, RequestId};

/// A contact whose call is up: its participants, their legs and flows, its captures, and its record to be.
pub struct LiveContact {
    cx: Context,
    phase: Phase,
    participants: Vec<Participant>,
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
        let mut cx = Context::new(now, contact, instance, options);
        leg.answer(&mut cx);
        let flow = FlowRun::new(&cx, leg.id(), flow);
        Self {
            cx,
            phase: Phase::Answering,
            participants: vec![Participant::customer(leg, flow)],
            streaming: Streaming::default(),
            drained_by: None,
        }
    }

    /// Takes in what happened. Drain [`LiveContact::poll`] afterwards.
    pub fn handle(&mut self, now: Now, input: Input) {
        self.cx.now = now;
        match input {
            Input::Attempt { invocation, attempt, result } => {
                self.with_flow(|flow, cx, streaming| {
                    flow.attempted(cx, streaming, invocation, attempt, result)
                });
            }
            Input::Capture { capture, event } => {
                let news = self.streaming.event(&mut self.cx, capture, event);
                self.heard_of_capture(news);
            }
            Input::Called { .. }
            | Input::DialReady { .. }
            | Input::DialFailed { .. }
            | Input::Ordered(_)
            | Input::Replaced { .. }
            | Input::Routing(_) => {}
            Input::Drain { until } => self.drained_by = Some(until),
            Input::Leg { leg, event } => {
                let news = self.with_leg(leg, |leg, cx| leg.event(cx, event));
                self.heard_of_leg(leg, news);
            }
            Input::Media { leg, event } => {
                let news = self.with_leg(leg, |leg, cx| leg.media_event(cx, &event));
                self.heard_of_leg(leg, news);
            }
            Input::Prompt { prompt, event } => {
                self.with_flow(|flow, cx, streaming| flow.prompt(cx, streaming, prompt, event));
            }
            Input::SetAttributes { request, changes } => self.set_attributes(request, changes.into_exposed()),
            Input::Stop => self.end(DisconnectReason::Other, None),
            Input::TimePassed => {}
            Input::Written { write, result } => {
                self.cx.delivery.written(write, &result, &mut self.cx.effects);
            }
        }
        self.time_passed();
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
                let participants = self.participants.iter();
                let theirs = participants.flat_map(|participant| {
                    participant.legs.iter().filter_map(Leg::deadline).chain(participant.flow.deadline())
                });
                theirs.chain(self.drained_by).chain(self.streaming.deadline()).min()
            }
        }
    }

    /// The contact as it is now: a snapshot that later changes leave alone.
    pub fn contact(&self) -> &Arc<Contact> {
        &self.cx.contact
    }

    /// Where the contact stands.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether the contact is over and everything of it is written, or is the history's to write. The effects of the last input are still
    /// to be done.
    pub fn is_over(&self) -> bool {
        self.phase == Phase::Over && self.cx.delivery.is_idle()
    }

    fn heard_of_leg(&mut self, leg: LegId, news: Option<leg::News>) {
        match news {
            None => {}
            Some(leg::News::Confirmed) => self.confirmed(),
            Some(leg::News::Digit(digit)) => {
                self.with_flow_of(leg, |flow, cx, streaming| flow.digit(cx, streaming, digit));
            }
            Some(leg::News::PromptFinished(prompt)) => {
                self.with_flow_of(leg, |flow, cx, streaming| flow.prompt_finished(cx, streaming, prompt));
            }
            Some(leg::News::Ended(ending)) => self.leg_ended(leg, ending),
            Some(leg::News::LeftAfterAnswer) => {
                self.confirmed();
                self.leg_ended(leg, Ending::By(EndedBy::Peer));
            }
        }
    }

    /// The customer's leg is up: the contact exists, and its flow begins.
    fn confirmed(&mut self) {
        if self.phase != Phase::Answering {
            return;
        }
        self.phase = Phase::Live;
        let now = self.cx.now.wall;
        self.cx.edit().connected_to_system_timestamp = Some(now);
        self.cx.persist(Stage::Opened);
        self.with_flow(FlowRun::begin);
    }

    fn leg_ended(&mut self, leg: LegId, ending: Ending) {
        let Some(participant) = self.participants.iter_mut().find(|one| one.leg_is(leg)) else {
            return;
        };
        match participant.role {
            // The contact is the customer's.
            Role::Customer => self.end(ending.reason(), ending.remark()),
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
            self.with_flow(|flow, cx, streaming| flow.streaming(cx, streaming, news));
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
        self.with_flow(FlowRun::time_passed);
        let news = self.streaming.time_passed(&mut self.cx);
        self.heard_of_capture(news);
    }

    fn set_attributes(&mut self, request: RequestId, changes: BTreeMap<String, String>) {
        let reply = if !self.cx.delivery.has_room() {
            Reply::Busy
        } else if self.phase == Phase::Over {
            return self.cx.delivery.too_late(request, &mut self.cx.effects);
        } else {
            match self.cx.edit().attributes.set(changes) {
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
            if let Some(remark) = remark {
                participant.flow.remark(&mut self.cx, "Disconnect", "Error", remark);
            }
            participant.flow.interrupt(&mut self.cx);
        }
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

    /// Gives the flow that runs on the customer what it waits for.
    fn with_flow(&mut self, action: impl FnOnce(&mut FlowRun, &mut Context, &mut Streaming) -> Progress) {
        let customer = self.participants.iter_mut().find(|participant| participant.role == Role::Customer);
        if self.phase != Phase::Live {
            return;
        }
        let progress = customer.map(|customer| action(&mut customer.flow, &mut self.cx, &mut self.streaming));
        self.progressed(progress);
    }

    /// Gives the flow that runs on a leg's participant what it waits for.
    fn with_flow_of(
        &mut self,
        leg: LegId,
        action: impl FnOnce(&mut FlowRun, &mut Context, &mut Streaming) -> Progress,
    ) {
        // A key may come before the acknowledgement: it is one that is typed ahead.
        if !matches!(self.phase, Phase::Answering | Phase::Live) {
            return;
        }
        let participant = self.participants.iter_mut().find(|participant| participant.leg_is(leg));
        let progress =
            participant.map(|participant| action(&mut participant.flow, &mut self.cx, &mut self.streaming));
        self.progressed(progress);
    }

    fn progressed(&mut self, progress: Option<Progress>) {
        if progress == Some(Progress::Over) {
            self.end(DisconnectReason::ContactFlowDisconnect, None);
        }
    }
}

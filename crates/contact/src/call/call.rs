use super::digits::Digits;
use super::flow_log;
use super::prompt::{Heard, PromptPlayer};
use super::streaming::{News, Streaming};
use super::{CallInput, CallOptions, CallOutput, CaptureRequest, InstanceSettings};
use crate::RoutedFlow;
use crate::lambda;
use crate::{AttributesTooLarge, Contact, DisconnectReason};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use tympan_flow::{CollectedInput, Effect, Input, Interpreter, LogEntry, Output};
use tympan_telephony::words::Tracks;
use tympan_types::{InvocationId, Redacted, WallTime};

/// One call: the contact, its flow, and what both are waiting for.
pub struct Call {
    contact: Contact,
    instance: Arc<dyn InstanceSettings>,
    options: CallOptions,
    interpreter: Interpreter,
    phase: Phase,
    prompts: PromptPlayer,
    streaming: Streaming,
    last_invocation: u64,
    /// When the server goes down.
    drained_by: Option<WallTime>,
    outputs: VecDeque<CallOutput>,
}

/// What a call begins with.
pub struct CallSetup {
    /// The contact, just opened.
    pub contact: Contact,
    /// The flow that answers.
    pub flow: RoutedFlow,
    /// What the call may ask its instance.
    pub instance: Arc<dyn InstanceSettings>,
    /// How long it waits for what.
    pub options: CallOptions,
}

/// Where a call stands, for people who look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallState {
    /// The caller's side has not confirmed the answer.
    Answering,
    /// The flow runs.
    InFlow,
    /// The caller is gone; the last fragment is not safe yet.
    Ending,
    /// The record is closed.
    Over,
}

enum Phase {
    /// The answer is on its way.
    Answering { deadline: WallTime },
    /// A block of the flow waits for this.
    InFlow(Waiting),
    /// The caller is gone; the capture is being completed.
    Ending,
    /// There is nothing more to do.
    Over,
}

enum Waiting {
    /// Nothing: the flow is between two blocks.
    Nothing,
    /// The caller to hear a prompt.
    Prompt,
    /// The caller to press keys.
    Digits(Digits),
    /// A function to answer.
    Lambda { invocation: InvocationId, deadline: WallTime },
    /// The capture to have begun.
    Start,
    /// The capture to have stopped.
    Stop,
}

/// Why attributes were not set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SetAttributesRefused {
    /// The contact has ended; its history takes late changes.
    #[error("the call is over")]
    Over,
    /// Too many bytes in all.
    #[error(transparent)]
    TooLarge(#[from] AttributesTooLarge),
}

impl Call {
    /// A call that has just arrived; it wants to be answered.
    pub fn new(now: WallTime, setup: CallSetup) -> Self {
        let CallSetup { contact, flow, instance, options } = setup;
        Self {
            contact,
            instance,
            options,
            interpreter: Interpreter::new(flow.flow, flow.identity).with_logging(options.flow_log),
            phase: Phase::Answering { deadline: now.plus_ms(options.answer_limit_ms.into()) },
            prompts: PromptPlayer::default(),
            streaming: Streaming::default(),
            last_invocation: 0,
            drained_by: None,
            outputs: VecDeque::from([CallOutput::Answer]),
        }
    }

    /// Takes in what happened. Drain [`Call::poll`] afterwards.
    pub fn handle(&mut self, now: WallTime, input: CallInput) {
        match input {
            CallInput::Answered => self.answered(now),
            CallInput::Capture { capture, event } => {
                let (options, contact) = (&self.options, &mut self.contact);
                let news = self.streaming.event(now, capture, event, options, contact, &mut self.outputs);
                self.heard_of_capture(now, news);
            }
            CallInput::Digit(digit) => {
                if let Phase::InFlow(Waiting::Digits(digits)) = &mut self.phase {
                    let input = digits.press(now, digit);
                    self.prompts.stop(&mut self.outputs);
                    self.collected(now, input);
                }
            }
            CallInput::Drain { until } => self.drained_by = Some(until),
            CallInput::HungUp { reason } => self.end(now, reason, false),
            CallInput::LambdaFailed { invocation, reason } => {
                if self.waits_for(invocation) {
                    self.go_on(now, Input::Failed { reason });
                }
            }
            CallInput::LambdaReturned { invocation, body } => {
                if self.waits_for(invocation) {
                    let answer = lambda::response(body.expose());
                    self.go_on(now, answer.map_or_else(|error| failed(&error), Input::LambdaReturned));
                }
            }
            CallInput::PromptFailed { prompt, reason } => {
                let heard = self.prompts.failed(prompt, reason);
                self.heard_prompt(now, heard);
            }
            CallInput::PromptFinished { prompt } => {
                let heard = self.prompts.finished(prompt);
                self.heard_prompt(now, heard);
            }
            CallInput::PromptPrepared { prompt, sound, note } => {
                let plays = self.prompts.prepared(now, prompt, sound, &mut self.outputs);
                if let Some(note) = note.filter(|_| plays) {
                    self.remark(now, "PlayPrompt", "Success", &note);
                }
            }
            CallInput::Stop => self.end(now, DisconnectReason::Other, true),
            CallInput::TimePassed => {}
        }
        self.time_passed(now);
    }

    /// The next thing to do, oldest first.
    pub fn poll(&mut self) -> Option<CallOutput> {
        self.outputs.pop_front()
    }

    /// When to come back with [`CallInput::TimePassed`] at the latest.
    pub fn next_deadline(&self) -> Option<WallTime> {
        let phase = match &self.phase {
            Phase::Over => return None,
            Phase::Answering { deadline } | Phase::InFlow(Waiting::Lambda { deadline, .. }) => {
                Some(*deadline)
            }
            Phase::InFlow(Waiting::Digits(digits)) => digits.deadline(),
            Phase::InFlow(Waiting::Nothing | Waiting::Prompt | Waiting::Start | Waiting::Stop)
            | Phase::Ending => None,
        };
        let drained_by = self.drained_by.filter(|_| !matches!(self.phase, Phase::Ending));
        [phase, drained_by, self.prompts.deadline(), self.streaming.deadline()].into_iter().flatten().min()
    }

    /// Sets all of these attributes, or none: the UpdateContactAttributes operation.
    pub fn set_attributes(
        &mut self,
        now: WallTime,
        changes: BTreeMap<String, String>,
    ) -> Result<(), SetAttributesRefused> {
        match self.phase {
            Phase::Answering { .. } => self.contact.attributes.set(changes)?,
            Phase::InFlow(_) | Phase::Ending => {
                self.contact.attributes.set(changes)?;
                self.contact_changed(now);
            }
            Phase::Over => return Err(SetAttributesRefused::Over),
        }
        Ok(())
    }

    /// The contact as it is now.
    pub fn contact(&self) -> &Contact {
        &self.contact
    }

    /// Where the call stands.
    pub fn state(&self) -> CallState {
        match self.phase {
            Phase::Answering { .. } => CallState::Answering,
            Phase::InFlow(_) => CallState::InFlow,
            Phase::Ending => CallState::Ending,
            Phase::Over => CallState::Over,
        }
    }

    fn answered(&mut self, now: WallTime) {
        if !matches!(self.phase, Phase::Answering { .. }) {
            return;
        }
        self.phase = Phase::InFlow(Waiting::Nothing);
        self.contact.connected_to_system_timestamp = Some(now);
        self.contact.last_update_timestamp = now;
        self.outputs.push_back(CallOutput::ContactOpened(Box::new(self.contact.clone())));
        self.interpreter.handle(now, Input::Start, &self.contact);
        self.follow_flow(now);
    }

    /// Answers the block that waits, and does what the flow wants next.
    fn go_on(&mut self, now: WallTime, input: Input) {
        self.interpreter.handle(now, input, &self.contact);
        self.follow_flow(now);
    }

    /// Performs one effect after the other until one takes time. The interpreter ends a flow that never waits.
    fn follow_flow(&mut self, now: WallTime) {
        loop {
            match self.next_effect().map(|effect| self.perform(now, effect)) {
                Some(Performed::Waits(waiting)) => {
                    self.phase = Phase::InFlow(waiting);
                    return;
                }
                Some(Performed::At(answer)) => self.interpreter.handle(now, answer, &self.contact),
                Some(Performed::WentToFlow) => {}
                Some(Performed::Over) | None => {
                    self.end(now, DisconnectReason::ContactFlowDisconnect, true);
                    return;
                }
            }
        }
    }

    fn next_effect(&mut self) -> Option<Effect> {
        loop {
            match self.interpreter.poll()? {
                Output::Effect(effect) => return Some(effect),
                Output::Log(entry) => self.log(&entry),
            }
        }
    }

    fn perform(&mut self, now: WallTime, effect: Effect) -> Performed {
        match effect {
            Effect::Play(prompt) => {
                self.prompts.start(now, self.options.prompt_limit_ms, prompt, &mut self.outputs);
                Performed::Waits(Waiting::Prompt)
            }
            Effect::Collect { prompt, spec } => {
                let mut digits = Digits::new(spec);
                match prompt {
                    Some(prompt) => {
                        self.prompts.start(now, self.options.prompt_limit_ms, prompt, &mut self.outputs);
                    }
                    None => digits.prompt_over(now),
                }
                Performed::Waits(Waiting::Digits(digits))
            }
            Effect::StartMediaStreaming { from_customer, to_customer } => {
                self.start_streaming(now, Tracks { from_customer, to_customer })
            }
            Effect::StopMediaStreaming { from_customer, to_customer } => {
                self.stop_streaming(now, Tracks { from_customer, to_customer })
            }
            Effect::InvokeLambda { function_arn, parameters, time_limit_ms, .. } => {
                self.invoke(now, function_arn, &parameters, time_limit_ms)
            }
            Effect::SetAttributes(changes) => match self.contact.attributes.set(changes) {
                Ok(()) => {
                    self.contact_changed(now);
                    Performed::At(Input::Done)
                }
                Err(error) => Performed::At(failed(&error)),
            },
            Effect::SetLogging(_) => Performed::At(Input::Done),
            Effect::TransferToFlow { contact_flow_id } => self.transfer(now, &contact_flow_id),
            Effect::Disconnect | Effect::End => Performed::Over,
        }
    }

    fn start_streaming(&mut self, now: WallTime, tracks: Tracks) -> Performed {
        if self.streaming.is_started() {
            return Performed::At(Input::Done);
        }
        let instance = self.contact.instance.id;
        let Some(settings) = self.instance.media_streaming(instance) else {
            let reason = "live media streaming is not enabled for the instance: \
                associate a MEDIA_STREAMS storage configuration with it";
            return Performed::At(Input::Failed { reason: reason.to_owned() });
        };
        // Whoever asks for no direction means the customer's.
        let tracks = if tracks.any() { tracks } else { Tracks::FROM_CUSTOMER };
        let request = CaptureRequest { contact: self.contact.id, instance, tracks, settings };
        self.streaming.start(now, request, &self.options, &mut self.outputs);
        Performed::Waits(Waiting::Start)
    }

    fn stop_streaming(&mut self, now: WallTime, tracks: Tracks) -> Performed {
        if !self.streaming.is_started() {
            return Performed::At(Input::Done);
        }
        let limit_ms = self.options.stop_limit_ms;
        let waits = self.streaming.stop(now, tracks, limit_ms, &mut self.contact, &mut self.outputs);
        self.contact_changed(now);
        if waits { Performed::Waits(Waiting::Stop) } else { Performed::At(Input::Done) }
    }

    fn invoke(
        &mut self,
        now: WallTime,
        function_arn: String,
        parameters: &BTreeMap<String, String>,
        time_limit_ms: u32,
    ) -> Performed {
        if !self.instance.may_invoke(self.contact.instance.id, &function_arn) {
            let reason = "the function is not associated with the instance: use AssociateLambdaFunction";
            return Performed::At(Input::Failed { reason: reason.to_owned() });
        }
        self.last_invocation += 1;
        let invocation = InvocationId::new(self.last_invocation);
        let event = Redacted::new(lambda::event(&self.contact, parameters));
        self.outputs.push_back(CallOutput::InvokeLambda { invocation, function_arn, event, time_limit_ms });
        Performed::Waits(Waiting::Lambda { invocation, deadline: now.plus_ms(time_limit_ms.into()) })
    }

    fn transfer(&mut self, now: WallTime, id_or_arn: &str) -> Performed {
        match self.instance.flow(self.contact.instance.id, id_or_arn) {
            Some(RoutedFlow { flow, identity }) => {
                self.interpreter.transfer(now, flow, identity, &self.contact);
                Performed::WentToFlow
            }
            None => {
                let reason = "the instance has no published flow of this id".to_owned();
                Performed::At(Input::Failed { reason })
            }
        }
    }

    fn heard_prompt(&mut self, now: WallTime, heard: Option<Heard>) {
        let Some(heard) = heard else { return };
        match (&mut self.phase, heard) {
            (Phase::InFlow(Waiting::Prompt), Heard::Whole) => self.go_on(now, Input::Done),
            (Phase::InFlow(Waiting::Prompt), Heard::Failed { reason }) => {
                self.go_on(now, Input::Failed { reason })
            }
            (Phase::InFlow(Waiting::Digits(digits)), Heard::Whole) => digits.prompt_over(now),
            // A caller who cannot be asked may still know what to press.
            (Phase::InFlow(Waiting::Digits(digits)), Heard::Failed { reason }) => {
                digits.prompt_over(now);
                self.remark(now, "GetUserInput", "Error", &reason);
            }
            _ => {}
        }
    }

    fn collected(&mut self, now: WallTime, input: Option<CollectedInput>) {
        if let Some(input) = input {
            self.go_on(now, Input::Input(input));
        }
    }

    fn heard_of_capture(&mut self, now: WallTime, news: Option<News>) {
        let Some(news) = news else { return };
        if !matches!(news, News::NotStarted { .. } | News::Broke { .. }) {
            self.contact_changed(now);
        }
        match (&self.phase, news) {
            (Phase::InFlow(Waiting::Start), News::Started) => self.go_on(now, Input::Done),
            (Phase::InFlow(Waiting::Start), News::NotStarted { reason }) => {
                self.go_on(now, Input::Failed { reason });
            }
            (Phase::InFlow(Waiting::Stop), News::Stopped) => self.go_on(now, Input::Done),
            (Phase::Ending, News::Stopped) => self.close(now),
            (_, News::Broke { reason }) => self.remark(now, "StartMediaStreaming", "Error", &reason),
            (_, News::Resumed) => {
                self.remark(now, "StartMediaStreaming", "Success", "the capture goes on after a break");
            }
            _ => {}
        }
    }

    fn waits_for(&self, invocation: InvocationId) -> bool {
        matches!(&self.phase, Phase::InFlow(Waiting::Lambda { invocation: awaited, .. }) if *awaited == invocation)
    }

    fn time_passed(&mut self, now: WallTime) {
        if self.drained_by.is_some_and(|deadline| deadline <= now) {
            self.end(now, DisconnectReason::Other, true);
        }
        match &mut self.phase {
            Phase::Answering { deadline } if *deadline <= now => {
                self.end(now, DisconnectReason::TelecomProblem, true);
            }
            Phase::InFlow(Waiting::Lambda { deadline, .. }) if *deadline <= now => {
                let reason = "the function did not answer within the block's time limit".to_owned();
                self.go_on(now, Input::Failed { reason });
            }
            Phase::InFlow(Waiting::Digits(digits))
                if digits.deadline().is_some_and(|deadline| deadline <= now) =>
            {
                let input = digits.time_is_up();
                self.prompts.stop(&mut self.outputs);
                self.collected(now, Some(input));
            }
            _ => {}
        }
        let heard = self.prompts.time_passed(now, &mut self.outputs);
        self.heard_prompt(now, heard);
        let news = self.streaming.time_passed(now, &self.options, &mut self.outputs);
        self.heard_of_capture(now, news);
    }

    /// The caller is gone, or is to go. What was captured is completed before the record is closed.
    fn end(&mut self, now: WallTime, reason: DisconnectReason, hang_up: bool) {
        let was_answered = match self.phase {
            Phase::Answering { .. } => false,
            Phase::InFlow(_) => true,
            Phase::Ending | Phase::Over => return,
        };
        if hang_up {
            self.outputs.push_back(CallOutput::Hangup { reason });
        }
        if !was_answered {
            self.never_connected(now, reason);
            return;
        }
        self.prompts.stop(&mut self.outputs);
        self.interpreter.handle(now, Input::Interrupted, &self.contact);
        while self.next_effect().is_some() {}
        self.contact.disconnect_timestamp = Some(now);
        self.contact.disconnect_reason = Some(reason);
        let limit_ms = self.options.close_limit_ms;
        self.streaming.stop(now, Tracks::BOTH, limit_ms, &mut self.contact, &mut self.outputs);
        self.phase = Phase::Ending;
        if self.streaming.is_closing() {
            self.contact_changed(now);
        } else {
            self.close(now);
        }
    }

    /// A caller who gave up leaves no record, as there was no contact. An answer that was never acknowledged does: it tells of a
    /// caller whom our answers do not reach.
    fn never_connected(&mut self, now: WallTime, reason: DisconnectReason) {
        self.phase = Phase::Over;
        if reason == DisconnectReason::TelecomProblem {
            self.contact.disconnect_timestamp = Some(now);
            self.contact.disconnect_reason = Some(reason);
            self.contact.last_update_timestamp = now;
            self.outputs.push_back(CallOutput::ContactOpened(Box::new(self.contact.clone())));
            self.outputs.push_back(CallOutput::ContactEnded(Box::new(self.contact.clone())));
        }
    }

    fn close(&mut self, now: WallTime) {
        self.contact.last_update_timestamp = now;
        self.outputs.push_back(CallOutput::ContactEnded(Box::new(self.contact.clone())));
        self.phase = Phase::Over;
    }

    fn contact_changed(&mut self, now: WallTime) {
        self.contact.last_update_timestamp = now;
        self.outputs.push_back(CallOutput::ContactChanged(Box::new(self.contact.clone())));
    }

    fn log(&mut self, entry: &LogEntry) {
        let entry = flow_log::entry(self.contact.id, entry, self.options.flow_log_values);
        self.outputs.push_back(CallOutput::FlowLog(entry));
    }

    /// Says in the flow log what no block can say.
    fn remark(&mut self, now: WallTime, block: &str, results: &str, reason: &str) {
        let flow = self.interpreter.identity();
        let entry = flow_log::remark(now, self.contact.id, flow, block, results, reason);
        self.outputs.push_back(CallOutput::FlowLog(entry));
    }
}

/// How an effect went.
enum Performed {
    /// It takes time.
    Waits(Waiting),
    /// It is done, or has failed.
    At(Input),
    /// The interpreter runs another flow.
    WentToFlow,
    /// It was the last one.
    Over,
}

fn failed(error: &dyn std::error::Error) -> Input {
    Input::Failed { reason: error.to_string() }
}

//! A running flow: the interpreter of one participant's flow, and what its block waits for.
//!
//! | waits for | ends with | the block is answered |
//! |---|---|---|
//! | a prompt | its end, its failure, or its deadline; a key where it gives way to keys | done, failed, done; done |
//! | digits | the last key, or no key in time | the input |
//! | a function | its answer, its last failure, or its deadline | returned, failed, failed |
//! | the start of streaming | the lead-in is safe, or will not be | done, failed |
//! | the end of streaming | the last fragment is safe, or the deadline | done |
//!
//! All but this is ignored by a block that waits: keys that none asks for are kept for the next block that does. A function that is not
//! waited for is tried beside the blocks. What may go wrong goes to a branch of the flow, with the reason in the flow log; what has no
//! branch ends the flow.

mod digits;
mod function;
mod instance;
mod keys_ahead;
pub(crate) mod log;
mod media_streaming;
mod prompt;

use crate::context::Context;
use crate::invoke::{AttemptError, Invocation};
use crate::streaming::{News, Streaming};
use crate::{PromptEvent, RoutedFlow, Stage};
use digits::Digits;
use function::{FunctionCall, Unawaited};
use keys_ahead::KeysAhead;
use prompt::{Heard, PromptPlayer};
use tympan_flow::{CollectSpec, CollectedInput, Effect, Input, Interpreter, LogEntry, Output, Prompt};
use tympan_telephony::Digit;
use tympan_telephony::words::Tracks;
use tympan_types::{InvocationId, LegId, Mono, PromptId, Redacted};

/// A running flow.
pub(crate) struct FlowRun {
    /// The leg that hears it.
    leg: LegId,
    interpreter: Interpreter,
    waiting: Waiting,
    player: PromptPlayer,
    keys: KeysAhead,
    unawaited: Unawaited,
}

enum Waiting {
    /// Nothing: the flow has not begun, is between two blocks, or is over.
    Nothing,
    Prompt,
    /// A prompt that a key ends. The key is kept.
    PromptOrKey,
    Digits(Digits),
    Function(Invocation),
    StreamingStart,
    StreamingStop,
}

/// Whether a flow goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Progress {
    /// It waits for something.
    Waits,
    /// It was the last block.
    Over,
}

/// How the effect of a block went.
enum Step<T> {
    /// It takes time.
    Waits(T),
    /// It is done, or has failed.
    At(Input),
    /// It was the last one.
    Over,
}

impl<T> Step<T> {
    fn map<U>(self, to: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Waits(waits) => Step::Waits(to(waits)),
            Self::At(input) => Step::At(input),
            Self::Over => Step::Over,
        }
    }
}

impl FlowRun {
    /// A flow that has not begun.
    pub(crate) fn new(cx: &Context, leg: LegId, flow: RoutedFlow) -> Self {
        let mut interpreter = Interpreter::new(flow.flow, flow.identity)
            .with_flow_type(flow.flow_type)
            .with_logging(cx.options.flow_log);
        if cx.options.flow_traces {
            interpreter = interpreter.with_trace();
        }
        Self {
            leg,
            interpreter,
            waiting: Waiting::Nothing,
            player: PromptPlayer::default(),
            keys: KeysAhead::new(cx.options.keys_ahead),
            unawaited: Unawaited::default(),
        }
    }

    /// Begins.
    pub(crate) fn begin(&mut self, cx: &mut Context, streaming: &mut Streaming) -> Progress {
        self.go_on(cx, streaming, Input::Start)
    }

    /// The participant pressed a key.
    pub(crate) fn digit(&mut self, cx: &mut Context, streaming: &mut Streaming, digit: Digit) -> Progress {
        if digit.as_char().is_ascii_alphabetic() {
            // A to D are on no customer's telephone and in no flow: they answer nothing and interrupt nothing.
            return Progress::Waits;
        }
        let Waiting::Digits(digits) = &mut self.waiting else {
            self.keys.keep(digit);
            if matches!(self.waiting, Waiting::PromptOrKey) {
                self.player.stop(cx, self.leg);
                return self.go_on(cx, streaming, Input::Done);
            }
            return Progress::Waits;
        };
        let input = digits.press(cx.now.mono, digit);
        self.player.stop(cx, self.leg);
        self.collected(cx, streaming, input)
    }

    /// A prompt can be played, or cannot.
    pub(crate) fn prompt(
        &mut self,
        cx: &mut Context,
        streaming: &mut Streaming,
        which: PromptId,
        event: PromptEvent,
    ) -> Progress {
        match event {
            PromptEvent::Prepared { sound, note } => {
                let plays = self.player.prepared(cx, self.leg, which, sound);
                if let Some(note) = note.filter(|_| plays) {
                    cx.remark(self.interpreter.identity(), "PlayPrompt", "Success", &note);
                }
                Progress::Waits
            }
            PromptEvent::Failed { reason } => {
                let heard = self.player.failed(which, reason);
                self.heard(cx, streaming, heard)
            }
        }
    }

    /// The last sample of a prompt was sent.
    pub(crate) fn prompt_finished(
        &mut self,
        cx: &mut Context,
        streaming: &mut Streaming,
        which: PromptId,
    ) -> Progress {
        let heard = self.player.finished(which);
        self.heard(cx, streaming, heard)
    }

    /// An attempt to invoke a function is over.
    pub(crate) fn attempted(
        &mut self,
        cx: &mut Context,
        streaming: &mut Streaming,
        which: InvocationId,
        attempt: u32,
        result: Result<Redacted<Vec<u8>>, AttemptError>,
    ) -> Progress {
        let invocation = match &mut self.waiting {
            Waiting::Function(invocation) if invocation.id() == which => invocation,
            _ => {
                self.unawaited.attempted(cx, self.interpreter.identity(), which, attempt, result);
                return Progress::Waits;
            }
        };
        match invocation.attempted(cx.now, which, attempt, result, &mut cx.effects) {
            Some(outcome) => self.go_on(cx, streaming, function::answer(outcome)),
            None => Progress::Waits,
        }
    }

    /// Something became of the contact's streaming.
    pub(crate) fn streaming(&mut self, cx: &mut Context, streaming: &mut Streaming, news: News) -> Progress {
        match (&self.waiting, news) {
            (Waiting::StreamingStart, News::Started) | (Waiting::StreamingStop, News::Stopped) => {
                self.go_on(cx, streaming, Input::Done)
            }
            (Waiting::StreamingStart, News::NotStarted { reason }) => {
                self.go_on(cx, streaming, Input::Failed { reason })
            }
            (_, News::Broke { reason }) => {
                cx.remark(self.interpreter.identity(), "StartMediaStreaming", "Error", &reason);
                Progress::Waits
            }
            (_, News::Resumed) => {
                let flow = self.interpreter.identity();
                cx.remark(flow, "StartMediaStreaming", "Success", "the capture goes on after a break");
                Progress::Waits
            }
            _ => Progress::Waits,
        }
    }

    pub(crate) fn time_passed(&mut self, cx: &mut Context, streaming: &mut Streaming) -> Progress {
        self.unawaited.time_passed(cx, self.interpreter.identity());
        let progress = match &mut self.waiting {
            Waiting::Function(invocation) => match invocation.time_passed(cx.now) {
                Some(outcome) => self.go_on(cx, streaming, function::answer(outcome)),
                None => Progress::Waits,
            },
            Waiting::Digits(digits) if digits.deadline().is_some_and(|deadline| deadline <= cx.now.mono) => {
                let input = digits.time_is_up();
                self.player.stop(cx, self.leg);
                self.collected(cx, streaming, Some(input))
            }
            _ => Progress::Waits,
        };
        if progress == Progress::Over {
            return progress;
        }
        let heard = self.player.time_passed(cx, self.leg);
        self.heard(cx, streaming, heard)
    }

    /// When to come back at the latest; that of the streaming comes beside it.
    pub(crate) fn deadline(&self) -> Option<Mono> {
        let waiting = match &self.waiting {
            Waiting::Digits(digits) => digits.deadline(),
            Waiting::Function(invocation) => Some(invocation.deadline()),
            Waiting::Nothing
            | Waiting::Prompt
            | Waiting::PromptOrKey
            | Waiting::StreamingStart
            | Waiting::StreamingStop => None,
        };
        waiting.into_iter().chain(self.player.deadline()).chain(self.unawaited.deadline()).min()
    }

    /// The participant is gone.
    pub(crate) fn interrupt(&mut self, cx: &mut Context) {
        self.player.stop(cx, self.leg);
        self.keys.clear();
        self.waiting = Waiting::Nothing;
        self.interpreter.handle(cx.now.wall, Input::Interrupted, &*cx.contact);
        while self.next_effect(cx).is_some() {}
    }

    /// Says in the flow log what no block can say.
    pub(crate) fn remark(&self, cx: &mut Context, block: &str, results: &str, reason: &str) {
        cx.remark(self.interpreter.identity(), block, results, reason);
    }

    /// Answers the block that waits, and does what the flow wants next: one effect after the other until one takes time. The interpreter
    /// ends a flow that never waits.
    fn go_on(&mut self, cx: &mut Context, streaming: &mut Streaming, input: Input) -> Progress {
        self.waiting = Waiting::Nothing;
        self.interpreter.handle(cx.now.wall, input, &*cx.contact);
        loop {
            match self.next_effect(cx).map(|effect| self.perform(cx, streaming, effect)) {
                Some(Step::Waits(waiting)) => {
                    self.waiting = waiting;
                    return Progress::Waits;
                }
                Some(Step::At(answer)) => self.interpreter.handle(cx.now.wall, answer, &*cx.contact),
                Some(Step::Over) | None => return Progress::Over,
            }
        }
    }

    fn next_effect(&mut self, cx: &mut Context) -> Option<Effect> {
        loop {
            match self.interpreter.poll()? {
                Output::Effect(effect) => return Some(effect),
                Output::Log(entry) => log_entry(cx, &entry),
                Output::Trace(entry) => cx.emit(crate::Effect::Trace(Redacted::new(entry.to_json()))),
            }
        }
    }

    fn perform(&mut self, cx: &mut Context, streaming: &mut Streaming, effect: Effect) -> Step<Waiting> {
        match effect {
            Effect::Play(prompt) => {
                self.player.start(cx, self.leg, prompt);
                Step::Waits(Waiting::Prompt)
            }
            Effect::PlayUnlessKeyed(_) if self.keys.is_on() && self.keys.has_any() => Step::At(Input::Done),
            Effect::PlayUnlessKeyed(prompt) => {
                self.player.start(cx, self.leg, prompt);
                Step::Waits(if self.keys.is_on() { Waiting::PromptOrKey } else { Waiting::Prompt })
            }
            Effect::BufferKeys(buffer) => Step::At(match self.keys.set(buffer) {
                Some(held) => Input::Input(CollectedInput::Digits(held)),
                None => Input::Done,
            }),
            Effect::Collect { prompt, spec } => self.collect(cx, prompt, spec),
            Effect::StartMediaStreaming { from_customer, to_customer } => {
                let tracks = Tracks { from_customer, to_customer };
                media_streaming::start(cx, streaming, self.leg, tracks).map(|()| Waiting::StreamingStart)
            }
            Effect::StopMediaStreaming { from_customer, to_customer } => {
                let tracks = Tracks { from_customer, to_customer };
                media_streaming::stop(cx, streaming, tracks).map(|()| Waiting::StreamingStop)
            }
            Effect::InvokeLambda { function_arn, parameters, time_limit_ms, is_asynchronous, .. } => {
                let call = FunctionCall { function_arn, parameters, time_limit_ms };
                if is_asynchronous {
                    Step::At(self.unawaited.begin(cx, call))
                } else {
                    function::begin(cx, call).map(Waiting::Function)
                }
            }
            Effect::SetAttributes(changes) => match cx.edit().attributes.set(changes) {
                Ok(()) => {
                    cx.persist(Stage::Changed);
                    Step::At(Input::Done)
                }
                Err(error) => Step::At(Input::Failed { reason: error.to_string() }),
            },
            Effect::SetLogging(_) => Step::At(Input::Done),
            Effect::TransferToFlow { flow } => Step::At(instance::flow(cx, &flow)),
            Effect::InvokeModule { module } => Step::At(instance::module(cx, &module)),
            Effect::Change(change) => Step::At(instance::change(cx, change)),
            Effect::Ask(question) => Step::At(instance::answer(cx, &question)),
            Effect::TransferToQueue
            | Effect::DequeueAndTransferToQueue { .. }
            | Effect::RouteToAgent { .. }
            | Effect::PlayInLoop(_)
            | Effect::ConnectBot(_)
            | Effect::CallThirdParty(_)
            | Effect::CreateCallback(_)
            | Effect::SetHold(_)
            | Effect::DialCustomer { .. } => Step::At(Input::Failed {
                reason: "queues, agents, bots and third parties are not performed yet".to_owned(),
            }),
            Effect::TransferToAgent | Effect::Disconnect | Effect::End => Step::Over,
        }
    }

    /// Keys that were typed ahead are taken first: with one of them the prompt has been answered, and is not played.
    fn collect(&mut self, cx: &mut Context, prompt: Option<Prompt>, spec: CollectSpec) -> Step<Waiting> {
        let mut digits = Digits::new(spec);
        while let Some(digit) = self.keys.take() {
            if let Some(input) = digits.press(cx.now.mono, digit) {
                return Step::At(Input::Input(input));
            }
        }
        match prompt.filter(|_| digits.deadline().is_none()) {
            Some(prompt) => self.player.start(cx, self.leg, prompt),
            None => digits.prompt_over(cx.now.mono),
        }
        Step::Waits(Waiting::Digits(digits))
    }

    fn collected(
        &mut self,
        cx: &mut Context,
        streaming: &mut Streaming,
        input: Option<CollectedInput>,
    ) -> Progress {
        match input {
            Some(input) => self.go_on(cx, streaming, Input::Input(input)),
            None => Progress::Waits,
        }
    }

    fn heard(&mut self, cx: &mut Context, streaming: &mut Streaming, heard: Option<Heard>) -> Progress {
        match (&mut self.waiting, heard) {
            (Waiting::Prompt | Waiting::PromptOrKey, Some(Heard::Whole)) => {
                self.go_on(cx, streaming, Input::Done)
            }
            (Waiting::Prompt | Waiting::PromptOrKey, Some(Heard::Failed { reason })) => {
                self.go_on(cx, streaming, Input::Failed { reason })
            }
            (Waiting::Digits(digits), Some(Heard::Whole)) => {
                digits.prompt_over(cx.now.mono);
                Progress::Waits
            }
            // A participant who cannot be asked may still know what to press.
            (Waiting::Digits(digits), Some(Heard::Failed { reason })) => {
                digits.prompt_over(cx.now.mono);
                cx.remark(self.interpreter.identity(), "GetUserInput", "Error", &reason);
                Progress::Waits
            }
            _ => Progress::Waits,
        }
    }
}

fn log_entry(cx: &mut Context, entry: &LogEntry) {
    let entry = log::entry(cx.contact.id, entry, cx.options.flow_log_values);
    cx.log(entry);
}

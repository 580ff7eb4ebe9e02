//! A running flow: the interpreter of one participant's flow, and what its block waits for.
//!
//! | waits for | ends with | the block is answered |
//! |---|---|---|
//! | a prompt | its end, its failure, or its deadline; a key where it gives way to keys | done, failed, done; done |
//! | digits | the last key, or no key in time | the input |
//! | a function | its answer, its last failure, or its deadline | returned, failed, failed |
//! | the start of streaming | the lead-in is safe, or will not be | done, failed |
//! | the end of streaming | the last fragment is safe, or the deadline | done |
//! | prompts in a loop | the next interruption, a prompt that fails | interrupted, failed |
//! | a bot | an intent, a failure | the bot's outcome, failed |
//! | the conversation: a queue, an agent, a third party | its answer | what it is |
//!
//! All but this is ignored by a block that waits: keys that none asks for are kept for the next block that does. A function that is not
//! waited for is tried beside the blocks. What may go wrong goes to a branch of the flow, with the reason in the flow log; what has no
//! branch ends the flow.

mod ask;
mod bot;
mod digits;
mod function;
mod instance;
mod keys_ahead;
pub(crate) mod log;
mod loop_prompts;
mod media_streaming;
mod prompt;

use crate::context::Context;
use crate::invoke::{AttemptError, Invocation};
use crate::streaming::{News, Streaming};
use crate::view::SeenByFlow;
use crate::{PromptEvent, RoutedFlow, Stage};
pub(crate) use ask::Ask;
use bot::BotTalk;
use digits::Digits;
use function::{FunctionCall, Unawaited};
use keys_ahead::KeysAhead;
use loop_prompts::{LoopNext, LoopPrompts};
use prompt::{Heard, PromptPlayer};
use tympan_flow::{
    CollectSpec, CollectedInput, Effect, FlowType, Input, Interpreter, LogEntry, LoopSpec, Output, Prompt,
};
use tympan_lex::turn::{RecognizeError, Reply};
use tympan_telephony::Digit;
use tympan_telephony::words::{Sound, Tracks};
use tympan_types::{InvocationId, LegId, ListenId, Mono, PromptId, Redacted};

/// A running flow.
pub(crate) struct FlowRun {
    /// The leg that hears it.
    leg: LegId,
    /// Of the flow that it began with: where it runs.
    flow_type: FlowType,
    interpreter: Interpreter,
    waiting: Waiting,
    player: PromptPlayer,
    keys: KeysAhead,
    unawaited: Unawaited,
    /// The loop that the flow was given a turn in.
    looped: Option<Box<LoopPrompts>>,
    ask: Option<Box<Ask>>,
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
    Loop(Box<LoopPrompts>),
    Bot(Box<BotTalk>),
    /// The conversation's answer to what was asked of it.
    Asked,
}

/// How a flow ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FlowEnd {
    /// A block disconnects the participant.
    Disconnected,
    /// There is nothing left to do.
    Ended,
    /// The contact goes to the agent that it is meant for.
    ToAgent,
}

/// Whether a flow goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Progress {
    /// It waits for something.
    Waits,
    /// It waits for the conversation: [`FlowRun::take_ask`] says what it wants.
    Asks,
    /// It was the last block.
    Over(FlowEnd),
}

/// How the effect of a block went.
enum Step<T> {
    /// It takes time.
    Waits(T),
    /// It is done, or has failed.
    At(Input),
    /// It was the last one.
    Over(FlowEnd),
}

impl<T> Step<T> {
    fn map<U>(self, to: impl FnOnce(T) -> U) -> Step<U> {
        match self {
            Self::Waits(waits) => Step::Waits(to(waits)),
            Self::At(input) => Step::At(input),
            Self::Over(end) => Step::Over(end),
        }
    }
}

impl FlowRun {
    /// A flow that has not begun.
    pub(crate) fn new(cx: &mut Context, leg: LegId, flow: RoutedFlow) -> Self {
        let flow_type = flow.flow_type;
        let mut interpreter = Interpreter::new(flow.flow, flow.identity)
            .with_flow_type(flow.flow_type)
            .with_call_memory(cx.flow_memory.clone());
        if let Some(run) = cx.next_trace() {
            interpreter = interpreter.with_trace_of(run);
        }
        Self {
            leg,
            flow_type,
            interpreter,
            waiting: Waiting::Nothing,
            player: PromptPlayer::default(),
            keys: KeysAhead::new(cx.options.keys_ahead),
            unawaited: Unawaited::default(),
            looped: None,
            ask: None,
        }
    }

    /// The same where another flow has run on the participant: invocations that none waits for go on.
    #[must_use]
    pub(crate) fn after(mut self, former: Option<Self>) -> Self {
        if let Some(former) = former {
            self.unawaited = former.unawaited;
        }
        self
    }

    /// What the flow asks of the conversation.
    pub(crate) fn take_ask(&mut self) -> Option<Ask> {
        self.ask.take().map(|ask| *ask)
    }

    /// The conversation's answer to what the flow asked.
    pub(crate) fn answer(&mut self, cx: &mut Context, streaming: &mut Streaming, input: Input) -> Progress {
        match self.waiting {
            Waiting::Asked => self.go_on(cx, streaming, input),
            _ => Progress::Waits,
        }
    }

    /// Whether it has begun and is not over.
    pub(crate) fn is_running(&self) -> bool {
        !matches!(self.waiting, Waiting::Nothing)
    }

    /// The flow is heard on another leg from here on.
    pub(crate) fn moves(&mut self, cx: &mut Context, to: LegId) {
        if self.leg != to {
            self.player.moves(cx, self.leg, to);
            self.leg = to;
        }
    }

    /// Whether an invocation is this flow's.
    pub(crate) fn has_invocation(&self, which: InvocationId) -> bool {
        matches!(&self.waiting, Waiting::Function(invocation) if invocation.id() == which)
            || matches!(&self.waiting, Waiting::Bot(talk) if talk.asks(which))
            || self.unawaited.has(which)
    }

    /// Whether a prompt is this flow's.
    pub(crate) fn has_prompt(&self, which: PromptId) -> bool {
        self.player.plays(Some(which))
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
        if let Waiting::Bot(talk) = &mut self.waiting {
            let ended = talk.digit(cx, self.leg, &mut self.player, digit);
            return self.bot_ended(cx, streaming, ended);
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
            (Waiting::StreamingStart, News::Started | News::Resumed)
            | (Waiting::StreamingStop, News::Stopped) => self.go_on(cx, streaming, Input::Done),
            (Waiting::StreamingStart, News::NotStarted { reason } | News::Broke { reason }) => {
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

    /// The participant begins to speak, or has spoken: what a bot listens for.
    pub(crate) fn speech(
        &mut self,
        cx: &mut Context,
        streaming: &mut Streaming,
        listen: ListenId,
        spoken: Option<(Sound, bool)>,
    ) -> Progress {
        let Waiting::Bot(talk) = &mut self.waiting else { return Progress::Waits };
        let ended = match spoken {
            None => talk.speech_began(cx, self.leg, &mut self.player, listen),
            Some((utterance, cut)) => talk.spoken(cx, self.leg, &mut self.player, (listen, utterance, cut)),
        };
        self.bot_ended(cx, streaming, ended)
    }

    /// The bot has answered, or has not.
    pub(crate) fn recognized(
        &mut self,
        cx: &mut Context,
        streaming: &mut Streaming,
        which: InvocationId,
        result: Result<Box<Reply>, RecognizeError>,
    ) -> Progress {
        let Waiting::Bot(talk) = &mut self.waiting else { return Progress::Waits };
        let ended = talk.answered(cx, self.leg, &mut self.player, which, result);
        self.bot_ended(cx, streaming, ended)
    }

    fn bot_ended(&mut self, cx: &mut Context, streaming: &mut Streaming, ended: Option<Input>) -> Progress {
        match ended {
            Some(input) => self.go_on(cx, streaming, input),
            None => Progress::Waits,
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
            Waiting::Bot(talk) if talk.is_due(cx.now.mono) => {
                let ended = talk.time_passed(cx, self.leg, &mut self.player);
                self.bot_ended(cx, streaming, ended)
            }
            Waiting::Loop(prompts) if prompts.deadline().is_some_and(|deadline| deadline <= cx.now.mono) => {
                let next = prompts.time_passed(cx.now.mono);
                self.loop_goes_on(cx, streaming, next)
            }
            _ => Progress::Waits,
        };
        if progress != Progress::Waits {
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
            Waiting::Loop(prompts) => prompts.deadline(),
            Waiting::Bot(talk) => talk.deadline(),
            Waiting::Asked
            | Waiting::Nothing
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
        if let Waiting::Bot(talk) = &mut self.waiting {
            talk.stop(cx, self.leg);
        }
        self.waiting = Waiting::Nothing;
        self.interpreter.handle(cx.now.wall, Input::Interrupted, &SeenByFlow::of(cx, self.flow_type));
        while self.next_effect(cx).is_some() {}
        self.leave_memory(cx);
    }

    /// What the flow leaves to those that follow in the conversation.
    fn leave_memory(&self, cx: &mut Context) {
        cx.flow_memory = self.interpreter.call_memory().clone();
    }

    /// Says in the flow log what no block can say.
    pub(crate) fn remark(&self, cx: &mut Context, block: &str, results: &str, reason: &str) {
        cx.remark(self.interpreter.identity(), block, results, reason);
    }

    /// Answers the block that waits, and does what the flow wants next: one effect after the other until one takes time. The interpreter
    /// ends a flow that never waits.
    fn go_on(&mut self, cx: &mut Context, streaming: &mut Streaming, input: Input) -> Progress {
        self.waiting = Waiting::Nothing;
        self.interpreter.handle(cx.now.wall, input, &SeenByFlow::of(cx, self.flow_type));
        loop {
            match self.next_effect(cx).map(|effect| self.perform(cx, streaming, effect)) {
                Some(Step::Waits(waiting)) => {
                    self.waiting = waiting;
                    return if self.ask.is_some() { Progress::Asks } else { Progress::Waits };
                }
                Some(Step::At(answer)) => {
                    self.interpreter.handle(cx.now.wall, answer, &SeenByFlow::of(cx, self.flow_type))
                }
                Some(Step::Over(end)) => {
                    self.leave_memory(cx);
                    return Progress::Over(end);
                }
                None => {
                    self.leave_memory(cx);
                    return Progress::Over(FlowEnd::Ended);
                }
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
                media_streaming::start(cx, streaming, tracks).map(|()| Waiting::StreamingStart)
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
            Effect::SetAttributes(changes) => match cx.set_attributes(changes) {
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
            Effect::PlayInLoop(spec) => self.play_in_loop(cx, spec),
            Effect::TransferToQueue => self.asks(Ask::EnterQueue),
            Effect::DequeueAndTransferToQueue { to } => self.asks(Ask::ChangeQueue(to)),
            Effect::RouteToAgent { agent } => self.asks(Ask::RouteToAgent(agent)),
            Effect::CallThirdParty(call) => self.asks(Ask::CallThirdParty(call)),
            Effect::CreateCallback(spec) => self.asks(Ask::CreateCallback(spec)),
            Effect::SetHold(state) => self.asks(Ask::SetHold(state)),
            Effect::DialCustomer { caller_id } => self.asks(Ask::DialCustomer { caller_id }),
            Effect::ConnectBot(spec) => {
                // Keys that were typed ahead were for another block.
                self.keys.clear();
                Box::new(BotTalk::new(*spec)).begin(cx, self.leg, &mut self.player).map(Waiting::Bot)
            }
            Effect::TransferToAgent => Step::Over(FlowEnd::ToAgent),
            Effect::Disconnect => Step::Over(FlowEnd::Disconnected),
            Effect::End => Step::Over(FlowEnd::Ended),
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
            Some(prompt) => {
                self.player.start(cx, self.leg, prompt);
            }
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

    fn asks(&mut self, ask: Ask) -> Step<Waiting> {
        self.ask = Some(Box::new(ask));
        Step::Waits(Waiting::Asked)
    }

    fn play_in_loop(&mut self, cx: &mut Context, spec: LoopSpec) -> Step<Waiting> {
        let former = self.looped.take().filter(|_| spec.is_resumed && spec.continues);
        let mut prompts = Box::new(LoopPrompts::new(cx.now.mono, spec, former.as_deref()));
        if !self.player.plays(prompts.plays()) {
            self.loop_plays(cx, &mut prompts);
        }
        Step::Waits(Waiting::Loop(prompts))
    }

    fn loop_plays(&mut self, cx: &mut Context, prompts: &mut LoopPrompts) {
        if let Some(message) = prompts.next(cx.now.mono) {
            let prompt = self.player.start(cx, self.leg, message);
            prompts.began(prompt);
        }
    }

    fn loop_goes_on(&mut self, cx: &mut Context, streaming: &mut Streaming, next: LoopNext) -> Progress {
        let Waiting::Loop(mut prompts) = std::mem::replace(&mut self.waiting, Waiting::Nothing) else {
            return Progress::Waits;
        };
        match next {
            LoopNext::Plays => {
                self.loop_plays(cx, &mut prompts);
                self.waiting = Waiting::Loop(prompts);
                Progress::Waits
            }
            LoopNext::Interrupted => {
                if !prompts.continues() {
                    self.player.stop(cx, self.leg);
                }
                self.looped = Some(prompts);
                self.go_on(cx, streaming, Input::LoopInterrupted)
            }
        }
    }

    fn heard(&mut self, cx: &mut Context, streaming: &mut Streaming, heard: Option<Heard>) -> Progress {
        match (&mut self.waiting, heard) {
            (Waiting::Bot(talk), Some(heard)) => {
                let ended = talk.heard(cx, self.leg, &mut self.player, heard);
                self.bot_ended(cx, streaming, ended)
            }
            (Waiting::Loop(prompts), Some(Heard::Whole)) => {
                if prompts.heard(cx.now.mono) {
                    return self.loop_goes_on(cx, streaming, LoopNext::Plays);
                }
                Progress::Waits
            }
            (Waiting::Loop(_), Some(Heard::Failed { reason })) => {
                self.go_on(cx, streaming, Input::Failed { reason })
            }
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

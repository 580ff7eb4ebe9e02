//! The flows of a call by a script, without a contact: each in an interpreter of its own, one after the other.
//!
//! Inbound flow, queue flow, agent whisper, customer whisper, the talk, the hold flow, the flow for who remains, callbacks: in the order
//! of the Admin guide. While the agent whisper runs the queue flow stands still here; in a call it goes on.

use super::Instance;
use super::run::{heard, line};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use tympan_contact::{InstanceSettings, QueueRef, RoutedFlow};
use tympan_flow::{
    Answer, BotOutcome, BotRef, CallMemory, CallbackSpec, CollectSpec, CollectedInput, ContactChange,
    ContactView, Effect, ErrorType, FlowType, Input, Interpreter, LoopSpec, Metrics, Output, Prompt,
    Question, QueueTarget, Reference, ResourceRef, ThirdPartyCall, TraceEntry, replay,
};
use tympan_types::{InstanceId, WallTime};

/// What the far ends do.
#[derive(Debug, Clone, Default)]
pub struct Script {
    /// What is typed each time that a block waits for keys; then nothing.
    pub keys: VecDeque<String>,
    /// What functions return, by the last part of their ARN; the others fail.
    pub functions: BTreeMap<String, Value>,
    /// The queue is full.
    pub is_full: bool,
    /// An agent takes the call after so long in its queue. Without it the caller gives up after a minute.
    pub agent_after_ms: Option<i64>,
    /// What each third party that is called does; then they talk.
    pub third_parties: VecDeque<ThirdParty>,
    /// What each bot that is asked does; then it is away.
    pub bots: VecDeque<Bot>,
    /// A customer who is called does not answer.
    pub is_absent: bool,
    /// The agent puts the customer on hold once.
    pub is_held: bool,
}

/// What a third party does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ThirdParty {
    /// It answers, talks for 20 s and hangs up.
    Talks,
    /// Its call cannot be set up.
    Fails,
    /// It does not answer.
    IsSilent,
    /// It may not be called.
    IsForbidden,
}

/// What a bot does.
#[derive(Debug, Clone, PartialEq)]
pub enum Bot {
    /// The conversation ends with this.
    Ends(Box<BotOutcome>),
    /// The caller says nothing in time.
    TimesOut,
    /// It cannot be reached.
    IsAway,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Chain {
    /// What was heard and done, line by line.
    pub lines: Vec<String>,
    /// The flow log.
    pub log: Vec<Value>,
    /// How long it took.
    pub duration_ms: i64,
}

struct Call {
    instance: Instance,
    script: Script,
    now_ms: i64,
    values: BTreeMap<String, String>,
    hooks: BTreeMap<String, Option<ResourceRef>>,
    target: Option<QueueRef>,
    memory: CallMemory,
    callbacks: VecDeque<CallbackSpec>,
    runs: u32,
    trace: Vec<TraceEntry>,
    told: Chain,
    steps: usize,
}

/// How a flow ended.
#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    Over,
    HungUp,
    Queued,
    ToAgent,
    ThirdParty,
    CutOff,
    CallerGone,
}

/// What becomes of an effect.
enum Step {
    After(i64, Input),
    /// The effect succeeds at once, and the flow is over with it.
    Last(End),
    Ends(End),
    /// It lasts until something from outside ends it.
    Lasts,
}

struct Values<'a>(&'a BTreeMap<String, String>);

impl ContactView for Values<'_> {
    fn value(&self, reference: &Reference) -> Option<String> {
        self.0.get(&reference.to_string()).cloned()
    }
}

const GIVES_UP_MS: i64 = 60_000;
const TALK_MS: i64 = 20_000;
const BOT_MS: i64 = 5_000;
const STEPS_MAX: usize = 10_000;

impl Chain {
    /// Runs a flow as one of its type, and each flow that follows from it, and repeats all of them from their trace.
    ///
    /// Errors: a call that does not end, a trace that cannot be repeated.
    pub fn run(instance: Instance, flow: RoutedFlow, script: Script) -> Result<Self, String> {
        let values = [
            ("$.CustomerEndpoint.Address", "+15555550123"),
            ("$.SystemEndpoint.Address", "+18005550100"),
            ("$.Channel", "VOICE"),
        ];
        let mut call = Call {
            instance,
            script,
            now_ms: 0,
            values: values.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
            hooks: BTreeMap::new(),
            target: None,
            memory: CallMemory::with_logging(true),
            callbacks: VecDeque::new(),
            runs: 0,
            trace: Vec::new(),
            told: Self::default(),
            steps: 0,
        };
        call.goes(flow)?;
        let instance = &call.instance;
        replay(&call.trace, |_, sha256| instance.flow_of(sha256)).map_err(|error| error.to_string())?;
        call.told.duration_ms = call.now_ms;
        Ok(call.told)
    }
}

impl Call {
    fn goes(&mut self, first: RoutedFlow) -> Result<(), String> {
        let (is_queue_flow, is_whisper) =
            (first.flow_type == FlowType::CustomerQueue, first.flow_type.leaves_the_call());
        if is_queue_flow || first.flow_type == FlowType::QueueTransfer {
            // Where such a flow runs there is a queue.
            self.aim(&QueueTarget::Queue(ResourceRef::of(format!("{}/queue/BasicQueue", Instance::ARN))));
        }
        let mut end = if is_queue_flow {
            self.queued(Some(first))?
        } else {
            let until_ms = is_whisper.then(|| self.now_ms + GIVES_UP_MS);
            self.flow(first, "", until_ms)?
        };
        for _ in 0..STEPS_MAX {
            end = match end {
                End::Queued => {
                    let flow = self.hook("CustomerQueue");
                    self.queued(flow)?
                }
                End::ToAgent => self.agent_takes("CustomerWhisper")?,
                End::Over | End::HungUp | End::ThirdParty | End::CutOff | End::CallerGone => {
                    let Some(callback) = self.callbacks.pop_front() else { return Ok(()) };
                    self.calls_back(&callback)?
                }
            };
        }
        Err("the flows of the call follow each other without end".to_owned())
    }

    fn tell(&mut self, line: impl Into<String>) {
        self.told.lines.push(line.into());
    }

    fn queue_name(&self) -> &str {
        self.target.as_ref().map_or("no queue", |queue| &queue.name)
    }

    fn queued(&mut self, flow: Option<RoutedFlow>) -> Result<End, String> {
        self.tell(format!("waits in {}", self.queue_name()));
        let until_ms = self.now_ms + self.script.agent_after_ms.unwrap_or(GIVES_UP_MS);
        let end = match flow {
            Some(flow) => self.flow(flow, "", Some(until_ms))?,
            None => End::Over,
        };
        if !matches!(end, End::Over | End::CutOff) {
            return Ok(end);
        }
        self.now_ms = self.now_ms.max(until_ms);
        if self.script.agent_after_ms.is_some() {
            return self.agent_takes("CustomerWhisper");
        }
        self.tell("the caller hangs up");
        Ok(End::CallerGone)
    }

    fn agent_takes(&mut self, whisper: &str) -> Result<End, String> {
        self.tell("agent ada takes the call");
        self.values.insert("$.Agent.UserName".to_owned(), "ada".to_owned());
        if let Some(flow) = self.hook("AgentWhisper") {
            self.flow(flow, "agent: ", None)?;
        }
        if whisper == "OutboundWhisper" {
            self.tell("dials the customer");
            if self.script.is_absent {
                self.tell("the customer does not answer");
                return Ok(End::CallerGone);
            }
        }
        if let Some(flow) = self.hook(whisper) {
            self.flow(flow, "", None)?;
        }
        self.tell("they talk");
        self.now_ms += TALK_MS;
        if self.script.is_held {
            self.tell("on hold");
            let until_ms = self.now_ms + TALK_MS;
            if let Some(flow) = self.hook("CustomerHold") {
                self.flow(flow, "", Some(until_ms))?;
            }
            self.now_ms = self.now_ms.max(until_ms);
            self.tell("off hold");
        }
        match self.hook("CustomerRemaining") {
            Some(flow) => {
                self.tell("the agent hangs up");
                self.memory = self.memory.of_next_contact();
                self.flow(flow, "", None)
            }
            None => {
                self.tell("the caller hangs up");
                Ok(End::CallerGone)
            }
        }
    }

    fn calls_back(&mut self, callback: &CallbackSpec) -> Result<End, String> {
        self.now_ms += i64::from(callback.delay_s) * 1_000;
        self.memory = self.memory.of_next_contact();
        self.tell(format!("a callback waits in {}", self.queue_name()));
        self.agent_takes("OutboundWhisper")
    }

    /// The flow of an event: the hook's, else the default one of that name.
    fn hook(&self, event: &str) -> Option<RoutedFlow> {
        match self.hooks.get(event) {
            Some(Some(flow)) => self.instance.flow(instance_id(), flow),
            Some(None) => None,
            None => self.instance.default_flow(instance_id(), event),
        }
    }

    fn flow(&mut self, flow: RoutedFlow, who: &str, until_ms: Option<i64>) -> Result<End, String> {
        let mut interpreter = Interpreter::new(flow.flow, flow.identity)
            .with_flow_type(flow.flow_type)
            .with_call_memory(self.memory.clone())
            .with_trace_of(self.runs);
        self.runs += 1;
        let mut input = Input::Start;
        let mut last = End::Over;
        loop {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return Err("the flow does not end".to_owned());
            }
            let effect = self.handle(&mut interpreter, input, who);
            let Some(effect) = effect else {
                self.memory = interpreter.call_memory().clone();
                return if interpreter.is_finished() {
                    Ok(last)
                } else {
                    Err("the flow is stranded".to_owned())
                };
            };
            let at = self.told.lines.len();
            let step = self.perform(&effect);
            // What is said is heard before its block is left.
            for line in self.told.lines.iter_mut().skip(at) {
                line.insert_str(0, who);
            }
            let (ms, next) = match step {
                Step::After(ms, input) => (Some(ms), input),
                Step::Last(end) => {
                    last = end;
                    (Some(0), Input::Done)
                }
                Step::Ends(end) => {
                    self.memory = interpreter.call_memory().clone();
                    return Ok(end);
                }
                Step::Lasts => (None, Input::Interrupted),
            };
            let ends_ms = ms.map(|ms| self.now_ms + ms);
            let cut_ms = until_ms.filter(|until_ms| ends_ms.is_none_or(|ends_ms| ends_ms > *until_ms));
            match (cut_ms, ends_ms) {
                (None, Some(ends_ms)) => {
                    self.now_ms = ends_ms;
                    input = next;
                }
                (cut_ms, _) => {
                    self.now_ms = cut_ms.unwrap_or(self.now_ms + GIVES_UP_MS);
                    self.handle(&mut interpreter, Input::Interrupted, who);
                    self.memory = interpreter.call_memory().clone();
                    if cut_ms.is_some() {
                        return Ok(End::CutOff);
                    }
                    self.tell("the caller hangs up");
                    return Ok(End::CallerGone);
                }
            }
        }
    }

    fn handle(&mut self, interpreter: &mut Interpreter, input: Input, who: &str) -> Option<Effect> {
        interpreter.handle(WallTime::from_unix_ms(self.now_ms), input, &Values(&self.values));
        let mut effect = None;
        while let Some(output) = interpreter.poll() {
            match output {
                Output::Effect(new) => effect = Some(new),
                Output::Log(entry) => {
                    let entry = Value::Object(entry.to_json());
                    self.told.lines.push(format!("{who}{}", line(&entry)));
                    self.told.log.push(entry);
                }
                Output::Trace(entry) => self.trace.push(entry),
            }
        }
        effect
    }

    fn perform(&mut self, effect: &Effect) -> Step {
        let done = || Step::After(0, Input::Done);
        match effect {
            Effect::Play(prompt) | Effect::PlayUnlessKeyed(prompt) => {
                Step::After(self.says(prompt), Input::Done)
            }
            Effect::Collect { prompt, spec } => self.collect(prompt.as_ref(), spec),
            Effect::StartMediaStreaming { .. } => {
                self.tell("capture begins");
                done()
            }
            Effect::StopMediaStreaming { .. } => {
                self.tell("capture ends");
                done()
            }
            Effect::InvokeLambda { function_arn, .. } => {
                let name = function_arn.rsplit(':').next().unwrap_or_default();
                let returned = self.script.functions.get(name).cloned();
                self.tell(format!("calls {name}"));
                Step::After(50, returned.map_or_else(|| failed("no such function"), Input::LambdaReturned))
            }
            Effect::SetAttributes(attributes) => {
                let values =
                    attributes.iter().map(|(name, value)| (format!("$.Attributes.{name}"), value.clone()));
                self.values.extend(values);
                done()
            }
            Effect::TransferToFlow { flow } => Step::After(
                0,
                given(self.instance.flow(instance_id(), flow), "the instance has no such flow"),
            ),
            Effect::InvokeModule { module } => Step::After(
                0,
                given(self.instance.module(instance_id(), module), "the instance has no such module"),
            ),
            Effect::Change(change) => Step::After(0, self.change(change)),
            Effect::Ask(question) => Step::After(0, self.answer(question)),
            Effect::TransferToQueue => self.enter_queue(),
            Effect::DequeueAndTransferToQueue { to } if self.aim(to) => self.enter_queue(),
            Effect::DequeueAndTransferToQueue { .. } => {
                Step::After(0, failed("the instance has no such queue"))
            }
            Effect::TransferToAgent => Step::Ends(End::ToAgent),
            Effect::RouteToAgent { agent } => {
                self.tell(format!("offered to {}", agent.id.rsplit('/').next().unwrap_or_default()));
                Step::After(0, Input::Done)
            }
            Effect::PlayInLoop(spec) => self.plays_in_loop(spec),
            Effect::ConnectBot(spec) => {
                let asked_ms = spec.prompt.as_ref().map_or(0, |prompt| self.says(prompt));
                let name = match &spec.bot {
                    BotRef::V2 { alias_arn } => alias_arn.rsplit("bot-alias/").next().unwrap_or_default(),
                    BotRef::V1 { name, .. } => name,
                };
                let told = spec.initial_message.as_ref().map(|message| format!(" is told {message:?} and"));
                let bot = self.script.bots.pop_front().unwrap_or(Bot::IsAway);
                let line = format!("bot {name}{} {}", told.unwrap_or_default(), what_it_does(&bot));
                self.tell(line);
                Step::After(
                    asked_ms + BOT_MS,
                    match bot {
                        Bot::Ends(outcome) => Input::Bot(outcome),
                        Bot::TimesOut => broke(ErrorType::InputTimeLimitExceeded, "nothing was said in time"),
                        Bot::IsAway => failed("the bot is away"),
                    },
                )
            }
            Effect::CallThirdParty(call) => self.calls(call),
            Effect::CreateCallback(spec) => self.keeps_callback(spec),
            Effect::SetHold(state) => {
                self.tell(format!("the previous contact: {}", state.word()));
                done()
            }
            Effect::DialCustomer { caller_id } => {
                let caller = caller_id.as_deref().unwrap_or("the queue's number");
                self.tell(format!("dials the customer as {caller}"));
                let answer = if self.script.is_absent { failed("no answer") } else { Input::Done };
                Step::After(2_000, answer)
            }
            Effect::Disconnect => {
                self.tell("hang up");
                Step::Ends(End::HungUp)
            }
            Effect::End => {
                self.tell("the flow ends");
                Step::Ends(End::Over)
            }
            _ => done(),
        }
    }

    fn says(&mut self, prompt: &Prompt) -> i64 {
        let (line, ms) = heard(prompt);
        self.tell(line);
        ms.into()
    }

    fn collect(&mut self, prompt: Option<&Prompt>, spec: &CollectSpec) -> Step {
        let asked_ms = prompt.map_or(0, |prompt| self.says(prompt));
        let Some(keys) = self.script.keys.pop_front() else {
            let input = Input::Input(CollectedInput::TimedOut);
            return Step::After(asked_ms + i64::from(spec.first_digit_timeout_ms), input);
        };
        self.tell(format!("keys {keys}"));
        let typed = spec.terminator.as_deref().and_then(|end| keys.strip_suffix(end)).unwrap_or(&keys);
        let digits: String = typed.chars().take(spec.max_digits.into()).collect();
        Step::After(100, Input::Input(CollectedInput::Digits(digits)))
    }

    fn plays_in_loop(&mut self, spec: &LoopSpec) -> Step {
        match (spec.is_resumed, spec.continues) {
            (false, _) => {
                let lines: Vec<_> = spec.messages.iter().map(|message| heard(message).0).collect();
                self.tell(format!("in a loop: {}", lines.join(", ")));
            }
            (true, false) => self.tell("the loop begins again"),
            (true, true) => self.tell("the loop goes on"),
        }
        spec.interrupt_every_ms.map_or(Step::Lasts, |ms| Step::After(ms.into(), Input::LoopInterrupted))
    }

    fn aim(&mut self, to: &QueueTarget) -> bool {
        let queue = match to {
            QueueTarget::Queue(queue) => self.instance.queue(instance_id(), queue),
            QueueTarget::Agent(agent) => {
                let queue = self.instance.agent_queue(instance_id(), agent);
                queue.map(|queue| QueueRef { name: "the agent's own queue".to_owned(), ..queue })
            }
            QueueTarget::TargetQueue => self.target.clone(),
        };
        let Some(queue) = queue else { return false };
        self.values.insert("$.Queue.Name".to_owned(), queue.name.clone());
        self.values.insert("$.Queue.ARN".to_owned(), queue.arn.clone());
        self.target = Some(queue);
        true
    }

    fn enter_queue(&mut self) -> Step {
        if self.target.is_none() {
            Step::After(0, failed("the contact has no target queue"))
        } else if self.script.is_full {
            Step::After(0, broke(ErrorType::QueueAtCapacity, "the queue is full"))
        } else {
            Step::Last(End::Queued)
        }
    }

    fn calls(&mut self, call: &ThirdPartyCall) -> Step {
        let keys = call.digits.as_ref().map(|keys| format!(", keys {keys}")).unwrap_or_default();
        let caller = call.caller_id_number.as_deref().unwrap_or("the caller's number");
        self.tell(format!("calls {} for {} s as {caller}{keys}", call.number, call.limit_ms / 1_000));
        match self.script.third_parties.pop_front().unwrap_or(ThirdParty::Talks) {
            ThirdParty::Talks if call.continues => {
                self.tell("they talk until the third party hangs up");
                Step::After(TALK_MS, Input::Done)
            }
            ThirdParty::Talks => {
                self.tell("they talk");
                Step::Last(End::ThirdParty)
            }
            ThirdParty::Fails => Step::After(500, broke(ErrorType::CallFailed, "the call was refused")),
            ThirdParty::IsSilent => Step::After(
                call.limit_ms.into(),
                broke(ErrorType::ConnectionTimeLimitExceeded, "the third party did not answer"),
            ),
            ThirdParty::IsForbidden => Step::After(0, failed("the number may not be called")),
        }
    }

    fn keeps_callback(&mut self, spec: &CallbackSpec) -> Step {
        if !self.aim(&spec.to) {
            return Step::After(0, failed("the contact has no target queue"));
        }
        let (number, queue) = ("$.CustomerCallbackNumber", self.queue_name().to_owned());
        let number = self.values.get(number).or_else(|| self.values.get("$.CustomerEndpoint.Address"));
        let number = number.cloned().unwrap_or_default();
        self.tell(format!(
            "callback of {number} by {queue} in {} s, {} attempts, {} s between them",
            spec.delay_s, spec.attempts, spec.retry_delay_s
        ));
        self.callbacks.push_back(spec.clone());
        Step::After(0, Input::Done)
    }

    fn change(&mut self, change: &ContactChange) -> Input {
        match change {
            ContactChange::TargetQueue(queue) if self.aim(&QueueTarget::Queue(queue.clone())) => Input::Done,
            ContactChange::TargetAgent(agent) if self.aim(&QueueTarget::Agent(agent.clone())) => Input::Done,
            ContactChange::TargetQueue(_) | ContactChange::TargetAgent(_) => {
                failed("the instance has no queue of this id or name")
            }
            ContactChange::CallbackNumber(number) => {
                self.values.insert("$.CustomerCallbackNumber".to_owned(), number.clone());
                Input::Done
            }
            ContactChange::EventHooks(hooks) => {
                for hook in hooks {
                    let flow = hook.flow.clone().filter(|_| hook.is_disabled != Some(true));
                    self.hooks.insert(hook.event.clone(), flow);
                }
                Input::Done
            }
            _ => Input::Done,
        }
    }

    fn answer(&self, question: &Question) -> Input {
        Input::Answer(match question {
            Question::Hours { .. } => Answer::IsOpen(true),
            Question::Percent => Answer::Percent(50),
            Question::Metrics { .. } => {
                let Some(queue) = &self.target else { return failed("the contact has no target queue") };
                let numbers = Metrics { contacts_in_queue: 3, agents_available: 1, ..Metrics::default() };
                Answer::Metrics(Box::new(Metrics {
                    queue_name: queue.name.clone(),
                    queue_arn: queue.arn.clone(),
                    agents_online: 2,
                    agents_staffed: 2,
                    oldest_contact_age_ms: 90_000,
                    ..numbers
                }))
            }
        })
    }
}

fn what_it_does(bot: &Bot) -> String {
    match bot {
        Bot::Ends(outcome) => match &outcome.intent {
            Some(intent) => format!("understands {intent}"),
            None => "understands nothing".to_owned(),
        },
        Bot::TimesOut => "hears nothing".to_owned(),
        Bot::IsAway => "is away".to_owned(),
    }
}

fn failed(reason: &str) -> Input {
    Input::Failed { reason: reason.to_owned() }
}

fn broke(kind: ErrorType, reason: &str) -> Input {
    Input::Error { kind, reason: reason.to_owned() }
}

fn given(flow: Option<RoutedFlow>, reason: &str) -> Input {
    flow.map_or_else(|| failed(reason), Input::Flow)
}

fn instance_id() -> InstanceId {
    InstanceId::parse("11111111-2222-4333-8444-555555555555").expect("an id")
}

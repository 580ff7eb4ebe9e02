//! The trace of a run: each input with its time, what the flow read of its contact meanwhile, and what came of it. From its trace a run
//! is repeated byte for byte.
//!
//! Shape of an entry: `{"at": unix_ms, "input": {...}, "reads": {"$.Attributes.k": "v", "$.Queue.Name": null}, "outputs": [...]}`, and
//! `"run": n` in the flows of a contact after its first.
//! Prompts stand in it by the SHA-256 of their content, flows by that of theirs. The other values are whole: a trace is as secret as the
//! contact that it is of.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tympan_types::{Redacted, WallTime};

use crate::actions::ErrorType;
use crate::effect::{Answer, ContactChange, Effect, Metrics, Prompt, ResponseKind};
use crate::flow_type::FlowType;
use crate::graph::{Flow, sha256};
use crate::input::{CollectedInput, Input};
use crate::interpreter::{ContactView, FlowIdentity, Interpreter, Output, RoutedFlow};
use crate::memory::CallMemory;
use crate::reference::Reference;

mod parties;

/// What one input was, and what came of it. `Debug` prints no values.
#[derive(Clone, PartialEq)]
pub struct TraceEntry {
    /// When the input came.
    pub at: WallTime,
    /// Which flow of the contact it was for: those of its queue, its whispers and its holds run beside and after the first, which is 0.
    pub run: u32,
    input: Value,
    reads: BTreeMap<String, Option<String>>,
    outputs: Vec<Value>,
}

impl TraceEntry {
    /// The entry as JSON, always the same bytes for the same entry.
    pub fn to_json(&self) -> Value {
        let mut json = json!({
            "at": self.at.unix_ms(),
            "input": self.input,
            "reads": self.reads,
            "outputs": self.outputs,
        });
        if self.run > 0 {
            json["run"] = self.run.into();
        }
        json
    }

    /// Reads what [`TraceEntry::to_json`] wrote; `None` where it did not.
    pub fn from_json(entry: &Value) -> Option<Self> {
        let reads = entry.get("reads")?.as_object()?;
        let read = |value: &Value| match value {
            Value::Null => Some(None),
            Value::String(text) => Some(Some(text.clone())),
            _ => None,
        };
        Some(Self {
            at: WallTime::from_unix_ms(entry.get("at")?.as_i64()?),
            run: entry.get("run").map_or(Some(0), |run| run.as_u64()?.try_into().ok())?,
            input: entry.get("input")?.clone(),
            reads: reads
                .iter()
                .map(|(path, value)| Some((path.clone(), read(value)?)))
                .collect::<Option<_>>()?,
            outputs: entry.get("outputs")?.as_array()?.clone(),
        })
    }

    /// Whether the trace ends here because it has grown too large.
    pub fn is_cut(&self) -> bool {
        self.input.get("cut").is_some()
    }

    /// The hashes of the flows that the input brought.
    pub fn flow(&self) -> Option<(&str, &str)> {
        let flow = self.input.get("flow")?;
        Some((flow.get("arn")?.as_str()?, flow.get("sha256")?.as_str()?))
    }
}

impl fmt::Debug for TraceEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TraceEntry").field("at", &self.at).field("values", &Redacted::new(())).finish()
    }
}

/// Why a run could not be repeated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReplayError {
    /// The trace does not begin with the beginning of a flow.
    #[error("the trace does not begin with the start of a flow")]
    NoBeginning,
    /// An input is none that the interpreter knows.
    #[error("input {index} of the trace is not known")]
    UnknownInput {
        /// Counted from 0.
        index: usize,
    },
    /// A flow is not there any more.
    #[error("the flow {arn} is not there with the content of the trace (SHA-256 {sha256})")]
    NoSuchFlow {
        /// Its ARN.
        arn: String,
        /// The hash of its content.
        sha256: String,
    },
    /// The run went another way.
    #[error("entry {index} of the trace came out differently")]
    Differs {
        /// Counted from 0.
        index: usize,
    },
}

/// Runs the flows of a contact again from its trace, and gives the outcome: the same entries, as the first difference is an error.
///
/// `flow_of` gives the flow whose content has a hash, by its ARN.
///
/// Errors: a trace that is none, a flow that is not there, an entry that comes out differently.
pub fn replay(
    entries: &[TraceEntry],
    flow_of: impl Fn(&str, &str) -> Option<Arc<Flow>>,
) -> Result<(), ReplayError> {
    let mut runs: BTreeMap<u32, Vec<(usize, &TraceEntry)>> = BTreeMap::new();
    for (index, entry) in entries.iter().enumerate() {
        runs.entry(entry.run).or_default().push((index, entry));
    }
    if runs.is_empty() {
        return Err(ReplayError::NoBeginning);
    }
    runs.values().try_for_each(|run| replay_one(run, &flow_of))
}

/// Runs one flow again.
fn replay_one(
    entries: &[(usize, &TraceEntry)],
    flow_of: &dyn Fn(&str, &str) -> Option<Arc<Flow>>,
) -> Result<(), ReplayError> {
    let routed = |value: &Value| -> Result<Option<RoutedFlow>, ReplayError> {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (arn, sha256) = (text("arn"), text("sha256"));
        let Some(flow_type) = FlowType::parse(&text("type")) else { return Ok(None) };
        match flow_of(&arn, &sha256) {
            Some(flow) if flow.sha256() == sha256 => {
                let identity = FlowIdentity { arn, name: text("name") };
                Ok(Some(RoutedFlow { flow, identity, flow_type }))
            }
            _ => Err(ReplayError::NoSuchFlow { arn, sha256 }),
        }
    };
    let (_, first) = entries.first().ok_or(ReplayError::NoBeginning)?;
    let beginning = first.input.get("flow").ok_or(ReplayError::NoBeginning)?;
    let beginning = routed(beginning)?.ok_or(ReplayError::NoBeginning)?;
    let mut interpreter = Interpreter::new(beginning.flow, beginning.identity)
        .with_flow_type(beginning.flow_type)
        .with_call_memory(read_memory(&first.input))
        .with_trace_of(first.run);
    for (index, entry) in entries.iter().copied().take_while(|(_, entry)| !entry.is_cut()) {
        let unknown = ReplayError::UnknownInput { index };
        let input = match entry.input.get("flow") {
            Some(flow) if entry.word() == "Flow" => Input::Flow(routed(flow)?.ok_or(unknown)?),
            _ => read_input(entry).ok_or(unknown)?,
        };
        interpreter.handle(entry.at, input, &Recorded(&entry.reads));
        let mut again = None;
        while let Some(output) = interpreter.poll() {
            if let Output::Trace(entry) = output {
                again = Some(entry);
            }
        }
        let bytes = |entry: &TraceEntry| serde_json::to_vec(&entry.to_json()).ok();
        if again.is_none_or(|again| bytes(&again) != bytes(entry)) {
            return Err(ReplayError::Differs { index });
        }
    }
    Ok(())
}

/// What a flow read of its contact when it was recorded.
struct Recorded<'a>(&'a BTreeMap<String, Option<String>>);

impl ContactView for Recorded<'_> {
    fn value(&self, reference: &Reference) -> Option<String> {
        self.0.get(&reference.to_string()).cloned().flatten()
    }
}

/// A contact whose values are taken down as they are read.
pub(crate) struct Reads<'a> {
    contact: &'a dyn ContactView,
    read: RefCell<BTreeMap<String, Option<String>>>,
}

impl<'a> Reads<'a> {
    pub(crate) fn of(contact: &'a dyn ContactView) -> Self {
        Self { contact, read: RefCell::default() }
    }
}

impl ContactView for Reads<'_> {
    fn value(&self, reference: &Reference) -> Option<String> {
        let value = self.contact.value(reference);
        self.read.borrow_mut().insert(reference.to_string(), value.clone());
        value
    }
}

/// How a run begins.
pub(crate) struct Beginning<'a> {
    pub(crate) flow: &'a Flow,
    pub(crate) identity: &'a FlowIdentity,
    pub(crate) flow_type: FlowType,
    pub(crate) memory: &'a CallMemory,
}

/// Makes the entries of a run, until they are too many.
#[derive(Debug)]
pub(crate) struct Recorder {
    run: u32,
    bytes: usize,
    is_cut: bool,
}

impl Recorder {
    pub(crate) fn of(run: u32) -> Self {
        Self { run, bytes: 0, is_cut: false }
    }

    pub(crate) fn entry<'a>(
        &mut self,
        at: WallTime,
        input: Value,
        reads: Reads<'_>,
        outputs: impl Iterator<Item = &'a Output>,
    ) -> Option<TraceEntry> {
        if self.is_cut {
            return None;
        }
        let outputs = outputs.filter_map(output).collect();
        let run = self.run;
        let entry = TraceEntry { at, run, input, reads: reads.read.into_inner(), outputs };
        self.bytes = self.bytes.saturating_add(entry.to_json().to_string().len());
        if self.bytes <= TRACE_LIMIT_BYTES {
            return Some(entry);
        }
        self.is_cut = true;
        let input = json!({ "cut": format!("the trace has more than {TRACE_LIMIT_BYTES} bytes") });
        Some(TraceEntry { at, run, input, reads: BTreeMap::new(), outputs: Vec::new() })
    }
}

/// What a trace may hold.
const TRACE_LIMIT_BYTES: usize = 1024 * 1024;

/// An input as the trace has it.
pub(crate) fn input(input: &Input, beginning: Option<Beginning<'_>>) -> Value {
    match (input, beginning) {
        (Input::Start, Some(Beginning { flow, identity, flow_type, memory })) => json!({
            "input": "Start",
            "flow": flow_json(flow, identity, flow_type),
            "logging": memory.logging,
            "loops": loops_json(memory),
        }),
        (Input::Start, None) => json!({ "input": "Start" }),
        (Input::Done, _) => json!({ "input": "Done" }),
        (Input::Failed { reason }, _) => json!({ "input": "Failed", "reason": reason }),
        (Input::Input(CollectedInput::Digits(digits)), _) => json!({ "input": "Digits", "digits": digits }),
        (Input::Input(CollectedInput::TimedOut), _) => json!({ "input": "TimedOut" }),
        (Input::Input(CollectedInput::Invalid), _) => json!({ "input": "Invalid" }),
        // As its text: what is read from a text again is the same, whatever its numbers.
        (Input::LambdaReturned(value), _) => {
            json!({ "input": "LambdaReturned", "value": value.to_string() })
        }
        (Input::Flow(RoutedFlow { flow, identity, flow_type }), _) => {
            json!({ "input": "Flow", "flow": flow_json(flow, identity, *flow_type) })
        }
        (Input::Answer(Answer::IsOpen(is_open)), _) => json!({ "input": "IsOpen", "value": is_open }),
        (Input::Answer(Answer::Metrics(metrics)), _) => {
            json!({ "input": "Metrics", "value": metrics_json(metrics) })
        }
        (Input::Answer(Answer::Percent(number)), _) => json!({ "input": "Percent", "value": number }),
        (Input::Error { kind, reason }, _) => {
            json!({ "input": "Error", "kind": kind.word(), "reason": reason })
        }
        (Input::LoopInterrupted, _) => json!({ "input": "LoopInterrupted" }),
        (Input::Bot(outcome), _) => json!({ "input": "Bot", "value": parties::outcome_json(outcome) }),
        (Input::Interrupted, _) => json!({ "input": "Interrupted" }),
    }
}

/// `[flow, block, turns]` of each loop.
fn loops_json(memory: &CallMemory) -> Value {
    memory.loops.iter().map(|((flow, block), turns)| json!([flow, block, turns])).collect()
}

fn read_memory(beginning: &Value) -> CallMemory {
    let logging = beginning.get("logging").and_then(Value::as_bool).unwrap_or(false);
    let entries = beginning.get("loops").and_then(Value::as_array).into_iter().flatten();
    let loops = entries.filter_map(|entry| {
        let text = |index: usize| entry.get(index)?.as_str().map(str::to_owned);
        Some(((text(0)?, text(1)?), entry.get(2)?.as_u64()?.try_into().ok()?))
    });
    CallMemory { loops: loops.collect(), logging }
}

fn flow_json(flow: &Flow, identity: &FlowIdentity, flow_type: FlowType) -> Value {
    json!({
        "arn": identity.arn,
        "name": identity.name,
        "type": flow_type.api_word(),
        "sha256": flow.sha256(),
    })
}

impl TraceEntry {
    fn word(&self) -> &str {
        self.input.get("input").and_then(Value::as_str).unwrap_or_default()
    }
}

fn read_input(entry: &TraceEntry) -> Option<Input> {
    let text = |name: &str| entry.input.get(name)?.as_str().map(str::to_owned);
    let value = || entry.input.get("value");
    Some(match entry.word() {
        "Start" => Input::Start,
        "Done" => Input::Done,
        "Failed" => Input::Failed { reason: text("reason")? },
        "Digits" => Input::Input(CollectedInput::Digits(text("digits")?)),
        "TimedOut" => Input::Input(CollectedInput::TimedOut),
        "Invalid" => Input::Input(CollectedInput::Invalid),
        "LambdaReturned" => Input::LambdaReturned(serde_json::from_str(&text("value")?).ok()?),
        "IsOpen" => Input::Answer(Answer::IsOpen(value()?.as_bool()?)),
        "Metrics" => Input::Answer(Answer::Metrics(Box::new(read_metrics(value()?)?))),
        "Percent" => Input::Answer(Answer::Percent(value()?.as_u64()?.try_into().ok()?)),
        "Error" => Input::Error { kind: ErrorType::parse(&text("kind")?)?, reason: text("reason")? },
        "LoopInterrupted" => Input::LoopInterrupted,
        "Bot" => Input::Bot(Box::new(parties::read_outcome(value()?)?)),
        "Interrupted" => Input::Interrupted,
        _ => return None,
    })
}

fn metrics_json(metrics: &Metrics) -> Value {
    json!({
        "queue_name": metrics.queue_name,
        "queue_arn": metrics.queue_arn,
        "contacts_in_queue": metrics.contacts_in_queue,
        "oldest_contact_age_ms": metrics.oldest_contact_age_ms,
        "agents_online": metrics.agents_online,
        "agents_available": metrics.agents_available,
        "agents_staffed": metrics.agents_staffed,
        "agents_after_contact_work": metrics.agents_after_contact_work,
        "agents_busy": metrics.agents_busy,
        "agents_missed": metrics.agents_missed,
        "agents_non_productive": metrics.agents_non_productive,
    })
}

fn read_metrics(value: &Value) -> Option<Metrics> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    let number = |name: &str| value.get(name)?.as_u64();
    Some(Metrics {
        queue_name: text("queue_name")?,
        queue_arn: text("queue_arn")?,
        contacts_in_queue: number("contacts_in_queue")?,
        oldest_contact_age_ms: number("oldest_contact_age_ms")?,
        agents_online: number("agents_online")?,
        agents_available: number("agents_available")?,
        agents_staffed: number("agents_staffed")?,
        agents_after_contact_work: number("agents_after_contact_work")?,
        agents_busy: number("agents_busy")?,
        agents_missed: number("agents_missed")?,
        agents_non_productive: number("agents_non_productive")?,
    })
}

fn output(output: &Output) -> Option<Value> {
    Some(match output {
        Output::Effect(effect) => effect_json(effect),
        Output::Log(entry) => json!({ "log": entry.to_json() }),
        Output::Trace(_) => return None,
    })
}

fn effect_json(effect: &Effect) -> Value {
    match effect {
        Effect::Play(prompt) => json!({ "play": prompt_json(prompt) }),
        Effect::PlayUnlessKeyed(prompt) => json!({ "play_unless_keyed": prompt_json(prompt) }),
        Effect::BufferKeys(buffer) => json!({ "buffer_keys": format!("{buffer:?}") }),
        Effect::Collect { prompt, spec } => json!({
            "collect": prompt.as_ref().map(prompt_json),
            "first_digit_timeout_ms": spec.first_digit_timeout_ms,
            "interdigit_timeout_ms": spec.interdigit_timeout_ms,
            "max_digits": spec.max_digits,
            "terminator": spec.terminator,
            "cancel_key": spec.cancel_key,
        }),
        Effect::StartMediaStreaming { from_customer, to_customer } => {
            json!({ "start_streaming": { "from": from_customer, "to": to_customer } })
        }
        Effect::StopMediaStreaming { from_customer, to_customer } => {
            json!({ "stop_streaming": { "from": from_customer, "to": to_customer } })
        }
        Effect::InvokeLambda { function_arn, parameters, time_limit_ms, response, is_asynchronous } => {
            json!({
                "invoke": function_arn,
                "parameters": parameters,
                "time_limit_ms": time_limit_ms,
                "response": match response { ResponseKind::Json => "JSON", ResponseKind::StringMap => "STRING_MAP" },
                "is_asynchronous": is_asynchronous,
            })
        }
        Effect::SetAttributes(attributes) => json!({ "set_attributes": attributes }),
        Effect::TransferToFlow { flow } => json!({ "transfer_to": flow.id, "name": flow.name }),
        Effect::InvokeModule { module } => json!({ "invoke_module": module.id, "name": module.name }),
        Effect::Change(change) => json!({ "change": change_json(change) }),
        Effect::Ask(question) => json!({ "ask": format!("{question:?}") }),
        Effect::SetLogging(on) => json!({ "logging": on }),
        Effect::TransferToQueue => json!("transfer_to_queue"),
        Effect::DequeueAndTransferToQueue { to } => json!({ "dequeue_to": parties::target_json(to) }),
        Effect::TransferToAgent => json!("transfer_to_agent"),
        Effect::RouteToAgent { agent } => json!({ "route_to": agent.id, "name": agent.name }),
        Effect::PlayInLoop(spec) => parties::loop_json(spec),
        Effect::ConnectBot(spec) => parties::bot_json(spec),
        Effect::CallThirdParty(call) => parties::third_party_json(call),
        Effect::CreateCallback(spec) => parties::callback_json(spec),
        Effect::SetHold(state) => json!({ "hold": state.word() }),
        Effect::DialCustomer { caller_id } => json!({ "dial_customer": caller_id }),
        Effect::Disconnect => json!("disconnect"),
        Effect::End => json!("end"),
    }
}

fn prompt_json(prompt: &Prompt) -> Value {
    match prompt {
        Prompt::Text(text) => json!({ "text": sha256(text.as_bytes()) }),
        Prompt::Ssml(text) => json!({ "ssml": sha256(text.as_bytes()) }),
        Prompt::Audio { id, name } => json!({ "audio": id, "name": name }),
    }
}

fn change_json(change: &ContactChange) -> Value {
    let resource = |of: &crate::effect::ResourceRef| json!({ "id": of.id, "name": of.name });
    match change {
        ContactChange::CallbackNumber(number) => json!({ "callback_number": number }),
        ContactChange::Data(data) => {
            let references = data.references.iter().map(|(name, reference)| {
                (name.clone(), json!({ "value": reference.value, "type": reference.kind }))
            });
            json!({
                "name": data.name,
                "description": data.description,
                "language_code": data.language_code,
                "customer_id": data.customer_id,
                "references": references.collect::<Map<_, _>>(),
            })
        }
        ContactChange::EventHooks(hooks) => hooks
            .iter()
            .map(|hook| {
                json!({
                    "event": hook.event,
                    "flow": hook.flow.as_ref().map(resource),
                    "is_disabled": hook.is_disabled,
                })
            })
            .collect(),
        ContactChange::Recording(behavior) => json!({ "recording": behavior }),
        ContactChange::Routing(routing) => json!({
            "priority": routing.priority,
            "age_adjustment_s": routing.age_adjustment_s,
            "criteria": routing.criteria,
        }),
        ContactChange::Tag(tags) => json!({ "tag": tags }),
        ContactChange::TargetAgent(agent) => json!({ "target_agent": resource(agent) }),
        ContactChange::TargetQueue(queue) => json!({ "target_queue": resource(queue) }),
        ContactChange::Untag(keys) => json!({ "untag": keys }),
        ContactChange::Voice(voice) => {
            json!({ "voice": voice.name, "engine": voice.engine, "style": voice.style })
        }
    }
}

//! What a flow asks of the call. Values only; `Debug` never prints what a caller said, typed or is called.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use tympan_types::Redacted;

mod parties;

pub use parties::{
    AlternateIntent, BotOutcome, BotRef, BotSpec, CallbackSpec, HoldState, LoopSpec, QueueTarget,
    ThirdPartyCall,
};

/// One thing the call must do for the flow.
///
/// Every effect but [`Effect::Disconnect`], [`Effect::End`] and [`Effect::TransferToAgent`] is answered by exactly one
/// [`Input`](crate::Input): each variant says which. `Failed` answers any of them.
#[derive(Clone, PartialEq)]
pub enum Effect {
    /// Play a prompt to the caller. `Done` when it was heard, `Failed` when it cannot be played.
    Play(Prompt),
    /// Play a prompt unless keys that were typed ahead wait in the touchtone buffer; a key interrupts it and is kept. Without the buffer it
    /// is played whole. `Done` or `Failed`.
    PlayUnlessKeyed(Prompt),
    /// Play a prompt that the first digit interrupts, and collect digits. Answered by `Input`.
    Collect {
        /// What the caller hears first.
        prompt: Option<Prompt>,
        /// When collecting ends.
        spec: CollectSpec,
    },
    /// What becomes of keys that no block waits for. [`KeyBuffer::Taken`] is answered by `Input` with the keys, any other by `Done`.
    BufferKeys(KeyBuffer),
    /// Begin to capture. `Done` once the first fragment is accepted; capturing already is `Done` too.
    StartMediaStreaming {
        /// Capture what the customer says.
        from_customer: bool,
        /// Capture what the customer hears.
        to_customer: bool,
    },
    /// End the capture of these directions. `Done`, also where nothing was being captured.
    StopMediaStreaming {
        /// End the customer's own track.
        from_customer: bool,
        /// End the track of what the customer hears.
        to_customer: bool,
    },
    /// Invoke a Lambda function. Answered by `LambdaReturned`, or `Failed` after the last retry, unless it is asynchronous.
    InvokeLambda {
        /// The function, as the flow names it.
        function_arn: String,
        /// `Details.Parameters` of the event.
        parameters: BTreeMap<String, String>,
        /// The block's time limit, 1,000 to 8,000; of an asynchronous one up to 60,000.
        time_limit_ms: u32,
        /// What the interpreter will accept as a response.
        response: ResponseKind,
        /// Do not wait for a response: answered by `Done` as soon as it is on its way, or by `Failed`.
        is_asynchronous: bool,
    },
    /// Set contact attributes, all or none of them. `Done` or `Failed`.
    SetAttributes(BTreeMap<String, String>),
    /// Give another flow to go on in. Answered by `Flow`, or by `Failed` where there is no such flow.
    TransferToFlow {
        /// Which one.
        flow: ResourceRef,
    },
    /// Give a module to run. Answered by `Flow`, or by `Failed` where there is no such module.
    InvokeModule {
        /// Which one; its id may end with `:` and an alias, a version or `$LATEST`.
        module: ResourceRef,
    },
    /// Keep something about the contact. `Done` or `Failed`.
    Change(ContactChange),
    /// Say something that the flow cannot know. Answered by `Answer`, or `Failed` where nothing can be said.
    Ask(Question),
    /// The flow log of this contact is on or off from here. `Done`.
    SetLogging(bool),
    /// Put the contact into the queue that it is meant for. `Done` when it waits there: the flow is over. `Error` with
    /// [`ErrorType::QueueAtCapacity`](crate::ErrorType).
    TransferToQueue,
    /// Take the contact out of its queue and put it into another. Answered as [`Effect::TransferToQueue`].
    DequeueAndTransferToQueue {
        /// Which one.
        to: QueueTarget,
    },
    /// Join the contact with the agent that it is meant for. The flow is over; no answer.
    TransferToAgent,
    /// Offer the contact that waits in a queue to an agent who is busy with something else. `Done` or `Failed`.
    RouteToAgent {
        /// Which agent.
        agent: ResourceRef,
    },
    /// Play prompts in a loop until the flow is ended from outside. `LoopInterrupted` each time that the flow is to have a turn; never
    /// `Done`.
    PlayInLoop(LoopSpec),
    /// Let the caller talk to a bot. Answered by `Bot`, or `Error` with [`ErrorType::InputTimeLimitExceeded`](crate::ErrorType).
    ConnectBot(Box<BotSpec>),
    /// Call a third party and join it with the caller. Where the flow continues: `Done` after the third party has hung up. Where not:
    /// `Done` once they are joined, and the flow is over. `Error` with [`ErrorType::CallFailed`](crate::ErrorType) or
    /// [`ErrorType::ConnectionTimeLimitExceeded`](crate::ErrorType).
    CallThirdParty(ThirdPartyCall),
    /// Have a queue call the customer back. `Done` or `Failed`.
    CreateCallback(CallbackSpec),
    /// Put parties of the previous contact on hold, or off. `Done` or `Failed`.
    SetHold(HoldState),
    /// Call the customer of an outbound contact. `Done` when they answered; after `Failed` the flow is over.
    DialCustomer {
        /// The number that the customer sees; `None`: that of the queue.
        caller_id: Option<String>,
    },
    /// Hang up. The flow is over; no answer.
    Disconnect,
    /// The flow is over and leaves the caller connected. No answer.
    End,
}

/// Something a caller hears.
#[derive(Clone, PartialEq, Eq)]
pub enum Prompt {
    /// Plain text to speak.
    Text(String),
    /// Text with speech markup to speak.
    Ssml(String),
    /// A recording.
    Audio {
        /// The prompt's id or ARN, or the URI of a file.
        id: String,
        /// What the flow calls it: decides where the id is not found.
        name: Option<String>,
    },
}

/// The touchtone buffer: keys that are typed before a block asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyBuffer {
    /// Keeps them, also where they are lost otherwise.
    On,
    /// As if no flow had turned it on; what it holds is forgotten.
    Off,
    /// The same, and what it held is the answer.
    Taken,
    /// Stays as it is; what it holds is forgotten.
    Cleared,
}

/// Something of an instance that a flow names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceRef {
    /// An id or an ARN.
    pub id: String,
    /// What the flow calls it: decides where the id is not found.
    pub name: Option<String>,
}

impl ResourceRef {
    /// One that is named by its id alone.
    pub fn of(id: impl Into<String>) -> Self {
        Self { id: id.into(), name: None }
    }

    /// Whether it names nothing.
    pub fn is_unset(&self) -> bool {
        self.id.is_empty() && self.name.is_none()
    }
}

/// Something to keep about a contact.
#[derive(Clone, PartialEq)]
pub enum ContactChange {
    /// The number at which the customer is called back, in E.164.
    CallbackNumber(String),
    /// What the contact is called and speaks.
    Data(ContactData),
    /// Which flows run at which events.
    EventHooks(Vec<EventHook>),
    /// Who is recorded, as the block has it.
    Recording(Value),
    /// How soon a queue gives it to which agent.
    Routing(Routing),
    /// Tags that it gets.
    Tag(BTreeMap<String, String>),
    /// The agent whose own queue is meant from here on.
    TargetAgent(ResourceRef),
    /// The queue that is meant from here on.
    TargetQueue(ResourceRef),
    /// Tags that it loses.
    Untag(Vec<String>),
    /// The voice of the prompts that follow.
    Voice(Voice),
}

/// What a contact is called and speaks; what is `None` stays as it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ContactData {
    /// `$.Name`.
    pub name: Option<String>,
    /// `$.Description`.
    pub description: Option<String>,
    /// `$.LanguageCode`.
    pub language_code: Option<String>,
    /// `$.CustomerId`.
    pub customer_id: Option<String>,
    /// `$.References`, by name.
    pub references: BTreeMap<String, ContactReference>,
}

/// A document or a link that a contact has.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactReference {
    /// What it is.
    pub value: String,
    /// `URL`, `STRING`, `NUMBER`, `DATE`, `EMAIL`.
    pub kind: String,
}

/// A flow that runs at an event of the contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHook {
    /// `CustomerQueue`, `AgentWhisper`, ...
    pub event: String,
    /// The flow; `None` leaves the one that was there.
    pub flow: Option<ResourceRef>,
    /// Whether none is to run; `None` leaves that as it was.
    pub is_disabled: Option<bool>,
}

/// How soon a queue gives a contact to which agent; what is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Routing {
    /// 1 is the best.
    pub priority: Option<u32>,
    /// Seconds that are added to its age in the queue.
    pub age_adjustment_s: Option<i32>,
    /// Steps with what agents must be good at.
    pub criteria: Option<Value>,
}

/// A voice that speaks prompts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Voice {
    /// Its name: `Joanna`.
    pub name: String,
    /// `Standard`, `Neural`, ... in any case.
    pub engine: Option<String>,
    /// `None`, `Conversational`, `Newscaster`.
    pub style: Option<String>,
}

/// Something that a flow cannot know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// Whether hours of operation are open now; those of the target queue where none are named.
    Hours {
        /// Which ones.
        hours: Option<ResourceRef>,
    },
    /// The numbers of a queue or an agent.
    Metrics {
        /// Whose.
        of: MetricsOf,
        /// `Voice` or `Chat`, in any case; `None`: of all channels.
        channel: Option<String>,
    },
    /// A random number from 1 to 100.
    Percent,
}

/// Whose metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsOf {
    /// The queue that the contact is meant for.
    TargetQueue,
    /// This queue.
    Queue(ResourceRef),
    /// This agent's own queue.
    Agent(ResourceRef),
}

/// What a flow learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Whether the hours are open.
    IsOpen(bool),
    /// The numbers.
    Metrics(Box<Metrics>),
    /// The random number.
    Percent(u8),
}

/// The numbers of a queue and its agents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metrics {
    /// The queue's name.
    pub queue_name: String,
    /// Its ARN.
    pub queue_arn: String,
    /// Contacts that wait in it.
    pub contacts_in_queue: u64,
    /// How long the first of them has waited.
    pub oldest_contact_age_ms: u64,
    /// Agents that are not offline.
    pub agents_online: u64,
    /// Agents that can take a contact.
    pub agents_available: u64,
    /// Agents that are available, on a contact or working after one.
    pub agents_staffed: u64,
    /// Agents that work after a contact.
    pub agents_after_contact_work: u64,
    /// Agents on a contact.
    pub agents_busy: u64,
    /// Agents that missed a contact.
    pub agents_missed: u64,
    /// Agents in a status of their own.
    pub agents_non_productive: u64,
}

/// When a collection of digits ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectSpec {
    /// How long to wait, after the prompt, for the first digit.
    pub first_digit_timeout_ms: u32,
    /// How long to wait for each further digit.
    pub interdigit_timeout_ms: u32,
    /// Collecting ends with this many digits; at least 1.
    pub max_digits: u16,
    /// Collecting ends with these keys, which are not part of the input: usually `#`.
    pub terminator: Option<String>,
    /// `*` deletes what was entered so far.
    pub cancel_key: bool,
}

/// What a Lambda function may return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseKind {
    /// A flat object of strings, numbers and booleans.
    StringMap,
    /// Any JSON.
    Json,
}

impl Effect {
    /// Whether the flow waits for an answer to this effect.
    pub fn is_answered(&self) -> bool {
        !matches!(self, Self::Disconnect | Self::End | Self::TransferToAgent)
    }

    /// Whether the caller hears something, or is waited for.
    pub(crate) fn is_heard(&self) -> bool {
        matches!(
            self,
            Self::Play(_)
                | Self::PlayUnlessKeyed(_)
                | Self::Collect { .. }
                | Self::PlayInLoop(_)
                | Self::ConnectBot(_)
                | Self::CallThirdParty(_)
                | Self::DialCustomer { .. }
        )
    }

    /// Whether it gives work to something outside of the call.
    pub(crate) fn reaches_out(&self) -> bool {
        matches!(
            self,
            Self::InvokeLambda { .. }
                | Self::ConnectBot(_)
                | Self::CallThirdParty(_)
                | Self::CreateCallback(_)
        )
    }

    /// Whether a function is called.
    pub(crate) fn calls_a_function(&self) -> bool {
        matches!(self, Self::InvokeLambda { .. })
    }
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Play(prompt) => f.debug_tuple("Play").field(prompt).finish(),
            Self::PlayUnlessKeyed(prompt) => f.debug_tuple("PlayUnlessKeyed").field(prompt).finish(),
            Self::BufferKeys(buffer) => f.debug_tuple("BufferKeys").field(buffer).finish(),
            Self::Collect { prompt, spec } => {
                f.debug_struct("Collect").field("prompt", prompt).field("spec", spec).finish()
            }
            Self::StartMediaStreaming { from_customer, to_customer } => f
                .debug_struct("StartMediaStreaming")
                .field("from_customer", from_customer)
                .field("to_customer", to_customer)
                .finish(),
            Self::StopMediaStreaming { from_customer, to_customer } => f
                .debug_struct("StopMediaStreaming")
                .field("from_customer", from_customer)
                .field("to_customer", to_customer)
                .finish(),
            Self::InvokeLambda { function_arn, parameters, time_limit_ms, response, is_asynchronous } => f
                .debug_struct("InvokeLambda")
                .field("function_arn", function_arn)
                .field("parameters", &Names(parameters))
                .field("time_limit_ms", time_limit_ms)
                .field("response", response)
                .field("is_asynchronous", is_asynchronous)
                .finish(),
            Self::SetAttributes(attributes) => {
                f.debug_tuple("SetAttributes").field(&Names(attributes)).finish()
            }
            Self::TransferToFlow { flow } => f.debug_struct("TransferToFlow").field("flow", flow).finish(),
            Self::InvokeModule { module } => f.debug_struct("InvokeModule").field("module", module).finish(),
            Self::Change(change) => f.debug_tuple("Change").field(change).finish(),
            Self::Ask(question) => f.debug_tuple("Ask").field(question).finish(),
            Self::SetLogging(on) => f.debug_tuple("SetLogging").field(on).finish(),
            Self::TransferToQueue => f.write_str("TransferToQueue"),
            Self::DequeueAndTransferToQueue { to } => {
                f.debug_struct("DequeueAndTransferToQueue").field("to", to).finish()
            }
            Self::TransferToAgent => f.write_str("TransferToAgent"),
            Self::RouteToAgent { agent } => f.debug_struct("RouteToAgent").field("agent", agent).finish(),
            Self::PlayInLoop(spec) => f.debug_tuple("PlayInLoop").field(spec).finish(),
            Self::ConnectBot(spec) => f.debug_tuple("ConnectBot").field(spec).finish(),
            Self::CallThirdParty(call) => f.debug_tuple("CallThirdParty").field(call).finish(),
            Self::CreateCallback(spec) => f.debug_tuple("CreateCallback").field(spec).finish(),
            Self::SetHold(state) => f.debug_tuple("SetHold").field(state).finish(),
            Self::DialCustomer { caller_id } => f
                .debug_struct("DialCustomer")
                .field("caller_id", &caller_id.as_ref().map(Redacted::new))
                .finish(),
            Self::Disconnect => f.write_str("Disconnect"),
            Self::End => f.write_str("End"),
        }
    }
}

impl fmt::Debug for Prompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.debug_tuple("Text").field(&Redacted::new(text)).finish(),
            Self::Ssml(text) => f.debug_tuple("Ssml").field(&Redacted::new(text)).finish(),
            Self::Audio { id, name } => f.debug_struct("Audio").field("id", id).field("name", name).finish(),
        }
    }
}

impl fmt::Debug for ContactChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallbackNumber(number) => {
                f.debug_tuple("CallbackNumber").field(&Redacted::new(number)).finish()
            }
            Self::Data(_) => f.write_str("Data([redacted])"),
            Self::EventHooks(hooks) => f.debug_tuple("EventHooks").field(hooks).finish(),
            Self::Recording(behavior) => f.debug_tuple("Recording").field(behavior).finish(),
            Self::Routing(routing) => f
                .debug_struct("Routing")
                .field("priority", &routing.priority)
                .field("age_adjustment_s", &routing.age_adjustment_s)
                .finish_non_exhaustive(),
            Self::Tag(tags) => f.debug_tuple("Tag").field(&Names(tags)).finish(),
            Self::TargetAgent(agent) => f.debug_tuple("TargetAgent").field(agent).finish(),
            Self::TargetQueue(queue) => f.debug_tuple("TargetQueue").field(queue).finish(),
            Self::Untag(keys) => f.debug_tuple("Untag").field(keys).finish(),
            Self::Voice(voice) => f.debug_tuple("Voice").field(voice).finish(),
        }
    }
}

/// Prints a map's keys, and `[redacted]` for each value.
struct Names<'a>(&'a BTreeMap<String, String>);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.0.iter().map(|(name, value)| (name, Redacted::new(value)))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_names_and_never_values() {
        let attributes = BTreeMap::from([("name".to_owned(), "Ada Lovelace".to_owned())]);
        let printed = format!(
            "{:?} {:?} {:?}",
            Effect::SetAttributes(attributes.clone()),
            Effect::Play(Prompt::Text("Hello Ada Lovelace".into())),
            Effect::InvokeLambda {
                function_arn: "arn:f".into(),
                parameters: attributes,
                time_limit_ms: 3000,
                response: ResponseKind::Json,
                is_asynchronous: false,
            }
        );
        assert!(!printed.contains("Ada"), "{printed}");
        assert!(printed.contains("\"name\": [redacted]"), "{printed}");
        assert!(printed.contains("arn:f"), "{printed}");
    }

    #[test]
    fn debug_prints_neither_numbers_nor_what_is_said_to_bots() {
        let secret = || "+15555550123".to_owned();
        let values = BTreeMap::from([("card".to_owned(), secret())]);
        let bot = BotSpec {
            bot: BotRef::V2 { alias_arn: "arn:b".into() },
            prompt: Some(Prompt::Text(secret())),
            initial_message: Some(secret()),
            session_attributes: values.clone(),
            intents: Vec::new(),
        };
        let call = ThirdPartyCall {
            number: secret(),
            limit_ms: 1,
            continues: true,
            digits: Some(secret()),
            caller_id_number: Some(secret()),
            caller_id_name: Some(secret()),
        };
        let callback = CallbackSpec {
            to: QueueTarget::TargetQueue,
            delay_s: 1,
            retry_delay_s: 1,
            attempts: 1,
            flow: None,
            caller_id: Some(secret()),
        };
        let alternatives =
            vec![AlternateIntent { intent: "Pay".into(), slots: values.clone(), confidence: None }];
        let outcome = BotOutcome {
            slots: values.clone(),
            session_attributes: values,
            alternatives,
            ..BotOutcome::default()
        };
        let printed = format!(
            "{:?} {:?} {:?} {:?} {:?}",
            Effect::ConnectBot(Box::new(bot)),
            Effect::CallThirdParty(call),
            Effect::CreateCallback(callback),
            Effect::DialCustomer { caller_id: Some(secret()) },
            crate::Input::Bot(Box::new(outcome)),
        );
        assert!(!printed.contains("5555"), "{printed}");
        assert!(printed.contains("\"card\": [redacted]") && printed.contains("arn:b"), "{printed}");
    }

    #[test]
    fn only_the_ends_are_not_answered() {
        assert!(!Effect::Disconnect.is_answered());
        assert!(!Effect::TransferToAgent.is_answered());
        assert!(Effect::TransferToQueue.is_answered());
        assert!(!Effect::End.is_answered());
        assert!(Effect::SetLogging(true).is_answered());
    }
}

//! What a flow asks of the call about its other parties: queues, agents, third parties, bots.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;
use tympan_types::Redacted;

use super::{Names, Prompt, ResourceRef};

/// Where a contact is to wait for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QueueTarget {
    /// In this queue.
    Queue(ResourceRef),
    /// In this agent's own queue.
    Agent(ResourceRef),
    /// In the queue that the contact is meant for.
    TargetQueue,
}

/// Prompts that are played one after the other, and again from the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoopSpec {
    /// At least one.
    pub messages: Vec<Prompt>,
    /// At this age of the loop, and each time again, its flow is given a turn; `None`: never.
    pub interrupt_every_ms: Option<u32>,
    /// The loop plays on while its flow has a turn. A prompt of the flow ends that, and the loop goes on with its next message.
    pub continues: bool,
    /// The flow had its turn and comes back: the loop begins with its first message, or goes on as `continues` says.
    pub is_resumed: bool,
}

/// A conversation with a bot.
#[derive(Clone, PartialEq, Eq)]
pub struct BotSpec {
    /// With which bot.
    pub bot: BotRef,
    /// What the caller hears first.
    pub prompt: Option<Prompt>,
    /// What is said to the bot in the caller's name, in place of a prompt; at most 1,024 characters.
    pub initial_message: Option<String>,
    /// What the bot's session begins with: `x-amz-lex:...` among them.
    pub session_attributes: BTreeMap<String, String>,
    /// The intents that the block has branches for, in their order.
    pub intents: Vec<String>,
}

/// A bot, as a flow names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BotRef {
    /// One of Lex V2.
    V2 {
        /// The ARN of its alias.
        alias_arn: String,
    },
    /// One of Lex V1.
    V1 {
        /// Its name.
        name: String,
        /// Its region; empty: that of the instance.
        region: String,
        /// Its alias, such as `$LATEST`.
        alias: String,
    },
}

/// How a conversation with a bot ended.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct BotOutcome {
    /// The intent that was recognised.
    pub intent: Option<String>,
    /// The values of its slots, by name; those without a value are not in it.
    pub slots: BTreeMap<String, String>,
    /// What the bot's session ended with.
    pub session_attributes: BTreeMap<String, String>,
    /// `Fulfilled`, `ReadyForFulfillment`, `Failed`, ...
    pub dialog_state: Option<String>,
    /// How sure the bot is of the intent: `0.87`.
    pub confidence: Option<String>,
    /// The other intents that it may have been, the likeliest first.
    pub alternatives: Vec<AlternateIntent>,
    /// `POSITIVE`, `NEGATIVE`, `NEUTRAL`, `MIXED`.
    pub sentiment: Option<String>,
    /// How sure the bot is of each sentiment: `Positive`, `Negative`, `Neutral`, `Mixed`.
    pub sentiment_scores: BTreeMap<String, String>,
}

/// An intent that a bot did not choose.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AlternateIntent {
    /// Its name.
    pub intent: String,
    /// The values of its slots, by name.
    pub slots: BTreeMap<String, String>,
    /// How sure the bot is of it.
    pub confidence: Option<String>,
}

/// A call to a third party.
#[derive(Clone, PartialEq, Eq)]
pub struct ThirdPartyCall {
    /// Its number, as the flow has it: E.164, or a SIP address where the trunks allow one.
    pub number: String,
    /// How long it may ring; 0 to 600,000.
    pub limit_ms: u32,
    /// The flow goes on after the third party has hung up; otherwise it is over when the third party answers.
    pub continues: bool,
    /// Keys that are sent to the third party once it has answered: `0`-`9`, `*`, `#`, and a comma for 750 ms.
    pub digits: Option<String>,
    /// The number that it sees; `None`: the customer's own.
    pub caller_id_number: Option<String>,
    /// The name that it sees.
    pub caller_id_name: Option<String>,
}

/// A callback that a queue is to make.
#[derive(Clone, PartialEq, Eq)]
pub struct CallbackSpec {
    /// Which queue.
    pub to: QueueTarget,
    /// How long after the block the callback joins its queue, in seconds.
    pub delay_s: u32,
    /// How long after a customer who did not answer the next attempt is made, in seconds.
    pub retry_delay_s: u32,
    /// How often the customer is called at most; at least 1.
    pub attempts: u32,
    /// The flow that puts the callback into its queue, without a delay.
    pub flow: Option<ResourceRef>,
    /// The number that the customer sees; `None`: that of the queue.
    pub caller_id: Option<String>,
}

/// Who of the previous contact is on hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldState {
    /// The agent: the customer is alone in the flow.
    AgentOnHold,
    /// The customer: the agent is alone in the flow.
    CustomerOnHold,
    /// None of them.
    OffHold,
}

impl fmt::Debug for BotSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotSpec")
            .field("bot", &self.bot)
            .field("prompt", &self.prompt)
            .field("initial_message", &self.initial_message.as_ref().map(Redacted::new))
            .field("session_attributes", &Names(&self.session_attributes))
            .field("intents", &self.intents)
            .finish()
    }
}

impl fmt::Debug for BotOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BotOutcome")
            .field("intent", &self.intent)
            .field("slots", &Names(&self.slots))
            .field("session_attributes", &Names(&self.session_attributes))
            .field("dialog_state", &self.dialog_state)
            .field("confidence", &self.confidence)
            .field("alternatives", &self.alternatives)
            .field("sentiment", &self.sentiment)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for AlternateIntent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AlternateIntent")
            .field("intent", &self.intent)
            .field("slots", &Names(&self.slots))
            .field("confidence", &self.confidence)
            .finish()
    }
}

impl fmt::Debug for ThirdPartyCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ThirdPartyCall")
            .field("number", &Redacted::new(&self.number))
            .field("limit_ms", &self.limit_ms)
            .field("continues", &self.continues)
            .field("digits", &self.digits.as_ref().map(Redacted::new))
            .field("caller_id_number", &self.caller_id_number.as_ref().map(Redacted::new))
            .field("caller_id_name", &self.caller_id_name.as_ref().map(Redacted::new))
            .finish()
    }
}

impl fmt::Debug for CallbackSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackSpec")
            .field("to", &self.to)
            .field("delay_s", &self.delay_s)
            .field("retry_delay_s", &self.retry_delay_s)
            .field("attempts", &self.attempts)
            .field("flow", &self.flow)
            .field("caller_id", &self.caller_id.as_ref().map(Redacted::new))
            .finish()
    }
}

impl HoldState {
    /// Reads a word of the language.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::AgentOnHold, Self::CustomerOnHold, Self::OffHold]
            .into_iter()
            .find(|state| state.word() == word)
    }

    /// The word of the language.
    pub const fn word(self) -> &'static str {
        match self {
            Self::AgentOnHold => "AgentOnHold",
            Self::CustomerOnHold => "CustomerOnHold",
            Self::OffHold => "OffHold",
        }
    }
}

impl BotOutcome {
    /// What `$.Lex` is after it.
    pub(crate) fn to_namespace(&self) -> Value {
        let alternatives = self.alternatives.iter().map(|alternative| {
            let members = serde_json::json!({
                "IntentName": alternative.intent,
                "Slots": alternative.slots,
                "IntentConfidence": { "Score": alternative.confidence },
            });
            (alternative.intent.clone(), members)
        });
        serde_json::json!({
            "IntentName": self.intent,
            "Slots": self.slots,
            "SessionAttributes": self.session_attributes,
            "DialogState": self.dialog_state,
            "IntentConfidence": { "Score": self.confidence },
            "AlternateIntents": alternatives.collect::<serde_json::Map<_, _>>(),
            "SentimentResponse": { "Label": self.sentiment, "Scores": self.sentiment_scores },
        })
    }
}

//! The JSON of the runtime API, as types.
//!
//! Unknown members are ignored and unknown words kept as they are: the service adds some every year.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Attributes of a session or of a request.
pub type Attributes = BTreeMap<String, String>;

/// Where a conversation stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SessionState {
    /// What the bot wants next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialog_action: Option<DialogAction>,
    /// The intent that is in hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// Contexts that intents opened; kept and not looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active_contexts: Option<serde_json::Value>,
    /// The attributes of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_attributes: Option<Attributes>,
    /// The request that opened the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originating_request_id: Option<String>,
    /// Words that a recogniser of speech is to expect; kept and not looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_hints: Option<serde_json::Value>,
}

/// What the bot wants next.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DialogAction {
    /// `ElicitIntent`, `ElicitSlot`, `ConfirmIntent`, `Close`, `Delegate` or `None`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The slot that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot_to_elicit: Option<String>,
    /// `Default`, `SpellByLetter` or `SpellByWord`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slot_elicitation_style: Option<String>,
    /// The part of a composite slot; kept and not looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sub_slot_to_elicit: Option<serde_json::Value>,
}

impl DialogAction {
    /// Of this type, and no more.
    pub fn new(kind: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            slot_to_elicit: None,
            slot_elicitation_style: None,
            sub_slot_to_elicit: None,
        }
    }
}

/// An intent and how far it has come.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Intent {
    /// Its name.
    pub name: String,
    /// Its slots by name; `None` where one has no value yet.
    #[serde(default)]
    pub slots: BTreeMap<String, Option<Slot>>,
    /// `InProgress`, `ReadyForFulfillment`, `Fulfilled`, `Failed`, `Waiting` or `FulfillmentInProgress`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// `None`, `Confirmed` or `Denied`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation_state: Option<String>,
}

/// The value of a slot.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Slot {
    /// `Scalar`, `List` or `Composite`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shape: Option<String>,
    /// The value of a scalar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<SlotValue>,
    /// The values of a list; kept and not looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<serde_json::Value>,
    /// The parts of a composite slot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_slots: Option<BTreeMap<String, Option<Self>>>,
}

/// A scalar.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SlotValue {
    /// What was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub original_value: Option<String>,
    /// What it means.
    pub interpreted_value: String,
    /// What it may mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolved_values: Option<Vec<String>>,
}

/// One meaning of what was said.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Interpretation {
    /// The intent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<Intent>,
    /// How sure that is; absent for the fallback intent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nlu_confidence: Option<Confidence>,
    /// How the caller feels, where the bot looks for that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentiment_response: Option<SentimentResponse>,
    /// `Lex` or `Bedrock`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub interpretation_source: Option<String>,
}

/// A confidence from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Confidence {
    /// The score.
    pub score: f64,
}

impl<'de> Deserialize<'de> for Confidence {
    /// The runtime gives an object, and the event of a function a number: both are read.
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(f64),
            Object {
                #[serde(default)]
                score: f64,
            },
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Number(score) | Either::Object { score } => Self { score },
        })
    }
}

/// How the caller feels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SentimentResponse {
    /// `POSITIVE`, `NEGATIVE`, `NEUTRAL` or `MIXED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentiment: Option<String>,
    /// How sure each of them is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentiment_score: Option<SentimentScore>,
}

/// Scores from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(missing_docs)]
pub struct SentimentScore {
    pub positive: f64,
    pub negative: f64,
    pub neutral: f64,
    pub mixed: f64,
}

/// What the bot says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// The text; absent of a card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// `PlainText`, `SSML`, `CustomPayload` or `ImageResponseCard`.
    pub content_type: String,
    /// A card with buttons; kept and not looked into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_response_card: Option<serde_json::Value>,
}

impl Message {
    /// A plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self { content: Some(text.into()), content_type: "PlainText".to_owned(), image_response_card: None }
    }
}

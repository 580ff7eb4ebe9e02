use crate::error::ConnectError;
use crate::instances::Instance;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An attribute of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the words of the API")]
pub enum AttributeType {
    InboundCalls,
    OutboundCalls,
    #[serde(rename = "CONTACTFLOW_LOGS")]
    ContactflowLogs,
    ContactLens,
    AutoResolveBestVoices,
    UseCustomTtsVoices,
    EarlyMedia,
    MultiPartyConference,
    AutoMuteAgentOnHold,
    HighVolumeOutbound,
    EnhancedContactMonitoring,
    EnhancedChatMonitoring,
    MultiPartyChatConference,
    MessageStreaming,
}

/// All of them, each with its word and its value in a new instance.
const ALL: &[(AttributeType, &str, bool)] = &[
    (AttributeType::InboundCalls, "INBOUND_CALLS", true),
    (AttributeType::OutboundCalls, "OUTBOUND_CALLS", true),
    (AttributeType::ContactflowLogs, "CONTACTFLOW_LOGS", false),
    (AttributeType::ContactLens, "CONTACT_LENS", true),
    (AttributeType::AutoResolveBestVoices, "AUTO_RESOLVE_BEST_VOICES", true),
    (AttributeType::UseCustomTtsVoices, "USE_CUSTOM_TTS_VOICES", false),
    (AttributeType::EarlyMedia, "EARLY_MEDIA", true),
    (AttributeType::MultiPartyConference, "MULTI_PARTY_CONFERENCE", false),
    (AttributeType::AutoMuteAgentOnHold, "AUTO_MUTE_AGENT_ON_HOLD", false),
    (AttributeType::HighVolumeOutbound, "HIGH_VOLUME_OUTBOUND", false),
    (AttributeType::EnhancedContactMonitoring, "ENHANCED_CONTACT_MONITORING", false),
    (AttributeType::EnhancedChatMonitoring, "ENHANCED_CHAT_MONITORING", false),
    (AttributeType::MultiPartyChatConference, "MULTI_PARTY_CHAT_CONFERENCE", false),
    (AttributeType::MessageStreaming, "MESSAGE_STREAMING", false),
];

impl AttributeType {
    pub(super) fn parse(word: &str) -> Result<Self, ConnectError> {
        let known = ALL.iter().find(|(_, known, _)| *known == word).map(|(attribute, ..)| *attribute);
        known.ok_or_else(|| {
            let words: Vec<&str> = ALL.iter().map(|(_, word, _)| *word).collect();
            ConnectError::parameter(format!("AttributeType must be one of {}", words.join(", ")))
        })
    }

    fn get(self, instance: &Instance) -> bool {
        let in_new_ones = ALL.iter().any(|(known, _, value)| *known == self && *value);
        match self {
            Self::InboundCalls => instance.inbound_calls,
            Self::OutboundCalls => instance.outbound_calls,
            other => instance.config.attributes.get(&other).copied().unwrap_or(in_new_ones),
        }
    }

    pub(super) fn set(self, instance: &mut Instance, value: bool) {
        match self {
            Self::InboundCalls => instance.inbound_calls = value,
            Self::OutboundCalls => instance.outbound_calls = value,
            other => drop(instance.config.attributes.insert(other, value)),
        }
    }

    /// The attribute as the API shows it.
    pub(super) fn shown(self, instance: &Instance) -> Value {
        json!({ "AttributeType": self, "Value": self.get(instance).to_string() })
    }
}

/// All attributes of an instance, by their words.
pub(super) fn all(instance: &Instance) -> impl Iterator<Item = (String, Value)> {
    ALL.iter().map(|(attribute, word, _)| ((*word).to_owned(), attribute.shown(instance)))
}

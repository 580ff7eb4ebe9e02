//! The words of the system: ids, numbers and times that parse, print and compare. Nothing else lives here.
//!
//! Every identifier and every instant that crosses a crate border is one of these newtypes; past the
//! constructor nothing re-checks.

mod account;
mod caller;
mod fragment_number;
mod ids;
mod mono;
mod page_token;
mod redacted;
mod stream;
mod time;

pub use account::{AccountId, Region};
pub use caller::Caller;
pub use fragment_number::{FragmentNumber, FragmentNumberError};
pub use ids::{
    BridgeId, CaptureId, ContactFlowId, ContactId, DialId, ExchangeId, InstanceId, InvocationId, LegId,
    ListenId, OfferId, ParticipantId, PhoneNumberId, PromptId, ReferId, RequestId, ResourceId, TapId,
    WriteId,
};
pub use mono::Mono;
pub use page_token::PageToken;
pub use redacted::Redacted;
pub use stream::{StreamArn, StreamName, StreamSettings};
pub use time::{ProducerTime, ServerTime, WallTime};

/// A text that is not what its type demands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value:?} is not {expected}")]
pub struct ParseError {
    value: String,
    expected: &'static str,
}

impl ParseError {
    fn new(value: &str, expected: &'static str) -> Self {
        // A hostile value may be megabytes long; an error text never is.
        let mut shown: String = value.chars().take(80).collect();
        if shown.len() < value.len() {
            shown.push('…');
        }
        Self { value: shown, expected }
    }

    /// What the text should have been, in words for a person.
    pub fn expected(&self) -> &'static str {
        self.expected
    }
}

/// Implements `FromStr`, `TryFrom<String>` and serde as text for a newtype with `parse` and `Display`.
macro_rules! text_newtype {
    ($name:ident) => {
        impl std::str::FromStr for $name {
            type Err = crate::ParseError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use text_newtype;

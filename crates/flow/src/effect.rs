//! What a flow asks of the call. Values only; `Debug` never prints what a caller said, typed or is called.

use std::collections::BTreeMap;
use std::fmt;

use tympan_types::Redacted;

/// One thing the call must do for the flow.
///
/// Every effect but [`Effect::Disconnect`] and [`Effect::End`] is answered by exactly one
/// [`Input`](crate::Input): each variant says which.
#[derive(Clone, PartialEq, Eq)]
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
    /// What becomes of keys that no block waits for. Answered by `Input` with the keys that were kept until now, which are forgotten.
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
    /// Go on in another flow. Answered by [`Interpreter::transfer`](crate::Interpreter::transfer), or by
    /// `Failed` where there is no such flow.
    TransferToFlow {
        /// An id or an ARN.
        contact_flow_id: String,
    },
    /// The flow log of this contact is on or off from here. `Done`.
    SetLogging(bool),
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
    },
}

/// The touchtone buffer: keys that are typed before a block asks for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyBuffer {
    /// Keeps them, also where they are lost otherwise.
    On,
    /// As if no flow had turned it on.
    Off,
    /// Stays as it is; what it holds is forgotten.
    Cleared,
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
        !matches!(self, Self::Disconnect | Self::End)
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
            Self::TransferToFlow { contact_flow_id } => {
                f.debug_struct("TransferToFlow").field("contact_flow_id", contact_flow_id).finish()
            }
            Self::SetLogging(on) => f.debug_tuple("SetLogging").field(on).finish(),
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
            Self::Audio { id } => f.debug_struct("Audio").field("id", id).finish(),
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
    fn only_the_two_ends_are_not_answered() {
        assert!(!Effect::Disconnect.is_answered());
        assert!(!Effect::End.is_answered());
        assert!(Effect::SetLogging(true).is_answered());
    }
}

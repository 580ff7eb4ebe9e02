//! What moves a flow on.

use std::fmt;

use serde_json::Value;
use tympan_types::Redacted;

use crate::actions::ErrorType;
use crate::effect::{Answer, BotOutcome};
use crate::interpreter::RoutedFlow;

/// What moves a flow on. `Debug` never prints what a caller typed or a function returned.
#[derive(Clone, PartialEq)]
pub enum Input {
    /// Begin.
    Start,
    /// The effect was performed.
    Done,
    /// The effect could not be performed: the block takes its error branch.
    Failed {
        /// Why, for the flow log.
        reason: String,
    },
    /// The effect ended with an error that may have a branch of its own.
    Error {
        /// Which one.
        kind: ErrorType,
        /// Why, for the flow log.
        reason: String,
    },
    /// The prompts in a loop have reached the age at which the flow has a turn.
    LoopInterrupted,
    /// How the conversation with a bot ended.
    Bot(Box<BotOutcome>),
    /// What the caller entered.
    Input(CollectedInput),
    /// What the Lambda function returned, whatever it is.
    LambdaReturned(Value),
    /// The flow or module that was asked for.
    Flow(RoutedFlow),
    /// What was asked.
    Answer(Answer),
    /// The caller is gone, or the contact was stopped: the flow ends without another effect.
    Interrupted,
}

/// The end of a collection of digits.
#[derive(Clone, PartialEq, Eq)]
pub enum CollectedInput {
    /// The keys, without the terminator; empty where the caller pressed only that.
    Digits(String),
    /// No key within the time limit.
    TimedOut,
    /// Something that cannot be what was asked for.
    Invalid,
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("Start"),
            Self::Done => f.write_str("Done"),
            Self::Failed { reason } => f.debug_struct("Failed").field("reason", reason).finish(),
            Self::Error { kind, reason } => {
                f.debug_struct("Error").field("kind", kind).field("reason", reason).finish()
            }
            Self::LoopInterrupted => f.write_str("LoopInterrupted"),
            Self::Bot(outcome) => f.debug_tuple("Bot").field(outcome).finish(),
            Self::Input(input) => f.debug_tuple("Input").field(input).finish(),
            Self::LambdaReturned(value) => {
                f.debug_tuple("LambdaReturned").field(&Redacted::new(value)).finish()
            }
            Self::Flow(flow) => f.debug_tuple("Flow").field(flow).finish(),
            Self::Answer(answer) => f.debug_tuple("Answer").field(answer).finish(),
            Self::Interrupted => f.write_str("Interrupted"),
        }
    }
}

impl fmt::Debug for CollectedInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Digits(digits) => f.debug_tuple("Digits").field(&Redacted::new(digits)).finish(),
            Self::TimedOut => f.write_str("TimedOut"),
            Self::Invalid => f.write_str("Invalid"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn debug_prints_neither_digits_nor_responses() {
        let typed = format!("{:?}", Input::Input(CollectedInput::Digits("4111".into())));
        let returned = format!("{:?}", Input::LambdaReturned(json!({ "card": "4111" })));
        assert!(!typed.contains("4111") && !returned.contains("4111"), "{typed} {returned}");
    }
}

//! `GetParticipantInput` without `StoreInput` ("Get customer input", DTMF): a menu.
//!
//! Shape: conditions are `Equals` on what was pressed, usually one key. Where conditions have several keys,
//! the longest tells how many to wait for, and `#` ends a shorter one.

use super::collect_digits::{CollectDigits, MaxDigits, is_key};
use super::{Entered, Outcome, Run, failure};
use crate::actions::ErrorType;
use crate::input::{CollectedInput, Input};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, scalar_text};

/// Plays a prompt and takes the branch of the keys that were pressed.
#[derive(Debug)]
pub(crate) struct GetParticipantInput {
    collect: CollectDigits,
}

impl GetParticipantInput {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let choices: Vec<String> = parameters
            .transitions()
            .conditions
            .iter()
            .flat_map(|condition| &condition.operands)
            .filter_map(scalar_text)
            .filter(|choice| choice.chars().all(is_key))
            .collect();
        let longest = choices.iter().map(String::len).max().unwrap_or(1).clamp(1, 20);
        // Only the older export says how many digits a menu has.
        let max_digits = parameters.number("MaxDigits", 1, 1..=20).max(u32::try_from(longest).unwrap_or(1));
        let terminator =
            (max_digits > 1 && !choices.iter().any(|choice| choice.contains('#'))).then_some("#");
        let max_digits = MaxDigits::Fixed(u16::try_from(max_digits).unwrap_or(1));
        Ok(Self { collect: CollectDigits::read(parameters, max_digits, terminator)? })
    }
}

impl Run for GetParticipantInput {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        self.collect.ask(scene)
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Input(CollectedInput::Digits(digits)) => Outcome::Result(Some(digits)),
            Input::Input(CollectedInput::TimedOut) => Outcome::Error(ErrorType::InputTimeLimitExceeded, None),
            Input::Input(CollectedInput::Invalid) => Outcome::Result(None),
            other => failure(other),
        }
    }
}

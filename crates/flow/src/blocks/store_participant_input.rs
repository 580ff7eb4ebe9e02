//! `GetParticipantInput` with `StoreInput` ("Store customer input").
//!
//! Source: Admin guide, "Store customer input": without any input the block takes Success with the value
//! `Timeout`, which a Compare can look for. A flow of 2019-10-30 may name an `InputTimeLimitExceeded` branch
//! instead. Not implemented: encryption of the input; a block that asks for it takes its error branch before
//! it asks the caller for anything, so that no secret is ever kept in clear.

use serde_json::json;

use super::collect_digits::{CollectDigits, DEFAULT_STORED_DIGITS, MAX_STORED_DIGITS, MaxDigits};
use super::{Entered, Outcome, Run, failure};
use crate::interpreter::{CollectedInput, Input};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};

/// Plays a prompt and keeps the digits as `$.StoredCustomerInput`.
#[derive(Debug)]
pub(crate) struct StoreParticipantInput {
    collect: CollectDigits,
    phone_number: Option<NumberFormat>,
    encrypted: bool,
    has_timeout_branch: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NumberFormat {
    Local,
    E164,
}

impl StoreParticipantInput {
    pub(super) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let custom = parameters.has("InputValidation.CustomValidation");
        let phone_number = parameters.has("InputValidation.PhoneNumberValidation");
        match (custom, phone_number) {
            (true, true) => parameters.note(
                "InputValidation",
                "has both PhoneNumberValidation and CustomValidation, one is allowed",
            ),
            (false, false) => {
                parameters.note("InputValidation", "needs PhoneNumberValidation or CustomValidation")
            }
            _ => {}
        }
        let phone_number = phone_number.then(|| NumberFormat::read(parameters));
        let max_digits = match phone_number {
            // 15 digits at most (E.164), and one for a prefix.
            Some(_) => MaxDigits::Fixed(16),
            None => maximum_length(parameters),
        };
        let has_timeout_branch =
            parameters.transitions().errors.iter().any(|(kind, _)| kind == "InputTimeLimitExceeded");
        Ok(Self {
            collect: CollectDigits::read(parameters, max_digits, Some("#"))?.with_cancel_key(parameters),
            phone_number,
            encrypted: parameters.has("InputEncryption"),
            has_timeout_branch,
        })
    }
}

fn maximum_length(parameters: &mut Parameters<'_>) -> MaxDigits {
    let path = "InputValidation.CustomValidation.MaximumLength";
    match parameters.dynamic_number(path, 1..=u32::from(MAX_STORED_DIGITS)) {
        Some(template) => match template.literal() {
            Some(digits) => MaxDigits::Fixed(digits.trim().parse().unwrap_or(DEFAULT_STORED_DIGITS)),
            None => MaxDigits::Dynamic(template),
        },
        None => MaxDigits::Fixed(DEFAULT_STORED_DIGITS),
    }
}

impl NumberFormat {
    fn read(parameters: &mut Parameters<'_>) -> Self {
        let path = "InputValidation.PhoneNumberValidation.NumberFormat";
        match parameters.text(path).as_deref() {
            Some("Local") => Self::Local,
            Some("E164") => Self::E164,
            _ => {
                parameters.note(path, "must be \"Local\" or \"E164\"");
                Self::E164
            }
        }
    }

    /// The number as it is kept; `None` where it cannot be one.
    fn accept(self, digits: &str) -> Option<String> {
        let all_digits = digits.bytes().all(|b| b.is_ascii_digit());
        match self {
            Self::Local => (all_digits && (4..=15).contains(&digits.len())).then(|| digits.to_owned()),
            Self::E164 => {
                let begins_with_country = !digits.starts_with('0');
                (all_digits && begins_with_country && (8..=15).contains(&digits.len()))
                    .then(|| format!("+{digits}"))
            }
        }
    }
}

impl Run for StoreParticipantInput {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        if self.encrypted {
            let reason = "encrypting customer input is not supported, and it is not kept unencrypted instead";
            return Entered::leave(json!({}), Outcome::NotPerformed { reason: reason.to_owned() });
        }
        let (effect, parameters) = self.collect.ask(scene);
        Entered::perform(parameters, effect)
    }

    fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        let stored = match input {
            Input::Input(CollectedInput::Digits(digits)) => match self.phone_number {
                Some(format) => format.accept(&digits),
                None => Some(digits),
            },
            Input::Input(CollectedInput::Invalid) => None,
            Input::Input(CollectedInput::TimedOut) if self.has_timeout_branch => return Outcome::TimedOut,
            Input::Input(CollectedInput::TimedOut) => Some("Timeout".to_owned()),
            other => return failure(other),
        };
        match stored {
            Some(stored) => {
                scene.memory.stored_input = Some(stored);
                Outcome::Success
            }
            None => Outcome::InvalidPhoneNumber,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_checked_in_its_format() {
        assert_eq!(NumberFormat::E164.accept("18005550100").as_deref(), Some("+18005550100"));
        assert_eq!(NumberFormat::E164.accept("08005550100"), None);
        assert_eq!(NumberFormat::E164.accept("123"), None);
        assert_eq!(NumberFormat::Local.accept("8005550100").as_deref(), Some("8005550100"));
        assert_eq!(NumberFormat::Local.accept("80*55"), None);
        assert_eq!(NumberFormat::Local.accept(""), None);
    }
}

//! `GetParticipantInput` with `StoreInput` ("Store customer input").
//!
//! Source: Admin guide, "Store customer input": without any input the block takes Success with the value
//! `Timeout`, which a Compare can look for. A flow of 2019-10-30 may name an `InputTimeLimitExceeded` branch
//! instead. A phone number is kept with plus sign and calling code. Not implemented: encryption of the input; a block
//! that asks for it takes its error branch before it asks the caller for anything, and forgets what was typed ahead,
//! so that no secret is ever kept in clear.

use serde_json::json;

use super::collect_digits::{CollectDigits, DEFAULT_STORED_DIGITS, MAX_STORED_DIGITS, MaxDigits};
use super::numbering_plan::{NumberingPlan, with_calling_code};
use super::{Entered, Outcome, Run, failure};
use crate::actions::ErrorType;
use crate::effect::{Effect, KeyBuffer};
use crate::input::{CollectedInput, Input};
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
    /// As it is dialled inside a country; no number is one of a country that the flow does not name.
    Local(Option<NumberingPlan>),
    /// With its calling code.
    E164,
}

impl StoreParticipantInput {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
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
        let country = parameters.text("InputValidation.PhoneNumberValidation.CountryCode");
        match (parameters.text(path).as_deref(), country) {
            (Some("E164"), _) => Self::E164,
            (Some("Local"), Some(country)) => {
                let plan = NumberingPlan::of_country(&country);
                if plan.is_none() {
                    let path = "InputValidation.PhoneNumberValidation.CountryCode";
                    parameters.note(path, "must be a country of ISO 3166-1, such as \"US\"");
                }
                Self::Local(plan)
            }
            (Some("Local"), None) => {
                parameters.note("InputValidation.PhoneNumberValidation.CountryCode", "is missing");
                Self::Local(None)
            }
            _ => {
                parameters.note(path, "must be \"Local\" or \"E164\"");
                Self::E164
            }
        }
    }

    /// The number as it is kept, with plus sign and calling code; `None` where it cannot be one.
    fn accept(self, digits: &str) -> Option<String> {
        match self {
            Self::Local(plan) => plan?.international(digits),
            Self::E164 => with_calling_code(digits),
        }
    }
}

impl Run for StoreParticipantInput {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        if self.encrypted {
            // What was typed ahead may be the secret: the next block must not get it.
            return Entered::perform(json!({}), Effect::BufferKeys(KeyBuffer::Cleared));
        }
        self.collect.ask(scene)
    }

    fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        if self.encrypted {
            return Outcome::failed(NOT_ENCRYPTED);
        }
        let stored = match input {
            Input::Input(CollectedInput::Digits(digits)) => match self.phone_number {
                Some(format) => format.accept(&digits),
                None => Some(digits),
            },
            Input::Input(CollectedInput::Invalid) => None,
            Input::Input(CollectedInput::TimedOut) if self.has_timeout_branch => {
                return Outcome::Error(ErrorType::InputTimeLimitExceeded, None);
            }
            Input::Input(CollectedInput::TimedOut) => Some("Timeout".to_owned()),
            other => return failure(other),
        };
        match stored {
            Some(stored) => {
                scene.memory.store_input(stored);
                Outcome::Success
            }
            None => Outcome::Error(ErrorType::InvalidPhoneNumber, None),
        }
    }
}

/// Why a block that should encrypt does not ask.
pub(super) const NOT_ENCRYPTED: &str = "encrypting customer input is not supported, and it is not kept unencrypted instead: nothing was asked for";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_number_is_checked_in_its_format() {
        let local = |country| NumberFormat::Local(NumberingPlan::of_country(country));
        assert_eq!(NumberFormat::E164.accept("18005550100").as_deref(), Some("+18005550100"));
        assert_eq!(NumberFormat::E164.accept("08005550100"), None);
        assert_eq!(NumberFormat::E164.accept("123"), None);
        assert_eq!(local("US").accept("8005550100").as_deref(), Some("+18005550100"));
        assert_eq!(local("AU").accept("0491570156").as_deref(), Some("+61491570156"));
        assert_eq!(local("US").accept("80*55"), None);
        assert_eq!(local("US").accept(""), None);
        assert_eq!(NumberFormat::Local(None).accept("8005550100"), None);
    }
}

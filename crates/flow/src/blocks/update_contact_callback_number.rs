//! `UpdateContactCallbackNumber` ("Set callback number").
//!
//! Source: Admin guide: a number that is no E.164 number takes the invalid branch, one that the instance may not call the other; `+` is
//! put in front where it is missing. There is no branch for anything else.

use serde_json::json;

use super::{Entered, Outcome, Run, failure};
use crate::actions::ErrorType;
use crate::effect::ContactChange;
use crate::input::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// Sets the number at which the customer is called back.
#[derive(Debug)]
pub(crate) struct UpdateContactCallbackNumber {
    number: Template,
}

impl UpdateContactCallbackNumber {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self { number: parameters.required_template("CallbackNumber")? })
    }
}

impl Run for UpdateContactCallbackNumber {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let number = scene.resolve(&self.number);
        let log = json!({ "CallBackNumber": number });
        match e164(&number) {
            Some(number) => Entered::change(log, ContactChange::CallbackNumber(number)),
            None => {
                let reason = "what was given as a callback number is no telephone number".to_owned();
                Entered::leave(log, Outcome::Error(ErrorType::InvalidCallbackNumber, Some(reason)))
            }
        }
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Done => Outcome::Success,
            Input::Failed { reason } => Outcome::Error(ErrorType::InvalidCallbackNumber, Some(reason)),
            other => failure(other),
        }
    }
}

fn e164(number: &str) -> Option<String> {
    let digits = number.trim();
    let digits = digits.strip_prefix('+').unwrap_or(digits);
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (7..=15).contains(&digits.len())
        && !digits.starts_with('0');
    is_number.then(|| format!("+{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_gets_its_plus_and_anything_else_is_refused() {
        assert_eq!(e164("+18005550100").as_deref(), Some("+18005550100"));
        assert_eq!(e164(" 18005550100").as_deref(), Some("+18005550100"));
        for number in ["", "+", "123", "080055501", "1800555010011223", "sip:x", "Timeout"] {
            assert_eq!(e164(number), None, "{number}");
        }
    }
}

//! `TransferParticipantToThirdParty` ("Transfer to phone number").
//!
//! Units: `ThirdPartyConnectionTimeLimitSeconds` 0 to 600; up to 50 `ThirdPartyDTMFDigits`, where a comma is 750 ms. With
//! `ContinueFlowExecution` "True" the flow goes on after the third party has hung up; with "False" it is over once they are joined.

use serde_json::json;

use super::{Entered, Outcome, Run, failure};
use crate::effect::{Effect, ThirdPartyCall};
use crate::input::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// Calls a third party.
#[derive(Debug)]
pub(crate) struct TransferParticipantToThirdParty {
    number: Template,
    limit_s: Template,
    continues: bool,
    digits: Option<Template>,
    caller_id_number: Option<Template>,
    caller_id_name: Option<Template>,
}

impl TransferParticipantToThirdParty {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let number = parameters.required_template("ThirdPartyPhoneNumber")?;
        let limit_s = parameters.dynamic_number("ThirdPartyConnectionTimeLimitSeconds", 0..=LIMIT_MAX_S);
        let digits = parameters.template("ThirdPartyDTMFDigits");
        if digits.as_ref().and_then(Template::literal).is_some_and(|digits| !are_digits(digits)) {
            let message = format!("must be up to {DIGITS_MAX} of 0-9, *, # and a comma");
            parameters.note("ThirdPartyDTMFDigits", message);
        }
        let caller_id_name = parameters.template("CallerId.Name");
        if caller_id_name.as_ref().and_then(Template::literal).is_some_and(|name| !is_name(name)) {
            let message = format!("must have none of {}", FORBIDDEN_IN_NAMES.map(String::from).join(" "));
            parameters.note("CallerId.Name", message);
        }
        Ok(Self {
            number,
            limit_s: limit_s.unwrap_or_else(|| Template::parse(DEFAULT_LIMIT_S)),
            continues: parameters.flag("ContinueFlowExecution"),
            digits,
            caller_id_number: parameters.template("CallerId.Number"),
            caller_id_name,
        })
    }

    fn call(&self, scene: &Scene<'_>) -> Result<ThirdPartyCall, &'static str> {
        let text = |template: &Option<Template>| {
            let text = template.as_ref().map(|template| scene.resolve(template).trim().to_owned());
            text.filter(|text| !text.is_empty())
        };
        let number = scene.resolve(&self.number).trim().to_owned();
        if number.is_empty() {
            return Err("ThirdPartyPhoneNumber resolves to nothing");
        }
        let limit_s = scene.resolve(&self.limit_s).trim().parse::<u32>().ok();
        let Some(limit_s) = limit_s.filter(|limit_s| *limit_s <= LIMIT_MAX_S) else {
            return Err("ThirdPartyConnectionTimeLimitSeconds resolves to no number from 0 to 600");
        };
        let digits = text(&self.digits);
        if digits.as_deref().is_some_and(|digits| !are_digits(digits)) {
            return Err("ThirdPartyDTMFDigits resolve to what is no key, or to too many keys");
        }
        let caller_id_name = text(&self.caller_id_name);
        if caller_id_name.as_deref().is_some_and(|name| !is_name(name)) {
            return Err("CallerId.Name resolves to a name with a character that it may not have");
        }
        Ok(ThirdPartyCall {
            number,
            limit_ms: limit_s.saturating_mul(1_000),
            continues: self.continues,
            digits,
            caller_id_number: text(&self.caller_id_number),
            caller_id_name,
        })
    }
}

impl Run for TransferParticipantToThirdParty {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let log = json!({
            "PhoneNumber": scene.resolve(&self.number),
            // What is computed may come from the caller.
            "TimeLimit": self.limit_s.literal(),
            "BlindTransfer": (!self.continues).to_string(),
        });
        match self.call(scene) {
            Ok(call) => Entered::perform(log, Effect::CallThirdParty(call)),
            Err(reason) => Entered::failed(log, reason),
        }
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Done if self.continues => Outcome::Success,
            Input::Done => Outcome::Over(None),
            other => failure(other),
        }
    }
}

fn are_digits(digits: &str) -> bool {
    digits.len() <= DIGITS_MAX && digits.bytes().all(|byte| byte.is_ascii_digit() || b",*#".contains(&byte))
}

fn is_name(name: &str) -> bool {
    !name.contains(FORBIDDEN_IN_NAMES) && !name.chars().any(char::is_control)
}

const LIMIT_MAX_S: u32 = 600;
/// Where an older export does not say.
const DEFAULT_LIMIT_S: &str = "30";
const DIGITS_MAX: usize = 50;
/// What ends or begins a part of a SIP address.
const FORBIDDEN_IN_NAMES: [char; 10] = [';', '/', '?', ':', '@', '&', '=', '+', '$', ','];

//! What a menu and a stored input have in common: prompt, time limits, keys.

use serde_json::json;

use super::Entered;
use super::prompt::{self, PromptTemplate};
use crate::effect::{CollectSpec, Effect, Prompt};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// A prompt, and when the input that it asks for is complete.
#[derive(Debug)]
pub(super) struct CollectDigits {
    prompt: Option<PromptTemplate>,
    first_digit_timeout_ms: u32,
    interdigit_timeout_s: Option<Template>,
    pub(super) max_digits: MaxDigits,
    terminator: Option<String>,
    cancel_key: bool,
}

/// How many digits complete an input.
#[derive(Debug)]
pub(super) enum MaxDigits {
    Fixed(u16),
    Dynamic(Template),
}

impl CollectDigits {
    pub(super) fn read(
        parameters: &mut Parameters<'_>,
        max_digits: MaxDigits,
        default_terminator: Option<&str>,
    ) -> Result<Self, Misconfigured> {
        let prompt = PromptTemplate::read(parameters)?;
        if !parameters.has("InputTimeLimitSeconds") {
            parameters.note("InputTimeLimitSeconds", "is missing");
        }
        let limit_s =
            parameters.number("InputTimeLimitSeconds", DEFAULT_INPUT_LIMIT_S, 1..=MAX_INPUT_LIMIT_S);
        let terminator = parameters.text("DTMFConfiguration.InputTerminationSequence");
        let terminator = terminator.filter(|keys| !keys.is_empty());
        if let Some(keys) = &terminator
            && (keys.chars().count() > 5 || !keys.chars().all(is_key))
        {
            parameters
                .note("DTMFConfiguration.InputTerminationSequence", "must be up to five of 0-9, * and #");
        }
        Ok(Self {
            prompt,
            first_digit_timeout_ms: limit_s * 1000,
            interdigit_timeout_s: parameters
                .dynamic_number("DTMFConfiguration.InterdigitTimeLimitSeconds", 1..=20),
            max_digits,
            terminator: terminator.or_else(|| default_terminator.map(str::to_owned)),
            cancel_key: false,
        })
    }

    /// Lets `*` delete what was entered, unless the flow says otherwise.
    pub(super) fn with_cancel_key(mut self, parameters: &mut Parameters<'_>) -> Self {
        self.cancel_key = !parameters.flag("DTMFConfiguration.DisableCancelKey");
        self
    }

    /// Asks the caller. A prompt that no voice could speak fails the block, as it does in the service.
    pub(super) fn ask(&self, scene: &Scene<'_>) -> Entered {
        let prompt = self.prompt.as_ref().map(|prompt| prompt.resolve(scene));
        let interdigit_s = self.interdigit_timeout_s.as_ref().map(|seconds| scene.resolve(seconds));
        let interdigit_s = interdigit_s
            .and_then(|seconds| seconds.trim().parse::<u32>().ok())
            .filter(|seconds| (1..=20).contains(seconds))
            .unwrap_or(DEFAULT_INTERDIGIT_S);
        let max_digits = match &self.max_digits {
            MaxDigits::Fixed(digits) => *digits,
            MaxDigits::Dynamic(digits) => {
                scene.resolve(digits).trim().parse().unwrap_or(DEFAULT_STORED_DIGITS)
            }
        };
        let spec = CollectSpec {
            first_digit_timeout_ms: self.first_digit_timeout_ms,
            interdigit_timeout_ms: interdigit_s * 1000,
            max_digits: max_digits.clamp(1, MAX_STORED_DIGITS),
            terminator: self.terminator.clone(),
            cancel_key: self.cancel_key,
        };
        let mut parameters = prompt.as_ref().map_or_else(|| json!({}), prompt::log_parameters);
        parameters["Timeout"] = self.first_digit_timeout_ms.to_string().into();
        parameters["MaxDigits"] = spec.max_digits.to_string().into();
        match prompt.as_ref().and_then(Prompt::fault) {
            Some(reason) => Entered::failed(parameters, reason),
            None => Entered::perform(parameters, Effect::Collect { prompt, spec }),
        }
    }
}

pub(super) fn is_key(character: char) -> bool {
    character.is_ascii_digit() || character == '*' || character == '#'
}

/// What the designer's own default is.
const DEFAULT_INPUT_LIMIT_S: u32 = 5;
/// The longest wait for a first digit that the service accepts.
const MAX_INPUT_LIMIT_S: u32 = 180;
/// Admin guide, "Store customer input": 5 seconds for each digit by default.
const DEFAULT_INTERDIGIT_S: u32 = 5;
/// What the designer's own default is.
pub(super) const DEFAULT_STORED_DIGITS: u16 = 20;
pub(super) const MAX_STORED_DIGITS: u16 = 1000;

//! `CheckHoursOfOperation` ("Check hours of operation"): of the hours that it names, or of the target queue's.

use serde_json::json;

use super::{Entered, Outcome, Run, failure};
use crate::effect::{Answer, Effect, Question};
use crate::input::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, ResourceTemplate};

/// Takes the branch `True` while the hours are open, else `False`.
#[derive(Debug)]
pub(crate) struct CheckHoursOfOperation {
    hours: Option<ResourceTemplate>,
}

impl CheckHoursOfOperation {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self { hours: parameters.resource("HoursOfOperationId") })
    }
}

impl Run for CheckHoursOfOperation {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let hours = self.hours.as_ref().map(|hours| hours.resolve(scene));
        let log = match &hours {
            Some(hours) => json!({ "HoursOfOperation": hours.id }),
            None => json!({}),
        };
        Entered::perform(log, Effect::Ask(Question::Hours { hours }))
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Answer(Answer::IsOpen(is_open)) => {
                Outcome::Result(Some(if is_open { "True" } else { "False" }.to_owned()))
            }
            other => failure(other),
        }
    }
}

//! `DistributeByPercentage`: draws a number from 1 to 100, which conditions compare with rising sums.

use serde_json::json;

use super::{Entered, Outcome, Run, failure};
use crate::effect::{Answer, Effect, Question};
use crate::input::Input;
use crate::memory::Scene;

/// Takes the branch of the number that was drawn.
#[derive(Debug)]
pub(crate) struct DistributeByPercentage;

impl Run for DistributeByPercentage {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered::perform(json!({}), Effect::Ask(Question::Percent))
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Answer(Answer::Percent(number)) => Outcome::Result(Some(number.to_string())),
            other => failure(other),
        }
    }
}

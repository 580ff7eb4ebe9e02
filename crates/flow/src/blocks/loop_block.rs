//! `Loop`: ContinueLooping `LoopCount` times, DoneLooping once, and from the beginning again.

use serde_json::json;

use super::{Entered, Outcome, Run};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// Counts how often the flow comes by.
#[derive(Debug)]
pub(crate) struct Loop {
    count: Template,
}

impl Loop {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        parameters.required_text("LoopCount")?;
        let count = parameters.dynamic_number("LoopCount", 0..=MAX_COUNT);
        Ok(Self { count: count.unwrap_or_else(|| Template::parse("0")) })
    }
}

impl Run for Loop {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        // A count that cannot be read is 0: the flow goes on behind the loop, the caller is not lost.
        let count = scene.resolve(&self.count).trim().parse().unwrap_or(0).min(MAX_COUNT);
        let turns = scene.turns();
        let result = if *turns < count {
            *turns += 1;
            "ContinueLooping"
        } else {
            *turns = 0;
            "DoneLooping"
        };
        let parameters = json!({ "LoopCount": count.to_string() });
        Entered::leave(parameters, Outcome::Result(Some(result.to_owned())))
    }
}

const MAX_COUNT: u32 = 100;

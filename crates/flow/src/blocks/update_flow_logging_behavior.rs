//! `UpdateFlowLoggingBehavior` ("Set logging behavior").

use serde_json::json;

use super::{Entered, Outcome, Run, failure};
use crate::effect::Effect;
use crate::input::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};

/// Turns the flow log of this contact on or off.
#[derive(Debug)]
pub(crate) struct UpdateFlowLoggingBehavior {
    pub(crate) enabled: bool,
}

impl UpdateFlowLoggingBehavior {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        match parameters.required_text("FlowLoggingBehavior")?.as_str() {
            "Enabled" => Ok(Self { enabled: true }),
            "Disabled" => Ok(Self { enabled: false }),
            _ => Err(parameters.refuse("FlowLoggingBehavior", "must be \"Enabled\" or \"Disabled\"")),
        }
    }
}

impl Run for UpdateFlowLoggingBehavior {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        let behavior = if self.enabled { "Enable" } else { "Disable" };
        Entered::perform(json!({ "LoggingBehavior": behavior }), Effect::SetLogging(self.enabled))
    }

    fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Done => {
                *scene.logging = self.enabled;
                Outcome::Success
            }
            other => failure(other),
        }
    }
}

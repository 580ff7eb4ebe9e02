//! `CreateCallbackContact` ("Transfer to queue", callback): has a queue call the customer back at `$.CustomerCallbackNumber`.
//!
//! Units: delays in seconds, 1 to 259,200; `MaximumConnectionAttempts` counts the first one too. With `ContactFlowId` that flow puts the
//! callback into its queue, and the initial delay does not count.

use serde_json::json;

use super::queue_target::QueueTargetTemplate;
use super::{Entered, Run};
use crate::effect::{CallbackSpec, Effect};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, ResourceTemplate};
use crate::template::Template;

/// Makes a callback.
#[derive(Debug)]
pub(crate) struct CreateCallbackContact {
    to: QueueTargetTemplate,
    delay_s: u32,
    retry_delay_s: u32,
    attempts: u32,
    flow: Option<ResourceTemplate>,
    caller_id: Option<Template>,
}

impl CreateCallbackContact {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self {
            to: QueueTargetTemplate::read(parameters),
            delay_s: parameters.number("InitialCallDelaySeconds", 1, 1..=DELAY_MAX_S),
            retry_delay_s: parameters.number("RetryDelaySeconds", DEFAULT_RETRY_S, 1..=DELAY_MAX_S),
            attempts: parameters.number("MaximumConnectionAttempts", 1, 1..=ATTEMPTS_MAX),
            flow: parameters.resource("ContactFlowId"),
            caller_id: parameters.template("CallerId"),
        })
    }
}

impl Run for CreateCallbackContact {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let mut log = json!({
            "InitialDelaySeconds": self.delay_s.to_string(),
            "RetryDelaySeconds": self.retry_delay_s.to_string(),
            "MaxRetryAttempts": self.attempts.to_string(),
        });
        let to = match self.to.resolve(scene, &mut log) {
            Ok(to) => to,
            Err(reason) => return Entered::failed(log, reason),
        };
        let flow = self.flow.as_ref().map(|flow| flow.resolve(scene));
        if flow.as_ref().is_some_and(|flow| flow.is_unset()) {
            return Entered::failed(log, "ContactFlowId resolves to nothing");
        }
        let caller_id = self.caller_id.as_ref().map(|number| scene.resolve(number));
        if caller_id.as_deref() == Some("") {
            return Entered::failed(log, "CallerId resolves to nothing");
        }
        let spec = CallbackSpec {
            to,
            delay_s: self.delay_s,
            retry_delay_s: self.retry_delay_s,
            attempts: self.attempts,
            flow,
            caller_id,
        };
        Entered::perform(log, Effect::CreateCallback(spec))
    }
}

/// Three days.
const DELAY_MAX_S: u32 = 259_200;
/// What the designer proposes.
const DEFAULT_RETRY_S: u32 = 600;
const ATTEMPTS_MAX: u32 = 100;

//! `CompleteOutboundCall` ("Call phone number"): dials the customer of an outbound contact. What stands before it runs while nothing is
//! dialled. It has no error branch: where the customer cannot be called, the flow is over.
//!
//! Shape: `CallerId{Number}`. A `VoiceConnector` is one of another service, and is not offered.

use serde_json::json;

use super::{Entered, Outcome, Run};
use crate::effect::Effect;
use crate::input::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// Dials the customer.
#[derive(Debug)]
pub(crate) struct CompleteOutboundCall {
    caller_id: Option<Template>,
    has_connector: bool,
}

impl CompleteOutboundCall {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self {
            caller_id: parameters.template("CallerId.Number"),
            has_connector: parameters.has("VoiceConnector"),
        })
    }
}

impl Run for CompleteOutboundCall {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let caller_id = self.caller_id.as_ref().map(|number| scene.resolve(number));
        let log = json!({ "CallerId": caller_id });
        if self.has_connector {
            let reason = "there are no voice connectors here".to_owned();
            return Entered::leave(log, Outcome::Over(Some(reason)));
        }
        if caller_id.as_deref() == Some("") {
            return Entered::leave(
                log,
                Outcome::Over(Some("CallerId.Number resolves to nothing".to_owned())),
            );
        }
        Entered::perform(log, Effect::DialCustomer { caller_id })
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Done => Outcome::Success,
            Input::Failed { reason } | Input::Error { reason, .. } => Outcome::Over(Some(reason)),
            _ => {
                Outcome::Over(Some("the call was answered with something else than it asked for".to_owned()))
            }
        }
    }
}

//! `TransferToFlow`: goes on at the beginning of another flow, and does not come back.
//!
//! Source: Admin guide, "Transfer to flow": the target is published and of type inbound, transfer to agent or transfer to queue.

use serde_json::json;

use super::{Entered, Outcome, Run, failure};
use crate::effect::Effect;
use crate::input::Input;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, ResourceTemplate};

/// Asks the call for another flow.
#[derive(Debug)]
pub(crate) struct TransferToFlow {
    flow: ResourceTemplate,
}

impl TransferToFlow {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self { flow: parameters.required_resource("ContactFlowId")? })
    }
}

impl Run for TransferToFlow {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let flow = self.flow.resolve(scene);
        let log = json!({ "ContactFlowId": flow.id });
        if flow.is_unset() {
            return Entered::failed(log, "ContactFlowId resolves to nothing");
        }
        Entered::perform(log, Effect::TransferToFlow { flow })
    }

    fn resume(&self, _scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Flow(flow) if flow.flow_type.takes_transfers() => Outcome::GoTo(flow),
            Input::Flow(flow) => Outcome::failed(format!(
                "{:?} is a flow of type {}, to which no flow can transfer",
                flow.identity.name, flow.flow_type
            )),
            other => failure(other),
        }
    }
}

//! `TransferToFlow`: goes on at the beginning of another flow, and does not come back.

use serde_json::json;

use super::{Entered, Outcome, Run};
use crate::effect::Effect;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// Asks the call for another flow.
#[derive(Debug)]
pub(crate) struct TransferToFlow {
    contact_flow_id: Template,
}

impl TransferToFlow {
    pub(super) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self { contact_flow_id: parameters.required_template("ContactFlowId")? })
    }
}

impl Run for TransferToFlow {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let contact_flow_id = scene.resolve(&self.contact_flow_id);
        let parameters = json!({ "ContactFlowId": contact_flow_id });
        if contact_flow_id.is_empty() {
            let reason = "ContactFlowId resolves to nothing".to_owned();
            return Entered::leave(parameters, Outcome::Failed { reason });
        }
        Entered::perform(parameters, Effect::TransferToFlow { contact_flow_id })
    }
}

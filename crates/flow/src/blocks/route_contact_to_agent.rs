//! `RouteContactToAgent` ("Interrupt agent"): offers a contact that waits in a queue to an agent, busy or not. Success is the offer.
//!
//! Shape: `AgentId` an id, an ARN or a user name. The reference has no syntax of this action; the parameter is that of
//! `UpdateContactTargetQueue`.

use serde_json::json;

use super::{Entered, Run};
use crate::effect::Effect;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, ResourceTemplate};

/// Offers the contact to one agent.
#[derive(Debug)]
pub(crate) struct RouteContactToAgent {
    agent: ResourceTemplate,
}

impl RouteContactToAgent {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self { agent: parameters.required_resource("AgentId")? })
    }
}

impl Run for RouteContactToAgent {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let agent = self.agent.resolve(scene);
        let log = json!({ "Agent": agent.id });
        if agent.is_unset() {
            return Entered::failed(log, "AgentId resolves to nothing");
        }
        Entered::perform(log, Effect::RouteToAgent { agent })
    }
}

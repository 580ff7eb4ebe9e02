//! `TransferContactToAgent` ("Transfer to agent"): ends the flow and joins the contact with the agent that it is meant for.

use serde_json::json;

use super::{Entered, Run, Step};
use crate::effect::Effect;
use crate::memory::Scene;

/// Joins the contact with an agent.
#[derive(Debug)]
pub(crate) struct TransferContactToAgent;

impl Run for TransferContactToAgent {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered { parameters: vec![json!({})], step: Step::Finish(Effect::TransferToAgent) }
    }
}

//! `EndFlowExecution` ("End flow / Resume"): the flow is over, the caller stays connected.

use serde_json::json;

use super::{Entered, Run, Step};
use crate::effect::Effect;
use crate::memory::Scene;

/// Ends the flow.
#[derive(Debug)]
pub(crate) struct EndFlowExecution;

impl Run for EndFlowExecution {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered { parameters: vec![json!({})], step: Step::Finish(Effect::End) }
    }
}

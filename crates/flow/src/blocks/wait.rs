//! `Wait`: on a call it takes its error branch.
//!
//! Source: Admin guide, "Wait": voice contacts are routed down the error branch. `TimeLimitSeconds` is what exported flows write,
//! `TimeoutSeconds` what the reference prints; both are read.

use serde_json::json;

use super::{Entered, Run};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// Waits, were this no call.
#[derive(Debug)]
pub(crate) struct Wait {
    limit_s: Template,
}

impl Wait {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let limit = ["TimeLimitSeconds", "TimeoutSeconds", "MinimumWaitTimeSeconds"]
            .into_iter()
            .find(|name| parameters.has(name));
        Ok(Self { limit_s: parameters.required_template(limit.unwrap_or("TimeLimitSeconds"))? })
    }
}

impl Run for Wait {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let log = json!({ "TimeoutSeconds": scene.resolve(&self.limit_s) });
        Entered::failed(log, "a call does not wait in its flow: the block is for chats and tasks")
    }
}

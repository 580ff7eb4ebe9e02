//! Blocks that are not performed: of a type that is not implemented or not known, or without the parameters
//! that they need. They take their error branch, or their next block where they have none.

use serde_json::json;

use super::{Entered, Outcome, Run};
use crate::memory::Scene;
use crate::parameters::Misconfigured;
use crate::validate::shortened;

/// A block that takes its error branch with this reason.
#[derive(Debug)]
pub(crate) struct Unsupported {
    reason: String,
}

impl Unsupported {
    pub(super) fn action(type_name: &str) -> Self {
        Self { reason: format!("blocks of type {} are not supported", shortened(type_name)) }
    }

    pub(super) fn misconfigured(Misconfigured(why): Misconfigured) -> Self {
        Self { reason: format!("the block is not configured: {why}") }
    }
}

impl Run for Unsupported {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered::leave(json!({}), Outcome::NotPerformed { reason: self.reason.clone() })
    }
}

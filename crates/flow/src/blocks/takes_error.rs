//! Blocks that take an error branch whatever happens: what they need is not here, or they lack the parameters that they need.

use serde_json::json;

use super::{Entered, Outcome, Run};
use crate::actions::ErrorType;
use crate::memory::Scene;
use crate::parameters::Misconfigured;
use crate::validate::shortened;

/// A block that takes this error with this reason.
#[derive(Debug)]
pub(crate) struct TakesError {
    kind: ErrorType,
    reason: String,
}

impl TakesError {
    pub(crate) fn new(kind: ErrorType, reason: &str) -> Self {
        Self { kind, reason: reason.to_owned() }
    }

    /// A block of a type that the language does not have.
    pub(crate) fn unknown(type_name: &str) -> Self {
        Self::new(
            ErrorType::NoMatchingError,
            &format!("the language has no block of type {}", shortened(type_name)),
        )
    }

    /// A block that is performed in general, but not with these parameters.
    pub(crate) fn misconfigured(Misconfigured(why): Misconfigured) -> Self {
        Self::new(ErrorType::NoMatchingError, &format!("the block is not configured: {why}"))
    }
}

impl Run for TakesError {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered::leave(json!({}), Outcome::Error(self.kind, Some(self.reason.clone())))
    }
}

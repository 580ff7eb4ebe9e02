//! `DisconnectParticipant` ("Disconnect / hang up").

use serde_json::json;

use super::{Entered, Run, Step};
use crate::effect::Effect;
use crate::memory::Scene;

/// Hangs up.
#[derive(Debug)]
pub(crate) struct DisconnectParticipant;

impl Run for DisconnectParticipant {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered { parameters: vec![json!({})], step: Step::Finish(Effect::Disconnect) }
    }
}

//! `UpdatePreviousContactParticipantState` ("Hold customer or agent"): who of the contact before this one is on hold while this flow runs.

use serde_json::json;

use super::{Entered, Run};
use crate::effect::{Effect, HoldState};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};

/// Puts a party on hold, or off.
#[derive(Debug)]
pub(crate) struct UpdatePreviousContactParticipantState {
    state: HoldState,
}

impl UpdatePreviousContactParticipantState {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let state = parameters.required_text("PreviousContactParticipantState")?;
        match HoldState::parse(&state) {
            Some(state) => Ok(Self { state }),
            None => {
                let message = "must be one of AgentOnHold, CustomerOnHold, OffHold";
                Err(parameters.refuse("PreviousContactParticipantState", message))
            }
        }
    }
}

impl Run for UpdatePreviousContactParticipantState {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered::perform(json!({ "HoldState": self.state.word() }), Effect::SetHold(self.state))
    }
}

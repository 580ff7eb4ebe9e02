//! `GetParticipantInput` with `EnableDTMFBuffer` ("Set touchtone buffer behavior").
//!
//! Source: Admin guide, "Set touchtone buffer behavior": it begins to keep keys that no block asks for, or stops, and forgets or stores
//! those that it holds. Not implemented: storing them encrypted; such a block forgets them and takes its error branch.

use serde_json::json;

use super::store_participant_input::NOT_ENCRYPTED;
use super::{Entered, Outcome, Run, failure};
use crate::effect::{Effect, KeyBuffer};
use crate::interpreter::{CollectedInput, Input};
use crate::memory::Scene;
use crate::parameters::Parameters;

/// Turns the touchtone buffer on or off.
#[derive(Debug)]
pub(crate) struct TouchtoneBuffer {
    on: bool,
    /// What it holds becomes `$.StoredCustomerInput` when it is turned off.
    stores: bool,
    encrypted: bool,
}

impl TouchtoneBuffer {
    pub(super) fn read(parameters: &mut Parameters<'_>) -> Self {
        let on = parameters.flag("EnableDTMFBuffer");
        let stores = parameters.flag("StoreInput");
        if on && stores {
            parameters.note("StoreInput", "cannot be \"True\" while EnableDTMFBuffer is");
        }
        Self { on, stores: stores && !on, encrypted: parameters.has("InputEncryption") }
    }
}

impl Run for TouchtoneBuffer {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        let buffer = if self.on { KeyBuffer::On } else { KeyBuffer::Off };
        Entered::perform(json!({ "EnableDTMFBuffer": self.on.to_string() }), Effect::BufferKeys(buffer))
    }

    fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            _ if self.stores && self.encrypted => Outcome::NotPerformed { reason: NOT_ENCRYPTED.to_owned() },
            Input::Input(CollectedInput::Digits(keys)) => {
                if self.stores {
                    scene.memory.stored_input = Some(keys);
                }
                Outcome::Success
            }
            Input::Done => Outcome::Success,
            other => failure(other),
        }
    }
}

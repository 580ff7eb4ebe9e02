//! `GetParticipantInput` with `EnableDTMFBuffer` ("Set touchtone buffer behavior").
//!
//! Source: Admin guide, "Set touchtone buffer behavior": it begins to keep keys that no block asks for, or stops, and forgets or stores
//! those that it holds. Not implemented: storing them encrypted; such a block forgets them and takes its error branch.

use serde_json::json;

use super::store_participant_input::NOT_ENCRYPTED;
use super::{Entered, Outcome, Run, failure};
use crate::effect::{Effect, KeyBuffer};
use crate::input::{CollectedInput, Input};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};

/// Turns the touchtone buffer on or off.
#[derive(Debug)]
pub(crate) struct TouchtoneBuffer {
    buffer: KeyBuffer,
    /// What should be stored encrypted is not.
    refuses: bool,
}

impl TouchtoneBuffer {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let (on, stores) = (parameters.flag("EnableDTMFBuffer"), parameters.flag("StoreInput"));
        if on && stores {
            parameters.note("StoreInput", "cannot be \"True\" while EnableDTMFBuffer is");
        }
        let refuses = !on && stores && parameters.has("InputEncryption");
        let buffer = match (on, stores && !refuses) {
            (true, _) => KeyBuffer::On,
            (false, true) => KeyBuffer::Taken,
            (false, false) => KeyBuffer::Off,
        };
        Ok(Self { buffer, refuses })
    }
}

impl Run for TouchtoneBuffer {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        let on = self.buffer == KeyBuffer::On;
        Entered::perform(json!({ "EnableDTMFBuffer": on.to_string() }), Effect::BufferKeys(self.buffer))
    }

    fn resume(&self, scene: &mut Scene<'_>, input: Input) -> Outcome {
        match input {
            Input::Done if self.refuses => Outcome::failed(NOT_ENCRYPTED),
            Input::Done if self.buffer != KeyBuffer::Taken => Outcome::Success,
            Input::Input(CollectedInput::Digits(keys)) if self.buffer == KeyBuffer::Taken => {
                scene.memory.store_input(keys);
                Outcome::Success
            }
            other => failure(other),
        }
    }
}

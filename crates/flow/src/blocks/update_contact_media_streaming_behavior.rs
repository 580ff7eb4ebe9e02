//! `UpdateContactMediaStreamingBehavior` ("Start media streaming", "Stop media streaming").
//!
//! Shape: `MediaStreamingState` Enabled or Disabled; `MediaStreamType` Audio; `Participants` one Customer
//! with `MediaDirections` From and To, in any order. The designer stores `fromCustomer` and `toCustomer` in
//! its metadata as well; only the parameters count. Any failure is one branch, `NoMatchingError`.

use serde_json::{Value, json};

use super::{Entered, Run};
use crate::effect::Effect;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};

/// Begins or ends the capture of the customer's audio.
#[derive(Debug)]
pub(crate) struct UpdateContactMediaStreamingBehavior {
    enabled: bool,
    from_customer: bool,
    to_customer: bool,
}

impl UpdateContactMediaStreamingBehavior {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let enabled = match parameters.required_text("MediaStreamingState")?.as_str() {
            "Enabled" => true,
            "Disabled" => false,
            _ => {
                return Err(parameters.refuse("MediaStreamingState", "must be \"Enabled\" or \"Disabled\""));
            }
        };
        if parameters.required_text("MediaStreamType")? != "Audio" {
            return Err(parameters.refuse("MediaStreamType", "must be \"Audio\""));
        }
        let mut block = Self { enabled, from_customer: false, to_customer: false };
        for participant in parameters.list("Participants") {
            if participant.get("ParticipantType").and_then(Value::as_str) != Some("Customer") {
                parameters.note("Participants", "may only hold a participant of type \"Customer\"");
                continue;
            }
            let directions = participant.get("MediaDirections").and_then(Value::as_array);
            for direction in directions.into_iter().flatten() {
                match direction.as_str() {
                    Some("From") => block.from_customer = true,
                    Some("To") => block.to_customer = true,
                    _ => parameters.note("Participants", "has a media direction that is not From or To"),
                }
            }
        }
        if !block.from_customer && !block.to_customer {
            return Err(parameters.refuse("Participants", "names no direction of the customer's audio"));
        }
        Ok(block)
    }
}

impl Run for UpdateContactMediaStreamingBehavior {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        let &Self { enabled, from_customer, to_customer } = self;
        let tracks = [("ToCustomer", to_customer), ("FromCustomer", from_customer)];
        let tracks: Vec<_> = tracks.into_iter().filter(|(_, wanted)| *wanted).map(|(name, _)| name).collect();
        let effect = if enabled {
            Effect::StartMediaStreaming { from_customer, to_customer }
        } else {
            Effect::StopMediaStreaming { from_customer, to_customer }
        };
        Entered::perform(json!({ "MediaStreamTypes": "Audio", "Track": tracks }), effect)
    }
}

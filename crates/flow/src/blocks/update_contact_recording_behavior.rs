//! `UpdateContactRecordingBehavior` and `UpdateContactRecordingAndAnalyticsBehavior` ("Set recording and analytics behavior").

use serde_json::{Value, json};

use super::{Entered, Run};
use crate::effect::ContactChange;
use crate::memory::Scene;
use crate::parameters::{DataTemplate, Misconfigured, Parameters};

/// Says who is recorded.
#[derive(Debug)]
pub(crate) struct UpdateContactRecordingBehavior {
    behavior: DataTemplate,
}

impl UpdateContactRecordingBehavior {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        let names = ["RecordingBehavior", "VoiceBehavior", "ScreenRecordingBehavior"];
        match names.into_iter().find(|name| parameters.has(name)) {
            Some(name) => Ok(Self { behavior: parameters.data(name) }),
            None => Err(parameters.refuse("", "say nothing of a recording")),
        }
    }
}

impl Run for UpdateContactRecordingBehavior {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        match self.behavior.resolve(scene) {
            Ok(behavior) => {
                let behavior = behavior.get("VoiceRecordingBehavior").cloned().unwrap_or(behavior);
                Entered::change(log(&behavior), ContactChange::Recording(behavior))
            }
            Err(reason) => Entered::failed(json!({}), reason),
        }
    }
}

fn log(behavior: &Value) -> Value {
    let recorded = behavior.get("RecordedParticipants").and_then(Value::as_array);
    let who: Vec<&str> = recorded.into_iter().flatten().filter_map(Value::as_str).collect();
    json!({
        "RecordingBehaviorOption": if who.is_empty() { "Disable" } else { "Enable" },
        "RecordingParticipantOption": match who.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            _ => json!("Both"),
        },
    })
}

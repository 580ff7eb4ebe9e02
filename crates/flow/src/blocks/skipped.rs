//! Blocks that set up something which does not exist here and which no branch of a flow depends on. Nearly
//! every real flow begins with one: to take its error branch would end flows that run well without it.

use serde_json::json;

use super::{Entered, Outcome, Run};
use crate::memory::Scene;

/// A block that takes Success, and says in the log that nothing was done.
#[derive(Debug)]
pub(crate) struct Skipped {
    reason: &'static str,
}

impl Skipped {
    pub(super) fn read(type_name: &str) -> Option<Self> {
        let (_, reason) = SKIPPED.iter().find(|(name, _)| *name == type_name)?;
        Some(Self { reason })
    }
}

impl Run for Skipped {
    fn enter(&self, _scene: &mut Scene<'_>) -> Entered {
        Entered::leave(json!({}), Outcome::SuccessBut { reason: self.reason.to_owned() })
    }
}

const NO_RECORDING: &str = "skipped: calls are not recorded to object storage here";
const SKIPPED: &[(&str, &str)] = &[
    ("UpdateContactRecordingAndAnalyticsBehavior", NO_RECORDING),
    ("UpdateContactRecordingBehavior", NO_RECORDING),
    ("UpdateContactTextToSpeechVoice", "skipped: prompts are spoken in the one voice that is installed"),
];

//! A prompt that was stopped, or followed by another one, is not heard any more.

use crate::whole::prompts::{heard, place};
use std::collections::BTreeMap;
use tympan_telephony::audio::g711::Law;
use tympan_types::{LegId, PromptId};

pub(crate) const NAME: &str = "a prompt that is over is not heard";

/// What each leg may hear.
#[derive(Default)]
pub(crate) struct Prompts {
    legs: BTreeMap<LegId, Playing>,
}

#[derive(Default)]
struct Playing {
    /// The one that was commanded last, unless it was stopped.
    current: Option<PromptId>,
}

impl Prompts {
    /// A prompt is to play. A contact plays one at a time: the ones before are over.
    pub(crate) fn plays(&mut self, leg: LegId, prompt: PromptId) {
        self.legs.entry(leg).or_default().current = Some(prompt);
    }

    /// A prompt is to stop.
    pub(crate) fn stops(&mut self, leg: LegId, prompt: PromptId) {
        self.legs.entry(leg).or_default().current.take_if(|current| *current == prompt);
    }

    /// A digit ends what the leg hears, in a block that waits for one; or the contact is over.
    pub(crate) fn ends(&mut self, leg: LegId) {
        self.legs.entry(leg).or_default().current = None;
    }

    /// A leg is sent these codes.
    pub(crate) fn sent(&self, leg: LegId, law: Law, codes: &[u8]) -> Result<(), String> {
        let Some(found) = codes.iter().find_map(|code| heard(law, *code)) else { return Ok(()) };
        match self.legs.get(&leg).and_then(|playing| playing.current) {
            Some(current) if place(current) == found => Ok(()),
            current => Err(format!("prompt number {found} is heard, and {current:?} plays")),
        }
    }

    /// The leg is gone.
    pub(crate) fn forget(&mut self, leg: LegId) {
        self.legs.remove(&leg);
    }
}

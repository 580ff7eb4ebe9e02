//! `MessageParticipant` ("Play prompt").

use super::prompt::{self, PromptTemplate};
use super::{Entered, Run};
use crate::effect::Effect;
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};

/// Plays one prompt.
#[derive(Debug)]
pub(crate) struct MessageParticipant {
    prompt: PromptTemplate,
}

impl MessageParticipant {
    pub(super) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        match PromptTemplate::read(parameters)? {
            Some(prompt) => Ok(Self { prompt }),
            None => Err(parameters.refuse("", "have none of PromptId, Text, SSML and Media")),
        }
    }
}

impl Run for MessageParticipant {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let prompt = self.prompt.resolve(scene);
        Entered::perform(prompt::log_parameters(&prompt), Effect::Play(prompt))
    }
}

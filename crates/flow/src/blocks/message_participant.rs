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
    gives_way_to_keys: bool,
}

impl MessageParticipant {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        match PromptTemplate::read(parameters)? {
            Some(prompt) => {
                Ok(Self { prompt, gives_way_to_keys: parameters.flag("SkipWhenDTMFBufferEnabled") })
            }
            None => Err(parameters.refuse("", "have none of PromptId, Text, SSML and Media")),
        }
    }
}

impl Run for MessageParticipant {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let prompt = self.prompt.resolve(scene);
        let parameters = prompt::log_parameters(&prompt);
        match prompt.fault() {
            Some(reason) => Entered::failed(parameters, reason),
            None if self.gives_way_to_keys => Entered::perform(parameters, Effect::PlayUnlessKeyed(prompt)),
            None => Entered::perform(parameters, Effect::Play(prompt)),
        }
    }
}

//! `UpdateContactTextToSpeechVoice` ("Set voice"): the voice of the prompts that follow.

use serde_json::json;

use super::{Entered, Run};
use crate::effect::{ContactChange, Voice};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters};
use crate::template::Template;

/// Sets the voice.
#[derive(Debug)]
pub(crate) struct UpdateContactTextToSpeechVoice {
    name: Template,
    engine: Option<Template>,
    style: Option<Template>,
}

impl UpdateContactTextToSpeechVoice {
    pub(crate) fn read(parameters: &mut Parameters<'_>) -> Result<Self, Misconfigured> {
        Ok(Self {
            name: parameters.required_template("TextToSpeechVoice")?,
            engine: parameters.template("TextToSpeechEngine"),
            style: parameters.template("TextToSpeechStyle"),
        })
    }
}

impl Run for UpdateContactTextToSpeechVoice {
    fn enter(&self, scene: &mut Scene<'_>) -> Entered {
        let text = |template: &Option<Template>| {
            let text = template.as_ref().map(|template| scene.resolve(template));
            text.filter(|text| !text.is_empty())
        };
        let voice =
            Voice { name: scene.resolve(&self.name), engine: text(&self.engine), style: text(&self.style) };
        let log = json!({ "GlobalVoice": voice.name, "GlobalEngine": voice.engine });
        if voice.name.is_empty() {
            return Entered::failed(log, "TextToSpeechVoice resolves to nothing");
        }
        Entered::change(log, ContactChange::Voice(voice))
    }
}

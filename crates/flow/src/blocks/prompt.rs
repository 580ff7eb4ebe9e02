//! What a caller is to hear: one of `PromptId`, `Text`, `SSML`, `Media{Uri, SourceType, MediaType}`.

use serde_json::{Value, json};

use crate::effect::{Prompt, ResourceRef};
use crate::memory::Scene;
use crate::parameters::{Misconfigured, Parameters, ResourceTemplate};
use crate::ssml;
use crate::template::Template;

/// A prompt whose text may hold references.
#[derive(Debug)]
pub(super) enum PromptTemplate {
    Text(Template),
    Ssml(Template),
    Audio(ResourceTemplate),
}

impl PromptTemplate {
    /// Reads the prompt among a block's parameters; `None` where it has none.
    pub(super) fn read(parameters: &mut Parameters<'_>) -> Result<Option<Self>, Misconfigured> {
        Self::read_at(parameters, "")
    }

    /// The same below a parameter: `Messages[0]`.
    pub(super) fn read_at(
        parameters: &mut Parameters<'_>,
        place: &str,
    ) -> Result<Option<Self>, Misconfigured> {
        let at = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
        let sources: Vec<_> = ["PromptId", "Text", "SSML", "Media"]
            .into_iter()
            .filter(|name| parameters.has(&at(name)))
            .collect();
        if let [first, second, ..] = sources.as_slice() {
            parameters.note(&at(second), format!("cannot be used together with {first}"));
        }
        Ok(Some(match sources.first().copied() {
            Some("PromptId") => Self::Audio(parameters.required_resource(&at("PromptId"))?),
            Some("Text") => Self::Text(parameters.required_template(&at("Text"))?),
            Some("SSML") => Self::Ssml(parameters.required_template(&at("SSML"))?),
            Some(_) => Self::Audio(parameters.required_resource(&at("Media.Uri"))?),
            None => return Ok(None),
        }))
    }

    /// The prompt with its references replaced. A text that is a whole `<speak>` document is SSML, as published flows have it.
    pub(super) fn resolve(&self, scene: &Scene<'_>) -> Prompt {
        match self {
            Self::Text(text) => match scene.resolve(text) {
                document if ssml::is_document(&document) => Prompt::Ssml(document),
                text => Prompt::Text(text),
            },
            Self::Ssml(text) => Prompt::Ssml(scene.resolve(text)),
            Self::Audio(prompt) => {
                let ResourceRef { id, name } = prompt.resolve(scene);
                Prompt::Audio { id, name }
            }
        }
    }
}

impl Prompt {
    /// What is to be spoken; `None` for a recording.
    ///
    /// Errors: SSML that is not well formed, or more text than a prompt may have.
    pub fn pieces(&self) -> Option<Result<Vec<ssml::Piece>, ssml::SsmlError>> {
        match self {
            Self::Text(text) => Some(ssml::plain(text)),
            Self::Ssml(document) => Some(ssml::read(document)),
            Self::Audio { .. } => None,
        }
    }

    /// Why it cannot be played, whatever the voice; for the flow log.
    pub(super) fn fault(&self) -> Option<String> {
        match self {
            Self::Audio { id, name: None } if id.is_empty() => {
                Some("the prompt's id resolves to nothing".to_owned())
            }
            _ => self.pieces()?.err().map(|error| error.to_string()),
        }
    }
}

/// The prompt among the `Parameters` of a log entry.
pub(super) fn log_parameters(prompt: &Prompt) -> Value {
    match prompt {
        Prompt::Text(text) => json!({ "Text": text, "TextToSpeechType": "text" }),
        Prompt::Ssml(text) => json!({ "Text": text, "TextToSpeechType": "ssml" }),
        Prompt::Audio { id, .. } => json!({ "AudioPrompt": id }),
    }
}

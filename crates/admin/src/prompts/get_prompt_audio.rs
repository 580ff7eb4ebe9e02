use super::target::PromptTarget;
use crate::documentation::{Documentation, Documented, Form};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{Media, Operation, Output};
use tympan_telephony::audio::wav;

/// Gives the sound of a prompt.
pub(crate) struct GetPromptAudio;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    prompt_id: String,
}

impl Documented for GetPromptAudio {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Gives the sound of a prompt as a caller hears it: a WAV file of 8,000 Hz, one channel and 16 bits.",
        query: &[],
        body: &[],
        answer: &[],
        errors: &[ErrorCode::NotFound, ErrorCode::SoundUnavailable],
    };
    const FORM: Form = Form::Media(&["audio/wav"]);
}

impl Operation for GetPromptAudio {
    type Service = AdminService;
    type Input = Input;
    type Target = PromptTarget;
    const NAME: &'static str = "GetPromptAudio";

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<PromptTarget, AdminError> {
        Ok(PromptTarget::of(cx, &input.instance_id, &input.prompt_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: PromptTarget) -> Result<Output, AdminError> {
        let (_, prompt) = target.known()?;
        let samples = cx.service.parts().prompt_sounds.read(prompt.recording).await.map_err(|why| {
            let message =
                format!("The sound of the prompt cannot be had, and callers do not hear it: {why}.");
            AdminError::new(ErrorCode::SoundUnavailable, message)
        })?;
        Ok(Output::media(Media {
            content_type: "audio/wav",
            headers: Vec::new(),
            body: wav::write(&samples),
        }))
    }
}

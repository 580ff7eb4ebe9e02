use super::prompt_sounds::{ANSWER, PROMPT_UPLOAD_MAX_BYTES, Uploaded};
use super::target::PromptTarget;
use crate::documentation::{Documentation, Documented};
use crate::error::{AdminError, ErrorCode};
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{BodyRule, Operation, Output};

/// Gives a prompt another sound.
pub(crate) struct PutPromptAudio;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    instance_id: String,
    prompt_id: String,
}

impl Documented for PutPromptAudio {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Gives a prompt the sound of a WAV file in place of its own; the sound is durable when this is answered.",
        query: &[],
        body: &[],
        answer: ANSWER,
        errors: &[ErrorCode::NotFound],
    };
    const TAKES: &'static [&'static str] = &["audio/wav"];
}

impl Operation for PutPromptAudio {
    type Service = AdminService;
    type Input = Input;
    type Target = PromptTarget;
    const NAME: &'static str = "PutPromptAudio";
    const BODY: BodyRule = BodyRule::Media { limit_bytes: PROMPT_UPLOAD_MAX_BYTES };

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<PromptTarget, AdminError> {
        Ok(PromptTarget::of(cx, &input.instance_id, &input.prompt_id))
    }

    async fn call(cx: &Context<'_>, _: Input, target: PromptTarget) -> Result<Output, AdminError> {
        let (instance, prompt) = target.known()?;
        let sound = Uploaded::read(cx.media)?;
        let samples = sound.samples();
        let connect = &cx.service.parts().connect;
        let prompt = connect.replace_prompt_sound(cx.now, &instance, prompt.id, sound.wav)?;
        Ok(Uploaded::answer(&prompt, samples))
    }
}

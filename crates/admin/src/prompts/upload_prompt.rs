use super::prompt_sounds::{ANSWER, PROMPT_UPLOAD_MAX_BYTES, Uploaded};
use crate::documentation::{Documentation, Documented, Kind, always, maybe};
use crate::error::{AdminError, ErrorCode};
use crate::flows::InstanceTarget;
use crate::service::{AdminService, Context};
use serde::Deserialize;
use tympan_aws::{BodyRule, Operation, Output};

/// Creates a prompt whose sound comes with the request.
pub(crate) struct UploadPrompt;

#[derive(Deserialize)]
pub(crate) struct Input {
    #[serde(rename = "InstanceId")]
    instance_id: String,
    /// Missed once the policies have been asked.
    name: Option<String>,
    description: Option<String>,
}

impl Documented for UploadPrompt {
    const DOCUMENTATION: Documentation = Documentation {
        summary: "Creates a prompt with the sound of a WAV file; both are durable when this is answered.",
        query: &[
            always("name", Kind::Text, "the name by which flows find it: 1 to 127 characters"),
            maybe("description", Kind::Text, "at most 250 characters"),
        ],
        body: &[],
        answer: ANSWER,
        errors: &[ErrorCode::NotFound, ErrorCode::Conflict, ErrorCode::LimitExceeded],
    };
    const TAKES: &'static [&'static str] = &["audio/wav"];
}

impl Operation for UploadPrompt {
    type Service = AdminService;
    type Input = Input;
    type Target = InstanceTarget;
    const NAME: &'static str = "UploadPrompt";
    const QUERY: &'static [&'static str] = &["name", "description"];
    const BODY: BodyRule = BodyRule::Media { limit_bytes: PROMPT_UPLOAD_MAX_BYTES };

    async fn resolve(cx: &Context<'_>, input: &Input) -> Result<InstanceTarget, AdminError> {
        Ok(InstanceTarget::of(cx, &input.instance_id))
    }

    async fn call(cx: &Context<'_>, input: Input, target: InstanceTarget) -> Result<Output, AdminError> {
        let name = input.name.ok_or_else(|| AdminError::validation("name is missing in the query."))?;
        let instance = target.known()?;
        let sound = Uploaded::read(cx.media)?;
        let samples = sound.samples();
        let connect = &cx.service.parts().connect;
        let prompt = connect.upload_prompt(cx.now, &instance, &name, input.description, sound.wav)?;
        Ok(Uploaded::answer(&prompt, samples))
    }
}

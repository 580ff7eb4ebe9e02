//! CreatePrompt: PUT /prompts/{InstanceId}.

use super::Prompt;
use crate::error::ConnectError;
use crate::named::{Creation, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    #[serde(rename = "S3Uri")]
    s3_uri: String,
}

/// Creates a prompt. Its sound is fetched when it is played.
pub(crate) struct CreatePrompt;

impl Creation for CreatePrompt {
    type Spec = Prompt;
    type Members = Members;
    const NAME: &'static str = "CreatePrompt";

    fn spec(_: &Scene<'_>, members: Members) -> Result<Prompt, ConnectError> {
        Prompt::at(&members.s3_uri)
    }
}

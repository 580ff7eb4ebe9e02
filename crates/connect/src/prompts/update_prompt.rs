//! UpdatePrompt: POST /prompts/{InstanceId}/{PromptId}.

use super::Prompt;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::Output;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    name: Option<String>,
    description: Option<String>,
    #[serde(rename = "S3Uri")]
    s3_uri: Option<String>,
}

/// Changes a prompt; a member that is absent stays as it is.
pub(crate) struct UpdatePrompt;

impl Change for UpdatePrompt {
    type Spec = Prompt;
    type Members = Members;
    const NAME: &'static str = "UpdatePrompt";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<Prompt>) -> Result<(), ConnectError> {
        scene.rename(named, members.name, members.description)?;
        if let Some(uri) = &members.s3_uri {
            named.spec = Prompt::at(uri)?;
        }
        Ok(())
    }

    fn answer(scene: &Scene<'_>, named: &Named<Prompt>) -> Output {
        Output::json(&json!({ "PromptId": named.id, "PromptARN": scene.arn::<Prompt>(named.id) }))
    }
}

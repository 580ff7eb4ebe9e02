//! CreateUseCase: PUT /instance/{InstanceId}/integration-associations/{IntegrationAssociationId}/use-cases.

use super::Integration;
use super::UseCase;
use crate::error::ConnectError;
use crate::error::ErrorCode;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::Output;
use tympan_types::ResourceId;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    use_case_type: String,
}

/// Adds a use case to an integration association.
pub(crate) struct CreateUseCase;

impl Change for CreateUseCase {
    type Spec = Integration;
    type Members = Members;
    const NAME: &'static str = "CreateUseCase";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<Integration>,
    ) -> Result<(), ConnectError> {
        let use_case_type = members.use_case_type;
        if !["RULES_EVALUATION", "CONNECT_CAMPAIGNS"].contains(&use_case_type.as_str()) {
            return Err(ConnectError::request("UseCaseType must be RULES_EVALUATION or CONNECT_CAMPAIGNS"));
        }
        let known = &mut named.spec.use_cases;
        if known.iter().any(|known| known.use_case_type == use_case_type) {
            let message = "the integration association has a use case of this type already";
            return Err(ConnectError::new(ErrorCode::DuplicateResource, message));
        }
        known.push(UseCase { id: ResourceId::from_random(scene.service.random()), use_case_type });
        Ok(())
    }

    fn answer(scene: &Scene<'_>, named: &Named<Integration>) -> Output {
        let id = named.spec.use_cases.last().map(|new| new.id.to_string()).unwrap_or_default();
        let arn = format!("{}/use-case/{id}", scene.arn::<Integration>(named.id));
        Output::json(&json!({ "UseCaseId": id, "UseCaseArn": arn }))
    }
}

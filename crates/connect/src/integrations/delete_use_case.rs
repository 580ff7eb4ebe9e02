//! DeleteUseCase: DELETE /instance/{InstanceId}/integration-associations/{IntegrationAssociationId}/use-cases/{UseCaseId}.

use super::Integration;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    use_case_id: String,
}

/// Takes a use case away from an integration association.
pub(crate) struct DeleteUseCase;

impl Change for DeleteUseCase {
    type Spec = Integration;
    type Members = Members;
    const NAME: &'static str = "DeleteUseCase";

    fn apply(_: &Scene<'_>, members: Members, named: &mut Named<Integration>) -> Result<(), ConnectError> {
        let known = &mut named.spec.use_cases;
        let count = known.len();
        known.retain(|known| known.id.to_string() != members.use_case_id);
        match known.len() < count {
            true => Ok(()),
            false => Err(ConnectError::not_found("the integration association has no such use case")),
        }
    }
}

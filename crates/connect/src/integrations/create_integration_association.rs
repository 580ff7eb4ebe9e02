//! CreateIntegrationAssociation: PUT /instance/{InstanceId}/integration-associations.

use super::Integration;
use super::integration::check_type;
use crate::error::ConnectError;
use crate::named::{Creation, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    integration_type: String,
    source_application_url: Option<String>,
    source_application_name: Option<String>,
    source_type: Option<String>,
}

/// Associates another service with an instance.
pub(crate) struct CreateIntegrationAssociation;

impl Creation for CreateIntegrationAssociation {
    type Spec = Integration;
    type Members = Members;
    const NAME: &'static str = "CreateIntegrationAssociation";

    fn spec(_: &Scene<'_>, members: Members) -> Result<Integration, ConnectError> {
        check_type(&members.integration_type)?;
        Ok(Integration {
            integration_type: members.integration_type,
            source_url: members.source_application_url,
            source_name: members.source_application_name,
            source_type: members.source_type,
            use_cases: Vec::new(),
        })
    }
}

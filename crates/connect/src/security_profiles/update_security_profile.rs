//! UpdateSecurityProfile: POST /security-profiles/{InstanceId}/{SecurityProfileId}.

use super::SecurityProfile;
use super::security_profile::Wanted;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    description: Option<String>,
    #[serde(flatten)]
    wanted: Wanted,
}

/// Changes permissions and description of a security profile; a member that is absent stays as it is.
pub(crate) struct UpdateSecurityProfile;

impl Change for UpdateSecurityProfile {
    type Spec = SecurityProfile;
    type Members = Members;
    const NAME: &'static str = "UpdateSecurityProfile";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<SecurityProfile>,
    ) -> Result<(), ConnectError> {
        scene.rename(named, None, members.description)?;
        members.wanted.apply(&mut named.spec)
    }
}

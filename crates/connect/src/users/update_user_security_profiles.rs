//! UpdateUserSecurityProfiles: POST /users/{InstanceId}/{UserId}/security-profiles.

use super::User;
use super::user::security_profiles;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    security_profile_ids: Vec<String>,
}

/// Gives a user other security profiles.
pub(crate) struct UpdateUserSecurityProfiles;

impl Change for UpdateUserSecurityProfiles {
    type Spec = User;
    type Members = Members;
    const NAME: &'static str = "UpdateUserSecurityProfiles";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<User>) -> Result<(), ConnectError> {
        named.spec.security_profiles = security_profiles(scene, &members.security_profile_ids)?;
        Ok(())
    }
}

//! UpdateUserIdentityInfo: POST /users/{InstanceId}/{UserId}/identity-info.

use super::IdentityInfo;
use super::User;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    identity_info: IdentityInfo,
}

/// Changes who a user is.
pub(crate) struct UpdateUserIdentityInfo;

impl Change for UpdateUserIdentityInfo {
    type Spec = User;
    type Members = Members;
    const NAME: &'static str = "UpdateUserIdentityInfo";

    fn apply(_: &Scene<'_>, members: Members, named: &mut Named<User>) -> Result<(), ConnectError> {
        named.spec.identity = members.identity_info.checked()?;
        Ok(())
    }
}

//! UpdateUserPhoneConfig: POST /users/{InstanceId}/{UserId}/phone-config.

use super::PhoneConfig;
use super::User;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    phone_config: PhoneConfig,
}

/// Changes by what calls reach a user.
pub(crate) struct UpdateUserPhoneConfig;

impl Change for UpdateUserPhoneConfig {
    type Spec = User;
    type Members = Members;
    const NAME: &'static str = "UpdateUserPhoneConfig";

    fn apply(_: &Scene<'_>, members: Members, named: &mut Named<User>) -> Result<(), ConnectError> {
        named.spec.phone = members.phone_config.checked()?;
        Ok(())
    }
}

//! UpdateUserRoutingProfile: POST /users/{InstanceId}/{UserId}/routing-profile.

use super::User;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use crate::routing_profiles::RoutingProfile;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    routing_profile_id: String,
}

/// Gives a user another routing profile.
pub(crate) struct UpdateUserRoutingProfile;

impl Change for UpdateUserRoutingProfile {
    type Spec = User;
    type Members = Members;
    const NAME: &'static str = "UpdateUserRoutingProfile";

    fn apply(scene: &Scene<'_>, members: Members, named: &mut Named<User>) -> Result<(), ConnectError> {
        named.spec.routing_profile = scene.find::<RoutingProfile>(&members.routing_profile_id)?.id;
        Ok(())
    }
}

//! UpdateRoutingProfileName: POST /routing-profiles/{InstanceId}/{RoutingProfileId}/name.

use super::RoutingProfile;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    name: Option<String>,
    description: Option<String>,
}

/// Changes name and description of a routing profile; a member that is absent stays as it is.
pub(crate) struct UpdateRoutingProfileName;

impl Change for UpdateRoutingProfileName {
    type Spec = RoutingProfile;
    type Members = Members;
    const NAME: &'static str = "UpdateRoutingProfileName";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<RoutingProfile>,
    ) -> Result<(), ConnectError> {
        scene.rename(named, members.name, members.description)
    }
}

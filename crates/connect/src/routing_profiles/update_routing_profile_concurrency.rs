//! UpdateRoutingProfileConcurrency: POST /routing-profiles/{InstanceId}/{RoutingProfileId}/concurrency.

use super::MediaConcurrency;
use super::RoutingProfile;
use super::routing_profile::check;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    media_concurrencies: Vec<MediaConcurrency>,
}

/// Changes how many contacts a user has at once.
pub(crate) struct UpdateRoutingProfileConcurrency;

impl Change for UpdateRoutingProfileConcurrency {
    type Spec = RoutingProfile;
    type Members = Members;
    const NAME: &'static str = "UpdateRoutingProfileConcurrency";

    fn apply(_: &Scene<'_>, members: Members, named: &mut Named<RoutingProfile>) -> Result<(), ConnectError> {
        check(&members.media_concurrencies)?;
        named.spec.concurrencies = members.media_concurrencies;
        Ok(())
    }
}

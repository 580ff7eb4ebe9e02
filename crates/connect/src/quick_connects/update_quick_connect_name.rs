//! UpdateQuickConnectName: POST /quick-connects/{InstanceId}/{QuickConnectId}/name.

use super::QuickConnect;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    name: Option<String>,
    description: Option<String>,
}

/// Changes name and description of a quick connect; a member that is absent stays as it is.
pub(crate) struct UpdateQuickConnectName;

impl Change for UpdateQuickConnectName {
    type Spec = QuickConnect;
    type Members = Members;
    const NAME: &'static str = "UpdateQuickConnectName";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<QuickConnect>,
    ) -> Result<(), ConnectError> {
        scene.rename(named, members.name, members.description)
    }
}

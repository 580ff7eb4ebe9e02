//! UpdateQuickConnectConfig: POST /quick-connects/{InstanceId}/{QuickConnectId}/config.

use super::QuickConnect;
use super::quick_connect::QuickConnectConfig;
use crate::error::ConnectError;
use crate::named::{Change, Named, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    quick_connect_config: QuickConnectConfig,
}

/// Lets a quick connect lead to something else.
pub(crate) struct UpdateQuickConnectConfig;

impl Change for UpdateQuickConnectConfig {
    type Spec = QuickConnect;
    type Members = Members;
    const NAME: &'static str = "UpdateQuickConnectConfig";

    fn apply(
        scene: &Scene<'_>,
        members: Members,
        named: &mut Named<QuickConnect>,
    ) -> Result<(), ConnectError> {
        named.spec = members.quick_connect_config.found(scene)?;
        Ok(())
    }
}

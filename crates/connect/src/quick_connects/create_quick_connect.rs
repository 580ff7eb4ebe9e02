//! CreateQuickConnect: PUT /quick-connects/{InstanceId}.

use super::QuickConnect;
use super::quick_connect::QuickConnectConfig;
use crate::error::ConnectError;
use crate::named::{Creation, Scene};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    quick_connect_config: QuickConnectConfig,
}

/// Creates a quick connect.
pub(crate) struct CreateQuickConnect;

impl Creation for CreateQuickConnect {
    type Spec = QuickConnect;
    type Members = Members;
    const NAME: &'static str = "CreateQuickConnect";

    fn spec(scene: &Scene<'_>, members: Members) -> Result<QuickConnect, ConnectError> {
        members.quick_connect_config.found(scene)
    }
}

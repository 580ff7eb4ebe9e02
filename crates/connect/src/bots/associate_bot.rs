//! AssociateBot: PUT /instance/{InstanceId}/bot.

use super::bot::{Named, associate};
use crate::error::ConnectError;
use crate::instances::{Instance, InstanceEdit};
use crate::named::Scene;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    #[serde(flatten)]
    bot: Named,
}

/// Lets the flows of an instance use a bot.
pub(crate) struct AssociateBot;

impl InstanceEdit for AssociateBot {
    type Members = Members;
    const NAME: &'static str = "AssociateBot";

    fn apply(_: &Scene<'_>, members: Members, instance: &mut Instance) -> Result<(), ConnectError> {
        associate(instance, members.bot.bot()?)
    }
}

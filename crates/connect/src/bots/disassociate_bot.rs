//! DisassociateBot: POST /instance/{InstanceId}/bot.

use super::bot::{Named, disassociate};
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

/// Takes a bot away from the flows of an instance.
pub(crate) struct DisassociateBot;

impl InstanceEdit for DisassociateBot {
    type Members = Members;
    const NAME: &'static str = "DisassociateBot";

    fn apply(_: &Scene<'_>, members: Members, instance: &mut Instance) -> Result<(), ConnectError> {
        disassociate(instance, &members.bot.bot()?)
    }
}

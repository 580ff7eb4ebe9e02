//! AssociateLexBot: PUT /instance/{InstanceId}/lex-bot.

use super::bot::{LexBot, associate};
use crate::error::ConnectError;
use crate::instances::{Instance, InstanceEdit};
use crate::named::Scene;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    lex_bot: LexBot,
}

/// Lets the flows of an instance use a bot of the first version.
pub(crate) struct AssociateLexBot;

impl InstanceEdit for AssociateLexBot {
    type Members = Members;
    const NAME: &'static str = "AssociateLexBot";

    fn apply(_: &Scene<'_>, members: Members, instance: &mut Instance) -> Result<(), ConnectError> {
        associate(instance, members.lex_bot.bot()?)
    }
}

//! DisassociateLexBot: DELETE /instance/{InstanceId}/lex-bot.

use super::Bot;
use super::bot::disassociate;
use crate::error::ConnectError;
use crate::instances::{Instance, InstanceEdit};
use crate::named::Scene;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Members {
    #[serde(rename = "botName")]
    bot_name: String,
    #[serde(rename = "lexRegion")]
    lex_region: String,
}

/// Takes a bot of the first version away from the flows of an instance.
pub(crate) struct DisassociateLexBot;

impl InstanceEdit for DisassociateLexBot {
    type Members = Members;
    const NAME: &'static str = "DisassociateLexBot";
    const QUERY: &'static [&'static str] = &["botName", "lexRegion"];

    fn apply(_: &Scene<'_>, members: Members, instance: &mut Instance) -> Result<(), ConnectError> {
        disassociate(instance, &Bot::V1 { name: members.bot_name, region: members.lex_region })
    }
}

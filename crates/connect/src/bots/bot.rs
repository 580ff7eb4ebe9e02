use crate::error::{ConnectError, ErrorCode};
use crate::instances::Instance;
use crate::service::Limits;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most bots of one instance.
const MOST: usize = 100;

/// A bot that flows may use; kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bot {
    /// Of the first version, by name and region.
    V1 {
        /// Its name.
        name: String,
        /// Where it is.
        region: String,
    },
    /// Of the second version, by the ARN of an alias.
    V2(String),
}

/// A bot of either version, as requests name it.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Named {
    lex_bot: Option<LexBot>,
    #[serde(rename = "LexV2Bot")]
    lex_v2_bot: Option<LexV2Bot>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LexBot {
    name: String,
    lex_region: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct LexV2Bot {
    alias_arn: String,
}

impl Named {
    pub(super) fn bot(self) -> Result<Bot, ConnectError> {
        match (self.lex_bot, self.lex_v2_bot) {
            (Some(bot), None) => bot.bot(),
            (None, Some(bot))
                if (1..=100).contains(&bot.alias_arn.len()) && bot.alias_arn.starts_with("arn:") =>
            {
                Ok(Bot::V2(bot.alias_arn))
            }
            (None, Some(_)) => {
                Err(ConnectError::request("LexV2Bot.AliasArn is an ARN of at most 100 characters"))
            }
            _ => Err(ConnectError::request("one of LexBot and LexV2Bot names the bot")),
        }
    }
}

impl LexBot {
    pub(super) fn bot(self) -> Result<Bot, ConnectError> {
        let fits = (1..=50).contains(&self.name.chars().count()) && (1..=60).contains(&self.lex_region.len());
        if !fits {
            return Err(ConnectError::request("LexBot has a Name to 50 characters and a LexRegion to 60"));
        }
        Ok(Bot::V1 { name: self.name, region: self.lex_region })
    }
}

impl Bot {
    pub(super) fn is_v2(&self) -> bool {
        matches!(self, Self::V2(_))
    }

    /// By what it is sorted, and how it is shown; `is_bare` is how the older operations show it.
    pub(super) fn shown(&self, is_bare: bool) -> (String, Value) {
        match self {
            Self::V1 { name, region } => {
                let bot = json!({ "Name": name, "LexRegion": region });
                (format!("{name} {region}"), if is_bare { bot } else { json!({ "LexBot": bot }) })
            }
            Self::V2(arn) => (arn.clone(), json!({ "LexV2Bot": { "AliasArn": arn } })),
        }
    }
}

/// Lets the flows of an instance use a bot.
pub(super) fn associate(instance: &mut Instance, bot: Bot) -> Result<(), ConnectError> {
    if instance.config.bots.contains(&bot) {
        let message = "the bot is associated with the instance already";
        return Err(ConnectError::new(ErrorCode::ResourceConflict, message));
    }
    let count = instance.config.bots.len();
    Limits::check(count, MOST, ErrorCode::ServiceQuotaExceeded, "bots of an instance")?;
    instance.config.bots.push(bot);
    Ok(())
}

/// Takes that away again.
pub(super) fn disassociate(instance: &mut Instance, bot: &Bot) -> Result<(), ConnectError> {
    if !instance.config.bots.contains(bot) {
        return Err(ConnectError::not_found("the bot is not associated with the instance"));
    }
    instance.config.bots.retain(|known| known != bot);
    Ok(())
}

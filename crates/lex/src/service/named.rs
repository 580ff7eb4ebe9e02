use super::{LexCx, LexError, LexService};
use crate::alias::{BotAlias, Conversation, is_session_id};
use crate::bot::Bot;
use serde::Deserialize;
use tympan_aws::{Asks, Operation, Output, Resource, Target};

/// The labels of every path.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Labels {
    pub(crate) bot_id: String,
    pub(crate) bot_alias_id: String,
    pub(crate) locale_id: String,
    pub(crate) session_id: String,
}

/// The conversation that a request is about.
pub(crate) struct ConversationTarget {
    arn: String,
    pub(crate) conversation: Conversation,
}

impl Target for ConversationTarget {
    fn asks(&self, asks: &mut Asks) {
        asks.on(Resource::new(self.arn.as_str()));
    }

    fn subject(&self) -> Option<&str> {
        Some(&self.conversation.session_id)
    }
}

impl Labels {
    pub(crate) fn resolve(&self, cx: &LexCx<'_>) -> Result<ConversationTarget, LexError> {
        let alias = BotAlias::new(&self.bot_id, &self.bot_alias_id).ok_or_else(|| {
            LexError::validation("botId and botAliasId must be 10 letters and digits each.")
        })?;
        let arn = alias.arn(&cx.caller.region, &cx.caller.account);
        let (locale, session_id) = (self.locale_id.clone(), self.session_id.clone());
        Ok(ConversationTarget { arn, conversation: Conversation { alias, locale, session_id } })
    }
}

impl ConversationTarget {
    /// The bot that is meant.
    pub(crate) fn bot<'a>(&self, cx: &LexCx<'a>) -> Result<&'a Bot, LexError> {
        let Conversation { alias, locale, session_id } = &self.conversation;
        if !is_session_id(session_id) {
            return Err(LexError::validation(
                "sessionId must be 2 to 100 characters of 0-9, a-z, A-Z, period, underscore, colon and hyphen.",
            ));
        }
        let bot = cx.service.bot(alias);
        let bot =
            bot.ok_or_else(|| LexError::not_found(format!("There is no bot with the alias {alias}.")))?;
        if !bot.locales.iter().any(|known| known == locale) {
            let shown: String = locale.chars().take(40).collect();
            return Err(LexError::not_found(format!("The bot {} has no locale {shown}.", bot.name)));
        }
        Ok(bot)
    }
}

/// Reads nothing but what a request names.
pub(crate) struct Named;

impl Operation for Named {
    type Service = LexService;
    type Input = Labels;
    type Target = ConversationTarget;
    const NAME: &'static str = "Named";

    async fn resolve(cx: &LexCx<'_>, labels: &Labels) -> Result<ConversationTarget, LexError> {
        labels.resolve(cx)
    }

    async fn call(_: &LexCx<'_>, _: Labels, _: ConversationTarget) -> Result<Output, LexError> {
        Ok(Output::empty_object())
    }
}

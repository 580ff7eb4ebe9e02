use super::get_session::no_session;
use super::named::{ConversationTarget, Labels};
use super::recognize::busy;
use super::{LexCx, LexError, LexService};
use crate::alias::Conversation;
use crate::bot::SessionBusy;
use serde_json::json;
use tympan_aws::{Operation, Output};

/// Ends a conversation.
pub(crate) struct DeleteSession;

impl Operation for DeleteSession {
    type Service = LexService;
    type Input = Labels;
    type Target = ConversationTarget;
    const NAME: &'static str = "DeleteSession";

    async fn resolve(cx: &LexCx<'_>, labels: &Labels) -> Result<ConversationTarget, LexError> {
        labels.resolve(cx)
    }

    async fn call(cx: &LexCx<'_>, _: Labels, target: ConversationTarget) -> Result<Output, LexError> {
        target.bot(cx)?;
        let removed = cx.service.0.sessions.remove(&target.conversation, cx.now);
        if !removed.map_err(|SessionBusy| busy())? {
            return Err(no_session());
        }
        let Conversation { alias, locale, session_id } = &target.conversation;
        Ok(Output::json(&json!({
            "botId": alias.bot_id,
            "botAliasId": alias.alias_id,
            "localeId": locale,
            "sessionId": session_id,
        })))
    }
}

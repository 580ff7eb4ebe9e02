use super::named::{ConversationTarget, Labels};
use super::{LexCx, LexError, LexService, answer};
use tympan_aws::{Operation, Output};

/// Where a conversation stands.
pub(crate) struct GetSession;

impl Operation for GetSession {
    type Service = LexService;
    type Input = Labels;
    type Target = ConversationTarget;
    const NAME: &'static str = "GetSession";

    async fn resolve(cx: &LexCx<'_>, labels: &Labels) -> Result<ConversationTarget, LexError> {
        labels.resolve(cx)
    }

    async fn call(cx: &LexCx<'_>, _: Labels, target: ConversationTarget) -> Result<Output, LexError> {
        target.bot(cx)?;
        let session = cx.service.0.sessions.get(&target.conversation, cx.now).ok_or_else(no_session)?;
        Ok(answer::json(&target, &session, None))
    }
}

pub(super) fn no_session() -> LexError {
    LexError::not_found("There is no such session, or it has ended.")
}

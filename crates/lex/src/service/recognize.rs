//! From what was said to what a bot answers, for both ways to say it.

use super::named::ConversationTarget;
use super::{LexCx, LexError, LexErrorCode};
use crate::bot::{Bot, Call, Heard, Session, SessionBusy, SessionInHand, SessionsFull, Step};
use crate::model::{Attributes, SessionState};
use serde_json::json;
use std::sync::atomic::Ordering::Relaxed;

/// The session of a request to work on.
pub(super) fn take<'a>(
    cx: &LexCx<'a>,
    target: &ConversationTarget,
    bot: &Bot,
) -> Result<SessionInHand<'a>, LexError> {
    let taken = cx.service.0.sessions.take(&target.conversation, cx.now, bot.session_timeout_s);
    taken.map_err(|SessionBusy| busy())?.map_err(|SessionsFull| {
        cx.service.0.counters.refused_sessions.fetch_add(1, Relaxed);
        LexError::new(LexErrorCode::Throttling, "There are too many sessions; try again later.")
    })
}

pub(super) fn busy() -> LexError {
    LexError::new(LexErrorCode::Conflict, "Another request of this session is being answered.")
}

/// Has a bot answer; the session is left for the caller to keep.
pub(super) async fn recognize(
    cx: &LexCx<'_>,
    target: &ConversationTarget,
    bot: &Bot,
    session: &mut Session,
    state: Option<SessionState>,
    request_attributes: &Attributes,
    heard: &Heard,
) -> Result<(), LexError> {
    if let Some(state) = state {
        bot.merge(session, state).map_err(|what| LexError::validation(format!("sessionState: {what}.")))?;
    }
    session.state.originating_request_id.get_or_insert_with(|| cx.request_id.to_owned());
    session.state.session_attributes.get_or_insert_default();
    let step = bot.hear(session, cx.now, heard);
    finish(cx, target, bot, session, request_attributes, step).await?;
    cx.service.0.counters.recognitions.fetch_add(1, Relaxed);
    Ok(())
}

/// Asks the functions that a step needs, until there is an answer. A turn asks two at most: one of the dialog, one to fulfil.
pub(super) async fn finish(
    cx: &LexCx<'_>,
    target: &ConversationTarget,
    bot: &Bot,
    session: &mut Session,
    request_attributes: &Attributes,
    mut step: Step,
) -> Result<(), LexError> {
    for _ in 0..=CALLS_MAX {
        let Step::Call(call) = step else { return Ok(()) };
        let Call { function, hook, mut event } = call;
        let alias = &target.conversation.alias;
        event["bot"] = json!({
            "id": alias.bot_id,
            "name": bot.name,
            "aliasId": alias.alias_id,
            "aliasName": alias.alias_id,
            "localeId": target.conversation.locale,
            "version": "DRAFT",
        });
        event["sessionId"] = json!(target.conversation.session_id);
        event["requestAttributes"] = json!(request_attributes);
        let failed = |why: String| {
            cx.service.0.counters.failed_functions.fetch_add(1, Relaxed);
            LexError::dependency(format!("The function {function} failed: {why}"))
        };
        let Some(functions) = &cx.service.0.functions else {
            return Err(failed("this server reaches no functions.".to_owned()));
        };
        let returned = functions.invoke(&function, event.to_string().into_bytes()).await.map_err(failed)?;
        step = bot.resume(session, hook, &returned).map_err(failed)?;
    }
    Err(LexError::dependency("The bot's functions call each other without an end."))
}

const CALLS_MAX: usize = 2;

use super::named::{ConversationTarget, Labels};
use super::recognize::{finish, take};
use super::{LexCx, LexError, LexService, answer};
use crate::model::{Attributes, Message, SessionState};
use serde::Deserialize;
use tympan_aws::{Operation, Output, constraint};

/// Sets where a conversation stands.
pub(crate) struct PutSession;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    #[serde(flatten)]
    labels: Labels,
    #[serde(default)]
    messages: Vec<Message>,
    session_state: Option<SessionState>,
    request_attributes: Option<Attributes>,
}

impl Operation for PutSession {
    type Service = LexService;
    type Input = Input;
    type Target = ConversationTarget;
    const NAME: &'static str = "PutSession";

    async fn resolve(cx: &LexCx<'_>, input: &Input) -> Result<ConversationTarget, LexError> {
        input.labels.resolve(cx)
    }

    async fn call(cx: &LexCx<'_>, input: Input, target: ConversationTarget) -> Result<Output, LexError> {
        let state = constraint::required(input.session_state, "sessionState")?;
        let bot = target.bot(cx)?;
        let mut held = take(cx, &target, bot)?;
        held.session = crate::bot::Session::default();
        held.session.state.session_attributes = Some(Attributes::new());
        held.session.state.originating_request_id = Some(cx.request_id.to_owned());
        let attributes = input.request_attributes.unwrap_or_default();
        let step = bot.take(&mut held.session, state, input.messages, true);
        let step = step.map_err(|what| LexError::validation(format!("sessionState: {what}.")))?;
        finish(cx, &target, bot, &mut held.session, &attributes, step).await?;
        let answer = answer::media(&target, &held.session, &attributes, None);
        held.keep();
        Ok(answer)
    }
}

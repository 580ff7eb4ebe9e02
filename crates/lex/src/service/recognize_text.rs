use super::named::{ConversationTarget, Labels};
use super::recognize::{recognize, take};
use super::{LexCx, LexError, LexService, answer};
use crate::bot::{Heard, InputMode};
use crate::model::{Attributes, SessionState};
use serde::Deserialize;
use tympan_aws::{Operation, Output, constraint};

/// Takes what a user wrote, and keys.
pub(crate) struct RecognizeText;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    #[serde(flatten)]
    labels: Labels,
    text: Option<String>,
    session_state: Option<SessionState>,
    request_attributes: Option<Attributes>,
}

impl Operation for RecognizeText {
    type Service = LexService;
    type Input = Input;
    type Target = ConversationTarget;
    const NAME: &'static str = "RecognizeText";

    async fn resolve(cx: &LexCx<'_>, input: &Input) -> Result<ConversationTarget, LexError> {
        input.labels.resolve(cx)
    }

    async fn call(cx: &LexCx<'_>, input: Input, target: ConversationTarget) -> Result<Output, LexError> {
        let text = constraint::required(input.text, "text")?;
        constraint::length(&text, "text", 1, 1_024)?;
        let bot = target.bot(cx)?;
        let mut held = take(cx, &target, bot)?;
        let attributes = input.request_attributes.unwrap_or_default();
        let heard = Heard { text, mode: InputMode::Text, confidence: None };
        recognize(cx, &target, bot, &mut held.session, input.session_state, &attributes, &heard).await?;
        let answer = answer::json(&target, &held.session, Some(&attributes));
        held.keep();
        Ok(answer)
    }
}

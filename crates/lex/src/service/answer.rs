//! What is answered, as members of JSON and as packed headers.

use super::named::ConversationTarget;
use crate::bot::{InputMode, Session};
use crate::model::{Attributes, Interpretation, Message, SessionState};
use crate::packed::pack;
use serde::Serialize;
use tympan_aws::{Media, Output};

/// The answer as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whole<'a> {
    #[serde(skip_serializing_if = "<[Message]>::is_empty")]
    messages: &'a [Message],
    session_state: &'a SessionState,
    interpretations: Vec<Interpretation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_attributes: Option<&'a Attributes>,
    session_id: &'a str,
}

/// What RecognizeText and GetSession answer.
pub(super) fn json(
    target: &ConversationTarget,
    session: &Session,
    request_attributes: Option<&Attributes>,
) -> Output {
    Output::json(&Whole {
        messages: &session.messages,
        session_state: &session.state,
        interpretations: session.interpretations(),
        request_attributes: request_attributes.filter(|attributes| !attributes.is_empty()),
        session_id: &target.conversation.session_id,
    })
}

/// What PutSession answers, and with `heard` RecognizeUtterance. There is no sound: the text of the messages is to be spoken.
pub(super) fn media(
    target: &ConversationTarget,
    session: &Session,
    request_attributes: &Attributes,
    heard: Option<(InputMode, &str)>,
) -> Output {
    let mut headers = vec![
        ("x-amz-lex-session-state", pack(&session.state)),
        ("x-amz-lex-session-id", target.conversation.session_id.clone()),
    ];
    if !session.messages.is_empty() {
        headers.push(("x-amz-lex-messages", pack(&session.messages)));
    }
    if !request_attributes.is_empty() {
        headers.push(("x-amz-lex-request-attributes", pack(request_attributes)));
    }
    if let Some((mode, text)) = heard {
        headers.push(("x-amz-lex-input-mode", mode.name().to_owned()));
        headers.push(("x-amz-lex-interpretations", pack(&session.interpretations())));
        headers.push(("x-amz-lex-input-transcript", pack(&text)));
    }
    Output::media(Media { content_type: "text/plain; charset=utf-8", headers, body: Vec::new() })
}

//! A client's requests to the runtime API, and what it makes of the answers. The caller has the sockets.
//!
//! Speech goes by RecognizeUtterance, and keys and text by RecognizeText. It makes no difference who answers: AWS, an endpoint
//! of one's own or a local bot.

use crate::alias::Conversation;
use crate::audio::{REPLY_TYPE, SPEECH_TYPE, at_8_khz, bytes_of, reply_rate_hz, samples_of};
use crate::model::{Attributes, Interpretation, Message, SessionState};
use crate::packed::{PackedError, pack, unpack, unpack_text};
use crate::turn::{Recognition, RecognizeError, Reply, Said};
use http::{HeaderMap, Method, Request, Uri};
use serde::{Deserialize, Serialize};
use tympan_auth::{Credentials, PayloadHash};
use tympan_aws::outgoing::{Answered, Outgoing, OutgoingError};
use tympan_telephony::words::Sound;
use tympan_types::{Region, WallTime};

/// The body of an answer at most: two minutes of a voice at 16 kHz.
pub const ANSWER_MAX_BYTES: usize = 4 << 20;
/// All headers of an answer together at most.
pub const HEADERS_MAX_BYTES: usize = 128 * 1024;
/// Messages of an answer that are played, as the model has it.
const MESSAGES_MAX: usize = 10;
/// What is sent where a caller says nothing: a service that looks for words in it finds none.
const NOTHING_MS: u32 = 500;

/// A request to a bot, before it is signed.
#[derive(Clone, PartialEq)]
pub struct LexRequest {
    /// The path, percent-encoded.
    pub path: String,
    /// Headers, names in lower case.
    pub headers: Vec<(&'static str, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// What the answer looks like.
    pub answer: AnswerForm,
}

/// What an answer looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerForm {
    /// JSON: of RecognizeText.
    Json,
    /// Packed headers and a body of sound: of RecognizeUtterance.
    Packed,
}

impl LexRequest {
    /// The question of a conversation.
    pub fn new(conversation: &Conversation, question: &Recognition) -> Self {
        match &question.said {
            Said::Speech(sound) => Self::utterance(conversation, question, sound),
            Said::Nothing => Self::utterance(conversation, question, &Sound::silence(NOTHING_MS)),
            Said::Keys(text) | Said::Text(text) => Self::text(conversation, question, text),
        }
    }

    fn text(conversation: &Conversation, question: &Recognition, text: &str) -> Self {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            text: &'a str,
            #[serde(skip_serializing_if = "Option::is_none")]
            session_state: Option<&'a SessionState>,
            #[serde(skip_serializing_if = "Attributes::is_empty")]
            request_attributes: &'a Attributes,
        }
        let Recognition { session_state, request_attributes, .. } = question;
        let body = Body { text, session_state: session_state.as_ref(), request_attributes };
        Self {
            path: conversation.path("/text"),
            headers: vec![("content-type", "application/json".to_owned())],
            // A map with text keys and text values is JSON.
            body: serde_json::to_vec(&body).unwrap_or_default(),
            answer: AnswerForm::Json,
        }
    }

    fn utterance(conversation: &Conversation, question: &Recognition, sound: &Sound) -> Self {
        let mut headers =
            vec![("content-type", SPEECH_TYPE.to_owned()), ("response-content-type", REPLY_TYPE.to_owned())];
        if let Some(state) = &question.session_state {
            headers.push(("x-amz-lex-session-state", pack(state)));
        }
        if !question.request_attributes.is_empty() {
            headers.push(("x-amz-lex-request-attributes", pack(&question.request_attributes)));
        }
        let (path, body) = (conversation.path("/utterance"), bytes_of(sound));
        Self { path, headers, body, answer: AnswerForm::Packed }
    }

    /// The request for an endpoint, signed where there are credentials. What RecognizeUtterance sends is left out of its
    /// signature, as SDKs leave it out.
    ///
    /// # Errors
    /// [`OutgoingError`]
    pub fn sign(
        &self,
        endpoint: &Uri,
        credentials: Option<(&Credentials, &Region)>,
        now: WallTime,
    ) -> Result<Request<Vec<u8>>, OutgoingError> {
        let payload = match self.answer {
            AnswerForm::Json => PayloadHash::of_body(&self.body),
            AnswerForm::Packed => PayloadHash::Unsigned,
        };
        let outgoing = Outgoing {
            service: crate::service::SCOPE,
            method: Method::POST,
            endpoint,
            path: &self.path,
            query: "",
            headers: self.headers.clone(),
            payload,
        };
        outgoing.sign(credentials, now, self.body.clone())
    }
}

impl std::fmt::Debug for LexRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The body is what a caller says.
        write!(f, "LexRequest({}, {} bytes)", self.path, self.body.len())
    }
}

/// Reads an answer.
///
/// # Errors
/// [`RecognizeError`]
pub fn read(
    form: AnswerForm,
    status: u16,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Reply, RecognizeError> {
    if status != 200 {
        let Answered { status, error_type, message } = Answered::read(status, headers, body);
        let code = if error_type.is_empty() { status.to_string() } else { error_type };
        let short = |text: String, most: usize| text.chars().take(most).collect();
        return Err(RecognizeError::Refused { code: short(code, 80), message: short(message, 300) });
    }
    let mut reply = match form {
        AnswerForm::Json => of_json(body)?,
        AnswerForm::Packed => of_headers(headers, body)?,
    };
    reply.messages.truncate(MESSAGES_MAX);
    if reply.session_state.dialog_action.is_none() && reply.session_state.intent.is_none() {
        return Err(malformed("sessionState has neither a dialogAction nor an intent"));
    }
    Ok(reply)
}

fn of_json(body: &[u8]) -> Result<Reply, RecognizeError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Body {
        session_state: SessionState,
        #[serde(default)]
        interpretations: Vec<Interpretation>,
        #[serde(default)]
        messages: Vec<Message>,
    }
    let Body { session_state, interpretations, messages } =
        serde_json::from_slice(body).map_err(malformed)?;
    Ok(Reply { session_state, interpretations, messages, speech: None, transcript: None })
}

fn of_headers(headers: &HeaderMap, body: &[u8]) -> Result<Reply, RecognizeError> {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|text| !text.is_empty());
    let broken = |name: &str, error: PackedError| malformed(format!("the header {name}: {error}"));
    let state = header(STATE).ok_or_else(|| malformed(format!("the header {STATE} is missing")))?;
    let transcript = header(TRANSCRIPT).map(unpack_text).transpose();
    Ok(Reply {
        session_state: unpack(state).map_err(|error| broken(STATE, error))?,
        interpretations: optional(header(INTERPRETATIONS)).map_err(|error| broken(INTERPRETATIONS, error))?,
        messages: optional(header(MESSAGES)).map_err(|error| broken(MESSAGES, error))?,
        speech: speech(header("content-type").unwrap_or_default(), body)?,
        transcript: transcript.map_err(|error| broken(TRANSCRIPT, error))?,
    })
}

fn optional<T: serde::de::DeserializeOwned + Default>(header: Option<&str>) -> Result<T, PackedError> {
    header.map_or_else(|| Ok(T::default()), unpack)
}

/// The sound of a reply at 8 kHz.
fn speech(content_type: &str, body: &[u8]) -> Result<Option<Sound>, RecognizeError> {
    if body.is_empty() || content_type.starts_with("text/") {
        return Ok(None);
    }
    let unplayable = || RecognizeError::Unplayable(content_type.chars().take(80).collect());
    let rate_hz = reply_rate_hz(content_type).ok_or_else(unplayable)?;
    at_8_khz(rate_hz, samples_of(body)).ok_or_else(unplayable).map(Some)
}

fn malformed(why: impl ToString) -> RecognizeError {
    RecognizeError::Malformed(why.to_string().chars().take(300).collect())
}

const STATE: &str = "x-amz-lex-session-state";
const INTERPRETATIONS: &str = "x-amz-lex-interpretations";
const MESSAGES: &str = "x-amz-lex-messages";
const TRANSCRIPT: &str = "x-amz-lex-input-transcript";

#[cfg(test)]
mod tests;

use super::named::{ConversationTarget, Labels};
use super::ports::{Speech, SpeechError, Transcript};
use super::recognize::{recognize, take};
use super::{LexCx, LexError, LexService, answer};
use crate::audio::{RequestBody, samples_of};
use crate::bot::{Bot, Heard, InputMode};
use crate::model::{Attributes, SessionState};
use crate::packed::unpack;
use serde::Deserialize;
use std::sync::atomic::Ordering::Relaxed;
use tympan_aws::{BodyRule, Operation, Output, constraint};

/// Takes what a user said: 15 s at most, at 16 kHz.
pub const BODY_MAX_BYTES: usize = 15 * 16_000 * 2;
/// The loudest sample of a line on which nothing is said.
const SILENCE_PEAK: u16 = 64;

/// Takes what a user said, or wrote.
pub(crate) struct RecognizeUtterance;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Input {
    #[serde(flatten)]
    labels: Labels,
    request_content_type: Option<String>,
    response_content_type: Option<String>,
    session_state: Option<String>,
    request_attributes: Option<String>,
}

impl Operation for RecognizeUtterance {
    type Service = LexService;
    type Input = Input;
    type Target = ConversationTarget;
    const NAME: &'static str = "RecognizeUtterance";
    const HEADERS: &'static [(&'static str, &'static str)] = &[
        ("content-type", "requestContentType"),
        ("response-content-type", "responseContentType"),
        ("x-amz-lex-session-state", "sessionState"),
        ("x-amz-lex-request-attributes", "requestAttributes"),
    ];
    const BODY: BodyRule = BodyRule::Media { limit_bytes: BODY_MAX_BYTES };

    async fn resolve(cx: &LexCx<'_>, input: &Input) -> Result<ConversationTarget, LexError> {
        input.labels.resolve(cx)
    }

    async fn call(cx: &LexCx<'_>, input: Input, target: ConversationTarget) -> Result<Output, LexError> {
        let content_type = constraint::required(input.request_content_type, "requestContentType")?;
        let body = RequestBody::parse(&content_type)
            .map_err(|what| LexError::validation(format!("requestContentType: {what}.")))?;
        check_response_type(input.response_content_type.as_deref())?;
        let packed =
            |name: &str, what: crate::packed::PackedError| LexError::validation(format!("{name}: {what}."));
        let state = input.session_state.map(|text| unpack::<SessionState>(&text)).transpose();
        let state = state.map_err(|what| packed("sessionState", what))?;
        let attributes = input.request_attributes.map(|text| unpack::<Attributes>(&text)).transpose();
        let attributes = attributes.map_err(|what| packed("requestAttributes", what))?.unwrap_or_default();
        let bot = target.bot(cx)?;
        let mut held = take(cx, &target, bot)?;
        let heard = hear(cx, bot, &target.conversation.locale, body).await?;
        recognize(cx, &target, bot, &mut held.session, state, &attributes, &heard).await?;
        let answer = answer::media(&target, &held.session, &attributes, Some((heard.mode, &heard.text)));
        held.keep();
        Ok(answer)
    }
}

/// The words of a body.
async fn hear(cx: &LexCx<'_>, bot: &Bot, locale: &str, body: RequestBody) -> Result<Heard, LexError> {
    let rate_hz = match body {
        RequestBody::Text => {
            let text = std::str::from_utf8(cx.media);
            let text = text.map_err(|_| LexError::validation("inputStream is not UTF-8."))?.to_owned();
            constraint::length(&text, "inputStream", 1, 1_024)?;
            return Ok(Heard { text, mode: InputMode::Text, confidence: None });
        }
        RequestBody::Pcm { rate_hz } => rate_hz,
    };
    let samples = samples_of(cx.media);
    // A recogniser hears words in silence, too.
    if samples.iter().all(|sample| sample.unsigned_abs() <= SILENCE_PEAK) {
        return Ok(Heard { text: String::new(), mode: InputMode::Speech, confidence: None });
    }
    let failed = |what: String| {
        cx.service.0.counters.failed_speech.fetch_add(1, Relaxed);
        LexError::dependency(what)
    };
    let Some(speech) = &cx.service.0.speech else {
        return Err(failed(
            "This server turns no speech into text: set lex.wyoming or lex.speech_command, or send text."
                .to_owned(),
        ));
    };
    let locale = locale.to_owned();
    let heard = speech.transcribe(Speech { samples, rate_hz, locale, vocabulary: bot.vocabulary() }).await;
    let heard =
        heard.map_err(|SpeechError(why)| failed(format!("Speech was not turned into text: {why}")))?;
    let Transcript { text, confidence } = heard;
    let text = text.trim().chars().take(1_024).collect();
    Ok(Heard { text, mode: InputMode::Speech, confidence })
}

fn check_response_type(content_type: Option<&str>) -> Result<(), LexError> {
    let name = content_type.unwrap_or("audio/mpeg").split(';').next().unwrap_or_default().trim();
    let known = ["text/plain", "audio/mpeg", "audio/ogg", "audio/pcm", "audio/*"];
    if known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
        return Ok(());
    }
    let shown: String = name.chars().take(60).collect();
    Err(LexError::validation(format!("responseContentType: {shown:?} is not a media type of replies.")))
}

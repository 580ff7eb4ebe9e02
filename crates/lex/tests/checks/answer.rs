//! What must hold of an answer of a bot, and of a header that is packed, whatever comes; shared by the fuzz target and the corpus
//! test.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzEncoder;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::io::Read;
use tympan_lex::audio::RequestBody;
use tympan_lex::client::{AnswerForm, read};
use tympan_lex::model::SessionState;
use tympan_lex::packed::{PackedError, UNPACKED_MAX_BYTES, pack, unpack, unpack_bytes};

/// Reads an answer.
///
/// Shape: a byte of flags (1: packed headers and not JSON; 2: the headers are given as they are, and not to be packed first; 4: a
/// refusal), then lines: session state, messages, interpretations, transcript, media type; what follows is the body.
pub(crate) fn check(input: &[u8]) {
    let [flags, input @ ..] = input else { return };
    let mut parts = input.splitn(6, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let mut headers = HeaderMap::new();
    for name in [
        "x-amz-lex-session-state",
        "x-amz-lex-messages",
        "x-amz-lex-interpretations",
        "x-amz-lex-input-transcript",
    ] {
        let value = part();
        if value.is_empty() {
            continue;
        }
        let value = if flags & 2 == 0 { gzip(value).into_bytes() } else { value.to_vec() };
        check_packed(&String::from_utf8_lossy(&value));
        if let Ok(value) = HeaderValue::from_bytes(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    let content_type = part();
    let _ = RequestBody::parse(&String::from_utf8_lossy(content_type));
    if let Ok(value) = HeaderValue::from_bytes(content_type) {
        headers.insert(http::header::CONTENT_TYPE, value);
    }
    let body = part();
    let form = if flags & 1 == 0 { AnswerForm::Json } else { AnswerForm::Packed };
    let status = if flags & 4 == 0 { 200 } else { 424 };
    match read(form, status, &headers, body) {
        Ok(reply) => {
            assert_eq!(status, 200);
            assert!(reply.messages.len() <= 10);
            assert!(reply.session_state.dialog_action.is_some() || reply.session_state.intent.is_some());
            // At 4 kHz, the least rate that is taken, two bytes become two samples.
            assert!(reply.speech.is_none_or(|sound| sound.len() <= body.len() as u64 + 1));
            // What was read can be sent back.
            let again: SessionState = unpack(&pack(&reply.session_state)).expect("what we pack is unpacked");
            assert_eq!(again, reply.session_state);
        }
        Err(error) => assert!(error.to_string().len() < 2_048, "a text for a log is short"),
    }
}

fn check_packed(text: &str) {
    match unpack_bytes(text) {
        Ok(bytes) => assert!(bytes.len() <= UNPACKED_MAX_BYTES),
        Err(PackedError::TooLarge { limit_bytes }) => assert_eq!(limit_bytes, UNPACKED_MAX_BYTES),
        Err(_) => {}
    }
}

fn gzip(bytes: &[u8]) -> String {
    let mut packed = Vec::new();
    GzEncoder::new(bytes, Compression::fast()).read_to_end(&mut packed).expect("memory can be read");
    STANDARD.encode(packed)
}

use super::*;
use crate::alias::BotAlias;
use crate::model::DialogAction;
use http::{HeaderName, HeaderValue};
use serde_json::json;

fn conversation() -> Conversation {
    Conversation::new(BotAlias::new("ABCDEFGHIJ", "TSTALIASID").unwrap(), "en-US", "a-contact")
}

fn question(said: Said) -> Recognition {
    let session_state = SessionState {
        session_attributes: Some(Attributes::from([("a".into(), "b".into())])),
        ..SessionState::default()
    };
    let request_attributes = Attributes::from([("r".into(), "s".into())]);
    Recognition { said, session_state: Some(session_state), request_attributes }
}

fn headers(of: &[(&'static str, String)]) -> HeaderMap {
    of.iter()
        .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
        .collect()
}

#[test]
fn keys_go_by_recognize_text_with_the_state_of_the_session() {
    let request = LexRequest::new(&conversation(), &question(Said::Keys("42".into())));
    assert!(request.path.ends_with("/botLocales/en_US/sessions/a-contact/text"), "{}", request.path);
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({
        "text": "42",
        "sessionState": { "sessionAttributes": { "a": "b" } },
        "requestAttributes": { "r": "s" },
    });
    assert_eq!(body, expected);
    let next = Recognition {
        session_state: None,
        request_attributes: Attributes::new(),
        said: Said::Text("x".into()),
    };
    assert_eq!(LexRequest::new(&conversation(), &next).body, br#"{"text":"x"}"#);
}

#[test]
fn speech_goes_by_recognize_utterance_with_packed_headers_and_an_unsigned_body() {
    let sound = Sound::new(vec![1, -2, 3]);
    let request = LexRequest::new(&conversation(), &question(Said::Speech(sound)));
    let endpoint: Uri = "http://127.0.0.1:9001".parse().unwrap();
    let (credentials, region) = (Credentials::new("AKID", "secret"), Region::parse("us-west-2").unwrap());
    let signed =
        request.sign(&endpoint, Some((&credentials, &region)), WallTime::from_unix_ms(1_796_000_000_000));
    let signed = signed.unwrap();
    let twice = signed.headers().get_all("x-amz-content-sha256").iter().count();
    assert_eq!(twice, 1);
    let header = |name: &str| signed.headers()[name].to_str().unwrap();
    assert_eq!(header("content-type"), SPEECH_TYPE);
    assert_eq!(header("response-content-type"), "audio/pcm");
    assert_eq!(header("x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
    assert!(header("authorization").contains("/us-west-2/lex/aws4_request"));
    let state: SessionState = unpack(header("x-amz-lex-session-state")).unwrap();
    assert_eq!(state.session_attributes.unwrap()["a"], "b");
    let attributes: Attributes = unpack(header("x-amz-lex-request-attributes")).unwrap();
    assert_eq!(attributes["r"], "s");
    assert_eq!(signed.body(), &[1, 0, 254, 255, 3, 0]);
    let nothing = LexRequest::new(&conversation(), &question(Said::Nothing));
    assert_eq!(nothing.body, vec![0; 8_000]);
}

fn packed(state: serde_json::Value) -> Vec<(&'static str, String)> {
    vec![(STATE, pack(&state)), (TRANSCRIPT, pack(&json!("hello there")))]
}

fn closed() -> serde_json::Value {
    json!({ "dialogAction": { "type": "Close" }, "intent": { "name": "I", "slots": { "S": null }, "state": "Fulfilled" } })
}

#[test]
fn a_packed_answer_and_a_json_one_are_read_alike() {
    let mut lines = packed(closed());
    lines.push((MESSAGES, pack(&json!([{ "contentType": "PlainText", "content": "Hi" }]))));
    lines.push((
        INTERPRETATIONS,
        pack(&json!([{ "nluConfidence": { "score": 0.8 }, "intent": { "name": "I" } }])),
    ));
    let reply = read(AnswerForm::Packed, 200, &headers(&lines), b"").unwrap();
    assert_eq!(reply.session_state.dialog_action, Some(DialogAction::new("Close")));
    assert_eq!(reply.session_state.intent.as_ref().unwrap().slots["S"], None);
    assert_eq!(
        (reply.messages, reply.transcript.as_deref()),
        (vec![Message::plain("Hi")], Some("hello there"))
    );
    assert_eq!(reply.interpretations[0].nlu_confidence.unwrap().score, 0.8);
    let body =
        json!({ "sessionState": closed(), "messages": [{ "contentType": "PlainText", "content": "Hi" }] });
    let json = read(AnswerForm::Json, 200, &HeaderMap::new(), body.to_string().as_bytes()).unwrap();
    assert_eq!((json.session_state, json.messages), (reply.session_state, vec![Message::plain("Hi")]));
}

#[test]
fn a_reply_has_sound_at_8_khz_whatever_its_rate_and_none_where_it_is_text() {
    let body = vec![1; 6_400];
    for (content_type, samples) in [
        ("audio/pcm", Some(1_600)),
        ("audio/lpcm; sample-rate=8000; sample-size-bits=16", Some(3_200)),
        ("audio/pcm; rate=24000", Some(1_067)),
        ("text/plain; charset=utf-8", None),
    ] {
        let mut lines = packed(closed());
        lines.push(("content-type", content_type.into()));
        let reply = read(AnswerForm::Packed, 200, &headers(&lines), &body).unwrap();
        assert_eq!(reply.speech.map(|sound| sound.len()), samples, "{content_type}");
    }
    for content_type in ["audio/mpeg", "audio/ogg", "video/mp4", "audio/pcm; rate=7"] {
        let mut lines = packed(closed());
        lines.push(("content-type", content_type.into()));
        let error = read(AnswerForm::Packed, 200, &headers(&lines), &body).unwrap_err();
        assert_eq!(error, RecognizeError::Unplayable(content_type.into()));
    }
}

#[test]
fn a_lie_is_named_and_never_taken_for_an_answer() {
    for (lines, why) in [
        (vec![], "is missing"),
        (vec![(STATE, "***".into())], "not base64"),
        (vec![(STATE, pack(&json!(7)))], "cannot be read"),
        (vec![(STATE, pack(&json!({})))], "neither"),
        (vec![(STATE, pack(&json!("a".repeat(1 << 20))))], "more than"),
        ([packed(closed()), vec![(MESSAGES, pack(&json!({ "a": 1 })))]].concat(), "x-amz-lex-messages"),
    ] {
        let error = read(AnswerForm::Packed, 200, &headers(&lines), b"").unwrap_err();
        assert!(matches!(&error, RecognizeError::Malformed(told) if told.contains(why)), "{why}: {error}");
    }
    for body in ["", "[]", "{}", r#"{"sessionState":{"dialogAction":7}}"#] {
        let error = read(AnswerForm::Json, 200, &HeaderMap::new(), body.as_bytes()).unwrap_err();
        assert!(matches!(error, RecognizeError::Malformed(_)), "{body}: {error}");
    }
}

#[test]
fn a_refusal_has_the_code_of_the_service() {
    let lines = [("x-amzn-errortype", "ThrottlingException:http://internal".to_owned())];
    let refused = read(AnswerForm::Json, 429, &headers(&lines), br#"{"message":"slowly"}"#);
    let expected = RecognizeError::Refused { code: "ThrottlingException".into(), message: "slowly".into() };
    assert_eq!(refused, Err(expected));
    let refused = read(AnswerForm::Packed, 502, &HeaderMap::new(), b"Bad Gateway");
    assert_eq!(refused, Err(RecognizeError::Refused { code: "502".into(), message: "Bad Gateway".into() }));
}

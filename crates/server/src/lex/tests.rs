//! The client against bots of this server, and against an endpoint that answers in every way.

use super::*;
use crate::config::{LexBot, LexV1Bot};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::path::Path;
use std::sync::Mutex;
use tokio::net::TcpListener;
use tympan_auth::{AccessKey, CredentialStore, Credentials, Payload, RequestParts, Verifier};
use tympan_lex::model::{Attributes, SessionState};
use tympan_lex::packed::{pack, unpack};
use tympan_lex::turn::Said;
use tympan_telephony::words::Sound;
use tympan_types::{AccountId, Region};

const ALIAS_ARN: &str = "arn:aws:lex:us-west-2:111122223333:bot-alias/ORDERSBOT1/TSTALIASID";
const ELSEWHERE: &str = "arn:aws:lex:us-west-2:111122223333:bot-alias/ELSEWHERE1/TSTALIASID";

fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

fn bots(config: &config::Lex) -> Bots {
    let region = Region::parse("us-west-2").unwrap();
    let caller = Caller { account: account(), region: region.clone(), access_key_id: String::new() };
    let descriptors = DescriptorBudget::new(1_000, 0);
    let lambda = Lambda::new(&config::Lambda::default(), &region, descriptors.clone()).unwrap();
    Bots::new(config, caller, ServiceClock::default(), Arc::new(lambda), descriptors).unwrap()
}

fn own(folder: &Path, more: config::Lex) -> Bots {
    let file = folder.join("orders.toml");
    let text = "name = 'Orders'\n[[intents]]\nname = 'Track'\nutterances = ['track order']\n";
    std::fs::write(&file, text).unwrap();
    let bot = LexBot { id: "ORDERSBOT1".into(), alias_id: "TSTALIASID".into(), file };
    bots(&config::Lex { bots: vec![bot], ..more })
}

fn to(alias_arn: &str) -> Conversation {
    Conversation::new(BotAlias::from_arn(alias_arn).unwrap(), "en-US", "a-contact")
}

fn question(said: Said) -> Recognition {
    let attributes = Attributes::from([("a".into(), "b".into())]);
    let session_state =
        Some(SessionState { session_attributes: Some(attributes), ..SessionState::default() });
    Recognition { said, session_state, request_attributes: Attributes::new() }
}

fn speech() -> Said {
    Said::Speech(Sound::new((0..8_000i16).map(|at| at % 100 * 90).collect::<Vec<i16>>()))
}

#[tokio::test]
async fn a_bot_of_this_server_answers_keys_text_and_speech() {
    let folder = tempfile::tempdir().unwrap();
    let script = "wc -c >&2; echo \"Track order. $TYMPAN_LEX_LOCALE $TYMPAN_LEX_VOCABULARY\"";
    let hears = ["sh", "-c", script].map(String::from).to_vec();
    let bots = own(folder.path(), config::Lex { speech_command: hears, ..config::Lex::default() });
    let reply = bots.recognize(&to(ALIAS_ARN), &question(Said::Text("track order".into()))).await.unwrap();
    let intent = reply.session_state.intent.unwrap();
    assert_eq!((intent.name.as_str(), intent.state.as_deref()), ("Track", Some("ReadyForFulfillment")));
    assert_eq!(reply.session_state.session_attributes.unwrap()["a"], "b");
    let reply = bots.recognize(&to(ALIAS_ARN), &question(speech())).await.unwrap();
    assert_eq!(reply.transcript.as_deref(), Some("Track order. en_US order track"));
    assert_eq!(reply.session_state.intent.unwrap().name, "Track");
    let reply = bots.recognize(&to(ALIAS_ARN), &question(Said::Nothing)).await.unwrap();
    assert_eq!(reply.session_state.intent.unwrap().name, "FallbackIntent");
    assert_eq!(bots.stats().answered.load(Relaxed), 3);
}

#[tokio::test]
async fn speech_that_cannot_be_turned_into_text_fails_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let asked = async |config: config::Lex| {
        let error =
            own(folder.path(), config).recognize(&to(ALIAS_ARN), &question(speech())).await.unwrap_err();
        let RecognizeError::Refused { code, message } = error else { panic!("{error}") };
        assert_eq!(code, "DependencyFailedException");
        message
    };
    assert!(asked(config::Lex::default()).await.contains("lex.wyoming"));
    let fails = ["sh", "-c", "cat >/dev/null; exit 3"].map(String::from).to_vec();
    let told = asked(config::Lex { speech_command: fails, ..config::Lex::default() }).await;
    assert!(told.contains("exit status: 3"), "{told}");
    let hangs = ["tail", "-f", "/dev/null"].map(String::from).to_vec();
    let config = config::Lex { speech_command: hangs, speech_timeout_ms: 50, ..config::Lex::default() };
    assert!(asked(config).await.contains("longer than 50 ms"));
}

#[test]
fn a_flows_bot_is_an_alias_or_one_that_stands_in_for_a_bot_of_lex_v1() {
    let of = |alias: &str, region: &str| LexV1Bot {
        name: "Orders".into(),
        alias: alias.into(),
        region: region.into(),
        alias_arn: ALIAS_ARN.into(),
    };
    let bots = bots(&config::Lex { v1_bots: vec![of("prod", "us-west-2")], ..config::Lex::default() });
    let v1 = |name, alias, region| bots.alias(BotName::V1 { name, alias, region });
    assert_eq!(v1("Orders", "prod", "us-west-2").unwrap().to_string(), "ORDERSBOT1/TSTALIASID");
    for (name, alias, region) in
        [("Other", "prod", "us-west-2"), ("Orders", "test", "us-west-2"), ("Orders", "prod", "us-east-1")]
    {
        let error = v1(name, alias, region).unwrap_err().to_string();
        assert!(error.contains("[[lex.v1_bots]]"), "{error}");
    }
    assert!(bots.alias(BotName::V2 { alias_arn: ALIAS_ARN }).is_ok());
    let error = bots.alias(BotName::V2 { alias_arn: "arn:nothing" }).unwrap_err();
    assert!(error.to_string().contains("no ARN"), "{error}");
}

/// What an endpoint does with a question.
#[derive(Clone, Copy)]
enum Manner {
    /// Answers as Lex does.
    Answers,
    /// Never answers.
    Slow,
    /// Closes the connection.
    Closes,
    /// Answers this body, whatever was asked.
    Lies(&'static str),
    /// Answers without an end.
    Huge,
    /// Answers with headers without an end.
    HugeHeaders,
    /// Answers with sound of this type.
    Speaks(&'static str),
}

/// A request as the endpoint saw it.
struct Seen {
    head: http::request::Parts,
    body: Bytes,
}

async fn endpoint(manner: Manner) -> (config::Lex, Arc<Mutex<Vec<Seen>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
    let kept = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if matches!(manner, Manner::Closes) {
                continue;
            }
            let kept = kept.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let kept = kept.clone();
                async move {
                    let (head, body) = request.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    kept.lock().unwrap().push(Seen { head, body });
                    Ok::<_, Infallible>(answer(manner).await)
                }
            });
            tokio::spawn(
                http1::Builder::new().max_buf_size(1 << 20).serve_connection(TokioIo::new(stream), service),
            );
        }
    });
    let config = config::Lex {
        endpoint: url.parse().ok(),
        access_key_id: "AKID".into(),
        secret_access_key: "secret".into(),
        answer_timeout_ms: 5_000,
        ..config::Lex::default()
    };
    (config, seen)
}

fn state() -> Value {
    json!({ "dialogAction": { "type": "Close" }, "intent": { "name": "I", "state": "Fulfilled" } })
}

async fn answer(manner: Manner) -> Response<Full<Bytes>> {
    let packed = Response::builder().header("x-amz-lex-session-state", pack(&state()));
    let body = match manner {
        Manner::Slow => std::future::pending().await,
        Manner::Answers | Manner::Closes => Bytes::from(json!({ "sessionState": state() }).to_string()),
        Manner::Lies(body) => Bytes::from_static(body.as_bytes()),
        Manner::Huge => Bytes::from(vec![b' '; ANSWER_MAX_BYTES + 1]),
        Manner::HugeHeaders => {
            let packed = packed.header("x-noise", "a".repeat(HEADERS_MAX_BYTES));
            return packed.body(Full::default()).unwrap();
        }
        Manner::Speaks(content_type) => {
            return packed
                .header("content-type", content_type)
                .body(Full::new(vec![1; 32_000].into()))
                .unwrap();
        }
    };
    packed.body(Full::new(body)).unwrap()
}

async fn ask(manner: Manner, said: Said) -> (Result<Reply, RecognizeError>, Vec<Seen>) {
    let (config, seen) = endpoint(manner).await;
    let answered = bots(&config).recognize(&to(ELSEWHERE), &question(said)).await;
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    (answered, seen)
}

/// Whether a request is signed, and for this service; with its body where the client signs it.
fn check_signature(seen: &Seen, payload: Payload) {
    let headers: Vec<(&str, &[u8])> =
        seen.head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
    let parts = RequestParts {
        method: seen.head.method.as_str(),
        raw_path: seen.head.uri.path(),
        raw_query: "",
        headers: &headers,
        local_port: None,
    };
    let keys = CredentialStore::new([AccessKey::new(Credentials::new("AKID", "secret"), account())]).unwrap();
    let pending = Verifier::default().check_head(SystemClock.wall_now(), &parts, &keys).unwrap();
    assert_eq!(pending.verify(payload).unwrap().service, "lex");
}

#[tokio::test]
async fn speech_is_sent_with_every_header_that_the_service_reads() {
    let (answered, seen) = ask(Manner::Speaks("audio/pcm"), speech()).await;
    assert_eq!(answered.unwrap().speech.unwrap().len(), 8_000, "16 kHz is brought to 8 kHz");
    let seen = &seen[0];
    let path = "/bots/ELSEWHERE1/botAliases/TSTALIASID/botLocales/en_US/sessions/a-contact/utterance";
    assert_eq!((seen.head.method.as_str(), seen.head.uri.path()), ("POST", path));
    let header = |name: &str| seen.head.headers[name].to_str().unwrap();
    let content_type =
        "audio/lpcm; sample-rate=8000; sample-size-bits=16; channel-count=1; is-big-endian=false";
    assert_eq!(header("content-type"), content_type);
    assert_eq!(
        (header("response-content-type"), header("x-amz-content-sha256")),
        ("audio/pcm", "UNSIGNED-PAYLOAD")
    );
    let state: Value = unpack(header("x-amz-lex-session-state")).unwrap();
    assert_eq!(state, json!({ "sessionAttributes": { "a": "b" } }));
    assert!(!seen.head.headers.contains_key("x-amz-lex-request-attributes"), "there are none");
    assert_eq!(seen.body.len(), 16_000);
    check_signature(seen, Payload::Streamed);
}

#[tokio::test]
async fn keys_are_sent_as_signed_json() {
    let (answered, seen) = ask(Manner::Answers, Said::Keys("42".into())).await;
    assert_eq!(answered.unwrap().session_state.intent.unwrap().name, "I");
    let body: Value = serde_json::from_slice(&seen[0].body).unwrap();
    assert_eq!(body, json!({ "text": "42", "sessionState": { "sessionAttributes": { "a": "b" } } }));
    assert!(seen[0].head.uri.path().ends_with("/sessions/a-contact/text"));
    check_signature(&seen[0], Payload::of_body(&seen[0].body));
}

#[tokio::test]
async fn a_reply_in_another_rate_is_played_and_one_that_was_not_asked_for_is_refused() {
    let (answered, _) = ask(Manner::Speaks("audio/lpcm; sample-rate=24000"), speech()).await;
    assert_eq!(answered.unwrap().speech.unwrap().len(), 5_334);
    for content_type in ["audio/mpeg", "audio/ogg"] {
        let (answered, _) = ask(Manner::Speaks(content_type), speech()).await;
        assert_eq!(answered.unwrap_err(), RecognizeError::Unplayable(content_type.into()));
    }
}

#[tokio::test]
async fn a_bot_that_is_slow_closed_lying_or_huge_fails_in_time() {
    let (config, _) = endpoint(Manner::Slow).await;
    let bots = bots(&config::Lex { answer_timeout_ms: 100, ..config });
    let slow = bots.recognize(&to(ELSEWHERE), &question(speech())).await;
    assert_eq!(slow, Err(RecognizeError::TimedOut { limit_ms: 100 }));
    assert_eq!((bots.stats().answered.load(Relaxed), bots.stats().failed.load(Relaxed)), (0, 1));
    let closed = ask(Manner::Closes, speech()).await.0.unwrap_err();
    assert!(matches!(closed, RecognizeError::Unreachable(_)), "{closed}");
    for body in ["", "[]", "{}", "{\"sessionState\":{}}", "<html>"] {
        let lies = ask(Manner::Lies(body), Said::Keys("1".into())).await.0.unwrap_err();
        assert!(matches!(lies, RecognizeError::Malformed(_)), "{body}: {lies}");
    }
    let huge = ask(Manner::Huge, Said::Keys("1".into())).await.0.unwrap_err();
    assert_eq!(huge, RecognizeError::TooLarge { limit_bytes: ANSWER_MAX_BYTES });
    let huge = ask(Manner::HugeHeaders, speech()).await.0.unwrap_err();
    assert_eq!(huge, RecognizeError::TooLarge { limit_bytes: HEADERS_MAX_BYTES });
}

#[tokio::test]
async fn without_an_endpoint_an_alias_of_no_bot_says_what_to_set() {
    let error =
        bots(&config::Lex::default()).recognize(&to(ELSEWHERE), &question(speech())).await.unwrap_err();
    assert!(matches!(&error, RecognizeError::NotConfigured(why) if why.contains("lex.endpoint")), "{error}");
}

#[test]
fn a_file_that_is_no_bot_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str, text: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, text).unwrap();
        let bot = LexBot { id: "ORDERSBOT1".into(), alias_id: "TSTALIASID".into(), file };
        bots::read(&[bot]).map(|bots| bots.len()).map_err(|error| format!("{error:#}"))
    };
    assert_eq!(read("a.json", r#"{"name":"b","intents":[]}"#), Ok(1));
    let told = read("a.toml", "name='b'\nintents=[]\nnoise=1").unwrap_err();
    assert!(told.contains("a.toml") && told.contains("noise"), "{told}");
    let told = read("b.toml", &" ".repeat(2 << 20)).unwrap_err();
    assert!(told.contains("2097152 bytes"), "{told}");
}

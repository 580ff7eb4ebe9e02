use super::*;
use crate::audio::SPEECH_TYPE;
use crate::packed::{pack, unpack, unpack_text};
use futures_util::FutureExt;
use http::Request;
use serde_json::{Value, json};
use std::sync::Mutex;
use tympan_aws::{BoxFuture, Invocation, ReplyBody};
use tympan_types::{AccountId, Caller, Region, WallTime};

const PATH: &str = "/bots/ABCDEFGHIJ/botAliases/TSTALIASID/botLocales/en_US/sessions";

/// Hears what the test says it hears, and keeps what it was given.
#[derive(Default)]
struct Scripted {
    text: Mutex<Option<Result<String, String>>>,
    given: Mutex<Vec<Speech>>,
}

impl SpeechToText for Scripted {
    fn transcribe<'a>(&'a self, speech: Speech) -> BoxFuture<'a, Result<Transcript, SpeechError>> {
        self.given.lock().unwrap().push(speech);
        let text = self.text.lock().unwrap().clone().unwrap();
        let heard = text.map(|text| Transcript { text, confidence: Some(0.7) }).map_err(SpeechError);
        Box::pin(std::future::ready(heard))
    }
}

/// Returns what the test says it returns, and keeps the events.
#[derive(Default)]
struct Returns {
    answers: Mutex<Vec<Result<Value, String>>>,
    events: Mutex<Vec<Value>>,
}

impl Functions for Returns {
    fn invoke<'a>(&'a self, _: &'a str, event: Vec<u8>) -> BoxFuture<'a, Result<Vec<u8>, String>> {
        self.events.lock().unwrap().push(serde_json::from_slice(&event).unwrap());
        let answer = self.answers.lock().unwrap().remove(0);
        Box::pin(std::future::ready(answer.map(|value| value.to_string().into_bytes())))
    }
}

struct Bench {
    service: LexService,
    operations: Operations<LexService>,
    speech: Arc<Scripted>,
    functions: Arc<Returns>,
    now: WallTime,
}

/// What was answered.
#[derive(Debug)]
struct Answered {
    status: u16,
    error: Option<&'static str>,
    headers: HashMap<&'static str, String>,
    body: Vec<u8>,
}

impl Answered {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn packed(&self, name: &str) -> Value {
        unpack(&self.headers[name]).unwrap()
    }
}

impl Bench {
    fn new(with_speech: bool) -> Self {
        let bot = Bot::from_toml(
            r#"
            name = "Orders"
            session_timeout_s = 60
            [[intents]]
            name = "Track"
            utterances = ["track order"]
            [[intents.slots]]
            name = "Number"
            type = "AMAZON.Number"
            prompt = "Which order?"
            [[intents]]
            name = "Book"
            utterances = ["book"]
            [intents.fulfillment]
            function = "arn:f"
            "#,
        );
        let alias = BotAlias::new("ABCDEFGHIJ", "TSTALIASID").unwrap();
        let (speech, functions) = (Arc::new(Scripted::default()), Arc::new(Returns::default()));
        let recogniser = with_speech.then(|| speech.clone() as Arc<dyn SpeechToText>);
        let service = LexService::new([(alias, bot.unwrap())], recogniser, Some(functions.clone()));
        let now = WallTime::from_unix_ms(1_796_000_000_000);
        Self { service, operations: operations(), speech, functions, now }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answered {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let caller = Caller {
            account: AccountId::parse("111122223333").unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            access_key_id: "AKID".into(),
        };
        let invocation = Invocation { request_id: "r-1", ..Invocation::within_process(&caller, self.now) };
        let routes = tympan_aws::Routes::new().serve(self.service.clone(), operations());
        let found = routes.find(SCOPE, &head).unwrap();
        let outcome = routes.run(found, &head, body, &invocation).unwrap().now_or_never().unwrap();
        assert_eq!(self.operations.served().count(), 5);
        let ReplyBody::Whole(body) = outcome.reply.body else { panic!("a stream") };
        let headers = outcome.reply.headers.into_iter().collect();
        Answered {
            status: outcome.reply.status,
            error: outcome.reply.error_type,
            headers,
            body: body.to_vec(),
        }
    }

    fn text(&self, session: &str, text: &str) -> Answered {
        self.send(
            "POST",
            &format!("{PATH}/{session}/text"),
            &[],
            json!({ "text": text }).to_string().as_bytes(),
        )
    }

    fn utterance(&self, content_type: &str, body: &[u8]) -> Answered {
        let state = pack(&json!({ "sessionAttributes": { "a": "b" } }));
        let headers = [
            ("content-type", content_type),
            ("response-content-type", "audio/pcm"),
            ("x-amz-lex-session-state", state.as_str()),
        ];
        self.send("POST", &format!("{PATH}/s1/utterance"), &headers, body)
    }
}

/// A second of a loud line.
fn loud() -> Vec<u8> {
    (0..8_000i16).flat_map(|at| (at % 100 * 90).to_le_bytes()).collect()
}

#[test]
fn a_text_conversation_answers_as_the_model_has_it() {
    let bench = Bench::new(false);
    let first = bench.text("s1", "track my order").json();
    assert_eq!(
        first["sessionState"]["dialogAction"],
        json!({ "type": "ElicitSlot", "slotToElicit": "Number" })
    );
    assert_eq!(first["sessionState"]["intent"]["slots"], json!({ "Number": null }));
    assert_eq!(first["messages"], json!([{ "content": "Which order?", "contentType": "PlainText" }]));
    assert_eq!(first["sessionId"], "s1");
    assert!(first["interpretations"][0]["nluConfidence"]["score"].as_f64().unwrap() > 0.6);
    assert_eq!(first["sessionState"]["originatingRequestId"], "r-1");
    let second = bench.text("s1", "42").json();
    let value = &second["sessionState"]["intent"]["slots"]["Number"]["value"];
    assert_eq!(*value, json!({ "originalValue": "42", "interpretedValue": "42", "resolvedValues": ["42"] }));
    assert_eq!(second["sessionState"]["intent"]["state"], "ReadyForFulfillment");
    assert_eq!(second["sessionState"]["dialogAction"]["type"], "Close");
    assert_eq!(bench.service.stats().recognitions, 2);
}

#[test]
fn speech_is_turned_into_text_and_answered_in_packed_headers() {
    let bench = Bench::new(true);
    *bench.speech.text.lock().unwrap() = Some(Ok(" Track order. ".into()));
    let answer = bench.utterance(SPEECH_TYPE, &loud());
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert_eq!(answer.headers["x-amz-lex-input-mode"], "Speech");
    assert_eq!(unpack_text(&answer.headers["x-amz-lex-input-transcript"]).unwrap(), "Track order.");
    assert_eq!(answer.packed("x-amz-lex-session-state")["sessionAttributes"], json!({ "a": "b" }));
    assert_eq!(answer.packed("x-amz-lex-messages")[0]["content"], "Which order?");
    assert_eq!(answer.packed("x-amz-lex-interpretations")[0]["intent"]["name"], "Track");
    let given = bench.speech.given.lock().unwrap();
    assert_eq!((given[0].samples.len(), given[0].rate_hz, given[0].locale.as_str()), (8_000, 8_000, "en_US"));
    assert_eq!(given[0].vocabulary, ["book", "order", "track"]);
}

#[test]
fn silence_is_an_empty_utterance_and_no_recogniser_is_asked() {
    let bench = Bench::new(true);
    let answer = bench.utterance(SPEECH_TYPE, &[0; 8_000]);
    assert_eq!(answer.packed("x-amz-lex-session-state")["intent"]["name"], "FallbackIntent");
    assert_eq!(bench.speech.given.lock().unwrap().len(), 0);
}

#[test]
fn without_a_recogniser_speech_is_a_dependency_that_failed_and_text_is_taken() {
    let bench = Bench::new(false);
    let answer = bench.utterance(SPEECH_TYPE, &loud());
    assert_eq!((answer.status, answer.error), (424, Some("DependencyFailedException")));
    assert!(answer.json()["message"].as_str().unwrap().contains("lex.wyoming"), "{answer:?}");
    let answer = bench.utterance("text/plain; charset=utf-8", b"track order");
    assert_eq!(answer.headers["x-amz-lex-input-mode"], "Text");
    let failing = Bench::new(true);
    *failing.speech.text.lock().unwrap() = Some(Err("the peer is away".into()));
    let answer = failing.utterance(SPEECH_TYPE, &loud());
    assert_eq!((answer.status, failing.service.stats().failed_speech), (424, 1));
}

#[test]
fn what_is_wrong_with_a_request_has_the_models_code() {
    let bench = Bench::new(true);
    let other = PATH.replace("ABCDEFGHIJ", "OTHEROTHER");
    let french = PATH.replace("en_US", "fr_FR");
    let body = br#"{"text":"x"}"#;
    let long = json!({ "text": "a".repeat(1_025) }).to_string();
    let bad = pack(&json!({ "intent": { "name": "Nonsense" } }));
    for (path, headers, body, status, code) in [
        (format!("{other}/s1/text"), vec![], &body[..], 404, "ResourceNotFoundException"),
        (format!("{french}/s1/text"), vec![], body, 404, "ResourceNotFoundException"),
        (format!("{PATH}/s/text"), vec![], body, 400, "ValidationException"),
        (
            format!("{}/s1/text", PATH.replace("ABCDEFGHIJ", "short")),
            vec![],
            body,
            400,
            "ValidationException",
        ),
        (format!("{PATH}/s1/text"), vec![], b"{}", 400, "ValidationException"),
        (format!("{PATH}/s1/text"), vec![], b"[]", 400, "ValidationException"),
        (format!("{PATH}/s1/text"), vec![], br#"{"text":7}"#, 400, "ValidationException"),
        (format!("{PATH}/s1/text"), vec![], long.as_bytes(), 400, "ValidationException"),
        (
            format!("{PATH}/s1/utterance"),
            vec![("content-type", "audio/mpeg")],
            b"",
            400,
            "ValidationException",
        ),
        (format!("{PATH}/s1/utterance"), vec![], b"", 400, "ValidationException"),
        (
            format!("{PATH}/s1/utterance"),
            vec![("content-type", "text/plain"), ("x-amz-lex-session-state", "***")],
            b"a",
            400,
            "ValidationException",
        ),
        (
            format!("{PATH}/s1/utterance"),
            vec![("content-type", "text/plain"), ("x-amz-lex-session-state", &bad)],
            b"a",
            400,
            "ValidationException",
        ),
        (
            format!("{PATH}/s1/utterance"),
            vec![("content-type", "text/plain"), ("response-content-type", "video/mp4")],
            b"a",
            400,
            "ValidationException",
        ),
        (format!("{PATH}/s1/conversation"), vec![], b"", 501, "NotImplementedException"),
    ] {
        let answer = bench.send("POST", &path, &headers, body);
        assert_eq!(
            (answer.status, answer.error),
            (status, Some(code)),
            "{path} {:?}",
            String::from_utf8_lossy(body)
        );
        assert!(!answer.json()["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(bench.service.stats().recognitions, 0);
}

#[test]
fn a_session_is_put_read_ended_and_expires() {
    let bench = Bench::new(false);
    let path = format!("{PATH}/s1");
    assert_eq!(bench.send("GET", &path, &[], b"").status, 404);
    assert_eq!(bench.send("DELETE", &path, &[], b"").status, 404);
    let state = json!({
        "dialogAction": { "type": "ElicitSlot", "slotToElicit": "Number" },
        "intent": { "name": "Track", "state": "InProgress" },
        "sessionAttributes": { "a": "b" },
    });
    let put = bench.send("POST", &path, &[], json!({ "sessionState": state }).to_string().as_bytes());
    assert_eq!(put.packed("x-amz-lex-messages")[0]["content"], "Which order?");
    assert_eq!(put.headers["x-amz-lex-session-id"], "s1");
    let read = bench.send("GET", &path, &[], b"").json();
    assert_eq!(read["sessionState"]["dialogAction"]["slotToElicit"], "Number");
    assert_eq!(read["sessionState"]["sessionAttributes"], json!({ "a": "b" }));
    assert_eq!(bench.text("s1", "7").json()["sessionState"]["intent"]["state"], "ReadyForFulfillment");
    let ended = bench.send("DELETE", &path, &[], b"").json();
    let expected = json!({
        "botId": "ABCDEFGHIJ", "botAliasId": "TSTALIASID", "localeId": "en_US", "sessionId": "s1",
    });
    assert_eq!(ended, expected);
    assert_eq!(bench.send("GET", &path, &[], b"").status, 404);
    bench.text("s2", "track order");
    let later = Bench { now: bench.now.plus_ms(60_000), ..bench };
    assert_eq!(later.send("GET", &format!("{PATH}/s2"), &[], b"").status, 404);
    assert_eq!(
        later.text("s2", "42").json()["sessionState"]["intent"]["name"],
        "FallbackIntent",
        "a new session"
    );
}

#[test]
fn a_function_fulfils_and_one_that_fails_is_a_dependency_that_failed() {
    let bench = Bench::new(false);
    let fulfilled = json!({
        "sessionState": {
            "dialogAction": { "type": "Close" },
            "intent": { "name": "Book", "state": "Fulfilled" },
        },
        "messages": [{ "contentType": "PlainText", "content": "Booked." }],
    });
    *bench.functions.answers.lock().unwrap() =
        vec![Ok(fulfilled), Err("it is away".into()), Ok(json!({ "sessionState": {} }))];
    let answer = bench.text("s1", "book").json();
    assert_eq!(answer["sessionState"]["intent"]["state"], "Fulfilled");
    assert_eq!(answer["messages"][0]["content"], "Booked.");
    let event = bench.functions.events.lock().unwrap()[0].clone();
    assert_eq!(event["invocationSource"], "FulfillmentCodeHook");
    assert_eq!(event["bot"]["id"], "ABCDEFGHIJ");
    assert_eq!((event["sessionId"].as_str(), event["inputMode"].as_str()), (Some("s1"), Some("Text")));
    for why in ["it is away", "no dialogAction"] {
        let answer = bench.text("s2", "book");
        assert_eq!((answer.status, answer.error), (424, Some("DependencyFailedException")));
        assert!(answer.json()["message"].as_str().unwrap().contains(why), "{answer:?}");
    }
    assert_eq!(bench.service.stats().failed_functions, 2);
    assert_eq!(
        bench.send("GET", &format!("{PATH}/s2"), &[], b"").json()["sessionState"],
        json!({}),
        "as it was"
    );
}

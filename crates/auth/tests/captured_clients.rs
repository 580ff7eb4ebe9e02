//! Requests as unmodified clients signed and sent them: the C producer, kvssink, boto3, the JS and Rust SDKs.

mod ground_truth;
mod request_text;

use ground_truth::ground_truth;
use request_text::RequestText;
use serde_json::Value;
use tympan_auth::{
    AccessKey, AmzDate, BodyRule, CredentialStore, Credentials, Payload, Rejection, Verified, Verifier,
    scope_of,
};
use tympan_types::{AccountId, WallTime};

struct Capture {
    client: String,
    request: RequestText,
    streamed: bool,
    at: WallTime,
}

impl Capture {
    fn read(line: &str) -> Self {
        let capture: Value = serde_json::from_str(line).expect("a capture");
        let string = |value: &Value| value.as_str().expect("a text").to_owned();
        let headers = capture["headers"].as_array().expect("headers");
        let request = RequestText {
            method: string(&capture["method"]),
            target: string(&capture["path"]),
            headers: headers.iter().map(|header| (string(&header[0]), string(&header[1]))).collect(),
            body: capture["body"].as_str().unwrap_or_default().to_owned(),
        };
        let at = AmzDate::parse(request.header("x-amz-date").expect("a date")).expect("a date").wall_time();
        Self { client: string(&capture["client"]), streamed: request.target == "/putMedia", request, at }
    }

    fn payload(&self) -> Payload {
        if self.streamed { Payload::Streamed } else { Payload::of_body(self.request.body()) }
    }

    fn verify(
        &self,
        now: WallTime,
        credentials: Credentials,
        payload: Payload,
    ) -> Result<Verified, Rejection> {
        let account = AccountId::parse("111122223333").expect("an account");
        let store = CredentialStore::new([AccessKey::new(credentials, account)]).expect("one key");
        self.request.with_parts(|parts| Verifier::default().check_head(now, parts, &store)?.verify(payload))
    }
}

fn captures() -> Vec<Capture> {
    let Some(path) = ground_truth("sigv4/captures.jsonl") else { return Vec::new() };
    let captures: Vec<Capture> =
        std::fs::read_to_string(path).expect("captures").lines().map(Capture::read).collect();
    assert_eq!(captures.len(), 30, "the captures are complete");
    captures
}

fn credentials() -> Credentials {
    Credentials::new("AKIDEXAMPLE", "secretkeyEXAMPLE")
}

#[test]
fn every_captured_request_is_let_in() {
    for capture in captures() {
        let name = format!("{} {}", capture.client, capture.request.target);
        let scope = capture.request.with_parts(scope_of).expect("a scope");
        assert_eq!(
            (scope.service.as_str(), scope.access_key_id.as_str()),
            ("kinesisvideo", "AKIDEXAMPLE"),
            "{name}"
        );
        let verified = capture.verify(capture.at, credentials(), capture.payload());
        let verified = verified.unwrap_or_else(|rejection| panic!("{name}: {rejection}"));
        let expected = if capture.streamed { BodyRule::Unsigned } else { BodyRule::Signed };
        assert_eq!(verified.body, expected, "{name}");
        assert_eq!(verified.caller.region.as_str(), "us-west-2");
    }
}

#[test]
fn another_secret_body_or_hour_is_not() {
    for capture in captures() {
        let mismatch = |verdict: Result<Verified, Rejection>| {
            let rejection = verdict.expect_err("let in");
            assert_eq!((rejection.error_type(), rejection.status()), ("InvalidSignatureException", 403));
        };
        mismatch(capture.verify(capture.at, Credentials::new("AKIDEXAMPLE", "other"), capture.payload()));
        mismatch(capture.verify(capture.at.plus_ms(301_000), credentials(), capture.payload()));
        mismatch(capture.verify(capture.at.plus_ms(-301_000), credentials(), capture.payload()));
        if !capture.streamed {
            mismatch(capture.verify(
                capture.at,
                credentials(),
                Payload::of_body(b"{\"StreamName\":\"other\"}"),
            ));
        }
    }
}

#[test]
fn a_temporary_key_is_let_in_with_its_token_only() {
    for capture in captures() {
        let Some(token) = capture.request.header("x-amz-security-token") else { continue };
        let own = credentials().with_session_token(token);
        assert!(capture.verify(capture.at, own, capture.payload()).is_ok());
        let other = capture.verify(capture.at, credentials().with_session_token("other"), capture.payload());
        assert_eq!(other.expect_err("let in").error_type(), "UnrecognizedClientException");
    }
}

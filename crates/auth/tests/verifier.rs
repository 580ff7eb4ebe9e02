//! The verifier's rules, one by one, on requests signed here and by botocore.

mod request_text;

use proptest::prelude::*;
use request_text::RequestText;
use tympan_auth::{
    AccessKey, AmzDate, BodyRule, CredentialStore, Credentials, Payload, PayloadHash, Rejection,
    RequestParts, Signer, SigningOptions, Verified, Verifier,
};
use tympan_types::{AccountId, Region, WallTime};

const SECRET: &str = "secretkeyEXAMPLE";
const BODY: &str = "{\"StreamName\":\"call-1\"}";

fn now() -> WallTime {
    AmzDate::parse("20261122T102711Z").expect("a date").wall_time()
}

fn long_term() -> Credentials {
    Credentials::new("AKIDEXAMPLE", SECRET)
}

fn temporary() -> Credentials {
    long_term().with_session_token("tok/en+")
}

fn request(target: &str) -> RequestText {
    let headers = [("Host", "127.0.0.1:8600"), ("Content-Type", "application/json")];
    RequestText {
        method: "POST".into(),
        target: target.into(),
        headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        body: BODY.into(),
    }
}

/// Signs with the headers that `request` has and adds what signing gives.
fn sign(request: &mut RequestText, credentials: &Credentials, options: SigningOptions, hash: PayloadHash) {
    let region = Region::parse("us-west-2").expect("a region");
    let signer = Signer::new(credentials, &region, "kinesisvideo").with_options(options);
    let added = request.with_parts(|parts| signer.sign(now(), parts, hash));
    request.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
}

fn signed(target: &str) -> RequestText {
    let mut request = request(target);
    let hash = PayloadHash::of_body(request.body());
    sign(&mut request, &long_term(), SigningOptions::default(), hash);
    request
}

fn set(request: &mut RequestText, name: &str, change: impl FnOnce(&str) -> String) {
    let header =
        request.headers.iter_mut().find(|(given, _)| given.eq_ignore_ascii_case(name)).expect("the header");
    header.1 = change(&header.1);
}

fn verify_with(
    request: &RequestText,
    at: WallTime,
    key: AccessKey,
    payload: Payload,
) -> Result<Verified, Rejection> {
    let store = CredentialStore::new([key]).expect("one key");
    request.with_parts(|parts| Verifier::default().check_head(at, parts, &store)?.verify(payload))
}

fn key(credentials: Credentials) -> AccessKey {
    AccessKey::new(credentials, AccountId::parse("111122223333").expect("an account"))
}

fn verify(request: &RequestText) -> Result<Verified, Rejection> {
    verify_with(request, now(), key(long_term()), Payload::of_body(request.body()))
}

fn refused(request: &RequestText) -> Rejection {
    verify(request).expect_err("let in")
}

#[test]
fn a_verified_caller_is_the_account_of_the_key() {
    let verified = verify(&signed("/describeStream")).unwrap();
    assert_eq!(verified.caller.account.as_str(), "111122223333");
    assert_eq!(verified.caller.region.as_str(), "us-west-2");
    assert_eq!(verified.caller.access_key_id, "AKIDEXAMPLE");
    assert_eq!((verified.service.as_str(), verified.body), ("kinesisvideo", BodyRule::Signed));
}

#[test]
fn what_botocore_signs_is_let_in() {
    // botocore 1.44.5: an escaped path is escaped again, a ready-made query is signed as it stands.
    let lambda =
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-west-2%3A111122223333%3Afunction%3Alookup/invocations";
    for (method, target, body, scope, signed_headers, signature) in [
        (
            "POST",
            lambda,
            "{}",
            "lambda",
            "host;x-amz-date",
            "b472d36779fa8f062138ffd2cb1fc021d38cc77209fe427ae2b1f18822e234af",
        ),
        (
            "GET",
            "/instance/4a573372-1f28-4e26-b97b-0123456789ab",
            "",
            "connect",
            "host;x-amz-date",
            "17d249632963618f51f0aa94eb832b9ded65e0a26733ccdf2cc7295c92730e03",
        ),
        (
            "GET",
            "/contacts/attributes/a?x=%7Ea&b=c%20d&b=%2B",
            "",
            "connect",
            "host;x-amz-date;x-amz-security-token",
            "aa8cd1eefc21171eeeb374f7f9990224446f02311cbc359fe2fcb5eb6d02bb38",
        ),
    ] {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-west-2/{scope}/aws4_request, \
             SignedHeaders={signed_headers}, Signature={signature}"
        );
        let headers = [
            ("Host", "127.0.0.1:8600"),
            ("X-Amz-Date", "20261122T102711Z"),
            ("X-Amz-Security-Token", "tok/en+"),
            ("Authorization", &authorization),
        ];
        let request = RequestText {
            method: method.into(),
            target: target.into(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
            body: body.into(),
        };
        assert_eq!(verify(&request).map(|verified| verified.service), Ok(scope.to_owned()), "{target}");
    }
    let presigned = RequestText {
        method: "GET".into(),
        target: "/listStreams?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20261122%2Fus-west-2%2F\
            kinesisvideo%2Faws4_request&X-Amz-Date=20261122T102711Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&\
            X-Amz-Security-Token=tok%2Fen%2B&\
            X-Amz-Signature=3dac5d9ddc5df3e6224a449a2be264c25d14e2e9ae300e1d4b3bf791d00417ac"
            .into(),
        headers: vec![("Host".into(), "127.0.0.1:8600".into())],
        body: String::new(),
    };
    let at = |seconds: i64| {
        verify_with(&presigned, now().plus_ms(seconds * 1000), key(temporary()), Payload::of_body(b""))
            .map(drop)
    };
    assert_eq!(at(60), Ok(()));
    assert!(matches!(at(61), Err(Rejection::SignatureExpired { .. })));
    assert!(matches!(at(-301), Err(Rejection::SignatureNotYetCurrent { .. })));
}

#[test]
fn the_host_may_be_signed_with_or_without_the_port() {
    for (when_signed, when_sent) in
        [("kvs.local", "kvs.local:8600"), ("kvs.local:8600", "kvs.local"), ("[::1]", "[::1]:8600")]
    {
        let mut request = request("/describeStream");
        set(&mut request, "host", |_| when_signed.to_owned());
        let hash = PayloadHash::of_body(request.body());
        sign(&mut request, &long_term(), SigningOptions::default(), hash);
        set(&mut request, "host", |_| when_sent.to_owned());
        assert!(verify(&request).is_ok(), "{when_signed} sent as {when_sent}");
    }
    let mut request = signed("/describeStream");
    set(&mut request, "host", |_| "127.0.0.2:8600".to_owned());
    assert_eq!(refused(&request), Rejection::SignatureMismatch);
}

#[test]
fn streams_may_be_signed_in_every_way_that_clients_have() {
    let body = PayloadHash::of_body(b"ebml");
    for (hash, send_payload_hash, rule) in [
        (PayloadHash::of_nothing(), false, BodyRule::Unsigned),
        (PayloadHash::of_nothing(), true, BodyRule::Unsigned),
        (PayloadHash::Streaming, true, BodyRule::Unsigned),
        (PayloadHash::Unsigned, true, BodyRule::Unsigned),
        (body, true, BodyRule::MustHash(hash_of(body))),
    ] {
        let mut request = request("/putMedia");
        sign(&mut request, &long_term(), SigningOptions { send_payload_hash, ..Default::default() }, hash);
        let verdict = verify_with(&request, now(), key(long_term()), Payload::Streamed);
        assert_eq!(verdict.map(|verified| verified.body), Ok(rule), "{hash}");
    }
}

#[test]
fn a_payload_header_may_be_missing_or_added_after_signing() {
    // botocore 1.44.5 told to sign UNSIGNED-PAYLOAD, as the Java producer does before it adds the header.
    let authorization = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/us-west-2/kinesisvideo/aws4_request, \
        SignedHeaders=host;x-amz-date, Signature=1a3329a09b1149eeb48a1440677817fe974f6d40fdd7fdbbb234277257c825bd";
    let mut request = request("/putMedia");
    request.headers.push(("X-Amz-Date".into(), "20261122T102711Z".into()));
    request.headers.push(("Authorization".into(), authorization.into()));
    let check = |request: &RequestText, payload: Payload| {
        verify_with(request, now(), key(long_term()), payload).map(|verified| verified.body)
    };
    assert_eq!(check(&request, Payload::Streamed), Ok(BodyRule::Unsigned));
    assert_eq!(check(&request, Payload::of_body(request.body())), Err(Rejection::SignatureMismatch));
    request.headers.push(("x-amz-content-sha256".into(), "UNSIGNED-PAYLOAD".into()));
    assert_eq!(check(&request, Payload::Streamed), Ok(BodyRule::Unsigned));
    set(&mut request, "x-amz-content-sha256", |_| "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".into());
    assert_eq!(check(&request, Payload::Streamed), Err(Rejection::SignatureMismatch));
}

fn hash_of(hash: PayloadHash) -> [u8; 32] {
    match hash {
        PayloadHash::Sha256(hash) => hash,
        other => panic!("{other} is no hash"),
    }
}

#[test]
fn a_json_call_must_sign_its_body() {
    for hash in [PayloadHash::Unsigned, PayloadHash::Streaming] {
        let mut request = request("/describeStream");
        sign(&mut request, &long_term(), SigningOptions::default(), hash);
        assert!(matches!(refused(&request), Rejection::PayloadHash { .. }));
    }
    let mut request = request("/describeStream");
    let options = SigningOptions { send_payload_hash: true, ..Default::default() };
    let hash = PayloadHash::of_body(request.body());
    sign(&mut request, &long_term(), options, hash);
    assert!(verify(&request).is_ok());
    request.body.push(' ');
    assert_eq!(refused(&request), Rejection::BodyAltered);
    request.headers.push(("X-Amz-Content-Sha256".into(), hash.to_string()));
    assert!(matches!(refused(&request), Rejection::PayloadHash { .. }), "the header twice");
}

#[test]
fn tokens_count_signed_or_unsigned() {
    for sign_session_token in [true, false] {
        let mut request = request("/describeStream");
        let hash = PayloadHash::of_body(request.body());
        sign(&mut request, &temporary(), SigningOptions { sign_session_token, ..Default::default() }, hash);
        let check = |request: &RequestText| {
            verify_with(request, now(), key(temporary()), Payload::of_body(request.body())).map(drop)
        };
        assert_eq!(check(&request), Ok(()));
        set(&mut request, "x-amz-security-token", |_| "other".to_owned());
        assert!(matches!(check(&request), Err(Rejection::WrongSessionToken(_))));
        request.headers.retain(|(name, _)| name != "x-amz-security-token");
        assert!(matches!(check(&request), Err(Rejection::WrongSessionToken(_))));
    }
}

#[test]
fn a_header_of_aws_that_decides_something_must_be_signed() {
    for (name, value) in [
        ("X-Amz-Target", "TrentService.DisableKey"),
        ("x-amzn-stream-name", "call-2"),
        ("X-Amzn-Stream-ARN", "arn:aws:kinesisvideo:us-west-2:111122223333:stream/call-2/1"),
        ("x-amzn-fragment-timecode-type", "RELATIVE"),
        ("x-amzn-fragment-acknowledgment-required", "0"),
        ("x-amzn-producer-start-timestamp", "1.0"),
    ] {
        let header = (name.to_owned(), value.to_owned());
        let mut request = signed("/putMedia");
        request.headers.push(header.clone());
        let refusal = refused(&request);
        assert_eq!(refusal, Rejection::UnsignedHeader(name.to_lowercase()));
        assert_eq!((refusal.error_type(), refusal.status()), ("InvalidSignatureException", 403));

        let mut request = self::request("/putMedia");
        request.headers.push(header);
        let hash = PayloadHash::of_body(request.body());
        sign(&mut request, &long_term(), SigningOptions::default(), hash);
        assert!(verify(&request).is_ok(), "{name}, signed");
    }
}

#[test]
fn a_header_that_decides_nothing_may_be_added_on_the_way() {
    let mut request = signed("/describeStream");
    for name in
        ["x-amz-user-agent", "X-Amzn-Trace-Id", "x-amz-cf-id", "amz-sdk-invocation-id", "x-forwarded-for"]
    {
        request.headers.push((name.to_owned(), "anything".to_owned()));
    }
    assert!(verify(&request).is_ok());
}

#[test]
fn an_expired_key_is_refused_from_its_last_instant_on() {
    let request = signed("/describeStream");
    let payload = Payload::of_body(request.body());
    let verdict = |end_ms: i64| {
        verify_with(&request, now(), key(long_term()).expiring_at(now().plus_ms(end_ms)), payload).map(drop)
    };
    assert_eq!(verdict(1), Ok(()));
    assert_eq!(verdict(0), Err(Rejection::ExpiredAccessKey));
    assert_eq!(Rejection::ExpiredAccessKey.error_type(), "ExpiredTokenException");
}

#[test]
fn clocks_may_differ_by_five_minutes_or_by_what_is_configured() {
    let request = signed("/describeStream");
    let payload = Payload::of_body(request.body());
    let at = |seconds: i64| {
        verify_with(&request, now().plus_ms(seconds * 1000), key(long_term()), payload).map(drop)
    };
    assert_eq!((at(300), at(-300)), (Ok(()), Ok(())));
    assert!(matches!(at(301), Err(Rejection::SignatureExpired { .. })));
    assert!(matches!(at(-301), Err(Rejection::SignatureNotYetCurrent { .. })));
    // In AWS's words, by which people find what is wrong: the client's time, what it is compared with, and why.
    let told = |seconds: i64| at(seconds).unwrap_err().to_string();
    assert_eq!(
        told(301),
        "Signature expired: 20261122T102711Z is now earlier than 20261122T102712Z (20261122T103212Z - 5 min.)"
    );
    assert_eq!(
        told(-301),
        "Signature not yet current: 20261122T102711Z is still later than 20261122T102710Z (20261122T102210Z + 5 min.)"
    );
    let store = CredentialStore::new([key(long_term())]).unwrap();
    let late = now().plus_ms(899_000);
    assert!(
        request.with_parts(|parts| Verifier::with_skew_ms(900_000).check_head(late, parts, &store).is_ok())
    );
}

#[test]
fn each_fault_has_its_error_type() {
    let mut unsigned = request("/describeStream");
    assert_eq!(refused(&unsigned).error_type(), "MissingAuthenticationTokenException");
    unsigned.headers.push(("Authorization".into(), "Bearer x".into()));
    assert_eq!(refused(&unsigned).error_type(), "IncompleteSignatureException");

    let mut stranger = signed("/describeStream");
    set(&mut stranger, "authorization", |text| text.replace("AKIDEXAMPLE", "AKIDOTHER"));
    assert_eq!(refused(&stranger).error_type(), "UnrecognizedClientException");

    let mut other_day = signed("/describeStream");
    set(&mut other_day, "authorization", |text| text.replace("/20261122/", "/20261121/"));
    assert!(matches!(refused(&other_day), Rejection::ScopeDay { .. }));

    for (from, to, rejection) in [
        (";host;", ";", Rejection::UnsignedHeader("host".into())),
        (";x-amz-date", "", Rejection::UnsignedHeader("x-amz-date".into())),
        (";host;", ";connection;host;", Rejection::MissingSignedHeader("connection".into())),
    ] {
        let mut request = signed("/describeStream");
        set(&mut request, "authorization", |text| text.replacen(from, to, 1));
        assert_eq!(refused(&request), rejection);
    }

    let mut twice = signed("/describeStream");
    let copy = twice.headers.last().unwrap().clone();
    twice.headers.push(copy);
    assert_eq!(refused(&twice).error_type(), "IncompleteSignatureException");
    let mut both = signed("/describeStream");
    both.target.push_str("?X-Amz-Signature=00");
    assert_eq!(refused(&both).error_type(), "IncompleteSignatureException");
}

#[test]
fn an_explanation_shows_the_difference_and_nothing_secret() {
    let mut request = request("/describeStream?token=1");
    let hash = PayloadHash::of_body(request.body());
    sign(&mut request, &temporary(), SigningOptions::default(), hash);
    let right =
        request.header("authorization").and_then(|text| text.split("Signature=").nth(1)).unwrap().to_owned();
    set(&mut request, "authorization", |text| text.replace(&right, &"0".repeat(64)));
    let store = CredentialStore::new([key(temporary())]).unwrap();
    let payload = Payload::of_body(request.body());
    let explanation = request.with_parts(|parts| {
        let pending = Verifier::default().check_head(now(), parts, &store).unwrap();
        assert_eq!(pending.verify(payload), Err(Rejection::SignatureMismatch));
        pending.explain(parts, payload)
    });
    assert_eq!(explanation.candidates.len(), 2, "the host with and without its port");
    assert!(explanation.candidates[1].label.starts_with("host without its port"));
    let text = explanation.to_string();
    for part in [
        "POST\n    /describeStream\n    token=1\n",
        "host:127.0.0.1:8600",
        "x-amz-security-token:[7 bytes]",
        "20261122/us-west-2/kinesisvideo/aws4_request",
        &"0".repeat(64),
        &hash.to_string(),
        "unsigned headers  authorization",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    for secret in [SECRET, "tok/en+", &right] {
        assert!(!text.contains(secret), "{text}");
    }
}

proptest! {
    #[test]
    fn any_change_to_a_signed_request_is_refused(what in 0..5usize, at: prop::sample::Index, bit in 0..5u8) {
        let mut request = signed("/describeStream?version=1");
        let text = match what {
            0 => &mut request.method,
            1 => &mut request.target,
            2 => &mut request.headers[0].1,
            3 => &mut request.headers[1].1,
            _ => &mut request.body,
        };
        let mut bytes = text.clone().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let changed = String::from_utf8(bytes).unwrap();
        // White space is not signed, nor is the difference between `/a` and `//a`, `?a` and `?a&`.
        prop_assume!(what == 4 || !changed.bytes().any(|b| b.is_ascii_whitespace() || b == b'%'));
        prop_assume!(what != 1 || changed.bytes().filter(|b| b"/?&.".contains(b)).count() == 2);
        *text = changed;
        prop_assert!(verify(&request).is_err());
    }

    #[test]
    fn signing_twice_gives_one_signature(path in "/[a-z/]{0,10}") {
        prop_assert_eq!(signed(&path).headers, signed(&path).headers);
    }
}

#[test]
fn the_least_request_is_refused_in_peace() {
    let parts = RequestParts { method: "", raw_path: "", raw_query: "", headers: &[], local_port: None };
    let store = CredentialStore::default();
    assert_eq!(Verifier::default().check_head(now(), &parts, &store).unwrap_err(), Rejection::NotSigned);
}

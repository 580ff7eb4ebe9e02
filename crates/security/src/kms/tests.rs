//! Tests of the service as a whole.

use super::bench::{ABSENT, Bench};
use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use tympan_aws::{Stage, Unrestricted};
use tympan_kms::{DataKey, EncryptionContext, KeyId, KeyProvider, WrappedKey};

#[test]
fn an_operation_that_is_not_here_is_refused_by_name_and_reason() {
    let bench = Bench::new();
    let error = bench.call("Sign", json!({})).unwrap_err();
    assert_eq!((error.code(), error.status()), (KmsErrorCode::UnsupportedOperation, 400));
    assert!(
        error.message().starts_with("Sign is not offered by this server: there are no asymmetric"),
        "{error}"
    );
}

#[test]
fn the_compatibility_page_has_a_row_for_each_operation() {
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/kms.md");
    let page = std::fs::read_to_string(page).unwrap();
    for (name, why) in CATALOGUE {
        let has = |state: &str| {
            page.lines().any(|line| {
                let mut cells = line.split('|').map(str::trim).skip(1);
                let named = cells.next().is_some_and(|names| names.split(", ").any(|one| one == *name));
                named && cells.next().is_some_and(|cell| cell.starts_with(state))
            })
        };
        assert_eq!(has("done") || has("differs"), why.is_empty(), "{name}");
        assert_eq!(has("refused"), !why.is_empty(), "{name}");
    }
}

#[test]
fn bodies_that_are_not_json_objects_are_serialization_errors() {
    let bench = Bench::new();
    let attempt = |body: &[u8]| bench.attempt(&bench.caller, "CreateKey", body, &Unrestricted);
    for body in [&b"{"[..], b"[]", b"\"a\"", b"nonsense", b"\xff"] {
        let attempt = attempt(body);
        assert_eq!(attempt.stage, Stage::Unread, "{body:?}");
        assert_eq!(attempt.result.unwrap_err().code(), KmsErrorCode::Serialization, "{body:?}");
    }
    // Another member of another type is refused after the policies have been asked.
    let attempted = attempt(b"{\"Tags\":{}}");
    assert_eq!(attempted.stage, Stage::Performed);
    assert_eq!(attempted.result.unwrap_err().code(), KmsErrorCode::Serialization);
    assert!(attempt(b"").result.is_ok());
    assert!(bench.call("CreateKey", json!({ "Unknown": [1] })).is_ok());
}

#[test]
fn a_request_is_about_the_key_that_it_names_in_whatever_way() {
    let bench = Bench::new();
    let key = bench.key();
    bench.alias("alias/calls", &key);
    let arn = bench.arn(&key);
    let blob = bench.encrypt(&key, b"hello");
    let other = bench.arn(&bench.key());
    let of = |operation: &str, request: &Value| bench.resources(operation, request.to_string().as_bytes());
    for (operation, request) in [
        ("DescribeKey", json!({ "KeyId": key })),
        ("DescribeKey", json!({ "KeyId": arn })),
        ("DescribeKey", json!({ "KeyId": "alias/calls" })),
        ("ScheduleKeyDeletion", json!({ "KeyId": "alias/calls" })),
        ("UpdateAlias", json!({ "AliasName": "alias/calls", "TargetKeyId": key })),
        ("DeleteAlias", json!({ "AliasName": "alias/calls" })),
        ("Decrypt", json!({ "CiphertextBlob": blob })),
        ("ReEncrypt", json!({ "CiphertextBlob": "AAAA", "DestinationKeyId": key })),
        ("Sign", json!({ "KeyId": "alias/calls" })),
    ] {
        assert_eq!(of(operation, &request).unwrap(), std::slice::from_ref(&arn), "{operation} {request}");
    }
    // Each key that is named counts.
    let mut both = [arn.clone(), other.clone()];
    both.sort_unstable();
    for (operation, request) in [
        ("UpdateAlias", json!({ "AliasName": "alias/calls", "TargetKeyId": other })),
        ("Decrypt", json!({ "KeyId": other, "CiphertextBlob": blob })),
        ("ReEncrypt", json!({ "SourceKeyId": other, "CiphertextBlob": blob, "DestinationKeyId": other })),
        ("ReEncrypt", json!({ "SourceKeyId": key, "DestinationKeyId": other })),
        // Of an operation that is not offered, whichever members it has.
        ("CreateGrant", json!({ "KeyId": other, "TargetKeyId": key, "AliasName": "alias/calls" })),
        ("Sign", json!({ "KeyId": other, "CiphertextBlob": blob, "DestinationKeyId": other })),
        ("Verify", json!({ "SourceKeyId": key, "DestinationKeyId": other })),
    ] {
        assert_eq!(of(operation, &request).unwrap(), both, "{operation} {request}");
    }
    assert_eq!(of("EnableKey", &json!({ "KeyId": ABSENT })).unwrap(), [bench.arn(ABSENT)]);
    // However the request spells it, whether or not there is such a key.
    for (id, named) in [(key.as_str(), &arn), (ABSENT, &bench.arn(ABSENT))] {
        for spelling in [id.to_uppercase(), bench.arn(&id.to_uppercase())] {
            let asked = of("DescribeKey", &json!({ "KeyId": spelling })).unwrap();
            assert_eq!(asked, std::slice::from_ref(named), "{spelling}");
        }
        for other in [format!("{{{id}}}"), id.replace('-', ""), format!("urn:uuid:{id}"), format!("x/{id}")] {
            assert_eq!(of("DescribeKey", &json!({ "KeyId": other })).unwrap(), ["*"], "{other}");
            let refusal = bench.refusal("DescribeKey", json!({ "KeyId": other }));
            assert_eq!(refusal, KmsErrorCode::NotFound, "{other}");
        }
    }
    let absent = "arn:aws:kms:us-west-2:111122223333:alias/no";
    assert_eq!(of("Encrypt", &json!({ "KeyId": "alias/no" })).unwrap(), [absent]);
    let made = of("CreateAlias", &json!({ "AliasName": "alias/no", "TargetKeyId": key })).unwrap();
    assert_eq!(made, [absent, &arn]);
    for (operation, request) in [
        ("DescribeKey", json!({})),
        ("Decrypt", json!({ "CiphertextBlob": "AAAA" })),
        ("CreateKey", json!({})),
        ("ListKeys", json!({})),
        ("ListAliases", json!({})),
        ("GenerateRandom", json!({})),
        ("Sign", json!({})),
    ] {
        assert_eq!(of(operation, &request).unwrap(), ["*"], "{operation} {request}");
    }
    for (operation, request) in [
        ("DescribeKey", json!([])),
        ("DescribeKey", json!({ "KeyId": 5 })),
        ("UpdateAlias", json!({ "TargetKeyId": key, "AliasName": 1 })),
        ("Sign", json!({ "KeyId": key, "AliasName": 1 })),
    ] {
        assert_eq!(of(operation, &request).unwrap_err().code(), KmsErrorCode::Serialization, "{request}");
    }
    let twice = format!(r#"{{"KeyId":"{key}","KeyId":"{other}"}}"#);
    for operation in ["DescribeKey", "ListAliases", "Sign"] {
        let error = bench.resources(operation, twice.as_bytes()).unwrap_err();
        assert_eq!(error.code(), KmsErrorCode::Serialization, "{operation}");
    }
}

#[test]
fn a_key_to_use_is_asked_for_by_its_arn_and_the_services_own_is_not() {
    let bench = Bench::new();
    let key = bench.key();
    bench.alias("alias/calls", &key);
    let to_use = |named: &str| bench.service.follow(&bench.caller, named).unwrap().map(|key_use| key_use.arn);
    for named in [key.as_str(), &key.to_uppercase(), &bench.arn(&key), "alias/calls"] {
        assert_eq!(to_use(named), Some(bench.arn(&key)), "{named}");
    }
    assert_eq!(to_use(&ABSENT.to_uppercase()), Some(bench.arn(ABSENT)));
    for named in ["alias/aws/kinesisvideo", &bench.services_key(), "no key", "x/y"] {
        assert_eq!(to_use(named), None, "{named}");
    }
}

#[tokio::test]
async fn a_streams_wrapped_key_is_a_ciphertext_like_any_other() {
    let bench = Bench::new();
    let keyring = bench.keyring.clone();
    let same = |one: &DataKey, other: &[u8]| {
        let mut sealed = b"media".to_vec();
        one.seal([0; 12], b"", &mut sealed);
        let other = DataKey::from_bytes(other.try_into().unwrap());
        other.open([0; 12], b"", &mut sealed) == Ok(5)
    };
    let context = EncryptionContext::new().with("tympan:stream-arn", "a");
    let (key, wrapped) = keyring.generate_data_key(&KeyId::default(), &context).await.unwrap();
    let request = json!({
        "CiphertextBlob": constraint::base64(wrapped.as_bytes()), "EncryptionContext": { "tympan:stream-arn": "a" },
    });
    let answer = bench.call("Decrypt", request).unwrap();
    assert!(same(&key, &bench.bytes(answer["Plaintext"].as_str().unwrap())));

    let request = json!({ "KeyId": "alias/aws/kinesisvideo", "KeySpec": "AES_256" });
    let answer = bench.call("GenerateDataKey", request).unwrap();
    let wrapped = WrappedKey::from_bytes(bench.bytes(answer["CiphertextBlob"].as_str().unwrap()));
    let opened = keyring.unwrap(&wrapped, &EncryptionContext::new()).await.unwrap();
    assert!(same(&opened, &bench.bytes(answer["Plaintext"].as_str().unwrap())));
}

#[test]
fn the_saved_corpus_is_answered_without_a_fault() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/kms_request");
    let mut answered = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let input = std::fs::read(&path).unwrap();
        let mut lines = input.splitn(2, |byte| *byte == b'\n');
        let (target, body) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
        let target = String::from_utf8_lossy(target);
        let Some(operation) = target.strip_prefix("TrentService.") else { continue };
        let bench = Bench::new();
        let attempt = bench.attempt(&bench.caller, operation, body, &Unrestricted);
        assert!(attempt.stage == Stage::Unknown || !attempt.asks.is_empty(), "{}", path.display());
        match attempt.result {
            Ok(_) => answered += 1,
            Err(error) => assert_ne!(error.status(), 500, "{}: {error}", path.display()),
        }
    }
    assert!(answered >= 5, "the corpus has grown old: only {answered} requests are answered");
}

proptest! {
    #[test]
    fn no_request_is_answered_with_a_fault(
        operation in prop::sample::select(CATALOGUE),
        key in prop_oneof![Just("alias/aws/kinesisvideo".to_owned()), Just(ABSENT.to_owned()), ".{0,40}"],
        text in ".{0,40}",
        number: i64,
    ) {
        let bench = Bench::new();
        let request = json!({
            "KeyId": key, "TargetKeyId": key, "DestinationKeyId": key, "AliasName": text, "Marker": text,
            "Plaintext": constraint::base64(text.as_bytes()), "CiphertextBlob": constraint::base64(text.as_bytes()),
            "NumberOfBytes": number, "Limit": number, "PendingWindowInDays": number, "Description": text,
            "EncryptionContext": { text.clone(): text }, "TagKeys": [text], "Tags": [{ "TagKey": text, "TagValue": key }],
        });
        let resources = bench.resources(operation.0, request.to_string().as_bytes());
        prop_assert!(resources.is_ok_and(|resources| !resources.is_empty()));
        if let Err(error) = bench.call(operation.0, request) {
            prop_assert_ne!(error.status(), 500, "{}", error);
        }
    }
}

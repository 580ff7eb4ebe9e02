//! Tests of the service as a whole.

use super::bench::{ABSENT, Bench};
use super::operation::OPERATIONS;
use super::*;
use crate::{EncryptionContext, KeyId, KeyProvider, WrappedKey};
use proptest::prelude::*;
use serde_json::json;

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
    for (name, handler) in OPERATIONS {
        let has = |state: &str| {
            page.lines().any(|line| {
                let mut cells = line.split('|').map(str::trim).skip(1);
                let named = cells.next().is_some_and(|names| names.split(", ").any(|one| one == *name));
                named && cells.next().is_some_and(|cell| cell.starts_with(state))
            })
        };
        assert_eq!(has("done") || has("differs"), handler.is_ok(), "{name}");
        assert_eq!(has("refused"), handler.is_err(), "{name}");
    }
}

#[test]
fn bodies_that_are_not_json_objects_are_serialization_errors() {
    let bench = Bench::new();
    let operation = Operation::from_target("TrentService.CreateKey").unwrap();
    for body in [&b"{"[..], b"[]", b"\"a\"", b"nonsense", b"\xff", b"{\"Tags\":{}}"] {
        let error = bench.service.call(bench::NOW, &bench.caller, operation, body).unwrap_err();
        assert_eq!(error.code(), KmsErrorCode::Serialization, "{body:?}");
    }
    assert!(bench.service.call(bench::NOW, &bench.caller, operation, b"").is_ok());
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
    let of = |request: &Value| bench.service.resources(&bench.caller, request.to_string().as_bytes());
    for request in [
        json!({ "KeyId": key }),
        json!({ "KeyId": arn }),
        json!({ "KeyId": "alias/calls" }),
        json!({ "AliasName": "alias/calls", "TargetKeyId": key }),
        json!({ "AliasName": "alias/calls" }),
        json!({ "CiphertextBlob": blob }),
        json!({ "CiphertextBlob": "AAAA", "DestinationKeyId": key }),
    ] {
        assert_eq!(of(&request).unwrap(), std::slice::from_ref(&arn), "{request}");
    }
    // Each key that is named counts, whichever of them the operation reads.
    let mut both = [arn.clone(), other.clone()];
    both.sort_unstable();
    for request in [
        json!({ "KeyId": other, "TargetKeyId": key, "AliasName": "alias/calls" }),
        json!({ "KeyId": other, "CiphertextBlob": blob, "DestinationKeyId": other }),
        json!({ "SourceKeyId": key, "DestinationKeyId": other }),
    ] {
        assert_eq!(of(&request).unwrap(), both, "{request}");
    }
    assert_eq!(of(&json!({ "KeyId": ABSENT })).unwrap(), [bench.arn(ABSENT)]);
    // However the request spells it, whether or not there is such a key.
    for (id, named) in [(key.as_str(), &arn), (ABSENT, &bench.arn(ABSENT))] {
        for spelling in [id.to_uppercase(), bench.arn(&id.to_uppercase())] {
            assert_eq!(of(&json!({ "KeyId": spelling })).unwrap(), std::slice::from_ref(named), "{spelling}");
        }
        for other in [format!("{{{id}}}"), id.replace('-', ""), format!("urn:uuid:{id}"), format!("x/{id}")] {
            assert_eq!(of(&json!({ "KeyId": other })).unwrap(), ["*"], "{other}");
            let refusal = bench.refusal("DescribeKey", json!({ "KeyId": other }));
            assert_eq!(refusal, KmsErrorCode::NotFound, "{other}");
        }
    }
    assert_eq!(of(&json!({ "KeyId": "alias/no" })).unwrap(), ["arn:aws:kms:us-west-2:111122223333:alias/no"]);
    for request in [json!({}), json!({ "CiphertextBlob": "AAAA" })] {
        assert_eq!(of(&request).unwrap(), ["*"], "{request}");
    }
    for request in [json!([]), json!({ "KeyId": 5 }), json!({ "KeyId": key, "AliasName": 1 })] {
        assert_eq!(of(&request).unwrap_err().code(), KmsErrorCode::Serialization, "{request}");
    }
    let twice = format!(r#"{{"KeyId":"{key}","KeyId":"{other}"}}"#);
    assert!(bench.service.resources(&bench.caller, twice.as_bytes()).is_err());
}

#[test]
fn a_key_to_use_is_asked_for_by_its_arn_and_the_services_own_is_not() {
    let bench = Bench::new();
    let key = bench.key();
    bench.alias("alias/calls", &key);
    let to_use = |named: &str| bench.service.key_to_use(&bench.caller, named).unwrap();
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
    let keyring = Arc::new(Keyring::in_memory());
    let service = KmsService::new(keyring.clone());
    let context = EncryptionContext::new().with("tympan:stream-arn", "a");
    let (key, wrapped) = keyring.generate_data_key(&KeyId::default(), &context).await.unwrap();
    let caller = Bench::new().caller;
    let request = json!({
        "CiphertextBlob": constraint::base64(wrapped.as_bytes()), "EncryptionContext": { "tympan:stream-arn": "a" },
    });
    let decrypt = Operation::from_target("TrentService.Decrypt").unwrap();
    let answer = service.call(bench::NOW, &caller, decrypt, request.to_string().as_bytes()).unwrap().unwrap();
    assert_eq!(answer["Plaintext"], constraint::base64(key.expose()));

    let request = json!({ "KeyId": "alias/aws/kinesisvideo", "KeySpec": "AES_256" });
    let generate = Operation::from_target("TrentService.GenerateDataKey").unwrap();
    let answer =
        service.call(bench::NOW, &caller, generate, request.to_string().as_bytes()).unwrap().unwrap();
    let wrapped = WrappedKey::from_bytes(Bench::new().bytes(answer["CiphertextBlob"].as_str().unwrap()));
    let opened = keyring.unwrap(&wrapped, &EncryptionContext::new()).await.unwrap();
    assert_eq!(answer["Plaintext"], constraint::base64(opened.expose()));
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
        let Some(operation) = Operation::from_target(&String::from_utf8_lossy(target)) else { continue };
        let bench = Bench::new();
        assert_ne!(bench.service.resources(&bench.caller, body).map_err(|error| error.status()), Err(500));
        match bench.service.call(bench::NOW, &bench.caller, operation, body) {
            Ok(_) => answered += 1,
            Err(error) => assert_ne!(error.status(), 500, "{}: {error}", path.display()),
        }
    }
    assert!(answered >= 5, "the corpus has grown old: only {answered} requests are answered");
}

proptest! {
    #[test]
    fn no_request_is_answered_with_a_fault(
        operation in prop::sample::select(OPERATIONS),
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
        let resources = bench.service.resources(&bench.caller, request.to_string().as_bytes());
        prop_assert!(resources.is_ok_and(|resources| !resources.is_empty()));
        if let Err(error) = bench.call(operation.0, request) {
            prop_assert_ne!(error.status(), 500, "{}", error);
        }
    }
}

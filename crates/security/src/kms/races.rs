//! What is acted on is what policies were asked about, whatever becomes of aliases in between.

use super::bench::{Bench, NOW};
use super::*;
use crate::kms::constraint::base64;
use serde_json::{Value, json};
use tympan_auth::Refusal;
use tympan_aws::{Ask, Permit};
use tympan_kms::KeyId;

const ALIAS: &str = "alias/calls";

/// Grants everything, after it has done something.
struct After<F>(F);

impl<F: Fn() + Send + Sync> Permit for After<F> {
    fn permit(&self, _: &[Ask]) -> Result<(), Refusal> {
        (self.0)();
        Ok(())
    }
}

/// Two keys, of which the first has the alias until a request was authorised.
struct Race {
    bench: Bench,
    first: String,
    second: String,
}

impl Race {
    fn new() -> Self {
        let bench = Bench::new();
        let (first, second) = (bench.key(), bench.key());
        bench.alias(ALIAS, &first);
        Self { bench, first, second }
    }

    /// Asks, and has the alias point to the second key between the look-up and the operation.
    fn ask(&self, operation: &str, request: Value) -> Result<Value, KmsApiError> {
        let keyring = self.bench.keyring.clone();
        let second = KeyId::parse(&self.second).unwrap();
        self.ask_after(operation, request, move || {
            keyring.point_alias(ALIAS, &second, NOW).unwrap();
        })
    }

    fn ask_after(
        &self,
        operation: &str,
        request: Value,
        between: impl Fn() + Send + Sync,
    ) -> Result<Value, KmsApiError> {
        let (body, permit) = (request.to_string(), After(between));
        let attempt = self.bench.attempt(&self.bench.caller, operation, body.as_bytes(), &permit);
        let answer = attempt.result?;
        Ok(answer.into_json().map_or(Value::Null, |json| serde_json::from_slice(&json).unwrap()))
    }

    fn holder(&self) -> Value {
        self.bench.metadata(ALIAS)["KeyId"].clone()
    }
}

#[test]
fn bytes_are_encrypted_under_the_key_that_had_the_alias() {
    let plain = base64(b"hello");
    for (operation, request) in [
        ("Encrypt", json!({ "KeyId": ALIAS, "Plaintext": plain })),
        ("GenerateDataKey", json!({ "KeyId": ALIAS, "KeySpec": "AES_256" })),
        ("GenerateDataKeyWithoutPlaintext", json!({ "KeyId": ALIAS, "NumberOfBytes": 7 })),
    ] {
        let race = Race::new();
        let answer = race.ask(operation, request).unwrap();
        assert_eq!(answer["KeyId"], race.bench.arn(&race.first), "{operation}");
        assert_eq!(race.holder(), *race.second, "{operation}: the alias was pointed elsewhere");
        race.bench.call("DisableKey", json!({ "KeyId": race.second })).unwrap();
        race.bench.decrypt(answer["CiphertextBlob"].as_str().unwrap()).unwrap();
    }
}

#[test]
fn a_ciphertext_is_opened_by_the_key_that_had_the_alias_and_by_no_other() {
    let race = Race::new();
    let of_first = race.bench.encrypt(&race.first, b"hello");
    let answer = race.ask("Decrypt", json!({ "KeyId": ALIAS, "CiphertextBlob": of_first })).unwrap();
    assert_eq!((&answer["KeyId"], race.holder()), (&json!(race.bench.arn(&race.first)), json!(race.second)));

    let race = Race::new();
    let of_second = race.bench.encrypt(&race.second, b"hello");
    let error = race.ask("Decrypt", json!({ "KeyId": ALIAS, "CiphertextBlob": of_second })).unwrap_err();
    assert_eq!(error.code(), KmsErrorCode::IncorrectKey);

    let race = Race::new();
    let blob = race.bench.encrypt(&race.second, b"hello");
    let answer = race.ask("ReEncrypt", json!({ "CiphertextBlob": blob, "DestinationKeyId": ALIAS })).unwrap();
    assert_eq!(answer["SourceKeyId"], race.bench.arn(&race.second));
    assert_eq!(answer["KeyId"], race.bench.arn(&race.first));
}

#[test]
fn an_alias_is_not_taken_from_a_key_that_no_policy_was_asked_about() {
    let race = Race::new();
    let third = race.bench.key();
    for (operation, request) in [
        ("UpdateAlias", json!({ "AliasName": ALIAS, "TargetKeyId": third })),
        ("DeleteAlias", json!({ "AliasName": ALIAS })),
    ] {
        race.bench.call("UpdateAlias", json!({ "AliasName": ALIAS, "TargetKeyId": race.first })).unwrap();
        let error = race.ask(operation, request.clone()).unwrap_err();
        assert_eq!((error.code(), error.status()), (KmsErrorCode::KmsInternal, 500), "SDKs ask again");
        assert_eq!(race.holder(), *race.second, "{operation}");
        // Asked again, it is about the key that has the alias now.
        race.ask(operation, request).unwrap();
    }
    assert_eq!(race.bench.refusal("DescribeKey", json!({ "KeyId": ALIAS })), KmsErrorCode::NotFound);
}

#[test]
fn an_alias_that_was_there_or_has_come_is_not_created() {
    let race = Race::new();
    let keyring = race.bench.keyring.clone();
    let request = json!({ "AliasName": ALIAS, "TargetKeyId": race.second });
    let service = race.bench.service.clone();
    let caller = race.bench.caller.clone();
    let delete = move || {
        let invocation = tympan_aws::Invocation::within_process(&caller, NOW);
        let operations = operations();
        let body = json!({ "AliasName": ALIAS }).to_string();
        let attempt = operations.attempt_named(&service, "DeleteAlias", body.as_bytes(), &invocation);
        futures_util::FutureExt::now_or_never(attempt).unwrap().result.unwrap();
    };
    // Policies were asked about the key that had it, and not about the name.
    let error = race.ask_after("CreateAlias", request.clone(), delete).unwrap_err();
    assert_eq!(error.code(), KmsErrorCode::AlreadyExists);
    let first = KeyId::parse(&race.first).unwrap();
    let create = move || {
        keyring.point_alias(ALIAS, &first, NOW).unwrap();
    };
    let error = race.ask_after("CreateAlias", request, create).unwrap_err();
    assert_eq!(error.code(), KmsErrorCode::AlreadyExists);
    assert_eq!(race.holder(), *race.first);
}

#[test]
fn an_alias_that_comes_after_the_look_up_names_nothing() {
    let race = Race::new();
    race.bench.call("DeleteAlias", json!({ "AliasName": ALIAS })).unwrap();
    let plain = base64(b"hello");
    for (operation, request) in [
        ("Encrypt", json!({ "KeyId": ALIAS, "Plaintext": plain })),
        ("DescribeKey", json!({ "KeyId": ALIAS })),
        ("UpdateAlias", json!({ "AliasName": ALIAS, "TargetKeyId": race.first })),
        ("DeleteAlias", json!({ "AliasName": ALIAS })),
    ] {
        let error = race.ask(operation, request).unwrap_err();
        assert_eq!(error.code(), KmsErrorCode::NotFound, "{operation}");
        assert_eq!(error.message(), "Alias arn:aws:kms:us-west-2:111122223333:alias/calls is not found.");
        assert_eq!(race.holder(), *race.second, "{operation}");
        race.bench.call("DeleteAlias", json!({ "AliasName": ALIAS })).unwrap();
    }
}

#[test]
fn the_deletion_of_a_key_by_an_alias_is_that_of_none() {
    let race = Race::new();
    let states = || [&race.first, &race.second].map(|key| race.bench.metadata(key)["KeyState"].clone());
    let error = race.ask("ScheduleKeyDeletion", json!({ "KeyId": ALIAS })).unwrap_err();
    assert_eq!(error.code(), KmsErrorCode::NotFound);
    assert_eq!(states(), ["Enabled", "Enabled"]);
    race.ask("ScheduleKeyDeletion", json!({ "KeyId": race.first })).unwrap();
    assert_eq!(states(), ["PendingDeletion", "Enabled"]);
}

#[test]
fn a_key_that_goes_after_the_look_up_is_told_as_it_was_named() {
    let race = Race::new();
    let days = 7;
    race.bench
        .call("ScheduleKeyDeletion", json!({ "KeyId": race.first, "PendingWindowInDays": days }))
        .unwrap();
    // It is still there when it is looked up, and its day has come.
    race.bench.at(NOW.plus_ms(days * 86_400_000));
    let arn = race.bench.arn(&race.first);
    let error = race.ask_after("DescribeKey", json!({ "KeyId": race.first }), || ()).unwrap_err();
    assert_eq!(error.code(), KmsErrorCode::NotFound);
    assert_eq!(error.message(), format!("Key '{arn}' does not exist"));
}

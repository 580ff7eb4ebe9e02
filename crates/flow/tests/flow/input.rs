//! The three forms of `GetParticipantInput`: menu, stored input, touchtone buffer.

use std::collections::BTreeMap;

use crate::stage::{Stage, flow, say};
use serde_json::{Value, json};
use tympan_flow::{Effect, KeyBuffer};

/// An input with these parameters; what it stores becomes the attribute `kept`.
fn asks(parameters: Value) -> Stage {
    Stage::new(flow(json!([
        { "Identifier": "ask", "Type": "GetParticipantInput", "Parameters": parameters,
          "Transitions": { "NextAction": "keep", "Errors": [
            { "ErrorType": "NoMatchingError", "NextAction": "bad" },
            { "ErrorType": "InvalidPhoneNumber", "NextAction": "wrong" } ] } },
        { "Identifier": "keep", "Type": "UpdateContactAttributes",
          "Parameters": { "Attributes": { "kept": "$.StoredCustomerInput" } }, "Transitions": { "NextAction": "end" } },
        { "Identifier": "bad", "Type": "MessageParticipant", "Parameters": { "Text": "failed" } },
        { "Identifier": "wrong", "Type": "MessageParticipant", "Parameters": { "Text": "wrong" } },
        { "Identifier": "end", "Type": "DisconnectParticipant" }
    ])))
}

fn keeps(value: &str) -> Option<Effect> {
    Some(Effect::SetAttributes(BTreeMap::from([("kept".to_owned(), value.to_owned())])))
}

fn number(format: &str, country: &str) -> Stage {
    asks(json!({
        "Text": "Your number?", "StoreInput": "True", "InputTimeLimitSeconds": "5",
        "InputValidation": { "PhoneNumberValidation": { "NumberFormat": format, "CountryCode": country } },
    }))
}

#[test]
fn a_local_number_is_kept_with_the_code_of_its_country() {
    for (country, typed, kept) in [
        ("US", "8005550100", "+18005550100"),
        ("AU", "0491570156", "+61491570156"),
        ("de", "03023125001", "+493023125001"),
    ] {
        let mut stage = number("Local", country);
        stage.start();
        assert!(stage.press(typed) == keeps(kept), "{country} {typed}");
    }
}

#[test]
fn an_international_number_is_kept_with_a_plus_sign() {
    let mut stage = number("E164", "US");
    stage.start();
    assert!(stage.press("61491570156") == keeps("+61491570156"));
}

#[test]
fn what_is_no_number_of_the_country_takes_its_own_branch() {
    for (format, country, typed) in [
        ("Local", "US", "5550100"),
        ("Local", "AU", "12"),
        ("E164", "US", "0491570156"),
        ("Local", "XX", "8005550100"),
    ] {
        let mut stage = number(format, country);
        stage.start();
        assert_eq!(stage.press(typed), say("wrong"), "{format} {country} {typed}");
    }
}

#[test]
fn no_key_at_all_is_stored_as_timeout_also_where_a_number_is_asked_for() {
    let mut stage = number("Local", "US");
    stage.start();
    assert!(stage.wait() == keeps("Timeout"));
}

#[test]
fn a_question_that_no_voice_could_speak_takes_the_error_branch() {
    let mut stage = asks(json!({
        "SSML": "<speak>Your PIN & more?</speak>", "StoreInput": "True", "InputTimeLimitSeconds": "5",
        "InputValidation": { "CustomValidation": { "MaximumLength": "4" } },
    }));
    assert_eq!(stage.start(), say("failed"));
}

#[test]
fn the_touchtone_buffer_is_turned_on_and_off() {
    for (written, buffer) in [("True", KeyBuffer::On), ("true", KeyBuffer::On), ("False", KeyBuffer::Off)] {
        let mut stage = asks(json!({ "EnableDTMFBuffer": written }));
        assert_eq!(stage.start(), Some(Effect::BufferKeys(buffer)));
        assert!(stage.done() == keeps(""), "what it held is forgotten");
    }
}

#[test]
fn a_buffer_that_is_turned_off_may_store_what_it_held() {
    let mut stage = asks(json!({ "EnableDTMFBuffer": "False", "StoreInput": "True" }));
    assert_eq!(stage.start(), Some(Effect::BufferKeys(KeyBuffer::Taken)));
    assert!(stage.press("12#") == keeps("12#"));
}

#[test]
fn a_buffer_that_cannot_be_turned_takes_the_error_branch() {
    let mut stage = asks(json!({ "EnableDTMFBuffer": "True" }));
    stage.start();
    assert_eq!(stage.fail(), say("failed"));
}

#[test]
fn what_should_be_encrypted_is_not_asked_for_and_what_was_typed_ahead_is_forgotten() {
    let encryption = json!({ "EncryptionKeyId": "k", "Key": "-----BEGIN CERTIFICATE-----" });
    for (parameters, buffer) in [
        (
            json!({ "Text": "Your card?", "StoreInput": "True", "InputTimeLimitSeconds": "5", "InputEncryption": encryption,
                    "InputValidation": { "CustomValidation": { "MaximumLength": "16" } } }),
            KeyBuffer::Cleared,
        ),
        (
            json!({ "EnableDTMFBuffer": "False", "StoreInput": "True", "InputEncryption": encryption }),
            KeyBuffer::Off,
        ),
    ] {
        let mut stage = asks(parameters);
        assert_eq!(stage.start(), Some(Effect::BufferKeys(buffer)));
        assert_eq!(stage.done(), say("failed"));
        let (_, results, reason) = stage.last_log();
        assert_eq!(results, Some("Error"));
        assert!(reason.unwrap().contains("encrypting customer input is not supported"));
        let printed = format!("{:?}", stage.log);
        assert!(!printed.contains("CERTIFICATE"), "{printed}");
    }
}

#[test]
fn an_asynchronous_function_is_not_waited_for() {
    let mut stage = Stage::new(flow(json!([
        { "Identifier": "call", "Type": "InvokeLambdaFunction", "Parameters": {
            "LambdaFunctionARN": "arn:f", "InvocationTimeLimitSeconds": "60", "InvocationType": "ASYNCHRONOUS" },
          "Transitions": { "NextAction": "say", "Errors": [{ "ErrorType": "NoMatchingError", "NextAction": "bad" }] } },
        { "Identifier": "say", "Type": "MessageParticipant", "Parameters": { "Text": "ok $.External.c" } },
        { "Identifier": "bad", "Type": "MessageParticipant", "Parameters": { "Text": "failed" } }
    ])));
    let Some(Effect::InvokeLambda { is_asynchronous: true, time_limit_ms: 60_000, .. }) = stage.start()
    else {
        panic!("it is invoked")
    };
    assert_eq!(stage.done(), say("ok "));
    assert_eq!(stage.last_log(), ("call", Some("Success"), None));
}

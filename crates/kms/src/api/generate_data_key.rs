//! GenerateDataKey.

use super::Answer;
use super::constraint::{self, base64};
use super::cryptography;
use super::error::KmsApiError;
use super::invocation::Invocation;
use super::key_reference;
use crate::data_key::fill_random;
use crate::keyring::{material_id, seal};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Input {
    key_id: Option<String>,
    encryption_context: Option<BTreeMap<String, String>>,
    number_of_bytes: Option<i64>,
    key_spec: Option<String>,
    grant_tokens: Option<Vec<String>>,
    recipient: Option<IgnoredAny>,
    dry_run: Option<bool>,
}

/// Makes a data key, and encrypts it under a master key.
///
/// Errors: NotFound, Disabled, KMSInvalidState, InvalidGrantToken, DryRunOperation.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    let (mut answer, plaintext) = generate(i)?;
    answer["Plaintext"] = base64(&plaintext).into();
    Ok(Some(answer))
}

/// The answer without the plaintext, and the plaintext.
pub(super) fn generate(i: &Invocation<'_>) -> Result<(Value, Zeroizing<Vec<u8>>), KmsApiError> {
    let input: Input = i.input()?;
    cryptography::recipient(input.recipient.as_ref())?;
    let id = constraint::key_id(input.key_id, "keyId")?;
    let length = match (input.key_spec.as_deref(), input.number_of_bytes) {
        (Some(spec), None) => match constraint::one_of(spec, "keySpec", &["AES_256", "AES_128"])? {
            "AES_128" => 16,
            _ => 32,
        },
        (None, Some(bytes)) => constraint::range(bytes, "numberOfBytes", 1, 1_024)?,
        (None, None) | (Some(_), Some(_)) => {
            return Err(KmsApiError::validation("Please specify either number of bytes or key spec."));
        }
    };
    cryptography::grant_tokens(input.grant_tokens.as_deref())?;
    let context = cryptography::context(input.encryption_context)?;
    let document = i.keyring.read()?;
    let key = key_reference::by_any_name(&document, i.caller, &id)?;
    let mut plaintext = Zeroizing::new(vec![0; usize::try_from(length).unwrap_or(0)]);
    fill_random(&mut plaintext);
    let blob = seal(key, &plaintext, &context)?;
    cryptography::dry_run(input.dry_run)?;
    let answer = json!({
        "CiphertextBlob": base64(&blob),
        "KeyId": key.arn(),
        "KeyMaterialId": material_id(key.id, key.newest().number),
    });
    Ok((answer, plaintext))
}

#[cfg(test)]
mod tests {
    use super::super::KmsErrorCode;
    use super::super::bench::{ABSENT, Bench};
    use super::*;

    #[test]
    fn a_data_key_comes_back_by_decrypt() {
        let bench = Bench::new();
        let key = bench.key();
        for (request, bytes) in [
            (json!({ "KeySpec": "AES_256" }), 32),
            (json!({ "KeySpec": "AES_128" }), 16),
            (json!({ "NumberOfBytes": 1024 }), 1024),
        ] {
            let mut request = request;
            request["KeyId"] = key.clone().into();
            let answer = bench.call("GenerateDataKey", request).unwrap();
            let plaintext = bench.bytes(answer["Plaintext"].as_str().unwrap());
            assert_eq!(plaintext.len(), bytes);
            assert_eq!(bench.decrypt(answer["CiphertextBlob"].as_str().unwrap()).unwrap(), plaintext);
        }
    }

    #[test]
    fn every_reason_to_refuse_has_its_code() {
        let bench = Bench::new();
        let key = bench.key();
        let with = |request: Value| {
            let mut whole = json!({ "KeyId": key, "KeySpec": "AES_256" });
            for (name, value) in request.as_object().unwrap() {
                whole[name] = value.clone();
            }
            for operation in ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext"] {
                bench.refusal(operation, whole.clone());
            }
            bench.refusal("GenerateDataKey", whole)
        };
        assert_eq!(with(json!({ "NumberOfBytes": 32 })), KmsErrorCode::Validation);
        assert_eq!(with(json!({ "KeySpec": null })), KmsErrorCode::Validation);
        assert_eq!(with(json!({ "KeySpec": null, "NumberOfBytes": 0 })), KmsErrorCode::Validation);
        assert_eq!(with(json!({ "KeySpec": null, "NumberOfBytes": 1025 })), KmsErrorCode::Validation);
        assert_eq!(with(json!({ "KeySpec": "AES_512" })), KmsErrorCode::Validation);
        assert_eq!(with(json!({ "KeyId": ABSENT })), KmsErrorCode::NotFound);
        assert_eq!(with(json!({ "GrantTokens": ["t"] })), KmsErrorCode::InvalidGrantToken);
        assert_eq!(with(json!({ "Recipient": {} })), KmsErrorCode::UnsupportedOperation);
        assert_eq!(with(json!({ "DryRun": true })), KmsErrorCode::DryRunOperation);
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": key })).unwrap();
        assert_eq!(with(json!({})), KmsErrorCode::KmsInvalidState);
    }
}

use super as cryptography;
use super::Source;
use crate::kms::constraint::{Blob, base64};
use crate::kms::target::Lookup;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, Named, constraint};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};
use tympan_kms::keyring::{material_id, seal};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    ciphertext_blob: Option<Blob>,
    source_encryption_context: Option<BTreeMap<String, String>>,
    source_key_id: Option<String>,
    destination_key_id: Option<String>,
    destination_encryption_context: Option<BTreeMap<String, String>>,
    source_encryption_algorithm: Option<String>,
    destination_encryption_algorithm: Option<String>,
    grant_tokens: Option<Vec<String>>,
    dry_run: Option<bool>,
}

/// Moves a ciphertext to another key, newer material or another context; the plaintext never leaves the service.
///
/// Errors: those of Decrypt and of Encrypt.
pub(crate) struct ReEncrypt;

impl Operation for ReEncrypt {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget<(Source, Named)>;
    const NAME: &'static str = "ReEncrypt";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget<(Source, Named)>, KmsApiError> {
        let mut lookup = Lookup::begin(cx)?;
        let source = Source::of(&mut lookup, input.ciphertext_blob.as_ref(), input.source_key_id.as_deref());
        let destination = lookup.named(input.destination_key_id.as_deref());
        Ok(lookup.target((source, destination)))
    }

    async fn call(
        cx: &KmsCx<'_>,
        input: Input,
        target: KeyTarget<(Source, Named)>,
    ) -> Result<Output, KmsApiError> {
        let destination = constraint::key_id(input.destination_key_id, "destinationKeyId")?;
        cryptography::algorithm(input.source_encryption_algorithm.as_deref(), "sourceEncryptionAlgorithm")?;
        cryptography::algorithm(
            input.destination_encryption_algorithm.as_deref(),
            "destinationEncryptionAlgorithm",
        )?;
        cryptography::grant_tokens(input.grant_tokens.as_deref())?;
        let source_context = cryptography::context(input.source_encryption_context)?;
        let destination_context = cryptography::context(input.destination_encryption_context)?;
        let document = cx.service.keyring().read()?;
        let (source, named) = target.found;
        let source_id = input.source_key_id.as_deref();
        let opened = source.open(cx, &document, input.ciphertext_blob, source_id, &source_context)?;
        let key = named.key(cx, &document, &destination)?;
        let blob = seal(key, &opened.plaintext, &destination_context)?;
        cryptography::dry_run(input.dry_run)?;
        Ok(Output::json(&json!({
            "CiphertextBlob": base64(&blob),
            "SourceKeyId": opened.key.arn(),
            "KeyId": key.arn(),
            "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "SourceKeyMaterialId": opened.material_id,
            "DestinationKeyMaterialId": material_id(key.id, key.newest().number),
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};

    #[test]
    fn a_ciphertext_moves_to_another_key_and_context() {
        let bench = Bench::new();
        let (one, other) = (bench.key(), bench.key());
        let blob = bench.encrypt(&one, b"hello");
        let request = json!({
            "CiphertextBlob": blob, "DestinationKeyId": other, "DestinationEncryptionContext": { "a": "1" },
        });
        let answer = bench.call("ReEncrypt", request).unwrap();
        assert_eq!(answer["SourceKeyId"], bench.arn(&one));
        assert_eq!(answer["KeyId"], bench.arn(&other));
        assert_ne!(answer["SourceKeyMaterialId"], answer["DestinationKeyMaterialId"]);
        bench.call("DisableKey", json!({ "KeyId": one })).unwrap();
        let moved = json!({ "CiphertextBlob": answer["CiphertextBlob"], "EncryptionContext": { "a": "1" } });
        assert_eq!(bench.call("Decrypt", moved).unwrap()["Plaintext"], base64(b"hello"));
    }

    #[test]
    fn both_keys_must_be_usable() {
        let bench = Bench::new();
        let (one, other) = (bench.key(), bench.key());
        let blob = bench.encrypt(&one, b"hello");
        let to = |request: serde_json::Value| {
            let mut whole = json!({ "CiphertextBlob": blob, "DestinationKeyId": other });
            for (name, value) in request.as_object().unwrap() {
                whole[name] = value.clone();
            }
            bench.refusal("ReEncrypt", whole)
        };
        assert_eq!(to(json!({ "DestinationKeyId": ABSENT })), KmsErrorCode::NotFound);
        assert_eq!(to(json!({ "SourceKeyId": other })), KmsErrorCode::IncorrectKey);
        assert_eq!(to(json!({ "SourceEncryptionContext": { "a": "1" } })), KmsErrorCode::InvalidCiphertext);
        assert_eq!(to(json!({ "DestinationEncryptionAlgorithm": "SM2PKE" })), KmsErrorCode::InvalidKeyUsage);
        assert_eq!(to(json!({ "GrantTokens": ["t"] })), KmsErrorCode::InvalidGrantToken);
        assert_eq!(to(json!({ "DryRun": true })), KmsErrorCode::DryRunOperation);
        bench.call("DisableKey", json!({ "KeyId": other })).unwrap();
        assert_eq!(to(json!({})), KmsErrorCode::Disabled);
        bench.call("ScheduleKeyDeletion", json!({ "KeyId": one })).unwrap();
        assert_eq!(to(json!({})), KmsErrorCode::KmsInvalidState);
    }
}

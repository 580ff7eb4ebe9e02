use super as cryptography;
use super::Source;
use crate::kms::constraint::{Blob, base64};
use crate::kms::target::Lookup;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    ciphertext_blob: Option<Blob>,
    encryption_context: Option<BTreeMap<String, String>>,
    grant_tokens: Option<Vec<String>>,
    key_id: Option<String>,
    encryption_algorithm: Option<String>,
    recipient: Option<IgnoredAny>,
    dry_run: Option<bool>,
}

/// Decrypts what Encrypt, ReEncrypt or the GenerateDataKey operations made. The ciphertext itself says under which key.
///
/// Errors: InvalidCiphertext (damaged, or another context), IncorrectKey, NotFound (the key named), AccessDenied (the key
/// of the ciphertext is not there), Disabled, KMSInvalidState, InvalidKeyUsage, InvalidGrantToken, DryRunOperation.
pub(crate) struct Decrypt;

impl Operation for Decrypt {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget<Source>;
    const NAME: &'static str = "Decrypt";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget<Source>, KmsApiError> {
        let mut lookup = Lookup::begin(cx)?;
        let source = Source::of(&mut lookup, input.ciphertext_blob.as_ref(), input.key_id.as_deref());
        Ok(lookup.target(source))
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget<Source>) -> Result<Output, KmsApiError> {
        cryptography::recipient(input.recipient.as_ref())?;
        cryptography::algorithm(input.encryption_algorithm.as_deref(), "encryptionAlgorithm")?;
        cryptography::grant_tokens(input.grant_tokens.as_deref())?;
        let context = cryptography::context(input.encryption_context)?;
        let document = cx.service.keyring().read()?;
        let (blob, key_id) = (input.ciphertext_blob, input.key_id.as_deref());
        let opened = target.found.open(cx, &document, blob, key_id, &context)?;
        cryptography::dry_run(input.dry_run)?;
        Ok(Output::json(&json!({
            "KeyId": opened.key.arn(),
            "Plaintext": base64(&opened.plaintext),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
            "KeyMaterialId": opened.material_id,
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};
    use proptest::prelude::*;

    #[test]
    fn the_same_context_in_any_order_opens_and_no_other_does() {
        let bench = Bench::new();
        let key = bench.key();
        let request = json!({ "KeyId": key, "Plaintext": base64(b"hello"), "EncryptionContext": { "a": "1", "b": "2" } });
        let blob = bench.call("Encrypt", request).unwrap()["CiphertextBlob"].clone();
        let with = |context: serde_json::Value| {
            bench.call("Decrypt", json!({ "CiphertextBlob": blob, "EncryptionContext": context }))
        };
        let answer = with(json!({ "b": "2", "a": "1" })).unwrap();
        assert_eq!(
            (&answer["Plaintext"], &answer["KeyId"]),
            (&json!(base64(b"hello")), &json!(bench.arn(&key)))
        );
        for context in [json!(null), json!({}), json!({ "a": "1" }), json!({ "a": "1", "b": "3" })] {
            assert_eq!(with(context).unwrap_err().code(), KmsErrorCode::InvalidCiphertext);
        }
    }

    #[test]
    fn a_key_that_is_named_must_be_the_ciphertexts() {
        let bench = Bench::new();
        let (key, other) = (bench.key(), bench.key());
        bench.alias("alias/calls", &key);
        let blob = bench.encrypt(&key, b"hello");
        let by = |name: &str| bench.call("Decrypt", json!({ "CiphertextBlob": blob, "KeyId": name }));
        for name in [key.as_str(), "alias/calls", &bench.arn(&key)] {
            assert!(by(name).is_ok(), "{name}");
        }
        assert_eq!(by(&other).unwrap_err().code(), KmsErrorCode::IncorrectKey);
        assert_eq!(by(ABSENT).unwrap_err().code(), KmsErrorCode::NotFound);
    }

    #[test]
    fn every_reason_to_refuse_has_its_code() {
        let bench = Bench::new();
        let blob = bench.encrypt(&bench.key(), b"hello");
        let with = |member: &str, value: serde_json::Value| {
            let mut request = json!({ "CiphertextBlob": blob });
            request[member] = value;
            bench.refusal("Decrypt", request)
        };
        assert_eq!(with("CiphertextBlob", json!(null)), KmsErrorCode::Validation);
        assert_eq!(with("CiphertextBlob", json!("")), KmsErrorCode::Validation);
        assert_eq!(with("CiphertextBlob", json!(base64(&[1; 6145]))), KmsErrorCode::Validation);
        assert_eq!(with("CiphertextBlob", json!(base64(b"hello"))), KmsErrorCode::InvalidCiphertext);
        assert_eq!(with("CiphertextBlob", json!(base64(&[1; 81]))), KmsErrorCode::AccessDenied);
        assert_eq!(with("EncryptionAlgorithm", json!("RSAES_OAEP_SHA_1")), KmsErrorCode::InvalidKeyUsage);
        assert_eq!(with("GrantTokens", json!(["token"])), KmsErrorCode::InvalidGrantToken);
        assert_eq!(with("Recipient", json!({})), KmsErrorCode::UnsupportedOperation);
        assert_eq!(with("DryRun", json!(true)), KmsErrorCode::DryRunOperation);
    }

    #[test]
    fn a_ciphertext_of_another_region_is_that_of_a_stranger() {
        let bench = Bench::new();
        let blob = bench.encrypt(&bench.key(), b"hello");
        let error = bench.call_as(&bench.abroad(), "Decrypt", json!({ "CiphertextBlob": blob })).unwrap_err();
        assert_eq!(error.code(), KmsErrorCode::AccessDenied);
    }

    proptest! {
        #[test]
        fn any_flipped_bit_of_a_ciphertext_refuses(plain in "[a-z]{1,40}", at: prop::sample::Index, bit in 0..8u8) {
            let bench = Bench::new();
            let blob = bench.encrypt(&bench.key(), plain.as_bytes());
            let mut bytes = bench.bytes(&blob);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let code = bench.refusal("Decrypt", json!({ "CiphertextBlob": base64(&bytes) }));
            prop_assert!(matches!(code, KmsErrorCode::InvalidCiphertext | KmsErrorCode::AccessDenied));
        }
    }
}

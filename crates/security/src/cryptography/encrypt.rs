use super as cryptography;
use super::PLAINTEXT_BYTES;
use crate::kms::constraint::{Blob, base64};
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, constraint};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};
use tympan_kms::keyring::seal;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    key_id: Option<String>,
    plaintext: Option<Blob>,
    encryption_context: Option<BTreeMap<String, String>>,
    grant_tokens: Option<Vec<String>>,
    encryption_algorithm: Option<String>,
    dry_run: Option<bool>,
}

/// Encrypts at most 4,096 bytes.
///
/// Errors: NotFound, Disabled, KMSInvalidState, InvalidKeyUsage (algorithm), InvalidGrantToken, DryRunOperation.
pub(crate) struct Encrypt;

impl Operation for Encrypt {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "Encrypt";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, input.key_id.as_deref())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let id = constraint::key_id(input.key_id, "keyId")?;
        let plaintext = constraint::required(input.plaintext, "plaintext")?.0;
        constraint::blob_length(&plaintext, "plaintext", PLAINTEXT_BYTES)?;
        cryptography::grant_tokens(input.grant_tokens.as_deref())?;
        let context = cryptography::context(input.encryption_context)?;
        let document = cx.service.keyring().read()?;
        let key = target.found.key(cx, &document, &id)?;
        cryptography::algorithm(input.encryption_algorithm.as_deref(), "encryptionAlgorithm")?;
        let blob = seal(key, &plaintext, &context)?;
        cryptography::dry_run(input.dry_run)?;
        Ok(Output::json(&json!({
            "CiphertextBlob": base64(&blob),
            "KeyId": key.arn(),
            "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};

    #[test]
    fn one_to_4096_bytes_come_back() {
        let bench = Bench::new();
        let key = bench.key();
        for plain in [&b"x"[..], &[7; 4096]] {
            assert_eq!(bench.decrypt(&bench.encrypt(&key, plain)).unwrap(), plain);
        }
        for plain in [&b""[..], &[7; 4097]] {
            let request = json!({ "KeyId": key, "Plaintext": base64(plain) });
            assert_eq!(bench.refusal("Encrypt", request), KmsErrorCode::Validation);
        }
    }

    #[test]
    fn every_reason_to_refuse_has_its_code() {
        let bench = Bench::new();
        let key = bench.key();
        let with = |member: &str, value: serde_json::Value| {
            let mut request = json!({ "KeyId": key, "Plaintext": base64(b"hello") });
            request[member] = value;
            bench.refusal("Encrypt", request)
        };
        assert_eq!(with("KeyId", json!(ABSENT)), KmsErrorCode::NotFound);
        assert_eq!(with("KeyId", json!(null)), KmsErrorCode::Validation);
        assert_eq!(with("Plaintext", json!(null)), KmsErrorCode::Validation);
        assert_eq!(with("Plaintext", json!("***")), KmsErrorCode::Serialization);
        assert_eq!(with("EncryptionAlgorithm", json!("SM2PKE")), KmsErrorCode::InvalidKeyUsage);
        assert_eq!(with("EncryptionAlgorithm", json!("ROT13")), KmsErrorCode::Validation);
        assert_eq!(with("GrantTokens", json!(["token"])), KmsErrorCode::InvalidGrantToken);
        assert_eq!(with("DryRun", json!(true)), KmsErrorCode::DryRunOperation);
        assert_eq!(with("EncryptionContext", json!({ "a": "x".repeat(8192) })), KmsErrorCode::Validation);
        assert_eq!(with("EncryptionContext", json!({ "a": 1 })), KmsErrorCode::Serialization);
    }

    #[test]
    fn a_refusal_never_quotes_the_plaintext() {
        let bench = Bench::new();
        let request = json!({ "KeyId": bench.key(), "Plaintext": "swordfish?" });
        assert!(!bench.call("Encrypt", request).unwrap_err().message().contains("swordfish"));
    }
}

use super as cryptography;
use crate::kms::constraint::base64;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService, Named, constraint};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tympan_aws::{Operation, Output};
use tympan_kms::fill_random;
use tympan_kms::keyring::{material_id, seal};
use zeroize::Zeroizing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
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
pub(crate) struct GenerateDataKey;

impl Operation for GenerateDataKey {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "GenerateDataKey";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        input.look_up(cx)
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let (mut answer, plaintext) = input.generate(cx, target.found)?;
        answer["Plaintext"] = base64(&plaintext).into();
        Ok(Output::json(&answer))
    }
}

impl Input {
    pub(super) fn look_up(&self, cx: &KmsCx<'_>) -> Result<KeyTarget, KmsApiError> {
        KeyTarget::of(cx, self.key_id.as_deref())
    }

    /// The answer without the plaintext, and the plaintext.
    pub(super) fn generate(
        self,
        cx: &KmsCx<'_>,
        named: Named,
    ) -> Result<(Value, Zeroizing<Vec<u8>>), KmsApiError> {
        cryptography::recipient(self.recipient.as_ref())?;
        let id = constraint::key_id(self.key_id, "keyId")?;
        let length = match (self.key_spec.as_deref(), self.number_of_bytes) {
            (Some(spec), None) => match constraint::one_of(spec, "keySpec", &["AES_256", "AES_128"])? {
                "AES_128" => 16,
                _ => 32,
            },
            (None, Some(bytes)) => constraint::range(bytes, "numberOfBytes", 1, 1_024)?,
            (None, None) | (Some(_), Some(_)) => {
                return Err(KmsApiError::validation("Please specify either number of bytes or key spec."));
            }
        };
        cryptography::grant_tokens(self.grant_tokens.as_deref())?;
        let context = cryptography::context(self.encryption_context)?;
        let document = cx.service.keyring().read()?;
        let key = named.key(cx, &document, &id)?;
        let mut plaintext = Zeroizing::new(vec![0; usize::try_from(length).unwrap_or(0)]);
        fill_random(&mut plaintext);
        let blob = seal(key, &plaintext, &context)?;
        cryptography::dry_run(self.dry_run)?;
        let answer = json!({
            "CiphertextBlob": base64(&blob),
            "KeyId": key.arn(),
            "KeyMaterialId": material_id(key.id, key.newest().number),
        });
        Ok((answer, plaintext))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::{ABSENT, Bench};

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

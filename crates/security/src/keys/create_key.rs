use super::key_metadata::key_metadata;
use crate::kms::{KmsApiError, KmsCx, KmsErrorCode, KmsService, constraint};
use crate::tags::{self, Tag};
use serde::Deserialize;
use serde_json::json;
use tympan_aws::{Operation, Output};
use tympan_kms::KeyringOwner;
use tympan_kms::keyring::{Document, MasterKey};

const USAGES: &[&str] =
    &["SIGN_VERIFY", "ENCRYPT_DECRYPT", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT", "ENCAPSULATE_DECAPSULATE"];
const SPECS: &[&str] = &[
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "SYMMETRIC_DEFAULT",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "SM2",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "ECC_NIST_EDWARDS25519",
    "ML_KEM_512",
    "ML_KEM_768",
    "ML_KEM_1024",
];
const ORIGINS: &[&str] = &["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"];

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    policy: Option<String>,
    description: Option<String>,
    key_usage: Option<String>,
    customer_master_key_spec: Option<String>,
    key_spec: Option<String>,
    origin: Option<String>,
    custom_key_store_id: Option<String>,
    tags: Option<Vec<Tag>>,
    multi_region: Option<bool>,
    xks_key_id: Option<String>,
}

/// Makes a symmetric key for the caller's account and region.
///
/// Errors: MalformedPolicyDocument, Tag, UnsupportedOperation (whatever is not a symmetric key made here, and policies).
pub(crate) struct CreateKey;

impl Operation for CreateKey {
    type Service = KmsService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "CreateKey";

    async fn resolve(_: &KmsCx<'_>, _: &Input) -> Result<(), KmsApiError> {
        Ok(())
    }

    async fn call(cx: &KmsCx<'_>, input: Input, (): ()) -> Result<Output, KmsApiError> {
        input.check()?;
        let owner = KeyringOwner { region: cx.caller.region.clone(), account: cx.caller.account.clone() };
        let mut key = MasterKey::generate(&owner, cx.now);
        tags::add(&mut key.tags, input.tags.unwrap_or_default())?;
        key.description = input.description.unwrap_or_default();
        let metadata = key_metadata(&key);
        cx.service.keyring().edit(|document: &mut Document| {
            document.keys.push(key);
            Ok(Output::json(&json!({ "KeyMetadata": metadata })))
        })
    }
}

impl Input {
    fn check(&self) -> Result<(), KmsApiError> {
        constraint::length(self.description.as_deref().unwrap_or_default(), "description", 0, 8192)?;
        let spec = match (self.key_spec.as_deref(), self.customer_master_key_spec.as_deref()) {
            (Some(_), Some(_)) => {
                return Err(KmsApiError::validation(
                    "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. \
                     CustomerMasterKeySpec is deprecated.",
                ));
            }
            (Some(spec), None) => constraint::one_of(spec, "keySpec", SPECS)?,
            (None, Some(spec)) => constraint::one_of(spec, "customerMasterKeySpec", SPECS)?,
            (None, None) => "SYMMETRIC_DEFAULT",
        };
        let usage = self.key_usage.as_deref().unwrap_or("ENCRYPT_DECRYPT");
        let usage = constraint::one_of(usage, "keyUsage", USAGES)?;
        let origin = constraint::one_of(self.origin.as_deref().unwrap_or("AWS_KMS"), "origin", ORIGINS)?;
        let unsupported =
            |what: &str| Err(KmsApiError::unsupported(format!("{what} docs/kms.md says what is.")));
        if (spec, usage) != ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT") {
            return unsupported("Only symmetric keys that encrypt and decrypt are offered by this server.");
        }
        if origin != "AWS_KMS" || self.custom_key_store_id.is_some() || self.xks_key_id.is_some() {
            return unsupported("Only keys whose material is made here are offered by this server.");
        }
        if self.multi_region == Some(true) {
            return unsupported("Multi-Region keys are not offered by this server.");
        }
        if let Some(policy) = &self.policy {
            constraint::length(policy, "policy", 1, 131_072)?;
            if !serde_json::from_str::<serde_json::Value>(policy).is_ok_and(|policy| policy.is_object()) {
                return Err(KmsApiError::new(
                    KmsErrorCode::MalformedPolicyDocument,
                    "The policy is not a JSON object.",
                ));
            }
            return unsupported(
                "Key policies are not offered by this server, and one that nobody obeys would be a false promise: \
                 leave Policy out.",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::bench::{Bench, NOW};

    #[test]
    fn a_key_has_the_metadata_that_the_service_shows() {
        let bench = Bench::new();
        let request = json!({ "Description": "calls", "Tags": [{ "TagKey": "a", "TagValue": "b" }] });
        let mut metadata = bench.call("CreateKey", request).unwrap()["KeyMetadata"].take();
        let id = metadata["KeyId"].as_str().unwrap().to_owned();
        assert_eq!(metadata["CurrentKeyMaterialId"].take().as_str().map(str::len), Some(64));
        assert_eq!(
            metadata,
            json!({
                "AWSAccountId": "111122223333",
                "KeyId": id,
                "Arn": format!("arn:aws:kms:us-west-2:111122223333:key/{id}"),
                "CreationDate": NOW.unix_ms() as f64 / 1000.0,
                "Enabled": true,
                "Description": "calls",
                "KeyUsage": "ENCRYPT_DECRYPT",
                "KeyState": "Enabled",
                "Origin": "AWS_KMS",
                "KeyManager": "CUSTOMER",
                "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
                "KeySpec": "SYMMETRIC_DEFAULT",
                "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
                "MultiRegion": false,
                "CurrentKeyMaterialId": null,
            })
        );
    }

    #[test]
    fn keys_of_other_kinds_are_refused() {
        let bench = Bench::new();
        for request in [
            json!({ "KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY" }),
            json!({ "CustomerMasterKeySpec": "ECC_NIST_P256" }),
            json!({ "KeyUsage": "GENERATE_VERIFY_MAC" }),
            json!({ "Origin": "EXTERNAL" }),
            json!({ "CustomKeyStoreId": "cks-1" }),
            json!({ "MultiRegion": true }),
            json!({ "Policy": "{\"Statement\":[]}" }),
        ] {
            assert_eq!(
                bench.refusal("CreateKey", request.clone()),
                KmsErrorCode::UnsupportedOperation,
                "{request}"
            );
        }
        assert_eq!(
            bench.refusal("CreateKey", json!({ "Policy": "allow all" })),
            KmsErrorCode::MalformedPolicyDocument
        );
    }

    #[test]
    fn values_that_the_model_lacks_are_refused() {
        let bench = Bench::new();
        for request in [
            json!({ "KeySpec": "AES" }),
            json!({ "KeyUsage": "ALL" }),
            json!({ "Origin": "HERE" }),
            json!({ "Description": "x".repeat(8193) }),
            json!({ "KeySpec": "SYMMETRIC_DEFAULT", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT" }),
        ] {
            assert_eq!(bench.refusal("CreateKey", request.clone()), KmsErrorCode::Validation, "{request}");
        }
        assert_eq!(bench.refusal("CreateKey", json!({ "Description": 5 })), KmsErrorCode::Serialization);
    }
}

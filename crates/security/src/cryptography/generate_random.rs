use super as cryptography;
use crate::kms::constraint::{self, base64};
use crate::kms::{KmsApiError, KmsCx, KmsService};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use tympan_aws::{Operation, Output};
use tympan_kms::fill_random;
use zeroize::Zeroizing;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Input {
    number_of_bytes: Option<i64>,
    custom_key_store_id: Option<String>,
    recipient: Option<IgnoredAny>,
}

/// Gives bytes of the operating system's random source.
///
/// Errors: UnsupportedOperation (key stores, enclaves).
pub(crate) struct GenerateRandom;

impl Operation for GenerateRandom {
    type Service = KmsService;
    type Input = Input;
    type Target = ();
    const NAME: &'static str = "GenerateRandom";

    async fn resolve(_: &KmsCx<'_>, _: &Input) -> Result<(), KmsApiError> {
        Ok(())
    }

    async fn call(_: &KmsCx<'_>, input: Input, (): ()) -> Result<Output, KmsApiError> {
        cryptography::recipient(input.recipient.as_ref())?;
        if input.custom_key_store_id.is_some() {
            return Err(KmsApiError::unsupported("Custom key stores are not offered by this server."));
        }
        let length = constraint::required(input.number_of_bytes, "numberOfBytes")?;
        let length = constraint::range(length, "numberOfBytes", 1, 1_024)?;
        let mut bytes = Zeroizing::new(vec![0; usize::try_from(length).unwrap_or(0)]);
        fill_random(&mut bytes);
        Ok(Output::json(&json!({ "Plaintext": base64(&bytes) })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kms::KmsErrorCode;
    use crate::kms::bench::Bench;

    #[test]
    fn bytes_are_as_many_as_asked_and_never_the_same() {
        let bench = Bench::new();
        let bytes = || {
            let answer = bench.call("GenerateRandom", json!({ "NumberOfBytes": 1024 })).unwrap();
            bench.bytes(answer["Plaintext"].as_str().unwrap())
        };
        assert_eq!(bytes().len(), 1024);
        assert_ne!(bytes(), bytes());
        for request in [json!({}), json!({ "NumberOfBytes": 0 }), json!({ "NumberOfBytes": 1025 })] {
            assert_eq!(bench.refusal("GenerateRandom", request), KmsErrorCode::Validation);
        }
        let request = json!({ "NumberOfBytes": 1, "CustomKeyStoreId": "cks-1" });
        assert_eq!(bench.refusal("GenerateRandom", request), KmsErrorCode::UnsupportedOperation);
    }
}

use super::generate_data_key::Input;
use crate::kms::{KeyTarget, KmsApiError, KmsCx, KmsService};
use tympan_aws::{Operation, Output};

/// Makes a data key for later: it is asked for by Decrypt when it is needed.
///
/// Errors: those of GenerateDataKey.
pub(crate) struct GenerateDataKeyWithoutPlaintext;

impl Operation for GenerateDataKeyWithoutPlaintext {
    type Service = KmsService;
    type Input = Input;
    type Target = KeyTarget;
    const NAME: &'static str = "GenerateDataKeyWithoutPlaintext";

    async fn resolve(cx: &KmsCx<'_>, input: &Input) -> Result<KeyTarget, KmsApiError> {
        input.look_up(cx)
    }

    async fn call(cx: &KmsCx<'_>, input: Input, target: KeyTarget) -> Result<Output, KmsApiError> {
        let (answer, _) = input.generate(cx, target.found)?;
        Ok(Output::json(&answer))
    }
}

#[cfg(test)]
mod tests {
    use crate::kms::bench::Bench;
    use serde_json::json;

    #[test]
    fn only_decrypt_tells_the_key() {
        let bench = Bench::new();
        let request = json!({ "KeyId": bench.key(), "KeySpec": "AES_256" });
        let answer = bench.call("GenerateDataKeyWithoutPlaintext", request).unwrap();
        assert!(answer.get("Plaintext").is_none());
        assert_eq!(bench.decrypt(answer["CiphertextBlob"].as_str().unwrap()).unwrap().len(), 32);
    }
}

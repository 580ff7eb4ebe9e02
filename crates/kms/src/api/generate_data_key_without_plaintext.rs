//! GenerateDataKeyWithoutPlaintext.

use super::Answer;
use super::generate_data_key::generate;
use super::invocation::Invocation;

/// Makes a data key for later: it is asked for by Decrypt when it is needed.
///
/// Errors: those of GenerateDataKey.
pub(super) fn call(i: &Invocation<'_>) -> Answer {
    generate(i).map(|(answer, _)| Some(answer))
}

#[cfg(test)]
mod tests {
    use super::super::bench::Bench;
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

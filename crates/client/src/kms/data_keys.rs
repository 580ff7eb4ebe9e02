//! The operations that make and open data keys.

use super::Kms;
use crate::ClientError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt;
use zeroize::Zeroizing;

/// A data key, in the clear and encrypted. Never printed.
pub struct NewDataKey {
    /// Its 32 bytes.
    pub plaintext: Zeroizing<[u8; 32]>,
    /// The same, encrypted under the master key.
    pub ciphertext: Vec<u8>,
    /// The ARN of the master key.
    pub key_arn: String,
}

impl fmt::Debug for NewDataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewDataKey").field("key_arn", &self.key_arn).finish_non_exhaustive()
    }
}

impl Kms {
    /// `GenerateDataKey`: 32 bytes, bound to `context`.
    pub async fn generate_data_key(
        &self,
        key: &str,
        context: &BTreeMap<String, String>,
    ) -> Result<NewDataKey, ClientError> {
        const OPERATION: &str = "GenerateDataKey";
        let request = json!({ "KeyId": key, "KeySpec": "AES_256", "EncryptionContext": context });
        let answer = self.call(OPERATION, &request).await?;
        let ciphertext = text(&answer, "CiphertextBlob").and_then(|text| BASE64.decode(text).ok());
        Ok(NewDataKey {
            plaintext: plaintext(OPERATION, &answer)?,
            ciphertext: ciphertext.ok_or_else(|| lacks(OPERATION, "CiphertextBlob"))?,
            key_arn: text(&answer, "KeyId").ok_or_else(|| lacks(OPERATION, "KeyId"))?.to_owned(),
        })
    }

    /// `Decrypt`, of a data key of 32 bytes; `key` must be the one that it was made under.
    pub async fn decrypt_data_key(
        &self,
        key: &str,
        ciphertext: &[u8],
        context: &BTreeMap<String, String>,
    ) -> Result<Zeroizing<[u8; 32]>, ClientError> {
        let request = json!({
            "KeyId": key, "CiphertextBlob": BASE64.encode(ciphertext), "EncryptionContext": context,
        });
        plaintext("Decrypt", &self.call("Decrypt", &request).await?)
    }
}

fn text<'a>(answer: &'a Value, member: &str) -> Option<&'a str> {
    answer[member].as_str()
}

fn plaintext(operation: &str, answer: &Value) -> Result<Zeroizing<[u8; 32]>, ClientError> {
    let bytes = text(answer, "Plaintext").and_then(|text| BASE64.decode(text).ok()).map(Zeroizing::new);
    let key = bytes.and_then(|bytes| bytes.as_slice().try_into().ok());
    key.map(Zeroizing::new).ok_or_else(|| lacks(operation, "Plaintext of 32 bytes"))
}

fn lacks(operation: &str, member: &str) -> ClientError {
    ClientError::Broken { what: format!("the answer to {operation}"), reason: format!("it has no {member}") }
}

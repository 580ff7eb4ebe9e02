//! The use of keys: encryption, decryption, data keys.

mod decrypt;
mod encrypt;
mod generate_data_key;
mod generate_data_key_without_plaintext;
mod generate_random;
mod re_encrypt;

pub(crate) use decrypt::Decrypt;
pub(crate) use encrypt::Encrypt;
pub(crate) use generate_data_key::GenerateDataKey;
pub(crate) use generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext;
pub(crate) use generate_random::GenerateRandom;
pub(crate) use re_encrypt::ReEncrypt;

use crate::kms::constraint::{self, Blob};
use crate::kms::target::Lookup;
use crate::kms::{KmsApiError, KmsCx, KmsErrorCode, Named};
use serde::de::IgnoredAny;
use std::collections::BTreeMap;
use tympan_kms::EncryptionContext;
use tympan_kms::keyring::{Document, Envelope, MasterKey, material_id};
use zeroize::Zeroizing;

/// The longest plaintext, in bytes.
const PLAINTEXT_BYTES: usize = 4_096;
/// The longest ciphertext, in bytes.
const CIPHERTEXT_BYTES: usize = 6_144;
/// The longest encryption context, in bytes.
const CONTEXT_BYTES: usize = 8_192;
/// Every algorithm of the model; the first is the one that symmetric keys have.
const ALGORITHMS: &[&str] = &["SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256", "SM2PKE"];

/// The encryption context of a request; none is the empty one.
fn context(given: Option<BTreeMap<String, String>>) -> Result<EncryptionContext, KmsApiError> {
    let entries = given.unwrap_or_default();
    let bytes: usize = entries.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > CONTEXT_BYTES {
        return Err(KmsApiError::validation(format!(
            "The encryption context has {bytes} bytes; at most {CONTEXT_BYTES} are taken."
        )));
    }
    Ok(entries.into())
}

/// There is one algorithm for symmetric keys.
fn algorithm(given: Option<&str>, member: &str) -> Result<(), KmsApiError> {
    match given.map(|name| constraint::one_of(name, member, ALGORITHMS)).transpose()? {
        None | Some("SYMMETRIC_DEFAULT") => Ok(()),
        Some(other) => Err(KmsApiError::new(
            KmsErrorCode::InvalidKeyUsage,
            format!("{other} is for asymmetric keys; this key's algorithm is SYMMETRIC_DEFAULT."),
        )),
    }
}

/// There are no grants, so a token can only be a wrong one.
fn grant_tokens(given: Option<&[String]>) -> Result<(), KmsApiError> {
    if given.is_none_or(<[String]>::is_empty) {
        return Ok(());
    }
    Err(KmsApiError::new(
        KmsErrorCode::InvalidGrantToken,
        "There are no grants on this server, so no grant token is valid. Leave GrantTokens out.",
    ))
}

/// Answers for an enclave would be encrypted for it.
fn recipient(given: Option<&IgnoredAny>) -> Result<(), KmsApiError> {
    match given {
        None => Ok(()),
        Some(_) => Err(KmsApiError::unsupported(
            "Recipient is not offered by this server: it has no enclaves. Leave it out.",
        )),
    }
}

/// Ends a request that only asked whether it would succeed.
fn dry_run(asked: Option<bool>) -> Result<(), KmsApiError> {
    if asked != Some(true) {
        return Ok(());
    }
    Err(KmsApiError::new(
        KmsErrorCode::DryRunOperation,
        "The request would have succeeded, but the DryRun option is set.",
    ))
}

/// A ciphertext, opened.
struct Opened<'d> {
    key: &'d MasterKey,
    material_id: String,
    plaintext: Zeroizing<Vec<u8>>,
}

/// What a ciphertext is opened with: the key that it names, and the one that the request says it has.
pub(crate) struct Source {
    named_by_ciphertext: Named,
    expected: Named,
}

impl Source {
    fn of(lookup: &mut Lookup<'_>, blob: Option<&Blob>, key_id: Option<&str>) -> Self {
        Self { named_by_ciphertext: lookup.ciphertext(blob), expected: lookup.named(key_id) }
    }

    /// Opens a ciphertext with the key that it names, which must be `key_id` where the request says one.
    fn open<'d>(
        &self,
        cx: &KmsCx<'_>,
        document: &'d Document,
        blob: Option<Blob>,
        key_id: Option<&str>,
        context: &EncryptionContext,
    ) -> Result<Opened<'d>, KmsApiError> {
        let blob = constraint::required(blob, "ciphertextBlob")?.0;
        constraint::blob_length(&blob, "ciphertextBlob", CIPHERTEXT_BYTES)?;
        let expected = key_id.map(|text| self.expected.key(cx, document, text)).transpose()?;
        let Some(envelope) = Envelope::parse(&blob) else {
            return Err(KmsApiError::new(
                KmsErrorCode::InvalidCiphertext,
                "The ciphertext is damaged, or not one of this service.",
            ));
        };
        if let Some(expected) = expected
            && expected.id != envelope.key
        {
            return Err(KmsApiError::new(
                KmsErrorCode::IncorrectKey,
                "The key ID in the request does not identify a KMS key that can perform this operation: the ciphertext \
                 was made under another one.",
            ));
        }
        let key = self.named_by_ciphertext.in_document(cx, document).ok_or_else(|| {
            KmsApiError::new(
                KmsErrorCode::AccessDenied,
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or \
                 you are not allowed to access.",
            )
        })?;
        let plaintext = envelope.open(key.usable()?, context)?;
        Ok(Opened { key, material_id: material_id(key.id, envelope.material), plaintext })
    }
}

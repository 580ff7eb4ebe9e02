//! The layout of a ciphertext: format (1), key id (16), material number (4, big-endian), nonce (12), then the plaintext
//! sealed with AES-256-GCM (its length + 16). The first 21 bytes and the context are authenticated too.
//!
//! A wrapped data key is the ciphertext of its 32 bytes: 81 bytes.

use super::document::Document;
use super::master_key::MasterKey;
use crate::{DataKey, EncryptionContext, KmsError, NONCE_BYTES, TAG_BYTES, WrappedKey, random_nonce};
use uuid::Uuid;
use zeroize::Zeroizing;

pub(super) const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 1 + 16 + 4;
/// Bytes of a wrapped data key.
pub(super) const WRAPPED_BYTES: usize = HEAD_BYTES + NONCE_BYTES + 32 + TAG_BYTES;

/// Seals bytes under the newest material of a key.
///
/// # Errors
/// `Disabled`, `InvalidState`.
pub fn seal(key: &MasterKey, plain: &[u8], context: &EncryptionContext) -> Result<Vec<u8>, KmsError> {
    let material = key.usable()?.newest();
    let mut blob = Vec::with_capacity(HEAD_BYTES + NONCE_BYTES + plain.len() + TAG_BYTES);
    blob.push(FORMAT);
    blob.extend_from_slice(key.id.as_bytes());
    blob.extend_from_slice(&material.number.to_be_bytes());
    let aad = associated_data(&blob, context);
    let nonce = random_nonce();
    // Sized for the tag, so that sealing does not move the plain bytes elsewhere.
    let mut sealed = Zeroizing::new(Vec::with_capacity(plain.len() + TAG_BYTES));
    sealed.extend_from_slice(plain);
    material.cipher().seal(nonce, &aad, &mut sealed);
    blob.extend_from_slice(&nonce);
    blob.extend_from_slice(&sealed);
    Ok(blob)
}

/// Wraps a data key under the newest material of a key.
pub(super) fn wrap(
    key: &MasterKey,
    data_key: &DataKey,
    context: &EncryptionContext,
) -> Result<WrappedKey, KmsError> {
    seal(key, data_key.expose(), context).map(WrappedKey::from_bytes)
}

/// Opens a wrapped key with the key and material that it names.
pub(super) fn unwrap(
    document: &Document,
    wrapped: &WrappedKey,
    context: &EncryptionContext,
) -> Result<DataKey, KmsError> {
    let foreign =
        || KmsError::Validation("the wrapped key is damaged, or no key of this keyring wrapped it".into());
    let envelope = Envelope::parse(wrapped.as_bytes()).ok_or_else(foreign)?;
    let key = document.key(envelope.key)?.usable()?;
    let opened = envelope.open(key, context)?;
    Ok(DataKey::from_bytes(opened.as_slice().try_into().map_err(|_| foreign())?))
}

/// A ciphertext, taken apart.
pub struct Envelope<'a> {
    head: &'a [u8],
    /// The master key that closed it.
    pub key: Uuid,
    /// The number of its material.
    pub material: u32,
    nonce: [u8; NONCE_BYTES],
    sealed: &'a [u8],
}

impl<'a> Envelope<'a> {
    /// `None` where the bytes cannot be a ciphertext of any keyring.
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let (nonce, sealed) = rest.split_first_chunk()?;
        let (format, ids) = head.split_first()?;
        let (key, material) = ids.split_first_chunk()?;
        if *format != FORMAT || sealed.len() <= TAG_BYTES {
            return None;
        }
        Some(Self {
            head,
            key: Uuid::from_bytes(*key),
            material: u32::from_be_bytes(material.try_into().ok()?),
            nonce: *nonce,
            sealed,
        })
    }

    /// The plaintext. Whether `key` may be used is not looked at.
    ///
    /// # Errors
    /// `Validation` for a damaged ciphertext, another context, and material that is not there.
    pub fn open(&self, key: &MasterKey, context: &EncryptionContext) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let Some(material) = key.material(self.material) else {
            let (number, id) = (self.material, key.id);
            return Err(KmsError::Validation(format!(
                "key {id} has no material {number}: was an older keyring restored?"
            )));
        };
        let aad = associated_data(self.head, context);
        let mut opened = Zeroizing::new(self.sealed.to_vec());
        let plain_bytes = material.cipher().open(self.nonce, &aad, &mut opened).map_err(|_| {
            let id = key.id;
            KmsError::Validation(format!(
                "the ciphertext does not open under key {id}: damaged, or for another context"
            ))
        })?;
        opened.truncate(plain_bytes);
        Ok(opened)
    }
}

fn associated_data(head: &[u8], context: &EncryptionContext) -> Vec<u8> {
    let mut aad = head.to_vec();
    context.append_canonical(&mut aad);
    aad
}

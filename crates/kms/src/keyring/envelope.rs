//! The layout of a wrapped key, 81 bytes: format (1), key id (16), material number (4, big-endian), nonce (12),
//! then the data key sealed with AES-256-GCM (32 + 16). The first 21 bytes and the context are authenticated too.

use super::document::{Document, MasterKey};
use crate::{DataKey, EncryptionContext, KmsError, NONCE_BYTES, TAG_BYTES, WrappedKey, random_nonce};
use uuid::Uuid;
use zeroize::Zeroizing;

const FORMAT: u8 = 1;
const HEAD_BYTES: usize = 1 + 16 + 4;
const SEALED_BYTES: usize = 32 + TAG_BYTES;

/// Wraps a data key under the newest material of a key.
pub(super) fn seal(
    key: &MasterKey,
    data_key: &DataKey,
    context: &EncryptionContext,
) -> Result<WrappedKey, KmsError> {
    let material = key.usable()?.newest();
    let mut wrapped = Vec::with_capacity(HEAD_BYTES + NONCE_BYTES + SEALED_BYTES);
    wrapped.push(FORMAT);
    wrapped.extend_from_slice(key.id.as_bytes());
    wrapped.extend_from_slice(&material.number.to_be_bytes());
    let aad = associated_data(&wrapped, context);
    let nonce = random_nonce();
    // Sized for the tag, so that sealing does not move the plain key elsewhere.
    let mut sealed = Zeroizing::new(Vec::with_capacity(SEALED_BYTES));
    sealed.extend_from_slice(data_key.expose());
    material.cipher().seal(nonce, &aad, &mut sealed);
    wrapped.extend_from_slice(&nonce);
    wrapped.extend_from_slice(&sealed);
    Ok(WrappedKey::from_bytes(wrapped))
}

/// Opens a wrapped key with the key and material that it names.
pub(super) fn open(
    document: &Document,
    wrapped: &WrappedKey,
    context: &EncryptionContext,
) -> Result<DataKey, KmsError> {
    let Some(envelope) = Envelope::parse(wrapped.as_bytes()) else {
        return Err(KmsError::Validation(
            "the wrapped key is damaged, or no key of this keyring wrapped it".into(),
        ));
    };
    let key = document.key(envelope.key)?.usable()?;
    let Some(material) = key.material(envelope.material) else {
        let (number, id) = (envelope.material, key.id);
        return Err(KmsError::Validation(format!(
            "key {id} has no material {number}: was an older keyring restored?"
        )));
    };
    let aad = associated_data(envelope.head, context);
    let mut opened = Zeroizing::new(envelope.sealed.to_vec());
    let refused = || {
        let id = key.id;
        KmsError::Validation(format!(
            "the wrapped key does not open under key {id}: damaged, or for another context"
        ))
    };
    material.cipher().open(envelope.nonce, &aad, &mut opened).map_err(|_| refused())?;
    Ok(DataKey::from_bytes(opened.as_slice().try_into().map_err(|_| refused())?))
}

struct Envelope<'a> {
    head: &'a [u8],
    key: Uuid,
    material: u32,
    nonce: [u8; NONCE_BYTES],
    sealed: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn parse(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let (nonce, sealed) = rest.split_first_chunk()?;
        let (format, ids) = head.split_first()?;
        let (key, material) = ids.split_first_chunk()?;
        if *format != FORMAT || sealed.len() != SEALED_BYTES {
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
}

fn associated_data(head: &[u8], context: &EncryptionContext) -> Vec<u8> {
    let mut aad = head.to_vec();
    context.append_canonical(&mut aad);
    aad
}

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 12;
/// Bytes that sealing adds.
pub const TAG_BYTES: usize = 16;

/// An AES-256-GCM key for data. Never printed, wiped when dropped, not cloned: share it in an `Arc`.
pub struct DataKey(Zeroizing<[u8; 32]>);

impl DataKey {
    /// From its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A fresh key from the operating system's random source.
    pub fn generate() -> Self {
        let mut key = Self::from_bytes([0; 32]);
        fill_random(&mut key.0[..]);
        key
    }

    /// The 32 bytes, for the code that wraps them.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Encrypts in place and appends a tag of [`TAG_BYTES`]. The same nonce must never be used twice under one key:
    /// take it from [`random_nonce`], and change the key well before 2^32 uses (NIST SP 800-38D, 8.3).
    pub fn seal(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], in_out: &mut Vec<u8>) {
        self.cipher()
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), in_out)
            .expect("invariant: GCM refuses only 64 GiB and more");
    }

    /// Decrypts in place and gives the length of the plaintext, which stands where the ciphertext stood, before its tag.
    ///
    /// # Errors
    /// [`OpenError`] if key, nonce, `aad` or any bit differs from what was sealed; `in_out` is then all zeros, so that
    /// nothing unverified can be used.
    pub fn open(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], in_out: &mut [u8]) -> Result<usize, OpenError> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let opened = self.cipher().open_in_place(nonce, Aad::from(aad), in_out).map(|plain| plain.len());
        opened.map_err(|_| {
            in_out.fill(0);
            OpenError
        })
    }

    fn cipher(&self) -> LessSafeKey {
        // Setting the key up costs less than can be measured beside a fragment, so it is not kept.
        let key = UnboundKey::new(&AES_256_GCM, &self.0[..]).expect("invariant: 32 bytes are an AES-256 key");
        LessSafeKey::new(key)
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DataKey([redacted])")
    }
}

/// The bytes are not what was sealed under this key, nonce and associated data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed bytes do not open: they were altered, or sealed under another key or for another place")]
pub struct OpenError;

/// A fresh 96-bit nonce.
pub fn random_nonce() -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    fill_random(&mut nonce);
    nonce
}

/// Fills with bytes from the operating system's random source.
pub fn fill_random(bytes: &mut [u8]) {
    SystemRandom::new()
        .fill(bytes)
        .expect("invariant: getrandom(2) does not fail on a machine that has booted");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn seals_as_the_gcm_specification_says() {
        // McGrew & Viega, "The Galois/Counter Mode of Operation", test cases 13 and 14.
        let key = DataKey::from_bytes([0; 32]);
        let mut sealed = Vec::new();
        key.seal([0; 12], &[], &mut sealed);
        assert_eq!(hex(&sealed), "530f8afbc74536b9a963b4f1c4cb738b");
        let mut sealed = vec![0; 16];
        key.seal([0; 12], &[], &mut sealed);
        assert_eq!(hex(&sealed), "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", DataKey::from_bytes([7; 32])), "DataKey([redacted])");
    }

    #[test]
    fn a_failed_open_leaves_nothing_behind() {
        let mut bytes = [1; 40];
        assert_eq!(DataKey::generate().open([0; 12], b"", &mut bytes), Err(OpenError));
        assert_eq!(bytes, [0; 40]);
        assert_eq!(DataKey::generate().open([0; 12], b"", &mut []), Err(OpenError), "shorter than a tag");
    }

    #[test]
    fn nonces_and_keys_are_fresh() {
        assert_ne!(random_nonce(), random_nonce());
        assert_ne!(DataKey::generate().0, DataKey::generate().0);
    }

    proptest! {
        #[test]
        fn opens_exactly_what_was_sealed(
            key: [u8; 32],
            nonce: [u8; 12],
            aad in proptest::collection::vec(any::<u8>(), 0..40),
            plain in proptest::collection::vec(any::<u8>(), 0..400),
        ) {
            let key = DataKey::from_bytes(key);
            let mut bytes = plain.clone();
            key.seal(nonce, &aad, &mut bytes);
            prop_assert_eq!(bytes.len(), plain.len() + TAG_BYTES);
            prop_assert_eq!(key.open(nonce, &aad, &mut bytes), Ok(plain.len()));
            prop_assert_eq!(&bytes[..plain.len()], plain);
        }

        #[test]
        fn any_flipped_bit_refuses(
            plain in proptest::collection::vec(any::<u8>(), 0..100),
            part in 0..4usize,
            at: prop::sample::Index,
            bit in 0..8u8,
        ) {
            let (mut key, mut nonce, mut aad) = ([3; 32], [4; 12], [5; 9]);
            let mut bytes = plain;
            DataKey::from_bytes(key).seal(nonce, &aad, &mut bytes);
            let target: &mut [u8] = match part {
                0 => &mut key,
                1 => &mut nonce,
                2 => &mut aad,
                _ => &mut bytes,
            };
            let at = at.index(target.len());
            target[at] ^= 1 << bit;
            prop_assert_eq!(DataKey::from_bytes(key).open(nonce, &aad, &mut bytes), Err(OpenError));
        }
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

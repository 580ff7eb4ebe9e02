//! Looking for wrapped keys where nobody put them on purpose: what a proof of deletion asks of a disk.

use super::Keyring;
use super::envelope::{FORMAT, WRAPPED_BYTES};
use crate::{KmsError, WrappedKey};

impl Keyring {
    /// Every place in `bytes` where a key that this keyring wrapped may begin, told by the layout and the id of a master
    /// key of this keyring, and the bytes there. Whether it is one, only unwrapping tells.
    ///
    /// # Errors
    /// `Unavailable` if the keyring's file can no longer be read.
    pub fn find_wrapped(&self, bytes: &[u8]) -> Result<Vec<(usize, WrappedKey)>, KmsError> {
        let begins: Vec<[u8; 17]> = {
            let held = self.current()?;
            let begin = |id: &[u8; 16]| {
                let mut begin = [FORMAT; 17];
                begin[1..].copy_from_slice(id);
                begin
            };
            held.document.keys.iter().map(|key| begin(key.id.as_bytes())).collect()
        };
        let mut found = Vec::new();
        for (at, window) in bytes.windows(WRAPPED_BYTES).enumerate() {
            if window[0] == FORMAT && begins.iter().any(|begin| window.starts_with(begin)) {
                found.push((at, WrappedKey::from_bytes(window)));
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EncryptionContext, KeyId, KeyProvider};

    #[tokio::test]
    async fn a_wrapped_key_is_found_amid_other_bytes_and_those_of_another_keyring_are_not() {
        let (ours, theirs) = (Keyring::in_memory(), Keyring::in_memory());
        let (id, context) = (KeyId::default(), EncryptionContext::new().with("a", "b"));
        let (_, own) = ours.generate_data_key(&id, &context).await.unwrap();
        let (_, foreign) = theirs.generate_data_key(&id, &context).await.unwrap();
        let mut bytes = vec![1; 300];
        bytes.extend_from_slice(own.as_bytes());
        bytes.extend_from_slice(foreign.as_bytes());
        bytes.extend_from_slice(&own.as_bytes()[..80]);
        let found = ours.find_wrapped(&bytes).unwrap();
        assert_eq!(found, [(300, own.clone())], "the last one is cut off");
        assert!(ours.unwrap(&found[0].1, &context).await.is_ok());
    }
}

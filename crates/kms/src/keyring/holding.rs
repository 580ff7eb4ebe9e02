use super::Keyring;
use super::envelope::{Envelope, WRAPPED_BYTES};
use crate::{EncryptionContext, KmsError, WrappedKey};

/// What a keyring has of that which closed a wrapped key. Whether the key may be used is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holding {
    /// The key and its material: it opens.
    Opens,
    /// The key, but its material is not that which closed it.
    Closed,
    /// Neither the key nor a note that it was destroyed, or an older state of the key: this is not the whole keyring.
    Lacking,
    /// A note that the key was destroyed.
    Destroyed,
}

impl Keyring {
    /// Looks whether a wrapped key could be opened; `None` for one that no keyring has closed.
    ///
    /// # Errors
    /// `Unavailable` if the file can no longer be read.
    pub fn holding(
        &self,
        wrapped: &WrappedKey,
        context: &EncryptionContext,
    ) -> Result<Option<Holding>, KmsError> {
        let Some(envelope) = data_key_envelope(wrapped) else { return Ok(None) };
        let held = self.current()?;
        let holding = match held.document.key(envelope.key) {
            Err(_) if held.document.was_destroyed(envelope.key) => Holding::Destroyed,
            Err(_) => Holding::Lacking,
            Ok(key) if key.material(envelope.material).is_none() => Holding::Lacking,
            Ok(key) => match envelope.open(key, context) {
                Ok(_) => Holding::Opens,
                Err(_) => Holding::Closed,
            },
        };
        Ok(Some(holding))
    }
}

impl WrappedKey {
    /// The id of the master key that closed it, and the number of that key's material; `None` where no keyring did.
    pub fn closed_by(&self) -> Option<(String, u32)> {
        data_key_envelope(self).map(|envelope| (envelope.key.to_string(), envelope.material))
    }
}

fn data_key_envelope(wrapped: &WrappedKey) -> Option<Envelope<'_>> {
    let bytes = wrapped.as_bytes();
    Envelope::parse(bytes).filter(|_| bytes.len() == WRAPPED_BYTES)
}

#[cfg(test)]
mod tests {
    use super::super::KeyringOwner;
    use super::*;
    use crate::{KeyId, KeyProvider};
    use tympan_types::{AccountId, Region, WallTime};

    const NOW: WallTime = WallTime::from_unix_ms(1_711_124_585_823);

    fn open(path: &std::path::Path) -> Keyring {
        let owner = KeyringOwner {
            region: Region::parse("us-west-2").unwrap(),
            account: AccountId::parse("111122223333").unwrap(),
        };
        Keyring::open(path, owner, NOW).unwrap()
    }

    #[test]
    fn an_older_keyring_lacks_what_a_newer_one_closed_and_a_destroyed_key_is_remembered() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keys");
        let keyring = open(&folder);
        let before = std::fs::read(folder.join("keyring.json")).unwrap();
        let context = EncryptionContext::new().with("stream", "a");
        let wrap = |key: &KeyId| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(keyring.generate_data_key(key, &context)).unwrap().1
        };
        let first = wrap(&KeyId::default());
        keyring.rotate(&KeyId::default(), NOW).unwrap();
        let rotated = wrap(&KeyId::default());
        let own = KeyId::parse(&keyring.create_key(None, NOW).unwrap().id).unwrap();
        let other = wrap(&own);
        assert_eq!(other.closed_by(), Some((own.to_string(), 1)));
        for wrapped in [&first, &rotated, &other] {
            assert_eq!(keyring.holding(wrapped, &context), Ok(Some(Holding::Opens)));
        }
        let elsewhere = EncryptionContext::new().with("stream", "b");
        assert_eq!(keyring.holding(&first, &elsewhere), Ok(Some(Holding::Closed)));
        assert_eq!(keyring.holding(&WrappedKey::from_bytes(*b"\x01elsewhere"), &context), Ok(None));

        keyring.schedule_deletion(&own, 7, NOW).unwrap();
        assert_eq!(keyring.holding(&other, &context), Ok(Some(Holding::Opens)), "it is not gone yet");
        keyring.upkeep(NOW.plus_ms(8 * 86_400_000)).unwrap();
        assert_eq!(open(&folder).holding(&other, &context), Ok(Some(Holding::Destroyed)));
        let text = std::fs::read_to_string(folder.join("keyring.json")).unwrap();
        assert!(text.contains("\"version\": 3"), "an earlier program would refuse it by name");

        std::fs::write(folder.join("keyring.json"), before).unwrap();
        let older = open(&folder);
        assert_eq!(older.holding(&first, &context), Ok(Some(Holding::Opens)));
        for wrapped in [&rotated, &other] {
            assert_eq!(older.holding(wrapped, &context), Ok(Some(Holding::Lacking)));
        }
    }
}

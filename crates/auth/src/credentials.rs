use crate::Principal;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tympan_types::{AccountId, WallTime};
use zeroize::Zeroizing;

/// A text that proves something: a secret key or a session token. Never printed, wiped when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for the code that signs or sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares without telling by the time it takes where the first difference is.
    pub fn matches(&self, bytes: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(bytes).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// What a signature is made with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The access key id: an identifier, not a secret.
    pub access_key_id: String,
    /// The secret key.
    pub secret: Secret,
    /// The token that goes with temporary credentials.
    pub session_token: Option<Secret>,
}

impl Credentials {
    /// Long-term credentials.
    pub fn new(access_key_id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { access_key_id: access_key_id.into(), secret: Secret::new(secret), session_token: None }
    }

    /// Makes them temporary: they are worth something only together with this token.
    #[must_use]
    pub fn with_session_token(mut self, token: impl Into<String>) -> Self {
        self.session_token = Some(Secret::new(token));
        self
    }
}

/// Credentials as the server knows them: with the account they act for.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// What signatures by this key are made with.
    pub credentials: Credentials,
    /// The account that the key belongs to.
    pub account: AccountId,
    /// From this instant on the key is refused.
    pub expires: Option<WallTime>,
    /// Whom the key belongs to.
    pub principal: Arc<Principal>,
}

impl AccessKey {
    /// A key without an end, of a user who is called like it and may do nothing.
    pub fn new(credentials: Credentials, account: AccountId) -> Self {
        let principal = Arc::new(Principal::user(&credentials.access_key_id, account.clone()));
        Self { credentials, account, expires: None, principal }
    }

    /// Gives it to a principal.
    #[must_use]
    pub fn of(mut self, principal: Principal) -> Self {
        self.principal = Arc::new(principal);
        self
    }

    /// The access key id.
    pub fn id(&self) -> &str {
        &self.credentials.access_key_id
    }

    /// Gives the key an end.
    #[must_use]
    pub fn expiring_at(mut self, expires: WallTime) -> Self {
        self.expires = Some(expires);
        self
    }
}

/// Where a verifier finds access keys.
pub trait CredentialSource {
    /// The key of this id, if there is one. `token` is what the request sends along: some keys live in their token.
    fn access_key(&self, id: &str, token: Option<&str>) -> Option<Arc<AccessKey>>;
}

/// A fixed list of access keys.
#[derive(Debug, Default)]
pub struct CredentialStore(HashMap<String, Arc<AccessKey>>);

impl CredentialStore {
    /// Takes a list over.
    ///
    /// # Errors
    /// [`DuplicateAccessKey`] if two entries have the same id.
    pub fn new(keys: impl IntoIterator<Item = AccessKey>) -> Result<Self, DuplicateAccessKey> {
        let mut by_id = HashMap::new();
        for key in keys {
            match by_id.entry(key.id().to_owned()) {
                Entry::Occupied(taken) => return Err(DuplicateAccessKey(taken.key().clone())),
                Entry::Vacant(free) => free.insert(Arc::new(key)),
            };
        }
        Ok(Self(by_id))
    }

    /// Whether there is no key at all: then nobody can sign.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl CredentialSource for CredentialStore {
    fn access_key(&self, id: &str, _token: Option<&str>) -> Option<Arc<AccessKey>> {
        self.0.get(id).cloned()
    }
}

/// Two access keys have one id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("access key id {0:?} is listed twice; remove one of the entries")]
pub struct DuplicateAccessKey(pub String);

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: &str) -> AccessKey {
        let credentials = Credentials::new(id, "a secret key").with_session_token("a token");
        AccessKey::new(credentials, AccountId::parse("111122223333").unwrap())
    }

    #[test]
    fn secrets_are_never_printed() {
        let printed = format!("{:?} {:#?}", key("AKID"), CredentialStore::new([key("AKID")]));
        assert!(printed.contains("AKID") && printed.contains("[redacted]"), "{printed}");
        assert!(!printed.contains("secret key") && !printed.contains("token\""), "{printed}");
    }

    #[test]
    fn finds_keys_by_exact_id() {
        let store = CredentialStore::new([key("AKID1"), key("AKID2")]).unwrap();
        assert_eq!(store.access_key("AKID2", None).unwrap().id(), "AKID2");
        assert!(store.access_key("akid2", None).is_none());
        assert!(CredentialStore::default().is_empty());
    }

    #[test]
    fn refuses_one_id_for_two_keys() {
        assert_eq!(CredentialStore::new([key("A"), key("A")]).unwrap_err(), DuplicateAccessKey("A".into()));
    }

    #[test]
    fn a_secret_matches_itself_only() {
        let secret = Secret::new("abc");
        assert!(secret.matches(b"abc"));
        assert!(!secret.matches(b"abd") && !secret.matches(b"ab") && !secret.matches(b""));
    }
}

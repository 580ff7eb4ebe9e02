//! Everybody who may sign: access keys, the policies that they have, the roles that they may assume.

use crate::policy::built_in_policy;
use crate::principal::role_arn;
use crate::session::{
    self, AssumedRole, Purpose, SESSION_ENTROPY_BYTES, Session, SessionSeal, WebSession, WebToken,
};
use crate::{
    AccessKey, BUILT_IN_POLICIES, CredentialSource, Credentials, Permissions, Policy, Principal, Secret,
    TemporaryCredentials,
};
use ring::digest::{SHA256, digest};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tympan_types::{AccountId, WallTime};

/// Compared with the secret of an unknown access key id: as long as AWS's secrets are.
const NO_SECRET: &str = "0000000000000000000000000000000000000000";

/// A role: what it may do, and who may assume it.
#[derive(Debug, Clone)]
pub struct Role {
    /// Its name, of letters, digits and `+=,.@_-`.
    pub name: String,
    /// Names of its policies.
    pub policies: Vec<String>,
    /// Ids of the access keys that may assume it.
    pub assumed_by: Vec<String>,
    /// Its sessions last no longer, in seconds.
    pub session_max_s: u32,
}

impl Role {
    /// `arn:aws:iam::ACCOUNT:role/NAME`
    pub fn arn(&self, account: &AccountId) -> String {
        role_arn(&self.name, account)
    }
}

/// A list of identities that is not consistent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentitiesError {
    /// Two policies have one name.
    #[error("policies: the name {0:?} is taken{hint}", hint = taken_hint(.0))]
    DuplicatePolicy(String),
    /// Two access keys have one id.
    #[error("credentials: access key id {0:?} is listed twice; remove one of the entries")]
    DuplicateAccessKey(String),
    /// Two roles have one name.
    #[error("roles: the name {0:?} is listed twice; remove one of the entries")]
    DuplicateRole(String),
    /// A name that no identity has.
    #[error("{place}: there is no policy {name:?}; there are {known}")]
    UnknownPolicy {
        /// Who names it.
        place: String,
        /// The name.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// A role for a key that is not there.
    #[error(
        "roles: {role:?} names the access key {key:?} in assumed_by, and credentials has none of this id"
    )]
    UnknownAccessKey {
        /// The role's name.
        role: String,
        /// The key's id.
        key: String,
    },
    /// Not a name.
    #[error("{place}: {name:?} is no name: it is 1 to 64 letters, digits or any of +=,.@_-")]
    Name {
        /// Whose name it is.
        place: &'static str,
        /// The text.
        name: String,
    },
    /// A length that no session has.
    #[error("roles: session_max_s of {role:?} is {seconds}: it is 900 to 43200")]
    SessionLength {
        /// The role's name.
        role: String,
        /// The number.
        seconds: u32,
    },
}

fn taken_hint(name: &str) -> &'static str {
    let is_built_in = BUILT_IN_POLICIES.iter().any(|(known, _)| *known == name);
    if is_built_in {
        " by a built-in policy; choose another one"
    } else {
        " twice; remove one of the entries"
    }
}

/// Keys, policies and roles of one account. Temporary keys are not listed: they live in their tokens.
pub struct Identities {
    account: AccountId,
    keys: HashMap<String, Arc<AccessKey>>,
    /// Names of the policies of each key, in the order of its permissions.
    policies_of: HashMap<String, Vec<String>>,
    policies: HashMap<String, Arc<Policy>>,
    roles: HashMap<String, Role>,
    seal: SessionSeal,
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities")
            .field("keys", &self.keys)
            .field("roles", &self.roles)
            .finish_non_exhaustive()
    }
}

impl Identities {
    /// Nobody yet, in an account whose session tokens are sealed with `seal`. The built-in policies are there.
    pub fn new(account: AccountId, seal: SessionSeal) -> Self {
        let built_in =
            |(name, _): &(&str, &str)| Some(((*name).to_owned(), Arc::new(built_in_policy(name)?)));
        let policies = BUILT_IN_POLICIES.iter().filter_map(built_in).collect();
        Self {
            account,
            keys: HashMap::new(),
            policies_of: HashMap::new(),
            policies,
            roles: HashMap::new(),
            seal,
        }
    }

    /// Adds a policy that keys and roles may then name.
    ///
    /// # Errors
    /// `Name`; `DuplicatePolicy`.
    pub fn add_policy(&mut self, name: &str, policy: Policy) -> Result<(), IdentitiesError> {
        check_name("policies", name)?;
        match self.policies.entry(name.to_owned()) {
            Entry::Occupied(_) => Err(IdentitiesError::DuplicatePolicy(name.to_owned())),
            Entry::Vacant(free) => {
                free.insert(Arc::new(policy));
                Ok(())
            }
        }
    }

    /// Adds an access key of a user, with the policies of these names. An empty name is that of the key.
    ///
    /// # Errors
    /// `Name`; `UnknownPolicy`; `DuplicateAccessKey`.
    pub fn add_key(
        &mut self,
        credentials: Credentials,
        user: &str,
        names: &[String],
    ) -> Result<(), IdentitiesError> {
        let id = credentials.access_key_id.clone();
        let user = if user.is_empty() { id.as_str() } else { user };
        check_name("credentials", user)?;
        let policies = self.named(names, &format!("credentials: {id:?}"))?;
        let principal =
            Principal::user(user, self.account.clone()).with_permissions(Permissions::new(policies));
        match self.keys.entry(id) {
            Entry::Occupied(taken) => Err(IdentitiesError::DuplicateAccessKey(taken.key().clone())),
            Entry::Vacant(free) => {
                self.policies_of.insert(free.key().clone(), names.to_vec());
                free.insert(Arc::new(AccessKey::new(credentials, self.account.clone()).of(principal)));
                Ok(())
            }
        }
    }

    /// Adds a role; the keys that may assume it have been added before.
    ///
    /// # Errors
    /// `Name`; `UnknownPolicy`; `UnknownAccessKey`; `SessionLength`; `DuplicateRole`.
    pub fn add_role(&mut self, role: Role) -> Result<(), IdentitiesError> {
        check_name("roles", &role.name)?;
        self.named(&role.policies, &format!("roles: {:?}", role.name))?;
        if let Some(key) = role.assumed_by.iter().find(|key| !self.keys.contains_key(*key)) {
            return Err(IdentitiesError::UnknownAccessKey { role: role.name, key: key.clone() });
        }
        if !(900..=43_200).contains(&role.session_max_s) {
            return Err(IdentitiesError::SessionLength { role: role.name, seconds: role.session_max_s });
        }
        match self.roles.entry(role.name.clone()) {
            Entry::Occupied(taken) => Err(IdentitiesError::DuplicateRole(taken.key().clone())),
            Entry::Vacant(free) => {
                free.insert(role);
                Ok(())
            }
        }
    }

    /// The account of all of them.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The long-term access keys with the names of their policies, in the order of their ids.
    pub fn keys(&self) -> Vec<(&Arc<AccessKey>, &[String])> {
        let policies = |id: &str| self.policies_of.get(id).map_or(&[][..], Vec::as_slice);
        let mut keys: Vec<_> = self.keys.iter().map(|(id, key)| (key, policies(id))).collect();
        keys.sort_unstable_by_key(|(key, _)| key.id());
        keys
    }

    /// The policies, those that are built in included, in the order of their names.
    pub fn policies(&self) -> Vec<(&str, &Policy)> {
        let mut policies: Vec<_> =
            self.policies.iter().map(|(name, policy)| (name.as_str(), &**policy)).collect();
        policies.sort_unstable_by_key(|(name, _)| *name);
        policies
    }

    /// The roles in the order of their names.
    pub fn roles(&self) -> Vec<&Role> {
        let mut roles: Vec<_> = self.roles.values().collect();
        roles.sort_unstable_by_key(|role| &role.name);
        roles
    }

    /// The role of an ARN.
    pub fn role(&self, arn: &str) -> Option<&Role> {
        let name = arn.rsplit('/').next()?;
        self.roles.get(name).filter(|role| role.arn(&self.account) == arn)
    }

    /// Begins a session of the long-term access key `parent`, or of a role that it has assumed. Whether it may is not asked.
    ///
    /// `entropy` is fresh, and used for this session alone.
    pub fn begin_session(
        &self,
        entropy: &[u8; SESSION_ENTROPY_BYTES],
        parent: &str,
        role: Option<AssumedRole>,
        expires: WallTime,
    ) -> TemporaryCredentials {
        session::begin(&self.seal, entropy, parent, role, expires)
    }

    /// The long-term access key of this id, if `secret` is its secret. An id that is not known takes as long as one that is.
    ///
    /// A key that needs a session token beside its secret is not proven by its secret.
    pub fn prove(&self, id: &str, secret: &str) -> Option<&Arc<AccessKey>> {
        let known = self.keys.get(id).filter(|key| key.credentials.session_token.is_none());
        let expected = known.map_or(NO_SECRET, |key| key.credentials.secret.expose());
        // Digests have one length, whatever the lengths of the two secrets are.
        let (expected, given) = (digest(&SHA256, expected.as_bytes()), digest(&SHA256, secret.as_bytes()));
        let is_equal: bool = expected.as_ref().ct_eq(given.as_ref()).into();
        known.filter(|_| is_equal)
    }

    /// Begins a session of the web console, of the long-term access key `parent`. Whether it may is not asked.
    ///
    /// `entropy` is fresh, and used for this session alone.
    pub fn begin_web_session(
        &self,
        entropy: &[u8; SESSION_ENTROPY_BYTES],
        parent: &str,
        expires: WallTime,
    ) -> WebToken {
        session::begin_web(&self.seal, entropy, parent, expires)
    }

    /// The session of a token that [`Self::begin_web_session`] made; `None` for any other, and where its access key is gone.
    pub fn web_session(&self, token: &str) -> Option<WebSession> {
        let session = self.seal.open(Purpose::Web, token)?;
        let principal = Arc::new(self.session_principal(&session)?);
        let expires = WallTime::from_unix_ms(session.expires_ms);
        Some(WebSession { access_key_id: session.id, principal, expires })
    }

    /// The name of a policy that an ARN means: `arn:aws:iam::ACCOUNT:policy/NAME`, or `aws` in place of the account.
    pub fn policy_name<'a>(&self, arn: &'a str) -> Option<&'a str> {
        let (owner, name) = arn.strip_prefix("arn:aws:iam::")?.split_once(":policy/")?;
        let is_ours = owner == "aws" || owner == self.account.as_str();
        Some(name).filter(|name| is_ours && self.policies.contains_key(*name))
    }

    fn named(&self, names: &[String], place: &str) -> Result<Vec<Arc<Policy>>, IdentitiesError> {
        let one = |name: &String| {
            self.policies.get(name).cloned().ok_or_else(|| {
                let mut known: Vec<&str> = self.policies.keys().map(String::as_str).collect();
                known.sort_unstable();
                let (name, place) = (name.clone(), place.to_owned());
                IdentitiesError::UnknownPolicy { place, name, known: known.join(", ") }
            })
        };
        names.iter().map(one).collect()
    }

    /// What a session may do: always what its user or role may do today, narrowed as it was begun.
    fn session_principal(&self, session: &Session) -> Option<Principal> {
        // Whoever loses their access key loses the sessions that were begun with it.
        let parent = self.keys.get(&session.parent)?;
        let Some(AssumedRole { name, session: session_name, policies, policy }) = &session.role else {
            let user = Principal::clone(&parent.principal);
            return Some(user.begun_with(&session.parent));
        };
        let role = self.roles.get(name)?;
        let mut permissions = Permissions::new(self.named(&role.policies, "").ok()?);
        if policy.is_some() || !policies.is_empty() {
            let mut narrowing = self.named(policies, "").ok()?;
            if let Some(text) = policy {
                narrowing.push(Arc::new(Policy::parse_session(text).ok()?));
            }
            permissions = permissions.narrowed(narrowing);
        }
        let principal = Principal::assumed_role(name, session_name, self.account.clone());
        Some(principal.with_permissions(permissions).begun_with(&session.parent))
    }
}

impl CredentialSource for Identities {
    fn access_key(&self, id: &str, token: Option<&str>) -> Option<Arc<AccessKey>> {
        if let Some(key) = self.keys.get(id) {
            return Some(Arc::clone(key));
        }
        let token = token?;
        let session = self.seal.open(Purpose::Credentials, token).filter(|session| session.id == id)?;
        let principal = self.session_principal(&session)?;
        let credentials = Credentials {
            access_key_id: session.id,
            secret: Secret::new(session.secret),
            session_token: Some(Secret::new(token)),
        };
        let key = AccessKey::new(credentials, self.account.clone()).of(principal);
        Some(Arc::new(key.expiring_at(WallTime::from_unix_ms(session.expires_ms))))
    }
}

fn check_name(place: &'static str, name: &str) -> Result<(), IdentitiesError> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_-".contains(&byte);
    if (1..=64).contains(&name.len()) && name.bytes().all(is_letter) {
        return Ok(());
    }
    Err(IdentitiesError::Name { place, name: name.chars().take(80).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SESSION_KEY_BYTES;

    fn with_keys(keys: &[&str]) -> Identities {
        let account = AccountId::parse("111122223333").unwrap();
        let mut identities = Identities::new(account, SessionSeal::new(&[1; SESSION_KEY_BYTES]));
        for key in keys {
            identities.add_key(Credentials::new(*key, "secret"), "someone", &["consumer".into()]).unwrap();
        }
        identities
    }

    #[test]
    fn a_secret_proves_its_own_key_alone() {
        let mut identities = with_keys(&["A", "B"]);
        let with_token = Credentials::new("T", "secret").with_session_token("token");
        identities.add_key(with_token, "", &[]).unwrap();
        assert_eq!(identities.prove("A", "secret").unwrap().id(), "A");
        for (id, secret) in
            [("A", "secre"), ("A", ""), ("A", "secret0"), ("C", "secret"), ("C", NO_SECRET), ("T", "secret")]
        {
            assert!(identities.prove(id, secret).is_none(), "{id} {secret}");
        }
    }

    #[test]
    fn a_web_session_is_its_users_until_the_access_key_is_gone() {
        let identities = with_keys(&["A"]);
        let entropy = [5; SESSION_ENTROPY_BYTES];
        let made = identities.begin_web_session(&entropy, "A", WallTime::from_unix_ms(1_999));
        let opened = identities.web_session(made.token.expose()).unwrap();
        assert_eq!((opened.access_key_id.as_str(), opened.expires.unix_ms()), (&*made.access_key_id, 1_000));
        assert_eq!(opened.principal.user_name(), Some("someone"));
        assert_eq!(opened.principal.parent_key.as_deref(), Some("A"));
        assert!(with_keys(&["B"]).web_session(made.token.expose()).is_none(), "the key is gone");
        // Neither kind of token does for the other.
        assert!(identities.access_key(&made.access_key_id, Some(made.token.expose())).is_none());
        let temporary = identities.begin_session(&entropy, "A", None, WallTime::from_unix_ms(1_999));
        let token = temporary.credentials.session_token.unwrap();
        assert!(identities.web_session(token.expose()).is_none());
    }

    #[test]
    fn identities_that_do_not_fit_together_are_refused() {
        let account = AccountId::parse("111122223333").unwrap();
        let seal = || SessionSeal::new(&[1; SESSION_KEY_BYTES]);
        let mut identities = Identities::new(account, seal());
        let policy =
            || Policy::parse(r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#).unwrap();
        let taken = identities.add_policy("consumer", policy()).unwrap_err().to_string();
        assert!(taken.contains("built-in"), "{taken}");
        identities.add_policy("mine", policy()).unwrap();
        assert!(
            identities.add_policy("mine", policy()).is_err()
                && identities.add_policy("a b", policy()).is_err()
        );
        let unknown =
            identities.add_key(Credentials::new("A", "s"), "", &["yours".into()]).unwrap_err().to_string();
        assert!(unknown.contains("consumer, full-access, mine, producer, read-only"), "{unknown}");
        identities.add_key(Credentials::new("A", "s"), "someone", &["mine".into()]).unwrap();
        assert!(identities.add_key(Credentials::new("A", "s"), "", &[]).is_err());
        let role = |name: &str, assumed_by: &str, session_max_s| Role {
            name: name.into(),
            policies: vec![],
            assumed_by: vec![assumed_by.into()],
            session_max_s,
        };
        assert!(identities.add_role(role("r", "B", 900)).unwrap_err().to_string().contains("\"B\""));
        assert!(identities.add_role(role("r", "A", 899)).unwrap_err().to_string().contains("900 to 43200"));
        identities.add_role(role("r", "A", 900)).unwrap();
        assert!(identities.add_role(role("r", "A", 900)).is_err());
    }
}

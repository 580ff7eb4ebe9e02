//! Temporary credentials that live in their own token: the server keeps nothing of them, and knows them again after a
//! restart, as long as it has the key that sealed them.

mod seal;
mod web;

pub(crate) use seal::Purpose;
pub use seal::{SESSION_KEY_BYTES, SessionSeal};
pub(crate) use web::begin as begin_web;
pub use web::{WebSession, WebToken};

use crate::principal::base32_digit;
use crate::{Credentials, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::fmt;
use tympan_types::WallTime;

/// What temporary access key ids begin with.
pub(crate) const TEMPORARY_KEY_PREFIX: &str = "ASIA";
/// Randomness that one session takes: 16 characters of its id, its secret, and the nonce of its seal.
pub const SESSION_ENTROPY_BYTES: usize = ID_BYTES + SECRET_BYTES + seal::NONCE_BYTES;

const ID_BYTES: usize = 16;
const SECRET_BYTES: usize = 30;

/// What a session token says, once it is opened.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The temporary access key id.
    pub(crate) id: String,
    /// Its secret.
    pub(crate) secret: String,
    /// When it ends, in Unix milliseconds.
    pub(crate) expires_ms: i64,
    /// The long-term access key that it was begun with.
    pub(crate) parent: String,
    /// The role that it has assumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) role: Option<AssumedRole>,
}

/// A role that a session has assumed, and what narrows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssumedRole {
    /// The role's name.
    pub name: String,
    /// `RoleSessionName`
    pub session: String,
    /// Names of policies that narrow it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// The text of a policy that narrows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("parent", &self.parent).finish_non_exhaustive()
    }
}

impl fmt::Debug for AssumedRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AssumedRole")
            .field("name", &self.name)
            .field("session", &self.session)
            .finish_non_exhaustive()
    }
}

/// Temporary credentials, as they are handed out.
#[derive(Debug, Clone)]
pub struct TemporaryCredentials {
    /// Key, secret and token.
    pub credentials: Credentials,
    /// From when on they are refused.
    pub expires: WallTime,
}

/// Begins a session.
pub(crate) fn begin(
    seal: &SessionSeal,
    entropy: &[u8; SESSION_ENTROPY_BYTES],
    parent: &str,
    role: Option<AssumedRole>,
    expires: WallTime,
) -> TemporaryCredentials {
    let (id, rest) = entropy.split_at(ID_BYTES);
    let (secret, nonce) = rest.split_at(SECRET_BYTES);
    let (id, secret, expires) = (temporary_id(id), STANDARD.encode(secret), whole_seconds(expires));
    let session = Session {
        id: id.clone(),
        secret: secret.clone(),
        expires_ms: expires.unix_ms(),
        parent: parent.to_owned(),
        role,
    };
    let token = seal.seal(Purpose::Credentials, &session, nonce);
    let credentials = Credentials {
        access_key_id: id,
        secret: Secret::new(secret),
        session_token: Some(Secret::new(token)),
    };
    TemporaryCredentials { credentials, expires }
}

/// `ASIA` and a digit for each byte.
fn temporary_id(bytes: &[u8]) -> String {
    TEMPORARY_KEY_PREFIX.chars().chain(bytes.iter().map(|byte| base32_digit(*byte))).collect()
}

/// That is what answers print.
fn whole_seconds(time: WallTime) -> WallTime {
    WallTime::from_unix_ms(time.unix_ms().div_euclid(1_000) * 1_000)
}

//! Sessions of the web console: the token is a cookie, and no secret goes with it. It is sealed as the tokens of temporary
//! credentials are, for a purpose of its own: the token of temporary credentials stands in presigned URLs, and must not
//! open the console.

use super::seal::{Purpose, SessionSeal};
use super::{ID_BYTES, SECRET_BYTES, SESSION_ENTROPY_BYTES, Session, temporary_id, whole_seconds};
use crate::{Principal, Secret};
use std::sync::Arc;
use tympan_types::WallTime;

/// A session as it is handed to a browser.
#[derive(Debug, Clone)]
pub struct WebToken {
    /// The sealed session: letters, digits and `+/=`.
    pub token: Secret,
    /// The id of the session in audit lines.
    pub access_key_id: String,
    /// From when on it is refused.
    pub expires: WallTime,
}

/// A session as a token says that it is.
#[derive(Debug, Clone)]
pub struct WebSession {
    /// The id of the session in audit lines.
    pub access_key_id: String,
    /// The user, with what the user may do today.
    pub principal: Arc<Principal>,
    /// From when on it is refused; whether that is over is not looked at here.
    pub expires: WallTime,
}

/// Begins a session of the long-term access key `parent`.
pub(crate) fn begin(
    seal: &SessionSeal,
    entropy: &[u8; SESSION_ENTROPY_BYTES],
    parent: &str,
    expires: WallTime,
) -> WebToken {
    let (id, rest) = entropy.split_at(ID_BYTES);
    let (_, nonce) = rest.split_at(SECRET_BYTES);
    let (id, expires) = (temporary_id(id), whole_seconds(expires));
    let session = Session {
        id: id.clone(),
        secret: String::new(),
        expires_ms: expires.unix_ms(),
        parent: parent.to_owned(),
        role: None,
    };
    WebToken { token: Secret::new(seal.seal(Purpose::Web, &session, nonce)), access_key_id: id, expires }
}

//! ```text
//! token = base64(version (1) | nonce (12) | AES-256-GCM(JSON of the session) | tag (16))
//! ```

use super::Session;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use std::fmt;

/// Length of the key.
pub const SESSION_KEY_BYTES: usize = 32;

pub(super) const NONCE_BYTES: usize = 12;
const VERSION: u8 = 1;
/// Longer than any token that is made: a session policy has at most 2,048 characters beside white space.
const TOKEN_LIMIT_BYTES: usize = 32 * 1024;

/// What a token is for: one that was sealed for another purpose is not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Temporary credentials. Their token travels in clear text, in headers and presigned URLs, and proves nothing alone.
    Credentials,
    /// A session of the web console, whose token is all that a browser sends.
    Web,
}

impl Purpose {
    /// What the cipher authenticates beside the session.
    fn label(self) -> &'static [u8] {
        match self {
            Self::Credentials => b"tympan session token 1",
            Self::Web => b"tympan web session 1",
        }
    }
}

/// Seals sessions into tokens and opens them. With its key, a session of any principal can be made.
pub struct SessionSeal(LessSafeKey);

impl fmt::Debug for SessionSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionSeal([redacted])")
    }
}

impl SessionSeal {
    /// Takes the key over.
    pub fn new(key: &[u8; SESSION_KEY_BYTES]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("invariant: AES-256 takes any 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// The token of a session. A nonce must never be used twice.
    pub(super) fn seal(&self, purpose: Purpose, session: &Session, nonce: &[u8]) -> String {
        let nonce: [u8; NONCE_BYTES] =
            nonce.try_into().expect("invariant: the caller splits off twelve bytes");
        let mut sealed = serde_json::to_vec(session).expect("invariant: a session is texts and a number");
        self.0
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(purpose.label()),
                &mut sealed,
            )
            .expect("invariant: a session is far below the limit of the cipher");
        let mut token = Vec::with_capacity(1 + NONCE_BYTES + sealed.len());
        token.push(VERSION);
        token.extend_from_slice(&nonce);
        token.append(&mut sealed);
        STANDARD.encode(token)
    }

    /// The session of a token; `None` if it was not sealed with this key for this purpose, or altered since.
    pub(crate) fn open(&self, purpose: Purpose, token: &str) -> Option<Session> {
        if token.len() > TOKEN_LIMIT_BYTES {
            return None;
        }
        let mut token = STANDARD.decode(token).ok()?;
        let (version, rest) = token.split_first_mut()?;
        if *version != VERSION {
            return None;
        }
        let (nonce, sealed) = rest.split_at_mut_checked(NONCE_BYTES)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let opened = self.0.open_in_place(nonce, Aad::from(purpose.label()), sealed).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AssumedRole, begin};
    use super::*;
    use tympan_types::WallTime;

    fn session() -> (SessionSeal, super::super::TemporaryCredentials) {
        let seal = SessionSeal::new(&[7; SESSION_KEY_BYTES]);
        let role = AssumedRole {
            name: "transcriber".into(),
            session: "one".into(),
            policies: vec!["consumer".into()],
            policy: Some("{}".into()),
        };
        let made = begin(
            &seal,
            &[9; super::super::SESSION_ENTROPY_BYTES],
            "AKID",
            Some(role),
            WallTime::from_unix_ms(1_999),
        );
        (seal, made)
    }

    #[test]
    fn a_token_is_opened_by_the_key_that_sealed_it() {
        let (seal, made) = session();
        let token = made.credentials.session_token.unwrap();
        let opened = seal.open(Purpose::Credentials, token.expose()).unwrap();
        assert_eq!(opened.id, made.credentials.access_key_id);
        assert!(made.credentials.secret.matches(opened.secret.as_bytes()));
        assert_eq!((opened.expires_ms, made.expires.unix_ms()), (1_000, 1_000));
        assert_eq!(opened.role.unwrap().name, "transcriber");
        assert!(opened.id.starts_with("ASIA") && opened.id.len() == 20);
        assert!(
            SessionSeal::new(&[8; SESSION_KEY_BYTES]).open(Purpose::Credentials, token.expose()).is_none()
        );
    }

    #[test]
    fn a_token_that_is_altered_anywhere_is_none() {
        let (seal, made) = session();
        let token = made.credentials.session_token.unwrap().expose().to_owned();
        let sealed = STANDARD.decode(&token).unwrap();
        for at in 0..sealed.len() {
            let mut altered = sealed.clone();
            altered[at] ^= 1;
            assert!(seal.open(Purpose::Credentials, &STANDARD.encode(&altered)).is_none(), "byte {at}");
            assert!(
                seal.open(Purpose::Credentials, &STANDARD.encode(&sealed[..at])).is_none(),
                "cut at {at}"
            );
        }
        for text in ["", "x", "=", &"A".repeat(100_000), &token[1..]] {
            assert!(seal.open(Purpose::Credentials, text).is_none());
        }
    }

    #[test]
    fn a_token_of_one_purpose_is_none_of_another() {
        let (seal, made) = session();
        let credentials = made.credentials.session_token.unwrap();
        let session = seal.open(Purpose::Credentials, credentials.expose()).unwrap();
        let web = seal.seal(Purpose::Web, &session, &[3; NONCE_BYTES]);
        assert!(seal.open(Purpose::Web, &web).is_some());
        assert!(seal.open(Purpose::Credentials, &web).is_none());
        assert!(seal.open(Purpose::Web, credentials.expose()).is_none());
    }

    #[test]
    fn nothing_of_a_session_is_printed() {
        let (seal, made) = session();
        let opened = seal
            .open(Purpose::Credentials, made.credentials.session_token.as_ref().unwrap().expose())
            .unwrap();
        let printed = format!("{seal:?} {opened:?} {:?} {made:?}", opened.role);
        assert!(!printed.contains(&opened.secret) && printed.contains("redacted"), "{printed}");
    }
}

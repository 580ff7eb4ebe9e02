//! What a browser sends to sign in.

use serde::Deserialize;
use tympan_auth::Secret;

/// Largest body.
pub(super) const BODY_BYTES: usize = 4 * 1024;

/// Why a body is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("The body is JSON: {{\"accessKeyId\": ..., \"secretAccessKey\": ...}} or {{\"code\": ...}}.")]
pub(super) struct NotASignIn;

/// By what a person signs in.
#[derive(Debug)]
pub(super) enum SignIn {
    /// An access key.
    Key { access_key_id: String, secret: Secret },
    /// The code of the link that `--dev` prints.
    Code(Secret),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Given {
    access_key_id: Option<String>,
    secret_access_key: Option<String>,
    code: Option<String>,
}

impl SignIn {
    /// Reads a body.
    pub(super) fn parse(body: &[u8]) -> Result<Self, NotASignIn> {
        let Given { access_key_id, secret_access_key, code } =
            serde_json::from_slice(body).map_err(|_| NotASignIn)?;
        match (access_key_id, secret_access_key, code) {
            (Some(access_key_id), Some(secret), None) => {
                Ok(Self::Key { access_key_id, secret: Secret::new(secret) })
            }
            (None, None, Some(code)) => Ok(Self::Code(Secret::new(code))),
            _ => Err(NotASignIn),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_a_key_with_its_secret_or_a_code_and_never_both() {
        let key = SignIn::parse(br#"{"accessKeyId":"A","secretAccessKey":"hush"}"#).unwrap();
        assert!(!format!("{key:?}").contains("hush"));
        assert!(
            matches!(key, SignIn::Key { access_key_id, secret } if access_key_id == "A" && secret.matches(b"hush"))
        );
        assert!(
            matches!(SignIn::parse(br#"{"code":"c"}"#).unwrap(), SignIn::Code(code) if code.matches(b"c"))
        );
        for body in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"accessKeyId":"A"}"#,
            r#"{"secretAccessKey":"s"}"#,
            r#"{"accessKeyId":"A","secretAccessKey":"s","code":"c"}"#,
            r#"{"accessKeyId":"A","secretAccessKey":7}"#,
            r#"{"code":"c","more":1}"#,
        ] {
            assert_eq!(SignIn::parse(body.as_bytes()).unwrap_err(), NotASignIn, "{body}");
        }
    }
}

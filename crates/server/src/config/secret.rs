//! Secrets: in the clear, or in a file that no other user can read.

use super::error::ConfigError;
use super::load::load;
use super::values::Secret;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Why a secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Both forms were given.
    #[error("{key} and {key}_file are both set: keep one of them")]
    Both {
        /// The key's path.
        key: String,
    },
    /// The file could not be read.
    #[error("cannot read {path:?}, which {key}_file names: {source}")]
    Unreadable {
        /// The key's path.
        key: String,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others could read the file.
    #[error("{path:?} holds a secret but others can read it (mode {mode:03o}): run `chmod 600 {}`", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
}

/// The secret of `key`, out of its clear form or its `_file` form. Empty means that neither is set.
pub fn read_secret(key: &str, clear: &Secret, file: Option<&Path>) -> Result<String, SecretError> {
    match (clear.is_empty(), file) {
        (_, None) => Ok(clear.expose().to_owned()),
        (false, Some(_)) => Err(SecretError::Both { key: key.to_owned() }),
        (true, Some(file)) => {
            let path = file.to_owned();
            let unreadable =
                |source| SecretError::Unreadable { key: key.to_owned(), path: path.clone(), source };
            let mode = std::fs::metadata(&path).map_err(unreadable)?.permissions().mode() & 0o777;
            if mode & 0o077 != 0 {
                return Err(SecretError::Exposed { path, mode });
            }
            Ok(std::fs::read_to_string(&path).map_err(unreadable)?.trim_end().to_owned())
        }
    }
}

/// A configuration file that others can read, with secrets in it.
#[derive(Debug, PartialEq, Eq)]
pub struct ExposedSecrets {
    /// The file.
    pub path: PathBuf,
    /// Its permission bits.
    pub mode: u32,
    /// The keys that hold a secret.
    pub keys: Vec<String>,
}

impl std::fmt::Display for ExposedSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, mode, keys } = self;
        write!(f, "{} has mode {mode:03o} and holds secrets: {}", path.display(), keys.join(", "))
    }
}

/// The secrets that a configuration file shows to others than its owner; `None` where there are none.
///
/// # Errors
/// What [`load`] may answer.
pub fn exposed_secrets(file: &Path) -> Result<Option<ExposedSecrets>, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: file.to_owned(), source };
    let mode = std::fs::metadata(file).map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 {
        return Ok(None);
    }
    // What comes from the environment is not in the file.
    let config = load(Some(file), std::iter::empty())?.config;
    let mut secrets = vec![
        ("kms.secret_access_key".to_owned(), &config.kms.secret_access_key),
        ("kms.session_token".to_owned(), &config.kms.session_token),
        ("contact_records.secret_access_key".to_owned(), &config.contact_records.secret_access_key),
        ("contact_events.url_secret".to_owned(), &config.contact_events.url_secret),
        ("contact_events.secret_access_key".to_owned(), &config.contact_events.secret_access_key),
        ("lambda.secret_access_key".to_owned(), &config.lambda.secret_access_key),
        ("speech.secret_access_key".to_owned(), &config.speech.secret_access_key),
        ("lex.secret_access_key".to_owned(), &config.lex.secret_access_key),
    ];
    for credential in &config.credentials {
        secrets.push((format!("credentials {}", credential.access_key_id), &credential.secret_access_key));
    }
    for trunk in &config.sip.trunks {
        for user in &trunk.users {
            secrets.push((format!("sip.trunks {} users {}", trunk.name, user.name), &user.password));
        }
        secrets.push((format!("sip.trunks {} dial_password", trunk.name), &trunk.dial_password));
    }
    for phone in &config.sip.phones {
        for (key, secret) in
            [("password", &phone.password), ("ha1_md5", &phone.ha1_md5), ("ha1_sha256", &phone.ha1_sha256)]
        {
            secrets.push((format!("sip.phones {} {key}", phone.user), secret));
        }
    }
    let keys: Vec<String> =
        secrets.into_iter().filter(|(_, secret)| !secret.is_empty()).map(|(key, _)| key).collect();
    Ok((!keys.is_empty()).then(|| ExposedSecrets { path: file.to_owned(), mode, keys }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "hush\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let file = Some(path.as_path());
        let (none, clear) = (Secret::default(), Secret::from("x"));
        assert!(matches!(read_secret("k", &none, file), Err(SecretError::Exposed { mode: 0o644, .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read_secret("k", &none, file).unwrap(), "hush");
        assert!(matches!(read_secret("k", &clear, file), Err(SecretError::Both { .. })));
        assert_eq!(read_secret("k", &clear, None).unwrap(), "x");
    }

    #[test]
    fn a_configuration_file_that_others_can_read_is_named_with_the_secrets_in_it_and_shows_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tympan.toml");
        let set = |text: &str, mode| {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let secret = "[kms]\nsecret_access_key = \"hush\"\n[[credentials]]\naccess_key_id = \"AKID\"\n\
                      secret_access_key = \"hush\"\n";
        set(secret, 0o644);
        let said = exposed_secrets(&path).unwrap().unwrap().to_string();
        assert!(said.contains("644") && said.contains("kms.secret_access_key, credentials AKID"), "{said}");
        assert!(!said.contains("hush"));
        set(secret, 0o600);
        assert_eq!(exposed_secrets(&path).unwrap(), None);
        set("[kms]\nsecret_access_key_file = \"/x\"\n", 0o644);
        assert_eq!(exposed_secrets(&path).unwrap(), None);
    }
}

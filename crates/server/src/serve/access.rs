//! Who may ask, out of the configuration: access keys, policies, roles, and the key that seals session tokens.

use crate::config::{Config, NamedPolicy, read_secret};
use anyhow::{Context, bail, ensure};
use ring::rand::{SecureRandom, SystemRandom};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use tympan_auth::{Credentials, Identities, Policy, Role, SESSION_KEY_BYTES, SessionSeal};
use tympan_types::AccountId;

/// The file in the data folder that holds the key of session tokens.
const SESSION_KEY_FILE: &str = "session.key";

/// Everybody that the configuration names.
pub(super) fn identities(config: &Config, account: &AccountId) -> anyhow::Result<Identities> {
    let seal = SessionSeal::new(&session_key(&config.data_dir)?);
    sealed(config, account, seal)
}

/// Whether the keys, policies and roles can be used; the data folder is not touched.
pub(super) fn check(config: &Config) -> anyhow::Result<()> {
    sealed(config, &config.account.id, SessionSeal::new(&[0; SESSION_KEY_BYTES])).map(drop)
}

fn sealed(config: &Config, account: &AccountId, seal: SessionSeal) -> anyhow::Result<Identities> {
    let mut identities = Identities::new(account.clone(), seal);
    for given in &config.policies {
        let policy = policy(given).with_context(|| format!("policies: {:?}", given.name))?;
        identities.add_policy(&given.name, policy)?;
    }
    for given in &config.credentials {
        let secret = read_secret(
            "credentials.secret_access_key",
            &given.secret_access_key,
            given.secret_access_key_file.as_deref(),
        )?;
        if secret.is_empty() {
            bail!("credentials: access key {} has no secret", given.access_key_id);
        }
        let mut credentials = Credentials::new(given.access_key_id.as_str(), secret);
        if !given.session_token.is_empty() {
            credentials = credentials.with_session_token(given.session_token.expose());
        }
        identities.add_key(credentials, &given.user, &given.policies)?;
        if given.policies.is_empty() {
            tracing::warn!(
                access_key_id = given.access_key_id,
                "the access key has no policies and may do nothing; name some, such as \"full-access\""
            );
        }
    }
    for given in &config.roles {
        identities.add_role(Role {
            name: given.name.clone(),
            policies: given.policies.clone(),
            assumed_by: given.assumed_by.clone(),
            session_max_s: given.session_max_s,
        })?;
    }
    Ok(identities)
}

fn policy(given: &NamedPolicy) -> anyhow::Result<Policy> {
    let text = match (given.document.as_str(), &given.document_file) {
        ("", None) => bail!("neither document nor document_file is set"),
        (document, None) => document.to_owned(),
        ("", Some(file)) => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?
        }
        _ => bail!("document and document_file are both set: keep one of them"),
    };
    Ok(Policy::parse(&text)?)
}

/// The key that session tokens are sealed with: made at the first start, and the same ever after, so that sessions
/// outlive a restart.
fn session_key(data_dir: &Path) -> anyhow::Result<[u8; SESSION_KEY_BYTES]> {
    let path = data_dir.join(SESSION_KEY_FILE);
    let shown = path.display();
    match std::fs::read(&path) {
        Ok(bytes) => {
            let mode = std::fs::metadata(&path)?.permissions().mode() & 0o777;
            ensure!(
                mode & 0o077 == 0,
                "{shown} holds a secret but others can read it (mode {mode:03o}): run `chmod 600 {shown}`"
            );
            let key = <[u8; SESSION_KEY_BYTES]>::try_from(bytes.as_slice());
            key.ok().with_context(|| {
                format!(
                    "{shown} has {} bytes and not {SESSION_KEY_BYTES}: restore it, or remove it, which ends all sessions",
                    bytes.len()
                )
            })
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let mut key = [0; SESSION_KEY_BYTES];
            SystemRandom::new().fill(&mut key).ok().context("the system gives no randomness")?;
            write_key(data_dir, &path, &key).with_context(|| format!("cannot write {shown}"))?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read {shown}")),
    }
}

/// Whole or not at all.
fn write_key(data_dir: &Path, path: &Path, key: &[u8]) -> std::io::Result<()> {
    let new = path.with_extension("new");
    let mut file =
        std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(key)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    std::fs::File::open(data_dir)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_key_is_made_once_and_kept_private() {
        let dir = tempfile::tempdir().unwrap();
        let key = session_key(dir.path()).unwrap();
        assert_eq!(session_key(dir.path()).unwrap(), key);
        assert_ne!(key, [0; SESSION_KEY_BYTES]);
        let path = dir.path().join(SESSION_KEY_FILE);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(session_key(dir.path()).unwrap_err().to_string().contains("chmod 600"));
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, b"short").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert!(session_key(dir.path()).unwrap_err().to_string().contains("5 bytes"));
    }

    #[test]
    fn a_policy_that_is_not_understood_keeps_the_server_from_starting() {
        let dir = tempfile::tempdir().unwrap();
        let account = AccountId::parse("111122223333").unwrap();
        let mut config = Config { data_dir: dir.path().to_owned(), ..Config::default() };
        config.policies.push(NamedPolicy {
            name: "broken".into(),
            document: r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Principal":"*"}}"#
                .into(),
            document_file: None,
        });
        let error = format!("{:#}", identities(&config, &account).unwrap_err());
        assert!(error.contains("\"broken\"") && error.contains("Statement.Principal"), "{error}");
        config.policies[0].document_file = Some("x.json".into());
        assert!(format!("{:#}", identities(&config, &account).unwrap_err()).contains("keep one"));
    }
}

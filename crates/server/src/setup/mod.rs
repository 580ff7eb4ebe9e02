//! A production set-up in one go, before any server runs: configuration, master keys, the first access key, a flow, and the
//! data folder. What it writes is what a server reads at its first start, and makes the instance of.

mod document;
mod place;

use crate::SystemClock;
use crate::config::{self, ConfigError, ListenAddress};
use place::Placed;
use ring::rand::{SecureRandom, SystemRandom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use tympan_connect::instances::InstanceAlias;
use tympan_connect::phone_numbers::{DialledNumber, NumberError};
use tympan_kms::{Keyring, KeyringError, KeyringOwner};
use tympan_types::{AccountId, Region};

/// The flow that a first call can be made to: it captures its caller.
const FLOW: &str = include_str!("first-call.json");
/// What the flow is called.
pub const FLOW_NAME: &str = "First call";
/// What an access key id is made of: letters and digits that are not taken for each other.
const ID_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// What a secret is made of, as in AWS.
const SECRET_LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What is wanted.
#[derive(Debug, Clone)]
pub struct SetUp {
    /// The configuration file; the secret of the access key and the flow are put beside it.
    pub config: PathBuf,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The folder of the master keys; `None`: `keyring` beside the configuration file.
    pub keyring_dir: Option<PathBuf>,
    /// The account.
    pub account: AccountId,
    /// The region.
    pub region: Region,
    /// Where HTTP listens.
    pub http: ListenAddress,
    /// Where SIP listens.
    pub sip: SocketAddr,
    /// The alias of the instance, which is also the prefix of its streams.
    pub alias: String,
    /// How long audio is kept.
    pub retention_hours: u32,
    /// The number that rings the flow; `None`: it is claimed later.
    pub number: Option<String>,
    /// The user of this machine who is to own all of it; `None`: the one that runs this.
    pub owner: Option<String>,
}

/// What was made.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub struct Made {
    /// The configuration file.
    pub config: PathBuf,
    /// The data folder.
    pub data_dir: PathBuf,
    /// The folder of the master keys.
    pub keyring_dir: PathBuf,
    /// The file that holds the secret of the access key.
    pub secret_file: PathBuf,
    /// The flow.
    pub flow_file: PathBuf,
    /// The id of the access key.
    pub access_key_id: String,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum SetUpError {
    /// Something is there already.
    #[error("{} is there already, and nothing is overwritten: name other places, or remove it if it is needed no longer", path.display())]
    Exists {
        /// What is there.
        path: PathBuf,
    },
    /// The alias is none.
    #[error("the alias of the instance: {0}")]
    Alias(String),
    /// The number is none.
    #[error("the number: {0}")]
    Number(#[from] NumberError),
    /// There is no such user.
    #[error("there is no user {0:?} on this machine")]
    Owner(String),
    /// Something could not be made.
    #[error("cannot make {}: {error}", path.display())]
    File {
        /// What was to be made.
        path: PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// The master keys could not be made.
    #[error(transparent)]
    Keys(#[from] KeyringError),
    /// The system gives no randomness.
    #[error("the system gives no randomness")]
    Randomness,
    /// What was written does not read: a value that was asked for does not fit.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl SetUp {
    /// Makes all of it, or nothing.
    ///
    /// # Errors
    /// What is there already, and what cannot be written. What was made until then is removed.
    pub fn make(&self) -> Result<Made, SetUpError> {
        InstanceAlias::parse(&self.alias).map_err(|error| SetUpError::Alias(error.to_string()))?;
        if let Some(number) = &self.number {
            DialledNumber::e164(number)?;
        }
        let config = absolute(&self.config)?;
        let beside = config.parent().unwrap_or(Path::new("/")).to_owned();
        let keyring_dir = match &self.keyring_dir {
            Some(folder) => absolute(folder)?,
            None => beside.join("keyring"),
        };
        let made = Made {
            data_dir: absolute(&self.data_dir)?,
            keyring_dir,
            secret_file: beside.join("access-key.secret"),
            flow_file: beside.join("first-call.json"),
            access_key_id: format!("TYMP{}", random::<16>(ID_LETTERS)?),
            config,
        };
        place::nothing_at(&[&made.config, &made.secret_file, &made.flow_file])?;
        place::nothing_in(&[&made.data_dir, &made.keyring_dir])?;

        let mut placed = Placed::new(self.owner.as_deref())?;
        // Keys and secrets are for one user alone; other users may look for the configuration.
        placed.folder(&beside, 0o755)?;
        placed.folder(&made.data_dir, 0o700)?;
        placed.folder(&made.keyring_dir, 0o700)?;
        let owner = KeyringOwner { region: self.region.clone(), account: self.account.clone() };
        drop(Keyring::open(&made.keyring_dir, owner, SystemClock.wall_now())?);
        placed.all_in(&made.keyring_dir)?;
        placed.file(&made.secret_file, &format!("{}\n", random::<40>(SECRET_LETTERS)?), 0o600)?;
        placed.file(&made.flow_file, FLOW, 0o644)?;
        placed.file(&made.config, &document::configuration(self, &made), 0o644)?;
        // As the server will read it, but for variables: those of today say nothing of the day when it starts.
        config::load(Some(&made.config), std::iter::empty())?;
        placed.keep();
        Ok(made)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, SetUpError> {
    std::path::absolute(path).map_err(|error| SetUpError::File { path: path.to_owned(), error })
}

/// So many letters out of an alphabet whose size is a power of two, each as likely as any other.
fn random<const COUNT: usize>(letters: &[u8]) -> Result<String, SetUpError> {
    let mut bytes = [0; COUNT];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SetUpError::Randomness)?;
    Ok(bytes.iter().map(|byte| char::from(letters[usize::from(*byte) % letters.len()])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn wanted(folder: &Path) -> SetUp {
        SetUp {
            config: folder.join("etc/tympan.toml"),
            data_dir: folder.join("data"),
            keyring_dir: None,
            account: "111122223333".parse().unwrap(),
            region: "eu-central-1".parse().unwrap(),
            http: "127.0.0.1:8600".parse().unwrap(),
            sip: "127.0.0.1:5060".parse().unwrap(),
            alias: "support".into(),
            retention_hours: 48,
            number: Some("+18005550100".into()),
            owner: None,
        }
    }

    fn files_of(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { files_of(&path) } else { vec![path] }).collect()
    }

    #[test]
    fn what_is_made_is_what_a_server_reads() {
        let folder = tempfile::tempdir().unwrap();
        let made = wanted(folder.path()).make().unwrap();
        let config = config::load(Some(&made.config), std::iter::empty()).unwrap().config;
        assert_eq!((&config.data_dir, config.keyring_dir()), (&made.data_dir, made.keyring_dir.clone()));
        assert_eq!(config.account.region.as_str(), "eu-central-1");
        assert_eq!(config.credentials[0].access_key_id, made.access_key_id);
        assert_eq!(config.credentials[0].policies, ["full-access"]);
        let instance = &config.connect.instances[0];
        let streaming = instance.media_streaming.as_ref().unwrap();
        assert_eq!((instance.alias.as_str(), streaming.prefix.as_str()), ("support", "support"));
        assert_eq!(streaming.retention_hours, 48);
        assert_eq!(instance.flows[0].numbers, ["+18005550100"]);
        assert!(crate::serve::preflight(&config).is_empty(), "{:?}", crate::serve::preflight(&config));
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&made.secret_file), mode(&made.data_dir), mode(&made.keyring_dir)),
            (0o600, 0o700, 0o700)
        );
        let secret = std::fs::read_to_string(&made.secret_file).unwrap();
        assert_eq!((secret.trim().len(), made.access_key_id.len()), (40, 20));
        assert!(!std::fs::read_to_string(&made.config).unwrap().contains(secret.trim()));
    }

    #[test]
    fn nothing_is_overwritten_and_a_refusal_leaves_everything_as_it_was() {
        for taken in
            ["etc/tympan.toml", "etc/access-key.secret", "etc/first-call.json", "etc/keyring/k", "data/x"]
        {
            let folder = tempfile::tempdir().unwrap();
            let taken = folder.path().join(taken);
            std::fs::create_dir_all(taken.parent().unwrap()).unwrap();
            std::fs::write(&taken, "mine").unwrap();
            let refused = wanted(folder.path()).make().unwrap_err();
            assert!(matches!(refused, SetUpError::Exists { .. }), "{refused}");
            assert_eq!(files_of(folder.path()), std::slice::from_ref(&taken));
            assert_eq!(std::fs::read_to_string(taken).unwrap(), "mine");
        }
    }

    #[test]
    fn a_set_up_that_fails_half_way_removes_what_it_made() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "").unwrap();
        // The data folder comes after the folder of the configuration, and cannot be made below a file.
        let wanted = SetUp { data_dir: folder.path().join("file/data"), ..wanted(folder.path()) };
        assert!(matches!(wanted.make().unwrap_err(), SetUpError::File { .. }));
        assert_eq!(files_of(folder.path()), [folder.path().join("file")]);
        assert!(!folder.path().join("etc").exists());
    }

    #[test]
    fn an_alias_or_a_number_that_is_none_is_refused_before_anything_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let alias = SetUp { alias: "a b".into(), ..wanted(folder.path()) };
        assert!(matches!(alias.make().unwrap_err(), SetUpError::Alias(_)));
        let number = SetUp { number: Some("support".into()), ..wanted(folder.path()) };
        assert!(matches!(number.make().unwrap_err(), SetUpError::Number(_)));
        let owner = SetUp { owner: Some("no-such-user-anywhere".into()), ..wanted(folder.path()) };
        assert!(matches!(owner.make().unwrap_err(), SetUpError::Owner(_)));
        assert!(files_of(folder.path()).is_empty());
    }
}

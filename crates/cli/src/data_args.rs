//! Which data directory and which keys a verb works on, without a server.

use crate::failure::Failure;
use std::path::{Path, PathBuf};
use tympan_kms::{Keyring, KeyringOwner};
use tympan_server::SystemClock;
use tympan_server::config::{self, Config};
use tympan_server::keyring_file;

/// Where the data and the keys are.
#[derive(Debug, clap::Args)]
pub(crate) struct DataArgs {
    /// The data directory [default: the configuration's data_dir]
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// The keyring: its folder, or its file [default: the configuration's, else `keyring` in the data directory]
    #[arg(long, value_name = "DIR")]
    keyring: Option<PathBuf>,
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "TYMPAN_CONFIG")]
    config: Option<PathBuf>,
}

/// The same, found.
pub(crate) struct Data {
    pub(crate) directory: PathBuf,
    /// The keyring's file, if there is one.
    pub(crate) keyring_file: Option<PathBuf>,
    pub(crate) keyring: Option<Keyring>,
}

impl DataArgs {
    pub(crate) fn resolve(&self) -> Result<Data, Failure> {
        let config = config::load(self.config.as_deref(), std::env::vars())?.config;
        let directory = self.data_dir.clone().unwrap_or_else(|| config.data_dir.clone());
        let file = find_keyring(self.keyring.as_deref(), &config, &directory);
        if let (Some(named), None) = (&self.keyring, &file) {
            return Err(Failure::not_found(format!("there is no keyring at {}", named.display())));
        }
        let keyring = file.as_deref().map(|file| open_keyring(file, &config)).transpose()?;
        Ok(Data { directory, keyring_file: file, keyring })
    }
}

/// The keyring's file; nothing is created.
fn find_keyring(named: Option<&Path>, config: &Config, data: &Path) -> Option<PathBuf> {
    let places = match named {
        Some(named) => vec![named.to_owned()],
        None => vec![data.join("keyring"), config.kms.keyring_dir.clone().unwrap_or_default()],
    };
    places.iter().map(|place| keyring_file(place)).find(|file| file.is_file())
}

fn open_keyring(file: &Path, config: &Config) -> Result<Keyring, Failure> {
    let owner = KeyringOwner { region: config.account.region.clone(), account: config.account.id.clone() };
    Ok(Keyring::open(file, owner, SystemClock.wall_now()).map_err(anyhow::Error::from)?)
}

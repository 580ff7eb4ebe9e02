//! Who keeps the master keys: a keyring on this machine, or a KMS elsewhere.

mod external;
mod lacking;

pub(crate) use lacking::lacking;

use crate::clock::ServiceClock;
use crate::config::{Config, KeyKeeper, Kms};
use crate::upkeep::keyring_file;
use anyhow::bail;
use external::ExternalKms;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tympan_kms::{KeyProvider, Keyring, KeyringOwner};
use tympan_security::kms::KmsService;
use tympan_store::MediaStore;
use tympan_store::embedded::StreamDataKey;
use tympan_types::{AccountId, Region};

/// How often keys are looked through for deletions and rotations that are due.
const UPKEEP: Duration = Duration::from_secs(60);

/// The keys of this server.
pub(crate) struct Keys {
    /// What the store asks.
    pub(crate) provider: Arc<dyn KeyProvider>,
    /// The KMS API before the local keyring; `None` where the keys are elsewhere.
    pub(crate) service: Option<KmsService>,
    keyring: Option<Arc<Keyring>>,
    upkeep: Option<JoinHandle<()>>,
}

impl Keys {
    /// Opens what the configuration names. An external KMS is not asked yet: it may be away, and come back. A keyring that
    /// lacks what closed the data keys of the store is refused, and none is made in its place.
    pub(crate) fn open(
        config: &Config,
        account: &AccountId,
        region: &Region,
        clock: &ServiceClock,
        data_keys: &[StreamDataKey],
    ) -> anyhow::Result<Self> {
        match config.kms.provider {
            KeyKeeper::Local => Self::local(config, account, region, clock, data_keys),
            KeyKeeper::External => Self::external(&config.kms, region),
        }
    }

    fn local(
        config: &Config,
        account: &AccountId,
        region: &Region,
        clock: &ServiceClock,
        data_keys: &[StreamDataKey],
    ) -> anyhow::Result<Self> {
        if let Some(lack) = lacking(None, &config.kms.lost_keys, data_keys)?
            && !keyring_file(&config.keyring_dir()).exists()
        {
            bail!("{}", lack.in_words(config));
        }
        let owner = KeyringOwner { region: region.clone(), account: account.clone() };
        let keyring = Arc::new(Keyring::open(&config.keyring_dir(), owner, clock.wall_now())?);
        if let Some(lack) = lacking(Some(&keyring), &config.kms.lost_keys, data_keys)? {
            bail!("{}", lack.in_words(config));
        }
        let service = Some(KmsService::new(keyring.clone()));
        Ok(Self { provider: keyring.clone(), service, keyring: Some(keyring), upkeep: None })
    }

    fn external(config: &Kms, region: &Region) -> anyhow::Result<Self> {
        let provider = Arc::new(ExternalKms::new(config, region)?);
        tracing::info!(endpoint = provider.endpoint(), "the master keys are kept by an external KMS");
        Ok(Self { provider, service: None, keyring: None, upkeep: None })
    }

    /// The local keyring; `None` where the keys are elsewhere.
    pub(crate) fn keyring(&self) -> Option<&Arc<Keyring>> {
        self.keyring.as_ref()
    }

    /// Destroys and rotates keys when their day has come, by the time that `store` believes: a clock that is wrong
    /// destroys none.
    pub(crate) fn begin_upkeep(&mut self, store: &MediaStore) {
        let spawn = |keyring: &Arc<Keyring>| tokio::spawn(keep_up(keyring.clone(), store.clone()));
        self.upkeep = self.keyring.as_ref().map(spawn);
    }
}

/// Whether the settings of an external KMS can be used; it is not asked.
pub(crate) fn check_external(config: &Config) -> anyhow::Result<()> {
    ExternalKms::new(&config.kms, &config.account.region).map(drop)
}

impl Drop for Keys {
    fn drop(&mut self) {
        if let Some(upkeep) = &self.upkeep {
            upkeep.abort();
        }
    }
}

/// Destroys keys whose day has come, and rotates those whose schedule says so.
async fn keep_up(keyring: Arc<Keyring>, store: MediaStore) {
    let mut ticks = tokio::time::interval(UPKEEP);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let (keyring, now) = (keyring.clone(), store.trusted_now());
        match tokio::task::spawn_blocking(move || keyring.upkeep(now)).await {
            Ok(Ok(done)) => {
                for key in done.destroyed {
                    tracing::warn!(
                        key,
                        "the deletion of a KMS key has come: what was encrypted under it is lost"
                    );
                }
                for key in done.rotated {
                    tracing::info!(key, "a KMS key was rotated by its schedule");
                }
            }
            Ok(Err(error)) => tracing::error!(%error, "KMS keys that are due cannot be deleted or rotated"),
            Err(error) => tracing::error!(%error, "the upkeep of the KMS keys panicked"),
        }
    }
}

//! Is the keyring that was found the one under which the store's data keys are closed?

use crate::config::Config;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use tympan_kms::{Holding, Keyring, KmsError};
use tympan_store::StreamId;
use tympan_store::embedded::StreamDataKey;

/// How many keys a sentence names.
const NAMED: usize = 5;

/// Master keys that the keyring lacks, each with the streams that cannot be read without it.
#[derive(Debug, Default)]
pub(crate) struct Lack(BTreeMap<(String, u32), BTreeSet<StreamId>>);

/// What a keyring, or none at all, lacks of that which closed the data keys. Keys that are known to be `lost` are not missed.
pub(crate) fn lacking(
    keyring: Option<&Keyring>,
    lost: &[String],
    data_keys: &[StreamDataKey],
) -> Result<Option<Lack>, KmsError> {
    let mut lack = Lack::default();
    let mut opened = BTreeSet::new();
    for StreamDataKey { stream, wrapped, context } in data_keys {
        let Some(master) = wrapped.closed_by() else { continue };
        if lost.iter().any(|lost| lost.rsplit('/').next() == Some(master.0.as_str())) {
            continue;
        }
        match keyring.map_or(Ok(Some(Holding::Lacking)), |keyring| keyring.holding(wrapped, context))? {
            Some(Holding::Lacking | Holding::Closed) => {
                lack.0.entry(master).or_default().insert(*stream);
            }
            Some(Holding::Opens) => {
                opened.insert(master);
            }
            Some(Holding::Destroyed) | None => {}
        }
    }
    // Material that opens one data key is the right one: what it does not open is damaged itself, and tells its readers.
    lack.0.retain(|master, _| !opened.contains(master));
    Ok((!lack.0.is_empty()).then_some(lack))
}

impl Lack {
    /// Which keys, how many streams, and what to do.
    pub(crate) fn in_words(&self, config: &Config) -> String {
        let folder = config.keyring_dir();
        let mut words = format!("the keyring at {} lacks ", folder.display());
        for (at, ((key, material), streams)) in self.0.iter().take(NAMED).enumerate() {
            let (and, count) = (if at == 0 { "" } else { ", " }, streams.len());
            // Writing to a String cannot fail.
            let _ = write!(words, "{and}key {key} (material {material}) of {count} streams");
        }
        if self.0.len() > NAMED {
            let _ = write!(words, ", and {} more", self.0.len() - NAMED);
        }
        words.push_str(
            ": it is another keyring, an older copy, or damaged. Mount its folder, set kms.keyring_dir to where it is, or put \
             the newest copy in its place. Only if these keys are gone for good, name their ids in kms.lost_keys",
        );
        words
    }
}

//! Keeping stored data: backups of the running store, and the scrub.

mod backups;
mod scrub;

pub(crate) use backups::{Backups, NewBackup, StartError, keyring_file};
pub(crate) use scrub::scrub;

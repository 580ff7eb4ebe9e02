//! Keeping stored data: backups of the running store, and the scrub.

mod backups;
mod scrub;

pub use backups::keyring_file;
pub(crate) use backups::{Backups, NewBackup, StartError};
pub(crate) use scrub::scrub;

//! Keeping stored data: backups of the running store, the scrub, and the upkeep of the control database.

mod backups;
mod control;
mod dead_letters;
mod outbox;
mod scrub;

pub(crate) use backups::Backups;
pub use backups::keyring_file;
pub(crate) use control::{Kept, keep_control};
pub(crate) use dead_letters::keep_dead_letters;
pub(crate) use outbox::keep_outbox;
pub(crate) use scrub::scrub;

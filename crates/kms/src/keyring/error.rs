use crate::KmsError;
use std::io;
use std::path::PathBuf;

/// Why a keyring could not be opened or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// Others than the owner may read the keys.
    #[error(
        "{} has mode {mode:03o}: others than its owner may read the master keys; run `chmod {wanted:03o}` on it \
         and consider the keys in it known",
        path.display()
    )]
    Exposed {
        /// The file or directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The permission bits it should have.
        wanted: u32,
    },
    /// The file is not a keyring of a version that this program knows.
    #[error("{} is not a keyring: {reason}; put the newest copy of it in its place", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong; never quotes key material.
        reason: String,
    },
    /// One key, alias or tag more than the file may hold.
    #[error(
        "{} would grow beyond {most_bytes} bytes: delete keys that nothing is encrypted under, or shorten descriptions",
        path.display()
    )]
    Full {
        /// The file.
        path: PathBuf,
        /// How large it may be.
        most_bytes: u64,
    },
    /// The operating system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// An alias that is none.
    #[error("{alias:?} is not an alias: write `alias/` and 1 to 250 characters out of [a-zA-Z0-9/_-]")]
    BadAlias {
        /// The text given.
        alias: String,
    },
    /// A time to wait before deletion that the service does not have.
    #[error("a key waits 7 to 30 days for its deletion, and not {days}")]
    BadWindow {
        /// The days given.
        days: u32,
    },
    /// The key to change is not there, or in no state to be changed so.
    #[error(transparent)]
    Key(#[from] KmsError),
}

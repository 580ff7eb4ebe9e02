//! `tympan streams`: the client's verbs, and those that look into a data directory.

pub(crate) mod check;
mod rebuild;
mod remote;
mod verify_deletion;

use crate::failure::Failure;
use crate::global::Global;
use check::CheckArgs;
use rebuild::RebuildArgs;
use remote::RemoteVerb as Remote;
use tympan_client::Exit;
use verify_deletion::VerifyDeletionArgs;

/// Look at streams and their fragments
#[derive(Debug, clap::Subcommand)]
pub(crate) enum StreamsVerb {
    #[command(flatten)]
    Remote(Remote),
    /// Read everything that is stored and say, fragment by fragment, what is damaged
    ///
    /// Works on a data directory that no server runs on, or on a copy or a backup of one, and changes nothing. A running
    /// server does the same by itself, slowly: see store.scrub_interval_s.
    Check(CheckArgs),
    /// Prove on a copy of a data directory that a deleted stream cannot be decrypted any more
    ///
    /// Searches every file for keys and records of the stream and tries every key that is left on every record that is
    /// left. Ends with 0 if nothing opens, 4 if only a key that is switched off keeps it closed, 1 if anything opens.
    VerifyDeletion(VerifyDeletionArgs),
    /// Make a lost, damaged or old catalog.db anew from the other files of a data directory
    ///
    /// Works on a data directory that no server runs on. Streams and keys come from streams/, chunks from themselves. What
    /// cannot be placed goes to lost+found/, one line each. Ends with 1 if something could not be brought back.
    Rebuild(RebuildArgs),
}

impl StreamsVerb {
    /// Runs the verb.
    pub(crate) async fn run(self, global: &Global) -> Result<Exit, Failure> {
        match self {
            Self::Remote(verb) => Ok(remote::run(verb, global).await?),
            Self::Check(arguments) => arguments.run(global).await,
            Self::VerifyDeletion(arguments) => arguments.run(global).await,
            Self::Rebuild(arguments) => arguments.run(global).await,
        }
    }
}

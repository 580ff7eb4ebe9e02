//! `tympan streams`: the client's verbs, and those that look into a data directory.

use super::Failure;
use super::check::CheckArgs;
use super::verify_deletion::VerifyDeletionArgs;
use tympan_client::Exit;
use tympan_client::cli::{Global, StreamsVerb as Remote};

/// Look at streams and their fragments
#[derive(Debug, clap::Subcommand)]
pub(super) enum StreamsVerb {
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
}

impl StreamsVerb {
    /// Runs the verb.
    pub(super) async fn run(self, global: &Global) -> Result<Exit, Failure> {
        match self {
            Self::Remote(verb) => Ok(tympan_client::cli::run_streams(verb, global).await?),
            Self::Check(arguments) => arguments.run(global).await,
            Self::VerifyDeletion(arguments) => arguments.run(global).await,
        }
    }
}

//! Why a verb failed, and the exit code that says so to scripts.

use std::fmt;
use tympan_client::{ClientError, Exit};
use tympan_server::setup::SetUpError;
use tympan_store::{ErrorKind, StoreError};

/// What, why, what to do, and how the program ends.
#[derive(Debug)]
pub(crate) struct Failure {
    error: anyhow::Error,
    exit: Exit,
}

impl Failure {
    pub(crate) fn not_found(message: String) -> Self {
        Self { error: anyhow::anyhow!(message), exit: Exit::NotFound }
    }

    /// How the program ends.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self { error, exit: Exit::Failed }
    }
}

impl From<tympan_server::config::ConfigError> for Failure {
    fn from(error: tympan_server::config::ConfigError) -> Self {
        Self { error: error.into(), exit: Exit::Usage }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self { error: error.into(), exit: Exit::Failed }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let exit = match error.kind() {
            ErrorKind::NotFound => Exit::NotFound,
            ErrorKind::Exists => Exit::Conflict,
            ErrorKind::Fenced => Exit::Unavailable,
            _ => Exit::Failed,
        };
        Self { error: error.into(), exit }
    }
}

impl From<SetUpError> for Failure {
    fn from(error: SetUpError) -> Self {
        let exit = match error {
            SetUpError::Exists { .. } => Exit::Conflict,
            SetUpError::Alias(_) | SetUpError::Number(_) | SetUpError::Owner(_) | SetUpError::Config(_) => {
                Exit::Usage
            }
            SetUpError::File { .. } | SetUpError::Keys(_) | SetUpError::Randomness => Exit::Failed,
        };
        Self { error: error.into(), exit }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let exit = error.exit();
        let error = match error.advice() {
            Some(advice) => anyhow::anyhow!("{error}\n  help: {advice}"),
            None => error.into(),
        };
        Self { error, exit }
    }
}

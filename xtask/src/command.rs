//! Child processes that either succeed or explain themselves.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The workspace's root folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// cargo, in the workspace's root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Any other program, in the workspace's root.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// Runs a command with its output shown.
pub(crate) trait RunLoudly {
    /// Prints the command line, runs it, and fails when it fails.
    fn run_loudly(&mut self) -> anyhow::Result<()>;
}

impl RunLoudly for Command {
    fn run_loudly(&mut self) -> anyhow::Result<()> {
        let line = format!("{self:?}").replace('"', "");
        eprintln!("+ {line}");
        let status = self.status().with_context(|| format!("cannot run {line}"))?;
        ensure!(status.success(), "{line} failed ({status})");
        Ok(())
    }
}

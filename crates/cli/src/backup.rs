//! `tympan backup` and `tympan restore`.

use crate::data_args::DataArgs;
use crate::failure::Failure;
use crate::global::Global;
use crate::progress::Bar;
use crate::streams::check;
use crate::terminal::print_json;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;
use tympan_client::{BackupStatus, Exit};
use tympan_kms::KeyProvider;
use tympan_store::embedded::{AtRest, BackupOptions, BackupReport, Progress, restore};
use tympan_types::WallTime;

/// How often a running server is asked how far it is.
const ASK_AGAIN: Duration = Duration::from_millis(200);

/// Arguments of `tympan backup`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
    tympan backup /backups/2026-11-25                           of the server that runs (the folder is on its machine)
    tympan backup --data-dir /var/lib/tympan /backups/monday    of a data directory that no server runs on

The master keys are not in it unless --with-keys: keep them elsewhere. Backups keep wrapped keys, so a stream that is
deleted later can still be read from them until they are deleted too.")]
pub(crate) struct BackupArgs {
    /// Where it goes: a folder that does not exist yet, or is empty
    directory: PathBuf,
    /// Copy chunks even where hard links would do: for a folder on the same disk that is to be moved elsewhere as it is
    #[arg(long)]
    copies: bool,
    /// The master keys too: whoever has such a backup can hear everything in it
    #[arg(long)]
    with_keys: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl BackupArgs {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let report =
            if self.data.data_dir.is_some() { self.at_rest(global)? } else { self.running(global).await? };
        if global.json {
            print_json(&report)?;
        } else if !global.quiet {
            let BackupReport { directory, chunks, segments, bytes, linked, .. } = &report;
            let began = WallTime::from_unix_ms(report.began_ms).rfc3339_ms();
            writeln!(
                std::io::stdout().lock(),
                "{directory}: {chunks} chunks, {segments} journal segments, {bytes} bytes ({linked} files are hard links)\n\
                 everything acknowledged before {began} is in it; restore it with `tympan restore {directory} --data-dir NEW`"
            )?;
        }
        Ok(Exit::Ok)
    }

    fn at_rest(&self, global: &Global) -> Result<BackupReport, Failure> {
        let data = self.data.resolve()?;
        let keyring = match (self.with_keys, data.keyring_file) {
            (true, None) => {
                return Err(Failure::not_found("there is no keyring to put into the backup".into()));
            }
            (true, keyring) => keyring,
            (false, _) => None,
        };
        let options = BackupOptions { copies: self.copies, keyring };
        let bar = Bar::new(global, "copying");
        let at_rest = AtRest::open(&data.directory)?;
        Ok(at_rest.backup(&self.directory, &options, &mut |progress| bar.show(progress))?)
    }

    async fn running(&self, global: &Global) -> Result<BackupReport, Failure> {
        let backups = global.backups()?;
        let directory = std::path::absolute(&self.directory)?;
        let mut status = backups.start(&directory, self.copies, self.with_keys).await?;
        let bar = Bar::new(global, "copying");
        loop {
            match status {
                BackupStatus::Running { done_bytes, total_bytes } => {
                    bar.show(Progress { done_bytes, total_bytes });
                }
                BackupStatus::Complete(report) => {
                    return Ok(serde_json::from_value(report).map_err(anyhow::Error::from)?);
                }
                BackupStatus::Failed(message) => return Err(anyhow::anyhow!(message).into()),
                BackupStatus::None => {
                    return Err(anyhow::anyhow!("the server was restarted before the backup was done").into());
                }
            }
            tokio::time::sleep(ASK_AGAIN).await;
            status = backups.newest().await?;
        }
    }
}

/// Arguments of `tympan restore`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Example:
    tympan restore /backups/2026-11-25 --data-dir /var/lib/tympan --keyring /etc/tympan/keys

The backup is verified first, laid out, and then every fragment is checked. Every stream goes on with numbers one
thousand million later than the backup knew of.")]
pub(crate) struct RestoreArgs {
    /// The backup
    backup: PathBuf,
    #[command(flatten)]
    data: DataArgs,
}

impl RestoreArgs {
    pub(crate) async fn run(self, global: &Global) -> Result<Exit, Failure> {
        let data = self.data.resolve()?;
        let bar = Bar::new(global, "restoring");
        let restored = restore(&self.backup, &data.directory, &mut |progress| bar.show(progress))?;
        drop(bar);
        // The keys may have come with the backup.
        let data = self.data.resolve()?;
        let bar = Bar::new(global, "checking");
        let keys = data.keyring.as_ref().map(|keyring| keyring as &dyn KeyProvider);
        let at_rest = AtRest::open(&data.directory)?;
        let report = at_rest.check(keys, None, &mut |progress| bar.show(progress)).await?;
        drop(bar);
        if global.json {
            print_json(&serde_json::json!({ "restored": restored, "check": report }))?;
        } else {
            let began = WallTime::from_unix_ms(restored.backup_began_ms).rfc3339_ms();
            let words = check::words(&report, keys.is_some());
            writeln!(
                std::io::stdout().lock(),
                "{words}{}: {} files, {} bytes, as of {began}; start it with `tympan serve --data-dir {}`",
                restored.directory,
                restored.files,
                restored.bytes,
                restored.directory
            )?;
        }
        Ok(if report.is_sound() { Exit::Ok } else { Exit::Failed })
    }
}

//! `tympan serve`: puts the parts together, runs them, and takes them down in order.

mod access;
mod admission_task;
mod dev;
mod doctor;
mod drain;
mod emulation;
mod health;
mod interrupted;
mod kvs_limits;
mod limits;
mod line_files;
mod listening;
mod options;
mod preflight;
mod provision;
mod ready_file;
mod record_sinks;
mod reset;
mod service_manager;
mod settings;
mod usable;
mod wire;

use crate::config::{self, Config, LogFormat};
use crate::descriptors;
use crate::recent_log::RecentLog;
use anyhow::Context;
pub(crate) use dev::SAMPLE_FLOW_FILE;
use nix::sys::stat::{Mode as FileMode, umask};
pub use preflight::preflight;
use settings::RunningSettings;
use std::path::PathBuf;

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// The configuration file; without one every key has its default.
    pub config: Option<PathBuf>,
    /// Where streams, settings and records are kept instead of where the configuration says.
    pub data_dir: Option<PathBuf>,
    /// Everything that a developer needs without any set-up.
    pub dev: Option<Dev>,
    /// Where the bound addresses are written, as JSON, once everything listens.
    pub ready_file: Option<PathBuf>,
}

/// How a server for development is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dev {
    /// It may listen for HTTP on an address off loopback: any client that reaches the port may do everything.
    pub listens_anywhere: bool,
}

/// Runs the server until SIGTERM or Ctrl-C.
///
/// # Errors
/// A configuration that does not fit, a port that is taken, a data folder that cannot be opened: what keeps it from starting.
pub async fn run(start: Start) -> anyhow::Result<()> {
    let mut loaded = config::load(start.config.as_deref(), std::env::vars())?;
    // Held until the end: dropping it removes the folder.
    let mut scratch = None;
    if start.dev.is_some() {
        loaded.change(dev::FLAG, dev::apply)?;
        if start.data_dir.is_none() {
            let folder = dev::ScratchFolder::new()?;
            loaded.set_data_dir(folder.path().to_owned(), dev::FLAG);
            scratch = Some(folder);
        }
    }
    if let Some(folder) = start.data_dir {
        loaded.set_data_dir(folder, "--data-dir");
    }
    let settings = RunningSettings::of(&loaded)?;
    let config = loaded.config;
    init_log(&config)?;
    if let Some(file) = &start.config
        && let Some(exposed) = config::exposed_secrets(file)?
    {
        tracing::warn!("{exposed}: chmod 600 it, or move the secrets to files of their own (*_file)");
    }
    // Files hold numbers and attributes of callers: only the server's own user may read them.
    umask(FileMode::S_IRWXG | FileMode::S_IRWXO);
    if let Err(error) = descriptors::raise_soft_limit() {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let mut running = wire::start(&config, settings, start.dev).await?;
    let mut addresses = running.addresses();
    if start.dev.is_some() {
        addresses.console_sign_in = dev::sign_in_link(&addresses, &running.site.code);
    }
    if let Some(path) = &start.ready_file {
        ready_file::write(path, &addresses).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let console = addresses.console.as_deref().unwrap_or("none");
    tracing::info!(http = addresses.http, sip = addresses.sip, console, data_dir = %config.data_dir.display(), "ready");
    service_manager::notify(service_manager::READY);
    usable::warn(&running.lacks, &config);
    if start.dev.is_some() {
        dev::greet(&addresses, &config);
    }
    reset::serve_until(drain::wait_for_signal(), &mut running, &config).await?;
    service_manager::notify(service_manager::STOPPING);
    running.stop().await;
    drop(scratch);
    Ok(())
}

fn init_log(config: &Config) -> anyhow::Result<()> {
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;
    use tracing_subscriber::{EnvFilter, fmt, registry};
    let filter = EnvFilter::try_new(config.log.filter.as_str()).context("log.filter")?;
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = registry().with(filter).with(RecentLog);
    let lines = fmt::layer().with_writer(std::io::stderr).with_ansi(ansi);
    match config.log.format {
        LogFormat::Json => log.with(lines.json()).init(),
        LogFormat::Text => log.with(lines).init(),
    }
    Ok(())
}

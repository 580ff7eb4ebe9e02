//! `tympan serve`: puts the parts together, runs them, and takes them down in order.

mod access;
mod admission_task;
mod dev;
mod drain;
mod interrupted;
mod kvs_limits;
mod limits;
mod line_files;
mod provision;
mod ready_file;
mod reset;
mod wire;

use crate::config::{self, Config};
use crate::descriptors;
use anyhow::Context;
use nix::sys::stat::{Mode as FileMode, umask};
use std::path::PathBuf;

/// Arguments of `tympan serve`.
#[derive(Debug, clap::Args)]
pub struct ServeArgs {
    /// The configuration file; without one every key has its default
    #[arg(long, value_name = "FILE", env = "TYMPAN_CONFIG")]
    config: Option<PathBuf>,
    /// Keep streams, settings and records here instead of where the configuration says
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Everything a developer needs without any set-up: access key TYMPANDEV, an instance "demo" with live media
    /// streaming, the sample flow on +18005550100; data in a temporary folder unless --data-dir is given
    #[arg(long)]
    dev: bool,
    /// Let --dev listen for HTTP on an address off loopback, as a container needs it: any client that reaches the port may do
    /// everything, as the access key of --dev is no secret
    #[arg(long, requires = "dev")]
    dev_listen_anywhere: bool,
    /// Write the bound addresses to this file, as JSON, once everything listens
    #[arg(long, value_name = "FILE")]
    ready_file: Option<PathBuf>,
}

/// Whether the access key is a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Production,
    /// It is none: any client that reaches the port may do everything.
    Dev {
        listens_anywhere: bool,
    },
}

/// Runs the server until SIGTERM or Ctrl-C.
pub async fn run(arguments: ServeArgs) -> anyhow::Result<()> {
    let mut config = config::load(arguments.config.as_deref(), std::env::vars())?;
    // Held until the end: dropping it removes the folder.
    let mut scratch = None;
    if arguments.dev {
        dev::apply(&mut config);
        if arguments.data_dir.is_none() {
            let folder = dev::ScratchFolder::new()?;
            config.data_dir = folder.path().to_owned();
            scratch = Some(folder);
        }
    }
    if let Some(folder) = arguments.data_dir {
        config.data_dir = folder;
    }
    init_log(&config)?;
    if let Some(file) = &arguments.config
        && let Some(exposed) = config::exposed_secrets(file)?
    {
        tracing::warn!("{exposed}: chmod 600 it, or move the secrets to files of their own (*_file)");
    }
    // Numbers and attributes of callers are nobody's business on this machine but ours.
    umask(FileMode::S_IRWXG | FileMode::S_IRWXO);
    let mode = match arguments.dev {
        true => Mode::Dev { listens_anywhere: arguments.dev_listen_anywhere },
        false => Mode::Production,
    };
    if let Err(error) = descriptors::raise_soft_limit() {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let mut running = wire::start(&config, mode).await?;
    let addresses = running.addresses();
    if let Some(path) = &arguments.ready_file {
        ready_file::write(path, &addresses).with_context(|| format!("cannot write {}", path.display()))?;
    }
    tracing::info!(http = addresses.http, sip = addresses.sip, data_dir = %config.data_dir.display(), "ready");
    if arguments.dev {
        dev::greet(&addresses, &config);
    }
    reset::serve_until(drain::wait_for_signal(), &mut running, &config).await?;
    running.stop().await;
    drop(scratch);
    Ok(())
}

fn init_log(config: &Config) -> anyhow::Result<()> {
    use tracing_subscriber::{EnvFilter, fmt};
    let filter = EnvFilter::try_new(&config.log.filter)
        .with_context(|| format!("log.filter: {:?}", config.log.filter))?;
    let ansi = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(ansi);
    match config.log.format.as_str() {
        "json" => log.json().init(),
        "text" => log.init(),
        other => anyhow::bail!("log.format is {other:?}; it is \"text\" or \"json\""),
    }
    Ok(())
}

//! `tympan serve`.

use crate::failure::Failure;
use std::path::PathBuf;
use tympan_client::Exit;
use tympan_server::serve::{self, Dev, Start};

/// Arguments of `tympan serve`.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
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

impl ServeArgs {
    /// Runs the server until SIGTERM or Ctrl-C.
    pub(crate) async fn run(self) -> Result<Exit, Failure> {
        let start = Start {
            config: self.config,
            data_dir: self.data_dir,
            dev: self.dev.then_some(Dev { listens_anywhere: self.dev_listen_anywhere }),
            ready_file: self.ready_file,
        };
        serve::run(start).await?;
        Ok(Exit::Ok)
    }
}

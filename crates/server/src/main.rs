//! tympan: the customer's voice, live, as a stream that you own.

use clap::Parser;
use std::process::ExitCode;
use tympan_server::cli::{self, Cli};

#[tokio::main]
async fn main() -> ExitCode {
    cli::run(Cli::parse()).await
}

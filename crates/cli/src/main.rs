//! tympan: the customer's voice, live, as a stream that you own.

mod access;
mod audit;
mod backup;
mod call;
mod command;
mod config;
mod consume;
mod contacts;
mod data_args;
mod doctor;
mod events;
mod failure;
mod flows;
mod format;
mod global;
mod init;
mod instance;
mod keys;
mod listen;
mod live;
mod produce;
mod progress;
mod prompts;
mod serve;
mod session;
mod streams;
mod table;
mod terminal;
mod time_argument;
mod trace;
mod waveform;

use clap::Parser;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    command::run(command::Cli::parse()).await
}

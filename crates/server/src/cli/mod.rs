//! The command line: verbs that need the server's parts, and the client's beside them.

mod backup;
mod check;
mod data_args;
mod doctor;
mod failure;
mod flows;
mod progress;
mod rebuild;
mod streams;
mod verify_deletion;

pub use failure::Failure;
pub use flows::FlowsVerb;

use crate::serve::{self, ServeArgs};
use backup::{BackupArgs, RestoreArgs};
use clap::{CommandFactory, Parser};
use doctor::DoctorArgs;
use std::io::Write;
use std::process::ExitCode;
use streams::StreamsVerb;
use tympan_client::Exit;
use tympan_client::cli::Global;

/// The customer's voice, live, as a stream that you own
#[derive(Parser)]
#[command(name = "tympan", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Run the server: SIP, contact flows, the media store and its APIs
    Serve(ServeArgs),
    #[command(flatten)]
    Client(tympan_client::cli::Verb),
    /// Look at streams, and at what is stored of them
    #[command(subcommand)]
    Streams(StreamsVerb),
    /// Copy everything that is stored, while the server runs
    Backup(BackupArgs),
    /// Make a data directory out of a backup, and check it
    Restore(RestoreArgs),
    /// Look at this machine: what keeps a server from starting, or from keeping its promises
    ///
    /// Before a server runs and while it does. Ends with 1 when there is a problem; warnings alone end with 0.
    Doctor(DoctorArgs),
    /// Look at contact-flow files
    #[command(subcommand)]
    Flows(FlowsVerb),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs what the command line asks for.
pub async fn run(cli: Cli) -> ExitCode {
    let outcome = match cli.verb {
        Verb::Serve(arguments) => serve::run(arguments).await.map(|()| ExitCode::SUCCESS),
        Verb::Client(verb) => {
            log_client(&cli.global);
            return tympan_client::cli::run(verb, cli.global).await;
        }
        Verb::Streams(verb) => {
            log_client(&cli.global);
            return conclude(verb.run(&cli.global).await);
        }
        Verb::Backup(arguments) => {
            log_client(&cli.global);
            return conclude(arguments.run(&cli.global).await);
        }
        Verb::Restore(arguments) => {
            log_client(&cli.global);
            return conclude(arguments.run(&cli.global).await);
        }
        Verb::Doctor(arguments) => {
            log_client(&cli.global);
            return conclude(arguments.run(&cli.global).await);
        }
        Verb::Flows(verb) => {
            verb.run(cli.global.json).map(|fine| if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "tympan", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

fn conclude(outcome: Result<Exit, Failure>) -> ExitCode {
    match outcome {
        Ok(exit) => exit.into(),
        Err(failure) => {
            complain(&failure.to_string());
            failure.exit().into()
        }
    }
}

/// A value as JSON on standard output, indented for eyes.
fn print_json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(anyhow::Error::from)?;
    Ok(writeln!(std::io::stdout().lock(), "{text}")?)
}

/// The client's verbs are quiet unless asked.
fn log_client(global: &Global) {
    let level = match global.verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::new(format!("{level},rsipstack=error"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}

#[allow(clippy::print_stderr, reason = "the last word of a command-line program")]
fn complain(text: &str) {
    eprintln!("tympan: {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    const CONTACT_ID: &str = "48e0cc12-8bff-4725-bc26-b1cb9a499274";
    const FRAGMENT: &str = "91343852333181432392682062607743920146159169392";

    #[test]
    fn every_command_of_the_readme_is_one() {
        let readme = include_str!("../../../../README.md");
        let commands: Vec<&str> = readme.lines().filter(|line| line.starts_with("tympan ")).collect();
        assert!(commands.len() >= 8, "the README shows few commands: {commands:?}");
        for line in commands {
            // Comments and pipes are the shell's.
            let end = [" #", " |"].iter().filter_map(|mark| line.find(mark)).min().unwrap_or(line.len());
            let command = line[..end].replace("CONTACT-ID", CONTACT_ID).replace("FRAGMENT", FRAGMENT);
            let words: Vec<&str> = command.split_whitespace().collect();
            if let Err(error) = Cli::try_parse_from(words) {
                panic!("{line}\n{error}");
            }
        }
    }
}

//! The command line: verbs that need the server's parts, and the client's beside them.

mod flows;

pub use flows::FlowsVerb;

use crate::serve::{self, ServeArgs};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;

/// The customer's voice, live, as a stream that you own
#[derive(Parser)]
#[command(name = "tympan", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    global: tympan_client::cli::Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Run the server: SIP, contact flows, the media store and its APIs
    Serve(ServeArgs),
    #[command(flatten)]
    Client(tympan_client::cli::Verb),
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

/// The client's verbs are quiet unless asked.
fn log_client(global: &tympan_client::cli::Global) {
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

//! tympan: the customer's voice, live, as a stream that you own.

use clap::Parser;
use std::process::ExitCode;
use tympan_server::cli::FlowsVerb;
use tympan_server::serve::{self, ServeArgs};

#[derive(Parser)]
#[command(name = "tympan", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Run the server: SIP, contact flows, the media store and its APIs
    Serve(ServeArgs),
    /// Look at contact-flow files
    #[command(subcommand)]
    Flows(FlowsVerb),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = match cli.verb {
        Verb::Serve(arguments) => block_on(serve::run(arguments)).map(|()| ExitCode::SUCCESS),
        Verb::Flows(verb) => {
            verb.run(false).map(|fine| if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Verb::Completions { shell } => {
            use clap::CommandFactory;
            clap_complete::generate(shell, &mut Cli::command(), "tympan", &mut std::io::stdout());
            Ok(ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|error| {
        complain(&format!("{error:#}"));
        ExitCode::FAILURE
    })
}

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Runtime::new()?.block_on(future)
}

#[allow(clippy::print_stderr, reason = "the last word of a command-line program")]
fn complain(text: &str) {
    eprintln!("tympan: {text}");
}

//! The command line: its verbs, and how each of them ends.
//!
//! Standard output carries data only: audio, tables, JSON. Progress, summaries and errors go to standard error.

use crate::access::AccessVerb;
use crate::audit::AuditArgs;
use crate::backup::{BackupArgs, RestoreArgs};
use crate::config::ConfigVerb;
use crate::doctor::DoctorArgs;
use crate::failure::Failure;
use crate::flows::FlowsVerb;
use crate::global::Global;
use crate::init::InitArgs;
use crate::prompts::PromptsVerb;
use crate::serve::ServeArgs;
use crate::streams::StreamsVerb;
use crate::{access, audit, call, consume, contacts, events, keys, listen, produce, session, terminal};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;
use tympan_client::{ClientError, Exit};

/// The customer's voice, live, as a stream that you own
#[derive(Parser)]
#[command(name = "tympan", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Run the server: SIP, contact flows, the media store and its APIs
    Serve(ServeArgs),
    /// Place phone calls: real SIP and RTP, from a WAV file
    ///
    /// Once a call is up the caller says what is in the WAV file, presses keys at their times, and is silent from then
    /// on until the far end hangs up, or --duration or --hangup-after is over. Ctrl-C hangs up.
    Call(call::CallArgs),
    /// Read a stream's audio into a file or a pipe
    ///
    /// It ends when the service ends the stream: at the end of a call's capture, or when nothing has come for some
    /// seconds. A connection that breaks is taken up again without a gap or a repetition.
    Consume(consume::ConsumeArgs),
    /// Write a WAV file into a stream
    ///
    /// It goes through PutMedia in the shape of a call: one track, a fragment a second. The stream is created if there
    /// is none. The command ends when the service has stored every fragment.
    Produce(produce::ProduceArgs),
    /// Hear one call's captured audio, while the call lasts and afterwards
    ///
    /// It begins where the capture does, catches up, and passes each 20 ms on as they come in until the capture ends.
    Listen(listen::ListenArgs),
    /// Look at calls and what became of them
    ///
    /// Newest first, those that are up among them. Needs a tympan server: Amazon Connect lists no records.
    Contacts(contacts::ContactsArgs),
    /// Follow what happens to calls, as lines of JSON
    ///
    /// One line for each change of a contact, as it is committed. A connection that breaks is made again where it was.
    Events(events::EventsArgs),
    /// Look at who may do what
    #[command(subcommand)]
    Access(AccessVerb),
    /// Look at who did what: the server's audit file, newest first
    Audit(AuditArgs),
    /// Get temporary credentials for the shell
    ///
    /// They are begun with those of the environment, and end by themselves. Prints lines for a shell's eval, or with
    /// --json what credential_process of the AWS SDKs expects.
    Session(session::SessionArgs),
    /// Manage the keys that encrypt streams
    ///
    /// Through the KMS API, of a tympan server or of AWS.
    Keys(keys::KeysArgs),
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
    /// Look at contact-flow files; put them into an instance, and get them out of one
    #[command(subcommand)]
    Flows(FlowsVerb),
    /// Look at what callers hear; put WAV files into an instance, and get them out of one
    #[command(subcommand)]
    Prompts(PromptsVerb),
    /// Make a production set-up: configuration, master keys, a first access key, an instance with live media streaming
    ///
    /// Before any server runs. Says what it made and what to do next.
    Init(InitArgs),
    /// Look at the configuration: what is wrong with it, and what it comes to
    #[command(subcommand)]
    Config(ConfigVerb),
    /// Print completions for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Runs what the command line asks for. Errors are told on standard error; the exit code says of which kind they are
/// ([`Exit`]).
pub(crate) async fn run(cli: Cli) -> ExitCode {
    let Cli { global, verb } = cli;
    // The server logs as its configuration says.
    if !matches!(verb, Verb::Serve(_)) {
        log_quietly(&global);
    }
    match verb {
        Verb::Serve(arguments) => conclude(arguments.run().await),
        Verb::Call(arguments) => conclude_request(call::run(arguments, &global).await),
        Verb::Consume(arguments) => conclude_request(consume::run(arguments, &global).await),
        Verb::Produce(arguments) => conclude_request(produce::run(arguments, &global).await),
        Verb::Listen(arguments) => conclude_request(listen::run(arguments, &global).await),
        Verb::Contacts(arguments) => conclude_request(contacts::run(arguments, &global).await),
        Verb::Events(arguments) => conclude_request(events::run(arguments, &global).await),
        Verb::Access(verb) => conclude_request(access::run(verb, &global).await),
        Verb::Audit(arguments) => conclude_request(audit::run(arguments, &global).await),
        Verb::Session(arguments) => conclude_request(session::run(arguments, &global).await),
        Verb::Keys(arguments) => conclude_request(keys::run(arguments, &global).await),
        Verb::Streams(verb) => conclude(verb.run(&global).await),
        Verb::Backup(arguments) => conclude(arguments.run(&global).await),
        Verb::Restore(arguments) => conclude(arguments.run(&global).await),
        Verb::Doctor(arguments) => conclude(arguments.run(&global).await),
        Verb::Flows(verb) => conclude(verb.run(&global).await),
        Verb::Prompts(verb) => conclude(verb.run(&global).await),
        Verb::Init(arguments) => conclude(arguments.run(&global)),
        Verb::Config(verb) => conclude(verb.run(&global)),
        Verb::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "tympan", &mut std::io::stdout());
            ExitCode::SUCCESS
        }
    }
}

/// The end of a verb that works on this machine.
fn conclude(outcome: Result<Exit, Failure>) -> ExitCode {
    let exit = outcome.unwrap_or_else(|failure| {
        terminal::line(&format!("tympan: {failure}"));
        failure.exit()
    });
    exit.into()
}

/// The end of a verb that asks a service.
fn conclude_request(outcome: Result<Exit, ClientError>) -> ExitCode {
    let exit = match outcome {
        Ok(exit) => exit,
        Err(error) if error.is_broken_pipe() => Exit::Ok,
        Err(error) => {
            terminal::error(&error);
            error.exit()
        }
    };
    exit.into()
}

/// All verbs but the server are quiet unless asked.
fn log_quietly(global: &Global) {
    let level = match global.verbose {
        0 => "warn",
        1 => "info",
        _ => "debug",
    };
    let filter = tracing_subscriber::EnvFilter::new(level);
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
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
        let readme = include_str!("../../../README.md");
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

    fn parse(line: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(std::iter::once("tympan").chain(line.split_whitespace()))
    }

    /// Those of the README and of `cargo xtask demo`.
    #[test]
    fn documented_commands_are_understood() {
        for line in [
            "call sip:+18005550100@127.0.0.1:5060 --audio hello.wav",
            "call sip:+18005550100@127.0.0.1:5060 --from +12065550123 --audio a.wav --record b.wav",
            "call sip:+18005550100@127.0.0.1:5060 --audio a.wav --dtmf 1@2s --dtmf 2#@3 --count 100 --rate 20 --codec pcma --tcp",
            "contacts ls",
            "contacts ls --json --limit 3",
            "contacts show 4a573372-1f28-4e26-b97b-0123456789ab",
            "contacts delete 4a573372-1f28-4e26-b97b-0123456789ab",
            "contacts search parcels",
            "contacts search --number 555 --attribute department=parcels --from 2024-01-26T03:07:41Z --ended --with-audio",
            "contacts flow-log latest",
            "events",
            "events --since 1099511627776",
            "doctor --remote",
            "streams readers",
            "streams readers demo --json",
            "streams acks demo",
            "prompts ls",
            "prompts upload welcome.wav --replace",
            "prompts get Welcome.wav -o -",
            "contacts waveform latest --columns 80 --svg call.svg",
            "contacts waveform 4a573372-1f28-4e26-b97b-0123456789ab --json",
            "listen 4a573372-1f28-4e26-b97b-0123456789ab -o -",
            "listen 4a573372-1f28-4e26-b97b-0123456789ab",
            "session --duration 1h",
            "session --role transcriber --name one --policy only-demo.json --json",
            "init --config ./tympan.toml --data-dir ./data --number +18005550100 --owner tympan",
            "config check",
            "config check ./tympan.toml",
            "config show --json --config ./tympan.toml --data-dir ./data --changed",
            "keys ls",
            "keys show alias/calls",
            "keys create --alias alias/calls --description calls",
            "keys disable 1234abcd-12ab-34cd-56ef-1234567890ab",
            "keys enable arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
            "keys rotate alias/calls",
            "keys schedule-deletion alias/calls --days 7 --yes",
            "keys cancel-deletion alias/calls",
            "keys alias ls",
            "keys alias set alias/calls 1234abcd-12ab-34cd-56ef-1234567890ab",
            "keys alias rm alias/calls",
            "streams ls",
            "streams show demo",
            "streams fragments demo --from 2024-01-26T03:07:41Z --to 1706238500.5",
            "consume --stream demo --after 91343852333181432392682062607743920146159169392 -o caller.wav",
            "consume --stream arn:aws:kinesisvideo:us-west-2:111122223333:stream/demo/1598784211076 --now -o -",
            "consume --stream demo --at 2024-01-26T03:07:41Z -o out.mkv",
            "--endpoint http://127.0.0.1:9 produce --stream demo hello.wav",
            "produce --stream demo -",
        ] {
            if let Err(error) = parse(line) {
                panic!("{line}: {error}");
            }
        }
    }

    #[test]
    fn nonsense_is_a_usage_error() {
        for line in [
            "call",
            "call 18005550100",
            "call sip:1@h --count 0",
            "call sip:1@h --rate 0",
            "consume --stream demo",
            "consume --stream demo -o out.raw --now --after 5",
            "consume --stream demo -o out.raw --after 0x5",
            "consume --stream demo -o out.raw --at yesterday",
            "listen not-a-uuid",
            "contacts waveform latest --columns 0",
            "contacts search",
            "contacts search --live --ended",
            "contacts search --attribute department",
            "events --since yesterday",
            "doctor --remote --data-dir x",
            "session --policy only-demo.json",
            "session --duration 1d",
            "streams show a/b",
            "keys schedule-deletion alias/calls --days 6",
            "keys schedule-deletion alias/calls --days 31",
        ] {
            let Err(error) = parse(line) else { panic!("{line} is taken") };
            assert_eq!(error.exit_code(), i32::from(Exit::Usage as u8), "{line}");
        }
    }
}

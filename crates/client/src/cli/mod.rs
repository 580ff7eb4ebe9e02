//! The verbs of the command line.
//!
//! Standard output carries data only: audio, tables, JSON. Progress, summaries and errors go to standard error.

mod call;
mod consume;
mod contacts;
mod keys;
mod listen;
mod produce;
mod session;
mod streams;
mod table;
mod terminal;
mod time_argument;
mod waveform;

pub use streams::{StreamsVerb, run as run_streams};

use crate::kms::Kms;
use crate::kvs::Kvs;
use crate::{Backups, ClientError, Contacts, Endpoint, Exit, Expiry, HttpClient, Identity};
use std::process::ExitCode;

/// What a client can be asked to do.
#[derive(Debug, clap::Subcommand)]
pub enum Verb {
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
    /// Get temporary credentials for the shell
    ///
    /// They are begun with those of the environment, and end by themselves. Prints lines for a shell's eval, or with
    /// --json what credential_process of the AWS SDKs expects.
    Session(session::SessionArgs),
    /// Manage the keys that encrypt streams
    ///
    /// Through the KMS API, of a tympan server or of AWS.
    Keys(keys::KeysArgs),
}

/// What all verbs understand.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Where the server is [default: AWS_ENDPOINT_URL, else http://127.0.0.1:8600]
    #[arg(long, global = true, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Write JSON instead of tables
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress and no summaries; errors only
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Log what happens inside; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

/// Does what a verb asks for. Errors are told on standard error; the exit code says of which kind they are ([`Exit`]).
///
/// Needs a tokio runtime with all drivers.
pub async fn run(verb: Verb, global: Global) -> ExitCode {
    let outcome = match verb {
        Verb::Call(arguments) => call::run(arguments, &global).await,
        Verb::Consume(arguments) => consume::run(arguments, &global).await,
        Verb::Produce(arguments) => produce::run(arguments, &global).await,
        Verb::Listen(arguments) => listen::run(arguments, &global).await,
        Verb::Contacts(arguments) => contacts::run(arguments, &global).await,
        Verb::Session(arguments) => session::run(arguments, &global).await,
        Verb::Keys(arguments) => keys::run(arguments, &global).await,
    };
    conclude(outcome).into()
}

fn conclude(outcome: Result<Exit, ClientError>) -> Exit {
    match outcome {
        Ok(exit) => exit,
        Err(error) if error.is_broken_pipe() => Exit::Ok,
        Err(error) => {
            terminal::error(&error);
            error.exit()
        }
    }
}

impl Global {
    fn http(&self) -> Result<(HttpClient, Endpoint), ClientError> {
        let variable = |name: &str| std::env::var(name).ok();
        let endpoint = Endpoint::resolve(self.endpoint.as_deref(), variable)?;
        let identity = Identity::from_environment(variable)?;
        let http = match variable("AWS_CA_BUNDLE").filter(|file| !file.is_empty()) {
            Some(file) if endpoint.is_secure() => HttpClient::trusting(identity, file.as_ref())?,
            _ => HttpClient::new(identity),
        };
        Ok((http, endpoint))
    }

    fn kvs(&self) -> Result<Kvs, ClientError> {
        self.http().map(|(http, endpoint)| Kvs::new(http, endpoint))
    }

    fn kms(&self) -> Result<Kms, ClientError> {
        self.http().map(|(http, endpoint)| Kms::new(http, endpoint))
    }

    /// The expiry of media on the server that is meant.
    ///
    /// # Errors
    /// No credentials, or an endpoint that is none.
    pub fn expiry(&self) -> Result<Expiry, ClientError> {
        self.http().map(|(http, endpoint)| Expiry::new(http, endpoint))
    }

    /// The backups of the server that is meant.
    ///
    /// # Errors
    /// No credentials, or an endpoint that is none.
    pub fn backups(&self) -> Result<Backups, ClientError> {
        self.http().map(|(http, endpoint)| Backups::new(http, endpoint))
    }

    fn contacts(&self) -> Result<Contacts, ClientError> {
        self.http().map(|(http, endpoint)| Contacts::new(http, endpoint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        global: Global,
        #[command(subcommand)]
        verb: Every,
    }

    /// `tympan streams` has verbs of the server beside these.
    #[derive(Debug, clap::Subcommand)]
    enum Every {
        #[command(flatten)]
        Client(Verb),
        #[command(subcommand)]
        Streams(StreamsVerb),
    }

    fn parse(line: &str) -> Result<Program, clap::Error> {
        Program::try_parse_from(std::iter::once("tympan").chain(line.split_whitespace()))
    }

    #[test]
    fn the_command_line_is_sound() {
        Program::command().debug_assert();
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
            "contacts waveform latest --columns 80 --svg call.svg",
            "contacts waveform 4a573372-1f28-4e26-b97b-0123456789ab --json",
            "listen 4a573372-1f28-4e26-b97b-0123456789ab -o -",
            "listen 4a573372-1f28-4e26-b97b-0123456789ab",
            "session --duration 1h",
            "session --role transcriber --name one --policy only-demo.json --json",
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
            parse(line).unwrap_or_else(|error| panic!("{line}: {error}"));
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
            "session --policy only-demo.json",
            "session --duration 1d",
            "streams show a/b",
            "keys schedule-deletion alias/calls --days 6",
            "keys schedule-deletion alias/calls --days 31",
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!(error.exit_code(), i32::from(Exit::Usage as u8), "{line}");
        }
    }
}

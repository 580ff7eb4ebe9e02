use crate::global::Global;
use crate::terminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tympan_client::call::{self, CallOutcome, CallPlan, KeyPress, Report, Script, Target};
use tympan_client::{ClientError, Exit};
use tympan_telephony::audio::codec::AudioCodec;
use tympan_telephony::audio::{pcm, wav};

/// A sentence of six seconds.
const HELLO: &[u8] = include_bytes!("../../../fixtures/audio/hello.wav");

/// What follows `tympan call`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  One call to a server started with `tympan serve --dev`:
    tympan call sip:+18005550100@127.0.0.1:5060 --hello
  Say something else, in a WAV file:
    tympan call sip:+18005550100@127.0.0.1:5060 --audio FILE.wav
  Press 1 two seconds after the answer, and keep what is heard:
    tympan call sip:+18005550100@127.0.0.1:5060 --dtmf 1@2s --record heard.wav
  A thousand callers, fifty more each second, each for a minute:
    tympan call sip:+18005550100@127.0.0.1:5060 --hello --count 1000 --rate 50 --duration 60

Exit codes: 0 all calls were answered; otherwise that of the first that failed: 3 for 404, 4 for 403,
5 for busy, 6 for 503 and for no answer, 130 for Ctrl-C.")]
pub(crate) struct CallArgs {
    /// Who is called, such as sip:+18005550100@127.0.0.1:5060
    #[arg(value_name = "SIP-URI", value_parser = |text: &str| Target::parse(text))]
    target: Target,
    /// By TCP rather than UDP
    #[arg(long)]
    tcp: bool,
    /// What the caller says: a WAV file of any rate
    #[arg(long, value_name = "FILE")]
    audio: Option<PathBuf>,
    /// Say a built-in sentence, again and again for a minute
    #[arg(long, conflicts_with = "audio")]
    hello: bool,
    /// Codec to offer [default: PCMU, then PCMA]
    #[arg(long)]
    codec: Option<Codec>,
    /// Keys to press, and when after the answer: 1@2s, 1234#@2.5s; may be repeated
    #[arg(long, value_name = "KEYS@SECONDS")]
    dtmf: Vec<KeyPress>,
    /// The caller's number
    #[arg(long, value_name = "NUMBER", default_value = "anonymous", value_parser = caller)]
    from: String,
    /// Write what is heard to a WAV file; of several calls to FILE-1, FILE-2 and so on
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// How many calls
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// How many calls are begun in a second
    #[arg(long, value_name = "PER-SECOND", default_value_t = 10.0, value_parser = rate)]
    rate: f64,
    /// The longest that a call may last, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3_600.0, value_parser = seconds)]
    duration: f64,
    /// Hang up this many seconds after everything was said and pressed
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    hangup_after: Option<f64>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Codec {
    /// G.711 mu-law
    Pcmu,
    /// G.711 A-law
    Pcma,
    /// G.722 at 64 kbit/s
    G722,
}

pub(crate) async fn run(arguments: CallArgs, global: &Global) -> Result<Exit, ClientError> {
    let speech = match &arguments.audio {
        Some(file) => speech(file)?,
        None if arguments.hello => hello()?,
        None => Vec::new(),
    };
    let plan = CallPlan {
        target: Target { tcp: arguments.tcp || arguments.target.tcp, ..arguments.target },
        caller: arguments.from,
        script: Arc::new(Script::new(&speech, &arguments.dtmf)),
        codecs: match arguments.codec {
            None => vec![AudioCodec::Pcmu, AudioCodec::Pcma],
            Some(Codec::Pcmu) => vec![AudioCodec::Pcmu],
            Some(Codec::Pcma) => vec![AudioCodec::Pcma],
            Some(Codec::G722) => vec![AudioCodec::G722],
        },
        count: arguments.count as usize,
        rate_per_s: arguments.rate,
        longest: Duration::from_secs_f64(arguments.duration),
        hang_up_after: arguments.hangup_after.map(Duration::from_secs_f64),
        keep_heard: arguments.record.is_some(),
    };
    let stop = CancellationToken::new();
    let watch = tokio::spawn({
        let stop = stop.clone();
        async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                stop.cancel();
            }
        }
    });
    let report = call::place(plan, stop).await?;
    watch.abort();
    if let Some(file) = &arguments.record {
        keep(&report, file)?;
    }
    if global.json {
        terminal::print_json(&report.to_json())?;
    }
    if report.was_interrupted() {
        terminal::note(global, &report.summary());
        return Ok(Exit::Interrupted);
    }
    let Some(error) = report.first_failure() else {
        terminal::note(global, &report.summary());
        return Ok(Exit::Ok);
    };
    if report.calls.len() > 1 {
        terminal::note(global, &report.summary());
    }
    Err(error.clone().into())
}

/// A caller who has spoken before the greeting ended, when nothing is captured yet, says it again.
fn hello() -> Result<Vec<i16>, ClientError> {
    let mut sentence = wav::read(HELLO).map_err(|error| ClientError::Media(format!("hello.wav: {error}")))?;
    sentence.resize(sentence.len() + pcm::SAMPLES_PER_MS as usize * 1_000, 0);
    Ok(sentence.into_iter().cycle().take(pcm::SAMPLES_PER_MS as usize * 60_000).collect())
}

fn speech(file: &Path) -> Result<Vec<i16>, ClientError> {
    let bytes = std::fs::read(file).map_err(|error| ClientError::File { path: file.to_owned(), error })?;
    wav::read(&bytes).map_err(|error| ClientError::Media(format!("{}: {error}", file.display())))
}

fn keep(report: &Report, file: &Path) -> Result<(), ClientError> {
    for (index, outcome) in report.calls.iter().enumerate() {
        let CallOutcome::Answered { media, .. } = outcome else { continue };
        let path = if report.calls.len() == 1 { file.to_owned() } else { numbered(file, index + 1) };
        std::fs::write(&path, wav::write(&media.heard)).map_err(|error| ClientError::File { path, error })?;
    }
    Ok(())
}

/// `heard-7.wav` for `heard.wav`.
fn numbered(file: &Path, number: usize) -> PathBuf {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let extension =
        file.extension().map(|extension| format!(".{}", extension.to_string_lossy())).unwrap_or_default();
    file.with_file_name(format!("{stem}-{number}{extension}"))
}

fn caller(text: &str) -> Result<String, &'static str> {
    let fits = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-_.*#".contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err("a number or name of letters, digits and + - _ . * #") }
}

fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().ok().filter(|rate| (0.001..=10_000.0).contains(rate));
    rate.ok_or("calls per second, 0.001 to 10000")
}

fn seconds(text: &str) -> Result<f64, &'static str> {
    let seconds = text.parse().ok().filter(|seconds| (0.0..=604_800.0).contains(seconds));
    seconds.ok_or("seconds, up to a week")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_of_several_calls_are_numbered() {
        assert_eq!(numbered(Path::new("/tmp/heard.wav"), 7), Path::new("/tmp/heard-7.wav"));
        assert_eq!(numbered(Path::new("heard"), 1), Path::new("heard-1"));
    }

    #[test]
    fn the_built_in_sentence_is_said_for_a_minute() {
        let minute = hello().unwrap();
        assert_eq!(minute.len(), 8_000 * 60);
        // Whenever a capture begins, there is something to hear within two seconds.
        assert!(minute.chunks(16_000).all(|part| part.iter().any(|sample| sample.unsigned_abs() > 2_000)));
    }

    #[test]
    fn a_caller_cannot_write_headers() {
        assert!(caller("+12065550123").is_ok() && caller("front-desk").is_ok());
        assert!(caller("a\r\nVia: x").is_err() && caller("a@b").is_err() && caller("").is_err());
    }
}

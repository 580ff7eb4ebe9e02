use crate::format::OutputFormat;
use crate::global::Global;
use crate::{table, terminal, time_argument};
use indicatif::ProgressBar;
use std::path::{Path, PathBuf};
use tympan_client::kvs::{StartSelector, StreamRef};
use tympan_client::media::{
    ContactFilter, Destination, Follow, FollowOptions, Format, Recording, Tally, TrackChoice, Verdict,
};
use tympan_client::{ClientError, Exit};
use tympan_types::{ContactId, FragmentNumber, ProducerTime, WallTime};

/// What follows `tympan consume`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  The audio of a call, from the numbers in its contact record:
    tympan consume --stream STREAM --after FRAGMENT -o caller.wav
  What comes in now, into a player:
    tympan consume --stream STREAM --now -o - | ffplay -f s16le -ar 8000 -
  One call's part of a stream that several calls have used, as Matroska:
    tympan consume --stream STREAM --contact CONTACT-ID -o call.mkv

Raw audio of calls is 16-bit signed little-endian PCM, 8 kHz, mono.")]
pub(crate) struct ConsumeArgs {
    /// The stream's name or ARN
    #[arg(long, value_name = "NAME|ARN")]
    stream: StreamRef,
    #[command(flatten)]
    start: StartArgs,
    /// Only this contact's fragments; stop at another's
    #[arg(long, value_name = "ID")]
    contact: Option<ContactId>,
    /// The track's name or number [default: the customer's]
    #[arg(long, value_name = "NAME")]
    track: Option<String>,
    /// Do not end with the stream: wait for more until Ctrl-C
    #[arg(long)]
    follow: bool,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, clap::Args)]
#[group(multiple = false)]
struct StartArgs {
    /// Begin with the fragment after this one
    #[arg(long, value_name = "FRAGMENT")]
    after: Option<FragmentNumber>,
    /// Begin with the fragment recorded at this time: RFC 3339 or epoch seconds
    #[arg(long, value_name = "TIME", value_parser = time_argument::parse)]
    at: Option<WallTime>,
    /// Begin with what comes in now
    #[arg(long)]
    now: bool,
    /// Begin with the oldest fragment there is (this is the default)
    #[arg(long)]
    earliest: bool,
}

#[derive(Debug, clap::Args)]
struct OutputArgs {
    /// A .raw, .wav or .mkv file; - is standard output, raw
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// The format, where the file's name does not say it
    #[arg(long)]
    format: Option<OutputFormat>,
}

impl StartArgs {
    fn selector(&self) -> StartSelector {
        if let Some(number) = self.after {
            StartSelector::After(number)
        } else if let Some(at) = self.at {
            StartSelector::AtProducer(ProducerTime::from_unix_ms(at.unix_ms()))
        } else if self.now {
            StartSelector::Now
        } else {
            StartSelector::Earliest
        }
    }
}

pub(crate) async fn run(arguments: ConsumeArgs, global: &Global) -> Result<Exit, ClientError> {
    let OutputArgs { output, format } = &arguments.output;
    let format = OutputFormat::choose(*format, output)?;
    let options = FollowOptions { with_documents: format == Format::Mkv, for_ever: arguments.follow };
    let follow =
        Follow::open(global.kvs()?, arguments.stream.clone(), arguments.start.selector(), options).await?;
    // Only now: a stream that is not there must not cost an existing file.
    let destination = Destination::open(output)?;
    let to_stdout = destination.is_standard();
    let choice = arguments.track.map_or(TrackChoice::Customer, TrackChoice::Named);
    let mut recording = Recording::begin(destination, format, choice)?;
    let progress = terminal::progress(global);
    let filter = arguments.contact.map(ContactFilter::new);
    let ended = copy(follow, filter, &mut recording, &progress).await;
    progress.finish_and_clear();
    // What there is is completed also when the rest is missing.
    let tally = recording.finish()?;
    let exit = ended?;
    if global.json && !to_stdout {
        terminal::print_json(&tally)?;
    }
    terminal::note(global, &summary(&tally, output));
    Ok(exit)
}

/// From the stream into the recording, up to the end of the one, or Ctrl-C.
async fn copy(
    mut follow: Follow,
    mut filter: Option<ContactFilter>,
    recording: &mut Recording,
    progress: &ProgressBar,
) -> Result<Exit, ClientError> {
    loop {
        let item = tokio::select! {
            item = follow.next() => item?,
            interrupt = tokio::signal::ctrl_c() => {
                return interrupt.map(|()| Exit::Interrupted).map_err(ClientError::Output);
            }
        };
        let Some(item) = item else { return Ok(Exit::Ok) };
        match &mut filter {
            None => recording.push(&item)?,
            Some(filter) => match filter.push(item) {
                Verdict::Pass(items) => items.iter().try_for_each(|item| recording.push(item))?,
                Verdict::Over => return Ok(Exit::Ok),
            },
        }
        let tally = recording.tally();
        progress.set_message(format!("{:.1} s, {} fragments", tally.seconds(), tally.fragments));
    }
}

/// `33.0 s in 34 fragments, no gaps -> caller.wav`.
pub(crate) fn summary(tally: &Tally, output: &Path) -> String {
    let output =
        if output == Path::new("-") { "standard output".to_owned() } else { output.display().to_string() };
    let length = if tally.samples > 0 || tally.bytes == 0 {
        format!("{:.1} s", tally.seconds())
    } else {
        format!("{} bytes", tally.bytes)
    };
    let gaps = match tally.gaps.len() {
        0 => "no gaps".to_owned(),
        1 => format!("one gap of {:.1} s", tally.gap_seconds()),
        count => format!("{count} gaps of {:.1} s in all", tally.gap_seconds()),
    };
    let fragments = table::count(tally.fragments, "fragment");
    let broken = match tally.incomplete_fragments {
        0 => String::new(),
        count => format!(", {count} broken off"),
    };
    format!("{length} in {fragments}, {gaps}{broken} -> {output}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_says_what_there_is() {
        let tally_of = |fragments, samples, bytes| {
            let mut tally = Tally::default();
            (tally.fragments, tally.samples, tally.bytes) = (fragments, samples, bytes);
            tally
        };
        let mut tally = tally_of(1, 8_000, 16_000);
        assert_eq!(summary(&tally, Path::new("a.wav")), "1.0 s in 1 fragment, no gaps -> a.wav");
        tally.fragments = 2;
        tally.incomplete_fragments = 1;
        assert_eq!(
            summary(&tally, Path::new("-")),
            "1.0 s in 2 fragments, no gaps, 1 broken off -> standard output"
        );
        let video = tally_of(1, 0, 99);
        assert_eq!(summary(&video, Path::new("v.mkv")), "99 bytes in 1 fragment, no gaps -> v.mkv");
    }
}

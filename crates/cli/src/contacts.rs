use crate::format::OutputFormat;
use crate::global::Global;
use crate::progress::Bar;
use crate::table::{clock, harmless, table};
use crate::{live, terminal, time_argument, trace, waveform};
use serde_json::Value;
use std::fmt::Write;
use std::path::PathBuf;
use tympan_client::media::Destination;
use tympan_client::{
    ClientError, ContactChoice, ContactRecord, ContactSearch, Contacts, Exit, Ledger, WantedAudio,
};
use tympan_server::SystemClock;
use tympan_types::{ContactId, WallTime};

/// What follows `tympan contacts`.
#[derive(Debug, clap::Args)]
pub(crate) struct ContactsArgs {
    #[command(subcommand)]
    verb: ContactsVerb,
}

#[derive(Debug, clap::Subcommand)]
enum ContactsVerb {
    /// List the newest calls
    #[command(after_long_help = "With --json: an array of whole contact records.")]
    Ls {
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
    },
    /// Show one call: its record, its attributes, and how to get its audio
    #[command(
        after_long_help = "With --json: the whole contact record, as Connect delivers it, with the ledger of each capture: what of it was not received, and why."
    )]
    Show {
        /// The call's id, or `latest`
        contact: ContactChoice,
    },
    /// Delete an ended call's contact: record, attributes, and all that finds it. Its audio stays in its stream, but for --with-media
    #[command(
        after_long_help = "What was delivered to contact-records.jsonl, flow-logs.jsonl and other sinks stays there: they are their readers'. They are named."
    )]
    Delete {
        /// The call's id
        contact: ContactId,
        /// Erase what was captured of the call, too
        #[arg(long)]
        with_media: bool,
    },
    /// Search calls: all conditions hold together
    #[command(after_long_help = "Examples:
    tympan contacts search --number 555012 --from 2024-01-26T00:00:00Z
    tympan contacts search --attribute department=parcels --ended --with-audio
    tympan contacts search parcels

TEXT is looked for in numbers, attributes and ids of the newest 1,000 calls that meet the other conditions, in whatever case.
With --json: an array of whole contact records.")]
    Search(SearchArgs),
    /// Show what the blocks of one call's flows did
    #[command(
        after_long_help = "As far as the server keeps it: flow_log.kept_days, flow_log.files_kept. With --json: the lines as in flow-logs.jsonl."
    )]
    FlowLog {
        /// The call's id, or `latest`
        contact: ContactChoice,
    },
    /// Show what moved one call's flow on and what came of it; with --replay, run the flow again from that
    #[command(
        after_long_help = "A server keeps traces with connect.flow_traces = true. A trace holds what the caller typed and functions returned."
    )]
    Trace(trace::TraceArgs),
    /// Write what was captured of one call to a file, each sample at its place; what was not captured is silence
    #[command(after_long_help = "Examples:
    tympan contacts audio latest -o call.wav
    tympan contacts audio latest --track AUDIO_TO_CUSTOMER --from 30000 --to 45000 -o answer.wav
    tympan contacts audio latest | ffplay -f s16le -ar 8000 -nodisp -autoexit -

--from and --to are on the axis of `tympan contacts waveform`. A .mkv file gets the stored fragments that overlap them, with all tracks.")]
    Audio(AudioArgs),
    /// Hear a call that is up, from now on until it ends
    #[command(after_long_help = live::HELP)]
    Listen(live::LiveArgs),
    /// Draw one call's captured audio: how loud it is, who speaks when, keys, tones, and what is missing and why
    #[command(
        after_long_help = "Under the bars: ─ speech, ~ tone, ≈ tones of a key, x lost, ! late, · quiet phone, p pause, \
k key instead of speech, s before the first packet, j clock set anew, # left out on purpose, ? no index. With --json: levels in dB \
below full scale, column by column, and all spans in samples at 8 kHz."
    )]
    Waveform {
        /// The call's id, or `latest`
        contact: ContactChoice,
        /// How many columns wide
        #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=16_384))]
        columns: u16,
        /// Write a drawing instead
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
}

/// What of a call's sound is wanted, and where it goes.
#[derive(Debug, clap::Args)]
struct AudioArgs {
    /// The call's id, or `latest`
    contact: ContactChoice,
    /// What the customer says, or what they hear [default: AUDIO_FROM_CUSTOMER]
    #[arg(long, value_name = "TRACK", value_parser = ["AUDIO_FROM_CUSTOMER", "AUDIO_TO_CUSTOMER"])]
    track: Option<String>,
    /// Where to begin, in milliseconds from the beginning of the first capture
    #[arg(long, value_name = "MS")]
    from: Option<u32>,
    /// Where to end
    #[arg(long, value_name = "MS")]
    to: Option<u32>,
    /// A .wav, .raw or .mkv file; - is standard output, raw
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// The format, where the file's name does not say it
    #[arg(long)]
    format: Option<OutputFormat>,
}

/// What a call has to meet.
#[derive(Debug, clap::Args)]
#[command(group(clap::ArgGroup::new("conditions").required(true).multiple(true)))]
struct SearchArgs {
    /// A part of a number, of an attribute's name or value, or of an id
    #[arg(group = "conditions")]
    text: Option<String>,
    /// Digits that the caller's number holds one after the other
    #[arg(long, value_name = "DIGITS", group = "conditions")]
    number: Option<String>,
    /// An attribute and its whole value
    #[arg(long, value_name = "NAME=VALUE", group = "conditions", value_parser = attribute)]
    attribute: Option<(String, String)>,
    /// The flow that the call began in, by id
    #[arg(long, value_name = "ID", group = "conditions")]
    flow: Option<String>,
    /// The queue that the call waited in, by id or ARN
    #[arg(long, value_name = "ID", group = "conditions")]
    queue: Option<String>,
    /// The agent who took the call, by id or ARN of the user
    #[arg(long, value_name = "ID", group = "conditions")]
    agent: Option<String>,
    /// Only calls that began at this time or later
    #[arg(long, value_name = "TIME", group = "conditions", value_parser = time_argument::parse)]
    from: Option<WallTime>,
    /// Only calls that began at this time or earlier
    #[arg(long, value_name = "TIME", group = "conditions", value_parser = time_argument::parse)]
    to: Option<WallTime>,
    /// Only calls that are up
    #[arg(long, group = "conditions")]
    live: bool,
    /// Only calls that have ended
    #[arg(long, group = "conditions", conflicts_with = "live")]
    ended: bool,
    /// Only calls of which audio was captured
    #[arg(long, group = "conditions")]
    with_audio: bool,
    /// Only calls of which none was
    #[arg(long, group = "conditions", conflicts_with = "with_audio")]
    without_audio: bool,
    /// Only calls of which audio was sent and not captured
    #[arg(long, group = "conditions")]
    with_losses: bool,
    /// The oldest first
    #[arg(long)]
    oldest_first: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    limit: usize,
}

fn attribute(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    pair.map(|(name, value)| (name.to_owned(), value.to_owned()))
        .ok_or_else(|| "write it as NAME=VALUE".to_owned())
}

impl SearchArgs {
    fn conditions(&self) -> ContactSearch {
        let either = |yes: bool, no: bool| (yes || no).then_some(yes);
        ContactSearch {
            from: self.from,
            to: self.to,
            number_part: self.number.clone(),
            attribute: self.attribute.clone(),
            flow: self.flow.clone(),
            queue: self.queue.clone(),
            agent: self.agent.clone(),
            is_live: either(self.live, self.ended),
            has_stream: either(self.with_audio, self.without_audio),
            has_losses: self.with_losses.then_some(true),
            is_oldest_first: self.oldest_first,
        }
    }
}

/// Calls in which a text is looked for.
const ALL: usize = 1_000;

pub(crate) async fn run(arguments: ContactsArgs, global: &Global) -> Result<Exit, ClientError> {
    if let ContactsVerb::Trace(arguments) = &arguments.verb {
        return trace::run(arguments, global);
    }
    let contacts = global.contacts()?;
    let records = match arguments.verb {
        ContactsVerb::Trace(_) => return Ok(Exit::Ok),
        ContactsVerb::Show { contact } => {
            let record = contacts.find(contacts.resolve(contact).await?).await?;
            if global.json {
                terminal::print_json(&record.json)?;
            } else {
                terminal::print(&describe(&record, SystemClock.wall_now()))?;
            }
            return Ok(Exit::Ok);
        }
        ContactsVerb::Delete { contact, with_media } => {
            let answer = contacts.delete(contact, with_media).await?;
            if global.json {
                terminal::print_json(&answer)?;
            }
            terminal::note(global, &format!("{contact} is deleted{}", what_is_left(&answer)));
            return Ok(Exit::Ok);
        }
        ContactsVerb::Waveform { contact, columns, svg } => {
            let json = contacts.waveform(contacts.resolve(contact).await?, columns).await?;
            match svg {
                Some(path) => std::fs::write(&path, waveform::as_svg(&json)?)
                    .map_err(|error| ClientError::File { path, error })?,
                None if global.json => terminal::print_json(&json)?,
                None => terminal::print(&waveform::in_terminal(&json)?)?,
            }
            return Ok(Exit::Ok);
        }
        ContactsVerb::Listen(arguments) => return live::run(&contacts, arguments, global).await,
        ContactsVerb::Audio(arguments) => {
            write_audio(&contacts, arguments, global).await?;
            return Ok(Exit::Ok);
        }
        ContactsVerb::Ls { limit } => contacts.list(usize::from(limit)).await?,
        ContactsVerb::FlowLog { contact } => {
            let log = contacts.flow_log(contacts.resolve(contact).await?).await?;
            let lines = log["Lines"].as_array().map(Vec::as_slice).unwrap_or_default();
            if global.json {
                lines.iter().try_for_each(|line| terminal::print(&line.to_string()))?;
            } else if lines.is_empty() {
                terminal::note(global, "nothing is kept of its flows");
            } else {
                terminal::print(&flow_log(lines))?;
            }
            if log["Complete"] == false {
                terminal::note(
                    global,
                    "there may be more: not all that is kept of flow logs could be looked at",
                );
            }
            return Ok(Exit::Ok);
        }
        ContactsVerb::Search(search) => {
            let most = search.text.as_ref().map_or(search.limit, |_| ALL);
            let mut records = contacts.search(&search.conditions(), most).await?;
            if let Some(text) = &search.text {
                records.retain(|record| record.mentions(text));
                records.truncate(search.limit);
            }
            records
        }
    };
    if global.json {
        terminal::print_json(&records.iter().map(|record| &record.json).collect::<Vec<&Value>>())?;
    } else if records.is_empty() {
        terminal::note(global, "no calls");
    } else {
        terminal::print(&list(&records, SystemClock.wall_now()))?;
    }
    Ok(Exit::Ok)
}

async fn write_audio(contacts: &Contacts, arguments: AudioArgs, global: &Global) -> Result<(), ClientError> {
    let AudioArgs { contact, track, from, to, output, format } = arguments;
    let format = OutputFormat::choose(format, &output)?;
    let wanted = WantedAudio { track, from_ms: from, to_ms: to, format };
    let mut audio = contacts.audio(contacts.resolve(contact).await?, &wanted).await?;
    let mut destination = Destination::open(&output)?;
    let (bar, mut written) = (Bar::new(global, "reading"), 0);
    while let Some(chunk) = audio.next().await? {
        destination.write(&chunk)?;
        written += chunk.len() as u64;
        bar.done(written, audio.length_bytes);
    }
    destination.flush()?;
    drop(bar);
    terminal::note(global, &format!("{written} bytes written to {}", output.display()));
    Ok(())
}

/// What a deletion has left, in words.
fn what_is_left(answer: &Value) -> String {
    let sinks = answer["DeliveredTo"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let sinks: Vec<String> = sinks.map(harmless).collect();
    let mut left = String::new();
    if answer["AudioWaits"] == Value::Bool(true) {
        left.push_str("; its audio cannot be erased yet, and will be as soon as that is possible");
    }
    if !sinks.is_empty() {
        // Writing to a string cannot fail.
        let _ = write!(left, "; {} had it before, and keep what they have", sinks.join(" and "));
    }
    left
}

fn list(records: &[ContactRecord], now: WallTime) -> String {
    let rows: Vec<[String; 7]> = records
        .iter()
        .map(|record| {
            [
                record.initiated.map(WallTime::rfc3339_seconds).unwrap_or_default(),
                record.id.to_string(),
                harmless(record.customer.as_deref().unwrap_or_default()),
                harmless(record.system.as_deref().unwrap_or_default()),
                duration(record, now),
                if record.recordings.is_empty() { String::new() } else { clock(record.captured_ms(now)) },
                reason(record),
            ]
        })
        .collect();
    table(["TIME", "CONTACT", "FROM", "TO", "DURATION", "CAPTURED", "ENDED BY"], &rows)
}

/// One line for each block.
fn flow_log(lines: &[Value]) -> String {
    let text = |line: &Value, name: &str| harmless(line[name].as_str().unwrap_or_default());
    let rows: Vec<[String; 4]> = lines
        .iter()
        .map(|line| {
            let told = ["Reason", "Parameters", "ExternalResults"].map(|name| &line[name]);
            let told = told.into_iter().filter_map(|value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Object(members) if !members.is_empty() => Some(value.to_string()),
                _ => None,
            });
            let told = harmless(&told.collect::<Vec<_>>().join(" "));
            [text(line, "Timestamp"), text(line, "ContactFlowModuleType"), text(line, "Results"), told]
        })
        .collect();
    table(["TIME", "BLOCK", "RESULTS", "WHAT"], &rows)
}

fn duration(record: &ContactRecord, now: WallTime) -> String {
    let lasted = record.duration_ms().or_else(|| record.initiated.map(|began| now.ms_since(began)));
    lasted.map(clock).unwrap_or_default()
}

fn reason(record: &ContactRecord) -> String {
    if record.is_live() {
        return "(is up)".to_owned();
    }
    harmless(record.disconnect_reason.as_deref().unwrap_or_default())
}

fn describe(record: &ContactRecord, now: WallTime) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<12}{}", harmless(value));
    };
    row("contact", &record.id.to_string());
    row("from", record.customer.as_deref().unwrap_or("-"));
    row("to", record.system.as_deref().unwrap_or("-"));
    row("began", &record.initiated.map(WallTime::rfc3339_seconds).unwrap_or_default());
    row("duration", &duration(record, now));
    row("ended by", &reason(record));
    let attributes =
        record.attributes.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()));
    for (index, (name, value)) in attributes.enumerate() {
        row(if index == 0 { "attributes" } else { "" }, &format!("{name} = {value}"));
    }
    for recording in &record.recordings {
        let ended = recording.ended.unwrap_or(now);
        row("captured", &clock(ended.ms_since(recording.began.unwrap_or(ended))));
        row("  stream", &recording.stream.to_string());
        row("  after", &recording.start.to_string());
        row("  to", &recording.stop.map_or("(goes on)".to_owned(), |stop| stop.to_string()));
        if let Some(ledger) = &recording.ledger {
            row("  received", &received(ledger));
        }
    }
    match record.recordings.first() {
        None => row("captured", "nothing"),
        Some(recording) => {
            let (id, stream, start) = (record.id, recording.stream.name(), recording.start);
            let _ = write!(
                text,
                "\nhear it:    tympan listen {id} | ffplay -f s16le -ar 8000 -nodisp -autoexit -\n\
                 keep it:    tympan listen {id} -o call.wav\n\
                 as LMSDemo: tympan consume --stream {stream} --after {start} --contact {id} -o call.raw"
            );
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// `97.5% of 0:31; lost 3x 75 ms, pause 1x 500 ms`.
fn received(ledger: &Ledger) -> String {
    let ms = |samples: u64| i64::try_from(samples / 8).unwrap_or(i64::MAX);
    let tenths = if ledger.samples == 0 {
        1_000
    } else {
        // Rounded down: only a capture that holds everything says so.
        u128::from(ledger.received_samples) * 1_000 / u128::from(ledger.samples)
    };
    let mut text = format!("{}.{}% of {}", tenths / 10, tenths % 10, clock(ms(ledger.samples)));
    for (index, (cause, total)) in ledger.causes.iter().enumerate() {
        let separator = if index == 0 { "; " } else { ", " };
        let _ = write!(text, "{separator}{cause} {}x {} ms", total.count, ms(total.samples));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: WallTime = WallTime::from_unix_ms(1_706_238_600_000);

    fn record() -> Value {
        serde_json::from_str(include_str!("../../../fixtures/contacts/record.json")).unwrap()
    }

    fn read() -> ContactRecord {
        ContactRecord::read(record()).unwrap()
    }

    #[test]
    fn a_call_takes_one_line() {
        let text = list(&[read()], NOW);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1],
            "2024-01-26T03:07:40Z  4a573372-1f28-4e26-b97b-0123456789ab  +12065550123  +18005550100  0:34      0:31      \
             CONTACT_FLOW_DISCONNECT"
        );
        assert_eq!(lines[0].find("ENDED BY"), lines[1].find("CONTACT_FLOW"));
    }

    #[test]
    fn what_a_block_did_takes_one_line() {
        let line = serde_json::json!({
            "ContactId": "x", "Timestamp": "2024-01-26T03:07:41.123Z", "ContactFlowModuleType": "PlayPrompt",
            "Results": "Error", "Reason": "no\u{1b} speech", "Parameters": { "Text": "hello" },
        });
        let text = flow_log(&[line]);
        let expected =
            "2024-01-26T03:07:41.123Z  PlayPrompt  Error    no\u{fffd} speech {\"Text\":\"hello\"}";
        assert_eq!(text.lines().nth(1), Some(expected));
    }

    #[test]
    fn one_call_is_told_with_its_attributes_and_the_way_to_its_audio() {
        let text = describe(&read(), NOW);
        for line in [
            "from        +12065550123",
            "attributes  department = Parcels",
            "            callerStream = arn:...",
            "  received  98.1% of 0:31; late 1x 20 ms, lost 3x 75 ms, pause 1x 500 ms",
            "keep it:    tympan listen 4a573372-1f28-4e26-b97b-0123456789ab -o call.wav",
            "as LMSDemo: tympan consume --stream demo --after 91343852333181432392682062607743920146159169392 --contact 4a573372-1f28-4e26-b97b-0123456789ab -o call.raw",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
    }
}

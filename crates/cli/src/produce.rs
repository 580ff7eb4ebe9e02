use crate::global::Global;
use crate::{table, terminal};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use tympan_client::kvs::{self, Ack, AckEvent, Acks, Kvs, NewStream, Pace, PutMediaStart, StreamRef};
use tympan_client::{ClientError, Exit};
use tympan_server::SystemClock;
use tympan_telephony::audio::{pcm, wav};
use tympan_types::{FragmentNumber, ProducerTime};

/// What follows `tympan produce`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
    tympan produce --stream demo FILE.wav
    sox talk.mp3 -t wav - | tympan produce --stream demo -
  As a caller would, 20 ms at a time:
    tympan produce --stream demo --realtime FILE.wav

Timecodes are absolute: the audio ends now, or with --realtime begins now.")]
pub(crate) struct ProduceArgs {
    /// The stream's name, or its ARN
    #[arg(long, value_name = "NAME|ARN")]
    stream: StreamRef,
    /// A WAV file of any rate, made 8 kHz mono; - is standard input
    file: PathBuf,
    /// The input has no header: 16-bit signed little-endian, 8 kHz, mono
    #[arg(long)]
    raw: bool,
    /// How long a stream that is created keeps its media; 0 keeps nothing
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    retention: u32,
    /// Send as fast as speech, not as fast as possible
    #[arg(long)]
    realtime: bool,
}

pub(crate) async fn run(arguments: ProduceArgs, global: &Global) -> Result<Exit, ClientError> {
    let samples = samples(&arguments.file, arguments.raw)?;
    if samples.is_empty() {
        return Err(ClientError::Media(format!("{} holds no audio", arguments.file.display())));
    }
    let kvs = global.kvs()?;
    let keeps = ensure_stream(&kvs, &arguments.stream, arguments.retention, global).await?;
    let length_ms = i64::try_from(samples.len() / pcm::SAMPLES_PER_MS as usize).unwrap_or(i64::MAX);
    let begins_ms =
        if arguments.realtime { SystemClock.wall_now() } else { SystemClock.wall_now().plus_ms(-length_ms) }
            .unix_ms();
    let start = ProducerTime::from_unix_ms(begins_ms);

    let (upload, acks) = kvs.put_media(&arguments.stream, PutMediaStart::Absolute(start)).await?;
    let fragments = kvs::speech_fragments(&samples);
    let pace = if arguments.realtime { Pace::Speech } else { Pace::Network };
    let sending = tokio::spawn(kvs::send_speech(upload, samples, start, pace));
    let receiving = receive(acks, keeps, global);
    let stored = tokio::select! {
        stored = receiving => stored?,
        _ = tokio::signal::ctrl_c() => {
            sending.abort();
            return Ok(Exit::Interrupted);
        }
    };
    // The answer has ended, so there is nothing left to send to.
    sending.abort();
    if stored.len() < fragments {
        return Err(ClientError::Broken {
            what: format!(
                "only {} of {fragments} fragments were acknowledged as {}",
                stored.len(),
                final_word(keeps)
            ),
            reason: "the service ended the upload early".to_owned(),
        });
    }
    if let (Some(first), Some(last)) = (stored.values().next(), stored.values().next_back()) {
        let name = arguments.stream.name();
        let note = format!(
            "{:.1} s in {} in {name}, from fragment {first} to {last}\n\
             read it back: tympan consume --stream {name} --at {start} -o out.wav",
            length_ms as f64 / 1e3,
            table::count(fragments as u64, "fragment"),
        );
        terminal::note(global, &note);
    }
    Ok(Exit::Ok)
}

fn samples(file: &Path, raw: bool) -> Result<Vec<i16>, ClientError> {
    let failed = |error| ClientError::File { path: file.to_owned(), error };
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(failed)?;
        bytes
    } else {
        std::fs::read(file).map_err(failed)?
    };
    if raw {
        return Ok(pcm::from_le_bytes(&bytes).collect());
    }
    wav::read(&bytes).map_err(|error| ClientError::Media(format!("{}: {error}", file.display())))
}

/// Creates the stream if there is none; tells whether it keeps its media.
async fn ensure_stream(
    kvs: &Kvs,
    stream: &StreamRef,
    retention_hours: u32,
    global: &Global,
) -> Result<bool, ClientError> {
    match kvs.describe_stream(stream).await {
        Ok(info) => return Ok(info.data_retention_in_hours > 0),
        Err(error) if error.exit() == Exit::NotFound => {}
        Err(error) => return Err(error),
    }
    let StreamRef::Name(name) = stream else {
        return Err(ClientError::NotFound(format!("{stream} is gone; a stream is created by name only")));
    };
    let new = NewStream { name: name.clone(), media_type: "audio/L16".to_owned(), retention_hours };
    let arn = kvs.create_stream(&new).await?;
    terminal::note(global, &format!("created {arn}, which keeps its media for {retention_hours} h"));
    Ok(retention_hours > 0)
}

/// Reads acknowledgements to their end; gives the fragments that are done with, by timecode.
async fn receive(
    mut acks: Acks,
    keeps: bool,
    global: &Global,
) -> Result<BTreeMap<u64, FragmentNumber>, ClientError> {
    let mut stored = BTreeMap::new();
    let progress = terminal::progress(global);
    while let Some(ack) = acks.next().await? {
        if global.json {
            terminal::print(&to_json(&ack).to_string())?;
        }
        let done = match &ack.event {
            AckEvent::Persisted => true,
            AckEvent::Received => !keeps,
            AckEvent::Error { id, code } => {
                return Err(ClientError::Ingest { code: code.clone(), id: *id, number: ack.number });
            }
            AckEvent::Buffering | AckEvent::Idle | AckEvent::Other(_) => false,
        };
        if let (true, Some(timecode), Some(number)) = (done, ack.timecode, ack.number) {
            stored.insert(timecode, number);
            progress.set_message(format!("{} fragments {}", stored.len(), final_word(keeps)));
        }
    }
    progress.finish_and_clear();
    Ok(stored)
}

/// The acknowledgement as the service sent it.
fn to_json(ack: &Ack) -> serde_json::Value {
    let (event, error) = match &ack.event {
        AckEvent::Buffering => ("BUFFERING", None),
        AckEvent::Received => ("RECEIVED", None),
        AckEvent::Persisted => ("PERSISTED", None),
        AckEvent::Idle => ("IDLE", None),
        AckEvent::Error { id, code } => ("ERROR", Some((*id, code.clone()))),
        AckEvent::Other(event) => (event.as_str(), None),
    };
    let mut line = json!({ "EventType": event });
    if let Some(timecode) = ack.timecode {
        line["FragmentTimecode"] = json!(timecode);
    }
    if let Some(number) = ack.number {
        line["FragmentNumber"] = json!(number);
    }
    if let Some((id, code)) = error {
        line["ErrorId"] = json!(id);
        line["ErrorCode"] = json!(code);
    }
    line
}

/// What a fragment is when nothing more comes of it.
fn final_word(keeps: bool) -> &'static str {
    if keeps { "persisted" } else { "received" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_acknowledgement_prints_as_the_service_sent_it() {
        let number = "91343852333181432392682062607743920146159169392".parse().ok();
        let ack = Ack { event: AckEvent::Persisted, timecode: Some(1_711_124_585_823), number };
        assert_eq!(
            to_json(&ack).to_string(),
            r#"{"EventType":"PERSISTED","FragmentTimecode":1711124585823,"FragmentNumber":"91343852333181432392682062607743920146159169392"}"#
        );
        let error = AckEvent::Error { id: 4002, code: "MAX_FRAGMENT_DURATION_REACHED".into() };
        assert_eq!(
            to_json(&Ack { event: error, timecode: None, number: None }).to_string(),
            r#"{"EventType":"ERROR","ErrorId":4002,"ErrorCode":"MAX_FRAGMENT_DURATION_REACHED"}"#
        );
    }

    #[test]
    fn raw_input_needs_no_header_and_wav_does() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.raw");
        std::fs::write(&file, [1, 0, 2, 0, 9]).unwrap();
        assert_eq!(samples(&file, true).unwrap(), [1, 2]);
        assert!(matches!(samples(&file, false), Err(ClientError::Media(_))));
        assert!(matches!(samples(&folder.path().join("none"), true), Err(ClientError::File { .. })));
    }
}

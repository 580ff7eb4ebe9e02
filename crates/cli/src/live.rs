//! `tympan contacts listen`: the sound of a call that is up, packet by packet, by ListenContact.

use crate::format::OutputFormat;
use crate::global::Global;
use crate::table::clock;
use crate::terminal;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tympan_client::media::{Destination, Format, PlacedRecording, PlacedTally};
use tympan_client::{ClientError, ContactChoice, Contacts, Exit, LiveEnd, LiveItem, LiveSound, ServiceError};
use tympan_types::ContactId;

pub(crate) const HELP: &str = "Examples:
    tympan contacts listen latest | aplay -t raw -f S16_LE -r 8000 -c 1
    tympan contacts listen latest --track AUDIO_TO_CUSTOMER | sox -t raw -r 8000 -e signed -b 16 -c 1 - -d
    tympan contacts listen CONTACT-ID -o call.wav

Needs tympan:ListenContact; the audit file has a line for the beginning and one for the end. What was not captured is silence, also
while the call's flow has stopped media streaming, so that every sample is at its place. A connection that breaks is made again.
`tympan listen` begins with the capture; this begins now, and a packet comes as soon as it is captured.

With --json: lines of events in place of the sound, which then needs a file for -o: the text frames of docs/admin.md (Begin, Paused,
Resumed, End), Hole (PositionSamples, Samples), Reconnecting (Reason), and Listened at the end (PositionSamples, Samples, Holes, HoleSamples).";

/// What of a call's sound is wanted, and where it goes.
#[derive(Debug, clap::Args)]
pub(crate) struct LiveArgs {
    /// The call's id, or `latest`
    contact: ContactChoice,
    /// What the customer says, or what they hear
    #[arg(long, value_name = "TRACK", default_value = "AUDIO_FROM_CUSTOMER", value_parser = ["AUDIO_FROM_CUSTOMER", "AUDIO_TO_CUSTOMER"])]
    track: String,
    /// A .wav or .raw file; - is standard output, raw [default: -]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The format, where the file's name does not say it
    #[arg(long)]
    format: Option<OutputFormat>,
}

/// Between two attempts to connect again.
const AGAIN: Duration = Duration::from_secs(1);
/// Attempts in a row that may fail.
const ATTEMPTS: u32 = 30;
/// How often silence is written while nothing is captured.
const FILL: Duration = Duration::from_millis(200);
/// Silence keeps so far behind the call: what is sent first after a pause is up to a second old.
const MARGIN: Duration = Duration::from_secs(2);
const SAMPLES_PER_MS: u64 = 8;

pub(crate) async fn run(
    contacts: &Contacts,
    arguments: LiveArgs,
    global: &Global,
) -> Result<Exit, ClientError> {
    let LiveArgs { contact, track, output, format } = arguments;
    let output = match output {
        Some(path) if global.json && path == Path::new("-") => {
            let message =
                "--json writes events to standard output: name a file for the sound with -o, or leave -o out";
            return Err(ClientError::Usage(message.to_owned()));
        }
        None if !global.json => Some(PathBuf::from("-")),
        output => output,
    };
    let format = output.as_deref().map(|path| OutputFormat::choose(format, path)).transpose()?;
    let format = format.unwrap_or(Format::Raw);
    PlacedRecording::check(format)?;
    let contact = contacts.resolve(contact).await?;
    let sound = contacts.live_sound(contact, &track).await?;
    let destination = output.as_deref().map(Destination::open).transpose()?;
    let recording = PlacedRecording::begin(destination, format)?;
    let mut listener =
        Listener { contacts, contact, track, global, recording, heard: None, is_paused: false };
    let heard = tokio::select! {
        heard = listener.hear(sound) => heard.map(|()| Exit::Ok),
        _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
    };
    let Listener { recording, track, .. } = listener;
    let tally = recording.finish()?;
    if global.json {
        terminal::print(&listened(&tally).to_string())?;
    }
    let exit = heard?;
    terminal::note(global, &summary(&tally, &track, output.as_deref()));
    Ok(exit)
}

struct Listener<'a> {
    contacts: &'a Contacts,
    contact: ContactId,
    track: String,
    global: &'a Global,
    recording: PlacedRecording,
    /// Where the newest piece ended, and when that was heard.
    heard: Option<(u64, Instant)>,
    /// Nothing is captured now.
    is_paused: bool,
}

impl Listener<'_> {
    /// Writes what is heard until the call ends.
    async fn hear(&mut self, mut sound: LiveSound) -> Result<(), ClientError> {
        loop {
            let item = tokio::select! {
                item = sound.next() => item,
                () = tokio::time::sleep(FILL), if self.is_paused => {
                    self.fill()?;
                    continue;
                }
            };
            match item {
                Ok(LiveItem::Sound { position, pcm }) => self.write(position, &pcm)?,
                Ok(LiveItem::Text(text)) => self.note(&text)?,
                Err(LiveEnd::Over) => return Ok(()),
                Err(LiveEnd::KeyLost(message)) => return Err(key_lost(message)),
                Err(LiveEnd::Again(reason)) => match self.again(&reason).await? {
                    Some(other) => sound = other,
                    None => return Ok(()),
                },
            }
        }
    }

    fn write(&mut self, position: u64, pcm: &[u8]) -> Result<(), ClientError> {
        self.is_paused = false;
        self.heard = Some((position + pcm.len() as u64 / 2, Instant::now()));
        if let Some(hole) = self.recording.push(position, pcm)?
            && self.global.json
        {
            let event = json!({ "Type": "Hole", "PositionSamples": hole.position, "Samples": hole.samples });
            terminal::print(&event.to_string())?;
        }
        Ok(())
    }

    /// Writes the silence of now, as far as the call has come.
    fn fill(&mut self) -> Result<(), ClientError> {
        match self.heard {
            Some((position, at)) => self.recording.fill(position + silent_samples(at.elapsed())),
            None => Ok(()),
        }
    }

    /// A text frame.
    fn note(&mut self, text: &Value) -> Result<(), ClientError> {
        if self.global.json {
            terminal::print(&text.to_string())?;
        }
        match text["Type"].as_str() {
            Some("Paused") => {
                self.is_paused = true;
                terminal::note(
                    self.global,
                    "nothing is captured now: silence until the flow streams media again",
                );
            }
            Some("Resumed") => self.is_paused = false,
            Some("End") => {
                if let Some(next) = text["NextContactId"].as_str() {
                    let how = format!("the call goes on as another contact: tympan contacts listen {next}");
                    terminal::note(self.global, &how);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Connects again; `None` where the call ended meanwhile.
    async fn again(&mut self, reason: &str) -> Result<Option<LiveSound>, ClientError> {
        if self.global.json {
            terminal::print(&json!({ "Type": "Reconnecting", "Reason": reason }).to_string())?;
        }
        terminal::note(self.global, &format!("{reason}; connecting again"));
        let mut attempt = 0;
        loop {
            tokio::time::sleep(AGAIN).await;
            self.fill()?;
            attempt += 1;
            match self.contacts.live_sound(self.contact, &self.track).await {
                Ok(sound) => return Ok(Some(sound)),
                Err(ClientError::Service(error)) if error.error_type == "ContactEndedException" => {
                    let how = format!(
                        "the call has ended meanwhile; its end is in: tympan contacts audio {} -o call.wav",
                        self.contact
                    );
                    terminal::note(self.global, &how);
                    return Ok(None);
                }
                // What the service refuses it refuses again.
                Err(error @ ClientError::Service(_)) => return Err(error),
                Err(error) if attempt == ATTEMPTS => return Err(error),
                Err(_) => {}
            }
        }
    }
}

/// How much silence is due after so long without sound.
fn silent_samples(since: Duration) -> u64 {
    let ms = u64::try_from(since.saturating_sub(MARGIN).as_millis()).unwrap_or(u64::MAX);
    ms.saturating_mul(SAMPLES_PER_MS)
}

fn key_lost(message: String) -> ClientError {
    let error_type = "KMSKeyAccessDeniedException".to_owned();
    ServiceError { operation: "ListenContact", status: 403, error_type, message }.into()
}

fn listened(tally: &PlacedTally) -> Value {
    json!({
        "Type": "Listened",
        "PositionSamples": tally.first,
        "Samples": tally.samples,
        "Holes": tally.holes,
        "HoleSamples": tally.hole_samples,
    })
}

/// `0:31 of AUDIO_FROM_CUSTOMER from 0:05 of the contact on, in call.wav; 2 holes, 160 ms, are silence`.
fn summary(tally: &PlacedTally, track: &str, output: Option<&Path>) -> String {
    let ms = |samples: u64| i64::try_from(samples / SAMPLES_PER_MS).unwrap_or(i64::MAX);
    let Some(first) = tally.first else { return format!("nothing of {track} was captured meanwhile") };
    let place = match output {
        Some(path) if path != Path::new("-") => format!(", in {}", path.display()),
        _ => String::new(),
    };
    let holes = match tally.holes {
        0 => String::new(),
        1 => format!("; 1 hole, {} ms, is silence", ms(tally.hole_samples)),
        holes => format!("; {holes} holes, {} ms, are silence", ms(tally.hole_samples)),
    };
    let (length, from) = (clock(ms(tally.samples)), clock(ms(first)));
    format!("{length} of {track} from {from} of the contact on{place}{holes}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_was_heard_and_what_is_silence() {
        let tally = PlacedTally { first: Some(40_000), samples: 248_000, holes: 2, hole_samples: 1_280 };
        assert_eq!(
            summary(&tally, "AUDIO_FROM_CUSTOMER", Some(Path::new("call.wav"))),
            "0:31 of AUDIO_FROM_CUSTOMER from 0:05 of the contact on, in call.wav; 2 holes, 160 ms, are silence"
        );
        let whole = PlacedTally { holes: 0, ..tally };
        assert_eq!(summary(&whole, "T", Some(Path::new("-"))), "0:31 of T from 0:05 of the contact on");
        assert_eq!(summary(&PlacedTally::default(), "T", None), "nothing of T was captured meanwhile");
    }

    #[test]
    fn silence_keeps_behind_the_call() {
        assert_eq!(silent_samples(MARGIN), 0);
        assert_eq!(silent_samples(MARGIN + Duration::from_millis(250)), 2_000);
    }
}

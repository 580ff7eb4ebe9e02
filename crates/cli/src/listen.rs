use crate::format::OutputFormat;
use crate::global::Global;
use crate::{consume, terminal};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tympan_client::kvs::{Kvs, StartSelector, StreamRef};
use tympan_client::media::{
    ContactFilter, Destination, Follow, FollowOptions, Format, MediaItem, Recording, TrackChoice, Verdict,
};
use tympan_client::{ClientError, ContactChoice, ContactRecord, Contacts, Exit, Recording as Capture};
use tympan_types::{ContactId, FragmentNumber};

/// What follows `tympan listen`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "Examples:
  Hear the newest call while it lasts:
    tympan listen latest | ffplay -f s16le -ar 8000 -nodisp -autoexit -
    tympan listen latest | sox -t raw -r 8000 -e signed -b 16 -c 1 - -d
  Keep another:
    tympan listen CONTACT-ID -o call.wav

`tympan contacts ls` shows the calls.")]
pub(crate) struct ListenArgs {
    /// The call's id, or `latest`
    contact: ContactChoice,
    /// A .raw, .wav or .mkv file; - is standard output, raw
    #[arg(short, long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    /// The format, where the file's name does not say it
    #[arg(long)]
    format: Option<OutputFormat>,
    /// How many seconds to wait for the call's flow to start media streaming
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    wait: u64,
}

const POLL: Duration = Duration::from_millis(200);

pub(crate) async fn run(arguments: ListenArgs, global: &Global) -> Result<Exit, ClientError> {
    let format = OutputFormat::choose(arguments.format, &arguments.output)?;
    let contacts = global.contacts()?;
    let listener = Listener {
        kvs: global.kvs()?,
        contact: contacts.resolve(arguments.contact).await?,
        contacts,
        with_documents: format == Format::Mkv,
    };
    let first = tokio::select! {
        first = listener.first_capture(Duration::from_secs(arguments.wait)) => first?,
        _ = tokio::signal::ctrl_c() => return Ok(Exit::Interrupted),
    };
    let destination = Destination::open(&arguments.output)?;
    let mut recording = Recording::begin(destination, format, TrackChoice::Customer)?;
    let ended = tokio::select! {
        ended = listener.play_all(first, &mut recording) => ended.map(|()| Exit::Ok),
        _ = tokio::signal::ctrl_c() => Ok(Exit::Interrupted),
    };
    let tally = recording.finish()?;
    let exit = ended?;
    terminal::note(global, &consume::summary(&tally, &arguments.output));
    Ok(exit)
}

struct Listener {
    kvs: Kvs,
    contacts: Contacts,
    contact: ContactId,
    with_documents: bool,
}

impl Listener {
    /// Waits until there is something to hear.
    async fn first_capture(&self, wait: Duration) -> Result<Capture, ClientError> {
        let begun = Instant::now();
        loop {
            let record = self.contacts.find(self.contact).await?;
            if let Some(capture) = record.recordings.first() {
                return Ok(capture.clone());
            }
            if !record.is_live() {
                return Err(ClientError::NotFound(format!(
                    "call {} has ended, and nothing of it was captured: its flow ran no Start media streaming block",
                    self.contact
                )));
            }
            if begun.elapsed() >= wait {
                let what = format!("call {}: its flow has not started media streaming", self.contact);
                return Err(ClientError::TimedOut { what, after: wait });
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Plays a capture, and those that the call has after it.
    async fn play_all(&self, first: Capture, recording: &mut Recording) -> Result<(), ClientError> {
        let (mut capture, mut played) = (first, 1);
        loop {
            self.play(&capture, recording).await?;
            let record = self.contacts.find(self.contact).await?;
            match record.recordings.get(played) {
                Some(next) => capture = next.clone(),
                None => return Ok(()),
            }
            played += 1;
        }
    }

    async fn play(&self, capture: &Capture, recording: &mut Recording) -> Result<(), ClientError> {
        let stream = StreamRef::Arn(capture.stream.clone());
        let mut last = capture.start;
        let mut filter = ContactFilter::new(self.contact);
        loop {
            let options = FollowOptions { with_documents: self.with_documents, for_ever: false };
            let mut follow =
                Follow::open(self.kvs.clone(), stream.clone(), StartSelector::After(last), options).await?;
            while let Some(item) = follow.next().await? {
                let head = if let MediaItem::Start(head) = &item { Some(head.number) } else { None };
                last = head.unwrap_or(last);
                let ends = matches!(item, MediaItem::End { .. });
                match filter.push(item) {
                    Verdict::Pass(items) => items.iter().try_for_each(|item| recording.push(item))?,
                    Verdict::Over => return Ok(()),
                }
                if ends && capture.stop.is_some_and(|stop| last >= stop) {
                    return Ok(());
                }
            }
            // The service ends a body also where the call merely stalls.
            let record = self.contacts.find(self.contact).await?;
            if self.is_over(&record, capture.start, last) {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Whether the capture that begins after `start` has ended, and `last` was its last fragment.
    fn is_over(&self, record: &ContactRecord, start: FragmentNumber, last: FragmentNumber) -> bool {
        let capture = record.recordings.iter().find(|recording| recording.start == start);
        match capture.map(|capture| capture.stop) {
            Some(Some(stop)) => last >= stop || !record.is_live(),
            Some(None) => !record.is_live(),
            None => true,
        }
    }
}

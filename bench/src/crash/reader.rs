//! Reads back what a stream holds after a restart.

use super::content::recognise;
use super::stream_ref;
use anyhow::Context;
use tokio::task::JoinSet;
use tympan_client::kvs::{Kvs, StartSelector};
use tympan_client::media::{GetMediaReader, MediaItem};
use tympan_mkv::consume::Frame;
use tympan_types::{FragmentNumber, StreamName};

/// What was read of a stream.
pub(super) struct ReadBack {
    pub(super) stream: usize,
    /// Fragments in order, each with the timecode that its content stands for; `None` if it stands for none.
    pub(super) fragments: Vec<(FragmentNumber, Option<u64>)>,
    /// Why reading could not go on, if so.
    pub(super) broken: Option<String>,
}

/// Reads each stream from its start to its end, all of them at once.
pub(super) async fn read_all(
    kvs: &Kvs,
    names: &[StreamName],
    after: impl Fn(usize) -> Option<FragmentNumber>,
) -> anyhow::Result<Vec<ReadBack>> {
    let mut reading = JoinSet::new();
    for (stream, name) in names.iter().enumerate() {
        let start = after(stream).map_or(StartSelector::Earliest, StartSelector::After);
        reading.spawn(read(kvs.clone(), name.clone(), stream, start));
    }
    reading.join_all().await.into_iter().collect()
}

async fn read(kvs: Kvs, name: StreamName, stream: usize, start: StartSelector) -> anyhow::Result<ReadBack> {
    let mut body = kvs.get_media(&stream_ref(&name), start).await?;
    let mut reader = GetMediaReader::new(false);
    let mut back = ReadBack { stream, fragments: Vec::new(), broken: None };
    let mut taking = Taking::default();
    let mut over = false;
    while !over && back.broken.is_none() {
        let chunk = body.next().await;
        over = chunk.is_none();
        let read = match chunk {
            Some(chunk) => reader.push(chunk.with_context(|| format!("the body of {name} broke off"))?),
            // What the last fragment is, is known when nothing follows.
            None => reader.end_body(),
        };
        while let Some(item) = reader.poll() {
            back.fragments.extend(taking.take(stream, item));
        }
        if let Err(error) = read {
            back.broken = Some(format!("stream {stream} cannot be read on: {error}"));
        }
    }
    Ok(back)
}

/// The fragment that is being read.
#[derive(Default)]
struct Taking {
    number: Option<FragmentNumber>,
    frames: Vec<Frame>,
}

impl Taking {
    /// Gives the fragment when it is over.
    fn take(&mut self, stream: usize, item: MediaItem) -> Option<(FragmentNumber, Option<u64>)> {
        match item {
            MediaItem::Start(head) => *self = Self { number: Some(head.number), frames: Vec::new() },
            MediaItem::Frame(frame) => self.frames.push(frame),
            MediaItem::End { complete, .. } => {
                let whole = match &self.frames[..] {
                    [only] if complete => recognise(stream, &only.data),
                    _ => None,
                };
                return self.number.take().map(|number| (number, whole));
            }
        }
        None
    }
}

//! Fragments of captures, one after the other: no more than the store reads ahead lies in memory.

use crate::waveform::CaptureExtent;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::timeout;
use tympan_store::{ErrorKind, Fragment, MediaStore, ReadEvent, Reader, Start, StoreError, StreamId};
use tympan_types::FragmentNumber;

/// A reader that has waited at the tail for so long has seen all that there is.
const QUIET: Duration = Duration::from_millis(100);

pub(super) struct Fragments {
    store: MediaStore,
    captures: VecDeque<CaptureExtent>,
    open: Option<Open>,
}

struct Open {
    reader: Reader,
    last: FragmentNumber,
    /// A fragment that is in memory still, as far as it was read.
    live: Option<(Bytes, BytesMut)>,
}

impl Fragments {
    pub(super) fn new(store: MediaStore, captures: Vec<CaptureExtent>) -> Self {
        Self { store, captures: captures.into(), open: None }
    }

    /// The next one. What is damaged, has expired or was erased since is left out.
    ///
    /// # Errors
    /// `Key`, `Internal`.
    pub(super) async fn next(&mut self) -> Result<Option<Fragment>, StoreError> {
        loop {
            let Some(open) = &mut self.open else {
                let Some(capture) = self.captures.pop_front() else { return Ok(None) };
                self.open = self.begin(capture).await?;
                continue;
            };
            match open.next().await {
                Ok(Some(fragment)) if fragment.meta.number <= open.last => {
                    if fragment.meta.number == open.last {
                        self.open = None;
                    }
                    return Ok(Some(fragment));
                }
                Ok(_) => self.open = None,
                Err(error) if *error.kind() == ErrorKind::Corrupt => {
                    tracing::warn!(%error, "a fragment is silence where it is listened to");
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// `None` where the stream is gone.
    async fn begin(&self, capture: CaptureExtent) -> Result<Option<Open>, StoreError> {
        let CaptureExtent { stream, after, last } = capture;
        let reader = reader(&self.store, stream, Start::After(after)).await?;
        Ok(reader.map(|reader| Open { reader, last, live: None }))
    }
}

/// A reader of a stream, which may take a look at the disk; `None` where the stream is gone.
pub(super) async fn reader(
    store: &MediaStore,
    stream: StreamId,
    start: Start,
) -> Result<Option<Reader>, StoreError> {
    let store = store.clone();
    match tokio::task::spawn_blocking(move || store.reader(stream, start)).await {
        Ok(Ok(reader)) => Ok(Some(reader)),
        Ok(Err(error)) if *error.kind() == ErrorKind::NotFound => Ok(None),
        Ok(Err(error)) => Err(error),
        Err(error) => Err(StoreError::new(ErrorKind::Internal, error.to_string())),
    }
}

impl Open {
    /// The next whole fragment; `None` where none follows.
    async fn next(&mut self) -> Result<Option<Fragment>, StoreError> {
        let mut patience = QUIET;
        loop {
            let event = match timeout(patience, self.reader.next()).await {
                Ok(event) => event?,
                Err(_) if self.reader.is_at_tail() => return Ok(None),
                // A slow disk: the read is begun again, with more time.
                Err(_) => {
                    patience *= 2;
                    continue;
                }
            };
            match event {
                ReadEvent::Stored(fragment) => return Ok(Some(fragment)),
                ReadEvent::Opened { number, .. } if number > self.last => return Ok(None),
                ReadEvent::Opened { head, .. } => self.live = Some((head, BytesMut::new())),
                ReadEvent::Body(bytes) => {
                    if let Some((_, body)) = &mut self.live {
                        body.extend_from_slice(&bytes);
                    }
                }
                ReadEvent::Sealed { meta } => {
                    if let Some((head, body)) = self.live.take() {
                        return Ok(Some(Fragment { meta, head, body: body.freeze() }));
                    }
                }
                ReadEvent::Abandoned => self.live = None,
                ReadEvent::CaptureEnded => {}
                ReadEvent::Deleted => return Ok(None),
            }
        }
    }
}

//! What there is of a contact's sound, and which fragments a part of its axis lies in, without holding more than a page.

use super::axis::{begin_ms, end_ms};
use super::{LAST, MOST_FRAGMENTS, PAGE, complete};
use tympan_contact::{Contact, CustomerAudio};
use tympan_store::{ErrorKind, IndexedFragment, MediaStore, StoreError, StreamId, StreamRef};
use tympan_types::FragmentNumber;

/// The axis of a contact, and what is to be read for a part of it.
pub(crate) struct Extent {
    /// Where the axis begins, in Unix milliseconds on the producer's clock.
    pub(crate) start_ms: i64,
    /// Where it ends.
    pub(crate) end_ms: i64,
    /// What is to be read, oldest first.
    pub(crate) captures: Vec<CaptureExtent>,
}

/// Fragments of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CaptureExtent {
    pub(crate) stream: StreamId,
    /// They follow this one.
    pub(crate) after: FragmentNumber,
    pub(crate) last: FragmentNumber,
}

impl Extent {
    /// Of a part that begins and ends so many milliseconds after the beginning of the axis; `None` where nothing was captured.
    ///
    /// # Errors
    /// `Key` where the key of a stream may not be used; `Internal`.
    pub(crate) async fn of(
        store: &MediaStore,
        contact: &Contact,
        from_ms: i64,
        to_ms: Option<i64>,
    ) -> Result<Option<Self>, StoreError> {
        let mut extent: Option<Self> = None;
        let mut left = MOST_FRAGMENTS;
        for audio in &contact.captures {
            let walk = Walk::begin(store, audio).await?;
            let first_ms = walk.as_ref().and_then(Walk::first_ms);
            let known = extent.get_or_insert_with(|| {
                let start_ms = begin_ms(audio, first_ms);
                Self { start_ms, end_ms: start_ms, captures: Vec::new() }
            });
            let from_ms = known.start_ms.saturating_add(from_ms);
            let to_ms = to_ms.map_or(i64::MAX, |to_ms| known.start_ms.saturating_add(to_ms));
            let mut last = None;
            if let Some(walk) = walk {
                let walked = walk.through(store, (from_ms, to_ms), &mut left).await?;
                known.captures.extend(walked.wanted);
                last = walked.last;
            }
            known.end_ms = end_ms(audio, last.as_ref(), store.now());
        }
        Ok(extent)
    }
}

/// Where the first fragment of a capture begins, if there is one that is complete.
///
/// # Errors
/// `Key` where the key of its stream may not be used; `Internal`.
pub(crate) async fn first_ms(store: &MediaStore, audio: &CustomerAudio) -> Result<Option<i64>, StoreError> {
    let Some(stream) = stream_of(store, audio).await? else { return Ok(None) };
    let (after, last) = (audio.start_fragment_number, audio.stop_fragment_number.unwrap_or(LAST));
    // The lead-in, and what follows it.
    let found = store.indexes(stream, after, last, 2).await?;
    let first = found.iter().find(|fragment| fragment.meta.number > after);
    Ok(first.map(|fragment| fragment.meta.producer.unix_ms()))
}

/// The stream of a capture; `None` where it is gone.
pub(crate) async fn stream_of(
    store: &MediaStore,
    audio: &CustomerAudio,
) -> Result<Option<StreamId>, StoreError> {
    match store.stream(StreamRef::Arn(&audio.stream_arn)).await {
        Ok(stream) => Ok(Some(stream.id)),
        Err(error) if *error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A walk through the fragments of a capture, page by page.
struct Walk {
    stream: StreamId,
    after: FragmentNumber,
    last: FragmentNumber,
    page: Vec<IndexedFragment>,
    is_last_page: bool,
}

struct Walked {
    wanted: Option<CaptureExtent>,
    /// The last fragment, with its index.
    last: Option<IndexedFragment>,
}

impl Walk {
    /// `None` where the stream is gone.
    async fn begin(store: &MediaStore, audio: &CustomerAudio) -> Result<Option<Self>, StoreError> {
        let Some(stream) = stream_of(store, audio).await? else { return Ok(None) };
        let last = audio.stop_fragment_number.unwrap_or(LAST);
        let after = audio.start_fragment_number;
        let mut walk = Self { stream, after, last, page: Vec::new(), is_last_page: false };
        walk.turn(store, after).await?;
        Ok(Some(walk))
    }

    fn first_ms(&self) -> Option<i64> {
        self.page.first().map(|fragment| fragment.meta.producer.unix_ms())
    }

    async fn turn(&mut self, store: &MediaStore, after: FragmentNumber) -> Result<(), StoreError> {
        self.page = store.indexes(self.stream, after, self.last, PAGE).await?;
        self.is_last_page = self.page.len() < PAGE;
        // The lead-in, or what the page before ended with.
        self.page.retain(|fragment| fragment.meta.number > after);
        Ok(())
    }

    async fn through(
        mut self,
        store: &MediaStore,
        (from_ms, to_ms): (i64, i64),
        left: &mut usize,
    ) -> Result<Walked, StoreError> {
        // Of the fragments that begin before the part, the newest ones: the last of them reaches into it.
        let (mut begins, mut wanted_last) = ([self.after; 3], None);
        let (mut last, mut before_last): (Option<IndexedFragment>, _) = (None, self.after);
        loop {
            self.page.truncate(*left);
            *left -= self.page.len();
            for fragment in &self.page {
                let (number, at_ms) = (fragment.meta.number, fragment.meta.producer.unix_ms());
                if at_ms <= from_ms {
                    begins = [begins[1], begins[2], number];
                }
                if at_ms < to_ms {
                    wanted_last = Some(number);
                }
            }
            if let [.., before, _] = self.page.as_slice() {
                before_last = before.meta.number;
            } else if let Some(last) = &last {
                before_last = last.meta.number;
            }
            let end = self.page.last().map(|fragment| fragment.meta.number);
            last = self.page.pop().or(last);
            match end {
                Some(end) if !self.is_last_page && *left > 0 => self.turn(store, end).await?,
                _ => break,
            }
        }
        if let Some(last) = &mut last {
            complete(store, self.stream, before_last, std::slice::from_mut(last)).await?;
        }
        let wanted = wanted_last.filter(|last| *last > begins[0]);
        let wanted = wanted.map(|last| CaptureExtent { stream: self.stream, after: begins[0], last });
        Ok(Walked { wanted, last })
    }
}

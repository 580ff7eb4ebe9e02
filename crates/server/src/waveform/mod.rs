//! The waveform of a contact: the indexes of its captures, joined. What has no index is indexed from its audio.

pub(crate) mod axis;
mod extent;
mod from_audio;
mod picture;
mod service;

pub(crate) use extent::{CaptureExtent, Extent, first_ms, stream_of};
use picture::draw;
pub(crate) use service::StoredWaveforms;

use std::collections::BTreeMap;
use tympan_contact::{Contact, CustomerAudio};
use tympan_store::{ErrorKind, IndexedFragment, MediaStore, ReadEvent, Start, StoreError, StreamRef};
use tympan_types::{FragmentNumber, StreamArn};

/// Fragments that are looked at in one step.
const PAGE: usize = 2_048;
/// Most fragments of a waveform: more than a day. What is beyond is left out.
const MOST_FRAGMENTS: usize = 100_000;

/// A capture and the indexes of its fragments, the lead-in left out.
struct IndexedCapture {
    audio: CustomerAudio,
    fragments: Vec<IndexedFragment>,
    /// The stream is deleted.
    is_gone: bool,
    /// There are more fragments than a waveform has.
    is_cut: bool,
}

/// The indexes of all captures of a contact, oldest first.
///
/// # Errors
/// `Key` where the key of a stream may not be used; `Internal`.
async fn indexes(store: &MediaStore, contact: &Contact) -> Result<Vec<IndexedCapture>, StoreError> {
    let (mut captures, mut left) = (Vec::new(), MOST_FRAGMENTS);
    for audio in &contact.captures {
        let capture = of_capture(store, audio, left).await?;
        left = left.saturating_sub(capture.fragments.len());
        captures.push(capture);
    }
    Ok(captures)
}

async fn of_capture(
    store: &MediaStore,
    audio: &CustomerAudio,
    most: usize,
) -> Result<IndexedCapture, StoreError> {
    let mut capture =
        IndexedCapture { audio: audio.clone(), fragments: Vec::new(), is_gone: false, is_cut: false };
    let id = match store.stream(StreamRef::Arn(&audio.stream_arn)).await {
        Ok(stream) => stream.id,
        Err(error) if *error.kind() == ErrorKind::NotFound => {
            capture.is_gone = true;
            return Ok(capture);
        }
        Err(error) => return Err(error),
    };
    let last = audio.stop_fragment_number.unwrap_or(LAST);
    let mut after = audio.start_fragment_number;
    loop {
        let mut page = store.indexes(id, after, last, PAGE).await?;
        let (found, end) = (page.len(), page.last().map(|fragment| fragment.meta.number));
        // The lead-in, or what the page before ended with.
        page.retain(|fragment| fragment.meta.number > after);
        complete(store, id, after, &mut page).await?;
        capture.fragments.append(&mut page);
        if capture.fragments.len() > most {
            capture.fragments.truncate(most);
            capture.is_cut = true;
        }
        match end {
            Some(end) if found == PAGE && !capture.is_cut => after = end,
            _ => return Ok(capture),
        }
    }
}

/// Above all numbers.
const LAST: FragmentNumber = FragmentNumber::from_bytes([0xff; 20]);

/// Makes the indexes that lack from the audio of their fragments. All of them come after `after`.
async fn complete(
    store: &MediaStore,
    stream: tympan_store::StreamId,
    after: FragmentNumber,
    fragments: &mut [IndexedFragment],
) -> Result<(), StoreError> {
    let lacking = fragments.iter_mut().filter(|fragment| !from_audio::is_whole(fragment.index.as_deref()));
    let mut lacking: BTreeMap<FragmentNumber, &mut IndexedFragment> =
        lacking.map(|fragment| (fragment.meta.number, fragment)).collect();
    let Some((&last, _)) = lacking.last_key_value() else { return Ok(()) };
    let mut reader = store.reader(stream, Start::After(after))?;
    loop {
        let fragment = match reader.next().await {
            Ok(ReadEvent::Stored(fragment)) => fragment,
            // What is damaged stays without an index, and what is open is none of these.
            Err(error) if *error.kind() == ErrorKind::Corrupt => continue,
            Err(error) => return Err(error),
            Ok(_) => return Ok(()),
        };
        if let Some(wanted) = lacking.remove(&fragment.meta.number) {
            wanted.index = from_audio::index(&fragment.head, &fragment.body).map(Into::into);
        }
        if fragment.meta.number >= last {
            return Ok(());
        }
    }
}

/// Which stream a capture went to.
fn arn_of(capture: &IndexedCapture) -> &StreamArn {
    &capture.audio.stream_arn
}

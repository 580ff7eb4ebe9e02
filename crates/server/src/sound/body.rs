//! Captured sound as a body.

use super::decoder::{Block, Decoder};
use super::fragments::Fragments;
use super::place;
use crate::waveform::Extent;
use crate::waveform::axis::SAMPLES_PER_MS;
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use tympan_admin::{SoundForm, SoundTrack, WantedSound};
use tympan_contact::Contact;
use tympan_store::{Fragment, MediaStore, StoreError};
use tympan_telephony::audio::wav::{self, WavLength};
use tympan_types::FragmentNumber;

/// A body, chunk by chunk.
pub(crate) struct SoundBody {
    /// The number of its first sample on the axis.
    pub(crate) position_samples: u64,
    /// How long it is, where that is known.
    pub(crate) length_bytes: Option<u64>,
    fragments: Fragments,
    start_ms: i64,
    content: Content,
    /// What is due before anything else.
    due: VecDeque<Due>,
}

enum Due {
    Bytes(Bytes),
    /// So many samples of silence.
    Silence(u64),
}

enum Content {
    /// Samples of one track.
    Samples {
        track: SoundTrack,
        /// The place of the next sample.
        at: u64,
        to: u64,
    },
    /// Whole fragments that overlap this part.
    Matroska { from: u64, to: u64, last: FragmentNumber },
    /// All is given.
    Ended,
}

/// Silence that is sent at once.
const CHUNK_SAMPLES: u64 = 16 * 1024;
static SILENCE: [u8; 2 * CHUNK_SAMPLES as usize] = [0; 2 * CHUNK_SAMPLES as usize];

impl SoundBody {
    /// The sound of a part of a contact's axis.
    ///
    /// # Errors
    /// `Key` where the key of a stream may not be used; `Internal`.
    pub(super) async fn open(
        store: &MediaStore,
        contact: &Contact,
        wanted: WantedSound,
    ) -> Result<Self, StoreError> {
        let WantedSound { part, form } = wanted;
        let (from_ms, to_ms) = (i64::from(part.from_ms.unwrap_or(0)), part.to_ms.map(i64::from));
        let extent = Extent::of(store, contact, from_ms, to_ms).await?;
        let (start_ms, end_ms, captures) =
            extent.map_or((0, 0, Vec::new()), |extent| (extent.start_ms, extent.end_ms, extent.captures));
        let samples = |ms: i64| u64::try_from(ms).unwrap_or(0) * u64::from(SAMPLES_PER_MS);
        let end = samples(end_ms.saturating_sub(start_ms));
        let from = samples(from_ms).min(end);
        let to = to_ms.map_or(end, samples).clamp(from, end);
        let bytes = 2 * (to - from);
        let mut due = VecDeque::new();
        let (content, length_bytes) = match form {
            SoundForm::Matroska => (Content::Matroska { from, to, last: FragmentNumber::MIN }, None),
            SoundForm::Raw(track) => (Content::Samples { track, at: from, to }, Some(bytes)),
            SoundForm::Wav(track) => {
                let length = u32::try_from(to - from).map_or(WavLength::Unknown, WavLength::Samples);
                let header = Bytes::copy_from_slice(&wav::header(length));
                let length_bytes = Some(bytes + header.len() as u64);
                due.push_back(Due::Bytes(header));
                (Content::Samples { track, at: from, to }, length_bytes)
            }
        };
        let fragments = Fragments::new(store.clone(), captures);
        Ok(Self { position_samples: from, length_bytes, fragments, start_ms, content, due })
    }

    /// The next chunk; `None` at the end. A body of samples that cannot be read to its end is shorter than it was said to be,
    /// which breaks its connection off.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        loop {
            match self.due.pop_front() {
                Some(Due::Bytes(chunk)) => return Some(chunk),
                Some(Due::Silence(0)) => continue,
                Some(Due::Silence(samples)) => {
                    let now = samples.min(CHUNK_SAMPLES);
                    self.due.push_front(Due::Silence(samples - now));
                    let bytes = usize::try_from(2 * now).unwrap_or(SILENCE.len());
                    return Some(Bytes::from_static(&SILENCE[..bytes]));
                }
                None => {}
            }
            match &mut self.content {
                Content::Ended => return None,
                Content::Samples { at, to, .. } if *at >= *to => self.content = Content::Ended,
                Content::Samples { .. } | Content::Matroska { .. } => match self.fragments.next().await {
                    Ok(Some(fragment)) => self.take(fragment),
                    Ok(None) => self.all_read(),
                    Err(error) => self.failed(&error),
                },
            }
        }
    }

    fn take(&mut self, fragment: Fragment) {
        let begin = place(fragment.meta.producer, self.start_ms);
        let mut decoder = Decoder::new(fragment.head.clone());
        let blocks = decoder.push(fragment.body.clone());
        match &mut self.content {
            Content::Samples { track, at, to } => {
                let mut together = BytesMut::new();
                for block in blocks.iter().filter(|block| block.track == *track) {
                    let Some((place, pcm)) = within(block, begin, *at, *to) else { continue };
                    // Blocks of a fragment follow one another: only the first one comes after a hole.
                    self.due.push_back(Due::Silence(place - *at));
                    *at = place + pcm.len() as u64 / 2;
                    together.extend_from_slice(pcm);
                }
                if !together.is_empty() {
                    self.due.push_back(Due::Bytes(together.freeze()));
                }
            }
            Content::Matroska { from, to, last } => {
                *last = fragment.meta.number;
                // What cannot be listened to is as long as its blocks are apart.
                let unheard = (u64::from(fragment.meta.duration_ms) + 1) * u64::from(SAMPLES_PER_MS);
                let samples = if decoder.samples() > 0 { decoder.samples() } else { unheard };
                let end = begin.saturating_add_unsigned(samples);
                let is_wanted = from < to
                    && end > i64::try_from(*from).unwrap_or(i64::MAX)
                    && begin < i64::try_from(*to).unwrap_or(i64::MAX);
                if is_wanted {
                    self.due.extend(tympan_kvs::fragment_document(fragment).into_iter().map(Due::Bytes));
                }
            }
            Content::Ended => {}
        }
    }

    /// No fragment follows.
    fn all_read(&mut self) {
        match &mut self.content {
            Content::Samples { at, to, .. } => {
                self.due.push_back(Due::Silence(*to - *at));
                *at = *to;
            }
            content => *content = Content::Ended,
        }
    }

    fn failed(&mut self, error: &StoreError) {
        tracing::warn!(%error, "captured sound cannot be read to its end");
        if let Content::Matroska { last, .. } = &self.content {
            self.due.push_back(Due::Bytes(tympan_kvs::error_document_of(*last, error)));
        }
        self.content = Content::Ended;
    }
}

/// What of a block lies between two places, and where; its fragment begins at `begin`.
fn within(block: &Block, begin: i64, from: u64, to: u64) -> Option<(u64, &[u8])> {
    let place = begin.saturating_add_unsigned(block.at);
    let (from, to) = (i64::try_from(from).ok()?, i64::try_from(to).ok()?);
    let end = place.saturating_add_unsigned(block.samples()).min(to);
    let first = place.max(from);
    if first >= end {
        return None;
    }
    let byte = |at: i64| usize::try_from(2 * (at - place)).ok();
    let pcm = block.pcm.get(byte(first)?..byte(end)?)?;
    Some((u64::try_from(first).ok()?, pcm))
}

#[cfg(test)]
#[path = "body_tests.rs"]
mod tests;

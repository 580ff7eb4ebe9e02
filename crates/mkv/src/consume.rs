//! Fragments as owned values, for programs that play, store or transcribe what a GetMedia-like stream delivers.
//!
//! A fragment here is a Cluster with the tags around it. In the streams that KVS returns each has a document of its
//! own, with service tags before the Cluster and more tags after it; in a producer's stream many share a document.

use crate::fragment::{BlockHeader, DEFAULT_TIMECODE_SCALE_NS, FragmentReader, FragmentSink, Track};
use crate::lacing::{Frames, Lacing};
use crate::{Limits, MkvError, element};
use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;
use std::sync::Arc;

/// A name and a value from a Tags element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// TagName.
    pub name: String,
    /// TagString, or empty.
    pub value: String,
}

/// One frame of one track.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// TrackNumber.
    pub track: u64,
    /// Cluster time plus block time. Units: nanoseconds. Frames laced into one block share it.
    pub time_ns: i64,
    /// Flags of the block, as written.
    pub flags: u8,
    /// The frame. It shares the memory of the chunk that was pushed, unless a cut fell into it.
    pub data: Bytes,
}

/// What a [`MediaReader`] found, in the order of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MediaEvent {
    /// A fragment begins: its Cluster's Timestamp has arrived.
    FragmentStart {
        /// Tags since the fragment before, or since the document began.
        tags: Vec<Tag>,
        /// The tracks that the document declares.
        tracks: Arc<[Track]>,
        /// The Cluster's Timestamp as written.
        timecode: u64,
        /// Units: nanoseconds per unit of `timecode`.
        timecode_scale_ns: u64,
    },
    /// A frame of the current fragment, as soon as its last byte has arrived.
    Frame(Frame),
    /// The fragment is over: another begins, or the stream has ended.
    FragmentEnd {
        /// Tags after the Cluster.
        tags: Vec<Tag>,
    },
    /// A document ended that has tags but no Cluster: how errors are told in mid-stream.
    TagsOnly {
        /// The tags.
        tags: Vec<Tag>,
    },
}

/// Reads fragments incrementally.
///
/// The law: after each [`push`](Self::push) and after [`finish`](Self::finish), call [`poll`](Self::poll) until it
/// returns `None`.
///
/// Memory: one block of at most [`Limits::max_block_bytes`], tags of at most [`Limits::max_tags`], and the events of
/// one push. A frame keeps the chunk that it came in alive.
/// Errors: those of [`FragmentReader`]; blocks or tag lists above the limits; laced sizes that do not add up. Frames
/// that were complete before the error can still be polled.
#[derive(Debug)]
pub struct MediaReader {
    reader: FragmentReader,
    assembly: Assembly,
}

impl MediaReader {
    /// A reader at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self { reader: FragmentReader::new(limits), assembly: Assembly::new(limits) }
    }

    /// Reads the next chunk of the stream.
    pub fn push(&mut self, chunk: Bytes) -> Result<(), MkvError> {
        self.assembly.check(&self.reader)?;
        let outcome = self.reader.push(&chunk, &mut Chunk { assembly: &mut self.assembly, chunk: &chunk });
        self.assembly.check(&self.reader)?;
        outcome
    }

    /// Ends the stream, and with it the fragment that is open.
    ///
    /// Errors: [`MkvError::Truncated`] where it ends inside an element; the open fragment is then left without its end.
    pub fn finish(&mut self) -> Result<(), MkvError> {
        self.assembly.check(&self.reader)?;
        let chunk = Bytes::new();
        self.reader.finish(&mut Chunk { assembly: &mut self.assembly, chunk: &chunk })?;
        self.assembly.close_document();
        Ok(())
    }

    /// The next event.
    pub fn poll(&mut self) -> Option<MediaEvent> {
        self.assembly.events.pop_front()
    }
}

/// Why the assembly refused what the reader accepted.
#[derive(Debug, Clone, Copy)]
enum Refusal {
    BlockTooLarge { bytes: u64 },
    TooManyTags,
    Lacing,
}

/// What has arrived of the current document.
#[derive(Debug)]
struct Assembly {
    limits: Limits,
    events: VecDeque<MediaEvent>,
    tracks: Arc<[Track]>,
    timecode_scale_ns: u64,
    /// Tags that no event has carried yet.
    tags: Vec<Tag>,
    timecode: u64,
    cluster: Cluster,
    /// The start of a block that a cut fell into.
    partial: BytesMut,
    refusal: Option<Refusal>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cluster {
    /// None since the document began.
    Awaited,
    /// Begun, but its Timestamp has not arrived and no event tells of it.
    Begun,
    /// Told, and no other has begun.
    Told,
}

impl Assembly {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            events: VecDeque::new(),
            tracks: Arc::from([]),
            timecode_scale_ns: DEFAULT_TIMECODE_SCALE_NS,
            tags: Vec::new(),
            timecode: 0,
            cluster: Cluster::Awaited,
            partial: BytesMut::new(),
            refusal: None,
        }
    }

    fn check(&self, reader: &FragmentReader) -> Result<(), MkvError> {
        let offset = reader.position();
        match self.refusal {
            None => Ok(()),
            Some(Refusal::BlockTooLarge { bytes }) => {
                let limit = self.limits.max_block_bytes as u64;
                Err(MkvError::TooLarge { id: element::SIMPLE_BLOCK, offset, size: bytes, limit })
            }
            Some(Refusal::TooManyTags) => {
                Err(MkvError::TooMany { id: element::SIMPLE_TAG, offset, limit: self.limits.max_tags })
            }
            Some(Refusal::Lacing) => {
                let reason = "the frame sizes of a laced block do not add up to its payload";
                Err(MkvError::BadValue { id: element::SIMPLE_BLOCK, offset, reason })
            }
        }
    }

    /// Nothing is told after a refusal.
    fn tell(&mut self, event: MediaEvent) {
        if self.refusal.is_none() {
            self.events.push_back(event);
        }
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.refusal.get_or_insert(refusal);
    }

    /// Tells the start of the fragment, once.
    fn open_fragment(&mut self) {
        if self.cluster == Cluster::Begun {
            self.cluster = Cluster::Told;
            let tags = std::mem::take(&mut self.tags);
            self.tell(MediaEvent::FragmentStart {
                tags,
                tracks: self.tracks.clone(),
                timecode: self.timecode,
                timecode_scale_ns: self.timecode_scale_ns,
            });
        }
    }

    /// Tells the end of the fragment, if one is open.
    fn close_fragment(&mut self) {
        self.open_fragment();
        if self.cluster == Cluster::Told {
            self.cluster = Cluster::Awaited;
            let tags = std::mem::take(&mut self.tags);
            self.tell(MediaEvent::FragmentEnd { tags });
        }
    }

    fn close_document(&mut self) {
        self.close_fragment();
        if !self.tags.is_empty() {
            let tags = std::mem::take(&mut self.tags);
            self.tell(MediaEvent::TagsOnly { tags });
        }
    }

    fn block(&mut self, header: BlockHeader, payload: &Bytes) {
        self.open_fragment();
        let timecode = i128::from(self.timecode) + i128::from(header.relative_timecode);
        let time_ns = timecode.saturating_mul(i128::from(self.timecode_scale_ns));
        let time_ns = i64::try_from(time_ns.clamp(i64::MIN.into(), i64::MAX.into())).unwrap_or(i64::MAX);
        let frame =
            |data| MediaEvent::Frame(Frame { track: header.track, time_ns, flags: header.flags, data });
        if Lacing::of(header.flags) == Lacing::None {
            return self.tell(frame(payload.clone()));
        }
        let Ok(frames) = Frames::new(header.flags, payload) else {
            return self.refuse(Refusal::Lacing);
        };
        for laced in frames {
            match laced {
                Ok(laced) => self.tell(frame(payload.slice_ref(laced))),
                Err(_) => self.refuse(Refusal::Lacing),
            }
        }
    }
}

/// The assembly, while one chunk is being read.
struct Chunk<'a> {
    assembly: &'a mut Assembly,
    chunk: &'a Bytes,
}

impl FragmentSink for Chunk<'_> {
    fn document(&mut self) {
        self.assembly.close_document();
        self.assembly.tracks = Arc::from([]);
        self.assembly.timecode_scale_ns = DEFAULT_TIMECODE_SCALE_NS;
    }

    fn tracks(&mut self, tracks: &[Track]) {
        self.assembly.tracks = Arc::from(tracks);
    }

    fn timecode_scale(&mut self, ns: u64) {
        self.assembly.timecode_scale_ns = ns;
    }

    fn cluster_start(&mut self) {
        self.assembly.close_fragment();
        self.assembly.timecode = 0;
        self.assembly.cluster = Cluster::Begun;
    }

    fn cluster_timecode(&mut self, timecode: u64) {
        self.assembly.timecode = timecode;
        self.assembly.open_fragment();
    }

    fn block(&mut self, header: BlockHeader, payload: &[u8], last: bool) {
        let bytes = self.assembly.partial.len() + payload.len();
        if bytes > self.assembly.limits.max_block_bytes {
            self.assembly.refuse(Refusal::BlockTooLarge { bytes: bytes as u64 });
        } else if header.first && last {
            self.assembly.block(header, &self.chunk.slice_ref(payload));
        } else {
            self.assembly.partial.extend_from_slice(payload);
            if last {
                let whole = self.assembly.partial.split().freeze();
                self.assembly.block(header, &whole);
            }
        }
    }

    fn tag(&mut self, name: &str, value: &str) {
        if self.assembly.tags.len() == self.assembly.limits.max_tags {
            return self.assembly.refuse(Refusal::TooManyTags);
        }
        self.assembly.tags.push(Tag { name: name.to_owned(), value: value.to_owned() });
    }
}

#[cfg(test)]
mod tests;

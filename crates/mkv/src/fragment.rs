//! A Matroska stream as documents, tracks, Clusters, blocks and tags, each with its bytes as they were written.
//!
//! This is the view that a service needs which keeps a producer's bytes and still has to understand them, and that a
//! consumer of such streams reads. A document is an EBML header and the Segment after it; a stream is one document
//! (what a producer sends) or many (what GetMedia returns, one per fragment).
//!
//! Source: RFC 9559 section 5; the order of parts in recorded streams.

mod block;
mod tag;
mod track;

pub use block::BlockHeader;
pub use track::Track;

use crate::element::{self, ElementId};
use crate::read::{Event, Reader};
use crate::{Limits, MkvError, vint};
use block::BlockReader;
use tag::TagDraft;

/// TimestampScale where a document states none: timecodes are milliseconds.
pub const DEFAULT_TIMECODE_SCALE_NS: u64 = 1_000_000;

/// Which part of a document's head some bytes belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadPart {
    /// The EBML header.
    Ebml,
    /// Id and size of the Segment.
    SegmentHeader,
    /// Children of the Segment before Info and Tracks: SeekHead, Void, Tags.
    BeforeInfo,
    /// Info, Tracks and everything up to the first Cluster.
    FromInfo,
}

/// Receives what a [`FragmentReader`] finds, in the order of the stream. Methods left out do nothing.
///
/// The slices given to [`head`](Self::head), [`cluster_bytes`](Self::cluster_bytes) and
/// [`trailer_bytes`](Self::trailer_bytes) concatenate to the input, byte for byte, except for an element header that
/// the end of the input cuts in two.
pub trait FragmentSink {
    /// An EBML header begins: a new document of a concatenation, or the only one.
    fn document(&mut self) {}

    /// The next bytes of the document's head.
    fn head(&mut self, bytes: &[u8], part: HeadPart) {
        let _ = (bytes, part);
    }

    /// A child of the Segment that is not a Cluster begins; its bytes follow, through [`head`](Self::head) or
    /// [`trailer_bytes`](Self::trailer_bytes).
    fn segment_child(&mut self, id: ElementId) {
        let _ = id;
    }

    /// The child announced by [`segment_child`](Self::segment_child) is complete: its bytes and tags were delivered.
    fn segment_child_end(&mut self, id: ElementId) {
        let _ = id;
    }

    /// A Tracks element is complete.
    fn tracks(&mut self, tracks: &[Track]) {
        let _ = tracks;
    }

    /// An Info element is complete. Units: nanoseconds per timecode unit, at least 1;
    /// [`DEFAULT_TIMECODE_SCALE_NS`] where Info does not say.
    fn timecode_scale(&mut self, ns: u64) {
        let _ = ns;
    }

    /// A Cluster begins; its id and size follow through [`cluster_bytes`](Self::cluster_bytes).
    fn cluster_start(&mut self) {}

    /// The Cluster's Timestamp. Units: as written, to be multiplied by the scale.
    fn cluster_timecode(&mut self, timecode: u64) {
        let _ = timecode;
    }

    /// The next bytes of the Cluster, its id and size among them.
    fn cluster_bytes(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// The next piece of a block's payload, after its bytes went to [`cluster_bytes`](Self::cluster_bytes).
    ///
    /// Shape: a block that a cut fell into comes in several pieces with the same header, `first` set on the first
    /// and `last` given with the last, which may be empty; others come in one piece that is both.
    fn block(&mut self, block: BlockHeader, payload: &[u8], last: bool) {
        let _ = (block, payload, last);
    }

    /// A child of the Cluster is complete: its bytes, and its payload if it is a block, were delivered.
    fn cluster_child_end(&mut self) {}

    /// The Cluster ends: by its size, or because something follows that is no part of it.
    fn cluster_end(&mut self) {}

    /// The next bytes of the Segment's children after a Cluster (Cues, Tags): they belong to that Cluster.
    fn trailer_bytes(&mut self, bytes: &[u8]) {
        let _ = bytes;
    }

    /// A SimpleTag, wherever it stands, after its bytes were delivered. A tag without TagString has an empty value.
    fn tag(&mut self, name: &str, value: &str) {
        let _ = (name, value);
    }
}

/// Splits a Matroska byte stream into documents and Clusters and tells a [`FragmentSink`] what they hold.
///
/// Memory: values of leaf elements that a cut fell into wait in one buffer of at most
/// [`Limits::max_value_bytes`]; media never waits and is never copied.
/// Errors: malformed input, as [`MkvError`]; everything before it has been delivered.
#[derive(Debug)]
pub struct FragmentReader {
    reader: Reader,
    view: View,
    failed: Option<MkvError>,
}

impl FragmentReader {
    /// A reader at the start of a stream.
    pub fn new(limits: Limits) -> Self {
        Self { reader: Reader::new(limits), view: View::new(limits), failed: None }
    }

    /// Bytes of the stream delivered so far.
    pub fn position(&self) -> u64 {
        self.reader.position()
    }

    /// Reads the next piece of the stream, of any length.
    pub fn push(&mut self, input: &[u8], sink: &mut impl FragmentSink) -> Result<(), MkvError> {
        self.failed.map_or(Ok(()), Err)?;
        let mut rest = input;
        let outcome = loop {
            let offset = self.reader.position();
            if let Some((block, header_bytes)) = self.reader.next_whole_block(&mut rest) {
                if let Err(error) = self.view.whole_block(offset, block, header_bytes, sink) {
                    break Err(error);
                }
                continue;
            }
            match self.reader.next(&mut rest) {
                Ok(Some(event)) => {
                    if let Err(error) = self.view.on(event, sink) {
                        break Err(error);
                    }
                }
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        self.failed = outcome.err();
        outcome
    }

    /// Passes over the samples of a SimpleBlock of which everything before them has come: the sink, which has them by another way, gets the
    /// block and none of its bytes. `false`, and nothing has happened, unless so many bytes of such a block are missing.
    ///
    /// Errors: what is wrong with the block.
    pub fn skip_samples(&mut self, bytes: usize, sink: &mut impl FragmentSink) -> Result<bool, MkvError> {
        self.failed.map_or(Ok(()), Err)?;
        if !self.reader.skip_block(bytes as u64) {
            return Ok(false);
        }
        self.view.skipped(sink).inspect_err(|error| self.failed = Some(*error))?;
        Ok(true)
    }

    /// Ends the stream.
    ///
    /// Errors: [`MkvError::Truncated`] where it ends inside an element; a Cluster of unknown size is complete wherever
    /// one of its children ends.
    pub fn finish(&mut self, sink: &mut impl FragmentSink) -> Result<(), MkvError> {
        self.failed.map_or(Ok(()), Err)?;
        while let Some(event) = self.reader.finish().inspect_err(|error| self.failed = Some(*error))? {
            self.view.on(event, sink).inspect_err(|error| self.failed = Some(*error))?;
        }
        Ok(())
    }
}

/// How many masters enclose a child of the Cluster: the Segment and the Cluster.
const CLUSTER_CHILD_DEPTH: usize = 2;

/// Where the next bytes belong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Head(HeadPart),
    Cluster,
    Trailer,
}

/// What becomes of the payload that follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Payload {
    /// Bytes only.
    Opaque,
    /// A value to collect.
    Value,
    /// A block.
    Block,
}

/// Everything but the parsing of elements.
#[derive(Debug)]
struct View {
    limits: Limits,
    section: Section,
    /// An EBML header came and its Segment did not yet.
    segment_expected: bool,
    /// The child of the Segment, not a Cluster, that is being read.
    segment_child: Option<ElementId>,
    /// The child of the Cluster, not a SimpleBlock, that is being read.
    cluster_child: Option<ElementId>,
    /// Where the header of the current element begins.
    element_offset: u64,
    payload: Payload,
    /// The start of a value that a cut fell into.
    value: Vec<u8>,
    block: BlockReader,
    timecode_scale_ns: u64,
    tracks: Vec<Track>,
    /// The TrackEntry of which some children have been read.
    track: Track,
    tag: TagDraft,
}

impl View {
    fn new(limits: Limits) -> Self {
        Self {
            limits,
            section: Section::Head(HeadPart::Ebml),
            segment_expected: false,
            segment_child: None,
            cluster_child: None,
            element_offset: 0,
            payload: Payload::Opaque,
            value: Vec::new(),
            block: BlockReader::default(),
            timecode_scale_ns: DEFAULT_TIMECODE_SCALE_NS,
            tracks: Vec::new(),
            track: Track::default(),
            tag: TagDraft::default(),
        }
    }

    #[inline]
    fn on(&mut self, event: Event<'_>, sink: &mut impl FragmentSink) -> Result<(), MkvError> {
        match event {
            Event::Start { id, size, header, depth, offset } => {
                self.element_offset = offset;
                if id == element::SIMPLE_BLOCK {
                    self.payload = Payload::Block;
                    self.block.begin(true);
                    sink.cluster_bytes(header);
                    return Ok(());
                }
                self.enter_section(id, depth, sink)?;
                if depth == CLUSTER_CHILD_DEPTH && self.section == Section::Cluster {
                    self.cluster_child = Some(id);
                }
                self.deliver(header, sink);
                self.start(id, size.unwrap_or(0), sink)
            }
            Event::Data { id, bytes, last, .. } => {
                self.deliver(bytes, sink);
                match self.payload {
                    Payload::Opaque => {
                        if last {
                            self.end_segment_child(id, sink);
                        }
                    }
                    Payload::Value => self.collect(id, bytes, last, sink)?,
                    Payload::Block => {
                        self.block.read(bytes, last, sink).map_err(|reason| self.bad(id, reason))?;
                        if last && id == element::SIMPLE_BLOCK {
                            sink.cluster_child_end();
                        }
                    }
                }
                if last {
                    self.end_cluster_child(id, sink);
                }
                Ok(())
            }
            Event::End { id } => {
                self.end(id, sink);
                Ok(())
            }
        }
    }

    /// A SimpleBlock that lies in the input from its id to its end.
    #[inline]
    fn whole_block(
        &mut self,
        offset: u64,
        block: &[u8],
        header_bytes: usize,
        sink: &mut impl FragmentSink,
    ) -> Result<(), MkvError> {
        sink.cluster_bytes(block);
        let fault = match block::whole(&block[header_bytes..]) {
            Ok((header, payload)) => {
                sink.block(header, payload, true);
                sink.cluster_child_end();
                return Ok(());
            }
            Err(fault) => fault,
        };
        self.element_offset = offset;
        Err(self.bad(element::SIMPLE_BLOCK, fault))
    }

    fn skipped(&mut self, sink: &mut impl FragmentSink) -> Result<(), MkvError> {
        self.block.read(&[], true, sink).map_err(|reason| self.bad(element::SIMPLE_BLOCK, reason))?;
        sink.cluster_child_end();
        Ok(())
    }

    #[inline]
    fn deliver(&self, bytes: &[u8], sink: &mut impl FragmentSink) {
        match self.section {
            _ if bytes.is_empty() => {}
            Section::Head(part) => sink.head(bytes, part),
            Section::Cluster => sink.cluster_bytes(bytes),
            Section::Trailer => sink.trailer_bytes(bytes),
        }
    }

    /// Finds where an element's header belongs, before the header is delivered.
    fn enter_section(
        &mut self,
        id: ElementId,
        depth: usize,
        sink: &mut impl FragmentSink,
    ) -> Result<(), MkvError> {
        match (id, depth, self.section) {
            (element::EBML, ..) => {
                self.section = Section::Head(HeadPart::Ebml);
                self.segment_expected = true;
                sink.document();
            }
            (element::SEGMENT, ..) if !self.segment_expected => {
                return Err(MkvError::Misplaced { id, parent: None, offset: self.element_offset });
            }
            (element::SEGMENT, ..) => {
                self.section = Section::Head(HeadPart::SegmentHeader);
                self.segment_expected = false;
            }
            (element::CLUSTER, ..) => {
                self.section = Section::Cluster;
                sink.cluster_start();
            }
            (_, 1, Section::Head(HeadPart::SegmentHeader | HeadPart::BeforeInfo)) => {
                let is_head = matches!(id, element::INFO | element::TRACKS);
                self.section = Section::Head(if is_head { HeadPart::FromInfo } else { HeadPart::BeforeInfo });
                self.begin_segment_child(id, sink);
            }
            (_, 1, Section::Head(HeadPart::FromInfo) | Section::Trailer) => {
                self.begin_segment_child(id, sink)
            }
            _ => {}
        }
        Ok(())
    }

    fn begin_segment_child(&mut self, id: ElementId, sink: &mut impl FragmentSink) {
        self.segment_child = Some(id);
        sink.segment_child(id);
    }

    fn end_segment_child(&mut self, id: ElementId, sink: &mut impl FragmentSink) {
        if self.segment_child == Some(id) {
            self.segment_child = None;
            sink.segment_child_end(id);
        }
    }

    fn end_cluster_child(&mut self, id: ElementId, sink: &mut impl FragmentSink) {
        if self.cluster_child == Some(id) {
            self.cluster_child = None;
            sink.cluster_child_end();
        }
    }

    fn start(&mut self, id: ElementId, size: u64, sink: &mut impl FragmentSink) -> Result<(), MkvError> {
        self.payload = Payload::Opaque;
        match id {
            element::BLOCK => {
                self.payload = Payload::Block;
                self.block.begin(false);
            }
            element::INFO => self.timecode_scale_ns = DEFAULT_TIMECODE_SCALE_NS,
            element::TRACKS => self.tracks.clear(),
            element::TRACK_ENTRY if self.tracks.len() == self.limits.max_tracks => {
                return Err(MkvError::TooMany {
                    id,
                    offset: self.element_offset,
                    limit: self.limits.max_tracks,
                });
            }
            element::TRACK_ENTRY => self.track = Track::default(),
            element::SIMPLE_TAG => {
                // A SimpleTag that holds others is told before them, so that one draft is enough.
                self.tag.take(sink);
            }
            id if is_collected(id) => {
                let (limit, offset) = (self.limits.max_value_bytes as u64, self.element_offset);
                if size > limit {
                    return Err(MkvError::TooLarge { id, offset, size, limit });
                }
                self.payload = Payload::Value;
                self.value.clear();
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, id: ElementId, sink: &mut impl FragmentSink) {
        match id {
            element::INFO => sink.timecode_scale(self.timecode_scale_ns),
            element::TRACK_ENTRY => self.tracks.push(std::mem::take(&mut self.track)),
            element::TRACKS => sink.tracks(&self.tracks),
            element::SIMPLE_TAG => self.tag.take(sink),
            element::CLUSTER => {
                self.section = Section::Trailer;
                sink.cluster_end();
            }
            _ => {}
        }
        self.end_cluster_child(id, sink);
        self.end_segment_child(id, sink);
    }

    /// Waits for the whole value; one that lies in the input whole is used where it is.
    fn collect(
        &mut self,
        id: ElementId,
        bytes: &[u8],
        last: bool,
        sink: &mut impl FragmentSink,
    ) -> Result<(), MkvError> {
        if last && self.value.is_empty() {
            return self.value(id, bytes, sink);
        }
        self.value.extend_from_slice(bytes);
        if !last {
            return Ok(());
        }
        let value = std::mem::take(&mut self.value);
        let outcome = self.value(id, &value, sink);
        self.value = value;
        outcome
    }

    fn value(&mut self, id: ElementId, value: &[u8], sink: &mut impl FragmentSink) -> Result<(), MkvError> {
        match id {
            element::TIMECODE => sink.cluster_timecode(self.uint(id, value)?),
            element::TIMECODE_SCALE if value.is_empty() => {}
            element::TIMECODE_SCALE => match self.uint(id, value)? {
                0 => return Err(self.bad(id, "a timecode unit must last at least one nanosecond")),
                ns => self.timecode_scale_ns = ns,
            },
            element::TRACK_NUMBER => self.track.number = self.uint(id, value)?,
            element::TRACK_UID => self.track.uid = self.uint(id, value)?,
            element::TRACK_TYPE => match u8::try_from(self.uint(id, value)?) {
                Ok(kind) => self.track.kind = kind,
                Err(_) => return Err(self.bad(id, "a track type is a number of one byte")),
            },
            element::NAME => self.track.set_name(value),
            element::CODEC_ID => self.track.set_codec_id(value),
            element::CODEC_PRIVATE => self.track.codec_private = value.to_vec(),
            element::TAG_NAME => self.tag.set_name(value),
            element::TAG_STRING => self.tag.set_value(value),
            _ => {}
        }
        Ok(())
    }

    fn uint(&self, id: ElementId, value: &[u8]) -> Result<u64, MkvError> {
        if value.len() > 8 {
            return Err(self.bad(id, "a number has at most 8 bytes"));
        }
        Ok(vint::big_endian(value))
    }

    #[cold]
    fn bad(&self, id: ElementId, reason: &'static str) -> MkvError {
        MkvError::BadValue { id, offset: self.element_offset, reason }
    }
}

/// Elements whose value is looked at.
fn is_collected(id: ElementId) -> bool {
    matches!(
        id,
        element::TIMECODE
            | element::TIMECODE_SCALE
            | element::TRACK_NUMBER
            | element::TRACK_UID
            | element::TRACK_TYPE
            | element::NAME
            | element::CODEC_ID
            | element::CODEC_PRIVATE
            | element::TAG_NAME
            | element::TAG_STRING
    )
}

/// Replaces what `text` holds by the text of an element: up to the first zero byte, with U+FFFD for what is not UTF-8.
fn set_text(text: &mut String, value: &[u8]) {
    text.clear();
    if let Ok(valid) = std::str::from_utf8(value) {
        text.push_str(valid.split('\0').next().unwrap_or_default());
        return;
    }
    let padding_at = value.iter().position(|&byte| byte == 0).unwrap_or(value.len());
    for chunk in value[..padding_at].utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
}

#[cfg(test)]
mod tests;

//! What must hold for any input at all, well-formed or not: the body of the fuzz target `ebml`, and of the tests that
//! run its corpus.
//!
//! How the input is cut must not matter; the verbatim slices must concatenate to the input; nothing may panic.

use bytes::Bytes;
use tympan_mkv::consume::{MediaEvent, MediaReader};
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink, HeadPart, Track};
use tympan_mkv::read::{Event, Reader};
use tympan_mkv::{ElementId, Limits, MkvError};

/// Limits small enough for small inputs to reach them.
pub(crate) const TIGHT: Limits =
    Limits { max_depth: 5, max_value_bytes: 40, max_tracks: 1, max_block_bytes: 24, max_tags: 3 };

/// Checks one input under ample and under tight limits.
pub(crate) fn check(input: &[u8]) {
    for limits in [Limits::default(), TIGHT] {
        check_cuts(input, limits, &[1, 2, 3, 7, 13]);
    }
}

/// Checks that reading in pieces of each of these sizes is the same as reading whole.
pub(crate) fn check_cuts(input: &[u8], limits: Limits, pieces: &[usize]) {
    let whole = input.len().max(1);
    let elements = elements(input, limits, whole);
    let fragments = Transcript::of(input, limits, whole);
    let media = media(input, limits, whole);
    fragments.check_verbatim(input);
    for &piece in pieces {
        assert_eq!(self::elements(input, limits, piece), elements, "elements in pieces of {piece}");
        let cut = Transcript::of(input, limits, piece);
        cut.check_verbatim(input);
        assert_eq!(cut.said, fragments.said, "fragments in pieces of {piece}");
        assert_eq!(cut.outcome, fragments.outcome, "outcome in pieces of {piece}");
        if cut.outcome.is_ok() {
            assert_eq!(cut.sections, fragments.sections, "sections in pieces of {piece}");
        }
        assert_eq!(self::media(input, limits, piece), media, "media in pieces of {piece}");
    }
}

/// An element event that owns its bytes; payload in one piece.
#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    Start { id: ElementId, size: Option<u64>, header: Vec<u8>, depth: usize, offset: u64 },
    Data { id: ElementId, bytes: Vec<u8>, last: bool },
    End { id: ElementId },
}

/// The events of a [`Reader`], and how it ended.
pub(crate) fn elements(input: &[u8], limits: Limits, piece: usize) -> (Vec<Seen>, Result<(), MkvError>) {
    let mut reader = Reader::new(limits);
    let mut seen = Vec::new();
    let outcome = (|| {
        for mut rest in input.chunks(piece) {
            while let Some(event) = reader.next(&mut rest)? {
                see(&mut seen, event);
            }
            assert!(rest.is_empty(), "None means that all input was taken");
        }
        while let Some(event) = reader.finish()? {
            see(&mut seen, event);
        }
        Ok(())
    })();
    (seen, outcome)
}

fn see(seen: &mut Vec<Seen>, event: Event<'_>) {
    match event {
        Event::Start { id, size, header, depth, offset } => {
            seen.push(Seen::Start { id, size, header: header.to_vec(), depth, offset });
        }
        Event::End { id } => seen.push(Seen::End { id }),
        Event::Data { id, bytes, offset, last } => match seen.last_mut() {
            Some(Seen::Data { bytes: earlier, last: already, .. }) if offset > 0 => {
                assert!(!*already && earlier.len() as u64 == offset);
                earlier.extend_from_slice(bytes);
                *already = last;
            }
            _ => {
                assert_eq!(offset, 0);
                seen.push(Seen::Data { id, bytes: bytes.to_vec(), last });
            }
        },
    }
}

/// What a [`FragmentSink`] was told.
#[derive(Debug, PartialEq)]
pub(crate) enum Said {
    Document,
    SegmentChild(ElementId),
    SegmentChildEnd(ElementId),
    Tracks(Vec<Track>),
    TimecodeScale(u64),
    ClusterStart,
    ClusterTimecode(u64),
    Block { header: BlockHeader, payload: Vec<u8>, last: bool },
    ClusterEnd,
    Tag(String, String),
}

/// Where verbatim bytes were delivered to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Section {
    Head(HeadPart),
    Cluster,
    Trailer,
}

/// A [`FragmentReader`] at work on one input.
#[derive(Debug)]
pub(crate) struct Transcript {
    pub(crate) said: Vec<Said>,
    /// Runs of bytes by section; each Cluster and each child of the Segment begins a new one.
    pub(crate) sections: Vec<(Section, Vec<u8>)>,
    pub(crate) outcome: Result<(), MkvError>,
    broken: bool,
}

impl Transcript {
    pub(crate) fn of(input: &[u8], limits: Limits, piece: usize) -> Self {
        Self::of_pieces(input.chunks(piece), limits)
    }

    pub(crate) fn of_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: Limits) -> Self {
        let mut transcript = Self { said: Vec::new(), sections: Vec::new(), outcome: Ok(()), broken: true };
        let mut reader = FragmentReader::new(limits);
        let outcome = pieces
            .into_iter()
            .try_for_each(|piece| reader.push(piece, &mut transcript))
            .and_then(|()| reader.finish(&mut transcript));
        transcript.outcome = outcome;
        transcript
    }

    pub(crate) fn verbatim(&self) -> Vec<u8> {
        self.sections.iter().flat_map(|(_, bytes)| bytes).copied().collect()
    }

    pub(crate) fn check_verbatim(&self, input: &[u8]) {
        let verbatim = self.verbatim();
        assert!(input.starts_with(&verbatim), "every slice is a part of the input, in order");
        match self.outcome {
            Ok(()) => assert_eq!(verbatim.len(), input.len()),
            Err(MkvError::Truncated { .. }) => {
                assert!(input.len() - verbatim.len() < 12, "all but a cut header")
            }
            Err(_) => {}
        }
    }

    fn say(&mut self, said: Said) {
        self.said.push(said);
    }

    fn deliver(&mut self, section: Section, bytes: &[u8]) {
        assert!(!bytes.is_empty());
        match self.sections.last_mut() {
            Some((last, run)) if *last == section && !self.broken => run.extend_from_slice(bytes),
            _ => self.sections.push((section, bytes.to_vec())),
        }
        self.broken = false;
    }
}

impl FragmentSink for Transcript {
    fn document(&mut self) {
        self.broken = true;
        self.say(Said::Document);
    }

    fn head(&mut self, bytes: &[u8], part: HeadPart) {
        self.deliver(Section::Head(part), bytes);
    }

    fn segment_child(&mut self, id: ElementId) {
        self.broken = true;
        self.say(Said::SegmentChild(id));
    }

    fn segment_child_end(&mut self, id: ElementId) {
        self.say(Said::SegmentChildEnd(id));
    }

    fn tracks(&mut self, tracks: &[Track]) {
        self.say(Said::Tracks(tracks.to_vec()));
    }

    fn timecode_scale(&mut self, ns: u64) {
        self.say(Said::TimecodeScale(ns));
    }

    fn cluster_start(&mut self) {
        self.broken = true;
        self.say(Said::ClusterStart);
    }

    fn cluster_timecode(&mut self, timecode: u64) {
        self.say(Said::ClusterTimecode(timecode));
    }

    fn cluster_bytes(&mut self, bytes: &[u8]) {
        self.deliver(Section::Cluster, bytes);
    }

    fn block(&mut self, block: BlockHeader, payload: &[u8], last: bool) {
        let header = BlockHeader { first: true, ..block };
        if block.first {
            return self.say(Said::Block { header, payload: payload.to_vec(), last });
        }
        let Some(Said::Block { header: earlier, payload: pieces, last: already }) = self.said.last_mut()
        else {
            panic!("a piece that is not the first follows another");
        };
        assert!(*earlier == header && !*already);
        pieces.extend_from_slice(payload);
        *already = last;
    }

    fn cluster_end(&mut self) {
        self.say(Said::ClusterEnd);
    }

    fn trailer_bytes(&mut self, bytes: &[u8]) {
        self.deliver(Section::Trailer, bytes);
    }

    fn tag(&mut self, name: &str, value: &str) {
        self.say(Said::Tag(name.to_owned(), value.to_owned()));
    }
}

/// The events of a [`MediaReader`] and the element that it failed at, if it did.
pub(crate) fn media(
    input: &[u8],
    limits: Limits,
    piece: usize,
) -> (Vec<MediaEvent>, Option<Option<ElementId>>) {
    let mut reader = MediaReader::new(limits);
    let outcome = input
        .chunks(piece)
        .try_for_each(|chunk| reader.push(Bytes::copy_from_slice(chunk)))
        .and_then(|()| reader.finish());
    let events = std::iter::from_fn(|| reader.poll()).collect();
    (events, outcome.err().map(|error| error.element()))
}

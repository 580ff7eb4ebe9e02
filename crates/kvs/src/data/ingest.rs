//! From Matroska to the store: what a PutMedia session does with each part of its body.
//!
//! One Cluster is one fragment, together with what follows it up to the next Cluster. The producer's bytes go through
//! verbatim, and to live readers as they arrive.
//!
//! Source: PutMedia page (the rules that yield ERROR acks); recordings and captures for what belongs to which fragment.

use super::ack::{Ack, AckEvent, ErrorId};
use super::ack_stream::{AckQueue, Received};
use super::document_head::HeadDraft;
use crate::Limits;
use crate::connections::Connection;
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use tokio::time::Instant;
use tympan_mkv::element::{self, ElementId};
use tympan_mkv::fragment::{BlockHeader, FragmentSink, HeadPart, Track};
use tympan_mkv::vint;
use tympan_store::{Ending, FragmentHead, Writer};
use tympan_types::{FragmentNumber, ProducerTime};

/// By which a producer completes a fragment at once.
const END_OF_FRAGMENT: &str = "AWS_KINESISVIDEO_END_OF_FRAGMENT";
/// Reserved names that producers may send: directives of the SDKs to the service.
const DIRECTIVES: [&str; 3] =
    ["AWS_KINESISVIDEO_IMAGE_GENERATION", "AWS_KINESISVIDEO_IMAGE_PREFIX", "AWS_KINESISVIDEO_NOTIFICATION"];
/// Bytes of media collect in blocks of this size, so that small pushes do not each allocate. A live call holds on to
/// the blocks of its open fragment and, on average, to half a block more.
const BLOCK_BYTES: usize = 2 * 1024;
/// The last millisecond of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;

/// What a session is told when it begins.
pub(crate) struct IngestRules {
    pub(crate) limits: Limits,
    /// Added to scaled timecodes: the producer's start for RELATIVE, 0 for ABSOLUTE.
    pub(crate) start: ProducerTime,
    /// The producer wants acks.
    pub(crate) acks: bool,
    /// From here on the session ends as soon as a fragment does.
    pub(crate) expires_at: Option<Instant>,
}

/// The sink of a session's Matroska.
pub(crate) struct Ingest {
    rules: IngestRules,
    acks: Arc<AckQueue>,
    /// Present while the session takes media.
    open: Option<(Writer, Connection)>,
    retained: bool,
    document: Document,
    cluster: Cluster,
    last_timecode: Option<u64>,
    /// Bytes of the fragment that the store does not have yet.
    pending: BytesMut,
    trailer: Trailer,
    /// Fragments begun so far.
    begun: u64,
}

/// What is known of the producer's document.
struct Document {
    begun: bool,
    /// The head while it arrives; none once the first Cluster has begun.
    draft: Option<HeadDraft>,
    /// Goes before each fragment; before the first one of a session another may.
    head: Bytes,
    first_head: Option<Bytes>,
    scale_ns: u64,
    tracks: Vec<DeclaredTrack>,
    /// Tags before Info: they belong to the first fragment.
    leading_tags: usize,
}

struct DeclaredTrack {
    number: u64,
    /// Has a block in the open fragment.
    seen: bool,
}

/// Where in the sequence of Clusters the session is.
enum Cluster {
    /// None has begun, or the last fragment is complete.
    None,
    /// Begun, its Timestamp still to come.
    Begun { bytes: usize },
    /// The fragment is open.
    Open(OpenFragment),
}

struct OpenFragment {
    number: FragmentNumber,
    timecode: u64,
    /// Head, Cluster and what follows it.
    bytes: usize,
    /// Relative timecodes of the earliest and the latest block.
    blocks: Option<(i16, i16)>,
    tags: usize,
}

/// The child of the Segment that follows a Cluster.
#[derive(Default)]
struct Trailer {
    id: Option<ElementId>,
    /// Bytes to its end; none while its header is still to come.
    left: Option<u64>,
    /// It held the tag that ends the fragment.
    ends_fragment: bool,
}

impl Ingest {
    pub(crate) fn new(
        rules: IngestRules,
        acks: Arc<AckQueue>,
        writer: Writer,
        connection: Connection,
    ) -> Self {
        let retained = writer.stream().retention_hours > 0;
        Self { retained, ..Self::closed(rules, acks).with(writer, connection) }
    }

    /// A session that takes nothing, because it failed before it began.
    pub(crate) fn closed(rules: IngestRules, acks: Arc<AckQueue>) -> Self {
        Self {
            rules,
            acks,
            open: None,
            retained: false,
            document: Document {
                begun: false,
                draft: Some(HeadDraft::default()),
                head: Bytes::new(),
                first_head: None,
                scale_ns: tympan_mkv::fragment::DEFAULT_TIMECODE_SCALE_NS,
                tracks: Vec::new(),
                leading_tags: 0,
            },
            cluster: Cluster::None,
            last_timecode: None,
            pending: BytesMut::new(),
            trailer: Trailer::default(),
            begun: 0,
        }
    }

    fn with(mut self, writer: Writer, connection: Connection) -> Self {
        self.open = Some((writer, connection));
        self
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Fragments begun so far.
    pub(crate) fn begun(&self) -> u64 {
        self.begun
    }

    pub(crate) fn writer(&self) -> Option<&Writer> {
        self.open.as_ref().map(|(writer, _)| writer)
    }

    /// Gives the store what has arrived of the open fragment.
    pub(crate) fn flush(&mut self) {
        if let (Some((writer, _)), Cluster::Open(_)) = (&mut self.open, &self.cluster)
            && !self.pending.is_empty()
        {
            writer.push(self.pending.split().freeze());
        }
    }

    /// Completes the open fragment, if there is one.
    pub(crate) fn seal(&mut self) {
        let fragment = match &self.cluster {
            Cluster::Open(fragment) => fragment,
            Cluster::Begun { .. } => return self.fail(ErrorId::InvalidMkvData, "a Cluster has no Timestamp"),
            Cluster::None => return,
        };
        if self.document.tracks.iter().any(|track| !track.seen) {
            return self
                .fail(ErrorId::FramesMissingForTrack, "a declared track has no frame in the fragment");
        }
        let (number, timecode) = (fragment.number, fragment.timecode);
        let duration_ms = fragment.duration_ms(self.document.scale_ns);
        self.flush();
        self.cluster = Cluster::None;
        self.trailer = Trailer::default();
        self.document.tracks.iter_mut().for_each(|track| track.seen = false);
        let Some((writer, _)) = &mut self.open else { return };
        let outcome = writer.seal(u32::try_from(duration_ms).unwrap_or(u32::MAX));
        let told = match (self.rules.acks, self.retained) {
            (false, _) => Received::Silent,
            (true, false) => Received::Only,
            (true, true) => Received::ThenPersisted,
        };
        self.acks.received(timecode, number, outcome, told);
    }

    /// Ends the session: nothing more is taken. An open fragment is taken back.
    pub(crate) fn close(&mut self, ending: Ending) {
        if let Some((writer, _)) = self.open.take() {
            writer.close(ending);
        }
        self.cluster = Cluster::None;
        self.pending = BytesMut::new();
        self.acks.end();
    }

    /// Ends the session with an ERROR ack.
    pub(crate) fn fail(&mut self, id: ErrorId, why: &str) {
        if self.open.is_none() {
            return;
        }
        let (timecode, number) = match &self.cluster {
            Cluster::Open(fragment) => (Some(fragment.timecode), Some(fragment.number)),
            Cluster::None | Cluster::Begun { .. } => (self.last_timecode, None),
        };
        tracing::warn!(error_id = id.id(), error_code = id.code(), why, "putmedia session failed");
        self.acks.fail(Ack { event: AckEvent::Error(id), timecode, number });
        self.close(Ending::Disconnected);
    }

    /// The Cluster's Timestamp is known: the fragment begins.
    fn begin(&mut self, timecode: u64, cluster_bytes: usize) {
        let previous = self.last_timecode.replace(timecode);
        if previous.is_some_and(|previous| timecode < previous) {
            return self
                .fail(ErrorId::TimecodeLesserThanPrevious, "the timecode is less than the previous one");
        }
        if self.document.tracks.is_empty() {
            return self.fail(ErrorId::InvalidMkvData, "a Cluster comes before any track is declared");
        }
        let Some(producer) = self.producer_time(timecode) else {
            return self
                .fail(ErrorId::InvalidProducerTimestamp, "start and timecode are beyond the year 9999");
        };
        let (head, tags) = self.document.fragment_head();
        let head_bytes = head.len();
        let Some((writer, _)) = &mut self.open else { return };
        let number = match writer.begin(FragmentHead { head, producer }) {
            Ok(number) => number,
            Err(error) => return self.fail(ErrorId::of_store(&error), error.message()),
        };
        self.begun += 1;
        let bytes = head_bytes + cluster_bytes;
        self.cluster = Cluster::Open(OpenFragment { number, timecode, bytes, blocks: None, tags });
        if self.rules.acks {
            let event = AckEvent::Buffering;
            self.acks.tell(Ack { event, timecode: Some(timecode), number: Some(number) });
        }
    }

    fn producer_time(&self, timecode: u64) -> Option<ProducerTime> {
        let ms = u128::from(timecode) * u128::from(self.document.scale_ns) / 1_000_000;
        let ms = self.rules.start.unix_ms().checked_add(i64::try_from(ms).ok()?)?;
        (0..=LAST_MS).contains(&ms).then_some(ProducerTime::from_unix_ms(ms))
    }

    /// Takes bytes of a Cluster or of what follows it.
    fn take(&mut self, bytes: &[u8]) {
        let most = self.rules.limits.fragment_bytes;
        let taken = match &mut self.cluster {
            Cluster::None => return,
            Cluster::Begun { bytes: taken } => taken,
            Cluster::Open(fragment) => &mut fragment.bytes,
        };
        *taken += bytes.len();
        if *taken > most {
            return self.fail(ErrorId::MaxFragmentSize, "the fragment is larger than allowed");
        }
        if self.pending.capacity() - self.pending.len() < bytes.len() {
            self.pending.reserve(bytes.len().max(BLOCK_BYTES));
        }
        self.pending.extend_from_slice(bytes);
    }

    /// A tag of the producer; `false` where it breaks a rule.
    fn is_tag_allowed(&self, name: &str, value: &str, earlier: usize) -> bool {
        let limits = &self.rules.limits;
        let reserved = name.starts_with("AWS") && !DIRECTIVES.contains(&name);
        !reserved
            && earlier < limits.fragment_tags
            && name.len() <= limits.tag_name_bytes
            && value.len() <= limits.tag_value_bytes
    }
}

impl Document {
    /// The head for the next fragment, and how many tags it brings with it.
    fn fragment_head(&mut self) -> (Bytes, usize) {
        if let Some(draft) = self.draft.take() {
            let (first, others) = draft.finish();
            (self.first_head, self.head) = (Some(first), others);
        }
        match self.first_head.take() {
            Some(first) => (first, self.leading_tags),
            None => (self.head.clone(), 0),
        }
    }
}

impl OpenFragment {
    /// From the first to the last block.
    fn duration_ms(&self, scale_ns: u64) -> u64 {
        let Some((first, last)) = self.blocks else { return 0 };
        u64::from(last.abs_diff(first)).saturating_mul(scale_ns) / 1_000_000
    }
}

impl FragmentSink for Ingest {
    fn document(&mut self) {
        if self.document.begun {
            self.fail(ErrorId::InvalidMkvData, "a second document begins; a session carries one");
        }
        self.document.begun = true;
    }

    fn head(&mut self, bytes: &[u8], part: HeadPart) {
        let Some(draft) = &mut self.document.draft else { return };
        if draft.len() + bytes.len() > self.rules.limits.head_bytes {
            return self.fail(ErrorId::InvalidMkvData, "too much precedes the first Cluster");
        }
        draft.push(bytes, part);
    }

    fn segment_child(&mut self, id: ElementId) {
        if let Some(draft) = &mut self.document.draft {
            return draft.child(id);
        }
        if self.trailer.ends_fragment {
            self.seal();
        }
        self.trailer = Trailer { id: Some(id), ..Trailer::default() };
    }

    fn tracks(&mut self, tracks: &[Track]) {
        if self.document.draft.is_none() {
            return;
        }
        if tracks.len() > self.rules.limits.tracks {
            return self.fail(ErrorId::MoreThanAllowedTracks, "the document has more tracks than allowed");
        }
        let declared = tracks.iter().map(|track| DeclaredTrack { number: track.number, seen: false });
        self.document.tracks = declared.collect();
    }

    fn timecode_scale(&mut self, ns: u64) {
        if self.document.draft.is_some() {
            self.document.scale_ns = ns;
        }
    }

    fn cluster_start(&mut self) {
        self.seal();
        if self.is_open() && self.rules.expires_at.is_some_and(|at| Instant::now() >= at) {
            // It is about no fragment: all that began were taken.
            self.last_timecode = None;
            return self.fail(ErrorId::MaxConnectionDuration, "the session has lived its time");
        }
        if self.is_open() {
            self.cluster = Cluster::Begun { bytes: 0 };
        }
    }

    fn cluster_bytes(&mut self, bytes: &[u8]) {
        self.take(bytes);
    }

    fn cluster_timecode(&mut self, timecode: u64) {
        match self.cluster {
            Cluster::Begun { bytes } => self.begin(timecode, bytes),
            Cluster::Open(_) => self.fail(ErrorId::InvalidMkvData, "a Cluster has two Timestamps"),
            Cluster::None => {}
        }
    }

    fn block(&mut self, block: BlockHeader, _payload: &[u8], _last: bool) {
        if !block.first {
            return;
        }
        let fragment = match &mut self.cluster {
            Cluster::Open(fragment) => fragment,
            Cluster::Begun { .. } => {
                return self.fail(ErrorId::InvalidMkvData, "a block comes before its Cluster's Timestamp");
            }
            Cluster::None => return,
        };
        let Some(track) = self.document.tracks.iter_mut().find(|track| track.number == block.track) else {
            return self.fail(ErrorId::TrackNumberMismatch, "a block is of a track that is not declared");
        };
        track.seen = true;
        let at = block.relative_timecode;
        let (first, last) = fragment.blocks.unwrap_or((at, at));
        fragment.blocks = Some((first.min(at), last.max(at)));
        let duration_ms = fragment.duration_ms(self.document.scale_ns);
        if u128::from(duration_ms) > self.rules.limits.fragment_duration.as_millis() {
            self.fail(ErrorId::MaxFragmentDuration, "the fragment lasts longer than allowed");
        }
    }

    fn trailer_bytes(&mut self, bytes: &[u8]) {
        let size = bytes.len() as u64;
        self.trailer.left = Some(match self.trailer.left {
            // The first bytes are the whole header.
            None => payload_bytes(bytes),
            Some(left) => left.saturating_sub(size),
        });
        self.take(bytes);
    }

    fn tag(&mut self, name: &str, value: &str) {
        if let Some(draft) = &self.document.draft {
            if !draft.is_in_leading_tags() {
                return;
            }
            if !self.is_tag_allowed(name, value, self.document.leading_tags) {
                return self
                    .fail(ErrorId::FragmentMetadataLimit, "a tag before Info breaks the rules of tags");
            }
            self.document.leading_tags += 1;
            return;
        }
        let Cluster::Open(fragment) = &self.cluster else { return };
        if name == END_OF_FRAGMENT {
            self.trailer.ends_fragment = true;
            if self.trailer.id == Some(element::TAGS) && self.trailer.left == Some(0) {
                self.seal();
            }
            return;
        }
        if !self.is_tag_allowed(name, value, fragment.tags) {
            return self.fail(ErrorId::FragmentMetadataLimit, "a tag breaks the rules of tags");
        }
        if let Cluster::Open(fragment) = &mut self.cluster {
            fragment.tags += 1;
        }
    }
}

/// The payload of an element by its header; without end where it has no size.
fn payload_bytes(header: &[u8]) -> u64 {
    let id_bytes = header.first().and_then(|first| vint::encoded_len(*first)).unwrap_or(0);
    let size = header.get(id_bytes..).filter(|size| !size.is_empty()).map(vint::size);
    match size {
        Some(vint::Size::Known(bytes)) => bytes,
        Some(vint::Size::Unknown) | None => u64::MAX,
    }
}

//! From Matroska to the store: what a PutMedia session does with each part of its body.
//!
//! One Cluster is one fragment, together with what follows it up to the next Cluster. The producer's bytes go through
//! verbatim, and to live readers as they arrive, whole elements at a time.
//!
//! A fragment gets its number with its first block: until then it may be one that an earlier session has left open. See
//! [`super::resume`].
//!
//! Source: PutMedia page (the rules that yield ERROR acks); recordings and captures for what belongs to which fragment.

use super::ack::{Ack, AckEvent, ErrorId};
use super::ack_stream::{AckQueue, Received};
use super::document_head::HeadDraft;
use super::elements::{ClusterSize, span_ms};
use super::hold::{Bell, Holds};
use super::put_media::AcksTold;
use super::resume::Comparison;
use crate::Limits;
use crate::companded::{Companded, Law};
use crate::connections::Connection;
use bytes::{Buf, Bytes, BytesMut};
use std::sync::Arc;
use tokio::time::Instant;
use tympan_store::{Ending, Writer};
use tympan_types::{FragmentNumber, ProducerTime};

mod beginning;
mod sink;

/// Reserved names that producers may send: directives of the SDKs to the service.
const DIRECTIVES: [&str; 3] =
    ["AWS_KINESISVIDEO_IMAGE_GENERATION", "AWS_KINESISVIDEO_IMAGE_PREFIX", "AWS_KINESISVIDEO_NOTIFICATION"];
/// Bytes of media collect in blocks of this size, so that small pushes do not each allocate. A live call holds on to
/// the blocks of its open fragment and, on average, to half a block more.
const BLOCK_BYTES: usize = 2 * 1024;
/// An index that is longer is left out by the store, which counts it.
const INDEX_MAX_BYTES: usize = 2 << 20;
/// What a piece of companded samples has beside them and what stands before them, at most.
const CODED_OVERHEAD_BYTES: usize = 10;
/// The last millisecond of the year 9999.
const LAST_MS: i64 = 253_402_300_799_999;

/// What a session is told when it begins.
pub(crate) struct IngestRules {
    pub(crate) limits: Limits,
    /// Added to scaled timecodes: the producer's start for RELATIVE, 0 for ABSOLUTE.
    pub(crate) start: ProducerTime,
    /// What the producer wants to be told.
    pub(crate) acks: AcksTold,
    /// From here on the session ends as soon as a fragment does.
    pub(crate) expires_at: Option<Instant>,
    /// Its fragments may be continued by a later session, and it may continue those of an earlier one.
    pub(crate) resumes: bool,
}

impl IngestRules {
    fn wants_acks(&self) -> bool {
        self.acks != AcksTold::None
    }
}

/// The sink of a session's Matroska.
pub(crate) struct Ingest {
    rules: IngestRules,
    acks: Arc<AckQueue>,
    holds: Arc<Holds>,
    bell: Arc<Bell>,
    /// Present while the session takes media.
    open: Option<(Writer, Connection)>,
    document: Document,
    /// The Cluster that has begun and whose fragment is not complete.
    fragment: Option<OpenFragment>,
    previous: Option<Previous>,
    /// Bytes of the fragment that the store does not have yet.
    pending: BytesMut,
    /// So many of them are whole elements; the rest belongs to one that is still coming.
    whole: usize,
    /// What stands behind them, if there is a law: the samples of a block, companded.
    law: Option<Law>,
    codes: Vec<u8>,
    /// Room for pieces that hold such.
    coded: BytesMut,
    /// The block in that rest.
    block: Option<BlockSpan>,
    /// The Tags element in it holds the tag that ends the fragment.
    ends_fragment: bool,
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

/// What is remembered of the fragment before.
struct Previous {
    timecode: u64,
    /// Time of its latest frame, in the document's units.
    last_frame: i128,
}

struct OpenFragment {
    /// None while the Cluster's Timestamp is still to come.
    timecode: Option<u64>,
    stage: Stage,
    /// What BUFFERING has said of it.
    number: Option<FragmentNumber>,
    /// Head, Cluster and what follows it.
    bytes: usize,
    /// Relative timecodes of the earliest and the latest block.
    blocks: Option<(i16, i16)>,
    tags: usize,
    cluster: ClusterSize,
    /// As `cluster`, without the element that is still coming.
    cluster_before: ClusterSize,
    /// Something follows the Cluster.
    cluster_is_over: bool,
    /// What goes beside it.
    index: Vec<u8>,
}

enum Stage {
    /// Its first block is still to come.
    Begun,
    /// It may be one that is open elsewhere. All of it is pending.
    Compared(Box<Comparison>),
    /// It is open in the store.
    Open,
}

/// A block among the pending bytes.
#[derive(Clone, Copy)]
struct BlockSpan {
    track: u64,
    at: i16,
    /// Where its payload begins and ends.
    payload: (usize, usize),
}

impl Ingest {
    pub(crate) fn new(
        rules: IngestRules,
        acks: Arc<AckQueue>,
        holds: Arc<Holds>,
        mut writer: Writer,
        connection: Connection,
    ) -> Self {
        let mut session = Self::closed(rules, acks, holds);
        if session.rules.resumes {
            let bell = Arc::clone(&session.bell);
            writer.offer(Arc::new(move || bell.ring()));
            writer.begin_search();
        }
        session.open = Some((writer, connection));
        session
    }

    /// A session that takes nothing, because it failed before it began.
    pub(crate) fn closed(rules: IngestRules, acks: Arc<AckQueue>, holds: Arc<Holds>) -> Self {
        Self {
            rules,
            bell: Bell::new(Arc::clone(&acks)),
            acks,
            holds,
            open: None,
            document: Document {
                begun: false,
                draft: Some(HeadDraft::default()),
                head: Bytes::new(),
                first_head: None,
                scale_ns: tympan_mkv::fragment::DEFAULT_TIMECODE_SCALE_NS,
                tracks: Vec::new(),
                leading_tags: 0,
            },
            fragment: None,
            previous: None,
            pending: BytesMut::new(),
            whole: 0,
            law: None,
            codes: Vec::new(),
            coded: BytesMut::new(),
            block: None,
            ends_fragment: false,
            begun: 0,
        }
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

    /// The session ends at the next end of a fragment: now, if none has begun.
    pub(crate) fn end_soon(&mut self) {
        self.rules.expires_at = Some(self.acks.now());
        if self.fragment.is_none() {
            self.end_if_expired();
        }
    }

    /// Gives the store what has arrived of the open fragment, up to the end of an element.
    pub(crate) fn flush(&mut self) {
        if let (Some((writer, _)), Some(OpenFragment { stage: Stage::Open, .. })) =
            (&mut self.open, &self.fragment)
            && self.whole > 0
        {
            let whole = std::mem::take(&mut self.whole);
            let Some(law) = self.law.take() else {
                return writer.push(self.pending.split_to(whole).freeze());
            };
            let (before, codes) = (self.pending.get(..whole).unwrap_or_default(), &self.codes);
            let room = whole + codes.len() + CODED_OVERHEAD_BYTES;
            if self.coded.capacity() < room {
                self.coded.reserve(room.max(BLOCK_BYTES));
            }
            Companded::piece(before, law, codes, &mut self.coded);
            writer.push_coded(self.coded.split().freeze(), whole + 2 * codes.len());
            // Nothing shares these bytes: their room is taken again.
            if whole == self.pending.len() {
                self.pending.clear();
            } else {
                self.pending.advance(whole);
            }
        }
    }

    /// Whether the samples of a block may stay companded: the store keeps them so, and nothing is compared with them.
    pub(crate) fn keeps_codes(&self) -> bool {
        !self.rules.resumes && self.writer().is_some_and(|writer| writer.takes_form(Companded::FORM))
    }

    /// Takes the samples of the block of which everything else has come, before the reader passes over them.
    pub(crate) fn codes(&mut self, law: Law, codes: &[u8]) {
        self.expand_codes();
        if self.admit(2 * codes.len()) {
            if let Some(fragment) = &mut self.fragment {
                fragment.cluster.skip(2 * codes.len());
            }
            self.law = Some(law);
            self.codes.clear();
            self.codes.extend_from_slice(codes);
        }
    }

    /// They were not the samples of a block after all.
    pub(crate) fn forget_codes(&mut self) {
        if self.law.take().is_some()
            && let Some(fragment) = &mut self.fragment
        {
            fragment.bytes = fragment.bytes.saturating_sub(2 * self.codes.len());
        }
    }

    /// Bytes come behind codes that could not be given to the store as they are.
    fn expand_codes(&mut self) {
        if let Some(law) = self.law.take() {
            let mut samples = Vec::with_capacity(2 * self.codes.len());
            law.expand_into(&self.codes, &mut samples);
            let is_whole = self.whole == self.pending.len();
            self.pending.extend_from_slice(&samples);
            self.whole = if is_whole { self.pending.len() } else { self.whole };
        }
    }

    /// More of the index of the fragment that has begun; without one it goes nowhere.
    pub(crate) fn index(&mut self, index: &[u8]) {
        if let Some(fragment) = &mut self.fragment
            && fragment.index.len() <= INDEX_MAX_BYTES
        {
            fragment.index.extend_from_slice(index);
        }
    }

    /// The producer has ended the fragment, if there is one: completes it.
    pub(crate) fn seal(&mut self) {
        let Some(fragment) = &self.fragment else { return };
        if fragment.timecode.is_none() {
            return self.fail(ErrorId::InvalidMkvData, "a Cluster has no Timestamp");
        }
        if self.document.tracks.iter().any(|track| !track.seen) {
            return self
                .fail(ErrorId::FramesMissingForTrack, "a declared track has no frame in the fragment");
        }
        while let Some(OpenFragment { stage: Stage::Compared(comparison), .. }) = &mut self.fragment {
            let verdict = comparison.ended(ClusterSize::Left(0));
            // Only a held fragment that has grown meanwhile leaves it open.
            self.decide(verdict, None);
        }
        self.flush();
        let Some(OpenFragment { timecode: Some(timecode), number: Some(number), blocks, index, .. }) =
            self.end_fragment()
        else {
            return;
        };
        let Some((writer, _)) = &mut self.open else { return };
        let duration_ms = span_ms(blocks, self.document.scale_ns);
        let index = (!index.is_empty()).then(|| Bytes::from(index));
        let outcome = writer.seal_indexed(u32::try_from(duration_ms).unwrap_or(u32::MAX), index);
        if outcome.is_taken_over() {
            return self.close(Ending::Disconnected);
        }
        let told = match (self.rules.acks, outcome.is_for_disk()) {
            (AcksTold::None, _) => Received::Silent,
            (AcksTold::Every | AcksTold::Last, false) => Received::Only,
            (AcksTold::Every, true) => Received::ThenPersisted,
            (AcksTold::Last, true) => Received::Persisted,
        };
        self.acks.received(timecode, number, outcome, told);
    }

    /// Forgets the fragment at hand but for what the next one is compared with.
    fn end_fragment(&mut self) -> Option<OpenFragment> {
        self.pending.clear();
        (self.whole, self.block, self.ends_fragment, self.law) = (0, None, false, None);
        self.document.tracks.iter_mut().for_each(|track| track.seen = false);
        let fragment = self.fragment.take()?;
        let last_frame = fragment.frame_time(fragment.blocks.map_or(0, |(_, last)| last));
        self.previous = fragment.timecode.map(|timecode| Previous { timecode, last_frame });
        Some(fragment)
    }

    /// Ends the session: nothing more is taken. An open fragment is taken back.
    pub(crate) fn close(&mut self, ending: Ending) {
        if let Some((writer, _)) = self.open.take() {
            writer.close(ending);
        }
        self.fragment = None;
        (self.pending, self.coded) = (BytesMut::new(), BytesMut::new());
        (self.whole, self.block, self.law) = (0, None, None);
        self.acks.end();
    }

    /// Ends the session without the producer's word: an open fragment waits for the session that goes on with it.
    pub(crate) fn leave(&mut self) {
        self.flush();
        if let (Some(OpenFragment { stage: Stage::Compared(comparison), .. }), Some((writer, _))) =
            (&self.fragment, &mut self.open)
            && let Some(held) = comparison.repeated()
        {
            // Its producer was here just now: the time begins anew. A fragment that cannot be had is left as it is.
            writer.take_over_waiting(held.number, held.elements.pieces());
        }
        if let Some((mut writer, _)) = self.open.take() {
            writer.end_search();
            if self.rules.resumes {
                self.holds.keep(writer, Arc::clone(&self.bell), self.rules.wants_acks());
            } else {
                self.holds.seal(writer);
            }
        }
        self.close(Ending::Disconnected);
    }

    /// Ends the session because the server stops: a producer that waits for acks will send the open fragment again.
    pub(crate) fn stop(&mut self) {
        self.flush();
        if let Some((writer, _)) = self.open.take() {
            self.holds.stop_one(writer, self.rules.wants_acks());
        }
        self.close(Ending::Disconnected);
    }

    /// Ends the session with an ERROR ack.
    pub(crate) fn fail(&mut self, id: ErrorId, why: &str) {
        if self.open.is_none() {
            return;
        }
        let (timecode, number) = match &self.fragment {
            Some(fragment) => (fragment.timecode, fragment.number),
            None => (self.previous.as_ref().map(|previous| previous.timecode), None),
        };
        tracing::warn!(error_id = id.id(), error_code = id.code(), why, "putmedia session failed");
        self.acks.fail(Ack { event: AckEvent::Error(id), timecode, number });
        self.close(Ending::Disconnected);
    }

    /// A frame comes before the last one of the fragment before. The ack names the fragment, so it gets a number.
    fn fail_backwards(&mut self, why: &str) {
        if let (Some((writer, _)), Some(fragment)) = (&mut self.open, &mut self.fragment) {
            fragment.number = fragment.number.or_else(|| writer.mint().ok());
        }
        self.fail(ErrorId::TimecodeLesserThanPrevious, why);
    }

    /// Ends the session if it has lived its time. Called between fragments.
    fn end_if_expired(&mut self) {
        if self.is_open() && self.rules.expires_at.is_some_and(|at| self.acks.now() >= at) {
            // It is about no fragment: all that began were taken.
            self.previous = None;
            self.fail(ErrorId::MaxConnectionDuration, "the session has lived its time");
        }
    }

    /// The Cluster's Timestamp is known.
    fn timestamp(&mut self, timecode: u64) {
        if self.previous.as_ref().is_some_and(|previous| timecode < previous.timecode) {
            return self.fail_backwards("the timecode is less than the previous one");
        }
        if self.document.tracks.is_empty() {
            return self.fail(ErrorId::InvalidMkvData, "a Cluster comes before any track is declared");
        }
        if self.producer_time(timecode).is_none() {
            self.fail(ErrorId::InvalidProducerTimestamp, "start and timecode are beyond the year 9999");
        }
    }

    fn producer_time(&self, timecode: u64) -> Option<ProducerTime> {
        let ms = u128::from(timecode) * u128::from(self.document.scale_ns) / 1_000_000;
        let ms = self.rules.start.unix_ms().checked_add(i64::try_from(ms).ok()?)?;
        (0..=LAST_MS).contains(&ms).then_some(ProducerTime::from_unix_ms(ms))
    }

    /// Takes bytes of a Cluster or of what follows it.
    fn take(&mut self, bytes: &[u8]) {
        self.expand_codes();
        if !self.admit(bytes.len()) {
            return;
        }
        if self.pending.capacity() - self.pending.len() < bytes.len() {
            self.pending.reserve(bytes.len().max(BLOCK_BYTES));
        }
        self.pending.extend_from_slice(bytes);
    }

    /// Whether the open fragment may grow by so much.
    fn admit(&mut self, bytes: usize) -> bool {
        let most = self.rules.limits.fragment_bytes;
        let Some(fragment) = &mut self.fragment else { return false };
        fragment.bytes += bytes;
        let fits = fragment.bytes <= most;
        if !fits {
            self.fail(ErrorId::MaxFragmentSize, "the fragment is larger than allowed");
        }
        fits
    }

    /// The pending bytes end with an element.
    fn element_end(&mut self) {
        let Some(fragment) = &self.fragment else { return };
        match fragment.stage {
            Stage::Open => {}
            Stage::Begun if self.block.is_some() => self.first_block(),
            Stage::Begun => {}
            Stage::Compared(_) => self.compare(),
        }
        self.whole = self.pending.len();
        self.block = None;
        if let Some(fragment) = &mut self.fragment {
            fragment.cluster_before = fragment.cluster;
        }
    }

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
    /// The first Cluster has begun: the head is complete.
    fn end_head(&mut self) {
        if let Some(draft) = self.draft.take() {
            let (first, others) = draft.finish();
            (self.first_head, self.head) = (Some(first), others);
        }
    }

    /// The head for the next fragment.
    fn fragment_head(&mut self) -> Bytes {
        self.first_head.take().unwrap_or_else(|| self.head.clone())
    }

    /// Bytes and tags that the head of the next fragment brings with it.
    fn head_share(&self) -> (usize, usize) {
        match &self.first_head {
            Some(first) => (first.len(), self.leading_tags),
            None => (self.head.len(), 0),
        }
    }
}

impl OpenFragment {
    /// When a block is, in the document's units.
    fn frame_time(&self, relative: i16) -> i128 {
        i128::from(self.timecode.unwrap_or(0)) + i128::from(relative)
    }
}

impl BlockSpan {
    fn range(self) -> std::ops::Range<usize> {
        self.payload.0..self.payload.1
    }
}

//! The young end of a stream: fragments that are open, waiting for the disk, or in the journal but not yet in a chunk;
//! and the readers that follow them.
//!
//! Pure state under one mutex per stream: no clock, no I/O. Fragments stand in the order of their numbers, because
//! numbers are minted here. A reader keeps its place as a number and, within a live fragment, as a count of pieces;
//! the pieces are shared, so a thousand readers cost no copy and a slow one holds back only what it is amidst.

mod erasure;
mod handover;

pub(crate) use handover::Owner;
pub use handover::{HandoverBell, Standing, TakeOver};

use crate::codec::Piece;
use crate::gone::is_erased;
use crate::model::Now;
use crate::stream_rules::expires_before;
use crate::{
    Ending, FirstMatch, FragmentHead, FragmentMeta, FragmentRange, Located, ReadEvent, Reservation,
    StoreOptions, Stream, StreamRow, TimeAxis,
};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;
use tympan_types::{FragmentNumber, Mono, ProducerTime, ServerTime, WallTime};

/// When so few reserved sequence numbers are left, the next block is fetched in the background.
const RESERVE_AHEAD: u64 = 500;

pub(crate) struct Tail {
    /// Metadata as of the last change.
    pub(crate) stream: Arc<Stream>,
    expired_through: ServerTime,
    /// Of which something is left somewhere.
    erased: Arc<[FragmentRange]>,
    chunked_through: FragmentNumber,
    /// Durable, in the journal, not yet in a chunk.
    hot: VecDeque<Located>,
    /// Since when the oldest of them, or an older one, has waited for a chunk.
    hot_since: Mono,
    /// How much longer than that it is to seem.
    hot_aged_ms: i64,
    /// In memory: open, waiting for the disk, kept for live readers, or still being followed.
    live: VecDeque<Live>,
    kept_bytes: u64,
    next_sequence: u64,
    reserved_through: u64,
    reserving: bool,
    newest_server: ServerTime,
    writers: u32,
    /// Sessions that have begun so far: the next one's id.
    sessions: u64,
    /// Sessions that may still take an open fragment over.
    searching: u32,
    finished: bool,
    endings: u64,
    waiting: Vec<(ReaderId, Waker)>,
    readers: u64,
    deleted: bool,
}

/// A fragment whose bytes are in memory.
struct Live {
    number: FragmentNumber,
    producer: ProducerTime,
    server: ServerTime,
    begun: Mono,
    head: Bytes,
    bodies: Vec<Piece>,
    body_bytes: u64,
    state: LiveState,
    owner: Owner,
    /// It is open, and its producer has gone.
    waits: bool,
    /// Readers that are amidst it.
    followers: u32,
    /// What its writer gave when it was sealed.
    index: Option<Bytes>,
}

#[derive(Clone, Copy)]
enum LiveState {
    /// Its writer is adding to it.
    Open,
    /// Sealed; waits for the disk.
    Committing(FragmentMeta),
    /// Sealed, of a stream without retention: stays for live readers only.
    Kept(FragmentMeta),
    /// Durable, or refused by the disk: here only for those that follow it.
    Settled(FragmentMeta),
    /// Taken back.
    Abandoned,
}

/// Tells the fragments of one session of writing from those of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionId(u64);

/// Tells the wakers of one reader from those of another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ReaderId(u64);

/// Where a reader stands.
pub(crate) struct Place {
    pub(crate) id: ReaderId,
    /// Everything up to this number is behind the reader.
    pub(crate) after: FragmentNumber,
    /// What it still looks for; `Any` once it has found its first fragment.
    pub(crate) seek: FirstMatch,
    following: Option<Following>,
    delivered: bool,
    ending_told: Option<u64>,
}

struct Following {
    number: FragmentNumber,
    next_body: usize,
}

/// What a reader does next.
pub(crate) enum Step {
    /// Hand this out.
    Event(ReadEvent),
    /// Look in chunks, up to this number.
    Chunks(FragmentNumber),
    /// Read these records from the journal.
    Journal(Vec<Located>),
    /// Nothing yet.
    Wait,
}

/// What becomes of a fragment that was sealed.
pub(crate) enum Sealed {
    /// It goes to the disk.
    Commit { meta: FragmentMeta, head: Bytes, bodies: Vec<Piece> },
    /// It stays in memory for live readers; that is all that was promised.
    Kept,
    /// The stream was deleted meanwhile.
    Gone,
    /// Another session has taken it over.
    TakenOver,
}

/// Why no fragment can begin.
pub(crate) enum Refusal {
    /// The reserved sequence numbers are used up.
    NoSequence,
    /// The stream is deleted.
    Deleted,
}

impl Tail {
    /// The tail of a stream about which the catalogue says `row` and of which the journal holds `hot`, ascending.
    pub(crate) fn new(row: StreamRow, hot: Vec<Located>, now: Mono) -> Self {
        let newest_server =
            hot.last().map_or(row.newest_server, |last| last.meta.server.max(row.newest_server));
        Self {
            stream: Arc::new(row.stream),
            expired_through: row.expired_through,
            erased: row.erased.into(),
            chunked_through: row.chunked_through,
            hot: hot.into(),
            hot_since: now,
            hot_aged_ms: 0,
            live: VecDeque::new(),
            kept_bytes: 0,
            // What is reserved belonged to earlier sessions; this process reserves its own.
            next_sequence: row.reserved_through.saturating_add(1),
            reserved_through: row.reserved_through,
            reserving: false,
            newest_server,
            writers: 0,
            sessions: 0,
            searching: 0,
            finished: row.finished,
            endings: 0,
            waiting: Vec::new(),
            readers: 0,
            deleted: false,
        }
    }

    /// Takes changed metadata over, unless a later change was faster.
    pub(crate) fn refresh(&mut self, row: StreamRow) {
        self.expired_through = self.expired_through.max(row.expired_through);
        if row.stream.version >= self.stream.version {
            self.stream = Arc::new(row.stream);
        }
    }

    // ---- writing

    /// A session begins with a block of sequence numbers of its own.
    pub(crate) fn open_session(&mut self, block: Reservation) -> SessionId {
        self.grant(block);
        self.next_sequence = self.next_sequence.max(block.first);
        self.writers += 1;
        self.sessions += 1;
        self.finished = false;
        SessionId(self.sessions)
    }

    /// More sequence numbers.
    pub(crate) fn grant(&mut self, block: Reservation) {
        self.reserving = false;
        if block.first > self.reserved_through.saturating_add(1) {
            // Somebody else had the numbers between.
            self.next_sequence = block.first;
        }
        self.reserved_through = self.reserved_through.max(block.through);
    }

    /// The last reservation failed; the next fragment asks again.
    pub(crate) fn reservation_failed(&mut self) {
        self.reserving = false;
    }

    /// Whether a number is left to mint.
    pub(crate) fn has_sequence(&self) -> bool {
        self.next_sequence <= self.reserved_through
    }

    /// Whether somebody should reserve more numbers now. Says so once per block.
    pub(crate) fn wants_block(&mut self) -> bool {
        let wants = !self.reserving
            && !self.deleted
            && self.reserved_through.saturating_sub(self.next_sequence) < RESERVE_AHEAD;
        self.reserving |= wants;
        wants
    }

    /// Mints a number.
    pub(crate) fn mint(&mut self, now: Now, low28: u32) -> Result<FragmentNumber, Refusal> {
        if self.deleted {
            return Err(Refusal::Deleted);
        }
        if !self.has_sequence() {
            return Err(Refusal::NoSequence);
        }
        // Never backwards, and never where a fragment would be born expired.
        let server = ServerTime::from(now.wall).max(self.newest_server).max(self.expired_through.plus_ms(1));
        let number = FragmentNumber::new(self.next_sequence, server, low28);
        self.next_sequence += 1;
        self.newest_server = server;
        Ok(number)
    }

    /// Mints a number and shows the fragment to readers.
    pub(crate) fn begin(
        &mut self,
        now: Now,
        low28: u32,
        owner: &Owner,
        head: FragmentHead,
    ) -> Result<FragmentNumber, Refusal> {
        let number = self.mint(now, low28)?;
        self.live.push_back(Live {
            number,
            producer: head.producer,
            server: self.newest_server,
            begun: now.mono,
            head: head.head,
            bodies: Vec::new(),
            body_bytes: 0,
            state: LiveState::Open,
            owner: owner.clone(),
            waits: false,
            followers: 0,
            index: None,
        });
        self.wake();
        Ok(number)
    }

    /// Adds a piece to an open fragment.
    pub(crate) fn push(&mut self, owner: SessionId, number: FragmentNumber, body: Piece) {
        if let Some(live) = self.live_mut(number)
            && live.is_open_of(owner)
        {
            live.body_bytes += body.plain_bytes() as u64;
            live.bodies.push(body);
            self.wake();
        }
    }

    /// Completes an open fragment.
    pub(crate) fn seal(
        &mut self,
        owner: SessionId,
        number: FragmentNumber,
        duration_ms: u32,
        index: Option<Bytes>,
    ) -> Sealed {
        let keep = self.stream.retention_hours == 0;
        let Some(live) = self.live_mut(number) else {
            return if self.deleted { Sealed::Gone } else { Sealed::TakenOver };
        };
        if live.owner.session != owner {
            return Sealed::TakenOver;
        }
        let meta = FragmentMeta {
            number,
            producer: live.producer,
            server: live.server,
            duration_ms,
            head_bytes: u32::try_from(live.head.len()).unwrap_or(u32::MAX),
            body_bytes: u32::try_from(live.body_bytes).unwrap_or(u32::MAX),
        };
        live.index = index;
        if keep && self.is_erased(number) {
            // Nothing of it was promised beyond the time in memory that is over now.
            self.take_back(number);
            return Sealed::Kept;
        }
        let Some(live) = self.live_mut(number) else { return Sealed::Gone };
        let sealed = if keep {
            live.state = LiveState::Kept(meta);
            Sealed::Kept
        } else {
            live.state = LiveState::Committing(meta);
            Sealed::Commit { meta, head: live.head.clone(), bodies: live.bodies.clone() }
        };
        if keep {
            self.kept_bytes += meta.size_bytes();
        }
        self.wake();
        sealed
    }

    /// The disk has it. `false` if the stream is gone or the fragment erased, and nothing has the record.
    pub(crate) fn durable(&mut self, located: Located) -> bool {
        let begun = self.live_mut(located.meta.number).map(|live| live.begun);
        self.settle(located.meta.number);
        if self.deleted || self.is_erased(located.meta.number) {
            return false;
        }
        if self.hot.is_empty() {
            self.hot_since = begun.unwrap_or(self.hot_since);
            self.hot_aged_ms = 0;
        }
        // Two sessions may overlap and their records reach the disk the other way round.
        let at = self.hot.partition_point(|other| other.meta.number < located.meta.number);
        self.hot.insert(at, located);
        true
    }

    /// The disk refused it, or will: whoever follows it reads to its end, nobody else sees it.
    pub(crate) fn settle(&mut self, number: FragmentNumber) {
        if let Some(live) = self.live_mut(number) {
            if let LiveState::Committing(meta) = live.state {
                live.state = LiveState::Settled(meta);
            }
            self.drop_unneeded(number);
        }
    }

    /// Takes an open fragment back.
    pub(crate) fn abandon(&mut self, owner: SessionId, number: FragmentNumber) {
        if let Some(live) = self.live_mut(number)
            && live.is_open_of(owner)
        {
            self.take_back(number);
        }
    }

    fn take_back(&mut self, number: FragmentNumber) {
        if let Some(live) = self.live_mut(number) {
            live.state = LiveState::Abandoned;
            self.drop_unneeded(number);
            self.wake();
        }
    }

    /// A session ends.
    pub(crate) fn close_session(&mut self, ending: Ending) {
        self.writers = self.writers.saturating_sub(1);
        self.finished = ending == Ending::Finished;
        self.endings += 1;
        self.wake();
    }

    /// Whether the stream's last session is over and ended as `Finished`.
    pub(crate) fn is_finished(&self) -> bool {
        self.writers == 0 && self.finished
    }

    // ---- reading

    /// A place from which a reader begins.
    pub(crate) fn enter(&mut self, start: crate::Start) -> Place {
        use crate::Start;
        let (after, seek) = match start {
            Start::Earliest => (FragmentNumber::MIN, FirstMatch::Any),
            Start::After(number) => (number, FirstMatch::Any),
            Start::AtServer(at) => {
                (FragmentNumber::MIN, FirstMatch::Reaching { axis: TimeAxis::Server, at_ms: at.unix_ms() })
            }
            Start::AtProducer(at) => {
                (FragmentNumber::MIN, FirstMatch::Reaching { axis: TimeAxis::Producer, at_ms: at.unix_ms() })
            }
            Start::Now => (self.before_now(), FirstMatch::Any),
        };
        self.readers += 1;
        let id = ReaderId(self.readers);
        Place { id, after, seek, following: None, delivered: false, ending_told: None }
    }

    /// The place just before what is live now: the newest open fragment, else whatever comes next.
    fn before_now(&self) -> FragmentNumber {
        if let Some(open) = self.live.iter().rev().find(|live| matches!(live.state, LiveState::Open)) {
            return predecessor(open.number);
        }
        let in_memory = self.live.back().map(|live| live.number);
        let on_disk = self.hot.back().map(|located| located.meta.number);
        in_memory.max(on_disk).unwrap_or(FragmentNumber::MIN).max(self.chunked_through)
    }

    /// What the reader at `place` does next.
    pub(crate) fn next(&mut self, place: &mut Place, now: Now, options: &StoreOptions) -> Step {
        if self.deleted {
            return Step::Event(ReadEvent::Deleted);
        }
        if place.following.is_some() {
            return self.follow(place);
        }
        if place.after < self.chunked_through {
            return Step::Chunks(self.chunked_through);
        }
        let hot = self.first_hot(place, now.wall);
        let live = self.first_live(place, now, options);
        match (hot, live) {
            (Some(at), live)
                if live.is_none_or(|live| self.hot[at].meta.number <= self.live[live].number) =>
            {
                let before = live.map(|live| self.live[live].number);
                Step::Journal(self.hot_run(at, before, now.wall, options.read_ahead_bytes))
            }
            (_, Some(at)) => Step::Event(self.begin_following(place, at)),
            _ if place.delivered && self.is_finished() && place.ending_told != Some(self.endings) => {
                place.ending_told = Some(self.endings);
                Step::Event(ReadEvent::CaptureEnded)
            }
            _ => Step::Wait,
        }
    }

    /// Calls the waker at the next change.
    pub(crate) fn wait(&mut self, reader: ReaderId, waker: &Waker) {
        match self.waiting.iter_mut().find(|(id, _)| *id == reader) {
            Some((_, known)) => known.clone_from(waker),
            None => self.waiting.push((reader, waker.clone())),
        }
    }

    /// A reader goes.
    pub(crate) fn leave(&mut self, place: &mut Place) {
        self.waiting.retain(|(id, _)| *id != place.id);
        if let Some(following) = place.following.take() {
            self.stop_following(following.number);
        }
    }

    /// Until when a durable fragment has expired: one with this server time or an earlier one is never shown.
    pub(crate) fn expired_through(&self, now: WallTime) -> ServerTime {
        expires_before(self.stream.retention_hours, self.expired_through, now)
    }

    /// The newest fragment that was begun and not taken back, as far as memory knows.
    pub(crate) fn head(&self) -> Option<FragmentNumber> {
        let live = self.live.iter().rev().find(|live| !matches!(live.state, LiveState::Abandoned));
        let hot = self.hot.back().map(|located| located.meta.number);
        live.map(|live| live.number).max(hot)
    }

    /// Number, start and end on the producer's clock of each fragment that is not in a chunk, ascending by number. One that
    /// is open reaches to now.
    pub(crate) fn spans(&self, now: Now, options: &StoreOptions) -> Vec<(FragmentNumber, i64, i64)> {
        let span = |number, producer: ProducerTime, lasts_ms: i64| {
            (number, producer.unix_ms(), producer.unix_ms().saturating_add(lasts_ms))
        };
        let of_meta = |meta: &FragmentMeta| span(meta.number, meta.producer, i64::from(meta.duration_ms));
        let gone = self.gone(now.wall);
        let hot = self.hot.iter().map(|located| &located.meta).filter(|meta| !gone.has(meta)).map(of_meta);
        let shown = self.live.iter().filter(|live| !self.is_erased(live.number));
        let live = shown.filter_map(|live| match live.state {
            LiveState::Open => Some(span(live.number, live.producer, now.mono.ms_since(live.begun))),
            LiveState::Committing(meta) => Some(of_meta(&meta)),
            LiveState::Kept(meta) => (!live.is_over(now.mono, options)).then(|| of_meta(&meta)),
            LiveState::Settled(_) | LiveState::Abandoned => None,
        });
        let mut spans: Vec<_> = hot.chain(live).collect();
        spans.sort_unstable_by_key(|(number, ..)| *number);
        spans
    }

    /// Sealed fragments that are in memory and not in the journal, and what their writers gave as their indexes.
    pub(crate) fn indexes(&self, now: Now, options: &StoreOptions) -> Vec<(FragmentMeta, Option<Bytes>)> {
        let gone = self.gone(now.wall);
        let sealed = |live: &Live| match live.state {
            LiveState::Committing(meta) => (!gone.has(&meta)).then(|| (meta, live.index.clone())),
            LiveState::Kept(meta) => (!live.is_over(now.mono, options)).then(|| (meta, live.index.clone())),
            LiveState::Open | LiveState::Settled(_) | LiveState::Abandoned => None,
        };
        self.live.iter().filter_map(sealed).collect()
    }

    fn first_hot(&self, place: &Place, now: WallTime) -> Option<usize> {
        let gone = self.gone(now);
        let begin = self.hot.partition_point(|located| located.meta.number <= place.after);
        let wanted = |located: &Located| !gone.has(&located.meta) && place.seek.wants(&located.meta);
        self.hot.range(begin..).position(wanted).map(|at| begin + at)
    }

    fn first_live(&self, place: &Place, now: Now, options: &StoreOptions) -> Option<usize> {
        let begin = self.live.partition_point(|live| live.number <= place.after);
        let wanted = |live: &Live| match live.state {
            _ if self.is_erased(live.number) => false,
            LiveState::Open => live.may_reach(place.seek, now.mono),
            LiveState::Committing(meta) => place.seek.wants(&meta),
            LiveState::Kept(meta) => !live.is_over(now.mono, options) && place.seek.wants(&meta),
            LiveState::Settled(_) | LiveState::Abandoned => false,
        };
        self.live.range(begin..).position(wanted).map(|at| begin + at)
    }

    /// Records from `at` on that one read may fetch.
    fn hot_run(
        &self,
        at: usize,
        before: Option<FragmentNumber>,
        now: WallTime,
        max_bytes: usize,
    ) -> Vec<Located> {
        let gone = self.gone(now);
        let mut bytes = 0;
        self.hot
            .range(at..)
            .take_while(|located| before.is_none_or(|before| located.meta.number < before))
            .filter(|located| !gone.has(&located.meta))
            .take_while(|located| {
                let fits = bytes < max_bytes;
                bytes += located.loc.length as usize;
                fits
            })
            .copied()
            .collect()
    }

    fn begin_following(&mut self, place: &mut Place, at: usize) -> ReadEvent {
        let live = &mut self.live[at];
        live.followers += 1;
        place.following = Some(Following { number: live.number, next_body: 0 });
        place.seek = FirstMatch::Any;
        place.delivered = true;
        ReadEvent::Opened {
            number: live.number,
            producer: live.producer,
            server: live.server,
            head: live.head.clone(),
        }
    }

    fn follow(&mut self, place: &mut Place) -> Step {
        let Some(following) = &mut place.following else { return Step::Wait };
        let number = following.number;
        if is_erased(&self.erased, number) {
            place.following = None;
            place.after = number;
            self.stop_following(number);
            return Step::Event(ReadEvent::Abandoned);
        }
        let Some(live) = self.live.iter().find(|live| live.number == number) else {
            // Followed fragments are kept, so this cannot be; a reader that starved here would be worse.
            place.following = None;
            place.after = number;
            return Step::Event(ReadEvent::Abandoned);
        };
        if let Some(body) = live.bodies.get(following.next_body) {
            following.next_body += 1;
            return Step::Event(ReadEvent::Body(body.plain()));
        }
        let event = match live.state {
            LiveState::Open => return Step::Wait,
            LiveState::Abandoned => ReadEvent::Abandoned,
            LiveState::Committing(meta) | LiveState::Kept(meta) | LiveState::Settled(meta) => {
                ReadEvent::Sealed { meta }
            }
        };
        place.following = None;
        place.after = number;
        self.stop_following(number);
        Step::Event(event)
    }

    fn stop_following(&mut self, number: FragmentNumber) {
        if let Some(live) = self.live_mut(number) {
            live.followers = live.followers.saturating_sub(1);
            self.drop_unneeded(number);
        }
    }

    // ---- upkeep

    /// Fragments up to this number are in chunks.
    pub(crate) fn chunked_through(&self) -> FragmentNumber {
        self.chunked_through
    }

    /// The durable fragments that are not in chunks yet, ascending.
    pub(crate) fn hot(&self) -> &VecDeque<Located> {
        &self.hot
    }

    /// The records that should become a chunk now, if any.
    ///
    /// Never one whose number is above that of an undecided fragment: a chunk retires all numbers up to its last one.
    pub(crate) fn chunk_due(&self, now: Mono, options: &StoreOptions) -> Option<Vec<Located>> {
        let undecided = self
            .live
            .iter()
            .find(|live| matches!(live.state, LiveState::Open | LiveState::Committing(_)))
            .map(|live| live.number);
        let eligible = undecided.map_or(self.hot.len(), |undecided| {
            self.hot.partition_point(|located| located.meta.number < undecided)
        });
        let mut bytes = 0;
        let within = |located: &&Located| {
            let fits = bytes < options.chunk_bytes;
            bytes += u64::from(located.loc.length);
            fits
        };
        let run: Vec<Located> = self.hot.range(..eligible).take_while(within).copied().collect();
        let full = bytes >= options.chunk_bytes;
        let age_ms = now.ms_since(self.hot_since).saturating_add(self.hot_aged_ms);
        let old = age_ms >= options.chunk_age_ms;
        let over = self.writers == 0 && undecided.is_none();
        (!self.deleted && !run.is_empty() && (full || old || over)).then_some(run)
    }

    /// What waits for a chunk seems to have waited so much longer.
    pub(crate) fn age(&mut self, by_ms: i64) {
        self.hot_aged_ms = self.hot_aged_ms.saturating_add(by_ms);
    }

    /// A chunk holds everything up to this number. Returns the places that the journal may give up.
    pub(crate) fn chunked(&mut self, through: FragmentNumber, now: Mono) -> Vec<Located> {
        (self.hot_since, self.hot_aged_ms) = (now, 0);
        self.chunked_through = self.chunked_through.max(through);
        let count = self.hot.partition_point(|located| located.meta.number <= through);
        self.hot.drain(..count).collect()
    }

    /// Drops what has expired. Returns the places that the journal may give up.
    pub(crate) fn expire(&mut self, now: Now, options: &StoreOptions) -> Vec<Located> {
        let mut at = 0;
        while let Some(live) = self.live.get(at)
            && (live.is_over(now.mono, options) || self.kept_bytes > options.live_buffer_bytes)
        {
            match live.state {
                LiveState::Kept(meta) if live.followers == 0 => {
                    self.kept_bytes = self.kept_bytes.saturating_sub(meta.size_bytes());
                    self.live.remove(at);
                }
                // A slow follower holds back its own fragment, not what comes after it.
                _ => at += 1,
            }
        }
        let expired = self.expired_through(now.wall);
        // Server times rise with numbers, so what has expired is at the front.
        let count = self.hot.partition_point(|located| located.meta.server <= expired);
        self.hot.drain(..count).collect()
    }

    /// The stream is gone. Returns the places that the journal may give up.
    pub(crate) fn delete(&mut self) -> Vec<Located> {
        self.deleted = true;
        self.live.clear();
        self.kept_bytes = 0;
        self.wake();
        self.hot.drain(..).collect()
    }

    /// Whether the stream is gone.
    pub(crate) fn is_deleted(&self) -> bool {
        self.deleted
    }

    /// Whether nothing would be lost by forgetting this tail.
    pub(crate) fn is_idle(&self) -> bool {
        self.writers == 0 && self.hot.is_empty() && self.live.is_empty()
    }

    /// Bytes in memory for live readers.
    pub(crate) fn live_bytes(&self) -> u64 {
        self.live.iter().map(|live| live.head.len() as u64 + live.body_bytes).sum()
    }

    /// Sessions that are open.
    pub(crate) fn writers(&self) -> u32 {
        self.writers
    }

    fn live_mut(&mut self, number: FragmentNumber) -> Option<&mut Live> {
        let at = self.live.binary_search_by(|live| live.number.cmp(&number)).ok()?;
        self.live.get_mut(at)
    }

    fn drop_unneeded(&mut self, number: FragmentNumber) {
        let Ok(at) = self.live.binary_search_by(|live| live.number.cmp(&number)) else { return };
        let live = &self.live[at];
        if live.followers == 0 && matches!(live.state, LiveState::Settled(_) | LiveState::Abandoned) {
            self.live.remove(at);
        }
    }

    fn wake(&mut self) {
        for (_, waker) in self.waiting.drain(..) {
            waker.wake();
        }
    }
}

impl Place {
    /// The reader begins with this fragment.
    pub(crate) fn begin_with(&mut self, number: FragmentNumber) {
        (self.after, self.seek) = (predecessor(number), FirstMatch::Any);
    }

    /// Everything up to `number` was read from history.
    pub(crate) fn advance(&mut self, number: FragmentNumber) {
        self.after = self.after.max(number);
    }

    /// History has yielded a fragment.
    pub(crate) fn found(&mut self) {
        self.seek = FirstMatch::Any;
        self.delivered = true;
    }
}

impl Live {
    /// Whether an open fragment, whose end is not known yet, may be the one that is sought: it reaches to now.
    fn may_reach(&self, seek: FirstMatch, now: Mono) -> bool {
        let FirstMatch::Reaching { axis, at_ms } = seek else { return true };
        let start_ms = match axis {
            TimeAxis::Producer => self.producer.unix_ms(),
            TimeAxis::Server => self.server.unix_ms(),
        };
        start_ms.saturating_add(now.ms_since(self.begun)) >= at_ms
    }

    /// Whether its time in memory is over, where it is there for live readers only.
    fn is_over(&self, now: Mono, options: &StoreOptions) -> bool {
        now.ms_since(self.begun) >= options.live_buffer_ms
    }
}

/// The largest number below `number`.
pub(crate) fn predecessor(number: FragmentNumber) -> FragmentNumber {
    let mut bytes = number.to_bytes();
    for byte in bytes.iter_mut().rev() {
        let (lower, borrow) = byte.overflowing_sub(1);
        *byte = lower;
        if !borrow {
            return FragmentNumber::from_bytes(bytes);
        }
    }
    FragmentNumber::MIN
}

//! The last acks of each stream, for people who look at it: what its producers were told, and when.

use super::ack::Ack;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tympan_store::{Clock, StreamId};
use tympan_types::WallTime;

/// Acks that are kept of a stream.
const KEPT: usize = 16;
/// Streams whose acks are kept. The acks of those that were uploaded to longest ago go first.
const STREAMS: usize = 4_096;
/// Streams with an upload that are passed over in the search for one that has none.
const PASSED_OVER: usize = 8;

/// An ack as it was given to a producer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldAck {
    /// Its place among the acks of its stream since the start of the server, from 1: a hole is acks that are no longer kept.
    pub sequence: u64,
    /// The session that was told, by its number since the start.
    pub session: u64,
    /// When.
    pub at: WallTime,
    /// What.
    pub ack: Ack,
}

/// The logs of all streams. A log outlives its sessions: the ERROR that ended one is what people look for.
pub(crate) struct AckLogs {
    clock: Arc<dyn Clock>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    logs: HashMap<StreamId, Arc<AckLog>>,
    /// The streams of `logs`, each once, those that were opened last at the end.
    order: VecDeque<StreamId>,
    sessions: u64,
}

#[derive(Default)]
struct AckLog(Mutex<Lines>);

/// A capture has a log: so it takes what it needs, once.
struct Lines {
    last: VecDeque<Line>,
    told: u64,
}

/// A [`ToldAck`] whose sequence is its place.
#[derive(Clone, Copy)]
struct Line {
    session: u64,
    at: WallTime,
    ack: Ack,
}

impl Default for Lines {
    fn default() -> Self {
        Self { last: VecDeque::with_capacity(KEPT), told: 0 }
    }
}

impl Lines {
    fn told(&self) -> impl Iterator<Item = ToldAck> {
        let first = self.told - self.last.len() as u64 + 1;
        (first..).zip(&self.last).map(|(sequence, &Line { session, at, ack })| ToldAck {
            sequence,
            session,
            at,
            ack,
        })
    }
}

/// Where a session notes what it tells.
pub(crate) struct SessionLog {
    log: Arc<AckLog>,
    session: u64,
    clock: Arc<dyn Clock>,
}

impl AckLogs {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, table: Mutex::default() }
    }

    /// A session of a stream begins. `None` where too many streams are uploaded to: its acks are not kept.
    pub(crate) fn open(&self, stream: StreamId) -> Option<SessionLog> {
        let mut table = lock(&self.table);
        table.sessions += 1;
        let session = table.sessions;
        let log = table.log(stream)?;
        Some(SessionLog { log, session, clock: Arc::clone(&self.clock) })
    }

    /// What a stream's producers were told last, oldest first.
    pub(crate) fn last(&self, stream: StreamId) -> Vec<ToldAck> {
        let log = lock(&self.table).logs.get(&stream).cloned();
        log.map_or_else(Vec::new, |log| lock(&log.0).told().collect())
    }
}

impl Table {
    fn log(&mut self, stream: StreamId) -> Option<Arc<AckLog>> {
        if let Some(log) = self.logs.get(&stream) {
            return Some(Arc::clone(log));
        }
        if self.logs.len() >= STREAMS && !self.make_room() {
            return None;
        }
        let log = Arc::<AckLog>::default();
        self.logs.insert(stream, Arc::clone(&log));
        self.order.push_back(stream);
        Some(log)
    }

    /// Forgets the oldest log that no session writes to.
    fn make_room(&mut self) -> bool {
        for _ in 0..PASSED_OVER {
            let Some(oldest) = self.order.pop_front() else { return false };
            if self.logs.get(&oldest).is_none_or(|log| Arc::strong_count(log) == 1) {
                self.logs.remove(&oldest);
                return true;
            }
            self.order.push_back(oldest);
        }
        false
    }
}

impl SessionLog {
    /// The producer was given this ack.
    pub(crate) fn told(&self, ack: Ack) {
        let at = self.clock.now();
        let mut lines = lock(&self.log.0);
        lines.told += 1;
        if lines.last.len() == KEPT {
            lines.last.pop_front();
        }
        lines.last.push_back(Line { session: self.session, at, ack });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AckEvent, ErrorId};
    use std::sync::atomic::{AtomicI64, Ordering};
    use tympan_types::Mono;

    #[derive(Debug, Default)]
    struct Ticking(AtomicI64);

    impl Clock for Ticking {
        fn now(&self) -> WallTime {
            WallTime::from_unix_ms(self.0.fetch_add(1, Ordering::Relaxed))
        }

        fn mono(&self) -> Mono {
            Mono::from_millis(0)
        }
    }

    fn logs() -> AckLogs {
        AckLogs::new(Arc::new(Ticking::default()))
    }

    fn stream(number: usize) -> StreamId {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&(number as u64).to_be_bytes());
        StreamId::from_bytes(bytes)
    }

    fn error() -> Ack {
        Ack { event: AckEvent::Error(ErrorId::InvalidMkvData), timecode: Some(7), number: None }
    }

    #[test]
    fn acks_of_all_sessions_of_a_stream_stand_in_the_order_in_which_they_were_told() {
        let logs = logs();
        let (first, other) = (logs.open(stream(1)).unwrap(), logs.open(stream(2)).unwrap());
        first.told(Ack::IDLE);
        other.told(Ack::IDLE);
        first.told(error());
        drop(first);
        let second = logs.open(stream(1)).unwrap();
        second.told(Ack::IDLE);
        let told: Vec<_> =
            logs.last(stream(1)).iter().map(|told| (told.sequence, told.session, told.ack)).collect();
        assert_eq!(told, [(1, 1, Ack::IDLE), (2, 1, error()), (3, 3, Ack::IDLE)]);
        let times: Vec<_> = logs.last(stream(1)).iter().map(|told| told.at.unix_ms()).collect();
        assert_eq!(times, [0, 2, 3]);
        assert_eq!(logs.last(stream(3)), []);
    }

    #[test]
    fn the_oldest_acks_of_a_stream_go_first_and_leave_a_hole_that_is_seen() {
        let logs = logs();
        let session = logs.open(stream(1)).unwrap();
        for _ in 0..KEPT + 3 {
            session.told(Ack::IDLE);
        }
        let told = logs.last(stream(1));
        assert_eq!((told.len(), told[0].sequence), (KEPT, 4));
    }

    #[test]
    fn streams_beyond_the_limit_take_the_places_of_those_without_an_upload() {
        let logs = logs();
        let open: Vec<SessionLog> =
            (0..PASSED_OVER / 2).map(|number| logs.open(stream(number)).unwrap()).collect();
        for number in open.len()..STREAMS {
            logs.open(stream(number)).unwrap().told(Ack::IDLE);
        }
        logs.open(stream(STREAMS)).unwrap().told(Ack::IDLE);
        assert_eq!(lock(&logs.table).logs.len(), STREAMS);
        assert_eq!(logs.last(stream(open.len())), [], "the oldest without an upload went");
        assert_eq!(logs.last(stream(open.len() + 1)).len(), 1);
        open[0].told(Ack::IDLE);
        assert_eq!(logs.last(stream(0)).len(), 1);
    }

    #[test]
    fn a_session_finds_no_place_where_every_stream_is_uploaded_to() {
        let logs = logs();
        let open: Vec<SessionLog> = (0..STREAMS).map(|number| logs.open(stream(number)).unwrap()).collect();
        assert!(logs.open(stream(STREAMS)).is_none());
        assert!(logs.open(stream(5)).is_some(), "another session of a stream that has a log");
        drop(open);
        assert!(logs.open(stream(STREAMS)).is_some());
        let table = lock(&logs.table);
        assert_eq!((table.logs.len(), table.order.len()), (STREAMS, STREAMS));
    }
}

//! Who follows which stream by GetMedia, and how far behind its producer each of them is.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tympan_store::{MediaStore, StreamId};
use tympan_types::{Caller, FragmentNumber, StreamArn, WallTime};

/// Readers that are listed; more are served and only counted.
const LISTED: usize = 4_096;

/// The readers of all streams.
#[derive(Debug, Default)]
pub(crate) struct Readers {
    table: Mutex<Table>,
    unlisted: AtomicU64,
}

#[derive(Debug, Default)]
struct Table {
    next_id: u64,
    readers: BTreeMap<u64, Arc<Entry>>,
}

#[derive(Debug)]
struct Entry {
    stream: StreamId,
    arn: StreamArn,
    access_key_id: String,
    since: WallTime,
    position: Mutex<Position>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Position {
    last: Option<(FragmentNumber, WallTime)>,
    bytes: u64,
}

/// A reader of a stream, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReaderStatus {
    /// Its number since the start of the server; never given to another one.
    pub id: u64,
    /// What it reads.
    pub stream: StreamArn,
    /// The access key that its request was signed with.
    pub access_key_id: String,
    /// When it began.
    pub since: WallTime,
    /// The fragment that it was sent last, as a whole or in part; `None` before the first.
    pub last: Option<FragmentNumber>,
    /// When that fragment was handed to its connection.
    pub last_sent: Option<WallTime>,
    /// What it was sent so far.
    pub sent_bytes: u64,
    /// The newest fragment of the stream that was begun.
    pub head: Option<FragmentNumber>,
    /// From the server time of `last` to that of `head`, in milliseconds: 0 for one that is live, `None` for one that was sent
    /// nothing yet.
    pub lag_ms: Option<u64>,
}

/// How many readers there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReaderCounts {
    /// Listed now.
    pub listed: u64,
    /// Those that found the list full, since the start.
    pub unlisted: u64,
}

impl Readers {
    /// Lists a reader until what this returns is dropped.
    pub(crate) fn open(
        self: &Arc<Self>,
        caller: &Caller,
        stream: StreamId,
        arn: StreamArn,
        now: WallTime,
    ) -> Reading {
        let mut table = self.table();
        let id = table.next_id;
        table.next_id += 1;
        if table.readers.len() >= LISTED {
            self.unlisted.fetch_add(1, Ordering::Relaxed);
            return Reading(None);
        }
        let entry = Arc::new(Entry {
            stream,
            arn,
            access_key_id: caller.access_key_id.clone(),
            since: now,
            position: Mutex::default(),
        });
        table.readers.insert(id, entry.clone());
        Reading(Some(Listed { of: self.clone(), id, entry }))
    }

    /// Those of a caller's streams, oldest first.
    pub(crate) fn of(&self, caller: &Caller, store: &MediaStore) -> Vec<ReaderStatus> {
        let entries: Vec<(u64, Arc<Entry>)> = {
            let table = self.table();
            let own = table.readers.iter().filter(|(_, entry)| {
                (entry.arn.account(), entry.arn.region()) == (&caller.account, &caller.region)
            });
            own.map(|(id, entry)| (*id, entry.clone())).collect()
        };
        entries.into_iter().map(|(id, entry)| entry.status(id, store.head(entry.stream))).collect()
    }

    pub(crate) fn counts(&self) -> ReaderCounts {
        let listed = u64::try_from(self.table().readers.len()).unwrap_or(u64::MAX);
        ReaderCounts { listed, unlisted: self.unlisted.load(Ordering::Relaxed) }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn status(&self, id: u64, head: Option<FragmentNumber>) -> ReaderStatus {
        let Position { last, bytes } = *self.position();
        let number = last.map(|(number, _)| number);
        let lag_ms = number.map(|number| {
            let head = head.unwrap_or(number).max(number);
            u64::try_from(head.server_time().ms_since(number.server_time())).unwrap_or(0)
        });
        ReaderStatus {
            id,
            stream: self.arn.clone(),
            access_key_id: self.access_key_id.clone(),
            since: self.since,
            last: number,
            last_sent: last.map(|(_, at)| at),
            sent_bytes: bytes,
            head,
            lag_ms,
        }
    }

    fn position(&self) -> MutexGuard<'_, Position> {
        self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reader at work; one that found the list full notes nothing.
#[derive(Debug)]
pub(crate) struct Reading(Option<Listed>);

#[derive(Debug)]
struct Listed {
    of: Arc<Readers>,
    id: u64,
    entry: Arc<Entry>,
}

impl Reading {
    /// This fragment goes out to the reader.
    pub(crate) fn reached(&self, number: FragmentNumber, now: WallTime) {
        if let Some(listed) = &self.0 {
            listed.entry.position().last = Some((number, now));
        }
    }

    /// So much went out.
    pub(crate) fn sent(&self, bytes: usize) {
        if let Some(listed) = &self.0 {
            let mut position = listed.entry.position();
            position.bytes = position.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        self.of.table().readers.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_types::{AccountId, Region, ServerTime};

    fn caller(account: &str) -> Caller {
        Caller {
            account: AccountId::parse(account).unwrap(),
            region: Region::parse("us-west-2").unwrap(),
            access_key_id: "AKIDREADER".into(),
        }
    }

    fn arn() -> StreamArn {
        StreamArn::parse("arn:aws:kinesisvideo:us-west-2:111122223333:stream/a/1598784211076").unwrap()
    }

    const NOW: WallTime = WallTime::from_unix_ms(1_700_000_000_000);

    fn number(sequence: u64, server_ms: i64) -> FragmentNumber {
        FragmentNumber::new(sequence, ServerTime::from_unix_ms(server_ms), 0)
    }

    #[test]
    fn a_reader_is_as_far_behind_as_the_time_between_its_fragment_and_the_head() {
        let readers = Arc::new(Readers::default());
        let reading = readers.open(&caller("111122223333"), StreamId::from_bytes([1; 16]), arn(), NOW);
        let entry = readers.table().readers[&0].clone();
        let head = number(9, 50_000);
        assert_eq!(entry.status(0, Some(head)).lag_ms, None, "it was sent nothing yet");
        reading.reached(number(3, 38_500), NOW);
        reading.sent(700);
        let status = entry.status(0, Some(head));
        assert_eq!((status.lag_ms, status.sent_bytes, status.last_sent), (Some(11_500), 700, Some(NOW)));
        reading.reached(head, NOW);
        assert_eq!(entry.status(0, Some(head)).lag_ms, Some(0));
        assert_eq!(entry.status(0, None).lag_ms, Some(0), "of a stream without a writer");
        drop(reading);
        assert_eq!(readers.counts().listed, 0);
    }

    #[test]
    fn readers_beyond_the_limit_are_counted_and_note_nothing() {
        let readers = Arc::new(Readers::default());
        let open = || readers.open(&caller("111122223333"), StreamId::from_bytes([1; 16]), arn(), NOW);
        let mut open_ones: Vec<Reading> = (0..LISTED).map(|_| open()).collect();
        let beyond = open();
        beyond.reached(number(1, 0), NOW);
        beyond.sent(1);
        assert_eq!(readers.counts(), ReaderCounts { listed: LISTED as u64, unlisted: 1 });
        drop(beyond);
        open_ones.pop();
        let _again = open();
        assert_eq!(readers.counts(), ReaderCounts { listed: LISTED as u64, unlisted: 1 });
    }
}

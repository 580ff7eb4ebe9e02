//! Who follows which stream by GetMedia, and how far behind its producer each of them is.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tympan_store::StreamId;
use tympan_types::{Caller, FragmentNumber, StreamArn, WallTime};

/// Readers that are listed; more are served and only counted.
const LISTED: usize = 4_096;

/// The readers of all streams, each in a place that it keeps until it goes: to come and to go moves no other one.
#[derive(Debug, Default)]
pub(crate) struct Readings {
    places: Vec<Option<Arc<Reading>>>,
    /// Places that are free.
    free: Vec<usize>,
    next_id: u64,
    unlisted: u64,
}

/// What a connection knows of the reader behind it.
#[derive(Debug)]
pub(crate) struct Reading {
    id: u64,
    place: usize,
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

impl Readings {
    /// Lists a reader until it is [removed](Self::remove); `None` where the list is full.
    pub(crate) fn add(
        &mut self,
        caller: &Caller,
        (stream, arn): (StreamId, StreamArn),
        now: WallTime,
    ) -> Option<Arc<Reading>> {
        let id = self.next_id;
        self.next_id += 1;
        let place = match self.free.pop() {
            Some(place) => place,
            None if self.places.len() < LISTED => {
                self.places.push(None);
                self.places.len() - 1
            }
            None => {
                self.unlisted += 1;
                return None;
            }
        };
        let reading = Arc::new(Reading {
            id,
            place,
            stream,
            arn,
            access_key_id: caller.access_key_id.clone(),
            since: now,
            position: Mutex::default(),
        });
        self.places[place] = Some(reading.clone());
        Some(reading)
    }

    pub(crate) fn remove(&mut self, reading: &Reading) {
        if self.places.get_mut(reading.place).and_then(Option::take).is_some() {
            self.free.push(reading.place);
        }
    }

    pub(crate) fn all(&self) -> Vec<Arc<Reading>> {
        self.places.iter().flatten().cloned().collect()
    }

    pub(crate) fn counts(&self) -> ReaderCounts {
        let listed = u64::try_from(self.places.len() - self.free.len()).unwrap_or(u64::MAX);
        ReaderCounts { listed, unlisted: self.unlisted }
    }
}

/// Those of a caller's streams, oldest first.
pub(crate) fn statuses(
    readings: Vec<Arc<Reading>>,
    caller: &Caller,
    head: impl Fn(StreamId) -> Option<FragmentNumber>,
) -> Vec<ReaderStatus> {
    let of_caller = |reading: &Arc<Reading>| {
        (reading.arn.account(), reading.arn.region()) == (&caller.account, &caller.region)
    };
    let own = readings.into_iter().filter(of_caller);
    let mut statuses: Vec<ReaderStatus> = own.map(|reading| reading.status(head(reading.stream))).collect();
    statuses.sort_unstable_by_key(|reader| reader.id);
    statuses
}

impl Reading {
    /// This fragment goes out to the reader.
    pub(crate) fn reached(&self, number: FragmentNumber, now: WallTime) {
        self.position().last = Some((number, now));
    }

    /// So much went out.
    pub(crate) fn sent(&self, bytes: usize) {
        let mut position = self.position();
        position.bytes = position.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn status(&self, head: Option<FragmentNumber>) -> ReaderStatus {
        let Position { last, bytes } = *self.position();
        let number = last.map(|(number, _)| number);
        let lag_ms = number.map(|number| {
            let head = head.unwrap_or(number).max(number);
            u64::try_from(head.server_time().ms_since(number.server_time())).unwrap_or(0)
        });
        ReaderStatus {
            id: self.id,
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

    fn stream() -> (StreamId, StreamArn) {
        (StreamId::from_bytes([1; 16]), arn())
    }

    #[test]
    fn a_reader_is_as_far_behind_as_the_time_between_its_fragment_and_the_head() {
        let mut readings = Readings::default();
        let reading = readings.add(&caller("111122223333"), stream(), NOW).unwrap();
        let head = number(9, 50_000);
        assert_eq!(reading.status(Some(head)).lag_ms, None, "it was sent nothing yet");
        reading.reached(number(3, 38_500), NOW);
        reading.sent(700);
        let status = reading.status(Some(head));
        assert_eq!((status.lag_ms, status.sent_bytes, status.last_sent), (Some(11_500), 700, Some(NOW)));
        reading.reached(head, NOW);
        assert_eq!(reading.status(Some(head)).lag_ms, Some(0));
        assert_eq!(reading.status(None).lag_ms, Some(0), "of a stream without a writer");
        readings.remove(&reading);
        assert_eq!(readings.counts().listed, 0);
    }

    #[test]
    fn readers_beyond_the_limit_are_counted_and_one_that_goes_makes_room() {
        let mut readings = Readings::default();
        let mut add = || readings.add(&caller("111122223333"), stream(), NOW);
        let listed: Vec<Arc<Reading>> = (0..LISTED).map(|_| add().unwrap()).collect();
        assert!(add().is_none());
        let full = ReaderCounts { listed: LISTED as u64, unlisted: 1 };
        assert_eq!(readings.counts(), full);
        readings.remove(&listed[7]);
        let again = readings.add(&caller("111122223333"), stream(), NOW).unwrap();
        assert_eq!((again.place, again.id), (listed[7].place, LISTED as u64 + 1));
        assert_eq!(readings.counts(), full);
    }

    #[test]
    fn readers_are_told_oldest_first_whatever_places_they_have() {
        let mut readings = Readings::default();
        let caller = caller("111122223333");
        let first = readings.add(&caller, stream(), NOW).unwrap();
        readings.add(&caller, stream(), NOW).unwrap();
        readings.remove(&first);
        readings.add(&caller, stream(), NOW).unwrap();
        let told = statuses(readings.all(), &caller, |_| None);
        assert_eq!(told.iter().map(|reader| reader.id).collect::<Vec<_>>(), [1, 2]);
    }
}

//! What every [`Backend`] promises, as functions that any of them can be put through.
//!
//! A subject is a maker of fresh, empty places; a place opens a backend on itself, and opening it again is a restart
//! without a farewell. Written after the `object_store` crate's integration functions.

use crate::index_block;
use crate::record::RecordHeader;
use crate::{
    Backend, ErrorKind, FirstMatch, FragmentMeta, FragmentRange, KeyRow, Located, MAX_ERASURES, Record,
    StorageTier, StoreError, Stream, StreamId, StreamKey, StreamPage, StreamStatus, TimeAxis,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tympan_kms::{DataKey, WrappedKey};
use tympan_types::{
    AccountId, FragmentNumber, ProducerTime, Region, ServerTime, StreamArn, StreamName, WallTime,
};

/// Opens the backend on its place; called again, it finds what was there.
pub type Open = Box<dyn Fn() -> Arc<dyn Backend>>;

const NOW: WallTime = WallTime::from_unix_ms(1_700_000_000_000);
const HOUR_MS: i64 = 3_600_000;

/// Runs every check, each on a fresh place.
///
/// # Panics
/// When a promise is broken.
pub fn check(fresh: &mut dyn FnMut() -> Open) {
    let checks: [fn(&Open); 12] = [
        committed_records_are_read_back_and_survive_a_restart,
        indexes_go_where_their_fragments_go,
        released_records_may_go_but_never_come_back_once_chunked,
        chunks_are_found_by_number_and_by_time,
        a_chunk_retires_the_journal_up_to_its_last_number,
        streams_are_found_listed_and_limited,
        changes_check_the_version_and_raise_it,
        numbers_are_never_reserved_twice,
        a_deleted_stream_leaves_no_key_and_no_fragment,
        erased_fragments_are_in_no_chunk_and_are_not_recovered,
        retention_removes_what_has_expired_and_only_that,
        the_last_time_is_that_of_rows_and_records_until_one_is_remembered,
    ];
    for check in checks {
        check(&fresh());
    }
}

/// An index is read back beside its record, also after a restart, and beside its chunk.
pub fn indexes_go_where_their_fragments_go(open: &Open) {
    let backend = open();
    let stream = stream("indexed");
    backend.create_stream(&stream, None).expect("create");
    make_ready(&*backend, stream.id);
    let key = DataKey::from_bytes([1; 32]);
    let indexed =
        |sequence, index: &[u8]| sealed(stream.id, sequence, b"body").with_index([3; 12], (1, &key), index);
    let group = [indexed(1, b"one"), sealed(stream.id, 2, b"body"), indexed(3, b"three")];
    backend.commit(&group.iter().collect::<Vec<_>>()).expect("commit");
    close(backend);

    let backend = open();
    let recovered = backend.recovered().expect("recovered");
    assert_eq!(sequences(&recovered), [1, 2, 3]);
    let plain = |block: &[u8]| index_block::open(block, &key).expect("opens");
    let read = |located| backend.read_journal_index(located).expect("read").map(|block| plain(&block));
    let beside: Vec<_> = recovered.iter().map(read).collect();
    assert_eq!(beside, [Some(b"one".to_vec()), None, Some(b"three".to_vec())]);
    let chunk = backend.publish_chunk(stream.id, &recovered).expect("publish");
    backend.release(&locs(&recovered));
    let side = backend.read_chunk_indexes(&chunk).expect("read");
    let in_side: Vec<_> = index_block::blocks(&side).map(|(_, range)| plain(&side[range])).collect();
    assert_eq!(in_side, [b"one".to_vec(), b"three".to_vec()]);
    close(backend);
}

/// A group is durable when `commit` returns; its records stand where it says.
pub fn committed_records_are_read_back_and_survive_a_restart(open: &Open) {
    let backend = open();
    let (one, other) = (stream("one"), stream("other"));
    for stream in [&one, &other] {
        backend.create_stream(stream, None).expect("create");
        make_ready(&*backend, stream.id);
    }
    let group = [sealed(one.id, 2, b"two"), sealed(other.id, 1, b"one"), sealed(one.id, 1, b"")];
    let records: Vec<&Record> = group.iter().collect();
    let locs = backend.commit(&records).expect("commit");
    assert_eq!(locs.len(), 3);
    for (record, loc) in group.iter().zip(&locs) {
        assert_eq!(backend.read_journal(*loc).expect("read"), Some(bytes_of(record)));
    }
    backend.commit(&[&sealed(one.id, 3, b"three")]).expect("commit");
    close(backend);

    let backend = open();
    let recovered = backend.recovered().expect("recovered");
    let mut expected = vec![(one.id, 1), (one.id, 2), (one.id, 3), (other.id, 1)];
    expected.sort();
    let found: Vec<_> =
        recovered.iter().map(|located| (located.stream, located.meta.number.sequence())).collect();
    assert_eq!(found, expected, "by stream, then by number");
    for located in recovered {
        let bytes = backend.read_journal(located.loc).expect("read").expect("kept");
        assert_eq!(RecordHeader::check(&bytes).expect("intact").meta, located.meta);
    }
}

/// Released records cost no space for ever; a chunk's records are not recovered again.
pub fn released_records_may_go_but_never_come_back_once_chunked(open: &Open) {
    let backend = open();
    let stream = stream("s");
    backend.create_stream(&stream, None).expect("create");
    let located = commit(&*backend, stream.id, 1..=4);
    backend.publish_chunk(stream.id, &located[..2]).expect("publish");
    backend.release(&locs(&located[..2]));
    backend.tend().expect("tend");
    for kept in &located[2..] {
        assert!(backend.read_journal(kept.loc).expect("read").is_some(), "not released");
    }
    close(backend);
    let backend = open();
    let sequences: Vec<u64> = sequences(&backend.recovered().expect("recovered"));
    assert_eq!(sequences, [3, 4]);
}

/// `find_chunk` gives the first chunk that may match, in the order of numbers.
pub fn chunks_are_found_by_number_and_by_time(open: &Open) {
    let backend = open();
    let stream = stream("s");
    backend.create_stream(&stream, None).expect("create");
    let located = commit(&*backend, stream.id, 1..=6);
    let early = backend.publish_chunk(stream.id, &located[..3]).expect("publish");
    let late = backend.publish_chunk(stream.id, &located[3..]).expect("publish");
    assert_eq!(
        (early.fragments, early.first, early.last),
        (3, located[0].meta.number, located[2].meta.number)
    );

    let find = |after: FragmentNumber, matching| {
        backend.find_chunk(stream.id, after, matching).expect("find").map(|row| row.first)
    };
    let (first, second) = (Some(early.first), Some(late.first));
    assert_eq!(find(FragmentNumber::MIN, FirstMatch::Any), first);
    assert_eq!(find(located[1].meta.number, FirstMatch::Any), first);
    assert_eq!(find(located[2].meta.number, FirstMatch::Any), second);
    assert_eq!(find(located[5].meta.number, FirstMatch::Any), None);
    assert_eq!(
        backend.find_chunk(StreamId::from_bytes([0; 16]), FragmentNumber::MIN, FirstMatch::Any),
        Ok(None)
    );

    let reaching = |at_ms| FirstMatch::Reaching { axis: TimeAxis::Server, at_ms };
    let third_ends_ms = located[2].meta.server.unix_ms() + 1_000;
    assert_eq!(find(FragmentNumber::MIN, reaching(third_ends_ms)), first, "its last frame begins there");
    assert_eq!(find(FragmentNumber::MIN, reaching(third_ends_ms + 1)), second);
    let starting = |from: usize, to: usize| FirstMatch::Starting {
        axis: TimeAxis::Producer,
        from_ms: located[from].meta.producer.unix_ms(),
        to_ms: located[to].meta.producer.unix_ms(),
    };
    // Producer times run backwards in this stream: order of numbers is not order of time.
    assert_eq!(find(FragmentNumber::MIN, starting(4, 4)), second);
    assert_eq!(find(FragmentNumber::MIN, starting(3, 2)), first);

    for (row, expected) in [(&early, &located[..3]), (&late, &located[3..])] {
        let parts = backend.chunk_parts(row).expect("parts").expect("kept");
        let metas: Vec<FragmentMeta> = parts.iter().map(|part| part.meta).collect();
        assert_eq!(metas, expected.iter().map(|located| located.meta).collect::<Vec<_>>());
        for part in parts {
            let bytes = backend.read_chunk(row, part.offset, part.length).expect("read").expect("kept");
            assert_eq!(RecordHeader::check(&bytes).expect("intact").meta, part.meta);
        }
    }
}

/// Publication and retirement are one transaction.
pub fn a_chunk_retires_the_journal_up_to_its_last_number(open: &Open) {
    let backend = open();
    let stream = stream("s");
    backend.create_stream(&stream, None).expect("create");
    let located = commit(&*backend, stream.id, 1..=2);
    let chunk = backend.publish_chunk(stream.id, &located).expect("publish");
    let row = backend.stream(&StreamKey::Id(stream.id)).expect("stream").expect("kept");
    assert_eq!((row.chunked_through, row.newest_server), (chunk.last, located[1].meta.server));
    // Neither released nor tended: as if the process died here.
    close(backend);
    let backend = open();
    assert_eq!(backend.recovered().expect("recovered"), []);
    let found = backend.find_chunk(stream.id, FragmentNumber::MIN, FirstMatch::Any).expect("find");
    assert_eq!(found, Some(chunk));
}

/// Names are unique, listings are ordered and paged, quotas hold.
pub fn streams_are_found_listed_and_limited(open: &Open) {
    let backend = open();
    let names = ["b", "a-2", "a-1", "A"];
    let streams: Vec<Stream> = names.iter().map(|name| stream(name)).collect();
    for stream in &streams {
        backend.create_stream(stream, Some(4)).expect("create");
    }
    let kind = |result: Result<(), StoreError>| result.map_err(|error| error.kind().clone());
    assert_eq!(kind(backend.create_stream(&stream("a-1"), None)), Err(ErrorKind::Exists));
    assert_eq!(kind(backend.create_stream(&stream("c"), Some(4))), Err(ErrorKind::QuotaReached));

    let (account, region) = (streams[0].arn.account().clone(), streams[0].arn.region().clone());
    let list = |prefix: &str, after: Option<&str>, limit: usize| {
        let page = StreamPage {
            account: account.clone(),
            region: region.clone(),
            prefix: prefix.into(),
            after: after.map(|name| StreamName::parse(name).expect("a name")),
            limit,
        };
        let listed = backend.list_streams(&page).expect("list");
        listed.iter().map(|stream| stream.arn.name().as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(list("", None, 10), ["A", "a-1", "a-2", "b"]);
    assert_eq!(list("a-", None, 10), ["a-1", "a-2"]);
    assert_eq!(list("", Some("a-1"), 1), ["a-2"]);
    assert_eq!(list("_", None, 10), Vec::<String>::new(), "a prefix is a prefix, not a pattern");

    let by_name = StreamKey::Name(account, region, streams[0].arn.name().clone());
    assert_eq!(backend.stream(&by_name).expect("stream").map(|row| row.stream), Some(streams[0].clone()));
    let later = streams[0].arn.created().plus_ms(1);
    let arn = &streams[0].arn;
    let other = StreamArn::new(arn.region().clone(), arn.account().clone(), arn.name().clone(), later);
    assert_eq!(backend.stream(&StreamKey::Arn(other)), Ok(None), "created at another time");
}

/// Optimistic locking, and what each change does.
pub fn changes_check_the_version_and_raise_it(open: &Open) {
    let backend = open();
    let stream = stream("s");
    backend.create_stream(&stream, None).expect("create");
    let tags = BTreeMap::from([("b".to_owned(), "2".to_owned())]);
    let row = backend.set_tags(stream.id, &tags, &["a".to_owned()], 1).expect("tags");
    assert_eq!((&row.stream.tags, row.stream.version), (&tags, 2));
    let too_many = BTreeMap::from([("c".to_owned(), String::new())]);
    let refused = backend.set_tags(stream.id, &too_many, &[], 1).map_err(|error| error.kind().clone());
    assert_eq!(refused, Err(ErrorKind::QuotaReached));

    let stale = backend.set_retention(stream.id, Some(1), 5, NOW).map_err(|error| error.kind().clone());
    assert_eq!(stale, Err(ErrorKind::VersionMismatch));
    let row = backend.set_retention(stream.id, Some(2), 5, NOW).expect("retention");
    assert_eq!((row.stream.retention_hours, row.stream.version), (5, 3));
    assert_eq!(row.expired_through, ServerTime::from(NOW.plus_ms(-HOUR_MS)), "by the retention until now");
    let row = backend.set_details(stream.id, Some(3), Some("camera"), None).expect("details");
    assert_eq!((row.stream.device_name.as_deref(), row.stream.media_type.as_deref()), (Some("camera"), None));
    for (version, tier) in [(4, StorageTier::Warm), (5, StorageTier::Hot), (6, StorageTier::Warm)] {
        let stale = backend.set_storage_tier(stream.id, Some(version - 1), tier);
        assert_eq!(stale.map_err(|error| error.kind().clone()), Err(ErrorKind::VersionMismatch));
        let row = backend.set_storage_tier(stream.id, Some(version), tier).expect("tier");
        assert_eq!((row.stream.storage_tier, row.stream.version), (tier, version + 1));
    }
    let row = backend.stream(&StreamKey::Id(stream.id)).expect("stream").expect("there");
    close(backend);
    let found = open().stream(&StreamKey::Id(stream.id)).expect("stream").expect("kept");
    assert_eq!(found, row);
    assert_eq!(found.stream.storage_tier, StorageTier::Warm);
}

/// Sequence numbers survive restarts.
pub fn numbers_are_never_reserved_twice(open: &Open) {
    let stream = stream("s");
    let backend = open();
    backend.create_stream(&stream, None).expect("create");
    let mut highest = 0;
    let mut session_begins = Vec::new();
    let mut backend = backend;
    for new_session in [true, false, true, true, false, true] {
        let block = backend.reserve(stream.id, new_session).expect("reserve");
        assert!(block.first > highest && block.through >= block.first, "{block:?} after {highest}");
        if new_session {
            assert_eq!(block.first % 1_000, 1);
            session_begins.push(block.first);
        } else {
            assert_eq!(block.first, highest + 1, "a running session goes on without a hole");
        }
        highest = block.through;
        close(backend);
        backend = open();
    }
    assert_eq!(session_begins[0], 1);
}

/// After deletion nothing is left that could be read.
pub fn a_deleted_stream_leaves_no_key_and_no_fragment(open: &Open) {
    let backend = open();
    let stream = stream("s");
    backend.create_stream(&stream, None).expect("create");
    let key = KeyRow { number: 1, wrapped: WrappedKey::from_bytes([7; 40]), created: NOW };
    assert_eq!(backend.add_key(stream.id, &key), Ok(true));
    assert_eq!(backend.add_key(stream.id, &key), Ok(false), "the number is taken");
    assert_eq!(backend.keys(stream.id), Ok(vec![key.clone()]));
    let located = commit(&*backend, stream.id, 1..=3);
    let chunk = backend.publish_chunk(stream.id, &located[..2]).expect("publish");

    let by_id = StreamKey::Id(stream.id);
    let stale = backend.delete_stream(&by_id, Some(9)).map_err(|error| error.kind().clone());
    assert_eq!(stale, Err(ErrorKind::VersionMismatch));
    assert_eq!(backend.delete_stream(&by_id, Some(1)), Ok(stream.id));
    backend.erase_keys(stream.id).expect("erase");
    assert_eq!(backend.keys(stream.id), Ok(Vec::new()));
    assert_eq!(backend.stream(&by_id), Ok(None));
    assert!(backend.add_key(stream.id, &key).is_err(), "no key for a stream that is gone");
    assert!(backend.reserve(stream.id, true).is_err());
    let report = backend.expire(NOW).expect("expire");
    assert_eq!(report.objects_removed, 1);
    assert_eq!(backend.chunk_parts(&chunk), Ok(None));
    assert_eq!(
        backend.delete_stream(&by_id, None).map_err(|error| error.kind().clone()),
        Err(ErrorKind::NotFound)
    );
    close(backend);
    assert_eq!(open().recovered(), Ok(Vec::new()), "its journal records are nobody's");
}

/// The row names what is erased until nothing of it is left; a chunk that holds others keeps those, and their indexes.
pub fn erased_fragments_are_in_no_chunk_and_are_not_recovered(open: &Open) {
    let backend = open();
    let (stream, other) = (stream("s"), stream("other"));
    for stream in [&stream, &other] {
        backend.create_stream(stream, None).expect("create");
    }
    let others = commit(&*backend, other.id, 1..=2);
    let mut located = commit(&*backend, stream.id, 1..=4);
    let key = DataKey::from_bytes([1; 32]);
    let indexed = sealed(stream.id, 5, b"body").with_index([3; 12], (1, &key), b"index");
    backend.commit(&[&indexed]).expect("commit");
    close(backend);
    let backend = open();
    let recovered = backend.recovered().expect("recovered");
    located.extend(recovered.iter().filter(|located| located.meta.number.sequence() == 5));
    located.extend(commit(&*backend, stream.id, 6..=8));
    backend.publish_chunk(stream.id, &located[..3]).expect("publish");
    backend.publish_chunk(stream.id, &located[3..6]).expect("publish");
    let number = |sequence: usize| located[sequence - 1].meta.number;
    let range = FragmentRange { first: number(2), last: number(4) };
    let row = backend.erase_fragments(stream.id, range).expect("erase");
    assert_eq!(row.erased, [range]);
    assert_eq!(backend.erase_fragments(stream.id, range).expect("erase").erased, [range], "again");
    let young = FragmentRange { first: number(8), last: number(8) };
    backend.erase_fragments(stream.id, young).expect("erase");
    close(backend);

    let backend = open();
    assert_eq!(backend.erasing_streams(), Ok(vec![stream.id]));
    let recovered = backend.recovered().expect("recovered");
    let left: Vec<u64> =
        recovered.iter().filter(|of| of.stream == stream.id).map(|of| of.meta.number.sequence()).collect();
    assert_eq!(left, [7], "what is erased is not recovered");
    let remaining = backend.remove_erased(stream.id, true).expect("remove").expect("there");
    assert!(!remaining.in_chunks);
    let (mut sequences, mut indexes, mut after) = (Vec::new(), Vec::new(), FragmentNumber::MIN);
    while let Some(chunk) = backend.find_chunk(stream.id, after, FirstMatch::Any).expect("find") {
        after = chunk.last;
        for part in backend.chunk_parts(&chunk).expect("parts").expect("kept") {
            let bytes = backend.read_chunk(&chunk, part.offset, part.length).expect("read").expect("kept");
            assert_eq!(RecordHeader::check(&bytes).expect("intact").meta, part.meta);
            sequences.push(part.meta.number.sequence());
        }
        let side = backend.read_chunk_indexes(&chunk).expect("read");
        indexes.extend(index_block::blocks(&side).map(|(header, _)| header.number.sequence()));
    }
    assert_eq!((sequences, indexes), (vec![1, 5, 6], vec![5]));
    // The segments go when nothing in them is alive, and then nothing is left to be told.
    let seventh: Vec<Located> = recovered.into_iter().filter(|of| of.stream == stream.id).collect();
    backend.publish_chunk(stream.id, &seventh).expect("publish");
    backend.release(&locs(&seventh));
    backend.publish_chunk(other.id, &others).expect("publish");
    backend.release(&locs(&others));
    close(backend);
    let backend = open();
    backend.tend().expect("tend");
    let remaining = backend.remove_erased(stream.id, true).expect("remove").expect("there");
    assert_eq!((remaining.row.erased, remaining.in_chunks), (Vec::new(), false));
    assert_eq!(backend.erasing_streams(), Ok(Vec::new()));
    let gone = backend.remove_erased(StreamId::from_bytes([0; 16]), true);
    assert_eq!(gone, Ok(None));
    let refused = backend.erase_fragments(StreamId::from_bytes([0; 16]), range);
    assert_eq!(refused.map_err(|error| error.kind().clone()), Err(ErrorKind::NotFound));
    backend.erase_fragments(stream.id, range).expect("erase");
    backend.delete_stream(&StreamKey::Id(stream.id), None).expect("delete");
    assert_eq!(backend.erasing_streams(), Ok(Vec::new()));
    close(backend);
}

/// Ranges that are told are few; one within another is no more. Apart from [`check`]: it is slow on a real disk.
pub fn one_erasure_more_than_may_wait_is_refused(open: &Open) {
    let backend = open();
    let stream = stream("s");
    backend.create_stream(&stream, None).expect("create");
    let number = |at: u64| FragmentNumber::new(100 + at, ServerTime::from_unix_ms(1), 0);
    let erase = |first, last| {
        let erased = backend.erase_fragments(stream.id, FragmentRange { first, last });
        erased.map(|row| row.erased.len()).map_err(|error| error.kind().clone())
    };
    let last = MAX_ERASURES as u64;
    for at in 1..=last {
        assert_eq!(erase(number(2 * at), number(2 * at)), Ok(usize::try_from(at).unwrap_or(0)));
    }
    assert_eq!(erase(number(1), number(1)), Err(ErrorKind::QuotaReached));
    assert_eq!(erase(number(2), number(2)), Ok(MAX_ERASURES), "it is there");
    assert_eq!(erase(number(1), number(2 * last)), Ok(1), "all within one");
    close(backend);
}

/// A chunk goes when its last fragment has expired; a change of retention counts at once.
pub fn retention_removes_what_has_expired_and_only_that(open: &Open) {
    let backend = open();
    let stream = stream("s");
    backend.create_stream(&stream, None).expect("create");
    let located = commit(&*backend, stream.id, 1..=2);
    backend.publish_chunk(stream.id, &located[..1]).expect("publish");
    backend.publish_chunk(stream.id, &located[1..]).expect("publish");
    let expires = WallTime::from_unix_ms(located[0].meta.server.unix_ms() + HOUR_MS);
    assert_eq!(backend.expire(expires.plus_ms(-1)).expect("expire").chunks_expired, 0);
    assert_eq!(backend.expire(expires).expect("expire").chunks_expired, 1);
    let left = backend.find_chunk(stream.id, FragmentNumber::MIN, FirstMatch::Any).expect("find");
    assert_eq!(left.map(|row| row.first), Some(located[1].meta.number));
    // A longer retention does not bring back what had expired, and keeps what had not.
    let second_expires = WallTime::from_unix_ms(located[1].meta.server.unix_ms() + HOUR_MS);
    backend.set_retention(stream.id, None, 48, second_expires.plus_ms(-1)).expect("retention");
    assert_eq!(backend.expire(second_expires).expect("expire").chunks_expired, 0);
    backend.set_retention(stream.id, None, 0, second_expires).expect("retention");
    assert_eq!(backend.expire(second_expires).expect("expire").chunks_expired, 1);
}

/// What the clock is compared with at an opening.
pub fn the_last_time_is_that_of_rows_and_records_until_one_is_remembered(open: &Open) {
    let backend = open();
    assert_eq!(backend.last_time(), Ok(None));
    let stream = stream("s");
    backend.create_stream(&stream, None).expect("create");
    assert_eq!(backend.last_time(), Ok(Some(NOW)), "the stream was created then");
    let located = commit(&*backend, stream.id, 1..=2);
    close(backend);
    let backend = open();
    let newest = located[1].meta.server.unix_ms();
    assert!(newest > NOW.unix_ms());
    assert_eq!(backend.last_time(), Ok(Some(WallTime::from_unix_ms(newest))), "a record was committed then");
    // An earlier one counts too: the records may have come while the clock was wrong.
    backend.remember_time(NOW).expect("remember");
    close(backend);
    assert_eq!(open().last_time(), Ok(Some(NOW)));
}

pub(crate) fn stream(name: &str) -> Stream {
    let region = Region::parse("us-west-2").expect("a region");
    let account = AccountId::parse("111122223333").expect("an account");
    let name = StreamName::parse(name).expect("a name");
    Stream {
        id: StreamId::random(),
        arn: StreamArn::new(region, account, name, NOW),
        device_name: None,
        media_type: None,
        kms_key_id: "alias/aws/kinesisvideo".into(),
        kms_key_arn: None,
        retention_hours: 1,
        storage_tier: StorageTier::Hot,
        version: 1,
        status: StreamStatus::Active,
        tags: BTreeMap::from([("a".to_owned(), "1".to_owned())]),
    }
}

/// Fragment `sequence`: one second long, one second after the one before by the store's clock, and one second before
/// it by the producer's.
fn sealed(stream: StreamId, sequence: u64, body: &[u8]) -> Record {
    let second = i64::try_from(sequence).expect("small") * 1_000;
    let server = ServerTime::from(NOW).plus_ms(second);
    let meta = FragmentMeta {
        number: FragmentNumber::new(sequence, server, 0),
        producer: ProducerTime::from_unix_ms(NOW.unix_ms() - second),
        server,
        duration_ms: 1_000,
        head_bytes: 4,
        body_bytes: u32::try_from(body.len()).expect("small"),
    };
    Record::seal(stream, meta, (1, &DataKey::from_bytes([1; 32])), None, [&b"head"[..], body].into_iter())
}

/// What precedes every record: a key, and numbers that are reserved.
pub(crate) fn make_ready(backend: &dyn Backend, stream: StreamId) {
    let key = KeyRow { number: 1, wrapped: WrappedKey::from_bytes([7; 40]), created: NOW };
    backend.add_key(stream, &key).expect("key");
    backend.reserve(stream, true).expect("reserve");
}

fn commit(backend: &dyn Backend, stream: StreamId, sequences: std::ops::RangeInclusive<u64>) -> Vec<Located> {
    make_ready(backend, stream);
    sequences
        .map(|sequence| {
            let record = sealed(stream, sequence, format!("body of {sequence}").as_bytes());
            let loc = backend.commit(&[&record]).expect("commit")[0];
            let meta = RecordHeader::check(&bytes_of(&record)).expect("intact").meta;
            Located { stream, meta, key: 1, loc }
        })
        .collect()
}

fn bytes_of(record: &Record) -> Vec<u8> {
    let mut bytes = Vec::new();
    record.write_to(&mut bytes);
    bytes
}

fn locs(located: &[Located]) -> Vec<crate::JournalLoc> {
    located.iter().map(|located| located.loc).collect()
}

fn sequences(located: &[Located]) -> Vec<u64> {
    located.iter().map(|located| located.meta.number.sequence()).collect()
}

fn close(backend: Arc<dyn Backend>) {
    backend.close();
    drop(backend);
}

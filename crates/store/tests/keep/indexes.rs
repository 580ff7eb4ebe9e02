use crate::place::{Open, Place, files};
use crate::support::{HOUR_MS, head};
use bytes::Bytes;
use std::path::{Path, PathBuf};
use tympan_store::embedded::{AtRest, BackupOptions, FindingKind, Subject, Verdict, rebuild, restore};
use tympan_store::{Clock, IndexedFragment, Stream, StreamRef};
use tympan_types::FragmentNumber;

const SECRET: &[u8] = b"how loud it was, and which keys were pressed";
const FIRST: FragmentNumber = FragmentNumber::MIN;
const LAST: FragmentNumber = FragmentNumber::from_bytes([0xff; 20]);

/// Writes a session of fragments with these indexes and ends it.
async fn session(open: &Open, stream: &Stream, indexes: &[Option<&'static [u8]>]) -> Vec<FragmentNumber> {
    let mut writer = open.store.open_writer(stream.id).await.unwrap();
    let mut numbers = Vec::new();
    for index in indexes {
        numbers.push(writer.begin(head(0)).unwrap());
        writer.push(Bytes::from_static(b"body"));
        writer.seal_indexed(1_000, index.map(Bytes::from_static)).await.unwrap();
    }
    numbers
}

async fn read(open: &Open, stream: &Stream) -> Vec<IndexedFragment> {
    open.store.indexes(stream.id, FIRST, LAST, 1_000).await.unwrap()
}

async fn indexes(open: &Open, stream: &Stream) -> Vec<Option<Bytes>> {
    read(open, stream).await.into_iter().map(|one| one.index).collect()
}

fn of(indexes: &[Option<&'static [u8]>]) -> Vec<Option<Bytes>> {
    indexes.iter().map(|index| index.map(Bytes::from_static)).collect()
}

fn side_files(place: &Place) -> Vec<PathBuf> {
    let all = files(&place.data());
    all.into_keys().filter(|path| path.extension().is_some_and(|end| end == "index")).collect()
}

fn contains(folder: &Path, needle: &[u8]) -> bool {
    files(folder).values().any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

const SOME: [Option<&[u8]>; 4] = [Some(b"one"), None, Some(SECRET), Some(b"four")];

#[tokio::test]
async fn an_index_is_there_in_the_journal_in_a_chunk_and_after_a_restart() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    let numbers = session(&open, &stream, &SOME).await;
    assert_eq!(indexes(&open, &stream).await, of(&SOME));
    open.close().await;
    let open = place.open();
    assert_eq!(indexes(&open, &stream).await, of(&SOME));
    open.store.chunk().await.unwrap();
    open.backend_is_idle().await;
    session(&open, &stream, &[Some(b"later")]).await;
    assert_eq!(side_files(&place).len(), 1);
    assert_eq!(indexes(&open, &stream).await, [of(&SOME), of(&[Some(b"later")])].concat());
    open.close().await;
    let open = place.open();
    assert_eq!(indexes(&open, &stream).await.len(), 5);
    // From one number to another, and no more than asked for.
    let some = open.store.indexes(stream.id, numbers[1], numbers[2], 1_000).await.unwrap();
    assert_eq!(some.iter().map(|one| one.meta.number).collect::<Vec<_>>(), numbers[1..3]);
    assert_eq!(open.store.indexes(stream.id, FIRST, LAST, 3).await.unwrap().len(), 3);
    open.close().await;
    assert!(!contains(&place.data(), SECRET), "it is encrypted");
    let report = place.check().await;
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!((report.indexes, report.findings.len()), (3, 0));
}

#[tokio::test]
async fn a_chunk_of_fragments_without_indexes_has_no_side_file() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    session(&open, &stream, &[None, Some(b"")]).await;
    open.store.chunk().await.unwrap();
    assert_eq!(side_files(&place), [] as [PathBuf; 0]);
    assert_eq!(indexes(&open, &stream).await, of(&[None, None]));
    open.close().await;
}

#[tokio::test]
async fn an_index_without_bounds_is_left_out_and_its_fragment_is_kept() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    let mut writer = open.store.open_writer(stream.id).await.unwrap();
    for bytes in [2 << 20, (2 << 20) + 1] {
        writer.begin(head(0)).unwrap();
        writer.seal_indexed(20, Some(vec![7; bytes].into())).await.unwrap();
    }
    let found = indexes(&open, &stream).await;
    assert_eq!(
        found.iter().map(|index| index.as_ref().map(Bytes::len)).collect::<Vec<_>>(),
        [Some(2 << 20), None]
    );
    assert_eq!(open.store.stats().indexes_left_out, 1);
    open.close().await;
}

#[tokio::test]
async fn a_stream_without_retention_has_indexes_while_its_fragments_are_in_memory() {
    let place = Place::new();
    let open = place.open();
    let stream = open.store.create_stream(crate::support::new_stream("s", 0), None).await.unwrap();
    let mut writer = open.store.open_writer(stream.id).await.unwrap();
    writer.begin(head(0)).unwrap();
    writer.seal_indexed(1_000, Some(Bytes::from_static(b"one"))).await.unwrap();
    assert_eq!(indexes(&open, &stream).await, of(&[Some(b"one")]));
    place.clock.advance_ms(6 * 60_000);
    assert_eq!(indexes(&open, &stream).await, of(&[]));
    drop(writer);
    open.close().await;
}

#[tokio::test]
async fn a_flipped_bit_anywhere_in_a_side_file_costs_indexes_and_nothing_else() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    session(&open, &stream, &SOME).await;
    open.store.chunk().await.unwrap();
    open.backend_is_idle().await;
    let [side] = &side_files(&place)[..] else { panic!("one side file") };
    let good = std::fs::read(side).unwrap();
    for at in (0..good.len()).step_by(5) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(side, &bad).unwrap();
        let found = indexes(&open, &stream).await;
        assert_eq!(found.len(), 4);
        let lost = found.iter().zip(of(&SOME)).filter(|(found, good)| *found != good).count();
        assert!(lost == 1 || at < 64, "byte {at}: {lost} are lost");
        for (found, good) in found.iter().zip(of(&SOME)) {
            assert!(found.is_none() || *found == good, "byte {at}: none is wrong");
        }
        let scrub = open.store.scrub(u64::MAX).await.unwrap();
        assert!(at < 64 || !scrub.damage.is_empty(), "byte {at}");
    }
    for cut in [0, 10, 64, good.len() - 1] {
        std::fs::write(side, &good[..cut]).unwrap();
        assert_eq!(indexes(&open, &stream).await.len(), 4, "cut at {cut}");
    }
    open.close().await;
    let report = place.check().await;
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert!(
        report.findings.iter().any(|finding| finding.kind == FindingKind::Note),
        "{:#?}",
        report.findings
    );
    std::fs::remove_file(side).unwrap();
    let open = place.open();
    assert_eq!(indexes(&open, &stream).await, of(&[None; 4]));
    assert_eq!(open.fragments(&stream).await.values().flatten().count(), 4);
    open.close().await;
}

#[tokio::test]
async fn a_side_file_goes_with_its_chunk_by_retention_and_by_deletion() {
    let place = Place::new();
    let open = place.open();
    let (expires, deleted) = (open.stream("expires").await, open.stream("deleted").await);
    for stream in [&expires, &deleted] {
        session(&open, stream, &SOME).await;
    }
    open.store.chunk().await.unwrap();
    assert_eq!(side_files(&place).len(), 2);
    open.store.delete_stream(StreamRef::Arn(&deleted.arn), None).await.unwrap();
    assert!(open.store.indexes(deleted.id, FIRST, LAST, 10).await.is_err());
    open.store.sweep().await.unwrap();
    assert_eq!(side_files(&place).len(), 1);
    place.clock.advance_ms(25 * HOUR_MS);
    assert_eq!(read(&open, &expires).await, [], "expired is never served");
    open.store.confirm_clock();
    open.store.sweep().await.unwrap();
    assert_eq!(side_files(&place), [] as [PathBuf; 0]);
    open.close().await;
}

#[tokio::test]
async fn the_proof_of_a_deletion_searches_indexes_as_well() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    session(&open, &stream, &SOME).await;
    open.store.chunk().await.unwrap();
    open.close().await;
    let [side] = &side_files(&place)[..] else { panic!("one side file") };
    let kept = std::fs::read(side).unwrap();
    let prove = async || {
        let at_rest = AtRest::open(&place.data()).unwrap();
        let subject = Subject { stream: "s", expired_at: None, fragments: None };
        at_rest.prove_deletion(subject, Some(&place.keyring), &mut |_| {}).await.unwrap()
    };
    let proof = prove().await;
    // Three in the side file, and the same three in the journal; four fragments twice.
    let generation = &proof.generations[0];
    assert_eq!((generation.indexes, generation.records, generation.decrypted), (6, 8, 14));
    assert!(generation.places.iter().any(|place| place.contains("the index of fragment")), "{proof:#?}");
    let open = place.open();
    open.store.delete_stream(StreamRef::Arn(&stream.arn), None).await.unwrap();
    open.close().await;
    let proof = prove().await;
    assert_eq!((proof.verdict, proof.generations[0].decrypted), (Verdict::Gone, 0));
    assert!(proof.generations[0].indexes >= 3, "the bytes are still there, and only the key is gone");
    let open = place.open();
    open.store.sweep().await.unwrap();
    open.backend_is_idle().await;
    open.close().await;
    assert_eq!(prove().await.generations[0].indexes, 0);
    // A copy of the side file alone is found, wherever it lies.
    std::fs::write(place.data().join("forgotten.bak"), kept).unwrap();
    let proof = prove().await;
    assert_eq!((proof.generations[0].indexes, proof.verdict), (3, Verdict::Gone));
}

#[tokio::test]
async fn a_backup_holds_side_files_and_restores_them() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    session(&open, &stream, &SOME).await;
    open.store.chunk().await.unwrap();
    session(&open, &stream, &SOME).await;
    for copies in [false, true] {
        let (target, restored) =
            (place.folder.path().join(format!("b{copies}")), place.folder.path().join(format!("r{copies}")));
        let options = BackupOptions { copies, keyring: None };
        open.backend.backup(&target, &options, &mut |_| {}).unwrap();
        restore(&target, &restored, &mut |_| {}).unwrap();
        let again = place.open_at(&restored, 64 << 20);
        assert_eq!(indexes(&again, &stream).await, [of(&SOME), of(&SOME)].concat());
        again.close().await;
    }
    open.close().await;
}

#[tokio::test]
async fn a_side_file_without_a_chunk_goes_at_the_next_start_and_one_that_is_lost_goes_along() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    session(&open, &stream, &SOME).await;
    open.store.chunk().await.unwrap();
    open.backend_is_idle().await;
    open.close().await;
    let [side] = &side_files(&place)[..] else { panic!("one side file") };
    let orphan = side.with_file_name("1-1-77.chunk.index");
    std::fs::copy(side, &orphan).unwrap();
    // A catalogue that is lost is made anew, with a chunk that does not say what it is: it is put aside.
    let chunk = side.with_extension("");
    std::fs::write(&chunk, b"no chunk").unwrap();
    std::fs::remove_file(place.data().join("catalog.db")).unwrap();
    rebuild(&place.data(), place.clock.now(), &mut |_| {}).unwrap();
    let open = place.open();
    let [put_aside] = &side_files(&place)[..] else { panic!("{:?}", side_files(&place)) };
    assert!(put_aside.parent().unwrap().ends_with("lost+found"), "{put_aside:?}");
    open.store.delete_stream(StreamRef::Arn(&stream.arn), None).await.unwrap();
    open.store.sweep().await.unwrap();
    assert_eq!(side_files(&place), [] as [PathBuf; 0], "what belongs to a deleted stream goes");
    open.close().await;
}

#[tokio::test]
async fn a_rebuilt_catalogue_finds_the_side_files() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    session(&open, &stream, &SOME).await;
    open.store.chunk().await.unwrap();
    open.close().await;
    std::fs::remove_file(place.data().join("catalog.db")).unwrap();
    rebuild(&place.data(), place.clock.now(), &mut |_| {}).unwrap();
    let open = place.open();
    assert_eq!(indexes(&open, &stream).await, of(&SOME));
    open.close().await;
}

#[tokio::test]
async fn an_hour_of_indexes_is_read_without_its_audio() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    let mut writer = open.store.open_writer(stream.id).await.unwrap();
    let (body, index) = (Bytes::from(vec![7; 8_000]), Bytes::from(vec![7; 160]));
    let mut promises = Vec::new();
    for _ in 0..3_600 {
        writer.begin(head(0)).unwrap();
        writer.push(body.clone());
        promises.push(writer.seal_indexed(1_000, Some(index.clone())));
    }
    for promise in promises {
        promise.await.unwrap();
    }
    drop(writer);
    while open.store.chunk().await.unwrap() > 0 {}
    let begun = std::time::Instant::now();
    let found = open.store.indexes(stream.id, FIRST, LAST, 10_000).await.unwrap();
    let took = begun.elapsed();
    assert!(found.len() == 3_600 && found.iter().all(|one| one.index.as_ref() == Some(&index)));
    println!("an hour in {took:?}");
    // The promise is 50 ms for the whole picture.
    assert!(took.as_millis() < 500, "{took:?}");
    open.close().await;
}

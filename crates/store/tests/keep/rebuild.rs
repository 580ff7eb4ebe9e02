//! A catalogue that is gone is made anew from pages, chunks and journal.

use crate::old_catalogue::put;
use crate::place::{Open, Place, files};
use std::collections::BTreeMap;
use std::path::PathBuf;
use tympan_store::embedded::{AtRest, RebuildReport, SEQUENCE_MARGIN, rebuild, restore};
use tympan_store::{Clock, ErrorKind, Fragment, StorageTier, Stream, StreamRef};
use tympan_types::FragmentNumber;

type Contents = Vec<(Stream, BTreeMap<FragmentNumber, Option<Fragment>>)>;

fn make_anew(place: &Place) -> Result<RebuildReport, tympan_store::StoreError> {
    rebuild(&place.data(), place.clock.now(), &mut |_| {})
}

/// Streams with everything that a page can say, chunks, fragments in the journal, one expired in part, one deleted.
async fn fill(place: &Place, open: &Open) -> Vec<Stream> {
    let mut streams = Vec::new();
    for name in ["a", "b", "c", "deleted", "silent"] {
        streams.push(open.stream(name).await);
    }
    open.session(&streams[1], &[b"expires"]).await;
    open.store.chunk().await.unwrap();
    let row = open.store.set_retention(streams[1].id, None, 1).await.unwrap();
    assert_eq!(row.retention_hours, 1);
    // A second key, and a chunk that expires.
    place.clock.advance_ms(25 * crate::support::HOUR_MS);
    for stream in &streams[..4] {
        open.session(stream, &[b"one", b"two", b"three"]).await;
    }
    open.store.chunk().await.unwrap();
    open.session(&streams[0], &[b"four"]).await;
    let tags = BTreeMap::from([("a tag".to_owned(), "its value".to_owned())]);
    open.store.set_tags(streams[2].id, &tags, &[], 50).await.unwrap();
    open.store
        .set_details(streams[2].id, None, Some("a device".into()), Some("video/h264".into()))
        .await
        .unwrap();
    open.store.set_storage_tier(streams[2].id, None, StorageTier::Warm).await.unwrap();
    open.store.delete_stream(StreamRef::Arn(&streams.remove(3).arn), None).await.unwrap();
    open.store.sweep().await.unwrap();
    streams
}

async fn contents(open: &Open, streams: &[Stream]) -> Contents {
    let mut contents = Vec::new();
    for stream in streams {
        let described = open.store.stream(StreamRef::Arn(&stream.arn)).await.unwrap();
        let fragments = open.fragments(&described).await;
        assert!(fragments.values().all(Option::is_some), "all are read");
        contents.push((described, fragments));
    }
    contents
}

#[tokio::test]
async fn everything_comes_back_exactly_after_the_catalogue_is_gone() {
    let place = Place::new();
    let open = place.open_at(&place.data(), 600);
    let streams = fill(&place, &open).await;
    let before = contents(&open, &streams).await;
    assert_eq!(before.iter().map(|(_, fragments)| fragments.len()).collect::<Vec<_>>(), [4, 3, 3, 0]);
    open.close().await;

    put(&place.data(), &[]);
    let report = make_anew(&place).unwrap();
    assert_eq!((report.streams, report.chunks, report.fragments_in_journal), (4, 3, 1), "{report:#?}");
    assert!(report.lost.iter().any(|line| line.contains("log of deletions")), "{report:#?}");

    let open = place.open();
    assert_eq!(open.backend.report(), &Default::default());
    assert_eq!(contents(&open, &streams).await, before);
    let numbers = open.session(&streams[0], &[b"five"]).await;
    let newest = before[0].1.keys().last().unwrap();
    assert!(numbers[0].sequence() > newest.sequence() + SEQUENCE_MARGIN - 1);
    // It goes on as any other: chunks, restarts, deletion.
    open.store.chunk().await.unwrap();
    open.close().await;
    let open = place.open();
    assert_eq!(open.fragments(&streams[0]).await.len(), 5);
    open.close().await;
    let again = make_anew(&place).unwrap_err();
    assert_eq!(again.kind(), &ErrorKind::Exists, "{again}");
}

#[tokio::test]
async fn an_old_catalogue_is_replaced_and_its_log_of_deletions_kept() {
    let place = Place::new();
    let open = place.open();
    let streams = fill(&place, &open).await;
    let old = tempfile::tempdir().unwrap();
    open.backend.backup(old.path(), &Default::default(), &mut |_| {}).unwrap();
    open.session(&streams[1], &[b"later"]).await;
    open.session(&streams[1], &[b"latest"]).await;
    let before = contents(&open, &streams).await;
    open.close().await;
    put(&place.data(), &[("catalog.db".into(), std::fs::read(old.path().join("catalog.db")).unwrap())]);
    let report = make_anew(&place).unwrap();
    assert_eq!((report.streams, report.deletions), (4, 1), "{report:#?}");
    assert_eq!(report.lost, Vec::<String>::new());
    let open = place.open();
    assert_eq!(contents(&open, &streams).await, before);
    open.close().await;
    assert_eq!(AtRest::open(&place.data()).unwrap().deletions().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_damaged_or_has_no_page_is_kept_aside_until_it_has_expired() {
    let place = Place::new();
    let open = place.open();
    let streams = fill(&place, &open).await;
    open.session(&streams[2], &[b"in the journal"]).await;
    open.close().await;
    let data = place.data();
    // The page of one stream is damaged, and the chunk of another.
    let page = data.join("streams").join(format!("{}.stream", streams[2].id));
    let mut bytes = std::fs::read(&page).unwrap();
    bytes[100] ^= 1;
    std::fs::write(&page, bytes).unwrap();
    let chunks: Vec<PathBuf> = files(&data.join("chunks")).into_keys().collect();
    let of = |stream: &Stream| {
        chunks
            .iter()
            .find(|path| path.display().to_string().contains(&stream.id.to_string()))
            .unwrap()
            .clone()
    };
    let cut = of(&streams[1]);
    let bytes = std::fs::read(&cut).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    put(&data, &[]);
    let report = make_anew(&place).unwrap();
    assert_eq!(report.streams, 3);
    let lost = report.lost.join("\n");
    assert!(lost.contains("its page is damaged") && lost.contains("its stream has no page"), "{lost}");
    assert!(lost.contains("it is damaged") && lost.contains("have no page"), "{lost}");
    let kept = || files(&data.join("lost+found")).into_keys().collect::<Vec<_>>();
    assert_eq!(kept().len(), 3, "{lost}");
    assert!(
        !cut.exists() && kept().iter().any(|path| std::fs::read(path).unwrap() == bytes[..bytes.len() / 2])
    );

    let open = place.open();
    assert_eq!(open.fragments(&streams[0]).await.len(), 4);
    open.store.sweep().await.unwrap();
    assert_eq!(kept().len(), 3, "kept by the time at which they were written");
    let at_rest_would_say = tympan_store::embedded::lost_files(&data);
    assert_eq!(at_rest_would_say.len(), 3);
    // What belongs to a stream that is deleted goes at once, the rest with the longest retention.
    open.store.delete_stream(StreamRef::Arn(&streams[1].arn), None).await.unwrap();
    open.store.sweep().await.unwrap();
    assert_eq!(kept().len(), 2);
    let since_written =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    place.clock.advance_ms(since_written - place.clock.now().unix_ms() + 25 * crate::support::HOUR_MS);
    open.store.sweep().await.unwrap();
    assert_eq!(kept(), Vec::<PathBuf>::new());
    open.close().await;
}

#[tokio::test]
async fn a_rebuild_that_is_cut_off_anywhere_can_be_run_again() {
    let place = Place::new();
    let open = place.open();
    let streams = fill(&place, &open).await;
    let before = contents(&open, &streams).await;
    open.close().await;
    let data = place.data();
    put(&data, &[]);
    // Nothing has its name yet.
    std::fs::write(data.join("catalog.rebuilt"), "half of it").unwrap();
    make_anew(&place).unwrap();
    // The old one is gone, and the new one has no name.
    std::fs::rename(data.join("catalog.db"), data.join("catalog.rebuilt")).unwrap();
    let refused =
        tympan_store::embedded::EmbeddedBackend::open(&data, place.options(64 << 20)).err().unwrap();
    assert!(refused.message().contains("is missing"), "{refused}");
    make_anew(&place).unwrap();
    assert!(!data.join("catalog.rebuilt").exists());
    let open = place.open();
    assert_eq!(contents(&open, &streams).await, before);
    open.close().await;
}

#[tokio::test]
async fn without_pages_there_is_nothing_to_rebuild_from() {
    let place = Place::new();
    let open = place.open();
    fill(&place, &open).await;
    open.close().await;
    std::fs::remove_dir_all(place.data().join("streams")).unwrap();
    put(&place.data(), &[]);
    let before = files(&place.data());
    assert_eq!(make_anew(&place).unwrap_err().kind(), &ErrorKind::NotFound);
    assert!(files(&place.data()) == before);
}

#[tokio::test]
async fn a_backup_carries_the_pages() {
    let place = Place::new();
    let open = place.open();
    let streams = fill(&place, &open).await;
    let before = contents(&open, &streams).await;
    let (backup, restored) = (place.folder.path().join("backup"), place.folder.path().join("restored"));
    open.backend.backup(&backup, &Default::default(), &mut |_| {}).unwrap();
    open.close().await;
    restore(&backup, &restored, &mut |_| {}).unwrap();
    assert_eq!(files(&restored.join("streams")).len(), streams.len(), "none of a stream that is deleted");
    put(&restored, &[]);
    rebuild(&restored, place.clock.now(), &mut |_| {}).unwrap();
    let open = place.open_at(&restored, 64 << 20);
    assert_eq!(contents(&open, &streams).await, before);
    open.close().await;
}

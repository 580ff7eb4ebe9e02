use crate::place::{Place, files};
use std::path::PathBuf;
use tympan_store::ErrorKind;
use tympan_store::embedded::{AtRest, FindingKind};

const BODIES: [&[u8]; 3] = [b"the first", b"the second, which is longer", b"the third"];

/// A store with one chunk of three fragments, and three more in the journal, in two segments.
async fn filled(place: &Place) {
    let open = place.open_at(&place.data(), 600);
    let chunked = open.stream("chunked").await;
    open.session(&chunked, &BODIES).await;
    assert_eq!(open.store.chunk().await.unwrap(), 1);
    let journalled = open.stream("journalled").await;
    open.session(&journalled, &BODIES).await;
    open.close().await;
}

#[tokio::test]
async fn a_sound_directory_is_called_sound_and_left_exactly_as_it_is() {
    let place = Place::new();
    filled(&place).await;
    let before = files(&place.data());
    let report = place.check().await;
    assert_eq!(files(&place.data()), before, "nothing is touched");
    assert!(report.is_sound(), "{:#?}", report.findings);
    assert_eq!((report.fragments_intact, report.fragments_damaged, report.fragments_without_key), (6, 0, 0));
    assert_eq!(report.streams.len(), 2);
    assert_eq!(report.streams[0].name, "chunked");
    assert_eq!((report.streams[0].chunks, report.streams[0].fragments_in_journal), (1, 0));
    assert_eq!((report.streams[1].chunks, report.streams[1].fragments_in_journal), (0, 3));
    assert_eq!((report.streams[0].data_keys, report.streams[0].data_keys_opened), (1, 1));
    assert!(report.bytes_read > 0);

    // Without keys the checksums still speak, and the report says that nothing more was looked at.
    let at_rest = AtRest::open(&place.data()).unwrap();
    let blind = at_rest.check(None, Some("chunked"), &mut |_| {}).await.unwrap();
    assert_eq!((blind.fragments_intact, blind.fragments_without_key), (3, 3));
    let nothing = at_rest.check(None, Some("nothing"), &mut |_| {}).await.unwrap_err();
    assert_eq!(nothing.kind(), &ErrorKind::NotFound);
}

#[tokio::test]
async fn a_directory_in_use_is_refused_and_says_why() {
    let place = Place::new();
    let open = place.open();
    let refused = AtRest::open(&place.data()).err().unwrap();
    assert_eq!(refused.kind(), &ErrorKind::Fenced);
    assert!(refused.message().contains("a server runs on it"), "{refused}");
    open.close().await;
    assert!(AtRest::open(&place.data()).is_ok());
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(AtRest::open(empty.path()).err().unwrap().kind(), &ErrorKind::NotFound);
}

#[tokio::test]
async fn a_flipped_bit_anywhere_in_a_chunk_is_found_and_its_neighbours_are_intact() {
    let place = Place::new();
    filled(&place).await;
    let (path, good) = only(&place, "chunk");
    for at in (0..good.len()).step_by(3) {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&path, &bad).unwrap();
        let report = place.check().await;
        assert!(!report.is_sound(), "byte {at} of the chunk");
        assert!(report.fragments_intact >= 3, "byte {at}: the journal is not concerned");
        let in_index = report.fragments_damaged == 3;
        assert!(in_index || report.fragments_damaged <= 1, "byte {at}: {:#?}", report.findings);
        let damaged = report.findings.iter().filter(|finding| finding.fragment.is_some()).count();
        assert_eq!(damaged as u64, report.fragments_damaged, "each is named");
    }
    std::fs::write(&path, &good[..good.len() - 1]).unwrap();
    assert!(!place.check().await.is_sound(), "cut off");
    std::fs::remove_file(&path).unwrap();
    let report = place.check().await;
    assert_eq!(report.streams[0].chunks_missing, 1);
    assert!(report.findings.iter().any(|finding| finding.kind == FindingKind::Missing));
}

#[tokio::test]
async fn a_flipped_bit_in_the_journal_is_found_and_named_or_is_in_what_was_never_promised() {
    let place = Place::new();
    filled(&place).await;
    let journal = files(&place.data().join("journal")).into_iter();
    let segments: Vec<(PathBuf, Vec<u8>)> =
        journal.filter(|(path, _)| path.extension().is_some_and(|ending| ending == "seg")).collect();
    assert!(segments.len() >= 2);
    let newest = segments.len() - 1;
    for (segment, (path, good)) in segments.iter().enumerate() {
        for at in (0..good.len()).step_by(5) {
            let mut bad = good.clone();
            bad[at] ^= 0x04;
            std::fs::write(path, &bad).unwrap();
            let report = place.check().await;
            let said = !report.findings.is_empty();
            // The index of a closed segment is only a hint: a start scans where it is not whole.
            let footer = bad.windows(4).rposition(|window| window == b"TYFT");
            let in_footer = segment != newest && footer.is_none_or(|footer| at >= footer);
            assert!(said || in_footer, "segment {segment}, byte {at}: {report:#?}");
            assert!(report.fragments_intact >= 3, "segment {segment}, byte {at}: chunks are not concerned");
        }
        std::fs::write(path, good).unwrap();
    }
    assert!(place.check().await.is_sound());
}

#[tokio::test]
async fn whatever_happens_to_the_catalogue_the_check_gives_an_answer() {
    let place = Place::new();
    filled(&place).await;
    let path = place.data().join("catalog.db");
    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(797) {
        let mut bad = good.clone();
        bad[at] ^= 0x20;
        std::fs::write(&path, &bad).unwrap();
        let report = place.check().await;
        assert!(report.fragments_intact <= 6, "byte {at}");
    }
    // A name or an id that is not what it was no longer opens the stream's keys.
    let name = good.windows(7).position(|window| window == b"chunked").unwrap();
    let mut bad = good.clone();
    bad[name] ^= 0x01;
    std::fs::write(&path, &bad).unwrap();
    assert!(!place.check().await.is_sound());
    // Without it the chunks are orphans, and that is said.
    std::fs::remove_file(&path).unwrap();
    let _ = std::fs::remove_file(place.data().join("catalog.db-wal"));
    let report = place.check().await;
    assert!(!report.is_sound());
    assert!(report.findings.iter().any(|finding| finding.kind == FindingKind::Orphan), "{report:#?}");
}

#[tokio::test]
async fn files_that_nobody_names_are_orphans_and_no_damage() {
    let place = Place::new();
    filled(&place).await;
    let (path, good) = only(&place, "chunk");
    std::fs::write(path.with_file_name("never-published.chunk"), &good).unwrap();
    let report = place.check().await;
    assert!(report.is_sound(), "{:#?}", report.findings);
    let orphans = report.findings.iter().filter(|finding| finding.kind == FindingKind::Orphan);
    assert_eq!(orphans.count(), 1);
}

#[tokio::test]
async fn abandoned_numbers_are_reported_as_gaps_and_a_new_session_is_none() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("s").await;
    open.session(&stream, &[b"one"]).await;
    let mut writer = open.store.open_writer(stream.id).await.unwrap();
    crate::support::write(&mut writer, "two").await.unwrap();
    writer.begin(crate::support::head(0)).unwrap();
    writer.abandon();
    crate::support::write(&mut writer, "three").await.unwrap();
    drop(writer);
    open.close().await;
    let report = place.check().await;
    assert!(report.is_sound());
    assert_eq!((report.streams[0].numbers_skipped, report.streams[0].gaps.len()), (1, 1));
}

/// The only file with that ending.
fn only(place: &Place, ending: &str) -> (PathBuf, Vec<u8>) {
    let mut found =
        files(&place.data()).into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == ending));
    let one = found.next().unwrap();
    assert_eq!(found.next(), None);
    one
}

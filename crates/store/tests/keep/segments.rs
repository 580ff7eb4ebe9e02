//! Segments of the journal that are removed, and what happens to the list of them.

use crate::place::{Open, Place, files};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tympan_store::Stream;
use tympan_store::embedded::{AtRest, BackupOptions, FindingKind, RecoveryReport, restore};

/// So few that every fragment has a segment of its own.
const SEGMENT_BYTES: u64 = 100;
const BODIES: [&[u8]; 5] = [b"one", b"two", b"three", b"four", b"five"];

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn open(place: &Place) -> Open {
    place.open_at(&place.data(), SEGMENT_BYTES)
}

/// A directory as it is left by a kill, with five fragments in five segments.
async fn killed(place: &Place) -> (Stream, Files) {
    let running = open(place);
    let stream = running.stream("a").await;
    running.session(&stream, &BODIES).await;
    let left = files(&place.data());
    running.close().await;
    let segments = left.keys().filter(|path| path.extension().is_some_and(|ending| ending == "seg"));
    assert_eq!(segments.count(), BODIES.len());
    (stream, left)
}

fn put(data: &Path, files: &Files) {
    std::fs::remove_dir_all(data).unwrap();
    for (path, bytes) in files {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
}

fn list(place: &Place) -> PathBuf {
    place.data().join("journal/SEGMENTS")
}

/// What the check and the start say of the journal, the same words; then how many fragments are served.
async fn told(place: &Place, stream: &Stream) -> (Vec<String>, usize) {
    let report = place.check().await;
    let missing = report.findings.iter().filter(|finding| finding.kind == FindingKind::Missing);
    let by_check: Vec<String> = missing.map(|finding| finding.message.clone()).collect();
    let at_rest = AtRest::open(&place.data()).unwrap();
    assert_eq!(at_rest.missing_segments().unwrap(), by_check);
    drop(at_rest);
    let running = open(place);
    let by_start = running.backend.report().journal.clone();
    assert_eq!(by_start, by_check);
    let left = running.fragments(stream).await;
    assert!(left.values().all(Option::is_some));
    running.session(stream, &[b"one more"]).await;
    assert_eq!(running.fragments(stream).await.len(), left.len() + 1, "it goes on");
    running.close().await;
    (by_start, left.len())
}

#[tokio::test]
async fn a_segment_that_is_removed_is_told_wherever_it_was() {
    let place = Place::new();
    let (stream, left) = killed(&place).await;
    for (removed, sentence) in [
        (vec![1], "journal segment 1 is missing"),
        (vec![3], "journal segment 3 is missing"),
        (vec![5], "journal segment 5 is missing"),
        (vec![4, 5], "journal segments 4 to 5 are missing"),
        (vec![1, 2, 3, 4, 5], "journal segments 1 to 5 are missing"),
    ] {
        put(&place.data(), &left);
        for number in &removed {
            std::fs::remove_file(place.data().join(format!("journal/{number:010}.seg"))).unwrap();
        }
        let (notes, fragments) = told(&place, &stream).await;
        assert_eq!((notes, fragments), (vec![sentence.to_owned()], BODIES.len() - removed.len()));
        // A gap stays one; what was at an end is said once.
        if removed != [3] {
            assert_eq!(told(&place, &stream).await.0, Vec::<String>::new(), "{sentence}");
        }
    }
}

#[tokio::test]
async fn an_older_copy_of_the_whole_journal_is_told() {
    let place = Place::new();
    let (stream, left) = killed(&place).await;
    let journal = |path: &PathBuf| path.starts_with(place.data().join("journal"));
    put(&place.data(), &left);
    let running = open(&place);
    running.session(&stream, &[b"later"]).await;
    running.close().await;
    let mut mixed = files(&place.data());
    mixed.retain(|path, _| !journal(path));
    mixed.extend(left.into_iter().filter(|(path, _)| journal(path)));
    put(&place.data(), &mixed);
    let (notes, fragments) = told(&place, &stream).await;
    assert_eq!(fragments, BODIES.len());
    assert_eq!(
        notes,
        [
            "journal/ is a copy from before: its newest segment is 5, and segment 6 was written; fragments that no chunk \
          holds are missing if there were any"
        ]
    );
    assert_eq!(told(&place, &stream).await.0, Vec::<String>::new(), "said once");
}

#[tokio::test]
async fn a_newest_segment_that_lost_its_end_is_told_although_a_kill_looks_the_same() {
    let place = Place::new();
    let (_, left) = killed(&place).await;
    put(&place.data(), &left);
    let newest = place.data().join("journal/0000000005.seg");
    let whole = place.open();
    assert_eq!(whole.backend.cut_off_bytes(), 0, "a kill between two groups leaves none");
    whole.close().await;

    put(&place.data(), &left);
    let file = std::fs::File::options().write(true).open(&newest).unwrap();
    file.set_len(file.metadata().unwrap().len() - 10).unwrap();
    let shortened = place.open();
    assert!(shortened.backend.cut_off_bytes() > 0);
    assert_eq!(shortened.backend.report(), &RecoveryReport::default(), "a power cut may have done it");
    shortened.close().await;
}

#[tokio::test]
async fn a_segment_that_is_emptied_is_damage_and_not_one_that_was_being_made() {
    let place = Place::new();
    let (stream, left) = killed(&place).await;
    put(&place.data(), &left);
    std::fs::write(place.data().join("journal/0000000005.seg"), b"").unwrap();
    assert!(!place.check().await.is_sound());
    let running = open(&place);
    assert_eq!(running.backend.report().journal, ["journal segment 5: the header is damaged"]);
    assert_eq!(running.fragments(&stream).await.len(), 4);
    running.close().await;
}

#[tokio::test]
async fn a_journal_that_is_emptied_is_told() {
    let place = Place::new();
    let (stream, left) = killed(&place).await;
    put(&place.data(), &left);
    for path in files(&place.data().join("journal")).keys() {
        std::fs::remove_file(path).unwrap();
    }
    let (notes, fragments) = told(&place, &stream).await;
    assert!(notes.len() == 1 && notes[0].starts_with("journal/ was emptied"), "{notes:?}");
    assert_eq!(fragments, 0);
    assert_eq!(told(&place, &stream).await, (Vec::new(), 1));
}

#[tokio::test]
async fn a_list_that_is_missing_or_damaged_is_told_and_made_anew_and_nothing_is_lost() {
    let place = Place::new();
    let (stream, left) = killed(&place).await;
    let whole = left[&list(&place)].clone();
    for (what, bytes) in [
        ("missing", None),
        ("damaged", Some(Vec::new())),
        ("damaged", Some(whole[..whole.len() / 2].to_vec())),
        ("damaged", Some(vec![0xff; whole.len()])),
    ] {
        put(&place.data(), &left);
        match bytes {
            Some(bytes) => std::fs::write(list(&place), bytes).unwrap(),
            None => std::fs::remove_file(list(&place)).unwrap(),
        }
        let (notes, fragments) = told(&place, &stream).await;
        let expected = format!("journal/SEGMENTS is {what}");
        assert!(notes.len() == 1 && notes[0].starts_with(&expected), "{notes:?}");
        assert_eq!(fragments, BODIES.len());
        assert_eq!(told(&place, &stream).await, (Vec::new(), BODIES.len() + 1));
    }
}

#[tokio::test]
async fn an_old_list_is_told_and_removes_nothing() {
    let place = Place::new();
    let running = open(&place);
    let stream = running.stream("a").await;
    running.session(&stream, &BODIES).await;
    let old = std::fs::read(list(&place)).unwrap();
    // All that the old list names goes into a chunk, and from the journal.
    running.store.chunk().await.unwrap();
    running.session(&stream, &BODIES).await;
    running.backend_is_idle().await;
    let left = files(&place.data());
    running.close().await;
    put(&place.data(), &left);
    assert!(!place.data().join("journal/0000000001.seg").exists());
    std::fs::write(list(&place), &old).unwrap();
    let (notes, fragments) = told(&place, &stream).await;
    assert!(notes.len() == 1 && notes[0].starts_with("journal/SEGMENTS is older than"), "{notes:?}");
    assert_eq!(fragments, 2 * BODIES.len());
    assert_eq!(told(&place, &stream).await, (Vec::new(), 2 * BODIES.len() + 1));
}

#[tokio::test]
async fn segments_that_are_deleted_in_due_course_are_not_missed_and_no_number_comes_again() {
    let place = Place::new();
    let running = open(&place);
    let stream = running.stream("a").await;
    for round in 0..3 {
        running.session(&stream, &BODIES).await;
        running.store.chunk().await.unwrap();
        running.backend_is_idle().await;
        let left = files(&place.data().join("journal"));
        assert!(left.len() <= 3, "round {round}: {:?}", left.keys());
    }
    running.close().await;
    for _ in 0..2 {
        assert!(place.check().await.is_sound());
        let running = open(&place);
        assert_eq!(running.backend.report(), &RecoveryReport::default());
        running.backend_is_idle().await;
        running.close().await;
    }
    let running = open(&place);
    running.session(&stream, &BODIES[..1]).await;
    assert!(place.data().join("journal/0000000016.seg").exists());
    running.close().await;
}

#[tokio::test]
async fn a_backup_has_the_list_of_its_segments() {
    let place = Place::new();
    let running = open(&place);
    let stream = running.stream("a").await;
    running.session(&stream, &BODIES).await;
    let target = place.folder.path().join("backup");
    running.backend.backup(&target, &BackupOptions::default(), &mut |_| {}).unwrap();
    running.close().await;
    std::fs::remove_dir_all(place.data()).unwrap();
    restore(&target, &place.data(), &mut |_| {}).unwrap();
    assert_eq!(told(&place, &stream).await, (Vec::new(), BODIES.len()));
    // A segment that the backup has lost is missed.
    std::fs::remove_file(target.join("journal/0000000005.seg")).unwrap();
    std::fs::remove_dir_all(place.data()).unwrap();
    assert!(restore(&target, &place.data(), &mut |_| {}).is_err());
}

//! A catalogue that is missing, empty or an older copy: the start is refused before anything is touched, and nothing is
//! lost.

use crate::place::{Open, Place, files};
use std::path::Path;
use tympan_store::Stream;
use tympan_store::embedded::EmbeddedBackend;

const BODIES: [&[u8]; 3] = [b"the first", b"the second, which is longer", b"the third"];

fn catalogue_files(data: &Path) -> Vec<(String, Vec<u8>)> {
    let names = ["catalog.db", "catalog.db-wal"].into_iter();
    names.filter_map(|name| Some((name.to_owned(), std::fs::read(data.join(name)).ok()?))).collect()
}

pub(crate) fn put(data: &Path, catalogue: &[(String, Vec<u8>)]) {
    for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
        let _ = std::fs::remove_file(data.join(name));
    }
    for (name, bytes) in catalogue {
        std::fs::write(data.join(name), bytes).unwrap();
    }
}

/// Two streams with one chunk each and fragments in the journal.
async fn fill(open: &Open, names: [&str; 2]) -> Vec<Stream> {
    let mut streams = Vec::new();
    for name in names {
        let stream = open.stream(name).await;
        open.session(&stream, &BODIES).await;
        streams.push(stream);
    }
    assert!(open.store.chunk().await.unwrap() >= 2);
    open.session(&streams[0], &BODIES).await;
    streams
}

/// Asserts that the directory is refused, that the reason says what to do, and that no file is another one afterwards.
fn assert_refused(place: &Place, reason: &str) {
    let data = place.data();
    let kept = |data: &Path| {
        let mut files = files(data);
        // SQLite makes an index of its log, and an empty log, wherever it looks.
        files.retain(|path, bytes| {
            !(path.ends_with("catalog.db-shm") || path.ends_with("catalog.db-wal") && bytes.is_empty())
        });
        files
    };
    let before = kept(&data);
    for _ in 0..2 {
        let refused = EmbeddedBackend::open(&data, place.options(64 << 20)).err();
        let message = refused.expect("the start is refused").message().to_owned();
        assert!(message.contains(reason), "{reason}: {message}");
        assert!(message.contains("backup") && message.contains("tympan streams rebuild"), "{message}");
        assert!(kept(&data) == before, "nothing is touched: {message}");
    }
}

#[tokio::test]
async fn a_missing_or_empty_catalogue_is_not_a_new_installation() {
    let place = Place::new();
    let open = place.open();
    let streams = fill(&open, ["a", "b"]).await;
    open.close().await;
    let data = place.data();
    let whole = catalogue_files(&data);
    for keep in ["FORMAT", "chunks", "journal", "streams"] {
        let aside = tempfile::tempdir().unwrap();
        for name in ["FORMAT", "chunks", "journal", "streams"] {
            if name != keep {
                std::fs::rename(data.join(name), aside.path().join(name)).unwrap();
            }
        }
        put(&data, &[]);
        assert_refused(&place, "missing");
        put(&data, &[("catalog.db".into(), Vec::new())]);
        assert_refused(&place, "empty");
        for name in ["FORMAT", "chunks", "journal", "streams"] {
            if name != keep {
                std::fs::rename(aside.path().join(name), data.join(name)).unwrap();
            }
        }
    }
    put(&data, &whole);
    let open = place.open();
    assert_eq!(open.fragments(&streams[0]).await.len(), 6);
    assert_eq!(open.fragments(&streams[1]).await.len(), 3);
    open.close().await;
}

#[tokio::test]
async fn a_prepared_installation_is_a_new_one() {
    let place = Place::new();
    let data = place.data();
    std::fs::create_dir_all(data.join("keyring")).unwrap();
    std::fs::write(data.join("keyring/keyring.json"), "{}").unwrap();
    std::fs::write(data.join("settings.db"), "").unwrap();
    std::fs::write(data.join("tympan.toml"), "").unwrap();
    place.open().close().await;
}

#[tokio::test]
async fn a_catalogue_from_before_the_last_start_is_refused_however_little_was_written_since() {
    let place = Place::new();
    let open = place.open();
    let stream = open.stream("a").await;
    open.session(&stream, &BODIES).await;
    open.close().await;
    let old = catalogue_files(&place.data());
    let open = place.open();
    open.session(&stream, &[b"one"]).await;
    open.close().await;
    let newest = catalogue_files(&place.data());
    put(&place.data(), &old);
    assert_refused(&place, "older than what lies beside it");
    put(&place.data(), &newest);
    let open = place.open();
    assert_eq!(open.fragments(&stream).await.len(), 4);
    open.close().await;
}

#[tokio::test]
async fn a_log_of_the_catalogue_that_is_gone_after_a_kill_is_noticed() {
    let place = Place::new();
    let open = place.open();
    fill(&open, ["a", "b"]).await;
    open.close().await;
    let open = place.open();
    fill(&open, ["c", "d"]).await;
    // What a kill leaves, log included.
    let killed = tempfile::tempdir().unwrap();
    copy(&place.data(), killed.path());
    open.close().await;
    std::fs::remove_dir_all(place.data()).unwrap();
    copy(killed.path(), &place.data());
    assert!(place.data().join("catalog.db-wal").metadata().unwrap().len() > 0);
    let whole = catalogue_files(&place.data());
    put(&place.data(), &whole[..1]);
    assert_refused(&place, "older than what lies beside it");
    put(&place.data(), &whole);
    place.open().close().await;
}

#[tokio::test]
async fn a_catalogue_that_is_cut_off_takes_no_log_with_it() {
    let place = Place::new();
    let open = place.open();
    fill(&open, ["a", "b"]).await;
    open.close().await;
    let open = place.open();
    let streams = fill(&open, ["c", "d"]).await;
    let killed = tempfile::tempdir().unwrap();
    copy(&place.data(), killed.path());
    open.close().await;
    std::fs::remove_dir_all(place.data()).unwrap();
    copy(killed.path(), &place.data());
    let file = place.data().join("catalog.db");
    let (whole, log) = (std::fs::read(&file).unwrap(), place.data().join("catalog.db-wal"));
    let logged = std::fs::read(&log).unwrap();
    for length in [whole.len() / 2, whole.len() / 4, 100] {
        std::fs::write(&file, &whole[..length]).unwrap();
        // Whether it opens for reading or not at all is not what this is about.
        drop(EmbeddedBackend::open(&place.data(), place.options(64 << 20)));
        assert!(std::fs::read(&log).unwrap() == logged, "the log is as it was after {length} bytes");
    }
    // The file is put back, and its log is where it was.
    std::fs::write(&file, &whole).unwrap();
    let open = place.open();
    assert_eq!(open.fragments(&streams[0]).await.len(), 6);
    open.close().await;
}

#[tokio::test]
async fn a_catalogue_of_the_same_start_that_lacks_something_is_refused() {
    let cases = ["a chunk", "a stream in a chunk", "a stream in the journal", "numbers", "a key"];
    for case in cases {
        let place = Place::new();
        let open = place.open_at(&place.data(), 600);
        let streams = fill(&open, ["a", "b"]).await;
        // The epoch is in the file, the rest is not.
        let old = tempfile::tempdir().unwrap();
        open.backend.backup(old.path(), &Default::default(), &mut |_| {}).unwrap();
        let expected = match case {
            "a chunk" => {
                assert_eq!(open.store.chunk().await.unwrap(), 1);
                open.backend_is_idle().await;
                "has no row for chunk"
            }
            "a stream in a chunk" => {
                fill(&open, ["c", "d"]).await;
                open.backend_is_idle().await;
                "neither has nor has deleted"
            }
            "a stream in the journal" => {
                let stream = open.stream("c").await;
                open.session(&stream, &BODIES).await;
                "neither has nor has deleted"
            }
            "numbers" => {
                open.session(&streams[1], &BODIES).await;
                "has given out numbers up to"
            }
            _ => {
                place.clock.advance_ms(25 * crate::support::HOUR_MS);
                open.session(&streams[1], &BODIES).await;
                "older than what lies beside it"
            }
        };
        open.close().await;
        let newest = catalogue_files(&place.data());
        put(&place.data(), &catalogue_files(old.path()));
        assert_refused(&place, "older than what lies beside it");
        assert_refused(&place, expected);
        put(&place.data(), &newest);
        place.open().close().await;
    }
}

#[tokio::test]
async fn chunks_on_a_file_system_that_is_not_mounted_are_not_given_up() {
    let place = Place::new();
    let open = place.open();
    fill(&open, ["a", "b"]).await;
    open.close().await;
    let (chunks, aside) = (place.data().join("chunks"), place.folder.path().join("aside"));
    std::fs::rename(&chunks, &aside).unwrap();
    assert_refused(&place, "is its file system mounted?");
    std::fs::create_dir(&chunks).unwrap();
    assert_refused(&place, "is its file system mounted?");
    std::fs::remove_dir(&chunks).unwrap();
    std::fs::rename(&aside, &chunks).unwrap();
    // One that is missing costs nothing but itself.
    let one = files(&chunks).into_keys().next().unwrap();
    std::fs::remove_file(&one).unwrap();
    let open = place.open();
    assert_eq!(open.backend.report().missing_chunks.len(), 1);
    open.close().await;
}

#[tokio::test]
async fn a_journal_on_a_file_system_that_is_not_mounted_is_not_given_up() {
    let place = Place::new();
    let open = place.open();
    let streams = fill(&open, ["a", "b"]).await;
    open.close().await;
    let (journal, aside) = (place.data().join("journal"), place.folder.path().join("aside"));
    std::fs::rename(&journal, &aside).unwrap();
    let refused = EmbeddedBackend::open(&place.data(), place.options(64 << 20)).err().unwrap();
    assert!(refused.message().contains("is its file system mounted?"), "{refused}");
    assert!(!journal.exists(), "none is made that would be hidden by the right one");
    std::fs::rename(&aside, &journal).unwrap();
    let open = place.open();
    assert_eq!(open.fragments(&streams[0]).await.len(), 6);
    open.close().await;
}

/// Copies a folder while its files are written.
fn copy(from: &Path, to: &Path) {
    for (path, bytes) in files(from) {
        let to = to.join(path.strip_prefix(from).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::write(to, bytes).unwrap();
    }
}

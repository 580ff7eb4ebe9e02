//! Starts: older copies, missing and unreadable files.

use super::sample::{Note, kinds, note, open, open_as, options, put};
use std::path::Path;
use tympan_db::{Db, DbError, OpenError, Revision, WatchError};

const FILES: [&str; 2] = ["control.db", "control.db-wal"];

fn copy(from: &Path, to: &Path) {
    for name in FILES {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).unwrap();
        }
    }
    let _ = std::fs::remove_file(to.join("control.db-shm"));
}

fn text(db: &Db, key: &str) -> Option<String> {
    let key = key.to_owned();
    db.read(move |reader| reader.get::<Note>(&key)).unwrap().map(|note| note.text)
}

#[test]
fn starts_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    for epoch in 1..4 {
        let (_, report) = open_as(folder.path(), u8::try_from(epoch).unwrap());
        assert_eq!((report.epoch, report.created, report.older_copy), (epoch, epoch == 1, None));
    }
}

#[test]
fn a_copy_from_before_is_told_served_and_sends_readers_of_changes_back() {
    let (folder, before) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(&open(folder.path()), note("a", "1"));
    copy(folder.path(), before.path());
    let (db, _) = open_as(folder.path(), 2);
    put(&db, note("a", "2"));
    let seen = db.revision();
    drop(db);
    copy(before.path(), folder.path());
    let (db, report) = open_as(folder.path(), 3);
    let older = report.older_copy.unwrap();
    assert_eq!((older.epoch, older.last_epoch, older.last_revision, report.epoch), (1, 2, seen, 3));
    assert_eq!(text(&db, "a").as_deref(), Some("1"));
    assert!(matches!(db.watch(seen), Err(WatchError::Gone { .. })));
    put(&db, note("a", "3"));
    assert!(db.revision() > seen, "no revision is used twice");
    drop(db);
    assert_eq!(open_as(folder.path(), 4).1.older_copy, None, "it is reported once");
}

#[test]
fn a_copy_from_before_of_the_same_start_is_told_as_well() {
    let (folder, before) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let db = open(folder.path());
    put(&db, note("a", "1"));
    copy(folder.path(), before.path());
    put(&db, note("a", "2"));
    db.note_progress().unwrap();
    drop(db);
    copy(before.path(), folder.path());
    let older = open_as(folder.path(), 2).1.older_copy.unwrap();
    assert!(older.revision < older.last_revision && older.is_same_start);
}

#[test]
fn a_lost_log_is_told_as_an_older_copy() {
    let (folder, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let db = open(folder.path());
    put(&db, note("a", "1"));
    assert!(db.empty_log().unwrap());
    put(&db, note("a", "2"));
    db.note_progress().unwrap();
    copy(folder.path(), killed.path());
    std::fs::copy(folder.path().join("CONTROL"), killed.path().join("CONTROL")).unwrap();
    std::fs::remove_file(killed.path().join("control.db-wal")).unwrap();
    let (db, report) = open_as(killed.path(), 2);
    assert!(report.older_copy.is_some());
    assert_eq!(text(&db, "a").as_deref(), Some("1"));
}

#[test]
fn a_kill_at_the_start_is_no_older_copy() {
    let (folder, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    put(&open(folder.path()), note("a", "1"));
    let marker = std::fs::read(folder.path().join("CONTROL")).unwrap();
    // The start is committed; its note beside is not there yet.
    let db = open_as(folder.path(), 2).0;
    copy(folder.path(), killed.path());
    drop(db);
    std::fs::write(killed.path().join("CONTROL"), marker).unwrap();
    let (_, report) = open_as(killed.path(), 3);
    assert_eq!((report.epoch, report.older_copy), (3, None));
}

#[test]
fn what_was_committed_survives_a_kill_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    for n in 0..30 {
        put(&db, note("n", &n.to_string()));
        if n % 7 == 0 {
            db.empty_log().unwrap();
        }
        let killed = tempfile::tempdir().unwrap();
        copy(folder.path(), killed.path());
        std::fs::copy(folder.path().join("CONTROL"), killed.path().join("CONTROL")).unwrap();
        let (db, report) = open_as(killed.path(), 2);
        assert_eq!(text(&db, "n"), Some(n.to_string()));
        assert_eq!(report.older_copy, None);
    }
}

#[test]
fn a_missing_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    put(&open(folder.path()), note("a", "1"));
    for name in FILES {
        let _ = std::fs::remove_file(folder.path().join(name));
    }
    std::fs::write(folder.path().join("control.db-wal"), b"what is left").unwrap();
    let (db, report) = open_as(folder.path(), 2);
    assert!(report.missing && report.created);
    assert_eq!(report.epoch, 2);
    assert_eq!(std::fs::read(report.log_set_aside.unwrap()).unwrap(), b"what is left");
    assert_eq!(text(&db, "a"), None);
}

#[test]
fn what_is_no_database_stays_as_it_is_and_a_stand_in_refuses_to_write() {
    let folder = tempfile::tempdir().unwrap();
    put(&open(folder.path()), note("a", "1"));
    let path = folder.path().join("control.db");
    let garbage = vec![0x5a; 20_000];
    std::fs::write(&path, &garbage).unwrap();
    let error = Db::open(folder.path(), kinds(), options(2)).err().unwrap();
    assert!(matches!(error, OpenError::Unreadable { .. }), "{error}");
    assert_eq!(std::fs::read(&path).unwrap(), garbage);
    let db = Db::stand_in(kinds(), options(2), &error).unwrap();
    let refused = db.write(|tx| tx.put(&note("a", "2")));
    assert!(matches!(refused, Err(DbError::Unavailable(_))), "{refused:?}");
    assert_eq!(text(&db, "a"), None);
    assert!(db.refuses().is_some());
    assert_eq!(db.watch(Revision::BEGINNING).unwrap().poll(1).unwrap(), []);
}

#[test]
fn databases_of_others_and_of_later_builds_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.db");
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("CREATE TABLE theirs (a)").unwrap();
    drop(other);
    let error = Db::open(folder.path(), kinds(), options(1)).err().unwrap();
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
    std::fs::remove_file(&path).unwrap();
    drop(open(folder.path()));
    let later = rusqlite::Connection::open(&path).unwrap();
    later.execute_batch("PRAGMA user_version = 2").unwrap();
    drop(later);
    let error = Db::open(folder.path(), kinds(), options(1)).err().unwrap();
    assert!(matches!(error, OpenError::Newer { found: 2, known: 1, .. }), "{error}");
}

#[test]
fn an_open_database_in_memory_keeps_nothing_but_does_everything() {
    let db = Db::in_memory(kinds(), options(1)).unwrap();
    put(&db, note("a", "1"));
    assert_eq!(text(&db, "a").as_deref(), Some("1"));
    assert_eq!(db.watch(Revision::BEGINNING).unwrap().poll(9).unwrap().len(), 1);
    assert!(db.empty_log().unwrap());
}

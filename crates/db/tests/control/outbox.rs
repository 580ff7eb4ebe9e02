//! The outbox: written, done, marked.

use super::sample::{Note, kinds, note, open, options};
use std::path::Path;
use tympan_db::outbox::NewEntry;
use tympan_db::{Db, DbError, OpenOptions};
use tympan_types::{ContactId, WallTime};

fn at(ms: i64) -> WallTime {
    WallTime::from_unix_ms(ms)
}

fn entry(payload: &str, due: i64) -> NewEntry {
    NewEntry {
        kind: "test-step".to_owned(),
        format: 1,
        payload: payload.as_bytes().to_vec(),
        next_due: at(due),
    }
}

/// A copy of the folder as a kill would leave it.
fn killed(folder: &Path) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    for name in ["control.db", "control.db-wal", "CONTROL"] {
        if folder.join(name).exists() {
            std::fs::copy(folder.join(name), copy.path().join(name)).unwrap();
        }
    }
    copy
}

fn cause(db: &Db) {
    db.write(|tx| -> Result<(), DbError> {
        tx.put(&note("cause", "x"))?;
        tx.enqueue(&entry("step", 5)).map(drop)
    })
    .unwrap();
}

/// Does what is due at the next start; what was done.
fn repeat(folder: &Path) -> Vec<String> {
    let db = open(folder);
    let mut done = Vec::new();
    db.perform_due(at(10), 100, |entry| {
        done.push(String::from_utf8(entry.payload.clone()).unwrap());
        Ok(())
    })
    .unwrap();
    assert_eq!(db.read(|reader| reader.outbox_len()).unwrap(), 0);
    done
}

#[test]
fn a_kill_between_any_two_steps_is_repeated_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let before = killed(folder.path());
    cause(&db);
    let written = killed(folder.path());
    let mut done = None;
    assert_eq!(db.perform_due(at(4), 9, |_| panic!("it is not due")).unwrap(), 0);
    let count = db
        .perform_due(at(5), 9, |_| {
            done = Some(killed(folder.path()));
            Ok(())
        })
        .unwrap();
    assert_eq!(count, 1);
    let marked = killed(folder.path());
    assert_eq!(repeat(before.path()), [""; 0], "neither cause nor entry");
    assert_eq!(repeat(written.path()), ["step"]);
    assert_eq!(repeat(done.unwrap().path()), ["step"], "done, and not marked: done again");
    assert_eq!(repeat(marked.path()), [""; 0]);
    let has_cause = |folder: &Path| {
        let db = open(folder);
        db.read(|reader| reader.get::<Note>("cause")).unwrap().is_some()
    };
    assert!(!has_cause(before.path()));
    assert!(has_cause(written.path()));
}

#[test]
fn a_refused_cause_leaves_no_entry() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let refused = db.write(|tx| -> Result<(), DbError> {
        tx.enqueue(&entry("step", 5))?;
        Err(DbError::Other("no".to_owned()))
    });
    assert!(refused.is_err());
    assert_eq!(db.read(|reader| reader.outbox_next_due()).unwrap(), None);
}

#[test]
fn a_failed_step_is_put_off_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    cause(&db);
    assert_eq!(db.perform_due(at(5), 9, |_| Err(at(50))).unwrap(), 0);
    assert_eq!(db.read(|reader| reader.outbox_due(at(49), 9)).unwrap(), []);
    assert_eq!(db.read(|reader| reader.outbox_next_due()).unwrap(), Some(at(50)));
    let due = db.read(|reader| reader.outbox_due(at(50), 9)).unwrap();
    assert_eq!((due.len(), due[0].attempts), (1, 1));
}

#[test]
fn a_full_outbox_refuses_the_cause() {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { outbox: 3, flow_log: 2, ..options(1) };
    let (db, _) = Db::open(folder.path(), kinds(), options).unwrap();
    for _ in 0..3 {
        cause(&db);
    }
    let full = db.write(|tx| -> Result<(), DbError> {
        tx.put(&note("one more", "x"))?;
        tx.enqueue(&entry("step", 5)).map(drop)
    });
    assert_eq!(full, Err(DbError::TooMany { what: "outbox entries", limit: 3 }));
    assert_eq!(db.read(|reader| reader.get::<Note>("one more")).unwrap(), None);
    drop(db);
    let (db, _) = Db::open(folder.path(), kinds(), options).unwrap();
    assert!(db.write(|tx| tx.enqueue(&entry("step", 5))).is_err(), "counted at a start, too");
    db.perform_due(at(5), 1, |_| Ok(())).unwrap();
    db.write(|tx| tx.enqueue(&entry("step", 5))).unwrap();
    // So do flow log lines.
    let contact = ContactId::from_random([1; 16]);
    let log = |text: &'static str| db.write(move |tx| tx.log_flow(contact, text.as_bytes()));
    log("1").unwrap();
    log("2").unwrap();
    assert_eq!(log("3"), Err(DbError::TooMany { what: "flow log lines", limit: 2 }));
    let lines = db.read(|reader| reader.flow_log(9)).unwrap();
    assert_eq!(lines.iter().map(|line| line.payload.as_slice()).collect::<Vec<_>>(), [b"1", b"2"]);
    let first = vec![lines[0].line];
    db.write(move |tx| tx.flow_log_delivered(&first)).unwrap();
    log("3").unwrap();
    let left = db.read(|reader| reader.flow_log_of(contact, 9)).unwrap();
    assert_eq!(left.iter().map(|line| line.payload.as_slice()).collect::<Vec<_>>(), [b"2", b"3"]);
}

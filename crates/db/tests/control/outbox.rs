//! The outbox: written, done, marked.

use super::sample::{Call, Note, call, kinds, note, open, options, put_calls};
use std::path::Path;
use tympan_db::contact::ContactMarks;
use tympan_db::outbox::{NewEntry, OF_CONTACTS};
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

#[test]
fn a_kind_is_performed_by_itself_and_entries_about_a_contact_go_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, [call(1), call(2)]);
    let of = |kind: &str, payload: &str, due: i64| NewEntry {
        kind: format!("{OF_CONTACTS}{kind}"),
        ..entry(payload, due)
    };
    let ids = [call(1).id.to_string(), call(2).id.to_string()];
    let entries = [of("a", &ids[0], 1), of("b", &ids[0], 2), of("a", &ids[1], 9), entry(&ids[0], 3)];
    db.write(move |tx| -> Result<(), DbError> {
        entries.iter().try_for_each(|entry| tx.enqueue(entry).map(drop))
    })
    .unwrap();
    let kind = |kind: &str| format!("{OF_CONTACTS}{kind}");
    let due = |of: &str| db.read(|reader| reader.outbox_due_of(&kind(of), at(5), 9)).unwrap().len();
    assert_eq!((due("a"), due("b"), due("c")), (1, 1, 0));
    let next = |of: &str| db.read(|reader| reader.outbox_next_due_of(&kind(of))).unwrap();
    assert_eq!((next("a"), next("c")), (Some(at(1)), None));
    let done = db.perform_due_of(&kind("b"), at(5), 9, |entry| {
        assert_eq!(entry.kind, kind("b"));
        Ok(())
    });
    assert_eq!(done.unwrap(), 1);
    db.erase_contacts(vec![call(1).id]).unwrap();
    let left = db.read(|reader| reader.outbox_due(at(10), 9)).unwrap();
    let left: Vec<(&str, &[u8])> = left.iter().map(|left| (left.kind.as_str(), &left.payload[..])).collect();
    // What is no record names no contact by its payload.
    assert_eq!(left, [("test-step", ids[0].as_bytes()), (kind("a").as_str(), ids[1].as_bytes())]);
    drop(db);
    let db = open(folder.path());
    db.write(|tx| tx.enqueue(&entry("counted right", 5))).unwrap();
    assert_eq!(db.read(|reader| reader.outbox_len()).unwrap(), 3);
}

#[test]
fn the_marks_of_a_contact_say_whether_it_is_there_and_what_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, [call(1)]);
    let marks = |n: u64| db.read(|reader| reader.contact_marks(call(n).id)).unwrap();
    assert_eq!(marks(2), None);
    assert_eq!(marks(1), Some(ContactMarks { is_delivered: false, has_flow: call(1).flow.is_some() }));
    let undelivered = db.read(|reader| reader.undelivered_contacts::<Call>(9)).unwrap();
    let rows: Vec<_> = undelivered.into_iter().map(|(_, row)| row).collect();
    db.write(move |tx| tx.contact_records_delivered(&rows)).unwrap();
    assert!(marks(1).unwrap().is_delivered);
}

//! Rows of a kind: formats, checksums, pages, one commit for many writers.

use super::sample::{FutureNote, NOTE, Note, OldNote, kinds, note, open, options, put};
use rusqlite::Connection;
use std::path::Path;
use std::sync::{Arc, Barrier};
use tympan_db::{Db, DbError, Reason, Row, Value};

fn get(db: &Db, key: &str) -> Result<Option<Note>, DbError> {
    let key = key.to_owned();
    db.read(move |reader| reader.get(&key))
}

/// Changes the file behind the back of a database that is closed.
fn with_file(folder: &Path, sql: &str) {
    let connection = Connection::open(folder.join("control.db")).unwrap();
    assert!(connection.execute(sql, []).unwrap() > 0, "{sql}");
}

#[test]
fn a_row_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put(&db, note("a", "1"));
    put(&db, note("a", "2"));
    put(&db, note("b", "3"));
    assert!(db.write(|tx| tx.remove::<Note>("b")).unwrap());
    assert!(!db.write(|tx| tx.remove::<Note>("b")).unwrap());
    drop(db);
    let db = open(folder.path());
    assert_eq!(get(&db, "a").unwrap(), Some(note("a", "2")));
    assert_eq!(get(&db, "b").unwrap(), None);
}

#[test]
fn an_earlier_format_is_read_and_written_anew_in_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    db.write(|tx| tx.put(&OldNote(note("a", "old")))).unwrap();
    assert_eq!(get(&db, "a").unwrap(), Some(note("a", "old")));
    put(&db, note("a", "new"));
    assert_eq!(get(&db, "a").unwrap(), Some(note("a", "new")));
    assert_eq!(db.examine().unwrap().aside_count, 0, "what could be read was not moved aside");
}

#[test]
fn an_unreadable_row_is_counted_and_skipped_and_its_bytes_outlive_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    for key in ["a", "b", "c", "d"] {
        put(&db, note(key, key));
    }
    db.write(|tx| tx.put(&FutureNote(note("f", "from the future")))).unwrap();
    drop(db);
    with_file(folder.path(), "UPDATE row_test_note SET payload = x'0102' WHERE key = 'b'");
    with_file(folder.path(), "UPDATE row_test_note SET owner = 'you' WHERE key = 'c'");
    let db = open(folder.path());
    let (rows, unreadable) = db.read(|reader| reader.load::<Note>()).unwrap();
    assert_eq!((rows, unreadable), (vec![note("a", "a"), note("d", "d")], 3));
    let page = db.read(|reader| reader.list::<Note>(None, 10)).unwrap();
    assert_eq!((page.items.len(), page.unreadable, page.next), (2, 3, None));
    let reasons: Vec<(String, Reason)> =
        db.unreadable().rows.into_iter().map(|row| (row.key, row.reason)).collect();
    let expected =
        [("b", Reason::Checksum), ("c", Reason::Checksum), ("f", Reason::Format(FutureNote::FORMAT))];
    assert_eq!(reasons, expected.map(|(key, reason)| (key.to_owned(), reason)));
    assert!(matches!(get(&db, "f"), Err(DbError::Unreadable { .. })));
    let examination = db.examine().unwrap();
    assert_eq!((examination.rows, examination.unreadable, examination.aside_count), (5, 3, 0));
    // A new row takes the place; the bytes stay.
    put(&db, note("f", "mine"));
    assert_eq!(get(&db, "f").unwrap(), Some(note("f", "mine")));
    let examination = db.examine().unwrap();
    assert_eq!((examination.unreadable, examination.aside_count), (2, 1));
    assert_eq!(examination.aside[0].key, "f");
    drop(db);
    let connection = Connection::open(folder.path().join("control.db")).unwrap();
    let kept: Vec<u8> = connection.query_row("SELECT payload FROM unreadable", [], |row| row.get(0)).unwrap();
    assert_eq!(kept, FutureNote(note("f", "from the future")).encode().unwrap());
}

#[test]
fn a_payload_that_does_not_parse_is_unreadable_though_its_checksum_fits() {
    struct Wrong;
    impl Row for Wrong {
        const KIND: &'static tympan_db::Kind = &NOTE;
        const FORMAT: u16 = 2;
        fn key(&self) -> String {
            "w".to_owned()
        }
        fn columns(&self) -> Vec<Value> {
            vec![Value::Null]
        }
        fn encode(&self) -> Result<Vec<u8>, tympan_db::RowError> {
            Ok(vec![0xff])
        }
        fn decode(_: u16, _: &[u8]) -> Result<Self, tympan_db::RowError> {
            Ok(Self)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    db.write(|tx| tx.put(&Wrong)).unwrap();
    assert!(matches!(get(&db, "w"), Err(DbError::Unreadable { .. })));
    assert!(matches!(db.unreadable().rows[0].reason, Reason::Payload(_)));
}

#[test]
fn bytes_damaged_at_random_cost_no_more_than_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    db.write(|tx| -> Result<(), DbError> {
        for n in 0..2_000 {
            tx.put(&note(&format!("{n:05}"), &"text ".repeat(20)))?;
        }
        Ok(())
    })
    .unwrap();
    drop(db);
    let path = folder.path().join("control.db");
    let whole = std::fs::read(&path).unwrap();
    let seed = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos();
    println!("seed {seed}");
    let (mut served, mut refused) = (0, 0);
    for round in 0..40 {
        let mut bytes = whole.clone();
        let at = super::sample::scatter(u64::from(seed) + round) % (bytes.len() as u64 - 100) + 100;
        bytes[usize::try_from(at).unwrap()] ^= 1 << (round % 8);
        std::fs::write(&path, &bytes).unwrap();
        match Db::open(folder.path(), kinds(), options(9)) {
            Ok((db, _)) => {
                let (rows, _) = db.read(|reader| reader.load::<Note>()).unwrap();
                for row in &rows {
                    assert_eq!(row.text, "text ".repeat(20), "a row is right or it is not there");
                }
                served += usize::from(rows.len() > 1_900);
                db.examine().unwrap();
            }
            Err(tympan_db::OpenError::Unreadable { .. }) => refused += 1,
            Err(error) => panic!("{error}"),
        }
        for name in ["control.db-wal", "control.db-shm"] {
            let _ = std::fs::remove_file(folder.path().join(name));
        }
    }
    assert!(served >= 30, "{served} of 40 openings served nearly everything, {refused} were refused");
}

#[test]
fn pages_hold_each_row_once_whatever_is_written_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    db.write(|tx| -> Result<(), DbError> {
        for n in (0..1_000).step_by(2) {
            tx.put(&note(&format!("{n:05}"), "even"))?;
        }
        Ok(())
    })
    .unwrap();
    let mut seen = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let from = after.clone();
        let page = db.read(move |reader| reader.list::<Note>(from.as_deref(), 7)).unwrap();
        seen.extend(page.items.iter().map(|note| note.key.clone()));
        let n = seen.len() * 2 + 1;
        put(&db, note(&format!("{:05}", 999 - n % 1_000), "odd"));
        put(&db, note("00000", "again"));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(seen.is_sorted_by(|a, b| a < b), "no row twice");
    assert_eq!(seen.iter().filter(|key| key.parse::<u32>().unwrap() % 2 == 0).count(), 500);
}

#[test]
fn rows_are_found_by_a_column() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put(&db, note("a", "1"));
    put(&db, Note { owner: "you".into(), ..note("b", "2") });
    put(&db, Note { owner: "you".into(), ..note("c", "3") });
    let you = Value::from("you");
    let page = db.read(|reader| reader.list_by::<Note>("owner", &you, None, 1)).unwrap();
    assert_eq!((page.items.len(), page.next.as_deref()), (1, Some("b")));
    let page = db.read(|reader| reader.list_by::<Note>("owner", &you, Some("b"), 10)).unwrap();
    assert_eq!((page.items[0].key.as_str(), page.next), ("c", None));
    let wrong = db.read(|reader| reader.list_by::<Note>("key; DROP TABLE", &you, None, 1));
    assert!(matches!(wrong, Err(DbError::Query(_))));
}

#[test]
fn a_writer_that_is_refused_undoes_its_own_work_only() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let start = Arc::new(Barrier::new(8));
    let threads: Vec<_> = (0..8)
        .map(|n: usize| {
            let (db, start) = (db.clone(), start.clone());
            std::thread::spawn(move || {
                start.wait();
                for round in 0..50 {
                    let result = db.write(move |tx| -> Result<usize, DbError> {
                        tx.put(&note(&format!("{n}-{round}"), "x"))?;
                        match n {
                            3 => Err(DbError::Other("no".to_owned())),
                            5 if round == 7 => panic!("a fault of one writer"),
                            _ => Ok(round),
                        }
                    });
                    match n {
                        3 => assert_eq!(result, Err(DbError::Other("no".to_owned()))),
                        5 if round == 7 => assert!(result.is_err()),
                        _ => assert_eq!(result, Ok(round)),
                    }
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let (rows, _) = db.read(|reader| reader.load::<Note>()).unwrap();
    assert_eq!(rows.len(), 7 * 50 - 1);
    assert!(rows.iter().all(|row| !row.key.starts_with("3-") && row.key != "5-7"));
}

#[test]
fn submitted_writes_are_heard_of_and_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let (sender, heard) = std::sync::mpsc::channel();
    let submit = |n: usize| {
        let sender = sender.clone();
        db.submit(
            move |tx| tx.put(&note(&format!("{n:05}"), "x")),
            move |result: Result<(), DbError>| sender.send((n, result)).unwrap(),
        )
    };
    for n in 0..8_192 {
        submit(n).unwrap();
    }
    assert!(matches!(submit(9_999), Err(DbError::TooMany { limit: 8_192, .. })));
    let serving = std::thread::spawn({
        let db = db.clone();
        move || db.serve_submitted()
    });
    for n in 0..8_192 {
        assert_eq!(heard.recv().unwrap(), (n, Ok(())));
    }
    db.stop_serving();
    serving.join().unwrap();
    assert!(matches!(submit(1), Err(DbError::TooMany { .. })));
    assert_eq!(db.read(|reader| reader.load::<Note>()).unwrap().0.len(), 8_192);
}

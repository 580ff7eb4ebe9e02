//! What is erased is in no file.

use super::sample::{Call, call, instance, open, put_calls, scatter};
use std::collections::BTreeSet;
use std::path::Path;
use tympan_db::DbError;
use tympan_db::contact::{ContactEvent, ContactQuery, Expiry};
use tympan_types::{ContactId, Redacted, WallTime};

/// All bytes of all files.
fn bytes_of(folder: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        all.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    all
}

/// Which of these texts stand in the bytes. All have 16 bytes or more, of which the first 8 find candidates.
fn found(bytes: &[u8], texts: &[String]) -> Vec<String> {
    let mut by_start = std::collections::BTreeMap::<&[u8], Vec<&String>>::new();
    for text in texts {
        by_start.entry(&text.as_bytes()[..8]).or_default().push(text);
    }
    let starts: std::collections::HashMap<u64, &Vec<&String>> = by_start
        .iter()
        .map(|(start, texts)| (u64::from_be_bytes((*start).try_into().unwrap()), texts))
        .collect();
    let mut met = BTreeSet::new();
    for (at, window) in bytes.windows(8).enumerate() {
        if let Some(texts) = starts.get(&u64::from_be_bytes(window.try_into().unwrap())) {
            met.extend(
                texts
                    .iter()
                    .filter(|text| bytes[at..].starts_with(text.as_bytes()))
                    .map(|text| (*text).clone()),
            );
        }
    }
    met.into_iter().collect()
}

/// What names a call: its id as text and as bytes, its number, its attribute.
fn names(call: &Call) -> Vec<String> {
    let number = call.number.as_ref().unwrap().trim_start_matches('+').to_owned();
    vec![call.id.to_string(), number, call.attributes["order"].clone()]
}

#[test]
fn an_erased_contact_is_in_no_byte_of_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..3_000).map(call));
    // Every contact changes: its payload moves, and its earlier states were in the file.
    for n in 0..3_000 {
        let mut changed = call(n);
        changed.attributes.insert("note".into(), "x".repeat(usize::try_from(scatter(n) % 900).unwrap()));
        if n % 10 == 0 {
            db.write(move |tx| {
                tx.log_flow(changed.id, format!("about {}", changed.id).as_bytes())?;
                tx.put_contact(&changed, ContactEvent::Changed, None)
            })
            .unwrap();
        }
    }
    let erased: Vec<Call> = (0..3_000).filter(|n| scatter(n + 1_000).is_multiple_of(3)).map(call).collect();
    let kept: Vec<Call> = (0..3_000).filter(|n| !scatter(n + 1_000).is_multiple_of(3)).map(call).collect();
    for step in erased.chunks(100) {
        let ids: Vec<ContactId> = step.iter().map(|call| call.id).collect();
        db.erase_contacts(ids).unwrap();
    }
    assert!(db.empty_log().unwrap());
    let bytes = bytes_of(folder.path());
    let kept_names: BTreeSet<String> = kept.iter().flat_map(names).collect();
    // Two contacts may have one number.
    let erased_names: Vec<String> =
        erased.iter().flat_map(names).filter(|name| !kept_names.contains(name)).collect();
    let kept_names: Vec<String> = kept_names.into_iter().collect();
    assert!(found(&bytes, &kept_names).len() * 10 > kept_names.len() * 9, "the search finds what is there");
    assert_eq!(found(&bytes, &erased_names), [""; 0]);
    assert_eq!(db.read(|reader| reader.contact_count()).unwrap(), kept.len() as u64);
    drop(db);
    let bytes = bytes_of(folder.path());
    assert_eq!(found(&bytes, &erased_names), [""; 0], "after the end");
}

#[test]
fn flow_log_lines_and_what_was_moved_aside_go_with_their_contact() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, [call(1), call(2)]);
    db.write(|tx| -> Result<(), DbError> {
        tx.log_flow(call(1).id, b"what the caller of the first call said")?;
        tx.log_flow(call(2).id, b"what the caller of the second call said")
    })
    .unwrap();
    assert_eq!(db.erase_contacts(vec![call(1).id]).unwrap().contacts, 1);
    assert_eq!(db.read(|reader| reader.flow_log(9)).unwrap().len(), 1);
    let texts = ["what the caller of the first call said".to_owned(), call(1).id.to_string()];
    assert_eq!(found(&bytes_of(folder.path()), &texts), [""; 0]);
    assert_eq!(db.erase_contacts(vec![call(1).id]).unwrap().contacts, 0, "it is gone");
}

#[test]
fn a_reader_that_holds_the_log_is_told_of() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, [call(1), call(2)]);
    let erased = db
        .read(|reader| {
            assert_eq!(reader.contact_count()?, 2);
            db.erase_contacts(vec![call(1).id])
        })
        .unwrap();
    assert!(!erased.log_is_empty);
    assert!(db.empty_log().unwrap());
    assert_eq!(found(&bytes_of(folder.path()), &names(&call(1))), [""; 0]);
}

#[test]
fn retention_erases_in_steps_between_which_others_write() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let expires = |n: u64| WallTime::from_unix_ms(call(n).initiated + 1_000);
    db.write(move |tx| -> Result<(), DbError> {
        for n in 0..200 {
            let event = if n == 5 { ContactEvent::Opened } else { ContactEvent::Closed };
            tx.put_contact(&call(n), event, (n % 2 == 1).then(|| expires(n)))?;
        }
        Ok(())
    })
    .unwrap();
    let now = expires(99);
    let mut steps = Vec::new();
    loop {
        steps.push(db.expire_contacts(Expiry::Due(now), 20).unwrap());
        put_calls(&db, [call(1_000 + u64::try_from(steps.len()).unwrap())]);
        if *steps.last().unwrap() < 20 {
            break;
        }
    }
    // Of 50 whose time is over, one is live.
    assert_eq!(steps, [20, 20, 9]);
    assert_eq!(db.read(|reader| reader.contact_count()).unwrap(), 200 - 49 + 3);
    // By age: contacts of one instance that have no time of their own.
    let before = WallTime::from_unix_ms(call(100).initiated);
    let erased = db.expire_contacts(Expiry::Instance(instance(0), before), 1_000).unwrap();
    assert_eq!(erased, 25);
    let left = ContactQuery { instance: Some(instance(0)), to: before.plus_ms(-1), ..ContactQuery::all() };
    assert_eq!(db.read(|reader| reader.contacts::<Call>(&left, None, 99)).unwrap().items, []);
    let number_part = Some(Redacted::new(call(0).number.unwrap()));
    let by_number = ContactQuery { number_part, ..ContactQuery::all() };
    assert_eq!(db.read(|reader| reader.contacts::<Call>(&by_number, None, 99)).unwrap().items, []);
}

#[test]
fn the_index_of_numbers_keeps_nothing_of_what_was_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let odd = Call { number: Some("+999888777666".into()), ..call(1) };
    put_calls(&db, [odd.clone(), call(2)]);
    db.erase_contacts(vec![odd.id]).unwrap();
    drop(db);
    let connection = rusqlite::Connection::open(folder.path().join("control.db")).unwrap();
    let count = |part: i64| -> i64 {
        let sql = "SELECT count(*) FROM contact_number_part WHERE part = ?1";
        connection.query_row(sql, [part], |row| row.get(0)).unwrap()
    };
    assert_eq!([9998, 8887, 7776, 7666].map(count), [0; 4]);
    assert_eq!(count(1206), 1);
}

#[test]
fn an_erasure_that_a_kill_cut_off_before_its_log_was_moved_is_finished_by_the_next_start() {
    let (folder, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let db = open(folder.path());
    put_calls(&db, [call(1), call(2)]);
    db.empty_log().unwrap();
    db.write(|tx| tx.erase_contact(call(1).id)).unwrap();
    for name in ["control.db", "control.db-wal", "CONTROL"] {
        std::fs::copy(folder.path().join(name), killed.path().join(name)).unwrap();
    }
    assert!(!found(&bytes_of(killed.path()), &names(&call(1))).is_empty());
    let db = open(killed.path());
    assert_eq!(found(&bytes_of(killed.path()), &names(&call(1))), [""; 0]);
    assert_eq!(db.read(|reader| reader.contact_count()).unwrap(), 1);
}

//! The change table and its readers.

use super::sample::{Note, call, kinds, note, open, options, put, put_calls};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;
use tympan_db::{Change, Db, DbError, OpenOptions, Operation, Revision, WatchError};

#[test]
fn a_reader_replays_and_then_waits() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put(&db, note("a", "1"));
    let mut watch = db.watch(Revision::BEGINNING).unwrap();
    let changes = watch.poll(10).unwrap();
    assert_eq!(changes.len(), 1);
    assert_eq!((changes[0].kind.as_str(), changes[0].key.as_deref()), ("test-note", Some("a")));
    assert_eq!(watch.poll(10).unwrap(), []);
    assert_eq!(watch.wait(10, Duration::from_millis(1)).unwrap(), []);
    let writer = std::thread::spawn({
        let db = db.clone();
        move || put(&db, note("b", "2"))
    });
    let changes = watch.wait(10, Duration::from_secs(60)).unwrap();
    assert_eq!(changes[0].key.as_deref(), Some("b"));
    writer.join().unwrap();
}

#[test]
fn a_refused_write_leaves_no_change_and_no_hole() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put(&db, note("a", "1"));
    let before = db.revision();
    let refused = db.write(|tx| -> Result<(), DbError> {
        tx.put(&note("b", "2"))?;
        Err(DbError::Other("no".to_owned()))
    });
    assert!(refused.is_err());
    assert_eq!(db.revision(), before);
    put(&db, note("c", "3"));
    assert_eq!(db.revision().number(), before.number() + 1);
    assert_eq!(db.watch(before).unwrap().poll(9).unwrap()[0].key.as_deref(), Some("c"));
}

#[test]
fn a_reader_that_was_away_too_long_is_told_where_to_begin() {
    let folder = tempfile::tempdir().unwrap();
    let options = OpenOptions { changes: 100, ..options(1) };
    let (db, _) = Db::open(folder.path(), kinds(), options).unwrap();
    put(&db, note("first", ""));
    let long_ago = db.revision();
    for n in 0..300 {
        put(&db, note(&format!("{n}"), ""));
    }
    let Err(WatchError::Gone { oldest, current }) = db.watch(long_ago) else { panic!("it is gone") };
    assert_eq!(current, db.revision());
    assert!(current.number() - oldest.number() >= 100, "as many as were promised");
    assert!(current.number() - oldest.number() <= 113, "and not many more");
    assert_eq!(
        db.watch(oldest).unwrap().poll(1_000).unwrap().len(),
        usize::try_from(current.number() - oldest.number()).unwrap()
    );
    // It reads everything and goes on.
    let mut watch = db.watch(current).unwrap();
    put(&db, note("later", ""));
    assert_eq!(watch.poll(9).unwrap().len(), 1);
    let future = Revision::new(current.number() + 1_000);
    assert!(matches!(db.watch(future), Err(WatchError::Gone { .. })), "what never was");
}

#[test]
fn an_erased_contact_is_told_without_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, [call(1), call(2)]);
    let changes = db.watch(Revision::BEGINNING).unwrap().poll(9).unwrap();
    assert_eq!(changes.len(), 2);
    assert!(db.erase_contacts(vec![call(1).id]).unwrap().log_is_empty);
    let after = db.watch(Revision::BEGINNING).unwrap().poll(9).unwrap();
    let erased = Change {
        revision: db.revision(),
        kind: "contact".to_owned(),
        row: changes[0].row,
        key: None,
        operation: Operation::Erased,
    };
    assert_eq!(after, [changes[1].clone(), erased]);
}

#[test]
fn listeners_hear_of_each_commit_that_changed_something() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let (sender, heard) = std::sync::mpsc::channel();
    db.on_change(move |revision| sender.send(revision).unwrap());
    put(&db, note("a", "1"));
    assert_eq!(heard.recv().unwrap(), db.revision());
    db.write(|_| Ok::<(), DbError>(())).unwrap();
    assert!(heard.try_recv().is_err());
}

/// What happens in a run.
#[derive(Debug, Clone)]
enum Step {
    Put(u8),
    Remove(u8),
    /// A reader takes so many.
    Read(bool, usize),
    /// A reader loses its connection: what it was given since it last kept its place is given again.
    Lose(bool),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..6_u8).prop_map(Step::Put),
        2 => (0..6_u8).prop_map(Step::Remove),
        3 => (any::<bool>(), 1..5_usize).prop_map(|(who, count)| Step::Read(who, count)),
        2 => any::<bool>().prop_map(Step::Lose),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 0..60)
}

/// A reader: where it is, and the rows as it has them.
#[derive(Default)]
struct Reader {
    at: i64,
    changes: Vec<Change>,
}

impl Reader {
    fn read(&mut self, db: &Db, count: usize) {
        let mut watch = db.watch(Revision::new(self.at)).unwrap();
        self.changes.extend(watch.poll(count).unwrap());
        self.at = watch.revision().number();
    }

    fn rows(&self) -> BTreeMap<String, Operation> {
        self.changes.iter().map(|change| (change.key.clone().unwrap(), change.operation)).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_readers_resume_after_a_disconnect_without_a_gap_or_a_repeat(steps in steps()) {
        let folder = tempfile::tempdir().unwrap();
        let mut db = open(folder.path());
        let mut readers = [Reader::default(), Reader::default()];
        let mut written: Vec<(String, Operation)> = Vec::new();
        for step in steps {
            match step {
                Step::Put(n) => {
                    put(&db, note(&n.to_string(), "x"));
                    written.push((n.to_string(), Operation::Put));
                }
                Step::Remove(n) => {
                    let key = n.to_string();
                    if db.write(move |tx| tx.remove::<Note>(&key)).unwrap() {
                        written.push((n.to_string(), Operation::Removed));
                    }
                }
                Step::Read(who, count) => readers[usize::from(who)].read(&db, count),
                // It resumes at the last change that it has.
                Step::Lose(who) => {
                    let reader = &mut readers[usize::from(who)];
                    reader.changes.truncate(reader.changes.len() / 2);
                    reader.at = reader.changes.last().map_or(0, |change| change.revision.number());
                }
                Step::Restart => {
                    drop(db);
                    db = open(folder.path());
                }
            }
        }
        let (rows, _) = db.read(|reader| reader.load::<Note>()).unwrap();
        for reader in &mut readers {
            reader.read(&db, 1_000);
            let told: Vec<(String, Operation)> =
                reader.changes.iter().map(|change| (change.key.clone().unwrap(), change.operation)).collect();
            prop_assert_eq!(&told, &written);
            prop_assert!(reader.changes.is_sorted_by(|a, b| a.revision < b.revision));
            let there = reader.rows().into_iter().filter(|(_, operation)| *operation == Operation::Put);
            let there: Vec<String> = there.map(|(key, _)| key).collect();
            let mut rows: Vec<String> = rows.iter().map(|note| note.key.clone()).collect();
            rows.sort();
            prop_assert_eq!(there, rows);
        }
    }
}

#[test]
fn a_reader_resumes_at_the_revision_of_a_start_that_has_no_change_yet() {
    let folder = tempfile::tempdir().unwrap();
    let fresh = open(folder.path()).revision();
    let db = open(folder.path());
    for revision in [fresh, db.revision()] {
        assert_eq!(db.watch(revision).unwrap().poll(9).unwrap(), [], "{revision:?}");
    }
    assert!(db.watch(Revision::new(db.revision().number() + 1)).is_err(), "what never was");
}

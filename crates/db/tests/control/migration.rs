//! What earlier builds kept goes over once, whatever happens on the way.

use super::sample::{kinds, open, options};
use rusqlite::Connection;
use std::collections::BTreeMap;
use std::path::Path;
use tympan_db::contact::{ContactFacts, ContactPayload, ContactQuery};
use tympan_db::migrate::migrate;
use tympan_db::{Column, Db, FLOW, INSTANCE, Kind, Kinds, PHONE_NUMBER, Row, RowError, Value};
use tympan_types::Redacted;

/// Reads the JSON of format 1 as it stands.
macro_rules! json_row {
    ($name:ident, $kind:expr) => {
        #[derive(Debug)]
        struct $name(serde_json::Value);
        impl Row for $name {
            const KIND: &'static Kind = &$kind;
            const FORMAT: u16 = 1;
            fn key(&self) -> String {
                self.0["id"].as_str().unwrap().to_owned()
            }
            fn columns(&self) -> Vec<Value> {
                let text = |column: &Column| Value::from(self.0[column.name].as_str().unwrap());
                $kind.columns.iter().map(text).collect()
            }
            fn encode(&self) -> Result<Vec<u8>, RowError> {
                Ok(self.0.to_string().into_bytes())
            }
            fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
                serde_json::from_slice(bytes).map(Self).map_err(|error| RowError(error.to_string()))
            }
        }
    };
}
json_row!(Instance, INSTANCE);
json_row!(Flow, FLOW);
json_row!(Number, PHONE_NUMBER);

#[derive(Debug)]
struct Contact(serde_json::Value);

impl ContactPayload for Contact {
    const FORMAT: u16 = 1;
    fn facts(&self) -> ContactFacts {
        unreachable!("nothing writes one here")
    }
    fn encode(&self) -> Result<Vec<u8>, RowError> {
        Ok(self.0.to_string().into_bytes())
    }
    fn decode(_: u16, bytes: &[u8]) -> Result<Self, RowError> {
        serde_json::from_slice(bytes).map(Self).map_err(|error| RowError(error.to_string()))
    }
}

fn old_kinds() -> Kinds {
    Kinds::default().with::<Instance>().with::<Flow>().with::<Number>().with_contacts::<Contact>()
}

fn open_old(folder: &Path) -> Db {
    Db::open(folder, old_kinds(), options(1)).unwrap().0
}

fn fixture(name: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/control").join(name);
    let folder = tempfile::tempdir().unwrap();
    for file in ["settings.db", "contacts.db"] {
        std::fs::copy(from.join(file), folder.path().join(file)).unwrap();
    }
    folder
}

fn has(folder: &Path, name: &str) -> bool {
    folder.join(name).exists()
}

/// How many settings and contacts can be read.
fn count(db: &Db) -> (usize, usize) {
    db.read(|reader| -> Result<_, tympan_db::DbError> {
        let settings = reader.load::<Instance>()?.0.len()
            + reader.load::<Flow>()?.0.len()
            + reader.load::<Number>()?.0.len();
        Ok((settings, reader.contacts::<Contact>(&ContactQuery::all(), None, 1_000)?.items.len()))
    })
    .unwrap()
}

#[test]
fn every_earlier_format_opens_with_everything_in_it() {
    for format in ["0.1.0", "with-checksums"] {
        let folder = fixture(format);
        let db = open_old(folder.path());
        let report = migrate(folder.path(), &db).unwrap();
        assert_eq!((report.settings, report.contacts, report.unreadable), (5, 2, 0), "{format}");
        assert_eq!(report.damage, [""; 0], "{format}");
        assert_eq!(count(&db), (5, 2), "{format}");
        let instance = "1059744a-a510-4c37-925d-1c0080f0bdd2";
        let flows =
            db.read(|reader| reader.list_by::<Flow>("instance", &Value::from(instance), None, 9)).unwrap();
        let names: BTreeMap<&str, ()> =
            flows.items.iter().map(|flow| (flow.0["name"].as_str().unwrap(), ())).collect();
        assert!(names.contains_key("kept flow") && names.contains_key("Sample"), "{format}");
        let kept = Some(("kept".to_owned(), Redacted::new("value 1".to_owned())));
        let query = ContactQuery {
            number_part: Some(Redacted::new("555012".to_owned())),
            attribute: kept,
            has_stream: Some(true),
            ..ContactQuery::all()
        };
        let found = db.read(|reader| reader.contacts::<Contact>(&query, None, 9)).unwrap();
        assert_eq!(found.items.len(), 1, "{format}");
        assert_eq!(found.items[0].0["id"], "312cf088-6b2c-4b70-a608-df9f9db69619", "{format}");
        // Delivered is delivered, ended is ended.
        assert_eq!(db.read(|reader| reader.undelivered_contacts::<Contact>(9)).unwrap().len(), 0);
        assert_eq!(db.read(|reader| reader.live_contacts::<Contact>(None, 9)).unwrap().items.len(), 0);
        for name in ["settings.db", "contacts.db", "contacts.db-wal", "settings.db-shm"] {
            assert!(!has(folder.path(), name), "{name} is gone: an erased contact must not stay in it");
        }
        let again = migrate(folder.path(), &db).unwrap();
        assert_eq!(again, Default::default());
    }
}

#[test]
fn rows_that_cannot_be_read_keep_their_bytes() {
    let folder = fixture("with-checksums");
    let old = Connection::open(folder.path().join("contacts.db")).unwrap();
    old.execute_batch(
        "DROP TRIGGER contact_updated; UPDATE contact SET json = '{broken' WHERE id LIKE '602d%'",
    )
    .unwrap();
    drop(old);
    let old = Connection::open(folder.path().join("settings.db")).unwrap();
    old.execute_batch(
        "DROP TRIGGER document_inserted; INSERT INTO document VALUES ('unheard-of', 'x', '{}', 0)",
    )
    .unwrap();
    drop(old);
    let db = open_old(folder.path());
    let report = migrate(folder.path(), &db).unwrap();
    assert_eq!((report.settings, report.contacts, report.unreadable), (5, 1, 2));
    let aside = db.examine().unwrap().aside;
    let aside: Vec<(&str, &str)> = aside.iter().map(|row| (row.kind.as_str(), row.key.as_str())).collect();
    assert_eq!(aside, [("unheard-of", "x"), ("contact", "602d111b-b620-42f7-8f9a-fc86ccfb2f19")]);
    drop(db);
    let new = Connection::open(folder.path().join("control.db")).unwrap();
    let sql = "SELECT payload FROM unreadable WHERE kind = 'contact'";
    let payload: Vec<u8> = new.query_row(sql, [], |row| row.get(0)).unwrap();
    assert_eq!(payload, b"{broken");
}

#[test]
fn a_kill_at_any_point_is_made_good_by_the_next_call() {
    // Each state that a kill can leave: nothing read, rows over but not noted, noted and not removed, one file done.
    let folder = fixture("0.1.0");
    let db = open_old(folder.path());
    migrate(folder.path(), &db).unwrap();
    drop(db);
    let states = [
        "DELETE FROM meta WHERE name LIKE 'migrated:%'",
        "DELETE FROM meta WHERE name = 'migrated:contacts.db';
         DELETE FROM contact_payload WHERE row = (SELECT min(row) FROM contact);
         DELETE FROM contact_number_part WHERE row = (SELECT min(row) FROM contact);
         DELETE FROM contact WHERE row = (SELECT min(row) FROM contact)",
        "UPDATE meta SET value = 'read' WHERE name LIKE 'migrated:%'",
        "DELETE FROM meta WHERE name LIKE 'migrated:%'; DELETE FROM row_connect_flow",
    ];
    for state in states {
        let killed = fixture("0.1.0");
        std::fs::copy(folder.path().join("control.db"), killed.path().join("control.db")).unwrap();
        let new = Connection::open(killed.path().join("control.db")).unwrap();
        new.execute_batch(state).unwrap();
        drop(new);
        let done: bool = state.starts_with("DELETE FROM meta WHERE name = ");
        if done {
            std::fs::remove_file(killed.path().join("settings.db")).unwrap();
        }
        let db = open_old(killed.path());
        migrate(killed.path(), &db).unwrap();
        assert_eq!(count(&db), (5, 2), "{state}");
        assert!(!has(killed.path(), "contacts.db") && !has(killed.path(), "settings.db"), "{state}");
        assert_eq!(migrate(killed.path(), &db).unwrap(), Default::default(), "{state}");
    }
}

#[test]
fn a_file_that_cannot_be_read_whole_is_kept_under_another_name() {
    let folder = fixture("0.1.0");
    std::fs::write(folder.path().join("contacts.db"), vec![0x5a; 8_192]).unwrap();
    let db = open_old(folder.path());
    let report = migrate(folder.path(), &db).unwrap();
    assert_eq!((report.settings, report.contacts, report.damage.len()), (5, 0, 1));
    let kept = std::fs::read(folder.path().join("contacts.db.damaged-1")).unwrap();
    assert_eq!(kept, vec![0x5a; 8_192]);
    assert_eq!(migrate(folder.path(), &db).unwrap(), Default::default());
    // One that comes back from a backup is reported, and left alone.
    std::fs::write(folder.path().join("contacts.db"), b"restored").unwrap();
    assert_eq!(migrate(folder.path(), &db).unwrap().damage.len(), 1);
    assert!(has(folder.path(), "contacts.db"));
}

#[test]
fn a_stand_in_carries_nothing_over_and_leaves_the_old_files() {
    let folder = fixture("0.1.0");
    std::fs::write(folder.path().join("control.db"), vec![1; 5_000]).unwrap();
    let error = Db::open(folder.path(), kinds(), options(1)).err().unwrap();
    let db = Db::stand_in(kinds(), options(1), &error).unwrap();
    assert!(migrate(folder.path(), &db).is_err());
    assert!(has(folder.path(), "contacts.db") && has(folder.path(), "settings.db"));
}

#[test]
fn where_there_is_nothing_to_carry_over_nothing_happens() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(migrate(folder.path(), &open(folder.path())).unwrap(), Default::default());
}

//! The history of contacts, on a real database and real files.

use super::*;
use crate::lines::{LineFileOptions, LineWriters, Rotation};
use std::path::Path;
use tympan_contact::{DisconnectReason, InitiationMethod, InstanceRef, NewContact};
use tympan_db::{OpenOptions, StartId};
use tympan_types::{AccountId, InstanceId, Region, WallTime};

pub(in super::super) fn contact(n: u8) -> Contact {
    let instance = InstanceRef {
        id: InstanceId::from_random([9; 16]),
        alias: "demo".into(),
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("us-west-2").unwrap(),
    };
    let new = NewContact {
        id: ContactId::from_random([n; 16]),
        instance,
        initiation_method: InitiationMethod::Inbound,
        customer_number: None,
        system_number: None,
        sip_headers: Default::default(),
    };
    Contact::new(WallTime::from_unix_ms(1_000 + i64::from(n)), new)
}

pub(in super::super) fn ended(n: u8) -> Contact {
    let mut contact = contact(n);
    contact.disconnect_timestamp = Some(WallTime::from_unix_ms(5_000));
    contact.disconnect_reason = Some(DisconnectReason::Other);
    contact
}

const ROTATION: Rotation = Rotation { limit_bytes: 1 << 20, kept: 2, kept_for: None };

fn database(folder: &Path) -> Db {
    Db::open(folder, super::super::kinds(), OpenOptions::new(StartId([7; 16]))).unwrap().0
}

fn open(folder: &Path) -> (ContactHistory, Vec<Interrupted>, LineWriters) {
    let (_, history, writers) = open_with(folder);
    let interrupted = history.interrupted();
    (history, interrupted, writers)
}

pub(in super::super) fn open_with(folder: &Path) -> (Db, ContactHistory, LineWriters) {
    let writers = LineWriters::default();
    let file = |name: &'static str| {
        let path = folder.join(format!("{name}.jsonl"));
        let options = LineFileOptions { name, path, mode: 0o644, rotation: ROTATION, missing: |_| None };
        writers.open(options).unwrap()
    };
    let (records, flow_lines) = (file("contact-records"), file("flow-logs"));
    let db = database(folder);
    let files = FlowLogFiles { path: folder.join("flow-logs.jsonl"), kept: ROTATION.kept };
    let (history, _) = ContactHistory::open(&db, records, flow_lines, files).unwrap();
    (db, history, writers)
}

/// The records, once all are delivered.
fn delivered(folder: &Path, history: &ContactHistory) -> Vec<serde_json::Value> {
    assert!(history.await_delivery(Duration::from_secs(60)));
    records(folder)
}

fn records(folder: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("contact-records.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn contacts_that_were_open_are_found_at_the_next_start_and_ended_ones_have_a_record() {
    let dir = tempfile::tempdir().unwrap();
    let (history, interrupted, _writers) = open(dir.path());
    assert!(interrupted.is_empty());
    history.open(&contact(1)).unwrap();
    history.open(&contact(2)).unwrap();
    // The caller has hung up, and the last fragment is still on its way: there is no record yet.
    history.update(&ended(2)).unwrap();
    assert!(records(dir.path()).is_empty());
    history.close(&ended(2)).unwrap();
    assert_eq!(history.find(contact(2).id).unwrap().unwrap(), ended(2));
    assert_eq!(delivered(dir.path(), &history).len(), 1);
    drop(history);
    let (history, interrupted, _writers) = open(dir.path());
    assert_eq!(interrupted, [contact(1)]);
    assert_eq!(records(dir.path()).len(), 1);
    history.close(&ended(1)).unwrap();
    assert_eq!(delivered(dir.path(), &history)[1]["ContactId"], contact(1).id.to_string());
    drop(history);
    let (history, interrupted, _writers) = open(dir.path());
    assert!(interrupted.is_empty());
    assert_eq!(delivered(dir.path(), &history).len(), 2);
    history.update(&ended(1)).unwrap();
    assert_eq!(delivered(dir.path(), &history).len(), 3, "a late change delivers the record again");
}

#[test]
fn a_record_that_a_crash_kept_back_is_delivered_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _, _writers) = open(dir.path());
    history.close(&ended(3)).unwrap();
    delivered(dir.path(), &history);
    drop(history);
    // As if the process had died between the commit and the append, with half a line on disk.
    std::fs::write(dir.path().join("contact-records.jsonl"), "{\"AWSAccountId\":").unwrap();
    let db = database(dir.path());
    db.write(|tx| tx.put_contact(&ContactRow(ended(3)), ContactEvent::Closed, None)).unwrap();
    drop(db);
    let (history, _, _writers) = open(dir.path());
    assert!(history.await_delivery(Duration::from_secs(60)));
    let text = std::fs::read_to_string(dir.path().join("contact-records.jsonl")).unwrap();
    let last: serde_json::Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(last["ContactId"], ended(3).id.to_string());
}

#[test]
fn changes_of_attributes_at_once_are_all_kept() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _, _writers) = open(dir.path());
    let id = ended(1).id;
    let key = |n: u8| BTreeMap::from([(format!("k{n}"), "v".to_owned())]);
    let now = WallTime::from_unix_ms(9_000);
    assert_eq!(history.set_attributes(now, id, key(0)), Err(SetAttributesError::NoSuchContact));
    history.close(&ended(1)).unwrap();
    std::thread::scope(|scope| {
        for n in 0..20 {
            let history = &history;
            scope.spawn(move || history.set_attributes(now, id, key(n)).unwrap());
        }
    });
    let kept = history.find(id).unwrap().unwrap();
    assert_eq!(kept.attributes.len(), 20);
    let too_large = BTreeMap::from([("k".to_owned(), "x".repeat(40_000))]);
    assert!(matches!(history.set_attributes(now, id, too_large), Err(SetAttributesError::TooLarge(_))));
    assert_eq!(history.find(id).unwrap().unwrap(), kept);
    let newest = delivered(dir.path(), &history).pop().unwrap();
    assert_eq!(newest["Attributes"].as_object().unwrap().len(), 20);
}

#[test]
fn many_writers_share_commits_and_none_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _, _writers) = open(dir.path());
    let history = Arc::new(history);
    let threads: Vec<_> = (0..20)
        .map(|n| {
            let history = history.clone();
            std::thread::spawn(move || history.close(&ended(n)).unwrap())
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert_eq!(delivered(dir.path(), &history).len(), 20);
}

#[test]
fn a_file_of_records_that_takes_nothing_holds_up_no_contact_and_gets_all_of_them_later() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("contact-records.jsonl");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (history, _, writers) = open(dir.path());
    // More than one group, and one contact that changes while its record waits.
    let contacts = 150;
    (0..contacts).for_each(|n| history.close(&ended(n)).unwrap());
    let late = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    history.set_attributes(WallTime::from_unix_ms(9_000), ended(0).id, late).unwrap();
    assert!(!history.await_delivery(Duration::from_millis(10)));
    assert!(history.find(ended(149).id).unwrap().is_some());
    writers.close();
    drop(history);
    // The next start finds a file where the FIFO was.
    std::fs::remove_file(&path).unwrap();
    let (history, _, _writers) = open(dir.path());
    let records = delivered(dir.path(), &history);
    assert_eq!(records.len(), usize::from(contacts));
    assert!(records.iter().any(|record| record["Attributes"]["k"] == "v"));
}

#[test]
fn what_a_database_refuses_waits_in_memory_can_be_read_there_and_is_listed() {
    let dir = tempfile::tempdir().unwrap();
    let writers = LineWriters::default();
    let lines = |name: &'static str| {
        let path = dir.path().join(name);
        writers
            .open(LineFileOptions { name, path, mode: 0o600, rotation: ROTATION, missing: |_| None })
            .unwrap()
    };
    let why = tympan_db::OpenError::Foreign { path: "control.db".into() };
    let options = OpenOptions::new(StartId([7; 16]));
    let db = Db::stand_in(super::super::kinds(), options, &why).unwrap();
    let files = FlowLogFiles { path: dir.path().join("flow.jsonl"), kept: 0 };
    let (history, _) = ContactHistory::open(&db, lines("records"), lines("flow"), files).unwrap();
    assert!(history.open(&contact(1)).is_err() && history.open(&contact(2)).is_err());
    assert_eq!(history.find(contact(1).id).unwrap(), Some(contact(1)));
    let changes = BTreeMap::from([("k".to_owned(), "v".to_owned())]);
    assert!(history.set_attributes(WallTime::from_unix_ms(9), contact(1).id, changes).is_err());
    let query = HistoryQuery {
        account: None,
        instance: None,
        axis: TimeAxis::Initiation,
        from: WallTime::from_unix_ms(0),
        to: WallTime::from_unix_ms(i64::MAX),
        after: None,
        limit: 10,
    };
    let page = history.list(&query).unwrap();
    assert_eq!((page.contacts, page.next), (vec![contact(2), contact(1)], None));
    assert_eq!(history.waiting(), 2);
}

#[test]
fn pages_follow_one_another_and_an_erased_contact_is_on_none() {
    let dir = tempfile::tempdir().unwrap();
    let (history, _, _writers) = open(dir.path());
    (0..7).for_each(|n| history.close(&ended(n)).unwrap());
    assert!(
        history
            .erase_with(ended(3).id, |_, found| {
                assert_eq!(found, Some(&ended(3)));
                Ok(())
            })
            .unwrap()
    );
    assert_eq!(history.erase(ended(3).id, CapturedAudio::Keep).unwrap(), None);
    let mut query = HistoryQuery {
        account: Some(contact(1).instance.account),
        instance: None,
        axis: TimeAxis::Disconnect,
        from: WallTime::from_unix_ms(0),
        to: WallTime::from_unix_ms(i64::MAX),
        after: None,
        limit: 2,
    };
    let mut seen = BTreeSet::new();
    loop {
        let page = history.list(&query).unwrap();
        assert!(page.contacts.len() <= 2);
        seen.extend(page.contacts.iter().map(|contact| contact.id));
        query.after = page.next;
        if query.after.is_none() {
            break;
        }
    }
    assert_eq!(seen, [0, 1, 2, 4, 5, 6].map(|n| ended(n).id).into());
    query.account = Some(AccountId::parse("999999999999").unwrap());
    assert!(history.list(&query).unwrap().contacts.is_empty());
}

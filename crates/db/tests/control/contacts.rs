//! Contacts: states, pages, searches.

use super::sample::{Call, call, instance, kinds, open, options, put_calls, scatter};
use rusqlite::Connection;
use std::collections::BTreeSet;
use std::io::{Seek, SeekFrom, Write};
use tympan_db::contact::{ContactCursor, ContactEvent, ContactOrder, ContactQuery, ContactState, TimeAxis};
use tympan_db::{Db, DbError};
use tympan_types::{ContactFlowId, ContactId, Redacted, WallTime};

fn put(db: &Db, call: Call, event: ContactEvent) {
    db.write(move |tx| tx.put_contact(&call, event, None)).unwrap();
}

/// All pages of a query.
fn all(db: &Db, query: &ContactQuery, limit: usize) -> Vec<Call> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = db.read(|reader| reader.contacts::<Call>(query, after, limit)).unwrap();
        assert!(page.items.len() <= limit);
        found.extend(page.items);
        // As a client gives it back.
        after = page.next.map(|next| ContactCursor::parse(&next.to_string()).unwrap());
        if after.is_none() {
            return found;
        }
    }
}

/// What a query has to find, newest first.
fn expected(count: u64, meets: impl Fn(&Call) -> bool) -> Vec<ContactId> {
    let mut calls: Vec<Call> = (0..count).map(call).filter(meets).collect();
    calls.sort_by_key(|call| std::cmp::Reverse(call.initiated));
    calls.into_iter().map(|call| call.id).collect()
}

fn ids(calls: &[Call]) -> Vec<ContactId> {
    calls.iter().map(|call| call.id).collect()
}

#[test]
fn every_condition_finds_what_a_slow_look_at_all_contacts_finds() {
    const COUNT: u64 = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..COUNT).map(call));
    let some = call(1_234);
    let number = some.number.clone().unwrap();
    let at = WallTime::from_unix_ms;
    let base = ContactQuery::all();
    let check = |query: ContactQuery, meets: &dyn Fn(&Call) -> bool| {
        let found = all(&db, &query, 17);
        let mut expected = expected(COUNT, meets);
        assert_eq!(ids(&found), expected, "{query:?}");
        let query = ContactQuery { order: ContactOrder::OldestFirst, ..query };
        expected.reverse();
        assert_eq!(ids(&all(&db, &query, 17)), expected, "{query:?}");
        found.len()
    };
    let losses = ContactQuery { has_losses: Some(true), ..base.clone() };
    // Before the index has all contacts, and then with it.
    for _ in 0..2 {
        assert_eq!(check(losses.clone(), &|call| call.has_losses), 30);
        let none = ContactQuery { has_losses: Some(false), flow: some.flow, ..base.clone() };
        assert!(check(none, &|call| !call.has_losses && call.flow == some.flow) > 0);
        let number = Some(Redacted::new("1206".to_owned()));
        assert_eq!(
            check(ContactQuery { number_part: number, ..losses.clone() }, &|call| call.has_losses),
            30
        );
        while !db.index_losses(700).unwrap() {}
    }
    assert_eq!(check(base.clone(), &|_| true), 3_000);
    let (from, to) = (call(100).initiated, call(300).initiated);
    let range = ContactQuery { from: at(from), to: at(to), ..base.clone() };
    assert_eq!(check(range, &|call| (from..=to).contains(&call.initiated)), 201);
    for (start, end) in [(1, 12), (5, 12), (4, 8), (9, 12), (8, 10), (1, 5), (11, 12)] {
        let part = number[start..end].to_owned();
        let query = ContactQuery { number_part: Some(Redacted::new(part.clone())), ..base.clone() };
        assert!(check(query, &|call| call.number.as_ref().unwrap().contains(&part)) > 0);
    }
    let spaced = ContactQuery {
        number_part: Some(Redacted::new(format!("+1 (206) {}", &number[5..]))),
        ..base.clone()
    };
    assert!(check(spaced, &|call| call.number == some.number) >= 1);
    for name in ["order", "language"] {
        let value = some.attributes[name].clone();
        let attribute = Some((name.to_owned(), Redacted::new(value.clone())));
        let query = ContactQuery { attribute: attribute.clone(), ..base.clone() };
        assert!(check(query, &|call| call.attributes[name] == value) > 0);
        let part = number[9..12].to_owned();
        let both = ContactQuery { attribute, number_part: Some(Redacted::new(part.clone())), ..base.clone() };
        check(both, &|call| call.attributes[name] == value && call.number.as_ref().unwrap().contains(&part));
    }
    let flow = ContactQuery { flow: some.flow, ..base.clone() };
    assert_eq!(check(flow.clone(), &|call| call.flow == some.flow), 150);
    check(ContactQuery { has_stream: Some(false), ..flow }, &|call| {
        call.flow == some.flow && !call.has_stream
    });
    let queue = Some("queue-3".to_owned());
    check(ContactQuery { queue: queue.clone(), ..base.clone() }, &|call| call.queue == queue);
    let agent = Some("agent-3".to_owned());
    assert!(check(ContactQuery { agent: agent.clone(), ..base.clone() }, &|call| call.queue == queue) > 0);
    let both = ContactQuery { agent, instance: Some(instance(2)), ..base.clone() };
    check(both, &|call| call.queue == queue && call.instance == instance(2));
    check(ContactQuery { instance: Some(instance(2)), ..base.clone() }, &|call| call.instance == instance(2));
    let nothing = ContactQuery { flow: Some(ContactFlowId::from_random([77; 16])), ..base.clone() };
    assert_eq!(check(nothing, &|_| false), 0);
    let no_digits = ContactQuery { number_part: Some(Redacted::new("abc".into())), ..base };
    let refused = db.read(|reader| reader.contacts::<Call>(&no_digits, None, 1));
    assert!(matches!(refused, Err(DbError::Query(_))));
}

#[test]
fn other_times_order_a_list_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..500).map(call));
    let (from, to) = (call(100).initiated, call(400).initiated);
    let query = ContactQuery {
        axis: TimeAxis::Disconnect,
        from: WallTime::from_unix_ms(from),
        to: WallTime::from_unix_ms(to),
        ..ContactQuery::all()
    };
    let found = all(&db, &query, 7);
    assert!(found.is_sorted_by(|a, b| a.disconnected >= b.disconnected));
    let query = ContactQuery { order: ContactOrder::OldestFirst, ..query };
    assert_eq!(ids(&all(&db, &query, 7)), found.iter().rev().map(|call| call.id).collect::<Vec<_>>());
    let there = (0..500).map(call).filter(|call| (from..=to).contains(&call.disconnected.unwrap())).count();
    assert_eq!(found.iter().map(|call| call.id).collect::<BTreeSet<_>>().len(), there);
    assert_eq!(found.len(), there);
}

#[test]
fn contacts_of_one_instant_are_each_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let mut ids = BTreeSet::new();
    for n in 0..100_u8 {
        // The first bytes of an id are the same as well.
        let id = ContactId::from_random([7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, n]);
        ids.insert(id);
        put(&db, Call { id, ..call(1) }, ContactEvent::Closed);
    }
    let found = all(&db, &ContactQuery::all(), 9);
    assert_eq!((found.len(), found.iter().map(|call| call.id).collect::<BTreeSet<_>>()), (100, ids));
}

#[test]
fn a_page_looks_at_so_many_rows_and_goes_on_in_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..6_000).map(call));
    let rare = ContactQuery { has_stream: Some(true), queue: Some("none".into()), ..ContactQuery::all() };
    let page = db.read(|reader| reader.contacts::<Call>(&rare, None, 5)).unwrap();
    assert_eq!((page.items.len(), page.next), (0, None), "an index says so");
    let account = tympan_types::AccountId::parse("999999999999").unwrap();
    let rare = ContactQuery { account: Some(account), ..ContactQuery::all() };
    let mut pages = 1;
    let mut page = db.read(|reader| reader.contacts::<Call>(&rare, None, 5)).unwrap();
    while page.next.is_some() {
        assert_eq!(page.items, []);
        pages += 1;
        page = db.read(|reader| reader.contacts::<Call>(&rare, page.next, 5)).unwrap();
    }
    assert_eq!((page.items.len(), pages), (0, 3));
}

#[test]
fn losses_of_contacts_that_an_earlier_build_wrote_are_found_and_those_of_an_erased_one_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..300).map(call));
    drop(db);
    // As an earlier build left the file.
    let connection = Connection::open(folder.path().join("control.db")).unwrap();
    connection.execute_batch("DROP TABLE contact_loss; DROP INDEX contact_account").unwrap();
    drop(connection);
    let db = open(folder.path());
    let query = ContactQuery { has_losses: Some(true), ..ContactQuery::all() };
    let lossy = expected(300, |call| call.has_losses);
    assert_eq!((ids(&all(&db, &query, 9)), lossy.len()), (lossy.clone(), 3));
    assert!(!db.index_losses(100).unwrap());
    // One that changes meanwhile.
    put(&db, Call { has_losses: true, ..call(7) }, ContactEvent::Changed);
    put(&db, Call { has_losses: false, ..call(234) }, ContactEvent::Changed);
    while !db.index_losses(100).unwrap() {}
    let found = ids(&all(&db, &query, 9));
    assert_eq!(found, [call(134).id, call(34).id, call(7).id]);
    db.erase_contacts(vec![call(34).id]).unwrap();
    assert_eq!(ids(&all(&db, &query, 9)), [call(134).id, call(7).id]);
}

#[test]
fn contacts_are_counted_by_their_beginning() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..300).map(call));
    let at = |n: u64| WallTime::from_unix_ms(call(n).initiated);
    let account = tympan_types::AccountId::parse("111122223333").unwrap();
    let other = tympan_types::AccountId::parse("999999999999").unwrap();
    let count =
        |account, from, before| db.read(|reader| reader.contacts_begun(account, from, before)).unwrap();
    assert_eq!(count(&account, at(10), at(25)), 15);
    assert_eq!(count(&account, at(25), at(10)), 0);
    assert_eq!(count(&other, at(10), at(25)), 0);
    let all = (WallTime::from_unix_ms(i64::MIN), WallTime::from_unix_ms(i64::MAX));
    assert_eq!(count(&account, all.0, all.1), 300);
}

#[test]
fn a_contact_lives_ends_and_is_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let live = || db.read(|reader| reader.live_contacts::<Call>(None, 9)).unwrap().items;
    let undelivered = || db.read(|reader| reader.undelivered_contacts::<Call>(9)).unwrap();
    let mut contact = Call { disconnected: None, ..call(1) };
    put(&db, contact.clone(), ContactEvent::Opened);
    contact.attributes.insert("k".into(), "v".into());
    put(&db, contact.clone(), ContactEvent::Changed);
    assert_eq!((live(), undelivered().len()), (vec![contact.clone()], 0));
    put(&db, call(1), ContactEvent::Closed);
    assert_eq!(live(), []);
    let due = undelivered();
    assert_eq!(due[0].0, call(1));
    // It changes while its record is on the way: that one is no longer the last word.
    contact = call(1);
    contact.attributes.insert("late".into(), "v".into());
    put(&db, contact.clone(), ContactEvent::Changed);
    let records = vec![due[0].1];
    db.write(move |tx| tx.contact_records_delivered(&records)).unwrap();
    let due = undelivered();
    assert_eq!(due[0].0, contact);
    let records = vec![due[0].1];
    db.write(move |tx| tx.contact_records_delivered(&records)).unwrap();
    assert_eq!(undelivered().len(), 0);
    let ended = ContactQuery { state: Some(ContactState::Ended), ..ContactQuery::all() };
    assert_eq!(all(&db, &ended, 9), [contact]);
}

#[test]
fn a_change_moves_a_contact_in_every_index() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..50).map(call));
    let mut changed = call(7);
    changed.number = Some("+4930123456".into());
    changed.queue = Some("other".into());
    changed.attributes.remove("language");
    changed.attributes.insert("order".into(), "x".repeat(70) + "1");
    put(&db, changed.clone(), ContactEvent::Changed);
    let by_number = |part: &str| {
        let number_part = Some(Redacted::new(part.to_owned()));
        ids(&all(&db, &ContactQuery { number_part, ..ContactQuery::all() }, 9))
    };
    assert_eq!(by_number("30123"), [changed.id]);
    let by_agent = |agent: &str| {
        let agent = Some(agent.to_owned());
        ids(&all(&db, &ContactQuery { agent, ..ContactQuery::all() }, 99))
    };
    assert_eq!(by_agent("other"), [changed.id]);
    put(&db, Call { queue: None, ..changed.clone() }, ContactEvent::Changed);
    assert_eq!(by_agent("other"), []);
    put(&db, changed.clone(), ContactEvent::Changed);
    assert!(!by_number(&call(7).number.unwrap()[5..]).contains(&changed.id));
    let by_attribute = |name: &str, value: &str| {
        let attribute = Some((name.to_owned(), Redacted::new(value.to_owned())));
        ids(&all(&db, &ContactQuery { attribute, ..ContactQuery::all() }, 99))
    };
    assert!(!by_attribute("language", &call(7).attributes["language"]).contains(&changed.id));
    assert_eq!(by_attribute("order", &("x".repeat(70) + "1")), [changed.id]);
    assert_eq!(by_attribute("order", &("x".repeat(70) + "2")), [], "only the beginning is alike");
    changed.number = None;
    put(&db, changed.clone(), ContactEvent::Changed);
    assert_eq!(by_number("30123"), []);
    drop(db);
    let connection = Connection::open(folder.path().join("control.db")).unwrap();
    let parts: i64 =
        connection.query_row("SELECT count(*) FROM contact_number_part", [], |row| row.get(0)).unwrap();
    assert!(parts <= 49 * 8, "{parts}: none of the numbers that were");
    let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
}

#[test]
fn an_unreadable_contact_is_left_out_of_lists_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..10).map(call));
    drop(db);
    let connection = Connection::open(folder.path().join("control.db")).unwrap();
    let row = "(SELECT row FROM contact WHERE id = ?1)";
    let damage = |set: &str, n: u64| {
        let sql = format!("UPDATE {set} WHERE row = {row}");
        assert_eq!(connection.execute(&sql, [call(n).id.to_string()]).unwrap(), 1);
    };
    damage("contact_payload SET payload = x'00'", 2);
    damage("contact SET initiated = initiated + 1", 3);
    damage("contact SET is_live = 1", 4);
    drop(connection);
    let db = open(folder.path());
    let page = db.read(|reader| reader.contacts::<Call>(&ContactQuery::all(), None, 99)).unwrap();
    assert_eq!((page.items.len(), page.unreadable), (7, 3));
    assert!(matches!(db.read(|reader| reader.contact::<Call>(call(2).id)), Err(DbError::Unreadable { .. })));
    assert_eq!(db.examine().unwrap().unreadable, 3);
    // A new state takes its place, and the bytes are kept.
    put(&db, call(2), ContactEvent::Closed);
    assert_eq!(db.read(|reader| reader.contact::<Call>(call(2).id)).unwrap(), Some(call(2)));
    assert_eq!(db.examine().unwrap().aside_count, 1);
    // It can be erased, with what was kept.
    assert_eq!(db.erase_contacts(vec![call(2).id, call(3).id]).unwrap().contacts, 2);
    assert_eq!(db.examine().unwrap().aside_count, 0);
}

#[test]
fn a_list_goes_on_behind_pages_of_the_file_that_do_not_hold_together() {
    const COUNT: u64 = 3_000;
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..COUNT).map(call));
    drop(db);
    let path = folder.path().join("control.db");
    let connection = Connection::open(&path).unwrap();
    let sql = "SELECT pageno, ncell FROM dbstat WHERE name = 'contact' AND pagetype = 'leaf' ORDER BY path";
    let leaves: Vec<(u32, u32)> = connection
        .prepare(sql)
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let page_bytes: u32 = connection.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    drop(connection);
    assert!(leaves.len() > 20, "{leaves:?}");
    // Two neighbours, one by itself, the oldest and the newest.
    let damaged = [0, leaves.len() / 3, leaves.len() / 3 + 1, leaves.len() * 2 / 3, leaves.len() - 1];
    let mut file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    for at in damaged {
        file.seek(SeekFrom::Start(u64::from(leaves[at].0 - 1) * u64::from(page_bytes))).unwrap();
        file.write_all(&[0xff; 8]).unwrap();
    }
    drop(file);
    let lost: u32 = damaged.iter().map(|at| leaves[*at].1).sum();
    let db = open(folder.path());
    for limit in [17, 1_000] {
        let found = ids(&all(&db, &ContactQuery::all(), limit));
        let expected = expected(COUNT, |call| found.contains(&call.id));
        assert_eq!(found, expected, "in order, each once");
        assert_eq!(found.len() as u64, COUNT - u64::from(lost));
        let query = ContactQuery { order: ContactOrder::OldestFirst, ..ContactQuery::all() };
        assert_eq!(ids(&all(&db, &query, limit)), found.into_iter().rev().collect::<Vec<_>>());
    }
    // Another way to the same rows passes over no more of them.
    let query = ContactQuery { instance: Some(instance(1)), ..ContactQuery::all() };
    let readable = ids(&all(&db, &ContactQuery::all(), 1_000));
    let wanted = expected(COUNT, |call| call.instance == instance(1) && readable.contains(&call.id));
    assert_eq!(ids(&all(&db, &query, 100)), wanted);
    let query = ContactQuery { axis: TimeAxis::Disconnect, ..ContactQuery::all() };
    for order in [ContactOrder::NewestFirst, ContactOrder::OldestFirst] {
        let query = ContactQuery { order, ..query.clone() };
        let by_end: BTreeSet<ContactId> = ids(&all(&db, &query, 100)).into_iter().collect();
        assert_eq!(by_end, readable.iter().copied().collect());
    }
}

#[test]
fn fifty_thousand_contacts_page_in_steady_time() {
    const COUNT: u64 = 50_000;
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    put_calls(&db, (0..COUNT).map(call));
    drop(db);
    let began = std::time::Instant::now();
    let (db, _) = Db::open(folder.path(), kinds(), options(2)).unwrap();
    let start = began.elapsed();
    let mut times = Vec::new();
    for round in 0..100 {
        let some = call(scatter(round) % COUNT);
        let number_part = Some(Redacted::new(some.number.unwrap()[6..].to_owned()));
        let attribute = Some(("order".to_owned(), Redacted::new(some.attributes["order"].clone())));
        for query in [
            ContactQuery { number_part, ..ContactQuery::all() },
            ContactQuery { attribute, ..ContactQuery::all() },
        ] {
            let began = std::time::Instant::now();
            let page = db.read(|reader| reader.contacts::<Call>(&query, None, 50)).unwrap();
            times.push(began.elapsed());
            assert!(page.items.iter().any(|call| call.id == some.id));
        }
    }
    times.sort();
    println!("start {start:?}, p50 {:?}, p95 {:?}", times[100], times[190]);
    // Ten times what the product promises: machines of tests are busy.
    assert!(times[190].as_millis() < 500 && start.as_secs() < 20);
}

//! UpdateContactAttributes: what was answered with 200 can be read, beside other writers, whenever the call ends, and
//! after a SIGKILL. `TYMPAN_E2E_KILLS` and `TYMPAN_E2E_CHANGES` make the runs long.

use anyhow::ensure;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tympan_e2e::desk::Peer;
use tympan_e2e::flow::{Flow, hang_up, listen, start_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::{Caller, Sipp};
use tympan_e2e::until;
use tympan_testkit::{TestServer, TestServerBuilder};

const NUMBER: &str = "+18005550123";
/// Kills, unless `TYMPAN_E2E_KILLS` says otherwise.
const KILLS: u64 = 4;
/// Changes of one ended contact, unless `TYMPAN_E2E_CHANGES` says otherwise; some 4,000 fit into a contact.
const CHANGES: u64 = 320;
const THREADS: u64 = 8;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What was acknowledged: keys by contact.
type Acknowledged = BTreeMap<String, BTreeSet<String>>;

/// Clients that change attributes, and what they were told.
struct Changers {
    peer: Peer,
}

impl Changers {
    fn new(server: &TestServer) -> anyhow::Result<Self> {
        Ok(Self { peer: Peer::new("attributes.py", server)? })
    }

    fn change(
        &mut self,
        office: &Office,
        contact: &str,
        prefix: &str,
        [threads, count]: [u64; 2],
    ) -> anyhow::Result<()> {
        self.peer.order(&json!({
            "endpoint": office.server.http(), "instance": office.instance, "contact": contact,
            "prefix": prefix, "threads": threads, "count": count,
        }))
    }

    fn stop(&mut self) -> anyhow::Result<()> {
        self.peer.order(&json!({ "stop": true }))
    }

    /// Waits until the orders with this prefix are done, and tells the first refusal.
    fn over(&self, prefix: &str, orders: usize) -> anyhow::Result<Option<Value>> {
        let mut seen = 0;
        loop {
            // However many changes there are: each has the whole time.
            let printed = until("the next change to be answered", || {
                let printed = self.peer.printed();
                Ok((printed.len() > seen).then_some(printed))
            })?;
            seen = printed.len();
            let ended = |line: &&Value| line["over"].as_str().is_some_and(|over| over.starts_with(prefix));
            let over: Vec<&Value> = printed.iter().filter(ended).collect();
            if over.len() >= orders {
                return Ok(over.iter().map(|line| line["refused"].clone()).find(Value::is_string));
            }
        }
    }

    fn acknowledged(&self) -> Acknowledged {
        let mut all = Acknowledged::new();
        for line in self.peer.printed() {
            if let (Some(contact), Some(key)) = (line["contact"].as_str(), line["key"].as_str()) {
                all.entry(contact.to_owned()).or_default().insert(key.to_owned());
            }
        }
        all
    }
}

/// A call of which the contact is known.
fn call(office: &Office, caller: &Caller, known: &BTreeSet<String>) -> anyhow::Result<(Sipp, String)> {
    let call = caller.start(office.server.sip())?;
    let contact = until("a call to be captured", || {
        let log = office.flow_log();
        let started =
            log.iter().filter(|entry| entry["Identifier"] == "start" && entry["Results"] == "Success");
        Ok(started.map(|entry| text(&entry["ContactId"])).find(|contact| !known.contains(contact)))
    })?;
    Ok((call, contact))
}

fn office(builder: TestServerBuilder) -> anyhow::Result<Office> {
    let mut office = Office::open_with(builder)?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("speak", 180))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    Ok(office)
}

/// Every acknowledged change is there: for GetContactAttributes, DescribeContact, and in the newest record of an
/// ended contact.
fn all_are_kept(office: &mut Office, acknowledged: &Acknowledged, ended: bool) -> anyhow::Result<()> {
    for (contact, keys) in acknowledged {
        let instance = office.instance.clone();
        let request = json!({ "InstanceId": instance, "InitialContactId": contact });
        let read = office.desk.call("connect", "get_contact_attributes", request)?;
        none_is_missing(&read["Attributes"], keys, contact, "GetContactAttributes")?;
        let request = json!({ "InstanceId": instance, "ContactId": contact });
        let described = office.desk.call("connect", "describe_contact", request)?;
        none_is_missing(&described["Contact"]["Attributes"], keys, contact, "DescribeContact")?;
    }
    if !ended {
        return Ok(());
    }
    for record in office.records(acknowledged.len())? {
        let contact = text(&record["ContactId"]);
        if let Some(keys) = acknowledged.get(&contact) {
            none_is_missing(&record["Attributes"], keys, &contact, "the newest record")?;
        }
    }
    Ok(())
}

fn none_is_missing(
    attributes: &Value,
    keys: &BTreeSet<String>,
    contact: &str,
    source: &str,
) -> anyhow::Result<()> {
    let missing: Vec<&String> = keys.iter().filter(|key| attributes[key.as_str()].is_null()).collect();
    ensure!(
        missing.is_empty(),
        "{} of {} acknowledged changes of {contact} are lost to {source}: {missing:?}",
        missing.len(),
        keys.len()
    );
    Ok(())
}

#[test]
fn changes_of_an_ended_contact_by_many_clients_at_once_are_all_kept() -> anyhow::Result<()> {
    let mut office = office(TestServer::builder())?;
    let caller = Caller::dialling(NUMBER).call().pause(Duration::from_millis(300)).hang_up();
    let (call, contact) = call(&office, &caller, &BTreeSet::new())?;
    call.wait()?;
    office.record()?;
    let mut changers = Changers::new(&office.server)?;
    let changes = setting("TYMPAN_E2E_CHANGES").unwrap_or(CHANGES);
    changers.change(&office, &contact, "p", [THREADS, changes / THREADS])?;
    ensure!(changers.over("p", 1)?.is_none(), "a change was refused");
    let acknowledged = changers.acknowledged();
    assert_eq!(acknowledged[&contact].len() as u64, changes / THREADS * THREADS);
    all_are_kept(&mut office, &acknowledged, true)?;
    // Consumers know a later version of a record by this time.
    let lines = tympan_e2e::office::json_lines(&office.server.data_dir().join("contact-records.jsonl"));
    let times: Vec<String> = lines.iter().map(|line| text(&line["LastUpdateTimestamp"])).collect();
    assert!(times.len() > 1 && times.is_sorted(), "a later version of the record is dated back");
    Ok(())
}

#[test]
fn changes_around_the_end_of_a_call_are_all_kept() -> anyhow::Result<()> {
    const CALLS: usize = 4;
    let mut office = office(TestServer::builder())?;
    let mut changers = Changers::new(&office.server)?;
    let caller = Caller::dialling(NUMBER).call().pause(Duration::from_secs(2)).hang_up();
    let (mut calls, mut contacts) = (Vec::new(), BTreeSet::new());
    for _ in 0..CALLS {
        let (up, contact) = call(&office, &caller, &contacts)?;
        // In all more than the server answers at once.
        changers.change(&office, &contact, "e", [24, 150])?;
        calls.push(up);
        contacts.insert(contact);
    }
    calls.into_iter().try_for_each(Sipp::wait)?;
    office.records(CALLS)?;
    // And on, on contacts that have ended.
    let at_the_end = changers.acknowledged().values().map(BTreeSet::len).sum::<usize>();
    until("some more changes", || {
        let now = changers.acknowledged().values().map(BTreeSet::len).sum::<usize>();
        Ok((now > at_the_end + 20 * CALLS).then_some(()))
    })?;
    changers.stop()?;
    ensure!(changers.over("e", CALLS)?.is_none(), "a change was refused");
    let acknowledged = changers.acknowledged();
    assert_eq!(acknowledged.len(), CALLS);
    all_are_kept(&mut office, &acknowledged, true)
}

#[test]
fn acknowledged_changes_survive_sigkill_during_and_after_calls() -> anyhow::Result<()> {
    let by_clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_secs());
    let seed = setting("TYMPAN_E2E_SEED").unwrap_or_else(by_clock);
    eprintln!("seed {seed}: repeat with TYMPAN_E2E_SEED={seed}");
    let mut random = Random(seed | 1);
    let folder = tempfile::tempdir()?;
    let builder = || TestServer::builder().data_dir(folder.path().join("data"));
    let mut office = office(builder())?;
    let mut changers = Changers::new(&office.server)?;
    let caller = Caller::dialling(NUMBER).call().be_hung_up();
    let mut contacts: BTreeSet<String> = BTreeSet::new();
    let mut ended: Option<String> = None;
    for kill in 0..setting("TYMPAN_E2E_KILLS").unwrap_or(KILLS) {
        let before: usize = changers.acknowledged().values().map(BTreeSet::len).sum();
        let (up, contact) = call(&office, &caller, &contacts)?;
        contacts.insert(contact.clone());
        let prefix = format!("{kill}_");
        changers.change(&office, &contact, &prefix, [2, 300])?;
        if let Some(ended) = &ended {
            changers.change(&office, ended, &prefix, [2, 300])?;
        }
        let orders = 1 + usize::from(ended.is_some());
        until("changes to be acknowledged", || {
            let now: usize = changers.acknowledged().values().map(BTreeSet::len).sum();
            Ok((now > before + 5).then_some(()))
        })?;
        std::thread::sleep(Duration::from_millis(random.below(150)));
        office = office.kill_and_restart(builder(), None)?;
        drop(up);
        changers.over(&prefix, orders)?;
        ended = Some(contact);
        all_are_kept(&mut office, &changers.acknowledged(), true)?;
    }
    let count: usize = changers.acknowledged().values().map(BTreeSet::len).sum();
    eprintln!("{count} acknowledged changes of {} contacts were kept", contacts.len());
    Ok(())
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn name_references_and_tags_of_a_call_that_is_up_are_shown_and_stay_when_it_has_ended() -> anyhow::Result<()>
{
    let mut office = Office::open()?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("keys", listen("press a key", 60))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let caller = Caller::dialling(NUMBER).call().be_hung_up();
    let (up, contact) = call(&office, &caller, &BTreeSet::new())?;
    let named = |more: Value| {
        let mut named = json!({ "InstanceId": office.instance, "ContactId": contact });
        named
            .as_object_mut()
            .into_iter()
            .zip(more.as_object())
            .for_each(|(named, more)| named.extend(more.clone()));
        named
    };
    let references = json!({ "ticket": { "Type": "URL", "Value": "https://example.com/1" } });
    let change = named(json!({ "Name": "a call", "References": references }));
    let tags =
        [named(json!({ "Tags": { "team": "blue", "case": "7" } })), named(json!({ "TagKeys": ["case"] }))];
    let shown = named(json!({}));
    office.desk.call("connect", "update_contact", change)?;
    let [tag, untag] = tags;
    office.desk.call("connect", "tag_contact", tag)?;
    office.desk.call("connect", "untag_contact", untag)?;
    let live = office.desk.call("connect", "describe_contact", shown.clone())?["Contact"].clone();
    assert!(live["DisconnectTimestamp"].is_null(), "the call is up: {live}");
    office.desk.call("connect", "stop_contact", shown.clone())?;
    up.wait()?;
    office.records(1)?;
    let ended = office.desk.call("connect", "describe_contact", shown)?["Contact"].clone();
    assert!(!ended["DisconnectTimestamp"].is_null(), "{ended}");
    for contact in [live, ended] {
        assert_eq!(contact["Name"], "a call");
        assert_eq!((&contact["Tags"]["team"], &contact["Tags"]["case"]), (&json!("blue"), &Value::Null));
    }
    Ok(())
}

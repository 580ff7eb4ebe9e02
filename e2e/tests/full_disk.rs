//! A disk that is full while calls come and go, and then has room again: no contact is lost, every line that is written is
//! whole, and nothing needs a restart.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;
use tympan_e2e::flow::{Flow, hang_up, listen, set_attributes, start_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::{Caller, Sipp};
use tympan_e2e::small_disk::SmallDisk;
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";

/// The contacts that there are, those of calls that are up among them.
fn contacts(office: &mut Office) -> anyhow::Result<BTreeSet<String>> {
    Ok(office.contacts()?.iter().map(|contact| text(&contact["ContactId"])).collect())
}

/// Places a call that stays up; with the contact that it has.
fn call(office: &mut Office, known: &mut BTreeSet<String>) -> anyhow::Result<(Sipp, String)> {
    let call = Caller::dialling(NUMBER).call().be_hung_up().start(office.server.sip())?;
    let contact = until("a call to have a contact", || {
        Ok(contacts(office)?.into_iter().find(|id| !known.contains(id)))
    })?;
    known.insert(contact.clone());
    Ok((call, contact))
}

fn end(office: &mut Office, (call, contact): (Sipp, String)) -> anyhow::Result<()> {
    let stop = json!({ "InstanceId": office.instance, "ContactId": contact });
    office.desk.call("connect", "stop_contact", stop)?;
    call.wait()?;
    until("a call to be over", || {
        let contacts = office.contacts()?;
        let ended =
            |record: &&Value| record["ContactId"] == contact && record["DisconnectTimestamp"].is_string();
        Ok(contacts.iter().find(ended).map(|_| ()))
    })
}

/// All lines of a file: each is one JSON object.
fn lines(file: &Path) -> anyhow::Result<Vec<Value>> {
    let text = std::fs::read_to_string(file)?;
    ensure!(text.is_empty() || text.ends_with('\n'), "{} ends in a half line", file.display());
    let parse =
        |line: &str| serde_json::from_str(line).with_context(|| format!("{}: {line}", file.display()));
    text.lines().map(parse).collect()
}

fn flow() -> Flow {
    Flow::new()
        .then("begin", set_attributes(&[("note", &"n".repeat(900))]))
        .then("start", start_streaming().or_else("listen"))
        .then("listen", listen("speak", 180))
        .then("hang up", hang_up())
}

#[test]
fn no_contact_is_lost_to_a_disk_that_is_full_while_calls_begin_and_end() -> anyhow::Result<()> {
    let name = "no_contact_is_lost_to_a_disk_that_is_full_while_calls_begin_and_end";
    let Some(disk) = SmallDisk::of_test(name, 40)? else { return Ok(()) };
    let builder = TestServer::builder()
        .data_dir(disk.path().join("data"))
        .env("TYMPAN_CAPTURE__STOP_TIMEOUT_MS", 2_000);
    let mut office = Office::open_with(builder)?;
    office.answer(NUMBER, flow())?;
    let mut known = BTreeSet::new();
    let early = call(&mut office, &mut known)?;
    let early_contact = early.1.clone();
    end(&mut office, early)?;
    office.records(1)?;
    let up_before = [call(&mut office, &mut known)?, call(&mut office, &mut known)?];

    disk.fill()?;
    // Some end, some come and go, one stays up; a change that cannot be kept is not acknowledged.
    for up in up_before {
        end(&mut office, up)?;
    }
    let brief = call(&mut office, &mut known)?;
    end(&mut office, brief)?;
    let brief = call(&mut office, &mut known)?;
    end(&mut office, brief)?;
    let stays = call(&mut office, &mut known)?;
    let request = json!({
        "InstanceId": office.instance, "InitialContactId": early_contact, "Attributes": { "k": "x".repeat(30_000) },
    });
    let refused = office.desk.call("connect", "update_contact_attributes", request.clone());
    ensure!(refused.is_err(), "a change was acknowledged that the disk had no room for");

    disk.make_room()?;
    // Of each call that has ended there is a record, soon and without a restart.
    let records = office.records(5)?;
    let of_records: BTreeSet<String> = records.iter().map(|record| text(&record["ContactId"])).collect();
    let stays_contact = stays.1.clone();
    let ended: BTreeSet<String> = known.iter().filter(|id| **id != stays_contact).cloned().collect();
    assert_eq!(of_records, ended);
    for record in &records {
        ensure!(record["DisconnectTimestamp"].is_string(), "not closed: {record}");
        assert_eq!(record["Attributes"]["note"], "n".repeat(900));
    }
    until("a change to be taken again", || {
        Ok(office.desk.call("connect", "update_contact_attributes", request.clone()).ok())
    })?;
    end(&mut office, stays)?;
    until("the last record", || Ok((office.records(6)?.len() == 6).then_some(())))?;
    let last = call(&mut office, &mut known)?;
    end(&mut office, last)?;
    office.records(7)?;
    assert_eq!(contacts(&mut office)?, known);

    // Nothing is waiting or lost, and each line of each file is whole.
    let data = office.server.data_dir().to_owned();
    until("the flow logs of all calls", || {
        let begun = office.flow_log().into_iter().filter(|entry| entry["Identifier"] == "begin");
        let begun: BTreeSet<String> = begun.map(|entry| text(&entry["ContactId"])).collect();
        Ok((begun == known).then_some(()))
    })?;
    let metrics = tympan_e2e::control::page(&office.server, "/metrics")?;
    for nothing in [
        "contacts_waiting 0",
        "contacts_lost_total 0",
        "flow_log_lost_lines_total 0",
        "audit_lost_lines_total 0",
    ] {
        ensure!(metrics.contains(&format!("tympan_{nothing}\n")), "{nothing} is not in\n{metrics}");
    }
    // The server is the same one, and ends as it should.
    office.server.terminate()?;
    ensure!(office.server.wait()?.success(), "the log:\n{}", office.server.log());
    for file in ["contact-records.jsonl", "flow-logs.jsonl", "audit.jsonl"] {
        lines(&data.join(file))?;
    }
    Ok(())
}

#[test]
fn a_start_on_a_full_disk_closes_what_was_open_when_there_is_room() -> anyhow::Result<()> {
    let name = "a_start_on_a_full_disk_closes_what_was_open_when_there_is_room";
    let Some(disk) = SmallDisk::of_test(name, 40)? else { return Ok(()) };
    let builder = || TestServer::builder().data_dir(disk.path().join("data"));
    let mut office = Office::open_with(builder())?;
    office.answer(NUMBER, flow())?;
    let mut known = BTreeSet::new();
    let (up, contact) = call(&mut office, &mut known)?;
    office.await_block("start", "Success")?;
    disk.fill()?;
    let mut office = office.kill_and_restart(builder(), None)?;
    drop(up);
    // It can be read as it will be written.
    let closed = office.contacts()?;
    ensure!(closed.len() == 1 && closed[0]["DisconnectTimestamp"].is_string(), "{closed:?}");
    assert_eq!(closed[0]["ContactId"], contact);
    disk.make_room()?;
    let record = office.record()?;
    assert_eq!(
        (&record["ContactId"], &record["Attributes"]["note"]),
        (&json!(contact), &json!("n".repeat(900)))
    );
    assert_eq!(office.contacts()?, closed);
    Ok(())
}

//! The end of a contact: what is deleted is in no file but those of its readers.

use anyhow::{Context, ensure};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::control::control;
use tympan_e2e::flow::{Flow, hang_up, listen, start_streaming};
use tympan_e2e::folder::{files, server};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::Caller;
use tympan_e2e::until;
use tympan_testkit::binary;

const NUMBER: &str = "+18005550123";
const CUSTOMER: &str = "+15557390246";
const VALUE: &str = "a value that only this contact has";

/// Files of a folder, those of readers left out, that hold a text.
fn holders(folder: &Path, needle: &str) -> anyhow::Result<Vec<String>> {
    let mut holders = Vec::new();
    for file in files(folder)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let bytes = std::fs::read(&file)?;
        if !name.contains(".jsonl") && bytes.windows(needle.len()).any(|window| window == needle.as_bytes()) {
            holders.push(name);
        }
    }
    Ok(holders)
}

fn delete(office: &Office, id: &str, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(binary()?);
    command.envs(office.server.aws_environment()).args(["contacts", "delete", id]).args(arguments);
    command.output().context("run tympan")
}

#[test]
fn a_deleted_contact_is_in_no_file_but_those_of_its_readers() -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    let mut office = Office::open_with(server(&data))?;
    office.answer(NUMBER, Flow::new().then("listen", listen("hello", 1)).then("hang up", hang_up()))?;
    for count in 1..=2 {
        let number = if count == 1 { CUSTOMER } else { "+15550000001" };
        Caller::dialling(NUMBER).from(number).call().be_hung_up().start(office.server.sip())?.wait()?;
        office.records(count)?;
    }
    let contacts = office.contacts()?;
    let [kept, gone] = &contacts[..] else { anyhow::bail!("two contacts: {contacts:?}") };
    let (kept, gone) = (text(&kept["ContactId"]), text(&gone["ContactId"]));
    let change = json!({
        "InstanceId": office.instance, "InitialContactId": gone, "Attributes": { "secret": VALUE },
    });
    office.desk.call("connect", "update_contact_attributes", change)?;
    let digits = CUSTOMER.trim_start_matches('+');
    for needle in [gone.as_str(), VALUE, digits] {
        ensure!(!holders(&data, needle)?.is_empty(), "{needle} is in no file: what is searched for?");
    }
    // Its lines are the flow log's reader's by then.
    until("the flow log", || {
        let lines = std::fs::read_to_string(data.join("flow-logs.jsonl"))?;
        Ok(lines.contains(&gone).then_some(()))
    })?;

    let deleted = delete(&office, &gone, &[])?;
    let said = String::from_utf8_lossy(&deleted.stderr);
    ensure!(deleted.status.success(), "{said}");
    ensure!(
        said.contains("contact-records.jsonl and flow-logs.jsonl had it"),
        "what keeps it is said: {said}"
    );
    ensure!(delete(&office, &gone, &[])?.status.code() == Some(3), "it is there again");
    for needle in [gone.as_str(), VALUE, digits] {
        let holders = holders(&data, needle)?;
        ensure!(holders.is_empty(), "{needle} is in {holders:?}");
    }
    let listed: Vec<String> = office.contacts()?.iter().map(|contact| text(&contact["ContactId"])).collect();
    assert_eq!(listed, [kept]);
    Ok(())
}

/// Damages some rows of `control.db`, as `sqlite3` of Python does it; prints how many.
const DAMAGE: &str = r#"
import random, sqlite3, sys
random.seed(int(sys.argv[2]))
db = sqlite3.connect(sys.argv[1])
rows = [row for (row,) in db.execute("SELECT row FROM contact_payload ORDER BY row")]
chosen = random.sample(rows, 6)
for row in chosen[:3]:
    (payload,) = db.execute("SELECT payload FROM contact_payload WHERE row = ?", (row,)).fetchone()
    at = random.randrange(len(payload))
    payload = payload[:at] + bytes([payload[at] ^ (1 << random.randrange(8))]) + payload[at + 1:]
    db.execute("UPDATE contact_payload SET payload = ? WHERE row = ?", (payload, row))
for row in chosen[3:]:
    db.execute("UPDATE contact_payload SET format = 99 WHERE row = ?", (row,))
db.execute("UPDATE row_connect_flow SET format = 99 WHERE row = (SELECT max(row) FROM row_connect_flow)")
db.commit()
"#;

#[test]
fn rows_that_are_damaged_at_random_or_of_a_later_format_are_counted_and_the_rest_is_served()
-> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    let mut office = Office::open_with(server(&data))?;
    office.answer(NUMBER, Flow::new().then("hang up", hang_up()))?;
    Caller::dialling(NUMBER).call().be_hung_up().start_many(office.server.sip(), 20, 10)?.wait()?;
    office.records(20)?;
    let instance = json!({ "InstanceId": office.instance });
    let flows = |office: &mut Office| -> anyhow::Result<usize> {
        let listed = office.desk.call("connect", "list_contact_flows", instance.clone())?;
        Ok(listed["ContactFlowSummaryList"].as_array().map_or(0, Vec::len))
    };
    let flows_before = flows(&mut office)?;
    let Office { server: mut running, mut desk, .. } = office;
    running.terminate()?;
    running.wait()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let seed = u64::from(now.subsec_nanos()).to_string();
    println!("seed {seed}");
    let damaged = Command::new(tympan_e2e::desk::interpreter())
        .args(["-c", DAMAGE])
        .arg(data.join("control.db"))
        .arg(&seed)
        .output()?;
    ensure!(damaged.status.success(), "{}", String::from_utf8_lossy(&damaged.stderr));

    let doctor = Command::new(binary()?)
        .env("TYMPAN_HTTP__LISTEN", "127.0.0.1:1")
        .args(["doctor", "--json", "--data-dir"])
        .arg(&data)
        .output()?;
    let found = String::from_utf8_lossy(&doctor.stdout);
    ensure!(found.contains("control.db has 7 rows that cannot be read"), "{found}");
    let running = server(&data).start()?;
    desk.point_at(&running)?;
    let listed = desk.ask("contacts", json!({ "limit": 1000 }))?;
    assert_eq!(listed.as_array().map(Vec::len), Some(14));
    let listed = desk.call("connect", "list_contact_flows", instance)?;
    assert_eq!(listed["ContactFlowSummaryList"].as_array().map(Vec::len), Some(flows_before - 1));
    let told = running.log().lines().filter(|line| line.contains("cannot be read and is left out")).count();
    assert_eq!(told, 7, "{}", running.log());
    Ok(())
}

/// A flow that captures its caller for so many seconds.
fn capture(seconds: u32) -> Flow {
    Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("speak", seconds))
        .then("hang up", hang_up())
}

/// Where a contact's audio lies: stream, first and last fragment.
fn captured(contact: &serde_json::Value) -> [String; 3] {
    let recording = &contact["Recordings"][0];
    ["Location", "FragmentStartNumber", "FragmentStopNumber"].map(|member| text(&recording[member]))
}

/// What `tympan streams verify-deletion` says of fragments of a folder that no server has: its exit code and its words.
fn verify(data: &Path, [stream, first, last]: &[String; 3]) -> anyhow::Result<(Option<i32>, String)> {
    let mut command = Command::new(binary()?);
    command.args(["streams", "verify-deletion", stream, "--fragments", first, last]);
    let verified = command.arg("--data-dir").arg(data).arg("--keyring").arg(data.join("keyring")).output()?;
    Ok((verified.status.code(), String::from_utf8(verified.stdout)?))
}

#[test]
fn a_contact_that_is_deleted_with_its_media_leaves_neither_a_name_nor_audio_and_the_next_call_of_its_stream_stays()
-> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    // Both calls have one stream.
    let builder = || server(&data).env("TYMPAN_CONNECT__STREAM_REST_S", 0);
    let mut office = Office::open_with(builder())?;
    office.answer(NUMBER, capture(2))?;
    let speech = [5, 6].map(|seed| Speech::unique(place.path(), seed, 30, Law::Mu));
    let [first, second] = speech;
    let (first, second) = (first?, second?);
    for (count, (number, said)) in [(CUSTOMER, &first), ("+15550000001", &second)].into_iter().enumerate() {
        let caller = Caller::dialling(NUMBER).from(number).speaking(said).call().speak(said).be_hung_up();
        caller.start(office.server.sip())?.wait()?;
        office.records(count + 1)?;
    }
    let contacts = office.contacts()?;
    let [kept, gone] = &contacts[..] else { anyhow::bail!("two contacts: {contacts:?}") };
    let (kept, gone) = (kept.clone(), gone.clone());
    let (id, [stream, from, to]) = (text(&gone["ContactId"]), captured(&gone));
    ensure!(stream == captured(&kept)[0], "two calls, one stream");
    let change = json!({
        "InstanceId": office.instance, "InitialContactId": id, "Attributes": { "secret": VALUE },
    });
    office.desk.call("connect", "update_contact_attributes", change)?;
    find(&office.fragments(&stream, &[&to])?.samples, &first.samples)?;

    let deleted = delete(&office, &id, &["--with-media", "--json"])?;
    ensure!(deleted.status.success(), "{}", String::from_utf8_lossy(&deleted.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&deleted.stdout)?;
    let expected =
        json!({ "AudioWaits": false, "DeliveredTo": ["contact-records.jsonl", "flow-logs.jsonl"] });
    assert_eq!(answer, expected);
    let listed = office.desk.ask("list_fragments", json!({ "stream": stream }))?;
    let listed: Vec<String> = listed.as_array().into_iter().flatten().map(text).collect();
    ensure!(!listed.is_empty() && listed.iter().all(|number| *number > to), "{from} to {to}: {listed:?}");
    find(&office.heard(&kept)?.samples, &second.samples)?;

    // What was written in the last minutes is in the journal, sealed, until that lets go of its segment.
    control(&office.server, "POST", "/_tympan/clock", r#"{"advance": "6m"}"#)?;
    let erased = [stream.clone(), from, to];
    let Office { server: mut running, .. } = office;
    running.terminate()?;
    running.wait()?;
    let (code, said) = verify(&data, &erased)?;
    ensure!(code == Some(0) && said.contains("GONE"), "{code:?}: {said}");
    assert_eq!(verify(&data, &captured(&kept))?.0, Some(1), "what was not deleted can be read");
    let codes = std::fs::read(&first.file)?;
    let samples: Vec<u8> = first.samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    for file in files(&data)? {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.contains(".jsonl") {
            continue;
        }
        let bytes = std::fs::read(&file)?;
        for needle in [id.as_bytes(), VALUE.as_bytes(), CUSTOMER.trim_start_matches('+').as_bytes()] {
            ensure!(!bytes.windows(needle.len()).any(|window| window == needle), "{name} holds {needle:?}");
        }
        // Sixteen codes or samples in a row are in no other call.
        for (audio, width) in [(&codes, 16), (&samples, 32)] {
            let pieces: std::collections::HashSet<&[u8]> = audio.chunks_exact(width).collect();
            ensure!(
                !bytes.windows(width).any(|window| pieces.contains(window)),
                "{name} holds what was said"
            );
        }
    }
    Ok(())
}

#[test]
fn a_kill_at_any_moment_of_a_deletion_with_media_leaves_all_of_the_contact_or_nothing() -> anyhow::Result<()>
{
    let setting = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let by_clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |now| now.as_millis());
    let seed = setting("TYMPAN_E2E_SEED").unwrap_or(u64::try_from(by_clock())?);
    println!("seed {seed}: repeat with TYMPAN_E2E_SEED={seed}");
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    let builder = || server(&data).env("TYMPAN_CONNECT__STREAM_REST_S", 0);
    let mut office = Office::open_with(builder())?;
    office.answer(NUMBER, capture(1))?;
    let speech = Speech::unique(place.path(), 7, 30, Law::Mu)?;
    let mut undone = 0;
    for kill in 0..setting("TYMPAN_E2E_KILLS").unwrap_or(4) {
        let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
        caller.start(office.server.sip())?.wait()?;
        let contact = until("the contact to end", || {
            let contacts = office.desk.ask("contacts", json!({ "limit": 1 }))?;
            Ok(contacts.get(0).filter(|contact| contact["DisconnectTimestamp"].is_string()).cloned())
        })?;
        let (id, [stream, first, last]) = (text(&contact["ContactId"]), captured(&contact));
        let mut deleting = Command::new(binary()?)
            .envs(office.server.aws_environment())
            .args(["contacts", "delete", &id, "--with-media"])
            .stderr(std::process::Stdio::null())
            .spawn()?;
        // The program takes some ten milliseconds until it asks.
        std::thread::sleep(Duration::from_millis(seed.wrapping_mul(kill + 7) % 97));
        office = office.kill_and_restart(builder(), None)?;
        let answered = deleting.wait()?.success();
        let contacts = office.contacts()?;
        let is_there = contacts.iter().any(|contact| text(&contact["ContactId"]) == id);
        ensure!(!(answered && is_there), "kill {kill}: an answered deletion was undone");
        if is_there {
            undone += 1;
            let heard = office.fragments(&stream, &[&last])?;
            ensure!(!heard.samples.is_empty(), "kill {kill}: the contact is there, and its audio is not");
            let deleted = delete(&office, &id, &["--with-media"])?;
            ensure!(deleted.status.success(), "kill {kill}: {}", String::from_utf8_lossy(&deleted.stderr));
        }
        until("the audio to be erased", || {
            let listed = office.desk.ask("list_fragments", json!({ "stream": stream }))?;
            let mut listed = listed.as_array().into_iter().flatten().map(text);
            Ok((!listed.any(|number| (first.clone()..=last.clone()).contains(&number))).then_some(()))
        })?;
    }
    println!("{undone} deletions had not begun");
    Ok(())
}

/// Makes a `contacts.db` as release 0.1.0 had it, with so many contacts that ended three years ago.
const FILL: &str = r#"
import json, sqlite3, sys, uuid
db = sqlite3.connect(sys.argv[1])
db.execute("CREATE TABLE contact (id TEXT PRIMARY KEY, json BLOB NOT NULL, initiated INTEGER NOT NULL, open INTEGER NOT NULL, delivered INTEGER NOT NULL)")
at = int(sys.argv[3])
instance = {"id": sys.argv[4], "alias": "demo", "account": "111122223333", "region": "us-west-2"}
def rows():
    for n in range(int(sys.argv[2])):
        id = str(uuid.UUID(int=n + (4 << 76) + (8 << 60)))
        contact = {
            "id": id, "instance": instance, "initial_contact_id": None, "previous_contact_id": None,
            "initiation_method": "INBOUND", "channel": "VOICE",
            "customer_endpoint": {"Address": f"+1555{n:07}", "Type": "TELEPHONE_NUMBER"}, "system_endpoint": None,
            "attributes": {"order": f"order {n}", "language": "en"}, "sip_headers": {}, "initiation_timestamp": at + n,
            "connected_to_system_timestamp": at + n, "disconnect_timestamp": at + n + 60_000,
            "disconnect_reason": "CUSTOMER_DISCONNECT", "last_update_timestamp": at + n + 60_000, "captures": [],
        }
        yield id, json.dumps(contact), at + n, 0, 1
db.executemany("INSERT INTO contact VALUES (?, ?, ?, ?, ?)", rows())
db.commit()
"#;

#[test]
fn retention_removes_many_contacts_while_calls_go_on() -> anyhow::Result<()> {
    let setting = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u64>().ok());
    let count = setting("TYMPAN_E2E_CONTACTS").unwrap_or(2_000);
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    let mut office = Office::open_with(server(&data))?;
    office.answer(NUMBER, Flow::new().then("listen", listen("hello", 1)).then("hang up", hang_up()))?;
    let Office { server: mut running, mut desk, instance, .. } = office;
    running.terminate()?;
    running.wait()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let three_years_ago_ms = now.as_millis() - 3 * 365 * 86_400_000;
    let filled = Command::new(tympan_e2e::desk::interpreter())
        .args(["-c", FILL])
        .arg(data.join("contacts.db"))
        .args([count.to_string(), three_years_ago_ms.to_string(), instance])
        .output()?;
    ensure!(filled.status.success(), "{}", String::from_utf8_lossy(&filled.stderr));
    let began = std::time::Instant::now();
    let running = server(&data).start()?;
    println!("{count} contacts carried over, listening after {:.1?}", began.elapsed());
    desk.point_at(&running)?;
    let is_over = || running.log().contains("contacts whose time was over are erased");
    let (mut calls, mut longest) = (0, Duration::ZERO);
    // Calls are answered, talk for a second and have their records all the while.
    loop {
        let was_over = is_over();
        Caller::dialling(NUMBER).call().be_hung_up().start_many(running.sip(), 20, 20)?.wait()?;
        calls += 20;
        let asked = std::time::Instant::now();
        desk.ask("contacts", json!({ "limit": 20 }))?;
        longest = longest.max(asked.elapsed());
        if was_over {
            break;
        }
        ensure!(began.elapsed() < Duration::from_secs(1_800), "retention does not end:\n{}", running.log());
    }
    println!(
        "retention removed them within {:.1?}; {calls} calls meanwhile, longest list {longest:.1?}",
        began.elapsed()
    );
    let line = running
        .log()
        .lines()
        .find(|line| line.contains("whose time was over"))
        .unwrap_or_default()
        .to_owned();
    ensure!(line.contains(&format!("erased={count}")), "{line}");
    let records = || -> anyhow::Result<Option<()>> {
        let listed = desk.ask("contacts", json!({ "limit": 1000 }))?;
        let ended = listed
            .as_array()
            .into_iter()
            .flatten()
            .filter(|contact| contact["DisconnectTimestamp"].is_string());
        Ok((ended.count() == calls.min(1_000)).then_some(()))
    };
    until("the contacts of the calls, and no others", records)
}

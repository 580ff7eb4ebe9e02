//! The end of a contact: what is deleted is in no file but those of its readers.

use anyhow::{Context, ensure};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use tympan_e2e::flow::{Flow, hang_up, listen};
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

    let delete = |id: &str| {
        let mut command = Command::new(binary()?);
        command.envs(office.server.aws_environment()).args(["contacts", "delete", id]).output().context("run")
    };
    let deleted = delete(&gone)?;
    ensure!(deleted.status.success(), "{}", String::from_utf8_lossy(&deleted.stderr));
    ensure!(delete(&gone)?.status.code() == Some(3), "it is there again");
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
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
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

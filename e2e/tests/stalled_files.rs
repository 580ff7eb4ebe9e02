//! Files of lines that take nothing: a FIFO that no process reads stands in their place. Calls, requests and health checks go on, what
//! does not fit waits, and a stop ends.

use anyhow::ensure;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant};
use tympan_e2e::control::page;
use tympan_e2e::flow::{Flow, hang_up, set_attributes, start_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::Caller;
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
const FILES: [&str; 3] = ["audit.jsonl", "contact-records.jsonl", "flow-logs.jsonl"];

fn metric(office: &Office, name: &str) -> anyhow::Result<u64> {
    let page = page(&office.server, "/metrics")?;
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.map_or_else(|| anyhow::bail!("no {name} in\n{page}"), |value| Ok(value.trim().parse()?))
}

/// A server whose files of lines are FIFOs.
fn stalled(data: &Path) -> anyhow::Result<Office> {
    std::fs::create_dir(data)?;
    for file in FILES {
        mkfifo(&data.join(file), Mode::S_IRWXU)?;
    }
    Office::open_with(TestServer::builder().data_dir(data))
}

/// A flow that says as much of itself in the flow log as flows may.
fn talkative() -> Flow {
    let mut flow = Flow::new().then("start", start_streaming().or_else("hang up"));
    for block in 0..200 {
        flow = flow.then(&format!("block {block}"), set_attributes(&[("note", "n")]));
    }
    flow.then("hang up", hang_up())
}

#[test]
fn calls_and_health_checks_go_on_while_no_file_of_lines_takes_any() -> anyhow::Result<()> {
    let scratch = tempfile::tempdir()?;
    let data = scratch.path().join("data");
    let mut office = stalled(&data)?;
    office.answer(NUMBER, talkative())?;
    let caller = Caller::dialling(NUMBER).call().be_hung_up();
    for _ in 0..2 {
        caller.start_many(office.server.sip(), 10, 20)?.wait()?;
        let began = Instant::now();
        page(&office.server, "/healthz")?;
        ensure!(began.elapsed() < Duration::from_secs(20), "the health check took {:?}", began.elapsed());
    }
    // Lines of the flow log wait in the database.
    until("a line of the flow log to wait for the file", || {
        Ok((metric(&office, "tympan_lines_waiting{file=\"flow_log\"}")? > 0).then_some(()))
    })?;
    ensure!(metric(&office, "tympan_flow_log_lost_lines_total")? == 0);
    ensure!(metric(&office, "tympan_lines_waiting{file=\"contact_records\"}")? > 0);
    ensure!(metric(&office, "tympan_lines_waiting{file=\"audit\"}")? > 0);
    // The calls are over, and the API has their contacts.
    until("no call to be up", || Ok((metric(&office, "tympan_calls_active")? == 0).then_some(())))?;
    let contacts = office.contacts()?;
    ensure!(
        contacts.len() >= 10 && contacts.iter().all(|contact| contact["DisconnectTimestamp"].is_string())
    );
    let change = json!({
        "InstanceId": office.instance, "InitialContactId": contacts[0]["ContactId"], "Attributes": { "k": "late" },
    });
    office.desk.call("connect", "update_contact_attributes", change)?;
    // The log says which files.
    let log = office.server.log();
    for name in ["audit", "contact-records", "flow-log"] {
        ensure!(log.contains(&format!("file=\"{name}\"")), "{name} is not in\n{log}");
    }

    // It stops, and the next start delivers every record, the late change included.
    office.server.terminate()?;
    ensure!(office.server.wait()?.success(), "the log:\n{}", office.server.log());
    for file in FILES {
        std::fs::remove_file(data.join(file))?;
    }
    let known: Vec<String> = contacts.iter().map(|contact| text(&contact["ContactId"])).collect();
    let office = Office::open_with(TestServer::builder().data_dir(&data))?;
    let records = office.records(known.len())?;
    ensure!(known.iter().all(|id| records.iter().any(|record| record["ContactId"] == id.as_str())));
    ensure!(records.iter().any(|record| record["Attributes"]["k"] == "late"), "{records:?}");
    until("the flow log of each call", || {
        let logged: BTreeSet<String> =
            office.flow_log().iter().map(|entry| text(&entry["ContactId"])).collect();
        Ok(known.iter().all(|id| logged.contains(id)).then_some(()))
    })?;
    Ok(())
}

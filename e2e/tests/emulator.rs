//! The emulator's manners: faults on demand, a clock that is put ahead, a reset; only under `--dev`.

use anyhow::Context;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::control::{ask, control};
use tympan_e2e::flow::{Flow, hang_up, listen, set_attributes, start_streaming, stop_streaming};
use tympan_e2e::office::{Office, text, unix_ms};
use tympan_e2e::sipp::Caller;
use tympan_e2e::{python, until};
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
const DAY_MS: i64 = 86_400_000;

fn impatient() -> anyhow::Result<TestServer> {
    TestServer::builder().env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 500).start()
}

/// A timestamp of a record, which has whole seconds.
fn at_ms(timestamp: &Value) -> i64 {
    unix_ms(&text(timestamp).replace('Z', ".000Z"))
}

/// Captures for a while; without a stream, says so in an attribute.
fn capture(seconds: u32) -> Flow {
    Flow::new()
        .then("start", start_streaming().or_else("none left"))
        .then("listen", listen("go on", seconds))
        .then("stop", stop_streaming().to("hang up"))
        .then("none left", set_attributes(&[("outcome", "no stream")]))
        .then("hang up", hang_up())
}

#[test]
fn faults_reach_unmodified_clients_as_aws_would_send_them() -> anyhow::Result<()> {
    python::run(&impatient()?, "sdk_emulator_faults.py", &[]);
    Ok(())
}

#[test]
fn a_clock_put_ahead_ends_what_has_expired() -> anyhow::Result<()> {
    python::run(&impatient()?, "sdk_emulator_clock.py", &[]);
    Ok(())
}

#[test]
fn a_reset_begins_anew_behind_open_connections() -> anyhow::Result<()> {
    python::run(&TestServer::start()?, "sdk_emulator_reset.py", &[]);
    Ok(())
}

#[test]
fn outside_of_dev_there_is_nothing_to_control() -> anyhow::Result<()> {
    let server = TestServer::builder().bare().start()?;
    for (method, path, body) in [
        ("GET", "/_tympan/", ""),
        ("GET", "/_tympan/state", ""),
        ("POST", "/_tympan/reset", "{}"),
        ("POST", "/_tympan/flush", ""),
        ("POST", "/_tympan/clock", r#"{"advance": "1h"}"#),
        ("POST", "/_tympan/faults", r#"{"fault": {"kind": "throttle"}}"#),
        ("DELETE", "/_tympan/faults", ""),
        ("DELETE", "/_tympan/faults/1", ""),
    ] {
        let (status, answer) = ask(&server, method, path, body)?;
        let message = text(&answer["Message"]);
        assert!(status == 404 && message.contains("--dev"), "{method} {path}: {status} {answer}");
    }
    // Records are no control call: they are there, for who signs.
    assert_eq!(ask(&server, "GET", "/tympan/contacts", "")?.0, 403);
    Ok(())
}

#[test]
fn a_call_takes_the_error_branch_when_a_rule_says_so() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, capture(1))?;
    for (nth, fault) in
        [r#"{"kind": "quota_reached"}"#, r#"{"kind": "kms_denied", "id": 4501}"#].iter().enumerate()
    {
        let rule = format!(r#"{{"operation": "StartMediaStreaming", "fault": {fault}, "times": 1}}"#);
        control(&office.server, "POST", "/_tympan/faults", &rule)?;
        Caller::dialling(NUMBER).call().be_hung_up().start(office.server.sip())?.wait()?;
        let record = office.records(nth + 1)?.pop().context("no record")?;
        assert_eq!(record["Attributes"]["outcome"], "no stream", "{fault}: {record}");
    }
    let rules = control(&office.server, "GET", "/_tympan/faults", "")?;
    let fired: Vec<_> = rules["faults"].as_array().into_iter().flatten().map(|rule| &rule["fired"]).collect();
    assert_eq!(fired, [1, 1], "{rules}");

    // Both rules are spent: the next call is captured.
    Caller::dialling(NUMBER).call().be_hung_up().start(office.server.sip())?.wait()?;
    let record = office.records(3)?.pop().context("no record")?;
    assert!(record["Recordings"][0]["FragmentStartNumber"].is_string(), "{record}");
    Ok(())
}

#[test]
fn a_call_that_is_up_does_not_notice_that_the_clock_jumps_and_a_reset_ends_it() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, capture(4))?;
    let speech = Speech::unique(office.folder(), 71, 30, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    let call = caller.start(office.server.sip())?;
    office.await_block("start", "Success")?;
    let advanced = control(&office.server, "POST", "/_tympan/clock", r#"{"advance": "2d"}"#)?;
    assert_eq!(advanced["ahead_ms"], 2 * DAY_MS);
    // Neither is the block that listens cut short, nor is there a gap in what was said.
    call.wait()?;
    let record = office.record()?;
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert!(found.to - found.from >= 3 * 8_000, "{found:?}");
    let (start, stop) =
        (&record["Recordings"][0]["StartTimestamp"], &record["Recordings"][0]["StopTimestamp"]);
    let lasted_ms = at_ms(stop) - at_ms(start);
    assert!((3_000..60_000).contains(&lasted_ms), "{record}");

    // The next call lives in the new time.
    let up = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    let call = up.start(office.server.sip())?;
    until("the second call to be captured", || {
        let log = office.flow_log();
        let started =
            log.iter().filter(|entry| entry["Identifier"] == "start" && entry["Results"] == "Success");
        Ok((started.count() == 2).then_some(()))
    })?;
    let contacts = office.contacts()?;
    let begun = |at: usize| at_ms(&contacts[at]["InitiationTimestamp"]);
    assert!(begun(0) - begun(1) >= 2 * DAY_MS, "{contacts:#?}");
    assert_eq!(control(&office.server, "GET", "/_tympan/state", "")?["calls"], 1);

    // The caller is told: a BYE, not a dead line; and nothing of the call is left.
    let begun = Instant::now();
    control(&office.server, "POST", "/_tympan/reset", "")?;
    let took = begun.elapsed();
    eprintln!("a reset with a call up took {took:?}");
    call.wait()?;
    assert!(took < Duration::from_secs(10), "the reset took {took:?}");
    assert_eq!(office.contacts()?, Vec::<Value>::new());
    let state = control(&office.server, "GET", "/_tympan/state", "")?;
    assert_eq!(
        (&state["calls"], &state["streams"], &state["clock"]["ahead_ms"]),
        (&json!(0), &json!(0), &json!(0)),
        "{state}"
    );

    // The number that this test claimed is gone with its flow, and the one of --dev takes calls again.
    Caller::dialling(NUMBER).be_refused(404).start(office.server.sip())?.wait()?;
    // A caller who is gone before the answer was confirmed leaves no record: this one listens for a moment.
    let call = Caller::dialling("+18005550100").call().pause(Duration::from_millis(500)).hang_up();
    call.start(office.server.sip())?.wait()?;
    let record =
        until("the record of the call after the reset", || Ok(office.contacts()?.into_iter().next()));
    record.with_context(|| format!("the log:\n{}", office.server.log()))?;
    Ok(())
}

#[test]
fn a_reset_leaves_the_files_of_a_fresh_server() -> anyhow::Result<()> {
    let names = |server: &TestServer| -> anyhow::Result<Vec<String>> {
        let entries = std::fs::read_dir(server.data_dir())?;
        let name = |entry: std::io::Result<std::fs::DirEntry>| -> anyhow::Result<String> {
            Ok(entry?.file_name().to_string_lossy().into_owned())
        };
        let mut names = entries.map(name).collect::<anyhow::Result<Vec<_>>>()?;
        names.retain(|name| !name.ends_with("-wal") && !name.ends_with("-shm"));
        names.sort();
        Ok(names)
    };
    let fresh = TestServer::start()?;
    let data = tempfile::tempdir()?;
    let folder = data.path().join("data");
    let first = TestServer::builder().data_dir(&folder).start()?;
    python::run(&first, "sdk_connect.py", &[]);
    python::run(&first, "sdk_kinesisvideo.py", &[]);
    drop(first);
    // A folder that an earlier server has left is this server's own, all but the files of others.
    std::fs::write(folder.join("notes.txt"), "not ours")?;
    let server = TestServer::builder().data_dir(&folder).start()?;
    control(&server, "POST", "/_tympan/reset", "")?;
    let mut expected = names(&fresh)?;
    expected.push("notes.txt".into());
    expected.sort();
    assert_eq!(names(&server)?, expected);
    Ok(())
}

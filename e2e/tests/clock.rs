//! What the server does when its wall clock is set while it runs.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use tympan_e2e::clock::SteppedClock;
use tympan_e2e::control::{control, raw};
use tympan_e2e::flow::{Flow, hang_up, listen, set_attributes};
use tympan_e2e::office::{Office, text, unix_ms};
use tympan_e2e::sipp::Caller;
use tympan_e2e::until;
use tympan_testkit::{TestServer, binary};

const NUMBER: &str = "+18005550123";

/// A call that waits twice for three seconds, while the clock is set again and again, each time by so much.
fn a_call_with_steps_of(seconds: i64) -> anyhow::Result<()> {
    let clock = SteppedClock::new()?;
    let mut office = Office::open_with(clock.given_to(TestServer::builder()))?;
    let flow = Flow::new()
        .then("answered", set_attributes(&[("outcome", "answered")]))
        .then("first wait", listen("one", 3))
        .then("second wait", listen("two", 3))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let call = Caller::dialling(NUMBER).call().be_hung_up().start(office.server.sip())?;
    office.await_block("answered", "Success")?;
    let begun = Instant::now();
    for step in 1..=20 {
        clock.set_ahead_s(step * seconds)?;
        std::thread::sleep(Duration::from_millis(200));
    }
    // A wait that follows the clock back would take ten minutes, and this gives up before.
    let record = office.record()?;
    let took = begun.elapsed();
    assert!(took >= Duration::from_secs(5), "the waits were cut short: {took:?}");
    // The record tells of a call of that length: its times stand on the clock as it was when the call began.
    let at_ms = |name: &str| unix_ms(&text(&record[name]).replace('Z', ".000Z"));
    let lasted_ms = at_ms("DisconnectTimestamp") - at_ms("InitiationTimestamp");
    assert!((5_000..120_000).contains(&lasted_ms), "{record}");
    call.wait()
}

#[test]
fn a_clock_that_is_set_ahead_cuts_no_wait_of_a_call_short() -> anyhow::Result<()> {
    a_call_with_steps_of(30)
}

#[test]
fn a_clock_that_is_set_back_makes_no_wait_of_a_call_longer() -> anyhow::Result<()> {
    a_call_with_steps_of(-30)
}

/// A verb of the command line, whose clock is the server's; what it prints.
fn tympan(server: &TestServer, clock: &SteppedClock, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new(binary()?);
    command.args(arguments).envs(server.aws_environment()).envs(clock.environment());
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    Ok(said)
}

fn count_files(folder: &Path) -> anyhow::Result<usize> {
    let mut count = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        count += if path.is_dir() { count_files(&path)? } else { 1 };
    }
    Ok(count)
}

/// A sweep has gone over everything.
fn sweep(server: &TestServer) -> anyhow::Result<()> {
    control(server, "POST", "/_tympan/clock", r#"{"advance_ms": 0}"#).map(drop)
}

#[test]
fn a_clock_that_is_years_ahead_at_a_start_destroys_no_media_and_no_key() -> anyhow::Result<()> {
    let (folder, clock) = (tempfile::tempdir()?, SteppedClock::new()?);
    let start = || clock.given_to(TestServer::builder()).data_dir(folder.path().join("data")).start();
    let chunks = || count_files(&folder.path().join("data/chunks"));
    let audio = folder.path().join("one second.raw");
    std::fs::write(&audio, vec![0; 16_000])?;
    let audio = audio.to_str().context("a path")?;

    let server = start()?;
    tympan(&server, &clock, &["produce", "--stream", "expires", "--raw", audio])?;
    control(&server, "POST", "/_tympan/flush", "")?;
    let key: Value = serde_json::from_str(&tympan(&server, &clock, &["keys", "create", "--json"])?)?;
    let key = text(&key["KeyId"]);
    tympan(&server, &clock, &["keys", "schedule-deletion", &key, "--days", "7", "--yes"])?;
    assert_eq!(chunks()?, 1);
    server.kill_9()?;

    // The machine wakes up two years ahead: what has expired by that is not served, and stays.
    clock.set_ahead_s(2 * 365 * 86_400)?;
    let server = start()?;
    sweep(&server)?;
    assert_eq!(tympan(&server, &clock, &["streams", "fragments", "expires", "--json"])?.trim(), "[]");
    assert_eq!(chunks()?, 1);
    let shown = tympan(&server, &clock, &["keys", "show", &key])?;
    assert!(shown.contains("PendingDeletion"), "{shown}");
    // It says so, wherever a person looks.
    assert!(tympan(&server, &clock, &["streams", "expire"])?.starts_with("held"));
    until("the line in the log", || {
        Ok(server.log().contains("far ahead of what the store has seen").then_some(()))
    })?;
    let metrics = raw(&server, "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let ahead = metrics.split("\ntympan_store_clock_doubt_seconds ").nth(1).context("no gauge")?;
    let ahead: u64 = ahead.lines().next().context("no value")?.parse()?;
    assert!(ahead > 600 * 86_400, "{ahead}");
    server.kill_9()?;

    // Set right, it is as if nothing had been.
    clock.set_ahead_s(0)?;
    let server = start()?;
    sweep(&server)?;
    assert!(tympan(&server, &clock, &["streams", "expire"])?.contains("is believed"));
    assert!(
        tympan(&server, &clock, &["streams", "fragments", "expires", "--json"])?.contains("FragmentNumber")
    );
    server.kill_9()?;

    // A person may say that the time has come.
    clock.set_ahead_s(30 * 86_400)?;
    let server = start()?;
    sweep(&server)?;
    assert_eq!(chunks()?, 1);
    tympan(&server, &clock, &["streams", "expire", "--confirm-clock"])?;
    until("the media to be removed", || Ok((chunks()? == 0).then_some(())))?;
    Ok(())
}

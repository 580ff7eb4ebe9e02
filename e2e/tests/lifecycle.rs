//! The server as a process: how it starts, how it goes, what it tells and what it keeps to itself.

use anyhow::{Context, ensure};
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::desk::Desk;
use tympan_e2e::flow::{Flow, hang_up, invoke, listen, set_attributes, start_streaming, stop_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::Caller;
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";

/// Status and body of an unsigned GET.
fn get(server: &TestServer, path: &str) -> anyhow::Result<(u16, String)> {
    let address = server.http().trim_start_matches("http://");
    let mut connection = TcpStream::connect(address)?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).context("no status")?;
    let body = answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default();
    Ok((status, body))
}

fn capture(seconds: u32) -> Flow {
    Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("speak", seconds))
        .then("stop", stop_streaming())
        .then("hang up", hang_up())
}

#[test]
fn shows_02_the_first_answer_comes_soon_after_the_start() -> anyhow::Result<()> {
    // A boto3 that has loaded its models already: what is measured is the server.
    let warm = TestServer::start()?;
    let mut desk = Desk::new(&warm)?;
    desk.point_at(&warm)?;
    let begun = Instant::now();
    let server = TestServer::start()?;
    desk.point_at(&server)?;
    let refused = desk.call("kinesisvideo", "describe_stream", json!({ "StreamName": "nothing" }));
    let took = begun.elapsed();
    let refusal = format!("{:#}", refused.err().context("a stream that nobody created was described")?);
    assert!(refusal.contains("ResourceNotFoundException"), "{refusal}");
    eprintln!("ready after {:?}, first DescribeStream answered after {took:?}", server.started_in());
    assert!(took < Duration::from_secs(10), "the first answer took {took:?}");
    Ok(())
}

#[test]
fn sigterm_lets_a_call_end_and_takes_no_other() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let builder = || TestServer::builder().data_dir(data.path().join("data"));
    let mut office = Office::open_with(builder().env("TYMPAN_HTTP__DRAIN_TIMEOUT_MS", 60_000))?;
    office.answer(NUMBER, capture(6))?;
    let speech = Speech::unique(office.folder(), 41, 60, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    let call = caller.start(office.server.sip())?;
    office.await_block("start", "Success")?;
    office.server.terminate()?;
    until("new calls to be sent elsewhere", || {
        Ok(Caller::dialling(NUMBER).probe(503).start(office.server.sip())?.wait().ok())
    })?;
    Caller::dialling(NUMBER).be_refused(503).start(office.server.sip())?.wait()?;

    // The open call goes on to the end of its flow, and then the process is done.
    call.wait()?;
    let status = office.server.wait()?;
    assert_eq!(status.code(), Some(0), "the log:\n{}", office.server.log());
    let record = office.record()?;
    assert_eq!(record["DisconnectReason"], "CONTACT_FLOW_DISCONNECT");

    let mut office = Office::open_with(builder())?;
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert!(found.to - found.from >= 5 * 8_000, "{found:?}");
    let last = heard.fragments.last().map(|last| last["number"].clone());
    assert_eq!(last.as_ref(), Some(&record["Recordings"][0]["FragmentStopNumber"]));
    assert!(heard.fragments.iter().all(|fragment| fragment["complete"] == true));
    Ok(())
}

#[test]
fn sigterm_ends_a_call_that_outlasts_the_drain() -> anyhow::Result<()> {
    let data = tempfile::tempdir()?;
    let builder = || TestServer::builder().data_dir(data.path().join("data"));
    let mut office = Office::open_with(builder().env("TYMPAN_HTTP__DRAIN_TIMEOUT_MS", 2_000))?;
    office.answer(NUMBER, capture(170))?;
    let speech = Speech::unique(office.folder(), 42, 60, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).be_hung_up();
    let call = caller.start(office.server.sip())?;
    office.await_block("start", "Success")?;
    office.server.terminate()?;
    // The caller is told: a BYE, not a dead line.
    call.wait()?;
    assert_eq!(office.server.wait()?.code(), Some(0), "the log:\n{}", office.server.log());
    let record = office.record()?;
    assert!(record["Recordings"][0]["FragmentStopNumber"].is_string(), "{record}");

    let mut office = Office::open_with(builder())?;
    let heard = office.heard(&record)?;
    find(&heard.samples, &speech.samples)?;
    assert!(heard.fragments.iter().all(|fragment| fragment["complete"] == true));
    Ok(())
}

#[test]
fn probes_and_metrics_tell_what_goes_on() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    assert_eq!(get(&office.server, "/healthz")?.0, 200);
    assert_eq!(get(&office.server, "/readyz")?.0, 200);
    office.answer(NUMBER, capture(1))?;
    let before = metrics(&get(&office.server, "/metrics")?.1)?;
    let speech = Speech::unique(office.folder(), 43, 30, Law::Mu)?;
    Caller::dialling(NUMBER)
        .speaking(&speech)
        .call()
        .speak(&speech)
        .be_hung_up()
        .start(office.server.sip())?
        .wait()?;
    Caller::dialling("+18005550199").be_refused(404).start(office.server.sip())?.wait()?;
    office.record()?;
    let after = metrics(&get(&office.server, "/metrics")?.1)?;
    let of = |page: &BTreeMap<String, f64>, name: &str| page.get(name).copied().unwrap_or(0.0);
    assert_eq!(of(&after, "tympan_calls_taken_total") - of(&before, "tympan_calls_taken_total"), 1.0);
    assert_eq!(of(&after, "tympan_calls_refused_total{reason=\"unknown_number\"}"), 1.0, "{after:#?}");
    assert!(
        after.iter().any(|(name, value)| name.contains("received_packets") && *value > 50.0),
        "{after:#?}"
    );
    Ok(())
}

/// Reads an OpenMetrics page strictly: every sample belongs to a declared family, counters end in `_total`, and the
/// page ends in `# EOF`. Gives the samples by name and labels.
fn metrics(page: &str) -> anyhow::Result<BTreeMap<String, f64>> {
    ensure!(page.ends_with("# EOF\n"), "the page does not end in # EOF");
    let (mut kinds, mut samples) = (BTreeMap::new(), BTreeMap::new());
    for line in page.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.split(' ');
            if let (Some("TYPE"), Some(name), Some(kind)) = (words.next(), words.next(), words.next()) {
                ensure!(kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{name} is declared twice");
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').with_context(|| format!("{line:?} is no sample"))?;
        let name = series.split('{').next().unwrap_or_default();
        let family = name.strip_suffix("_total").unwrap_or(name);
        let kind = kinds.get(family).with_context(|| format!("{name} belongs to no family"))?;
        ensure!((kind == "counter") == name.ends_with("_total"), "{name} is a {kind}");
        let value = value.parse().with_context(|| format!("{line:?} has no number"))?;
        ensure!(samples.insert(series.to_owned(), value).is_none(), "{series} stands there twice");
    }
    Ok(samples)
}

#[test]
fn the_log_of_a_whole_call_tells_nothing_of_the_caller() -> anyhow::Result<()> {
    const CALLER: &str = "12065550177";
    const ATTRIBUTE: &str = "swordfish";
    const FUNCTION: &str = "arn:aws:lambda:us-west-2:111122223333:function:answer";
    const ANSWER: &str = "halibut";
    let functions = format!(
        "[{{arn = {FUNCTION:?}, command = [\"sh\", \"-c\", \"cat > /dev/null; echo '{{\\\"fish\\\": \\\"{ANSWER}\\\"}}'\"]}}]"
    );
    let builder =
        TestServer::builder().env("TYMPAN_LAMBDA__FUNCTIONS", functions).env("TYMPAN_LOG__FILTER", "debug");
    let mut office = Office::open_with(builder)?;
    office.allow_function(FUNCTION)?;
    let flow = Flow::new()
        .then("keep", set_attributes(&[("password", ATTRIBUTE), ("who", "$.CustomerEndpoint.Address")]))
        .then("start", start_streaming())
        .then("ask", invoke(FUNCTION, &[("password", "$.Attributes.password")]))
        .then("answer", set_attributes(&[("fish", "$.External.fish")]))
        .then("listen", listen("speak, $.Attributes.password", 1))
        .then("stop", stop_streaming())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    let speech = Speech::unique(office.folder(), 44, 30, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).from(&format!("+{CALLER}")).speaking(&speech).call().speak(&speech);
    caller.press_by_info('7').be_hung_up().start(office.server.sip())?.wait()?;
    let record = office.record()?;
    assert_eq!(
        record["Attributes"],
        json!({ "password": ATTRIBUTE, "who": format!("+{CALLER}"), "fish": ANSWER })
    );
    office.heard(&record)?;

    let log = office.server.log();
    assert!(log.contains(&text(&record["ContactId"])), "the call is not in the log at all:\n{log}");
    let flow_log = office.flow_log().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    for secret in [CALLER, ATTRIBUTE, ANSWER, "tympandevsecret"] {
        for (place, content) in [("log", &log), ("flow log", &flow_log)] {
            let line = content.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "the {place} tells {secret:?}: {line:?}");
        }
    }
    Ok(())
}

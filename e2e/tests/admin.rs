//! tympan's own service, by the verbs that use it: live events over a real WebSocket, searches, flow logs, readers, the doctor.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tympan_e2e::flow::{Flow, hang_up, listen, set_queue};
use tympan_e2e::folder::server;
use tympan_e2e::office::{Office, text};
use tympan_e2e::python;
use tympan_e2e::sipp::Caller;
use tympan_e2e::until;
use tympan_testkit::{TestServer, binary};

const NUMBER: &str = "+18005550123";
const CUSTOMER: &str = "+15557390246";

/// A program that runs until this goes.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A `tympan events` and what it has printed.
struct Reader {
    _program: Running,
    file: PathBuf,
}

impl Reader {
    fn start(server: &TestServer, folder: &Path, name: &str, since: Option<&str>) -> anyhow::Result<Self> {
        let file = folder.join(name);
        let mut command = Command::new(binary()?);
        command.envs(server.aws_environment()).args(["events", "--verbose"]);
        command.args(since.into_iter().flat_map(|since| ["--since", since]));
        let program = command.stdout(File::create(&file)?).stderr(Stdio::null()).spawn()?;
        let reader = Self { _program: Running(program), file };
        until("the first frame", || Ok((!reader.frames()?.is_empty()).then_some(())))?;
        Ok(reader)
    }

    fn frames(&self) -> anyhow::Result<Vec<Value>> {
        let printed = std::fs::read_to_string(&self.file)?;
        let whole = printed.lines().take(printed.matches('\n').count());
        whole.map(|line| serde_json::from_str(line).context(line.to_owned())).collect()
    }

    /// Events by revision.
    fn events(&self) -> anyhow::Result<BTreeMap<i64, Value>> {
        let mut events = BTreeMap::new();
        for frame in self.frames()?.into_iter().filter(|frame| frame["Type"] == "Event") {
            let revision: i64 = text(&frame["Revision"]).parse()?;
            ensure!(events.insert(revision, frame).is_none(), "{revision} came twice");
        }
        Ok(events)
    }

    fn await_end_of(&self, calls: usize) -> anyhow::Result<()> {
        until("the end of the calls", || {
            let events = self.events()?;
            let ended = events.values().filter(|event| event["Contact"]["State"] == "ENDED");
            let ids: std::collections::BTreeSet<String> = ended.map(|event| text(&event["Id"])).collect();
            Ok((ids.len() >= calls).then_some(()))
        })
    }
}

fn call(office: &Office, from: &str) -> anyhow::Result<()> {
    Caller::dialling(NUMBER).from(from).call().be_hung_up().start(office.server.sip())?.wait().map(drop)
}

#[test]
fn live_events_come_by_a_websocket_and_a_reader_that_was_away_resumes_where_it_was() -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    let mut office = Office::open_with(server(&data))?;
    office.answer(NUMBER, Flow::new().then("listen", listen("hello", 1)).then("hang up", hang_up()))?;
    let always = Reader::start(&office.server, place.path(), "always", None)?;
    let before = Reader::start(&office.server, place.path(), "before", None)?;
    call(&office, CUSTOMER)?;
    before.await_end_of(1)?;
    let seen = before.events()?;
    let first = seen.values().next().context("no event")?;
    assert_eq!((&first["Kind"], &first["Operation"]), (&json!("contact"), &json!("PUT")));
    assert_eq!(first["Contact"]["CustomerNumber"], CUSTOMER);
    // It goes away in the middle of what it could have had.
    let last = seen.keys().next().context("no event")?.to_string();
    drop(before);
    call(&office, "+15550000001")?;
    always.await_end_of(2)?;
    let resumed = Reader::start(&office.server, place.path(), "resumed", Some(&last))?;
    resumed.await_end_of(2)?;
    let all = always.events()?;
    let kept: Vec<i64> = seen.keys().copied().take(1).chain(resumed.events()?.into_keys()).collect();
    assert_eq!(kept, all.keys().copied().collect::<Vec<i64>>(), "without a gap or a repeat");

    // Another start of the server goes on with the same revisions.
    drop((always, resumed));
    let last = all.keys().last().context("no event")?.to_string();
    let id = office.contacts()?.first().map(|contact| text(&contact["ContactId"])).context("no contact")?;
    let Office { server: mut running, .. } = office;
    running.terminate()?;
    running.wait()?;
    let running = server(&data).start()?;
    let later = Reader::start(&running, place.path(), "later", Some(&last))?;
    let mut delete = Command::new(binary()?);
    let deleted = delete.envs(running.aws_environment()).args(["contacts", "delete", &id]).output()?;
    ensure!(deleted.status.success(), "{}", String::from_utf8_lossy(&deleted.stderr));
    until("the erasure", || {
        let events = later.events()?;
        Ok(events.values().any(|event| event["Operation"] == "ERASED").then_some(()))
    })?;
    let erased = later.events()?;
    let erased = erased.values().find(|event| event["Operation"] == "ERASED").context("no erasure")?;
    let of_contact = all.values().find(|event| event["Id"] == id.as_str()).context("no event of it")?;
    assert_eq!(erased["Row"], of_contact["Row"]);
    Ok(())
}

/// What a verb prints as JSON.
fn json_of(server: &TestServer, arguments: &[&str]) -> anyhow::Result<Value> {
    let mut command = Command::new(binary()?);
    let output = command.envs(server.aws_environment()).args(arguments).arg("--json").output()?;
    ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&printed).with_context(|| format!("{arguments:?}: {printed}"))
}

#[test]
fn calls_are_searched_by_number_state_and_time_and_what_their_flows_did_is_told() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, Flow::new().then("listen", listen("hello", 1)).then("hang up", hang_up()))?;
    for from in [CUSTOMER, "+15550000001"] {
        call(&office, from)?;
    }
    office.records(2)?;
    let found = |arguments: &[&str]| -> anyhow::Result<Vec<String>> {
        let found = json_of(&office.server, &[&["contacts", "search"], arguments].concat())?;
        let numbers = found.as_array().into_iter().flatten();
        Ok(numbers.map(|record| text(&record["CustomerEndpoint"]["Address"])).collect())
    };
    assert_eq!(found(&["--number", "739"])?, [CUSTOMER]);
    assert_eq!(found(&["--ended", "--from", "2020-01-01T00:00:00Z"])?, ["+15550000001", CUSTOMER]);
    assert_eq!(found(&["--live"])?, [""; 0]);
    assert_eq!(found(&["--to", "2020-01-01T00:00:00Z"])?, [""; 0]);
    assert_eq!(found(&["--number", "5550", "0001"])?, ["+15550000001"]);
    let mut flow_log = Command::new(binary()?);
    flow_log.envs(office.server.aws_environment()).args(["contacts", "flow-log", "latest", "--json"]);
    let newest =
        office.contacts()?.first().map(|contact| text(&contact["ContactId"])).context("no contact")?;
    until("the flow log", || {
        let printed = flow_log.output()?;
        ensure!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
        let printed = String::from_utf8(printed.stdout)?;
        let lines = printed.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
        ensure!(lines.iter().all(|line| line["ContactId"] == newest.as_str()), "{printed}");
        Ok((lines.len() >= 2).then_some(()))
    })
}

#[test]
fn a_reader_of_a_stream_is_listed_with_its_lag_and_the_doctor_looks_at_the_servers_machine()
-> anyhow::Result<()> {
    let builder = TestServer::builder().env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 600_000);
    let mut office = Office::open_with(builder)?;
    let stream = json!({ "StreamName": "followed", "DataRetentionInHours": 1 });
    office.desk.call("kinesisvideo", "create_stream", stream)?;
    assert_eq!(json_of(&office.server, &["streams", "readers"])?, json!([]));
    let sound = office.folder().join("sound.raw");
    // A minute of speech, so that neither side ends by itself.
    File::create(&sound)?.write_all(&[0; 960_000])?;
    let environment = office.server.aws_environment();
    let mut consume = Command::new(binary()?);
    consume.envs(environment.clone()).args(["consume", "--stream", "followed", "--now", "-o"]);
    consume.arg(office.folder().join("heard.raw")).stderr(Stdio::null());
    let consuming = Running(consume.spawn()?);
    let readers = || json_of(&office.server, &["streams", "readers", "followed"]);
    until("the reader", || Ok(readers()?.get(0).is_some().then_some(())))?;
    assert_eq!(readers()?[0]["LagMilliseconds"], Value::Null, "it was sent nothing yet");
    let mut produce = Command::new(binary()?);
    produce.envs(environment).args(["produce", "--stream", "followed", "--realtime", "--raw"]).arg(&sound);
    let _producing = Running(produce.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    until("the reader's progress", || {
        let readers = readers()?;
        let reader = &readers[0];
        let is_live = reader["LagMilliseconds"] == 0 && reader["LastFragmentNumber"].is_string();
        Ok(is_live.then_some(()))
    })?;
    until("the acknowledgements of the upload", || {
        let acks = json_of(&office.server, &["streams", "acks", "followed"])?;
        let told: Vec<&str> =
            acks.as_array().into_iter().flatten().filter_map(|ack| ack["EventType"].as_str()).collect();
        Ok((told.contains(&"BUFFERING") && told.contains(&"PERSISTED")).then_some(()))
    })?;
    drop(consuming);
    until("the end of the reader", || Ok(readers()?.get(0).is_none().then_some(())))?;

    // A machine with a problem ends with 1; what is printed is JSON all the same.
    let mut doctor = Command::new(binary()?);
    let output =
        doctor.envs(office.server.aws_environment()).args(["doctor", "--remote", "--json"]).output()?;
    let findings: Value = serde_json::from_slice(&output.stdout).context("the doctor's JSON")?;
    let findings = findings.as_array().context("no list")?;
    let checks: Vec<String> = findings.iter().map(|finding| text(&finding["check"])).collect();
    ensure!(checks.contains(&"clock".to_owned()) && checks.contains(&"server".to_owned()), "{checks:?}");
    Ok(())
}

#[test]
fn the_document_needs_no_signature_and_a_websocket_does() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let authority = server.http().trim_start_matches("http://");
    let ask = |line: &str, headers: &str| -> anyhow::Result<String> {
        let mut connection = TcpStream::connect(authority)?;
        write!(connection, "GET {line} HTTP/1.1\r\nHost: {authority}\r\n{headers}Connection: close\r\n\r\n")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask("/tympan/openapi.json", "")?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no head")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
    let document: Value = serde_json::from_str(body)?;
    assert_eq!(document["paths"]["/tympan/events"]["get"]["operationId"], "WatchEvents");
    let upgrade =
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let refused = ask("/tympan/events", upgrade)?;
    ensure!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    let gone = Command::new(binary()?)
        .envs(server.aws_environment())
        .args(["events", "--since", &i64::MAX.to_string()])
        .output()?;
    ensure!(gone.status.code() == Some(5), "{}", String::from_utf8_lossy(&gone.stderr));
    let wrong = Command::new(binary()?)
        .envs(server.aws_environment())
        .env("AWS_SECRET_ACCESS_KEY", "wrong")
        .arg("events")
        .output()?;
    ensure!(wrong.status.code() == Some(4), "{}", String::from_utf8_lossy(&wrong.stderr));
    Ok(())
}

#[test]
fn any_client_is_upgraded_to_a_websocket_by_a_signature_in_headers_or_the_query() -> anyhow::Result<()> {
    python::run(&TestServer::start()?, "events_upgrade.py", &[]);
    Ok(())
}

#[test]
fn a_flow_is_checked_and_counted_and_a_sink_that_is_away_is_seen() -> anyhow::Result<()> {
    // A port that was free a moment ago: nothing answers there.
    let away = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let builder =
        TestServer::builder().env("TYMPAN_CONTACT_RECORDS__PUSH_URL", format!("http://{away}/records"));
    let mut office = Office::open_with(builder)?;
    let missing = "arn:aws:connect:us-east-1:999999999999:instance/i/queue/q";
    let flow = Flow::new()
        .then("lost", set_queue(missing).or_else("listen"))
        .then("listen", listen("hello", 1))
        .then("hang up", hang_up());
    let flow_arn = office.create_flow("counted", flow)?;
    let instance = office.instance.clone();
    office.attach(NUMBER, &instance, &flow_arn)?;
    for from in [CUSTOMER, "+15550000001"] {
        call(&office, from)?;
    }
    office.records(2)?;
    let flow = flow_arn.rsplit('/').next().context("no id")?;
    python::run(&office.server, "flows_and_health.py", &["--", &instance, flow, "record-push"]);
    Ok(())
}

//! Unknown peers take what they can get: descriptors, connections, memory. What was accepted goes on.

use anyhow::Context;
use serde_json::json;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::{Duration, Instant};
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::control;
use tympan_e2e::flow::{Flow, hang_up, listen, start_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::outsiders::{Outsiders, allow_open_files, descriptors, resident_bytes};
use tympan_e2e::trunk::Trunk;
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
const MIB: u64 = 1 << 20;

fn captured() -> Flow {
    Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("go on", 180))
        .then("hang up", hang_up())
}

fn is_ready(server: &TestServer) -> anyhow::Result<bool> {
    Ok(control::ask(server, "GET", "/readyz", "")?.0 == 200)
}

#[test]
fn under_300_descriptors_and_4000_idle_connections_every_accepted_call_is_whole() -> anyhow::Result<()> {
    const CALLS: usize = 200;
    const OUTSIDERS: usize = 2_000;
    allow_open_files((2 * OUTSIDERS + CALLS + 500) as u64)?;
    let builder = TestServer::builder()
        .open_files_max(300)
        .env("TYMPAN_KVS__STREAMS_PER_ACCOUNT", CALLS)
        .env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 50);
    let mut office = Office::open_with(builder)?;
    office.answer(NUMBER, captured())?;
    let speeches = (0..CALLS)
        .map(|nth| Ok(std::fs::read(Speech::unique(office.folder(), 3_000 + nth as u64, 8, Law::Mu)?.file)?))
        .collect::<anyhow::Result<Vec<_>>>()?;
    // The first call opens what stays open.
    let mut first = Trunk::new(office.server.sip(), NUMBER)?;
    first.place(vec![speeches[0].clone()], 1)?;
    first.hang_up()?;
    office.records(1)?;
    let before = descriptors(&office.server)?;

    let http: SocketAddr = office.server.http().trim_start_matches("http://").parse()?;
    let idle = [Outsiders::open(http, OUTSIDERS), Outsiders::open(office.server.sip(), OUTSIDERS)];
    let mut trunk = Trunk::new(office.server.sip(), NUMBER)?;
    trunk.place(speeches, 40)?;
    let (accepted, refused): (Vec<_>, Vec<_>) = trunk.calls().iter().partition(|call| call.is_accepted());
    eprintln!("{} calls are up, {} were refused", accepted.len(), refused.len());
    assert!(accepted.len() >= 20 && !refused.is_empty(), "{} of {CALLS} were accepted", accepted.len());
    for call in &refused {
        assert_eq!(call.status, Some(503), "{}", call.number);
        assert!(call.answered_in < Duration::from_secs(1), "a refusal took {:?}", call.answered_in);
    }
    assert!(!is_ready(&office.server)?, "calls are refused, and the server says that it is ready");

    let accepted = accepted.len();
    until("every accepted call to be captured", || {
        let is_started =
            |entry: &&serde_json::Value| entry["Identifier"] == "start" && entry["Results"] == "Success";
        Ok((office.flow_log().iter().filter(is_started).count() > accepted).then_some(()))
    })?;
    trunk.speak()?;
    trunk.hang_up()?;
    let ended = Instant::now();
    until("readiness", || Ok(is_ready(&office.server)?.then_some(())))?;
    assert!(ended.elapsed() < Duration::from_secs(5), "ready again after {:?}", ended.elapsed());

    let records = office.records(accepted + 1)?;
    let spoken: HashMap<String, Vec<i16>> =
        trunk.calls().iter().map(|call| (call.number.clone(), call.samples())).collect();
    for record in records.iter().skip(1) {
        let said = &spoken[&text(&record["CustomerEndpoint"]["Address"])];
        let media = office.heard(record)?;
        let captured = media.of_contact(&text(&record["ContactId"]))?;
        let found = find(&captured, said).with_context(|| format!("in the call of {record}"))?;
        assert_eq!((found.from, found.to), (0, said.len()), "in the call of {record}");
    }
    for outsiders in &idle {
        assert!(outsiders.still_open()? < 300, "more connections than descriptors");
    }
    drop(idle);
    until("the descriptors to be back where they were", || {
        Ok((descriptors(&office.server)? <= before).then_some(()))
    })
}

/// The head of a request that the server can only refuse when it has the body: the key is known, the signature is wrong.
fn forged(method: &str, path: &str, service: &str, length: u64) -> anyhow::Result<String> {
    let date = Command::new("date").args(["-u", "+%Y%m%dT%H%M%SZ"]).output()?.stdout;
    let date = String::from_utf8(date)?.trim().to_owned();
    let (day, signature) = (&date[..8], "0".repeat(64));
    Ok(format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Amz-Date: {date}\r\nContent-Type: application/json\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential=TYMPANDEV/{day}/us-west-2/{service}/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={signature}\r\nContent-Length: {length}\r\n\r\n"
    ))
}

#[test]
fn bodies_of_unproven_senders_are_held_in_bounded_memory_and_others_are_served() -> anyhow::Result<()> {
    const CONNECTIONS: usize = 300;
    const BODY: u64 = 3_900_000;
    let mut office = Office::open()?;
    let address: SocketAddr = office.server.http().trim_start_matches("http://").parse()?;
    let head = forged("PUT", &format!("/contact-flows/{}", office.instance), "connect", BODY)?;
    let before = resident_bytes(&office.server)?;
    // Everything but the last byte, which is held back.
    let body = vec![b' '; usize::try_from(BODY - 1)?];
    let mut attackers = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = TcpStream::connect(address)?;
        connection.set_write_timeout(Some(Duration::from_secs(2)))?;
        // One that is refused meanwhile has nothing more to send.
        let _ = connection.write_all(head.as_bytes()).and_then(|()| connection.write_all(&body));
        attackers.push(connection);
    }
    // The bodies are in the server, as far as it takes them: now a client that is in order, with a large body.
    let flow = Flow::new().then("say", listen(&"x".repeat(900), 5)).then("hang up", hang_up());
    office.create_flow("beside a flood", flow)?;
    let long = json!({ "Version": "2019-10-30", "StartAction": "a", "Metadata": { "x": "y".repeat(200_000) }, "Actions": [
        { "Identifier": "a", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} },
    ] });
    let request = json!({
        "InstanceId": office.instance, "Name": "long", "Type": "CONTACT_FLOW", "Content": long.to_string(),
    });
    office.desk.call("connect", "create_contact_flow", request)?;
    office.desk.call("kinesisvideo", "list_streams", json!({}))?;
    let grown = resident_bytes(&office.server)?.saturating_sub(before);
    eprintln!("{CONNECTIONS} bodies of {BODY} bytes made the server {} MiB larger", grown / MIB);
    assert!(grown < 128 * MIB, "the server has grown by {} MiB", grown / MIB);
    let metrics = text_of(address, "/metrics")?;
    let value = |name: &str| {
        let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.parse::<u64>().ok()).with_context(|| format!("no {name} in {metrics}"))
    };
    assert!(value("tympan_http_bodies_displaced_total")? > 0, "the bound was not reached");
    assert!(value("tympan_http_unproven_bytes")? <= 32 * MIB);

    // One that gave way can read why, and that it may try again.
    let refused = attackers.iter_mut().find_map(|connection| {
        connection.set_read_timeout(Some(Duration::from_millis(100))).ok()?;
        let mut answer = [0; 1_024];
        let length = connection.read(&mut answer).ok().filter(|length| *length > 0)?;
        Some(String::from_utf8_lossy(&answer[..length]).to_lowercase())
    });
    let refused = refused.context("no body was refused")?;
    assert!(refused.starts_with("http/1.1 503") && refused.contains("\r\nretry-after: 1\r\n"), "{refused}");
    Ok(())
}

#[test]
fn a_body_that_its_operation_cannot_have_is_refused_before_it_is_sent() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let address: SocketAddr = server.http().trim_start_matches("http://").parse()?;
    for (path, service) in [("/listStreams", "kinesisvideo"), ("/", "kms"), ("/", "sts")] {
        let mut connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(Duration::from_secs(20)))?;
        connection.write_all(forged("POST", path, service, 3_900_000)?.as_bytes())?;
        let mut answer = [0; 1_024];
        let length = connection.read(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer[..length]);
        assert!(answer.starts_with("HTTP/1.1 413"), "{service}: {answer}");
    }
    Ok(())
}

#[test]
fn a_head_that_does_not_end_loses_its_connection() -> anyhow::Result<()> {
    let server = TestServer::builder().env("TYMPAN_HTTP__HEADER_TIMEOUT_MS", 500).start()?;
    let address: SocketAddr = server.http().trim_start_matches("http://").parse()?;
    let open = || -> anyhow::Result<TcpStream> {
        let connection = TcpStream::connect(address)?;
        connection.set_read_timeout(Some(Duration::from_secs(20)))?;
        Ok(connection)
    };
    for begun in ["", "GET /healthz HTTP/1.1\r\nHost:"] {
        let mut connection = open()?;
        connection.write_all(begun.as_bytes())?;
        connection.read_to_end(&mut Vec::new()).with_context(|| format!("after {begun:?}"))?;
    }
    let mut connection = open()?;
    connection.write_all(format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"ok\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte)?;
        answer.push(byte[0]);
    }
    connection.write_all(b"GET /healthz HT")?;
    connection.read_to_end(&mut answer).context("after a second head that does not end")?;
    Ok(())
}

fn text_of(address: SocketAddr, path: &str) -> anyhow::Result<String> {
    let mut connection = TcpStream::connect(address)?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

//! Contact records to a data stream that is away for an hour, with kills in between.

use anyhow::ensure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tympan_e2e::control::{control, page};
use tympan_e2e::flow::{Flow, hang_up};
use tympan_e2e::folder::server;
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::Caller;
use tympan_e2e::until;
use tympan_testkit::TestServerBuilder;

const NUMBER: &str = "+18005550123";
const STREAM: &str = "arn:aws:kinesis:us-west-2:111122223333:stream/records";

/// A Kinesis-compatible endpoint of one operation, PutRecord. While it is away it answers 503.
#[derive(Clone, Default)]
struct Kinesis {
    is_here: Arc<AtomicBool>,
    records: Arc<Mutex<Vec<Value>>>,
}

impl Kinesis {
    /// Its URL.
    fn start(&self) -> anyhow::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}", listener.local_addr()?);
        let endpoint = self.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let endpoint = endpoint.clone();
                std::thread::spawn(move || endpoint.serve(connection));
            }
        });
        Ok(url)
    }

    fn serve(&self, connection: TcpStream) -> Option<()> {
        let mut answers = connection.try_clone().ok()?;
        let mut requests = BufReader::new(connection);
        loop {
            let (mut length, mut target) = (0, String::new());
            loop {
                let mut line = String::new();
                if requests.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                let line = line.trim().to_ascii_lowercase();
                if line.is_empty() {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
                if let Some(value) = line.strip_prefix("x-amz-target:") {
                    target = value.trim().to_owned();
                }
            }
            let mut body = vec![0; length];
            requests.read_exact(&mut body).ok()?;
            let (status, answer) = match self.is_here.load(Ordering::Relaxed) {
                false => ("503 Service Unavailable", "{}".to_owned()),
                true => match self.take(&target, &body) {
                    Some(()) => (
                        "200 OK",
                        json!({ "ShardId": "shardId-000000000000", "SequenceNumber": "1" }).to_string(),
                    ),
                    None => (
                        "400 Bad Request",
                        json!({ "__type": "ValidationException", "message": "what is this?" }).to_string(),
                    ),
                },
            };
            let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
            answers.write_all(head.as_bytes()).ok()?;
        }
    }

    fn take(&self, target: &str, body: &[u8]) -> Option<()> {
        let request: Value = serde_json::from_slice(body).ok()?;
        let data = STANDARD.decode(request["Data"].as_str()?).ok()?;
        let record: Value = serde_json::from_slice(&data).ok()?;
        let is_right = target == "kinesis_20131202.putrecord"
            && request["StreamARN"] == STREAM
            && request["PartitionKey"] == record["ContactId"];
        is_right.then(|| self.records.lock().unwrap_or_else(PoisonError::into_inner).push(record))
    }

    /// The records of each contact, in the order in which they came.
    fn by_contact(&self) -> BTreeMap<String, Vec<Value>> {
        let mut by_contact = BTreeMap::<String, Vec<Value>>::new();
        for record in &*self.records.lock().unwrap_or_else(PoisonError::into_inner) {
            by_contact.entry(text(&record["ContactId"])).or_default().push(record.clone());
        }
        by_contact
    }
}

#[test]
fn records_reach_a_stream_that_was_away_for_an_hour_whatever_was_killed_meanwhile() -> anyhow::Result<()> {
    let place = tempfile::tempdir()?;
    let data = place.path().join("data");
    let kinesis = Kinesis::default();
    let url = kinesis.start()?;
    let builder = || -> TestServerBuilder {
        server(&data)
            .env("TYMPAN_CONTACT_RECORDS__STREAM_ENDPOINT", &url)
            .env("TYMPAN_CONTACT_RECORDS__STREAM_ARN", STREAM)
            .env("TYMPAN_CONTACT_RECORDS__ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("TYMPAN_CONTACT_RECORDS__SECRET_ACCESS_KEY", "secret")
    };
    let mut office = Office::open_with(builder())?;
    office.answer(NUMBER, Flow::new().then("hang up", hang_up()))?;
    let call = |office: &Office| {
        Caller::dialling(NUMBER).call().be_hung_up().start_many(office.server.sip(), 10, 20)
    };
    call(&office)?.wait()?;
    let first = text(&office.records(10)?[0]["ContactId"]);
    let is_away = |office: &Office| {
        Ok(page(&office.server, "/metrics")?.contains("tympan_contact_record_sinks_away 1").then_some(()))
    };
    until("the sink to be away", || is_away(&office))?;
    control(&office.server, "POST", "/_tympan/clock", "{\"advance\": \"30m\"}")?;
    office = office.kill_and_restart(builder(), None)?;
    control(&office.server, "POST", "/_tympan/clock", "{\"advance\": \"1h\"}")?;
    call(&office)?.wait()?;
    let ended: BTreeSet<String> =
        office.records(20)?.iter().map(|record| text(&record["ContactId"])).collect();
    let change = json!({
        "InstanceId": office.instance, "InitialContactId": first, "Attributes": { "late": "yes" },
    });
    office.desk.call("connect", "update_contact_attributes", change)?;
    until("the sink to be away", || is_away(&office))?;
    office = office.kill_and_restart(builder(), None)?;
    ensure!(kinesis.by_contact().is_empty(), "it was not away");

    kinesis.is_here.store(true, Ordering::Relaxed);
    let arrived = until("every record", || {
        let arrived = kinesis.by_contact();
        let has_late = arrived.get(&first).is_some_and(|records| {
            records.last().is_some_and(|record| record["Attributes"]["late"] == "yes")
        });
        Ok((arrived.len() == ended.len() && has_late).then_some(arrived))
    })?;
    ensure!(arrived.keys().eq(&ended), "other contacts: {arrived:?}");
    for (id, records) in &arrived {
        let updates: Vec<String> =
            records.iter().map(|record| text(&record["LastUpdateTimestamp"])).collect();
        ensure!(updates.is_sorted(), "{id}: an older record after a newer one: {updates:?}");
    }
    until("nothing to wait", || {
        let metrics = page(&office.server, "/metrics")?;
        let is_clear = ["outbox_waiting 0", "contact_record_sinks_away 0", "contact_records_dead_total 0"];
        Ok(is_clear.iter().all(|line| metrics.contains(&format!("tympan_{line}"))).then_some(()))
    })
}

//! The contact centre by boto3, and the events of its contacts.

use anyhow::ensure;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;
use std::time::Duration;
use tympan_e2e::flow::{Flow, hang_up};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::Caller;
use tympan_e2e::{python, until};
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";

#[test]
fn every_operation_of_the_centre_answers_and_refuses_as_its_model_says() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, Flow::new().then("hang up", hang_up()))?;
    Caller::dialling(NUMBER).call().be_hung_up().start_many(office.server.sip(), 2, 2)?.wait()?;
    let contact = text(&office.records(2)?[0]["ContactId"]);
    python::run(&office.server, "sdk_connect_centre.py", &["--", &contact, &office.instance]);
    Ok(())
}

/// Answers every request with 204, and gives its signature and body.
fn receiver() -> anyhow::Result<(String, mpsc::Receiver<(String, Value)>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/events", listener.local_addr()?);
    let (sender, received) = mpsc::channel();
    std::thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let sender = sender.clone();
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut answers = connection.try_clone()?;
                let mut requests = BufReader::new(connection);
                loop {
                    let (mut length, mut signature) = (0, String::new());
                    loop {
                        let mut line = String::new();
                        if requests.read_line(&mut line)? == 0 {
                            return Ok(());
                        }
                        let line = line.trim().to_ascii_lowercase();
                        if line.is_empty() {
                            break;
                        }
                        if let Some(value) = line.strip_prefix("content-length:") {
                            length = value.trim().parse().unwrap_or(0);
                        }
                        if let Some(value) = line.strip_prefix("tympan-signature:") {
                            signature = value.trim().to_owned();
                        }
                    }
                    let mut body = vec![0; length];
                    requests.read_exact(&mut body)?;
                    answers.write_all(b"HTTP/1.1 204 No Content\r\n\r\n")?;
                    let event = serde_json::from_slice(&body).unwrap_or_default();
                    if sender.send((signature, event)).is_err() {
                        return Ok(());
                    }
                }
            });
        }
    });
    Ok((url, received))
}

#[test]
fn events_of_a_contact_reach_a_file_and_a_url_save_those_that_are_not_wanted() -> anyhow::Result<()> {
    let (url, received) = receiver()?;
    let builder = TestServer::builder()
        .env("TYMPAN_CONTACT_EVENTS__FILE", true)
        .env("TYMPAN_CONTACT_EVENTS__URL", &url)
        .env("TYMPAN_CONTACT_EVENTS__URL_SECRET", "key")
        .env("TYMPAN_CONTACT_EVENTS__ANYTHING_BUT", "[\"CONTACT_DATA_UPDATED\"]");
    let mut office = Office::open_with(builder)?;
    office.answer(NUMBER, Flow::new().then("hang up", hang_up()))?;
    Caller::dialling(NUMBER).call().be_hung_up().start_many(office.server.sip(), 1, 1)?.wait()?;
    let contact = text(&office.records(1)?[0]["ContactId"]);
    let change = json!({
        "InstanceId": office.instance, "InitialContactId": contact, "Attributes": { "late": "yes" },
    });
    office.desk.call("connect", "update_contact_attributes", change)?;
    let mut told = Vec::new();
    while told.len() < 3 {
        let (signature, event) = received.recv_timeout(Duration::from_secs(60))?;
        ensure!(signature.starts_with("t=") && signature.contains(",v1="), "{signature:?}");
        told.push(event);
    }
    let types: Vec<&str> = told.iter().filter_map(|event| event["detail"]["eventType"].as_str()).collect();
    ensure!(types == ["INITIATED", "DISCONNECTED", "COMPLETED"], "{types:?}");
    for event in &told {
        ensure!(event["detail"]["contactId"] == contact.as_str(), "{event}");
        ensure!(event["detail-type"] == "Amazon Connect Contact Event", "{event}");
        ensure!(event["source"] == "aws.connect", "{event}");
    }
    ensure!(told[1]["detail"]["disconnectReason"] == "CONTACT_FLOW_DISCONNECT", "{}", told[1]);
    let file = office.server.data_dir().join("contact-events.jsonl");
    let lines = until("the file to have them", || {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let lines: Vec<Value> = text.lines().map_while(|line| serde_json::from_str(line).ok()).collect();
        Ok((lines.len() >= 3).then_some(lines))
    })?;
    ensure!(lines == told, "the file has {lines:?}");
    Ok(())
}

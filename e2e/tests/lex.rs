//! Bots: the Lex V2 runtime of the server by boto3, with a scripted Wyoming server that hears.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use tympan_e2e::python;
use tympan_testkit::{TestServer, TestServerBuilder};

const BOT: &str = r#"
name = "Orders"

[[intents]]
name = "Track"
utterances = ["track order", "where is order {Number}"]
dtmf = "1"
[[intents.slots]]
name = "Number"
type = "AMAZON.Number"
prompt = "Which order?"
[intents.fulfillment]
message = "Order {Number} is on its way."

[[intents]]
name = "Book"
utterances = ["book a table"]
[intents.fulfillment]
function = "arn:aws:lambda:us-west-2:111122223333:function:book"

[[intents]]
name = "Break"
utterances = ["break the function"]
[intents.fulfillment]
function = "arn:aws:lambda:us-west-2:111122223333:function:breaks"
"#;

/// What the function answers whose bot is to be fulfilled.
const BOOK: &str = r#"{"sessionState":{"dialogAction":{"type":"Close"},"intent":{"name":"Book","state":"Fulfilled"}},"messages":[{"contentType":"PlainText","content":"Booked by a function."}]}"#;

/// A server with the bot, and functions for it.
fn with_bot(folder: &Path) -> anyhow::Result<TestServerBuilder> {
    let file = folder.join("orders.toml");
    std::fs::write(&file, BOT)?;
    let bots = format!(r#"[{{ id = "ORDERSBOT1", alias_id = "TSTALIASID", file = "{}" }}]"#, file.display());
    let answer = folder.join("book.json");
    std::fs::write(&answer, BOOK)?;
    let of = |name: &str, command: &str| {
        format!(r#"{{ arn = "arn:aws:lambda:us-west-2:111122223333:function:{name}", command = {command} }}"#)
    };
    let book = of("book", &format!(r#"["sh", "-c", "cat >/dev/null; cat '{}'"]"#, answer.display()));
    let breaks = of("breaks", r#"["sh", "-c", "cat >/dev/null; exit 1"]"#);
    let builder = TestServer::builder().env("TYMPAN_LEX__BOTS", bots);
    Ok(builder.env("TYMPAN_LAMBDA__FUNCTIONS", format!("[{book}, {breaks}]")))
}

/// A Wyoming server that hears "track order" in everything, and reports how much audio of which language it was given.
fn wyoming() -> anyhow::Result<(SocketAddr, mpsc::Receiver<(String, usize)>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (heard, given) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let heard = heard.clone();
            thread::spawn(move || hear(stream, &heard));
        }
    });
    Ok((address, given))
}

fn hear(stream: TcpStream, heard: &mpsc::Sender<(String, usize)>) -> anyhow::Result<()> {
    let mut writer = stream.try_clone()?;
    let (mut reader, mut language, mut bytes) = (BufReader::new(stream), String::new(), 0);
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "it closed");
        let event: Value = serde_json::from_str(&line)?;
        let length = event["payload_length"].as_u64().unwrap_or(0);
        let mut payload = vec![0; usize::try_from(length)?];
        reader.read_exact(&mut payload)?;
        match event["type"].as_str().context("an event has a type")? {
            "transcribe" => event["data"]["language"].as_str().unwrap_or_default().clone_into(&mut language),
            "audio-chunk" => bytes += payload.len(),
            "audio-stop" => break,
            _ => {}
        }
    }
    let data = json!({ "text": "track order" }).to_string();
    let head = json!({ "type": "transcript", "version": "1.5.3", "data_length": data.len() });
    writer.write_all(format!("{head}\n{data}").as_bytes())?;
    Ok(heard.send((language, bytes))?)
}

#[test]
fn a_bot_of_the_server_answers_boto3_as_lex_does() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let (peer, given) = wyoming()?;
    let server = with_bot(folder.path())?.env("TYMPAN_LEX__WYOMING", peer).start()?;
    let speech = folder.path().join("speech.pcm");
    let samples = (0..12_000i16).flat_map(|at| (at % 90 * 200 - 9_000).to_le_bytes());
    std::fs::write(&speech, samples.collect::<Vec<u8>>())?;
    python::run(&server, "sdk_lex.py", &["--", speech.to_str().context("a path in UTF-8")?]);
    let given: Vec<(String, usize)> = given.try_iter().collect();
    ensure!(given.contains(&("en".to_owned(), 24_000)), "the recogniser got all of the speech: {given:?}");
    ensure!(given.len() == 3, "and nothing of the silence: {given:?}");
    Ok(())
}

#[test]
fn without_a_recogniser_or_with_one_that_is_away_speech_is_refused_with_the_reason() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    python::run(&with_bot(folder.path())?.start()?, "sdk_lex_deaf.py", &["--", "lex.wyoming"]);
    let nothing_here = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let server = with_bot(folder.path())?.env("TYMPAN_LEX__WYOMING", nothing_here).start()?;
    python::run(&server, "sdk_lex_deaf.py", &["--", "the Wyoming server"]);
    Ok(())
}

#[test]
fn a_policy_grants_one_alias_and_no_other() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let policy = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Deny", "Action": "lex:RecognizeText", "Resource": "arn:aws:lex:us-west-2:111122223333:bot-alias/ORDERSBOT1/*" },
        { "Effect": "Allow", "Action": "*", "Resource": "*" },
    ] });
    let policies = format!("[{{ name = \"no-texts\", document = '{policy}' }}]");
    let keys =
        r#"[{ access_key_id = "AKIANOTEXTS", secret_access_key = "secret", policies = ["no-texts"] }]"#;
    let server =
        with_bot(folder.path())?.env("TYMPAN_POLICIES", policies).env("TYMPAN_CREDENTIALS", keys).start()?;
    python::run(&server, "sdk_lex_denied.py", &[]);
    Ok(())
}

//! The sound of a call: what was captured, every sample at its place; and what is captured, as it comes.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use tympan_e2e::audio::{Law, Speech, find, read_raw, write_wav};
use tympan_e2e::browser::{Browser, DEV_KEY, Frame, frame, pong, say};
use tympan_e2e::control::page;
use tympan_e2e::until;
use tympan_testkit::{TestServer, TestServerBuilder, binary};

const NUMBER: &str = "+18005550100";
const CONTACTS: &str = "/api/tympan/tympan/contacts";

/// A caller on a busy machine is no silent one.
fn server() -> TestServerBuilder {
    TestServer::builder().env("TYMPAN_RTP__SILENCE_GRACE_MS", 8_000)
}

fn tympan(server: &TestServer, arguments: &[&str]) -> anyhow::Result<Output> {
    let output = Command::new(binary()?).envs(server.aws_environment()).args(arguments).output()?;
    ensure!(output.status.success(), "{}: {}", output.status, String::from_utf8_lossy(&output.stderr));
    Ok(output)
}

/// A call that says so many seconds of noise, of which no part occurs twice, and hangs up.
struct Call {
    said: Vec<i16>,
    caller: Child,
}

impl Call {
    fn begin(server: &TestServer, folder: &Path, seconds: usize) -> anyhow::Result<Self> {
        let said = Speech::unique(folder, 7, seconds, Law::Mu)?.samples;
        let wav = folder.join("said.wav");
        write_wav(&wav, &said)?;
        let uri = format!("sip:{NUMBER}@{}", server.sip());
        let mut command = Command::new(binary()?);
        command.envs(server.aws_environment()).args(["call", &uri, "--hangup-after", "0", "--audio"]);
        Ok(Self { said, caller: command.arg(wav).spawn()? })
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let status = self.caller.wait()?;
        ensure!(status.success(), "the caller: {status}");
        Ok(())
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let _ = self.caller.kill();
        let _ = self.caller.wait();
    }
}

/// The newest contact, once this holds of its record.
fn contact(browser: &Browser, what: &str, holds: fn(&Value) -> bool) -> anyhow::Result<String> {
    until(what, || {
        let contacts = browser.ask("GET", &format!("{CONTACTS}?maxResults=1"), "")?.json()?;
        let newest = contacts["Contacts"].get(0).filter(|contact| holds(contact));
        Ok(newest.and_then(|contact| contact["ContactId"].as_str()).map(str::to_owned))
    })
}

fn is_captured(contact: &Value) -> bool {
    contact["Recordings"].as_array().is_some_and(|recordings| !recordings.is_empty())
}

fn has_ended(contact: &Value) -> bool {
    !contact["DisconnectTimestamp"].is_null()
}

fn samples(bytes: &[u8]) -> Vec<i16> {
    bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// The audit lines of an action: their kind, user, resource and status.
fn audited(server: &TestServer, action: &str) -> anyhow::Result<Vec<(String, Value, Value)>> {
    let text = std::fs::read_to_string(server.data_dir().join("audit.jsonl"))?;
    let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let of_action = lines.into_iter().filter(|line| line["action"] == action);
    Ok(of_action
        .map(|line| (line["event"].to_string(), line["resource"].clone(), line["status"].clone()))
        .collect())
}

#[test]
fn captured_sound_is_every_sample_at_its_place() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let server = server().env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 300).start()?;
    let mut call = Call::begin(&server, place, 14)?;
    call.wait()?;
    let browser = Browser::signed_in(&server, DEV_KEY)?;
    let id = contact(&browser, "the end of the call", has_ended)?;
    let audio = |query: &str| browser.ask("GET", &format!("{CONTACTS}/{id}/audio{query}"), "");

    let raw = audio("?format=raw")?;
    assert_eq!((raw.status, raw.header("content-type")), (200, Some("application/octet-stream")));
    assert_eq!(raw.header("x-tympan-position-samples"), Some("0"));
    let captured = samples(&raw.bytes);
    let found = find(&captured, &call.said)?;
    assert!(found.to - found.from > 4 * 8_000, "{found:?}");
    let waveform = browser.ask("GET", &format!("{CONTACTS}/{id}/waveform"), "")?.json()?;
    assert_eq!(waveform["Samples"].as_u64(), Some(captured.len() as u64), "the axis is that of the sound");
    let length_ms = captured.len() / 8;
    assert_eq!((&waveform["FromMilliseconds"], &waveform["ToMilliseconds"]), (&json!(0), &json!(length_ms)));

    let wav = audio("?from=1501&to=3250")?;
    assert_eq!((wav.status, wav.header("content-type")), (200, Some("audio/wav")));
    assert_eq!(wav.header("x-tympan-position-samples"), Some("12008"));
    let (expected, file) = (place.join("expected.wav"), place.join("range.wav"));
    write_wav(&expected, &captured[12_008..26_000])?;
    assert_eq!(wav.bytes, std::fs::read(&expected)?, "the part, and its length in the header");
    tympan(&server, &["contacts", "audio", &id, "--from", "1501", "--to", "3250", "-o", path(&file)])?;
    assert_eq!(std::fs::read(&file)?, wav.bytes);
    let beyond = audio("?from=3600000")?;
    write_wav(&expected, &[])?;
    assert_eq!(beyond.bytes, std::fs::read(&expected)?);
    let to_customer = audio("?format=raw&track=AUDIO_TO_CUSTOMER")?;
    assert_eq!(samples(&to_customer.bytes), vec![0; captured.len()], "that track is not captured here");

    let mkv = audio("?format=mkv&from=1000&to=3000")?;
    assert_eq!((mkv.status, mkv.header("content-type")), (200, Some("video/x-matroska")));
    let tag = b"AWS_KINESISVIDEO_FRAGMENT_NUMBER";
    assert_eq!(mkv.bytes.windows(tag.len()).filter(|window| window == tag).count(), 2);
    // What GetMedia gives of the call is the same.
    let listened = place.join("listened.raw");
    tympan(&server, &["listen", &id, "-o", path(&listened)])?;
    let listened = read_raw(&listened)?;
    assert_eq!(captured[..listened.len()], listened);
    assert!(
        captured[listened.len()..].iter().all(|sample| *sample == 0) && captured.len() - listened.len() < 8
    );

    let part =
        browser.ask("GET", &format!("{CONTACTS}/{id}/waveform?columns=10&from=1000&to=2000"), "")?.json()?;
    assert_eq!((&part["FromMilliseconds"], &part["ToMilliseconds"]), (&json!(1_000), &json!(2_000)));
    for query in
        ["?from=2&to=1", "?from=-1", "?format=mp3", "?format=mkv&track=AUDIO_FROM_CUSTOMER", "?track=x"]
    {
        let refused = audio(query)?;
        assert_eq!(refused.header("x-amzn-errortype"), Some("ValidationException"), "{query}");
    }
    let absent = browser.ask("GET", &format!("{CONTACTS}/4a573372-1f28-4e26-b97b-0123456789ab/audio"), "")?;
    assert_eq!(absent.status, 404);
    let ended = browser.upgrade(&format!("{CONTACTS}/{id}/listen"))?.1;
    assert!(ended.starts_with("HTTP/1.1 409") && ended.contains("ContactEndedException"), "{ended}");

    let resource = json!(format!("arn:aws:tympan:us-west-2:111122223333:contact/{id}"));
    until("the audit lines", || {
        let lines = audited(&server, "tympan:GetAudio")?;
        let read =
            lines.iter().filter(|line| **line == ("\"media-read\"".to_owned(), resource.clone(), json!(200)));
        let ends =
            lines.iter().filter(|(event, about, _)| event == "\"media-read-end\"" && *about == resource);
        Ok((read.count() >= 5 && ends.count() >= 5).then_some(()))
    })
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap_or_default()
}

/// What a listener was sent, up to the end.
struct Listened {
    texts: Vec<Value>,
    /// Position and samples of each frame, with whether it follows the one before, when it arrived and when it was sent.
    frames: Vec<(u64, Vec<i16>, bool, i64, i64)>,
    closed: u16,
}

fn listen(mut socket: TcpStream) -> JoinHandle<anyhow::Result<Listened>> {
    std::thread::spawn(move || {
        let (mut texts, mut frames) = (Vec::new(), Vec::new());
        say(&mut socket, r#"{"Type":"Ping","Id":41}"#)?;
        loop {
            match frame(&mut socket)? {
                Frame::Text(text) => texts.push(serde_json::from_str(&text)?),
                Frame::Binary(bytes) => {
                    let eight = |at: usize| -> anyhow::Result<[u8; 8]> {
                        Ok(bytes.get(at..at + 8).context("a short frame")?.try_into()?)
                    };
                    ensure!(bytes[0] == 0 && bytes[2..4] == [0, 0], "{:?}", &bytes[..4]);
                    let position = u64::from_be_bytes(eight(4)?);
                    let (arrived, sent) = (i64::from_be_bytes(eight(12)?), i64::from_be_bytes(eight(20)?));
                    frames.push((position, samples(&bytes[28..]), bytes[1] & 1 == 0, arrived, sent));
                }
                Frame::Ping(payload) => pong(&mut socket, &payload)?,
                Frame::Close(closed) => return Ok(Listened { texts, frames, closed }),
            }
        }
    })
}

#[test]
fn ten_listeners_hear_a_call_to_its_end_and_one_that_takes_nothing_is_cut_off() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = server().start()?;
    let browser = Browser::signed_in(&server, DEV_KEY)?;
    let mut call = Call::begin(&server, folder.path(), 24)?;
    let id = contact(&browser, "a capture", is_captured)?;
    let address = format!("{CONTACTS}/{id}/listen?tracks=AUDIO_FROM_CUSTOMER");
    // It reads nothing, and so answers no ping.
    let (_stalled, head) = browser.upgrade(&address)?;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    let mut listeners = Vec::new();
    for _ in 0..10 {
        let (socket, head) = browser.upgrade(&address)?;
        ensure!(head.starts_with("HTTP/1.1 101"), "{head}");
        listeners.push(listen(socket));
    }
    assert!(page(&server, "/metrics")?.contains("\ntympan_listeners 11\n"));
    until("the one that takes nothing to be cut off", || {
        Ok(page(&server, "/metrics")?.contains("\ntympan_listeners_slow_total 1\n").then_some(()))
    })?;
    assert!(page(&server, "/metrics")?.contains("\ntympan_listeners 10\n"));
    call.wait()?;

    let mut heard = Vec::new();
    for listener in listeners {
        heard.push(listener.join().map_err(|_| anyhow::anyhow!("a listener panicked"))??);
    }
    let ended = contact(&browser, "the end of the call", has_ended)?;
    assert_eq!(ended, id);
    let captured = samples(&browser.ask("GET", &format!("{CONTACTS}/{id}/audio?format=raw"), "")?.bytes);
    find(&captured, &call.said)?;
    let waveform = browser.ask("GET", &format!("{CONTACTS}/{id}/waveform"), "")?.json()?;
    for Listened { texts, frames, closed } in &heard {
        assert_eq!(
            (&texts[0]["Type"], &texts[0]["Tracks"]),
            (&json!("Begin"), &json!(["AUDIO_FROM_CUSTOMER"]))
        );
        let axis = texts.iter().map(|text| &text["StartTimestamp"]).find(|start| start.is_string());
        assert_eq!(axis, Some(&waveform["StartTimestamp"]), "the axis is that of the waveform");
        let pong = texts.iter().find(|text| text["Type"] == "Pong").context("no answer to a ping")?;
        assert!(pong["Id"] == 41 && pong["NowMicroseconds"].is_i64(), "{pong}");
        let end = texts.last().context("no text")?;
        assert_eq!((&end["Type"], *closed), (&json!("End"), 1_000), "{end}");
        assert!(frames.len() > 400, "{} frames", frames.len());
        let mut next = frames[0].0;
        for (position, pcm, follows, arrived, sent) in frames {
            assert!(*position == next && *follows, "{position} follows {next}");
            let at = usize::try_from(*position)?;
            assert_eq!(captured[at..at + pcm.len()], pcm[..], "at {at}");
            next += pcm.len() as u64;
            // True to how unevenly packets come, and to how long a busy machine takes.
            assert!((-1_000_000..8_000_000).contains(&(sent - arrived)), "sent {} us after", sent - arrived);
        }
        assert!(captured.len() as u64 - next < 8, "the end is missing: {next} of {}", captured.len());
    }
    assert!(page(&server, "/metrics")?.contains("\ntympan_listeners 0\n"));
    let resource = json!(format!("arn:aws:tympan:us-west-2:111122223333:contact/{id}"));
    let granted = ("\"listening\"".to_owned(), resource, json!(101));
    until("the audit lines", || {
        let lines = audited(&server, "tympan:ListenContact")?;
        Ok((lines.iter().filter(|line| **line == granted).count() == 11).then_some(()))
    })
}

#[test]
fn the_command_line_hears_a_call_to_its_end_and_the_audit_file_says_for_how_long() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = server().start()?;
    let browser = Browser::signed_in(&server, DEV_KEY)?;
    let mut call = Call::begin(&server, folder.path(), 12)?;
    let id = contact(&browser, "a capture", is_captured)?;
    let spawn = |arguments: &[&str]| -> anyhow::Result<Child> {
        let mut command = Command::new(binary()?);
        command.envs(server.aws_environment()).args(["contacts", "listen", &id]).args(arguments);
        Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    };
    let file = folder.path().join("heard.wav");
    let (piped, written) = (spawn(&[])?, spawn(&["--json", "-o", path(&file)])?);
    call.wait()?;
    let (piped, written) = (piped.wait_with_output()?, written.wait_with_output()?);
    for output in [&piped, &written] {
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let captured = samples(&browser.ask("GET", &format!("{CONTACTS}/{id}/audio?format=raw"), "")?.bytes);
    let lines = String::from_utf8(written.stdout)?;
    let events = lines.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    let types: Vec<&str> = events.iter().filter_map(|event| event["Type"].as_str()).collect();
    assert_eq!((types[0], &types[types.len() - 2..]), ("Begin", &["End", "Listened"][..]), "{types:?}");
    let told = &events[events.len() - 1];
    let heard = samples(std::fs::read(&file)?.get(44..).context("a header")?);
    assert_eq!(told["Samples"].as_u64(), Some(heard.len() as u64));
    let at = usize::try_from(told["PositionSamples"].as_u64().context("no place")?)?;
    assert_eq!(captured[at..at + heard.len()], heard, "every sample is at its place");
    assert!(heard.len() > 2 * 8_000 && captured.len() - at - heard.len() < 8, "{told}");
    // The other one began a little earlier or later.
    let piped = samples(&piped.stdout);
    assert!(piped.len() > 2 * 8_000, "{} samples", piped.len());
    assert!((0..8).any(|cut| captured[..captured.len() - cut].ends_with(&piped)), "not at its place");

    let late = spawn(&[])?.wait_with_output()?;
    let said = String::from_utf8_lossy(&late.stderr).into_owned();
    assert_eq!(late.status.code(), Some(5), "{said}");
    assert!(said.contains("ContactEndedException") && said.contains("help: what was captured"), "{said}");
    let mixed = spawn(&["--json", "-o", "-"])?.wait_with_output()?;
    assert_eq!(mixed.status.code(), Some(2));

    until("the audit lines", || {
        let text = std::fs::read_to_string(server.data_dir().join("audit.jsonl"))?;
        let lines = text.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
        let ends = lines.iter().filter(|line| line["event"] == "listening-end");
        let is_whole = |line: &&Value| {
            line["reason"] == "CONTACT_ENDED"
                && line["samples"].as_u64() > Some(2 * 8_000)
                && line["holes"] == 0
        };
        let is_joined = |line: &&Value| {
            let began = lines
                .iter()
                .find(|one| one["event"] == "listening" && one["request_id"] == line["request_id"]);
            began.is_some_and(|began| {
                began["resource"] == line["resource"] && began["principal"] == line["principal"]
            })
        };
        Ok((ends.filter(is_whole).filter(is_joined).count() == 2).then_some(()))
    })
}

#[test]
fn who_may_see_a_contact_may_not_listen_to_it_for_that() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("tympan.toml");
    let keys = r#"
[[policies]]
name = "sees"
document = '''{"Version": "2012-10-17", "Statement": {"Effect": "Allow",
    "Action": ["tympan:ListContacts", "tympan:DescribeContact", "tympan:GetWaveform"], "Resource": "*"}}'''
[[credentials]]
access_key_id = "SEES"
secret_access_key = "a secret of sixteen"
policies = ["sees"]
"#;
    std::fs::write(&config, keys)?;
    let server = server().env("TYMPAN_CONFIG", config.display()).start()?;
    let key = r#"{"accessKeyId":"SEES","secretAccessKey":"a secret of sixteen"}"#;
    let browser = Browser::signed_in(&server, key)?;
    let mut call = Call::begin(&server, folder.path(), 8)?;
    let id = contact(&browser, "a capture", is_captured)?;
    let (_, head) = browser.upgrade(&format!("{CONTACTS}/{id}/listen"))?;
    assert!(head.starts_with("HTTP/1.1 403") && head.contains("AccessDeniedException"), "{head}");
    assert_eq!(browser.ask("GET", &format!("{CONTACTS}/{id}/audio"), "")?.status, 403);
    assert_eq!(browser.ask("GET", &format!("{CONTACTS}/{id}/waveform"), "")?.status, 200);
    let plain = Browser::signed_in(&server, DEV_KEY)?.ask("GET", &format!("{CONTACTS}/{id}/listen"), "")?;
    assert_eq!(plain.status, 426, "{}", plain.body);
    call.wait()?;
    let resource = json!(format!("arn:aws:tympan:us-west-2:111122223333:contact/{id}"));
    until("the audit lines", || {
        let denied = |action: &str| -> anyhow::Result<bool> {
            let lines = audited(&server, action)?;
            Ok(lines.iter().any(|(event, about, _)| event == "\"denial\"" && *about == resource))
        };
        Ok((denied("tympan:ListenContact")? && denied("tympan:GetAudio")?).then_some(()))
    })
}

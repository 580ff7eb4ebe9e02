//! A data folder as a server leaves it when it is killed, with everything in it that a server writes, and what was in it.

use crate::desk::{Desk, Peer};
use crate::flow::{Flow, hang_up, listen, start_streaming, stop_streaming};
use crate::office::Office;
use crate::sipp::{Caller, Sipp};
use crate::{control::control, until};
use anyhow::{Context, ensure};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tympan_testkit::{TestServer, TestServerBuilder};

const NUMBER: &str = "+18005550123";
/// Streams that boto3 makes; the calls add theirs.
const STREAMS: usize = 30;
/// The stream to which an upload goes on until the kill.
const OPEN: &str = "s28";
/// The stream that keeps nothing.
const LIVE: &str = "s29";

/// Of each stream its fragments: number, digest and producer time.
pub type Holdings = BTreeMap<String, BTreeMap<String, (String, i64)>>;

/// The folder, two earlier states of it, and what it holds.
pub struct Folder {
    place: TempDir,
    /// What a server that finds it untouched serves.
    pub reference: Holdings,
    /// Contacts that a server that finds it untouched lists.
    pub contacts: usize,
}

impl Folder {
    /// Makes one. `segments` is how many journal segments it has: each takes half a minute.
    pub fn build(segments: usize) -> anyhow::Result<Self> {
        let place = tempfile::tempdir()?;
        let data = place.path().join("data");
        let mut office = Office::open_with(server(&data))?;
        first_life(&mut office)?;
        let Office { server: first, .. } = office;
        first.kill_9()?;
        copy(&data, &place.path().join("before-restart"))?;

        let office = Office::open_with(server(&data))?;
        let leave = second_life(office, &place.path().join("before-kill"), segments)?;
        leave.kill()?;
        let mut folder = Self { place, reference: Holdings::new(), contacts: 0 };
        let copy_of_it = folder.place.path().join("reference");
        copy(&folder.data(), &copy_of_it)?;
        let running = server(&copy_of_it).start()?;
        let mut desk = Desk::new(&running)?;
        folder.reference = holdings(&mut desk)?;
        folder.contacts = contacts(&mut desk)?;
        drop(desk);
        running.kill_9()?;
        folder.check(segments)?;
        Ok(folder)
    }

    /// As the kill left it.
    pub fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// As it was before the last start.
    pub fn before_restart(&self) -> PathBuf {
        self.place.path().join("before-restart")
    }

    /// As it was some time after the last start, file by file.
    pub fn before_kill(&self) -> PathBuf {
        self.place.path().join("before-kill")
    }

    /// Another folder for copies.
    pub fn work(&self) -> PathBuf {
        self.place.path().join("work")
    }

    /// It is what it is meant to be.
    fn check(&self, segments: usize) -> anyhow::Result<()> {
        let files = files(&self.data())?;
        let count =
            |suffix: &str| files.iter().filter(|file| file.to_string_lossy().ends_with(suffix)).count();
        ensure!(count(".chunk") >= 40, "only {} chunks", count(".chunk"));
        ensure!(count(".seg") >= segments, "only {} segments", count(".seg"));
        ensure!(count(".db-wal") == 2, "no logs of databases: {files:?}");
        let fragments: usize = self.reference.values().map(BTreeMap::len).sum();
        ensure!(fragments >= 120 && self.contacts == 2, "{fragments} fragments, {} contacts", self.contacts);
        ensure!(
            self.reference.get(LIVE).is_some_and(BTreeMap::is_empty),
            "a stream without retention kept something"
        );
        let expired = self.reference.get("s02").map_or(0, BTreeMap::len);
        ensure!(expired == 4, "{expired} fragments of the stream that has expired in part");
        Ok(())
    }
}

/// A server that leaves readers and callers alone.
pub fn server(data: &Path) -> TestServerBuilder {
    TestServer::builder().data_dir(data).env("TYMPAN_STORE__SCRUB_INTERVAL_S", 0)
}

/// What a server serves of all its streams.
pub fn holdings(desk: &mut Desk) -> anyhow::Result<Holdings> {
    #[derive(Deserialize)]
    struct Held {
        fragments: BTreeMap<String, (String, i64)>,
    }
    let mut streams = Vec::new();
    let mut token = Value::Null;
    loop {
        let request = if token.is_null() { json!({}) } else { json!({ "NextToken": token }) };
        let page = desk.call("kinesisvideo", "list_streams", request)?;
        let names = page["StreamInfoList"].as_array().into_iter().flatten();
        streams.extend(names.filter_map(|info| info["StreamName"].as_str().map(str::to_owned)));
        token = page["NextToken"].clone();
        if token.is_null() {
            break;
        }
    }
    let held: BTreeMap<String, Held> =
        serde_json::from_value(desk.ask("holdings", json!({ "streams": streams }))?)?;
    Ok(held.into_iter().map(|(name, held)| (name, held.fragments)).collect())
}

/// How many contacts a server lists.
pub fn contacts(desk: &mut Desk) -> anyhow::Result<usize> {
    let contacts = desk.ask("contacts", json!({ "limit": 1000 }))?;
    Ok(contacts.as_array().context("no list of contacts")?.len())
}

fn name(number: usize) -> String {
    format!("s{number:02}")
}

fn create(desk: &mut Desk, stream: &str, hours: u32, key: Option<&str>) -> anyhow::Result<()> {
    let mut request = json!({ "StreamName": stream, "DataRetentionInHours": hours });
    if let Some(key) = key {
        request["KmsKeyId"] = key.into();
    }
    desk.call("kinesisvideo", "create_stream", request).map(drop)
}

fn delete(desk: &mut Desk, stream: &str) -> anyhow::Result<()> {
    let info = desk.call("kinesisvideo", "describe_stream", json!({ "StreamName": stream }))?;
    let request = json!({ "StreamARN": info["StreamInfo"]["StreamARN"] });
    desk.call("kinesisvideo", "delete_stream", request).map(drop)
}

fn change_retention(desk: &mut Desk, stream: &str, operation: &str) -> anyhow::Result<()> {
    let info = desk.call("kinesisvideo", "describe_stream", json!({ "StreamName": stream }))?;
    let request = json!({
        "StreamName": stream, "CurrentVersion": info["StreamInfo"]["Version"], "Operation": operation,
        "DataRetentionChangeInHours": 24,
    });
    desk.call("kinesisvideo", "update_data_retention", request).map(drop)
}

fn fill(office: &mut Office, streams: &[String], label: &str) -> anyhow::Result<()> {
    office.desk.ask("fill", json!({ "streams": streams, "label": label, "fragments": 2 })).map(drop)
}

fn flush(office: &Office) -> anyhow::Result<()> {
    control(&office.server, "POST", "/_tympan/flush", "").map(drop)
}

/// Instances, a contact that has ended, the first half of the streams; some are deleted, one expires.
fn first_life(office: &mut Office) -> anyhow::Result<()> {
    let second = json!({
        "InstanceAlias": "second", "IdentityManagementType": "CONNECT_MANAGED",
        "InboundCallsEnabled": true, "OutboundCallsEnabled": false,
    });
    office.desk.call("connect", "create_instance", second)?;
    let flow = Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("go on", 1))
        .then("stop", stop_streaming())
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    Caller::dialling(NUMBER).call().be_hung_up().start(office.server.sip())?.wait()?;
    office.record()?;

    let streams: Vec<String> = (0..STREAMS / 2).map(name).collect();
    for stream in &streams {
        create(&mut office.desk, stream, 24, None)?;
    }
    fill(office, &streams, "first")?;
    flush(office)?;
    for stream in ["s00", "s01"] {
        delete(&mut office.desk, stream)?;
    }
    // What the stream held is gone for good; what comes later is kept.
    change_retention(&mut office.desk, "s02", "DECREASE_DATA_RETENTION")?;
    change_retention(&mut office.desk, "s02", "INCREASE_DATA_RETENTION")
}

/// What is up when the server is killed.
struct Leaving {
    office: Office,
    _uploader: Peer,
    _call: Sipp,
}

impl Leaving {
    fn kill(self) -> anyhow::Result<()> {
        let Office { server, .. } = self.office;
        server.kill_9()
    }
}

/// The second half of the streams, a key of its own, more chunks, and something that lies in the journal alone.
fn second_life(mut office: Office, before_kill: &Path, segments: usize) -> anyhow::Result<Leaving> {
    let key = office.desk.call("kms", "create_key", json!({}))?;
    let key = key["KeyMetadata"]["KeyId"].as_str().context("no key")?.to_owned();
    for number in STREAMS / 2..STREAMS {
        let stream = name(number);
        let hours = if stream == LIVE { 0 } else { 24 };
        create(&mut office.desk, &stream, hours, (number == 16).then_some(&key))?;
    }
    let mut uploader = Peer::new("uploader.py", &office.server)?;
    uploader.order(&json!({ "endpoint": office.server.http(), "stream": arn(&mut office.desk, OPEN)?, "run": 0, "pace_s": 0.5 }))?;
    let streams: Vec<String> = (2..STREAMS).map(name).filter(|stream| stream != OPEN).collect();
    fill(&mut office, &streams, "second")?;
    flush(&office)?;
    copy(office.server.data_dir(), before_kill)?;

    delete(&mut office.desk, "s15")?;
    let streams: Vec<String> = streams.into_iter().filter(|stream| stream != "s15").collect();
    fill(&mut office, &streams, "third")?;
    flush(&office)?;
    let listening = Flow::new()
        .then("begin", start_streaming())
        .then("listen", listen("go on", 120))
        .then("hang up", hang_up());
    office.answer("+18005550124", listening)?;
    let call = Caller::dialling("+18005550124").call().be_hung_up().start(office.server.sip())?;
    office.await_block("begin", "Success")?;
    let journal = office.server.data_dir().join("journal");
    until("enough journal segments", || {
        let names = files(&journal)?;
        let count = names.iter().filter(|name| name.extension().is_some_and(|ending| ending == "seg"));
        Ok((count.count() >= segments).then_some(()))
    })?;
    until("fragments of the open upload", || {
        let persisted = |ack: &&Value| ack["EventType"] == "PERSISTED";
        Ok((uploader.printed().iter().filter(persisted).count() >= 3).then_some(()))
    })?;
    // What tells an older copy of the journal from this one lags by a turn of the housekeeper.
    let remembered = office.server.data_dir().join("JOURNAL");
    until("the newest segment to be remembered", || {
        let newest = files(&journal)?.iter().filter_map(|file| segment_number(file)).max();
        let line = std::fs::read_to_string(&remembered).unwrap_or_default();
        Ok((line.split_whitespace().last().and_then(|number| number.parse().ok()) == newest).then_some(()))
    })?;
    Ok(Leaving { office, _uploader: uploader, _call: call })
}

/// The number of a segment of the journal.
fn segment_number(file: &Path) -> Option<u64> {
    file.file_name()?.to_str()?.strip_suffix(".seg")?.parse().ok()
}

fn arn(desk: &mut Desk, stream: &str) -> anyhow::Result<Value> {
    let info = desk.call("kinesisvideo", "describe_stream", json!({ "StreamName": stream }))?;
    Ok(info["StreamInfo"]["StreamARN"].clone())
}

/// Copies a tree with its permissions. A file that goes away meanwhile is left out.
pub fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if from.is_file() {
        return std::fs::copy(from, to).map(drop).with_context(|| format!("copy {}", from.display()));
    }
    std::fs::create_dir_all(to)?;
    std::fs::set_permissions(to, from.metadata()?.permissions())?;
    for entry in std::fs::read_dir(from)? {
        let path = entry?.path();
        let target = to.join(path.file_name().unwrap_or_default());
        match copy(&path, &target) {
            Err(_) if !path.exists() => {}
            copied => copied?,
        }
    }
    Ok(())
}

/// Removes whatever is there.
pub fn remove(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        std::fs::remove_dir_all(path)?;
    } else if path.exists() {
        std::fs::remove_file(path)?;
    }
    Ok(())
}

/// All files below a folder, in order.
pub fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

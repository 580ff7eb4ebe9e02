//! A server with a contact centre in it, set up by boto3 as a person would set it up.

use crate::audio::read_raw;
use crate::desk::Desk;
use crate::flow::Flow;
use crate::until;
use anyhow::Context;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tympan_testkit::{TestServer, TestServerBuilder};

/// How far a caller may stall before silence is written, in tests on content: sipp on a busy machine is no phone.
const PATIENT_GRACE_MS: u32 = 8_000;

/// A server, boto3, and the instance that `--dev` brings along.
pub struct Office {
    /// The server.
    pub server: TestServer,
    /// boto3.
    pub desk: Desk,
    /// The demo instance.
    pub instance: String,
    scratch: TempDir,
    outputs: usize,
}

/// What a GetMedia or GetMediaForFragmentList body held.
pub struct Media {
    /// The data of every frame, concatenated.
    pub samples: Vec<i16>,
    /// One description per fragment.
    pub fragments: Vec<Value>,
    /// The `.raw` file.
    pub file: PathBuf,
    /// How long the body took to end, in seconds.
    pub seconds: f64,
}

impl Office {
    /// A development server.
    pub fn open() -> anyhow::Result<Self> {
        Self::open_with(TestServer::builder())
    }

    /// A development server with some settings changed.
    pub fn open_with(builder: TestServerBuilder) -> anyhow::Result<Self> {
        Self::start(builder.env("TYMPAN_RTP__SILENCE_GRACE_MS", PATIENT_GRACE_MS))
    }

    /// A development server that takes a stalled caller for a silent one as soon as it does by default.
    pub fn open_with_default_grace() -> anyhow::Result<Self> {
        Self::start(TestServer::builder())
    }

    fn start(builder: TestServerBuilder) -> anyhow::Result<Self> {
        let server = builder.start()?;
        let mut desk = Desk::new(&server)?;
        let instances = desk.call("connect", "list_instances", json!({}))?;
        let demo = instances["InstanceSummaryList"].as_array().into_iter().flatten();
        let demo = demo.filter(|instance| instance["InstanceAlias"] == "demo").find_map(|i| i["Id"].as_str());
        let instance = demo.context("--dev has no instance demo")?.to_owned();
        Ok(Self { server, desk, instance, scratch: tempfile::tempdir()?, outputs: 0 })
    }

    /// SIGKILL, and another server in its place; boto3 turns to it. `unlucky` is started in between and killed after
    /// that time.
    pub fn kill_and_restart(
        self,
        builder: TestServerBuilder,
        unlucky: Option<(TestServerBuilder, Duration)>,
    ) -> anyhow::Result<Self> {
        let Self { server, mut desk, instance, scratch, outputs } = self;
        server.kill_9()?;
        if let Some((unlucky, time)) = unlucky {
            unlucky.start_and_kill_9_after(time)?;
        }
        let server = builder.env("TYMPAN_RTP__SILENCE_GRACE_MS", PATIENT_GRACE_MS).start()?;
        desk.point_at(&server)?;
        Ok(Self { server, desk, instance, scratch, outputs })
    }

    /// A folder for this test's files.
    pub fn folder(&self) -> &Path {
        self.scratch.path()
    }

    /// Creates a published flow and gives its ARN.
    pub fn create_flow(&mut self, name: &str, flow: Flow) -> anyhow::Result<String> {
        let request = json!({
            "InstanceId": self.instance, "Name": name, "Type": "CONTACT_FLOW", "Content": flow.content(),
            "Status": "PUBLISHED",
        });
        let created = self.desk.call("connect", "create_contact_flow", request)?;
        Ok(text(&created["ContactFlowArn"]))
    }

    /// Creates a published flow that answers `number`.
    pub fn answer(&mut self, number: &str, flow: Flow) -> anyhow::Result<()> {
        let flow_arn = self.create_flow(&format!("answers {number}"), flow)?;
        let instance = self.instance.clone();
        self.attach(number, &instance, &flow_arn)
    }

    /// Claims a number and attaches it to a flow.
    pub fn attach(&mut self, number: &str, instance: &str, flow_arn: &str) -> anyhow::Result<()> {
        let claim = json!({ "InstanceId": instance, "PhoneNumber": number });
        let claimed = self.desk.call("connect", "claim_phone_number", claim)?;
        let association = json!({ "PhoneNumberId": claimed["PhoneNumberId"], "InstanceId": instance, "ContactFlowId": flow_arn });
        self.desk.call("connect", "associate_phone_number_contact_flow", association)?;
        Ok(())
    }

    /// Lets flows invoke a function.
    pub fn allow_function(&mut self, arn: &str) -> anyhow::Result<()> {
        let request = json!({ "InstanceId": self.instance, "FunctionArn": arn });
        self.desk.call("connect", "associate_lambda_function", request)?;
        Ok(())
    }

    /// Contact records, the newest first, calls that are up among them.
    pub fn contacts(&mut self) -> anyhow::Result<Vec<Value>> {
        let contacts = self.desk.ask("contacts", json!({ "limit": 1000 }))?;
        contacts.as_array().cloned().context("no list of contacts")
    }

    /// The records of contacts that have ended, once there are `count` of them, by their last version.
    pub fn records(&self, count: usize) -> anyhow::Result<Vec<Value>> {
        let file = self.server.data_dir().join("contact-records.jsonl");
        until(&format!("{count} contact records"), || {
            let mut records: Vec<Value> = Vec::new();
            for record in json_lines(&file) {
                records.retain(|known| known["ContactId"] != record["ContactId"]);
                records.push(record);
            }
            Ok((records.len() >= count).then_some(records))
        })
    }

    /// The record of the only contact there was, once it has ended.
    pub fn record(&self) -> anyhow::Result<Value> {
        self.records(1)?.pop().context("no record")
    }

    /// The flow log so far.
    pub fn flow_log(&self) -> Vec<Value> {
        json_lines(&self.server.data_dir().join("flow-logs.jsonl"))
    }

    /// Waits for an entry of the flow log about this block, with these results.
    pub fn await_block(&self, block: &str, results: &str) -> anyhow::Result<Value> {
        until(&format!("{block} to end in {results}"), || {
            let fits = |entry: &Value| entry["Identifier"] == block && entry["Results"] == results;
            Ok(self.flow_log().into_iter().find(fits))
        })
        .with_context(|| format!("the flow log: {:?}", self.flow_log()))
    }

    /// GetMedia after a fragment, until the server ends the body.
    pub fn media_after(&mut self, stream: &str, fragment: &str) -> anyhow::Result<Media> {
        let selector = json!({ "StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": fragment });
        let file = self.output();
        let answer =
            self.desk.ask("media", json!({ "stream": stream, "selector": selector, "out": file }))?;
        Media::read(file, &answer)
    }

    /// GetMedia from the beginning of the stream, until the server ends the body.
    pub fn media_from_the_beginning(&mut self, stream: &str) -> anyhow::Result<Media> {
        let selector = json!({ "StartSelectorType": "EARLIEST" });
        let file = self.output();
        let answer =
            self.desk.ask("media", json!({ "stream": stream, "selector": selector, "out": file }))?;
        Media::read(file, &answer)
    }

    /// GetMedia from now on, until so many samples have come.
    pub fn live_media(&mut self, stream: &str, samples: usize) -> anyhow::Result<Media> {
        let file = self.output();
        let request = json!({
            "stream": stream, "selector": { "StartSelectorType": "NOW" }, "wanted_bytes": 2 * samples, "out": file,
        });
        let answer = self.desk.ask("live", request)?;
        Media::read(file, &answer)
    }

    /// GetMediaForFragmentList.
    pub fn fragments(&mut self, stream: &str, numbers: &[&str]) -> anyhow::Result<Media> {
        let file = self.output();
        let answer =
            self.desk.ask("fragment_list", json!({ "stream": stream, "numbers": numbers, "out": file }))?;
        Media::read(file, &answer)
    }

    /// What the caller of a record was heard saying: everything after the start number.
    pub fn heard(&mut self, record: &Value) -> anyhow::Result<Media> {
        let recording = &record["Recordings"][0];
        self.media_after(&text(&recording["Location"]), &text(&recording["FragmentStartNumber"]))
    }

    /// One track of what a record's first capture holds, after its lead-in.
    pub fn track(&mut self, record: &Value, name: &str) -> anyhow::Result<Vec<i16>> {
        let recording = &record["Recordings"][0];
        let selector = json!({
            "StartSelectorType": "FRAGMENT_NUMBER", "AfterFragmentNumber": recording["FragmentStartNumber"],
        });
        let file = self.output();
        let request =
            json!({ "stream": recording["Location"], "selector": selector, "track": name, "out": file });
        self.desk.ask("track", request)?;
        read_raw(&file)
    }

    /// What the capture of a record did not receive, as `tympan contacts show` has it.
    pub fn ledger(&self, record: &Value) -> anyhow::Result<Value> {
        let shown = std::process::Command::new(tympan_testkit::binary()?)
            .args(["contacts", "show", &text(&record["ContactId"]), "--json"])
            .envs(self.server.aws_environment())
            .output()?;
        let shown: Value = serde_json::from_slice(&shown.stdout)?;
        Ok(shown["Recordings"][0]["Ledger"].clone())
    }

    fn output(&mut self) -> PathBuf {
        self.outputs += 1;
        self.scratch.path().join(format!("{}.raw", self.outputs))
    }
}

impl Media {
    fn read(file: PathBuf, answer: &Value) -> anyhow::Result<Self> {
        let fragments = answer["fragments"].as_array().cloned().unwrap_or_default();
        let seconds = answer["seconds"].as_f64().unwrap_or(0.0);
        Ok(Self { samples: read_raw(&file)?, fragments, file, seconds })
    }

    /// What was captured of one contact: its fragments must stand together.
    pub fn of_contact(&self, contact: &str) -> anyhow::Result<Vec<i16>> {
        let own = |fragment: &&Value| fragment["tags"]["ContactId"] == contact;
        let before = self.fragments.iter().take_while(|fragment| !own(fragment)).count();
        let count = self.fragments[before..].iter().take_while(own).count();
        let all = self.fragments.iter().filter(own).count();
        anyhow::ensure!(count == all, "the fragments of {contact} are mixed with another contact's");
        let samples = |fragments: &[Value]| {
            let bytes = fragments.iter().filter_map(|fragment| fragment["bytes"].as_u64()).sum::<u64>();
            usize::try_from(bytes / 2).unwrap_or(usize::MAX)
        };
        let from = samples(&self.fragments[..before]);
        let to = from + samples(&self.fragments[before..before + count]);
        Ok(self.samples[from..to].to_vec())
    }

    /// The distinct values of a tag, over all fragments; `null` where a fragment lacks it.
    pub fn tag_values(&self, name: &str) -> Vec<Value> {
        let mut values: Vec<Value> =
            self.fragments.iter().map(|fragment| fragment["tags"][name].clone()).collect();
        values.dedup();
        values
    }
}

/// The whole lines of a file as JSON.
pub fn json_lines(file: &Path) -> Vec<Value> {
    let content = std::fs::read_to_string(file).unwrap_or_default();
    let whole = content.rfind('\n').map_or("", |end| &content[..end]);
    whole.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
}

/// A JSON string's text; other values as JSON.
pub fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `2026-01-02T03:04:05.678Z` in milliseconds since 1970.
pub fn unix_ms(timestamp: &str) -> i64 {
    let number =
        |range: std::ops::Range<usize>| timestamp.get(range).and_then(|text| text.parse::<i64>().ok());
    let field = |from, to| number(from..to).unwrap_or_else(|| panic!("{timestamp:?} is not a timestamp"));
    let (year, month, day) = (field(0, 4), field(5, 7), field(8, 10));
    // Days from the civil date, counting years from March (Hinnant).
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468;
    ((days * 24 + field(11, 13)) * 60 + field(14, 16)) * 60_000 + field(17, 19) * 1_000 + field(20, 23)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_timestamps() {
        assert_eq!(unix_ms("1970-01-01T00:00:00.000Z"), 0);
        assert_eq!(unix_ms("2024-02-29T12:34:56.789Z"), 1_709_210_096_789);
    }
}

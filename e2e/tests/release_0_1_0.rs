//! A data folder that release 0.1.0 has left: it opens whole, it is refused without its catalogue, and once it was
//! opened the catalogue can be made anew. The folder: `fixtures/data-0.1.0`.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;
use tympan_e2e::desk::Desk;
use tympan_e2e::folder::{Holdings, files, holdings, remove, server};
use tympan_testkit::{TestServer, binary};

/// A copy of the folder, and what is in it.
struct Kept {
    place: TempDir,
    expected: Value,
}

impl Kept {
    fn unpack() -> anyhow::Result<Self> {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures/data-0.1.0");
        let place = tempfile::tempdir()?;
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(fixture.join("data.tar.gz")).arg("-C").arg(place.path());
        ensure!(tar.status()?.success(), "the folder cannot be unpacked");
        let expected = serde_json::from_slice(&std::fs::read(fixture.join("expected.json"))?)?;
        let kept = Self { place, expected };
        ensure!(std::fs::read_to_string(kept.data().join("FORMAT"))? == "tympan-store 2\n", "another format");
        Ok(kept)
    }

    fn data(&self) -> PathBuf {
        self.place.path().join("data")
    }

    /// Starts a server on it, compares everything, stops the server, and gives all fragments of all streams.
    fn check(&self) -> anyhow::Result<Holdings> {
        let running = server(&self.data()).start()?;
        let mut desk = Desk::new(&running)?;
        for contact in self.expected["contacts"].as_array().context("no contacts")? {
            self.check_contact(&running, &mut desk, contact)?;
        }
        self.check_settings(&mut desk)?;
        let held = holdings(&mut desk)?;
        drop(desk);
        assert!(!running.log().contains("ERROR"), "{}", running.log());
        stop(running)?;
        Ok(held)
    }

    fn check_contact(&self, running: &TestServer, desk: &mut Desk, contact: &Value) -> anyhow::Result<()> {
        let id = text(&contact["ContactId"])?;
        let records = desk.ask("contacts", json!({ "limit": 100 }))?;
        let mut records = records.as_array().into_iter().flatten();
        let record = records.find(|record| record["ContactId"] == id).context("the contact is not listed")?;
        assert_eq!(record["Attributes"]["kept"], contact["kept"]);
        assert_eq!(record["SystemEndpoint"]["Address"], contact["number"]);
        let recording = &record["Recordings"][0];
        assert_eq!(recording["Location"], contact["StreamARN"]);
        assert_eq!(recording["FragmentStartNumber"], contact["Start"]);
        assert_eq!(recording["FragmentStopNumber"], contact["Stop"]);

        let raw = self.place.path().join("heard.raw");
        let consumed = Command::new(binary()?)
            .envs(running.aws_environment())
            .args(["consume", "--stream", text(&contact["StreamARN"])?, "--contact", id])
            .args(["--after", text(&contact["Start"])?, "-o"])
            .arg(&raw)
            .output()?;
        ensure!(consumed.status.success(), "{}", String::from_utf8_lossy(&consumed.stderr));
        assert_eq!(json!(raw.metadata()?.len()), contact["bytes"]);
        let digest = Command::new("sha256sum").arg(&raw).output()?;
        let digest = String::from_utf8(digest.stdout)?;
        assert!(digest.starts_with(text(&contact["pcm_sha256"])?), "{id}: {digest}");
        Ok(())
    }

    fn check_settings(&self, desk: &mut Desk) -> anyhow::Result<()> {
        let stream = json!({ "StreamARN": self.expected["stream"] });
        let info = desk.call("kinesisvideo", "describe_stream", stream.clone())?;
        assert_eq!(info["StreamInfo"]["DataRetentionInHours"], 87_600);
        let tags = desk.call("kinesisvideo", "list_tags_for_stream", stream)?;
        assert_eq!(tags["Tags"], json!({ "kept": "tag" }));
        let key = desk.call("kms", "describe_key", json!({ "KeyId": self.expected["key"] }))?;
        assert_eq!(key["KeyMetadata"]["KeyState"], "Enabled");
        let instances = desk.call("connect", "list_instances", json!({}))?;
        let instance = json!({ "InstanceId": instances["InstanceSummaryList"][0]["Id"] });
        let flows = desk.call("connect", "list_contact_flows", instance)?;
        let mut flows = flows["ContactFlowSummaryList"].as_array().into_iter().flatten();
        ensure!(flows.any(|flow| flow["Name"] == self.expected["flow"]), "the flow is gone");
        let numbers = desk.call("connect", "list_phone_numbers_v2", json!({}))?;
        let mut numbers = numbers["ListPhoneNumbersSummaryList"].as_array().into_iter().flatten();
        let number = &self.expected["contacts"][0]["number"];
        ensure!(numbers.any(|known| &known["PhoneNumber"] == number), "the number is gone");
        Ok(())
    }

    fn lose_catalogue(&self) -> anyhow::Result<()> {
        ensure!(self.data().join("catalog.db").exists(), "there was no catalogue");
        for name in ["catalog.db", "catalog.db-wal", "catalog.db-shm"] {
            remove(&self.data().join(name))?;
        }
        Ok(())
    }

    /// Asserts that no server starts on it, that it says what to do, and that every file stays what it was.
    fn assert_refused(&self) -> anyhow::Result<()> {
        let before = contents(&self.data())?;
        let refusal = server(&self.data()).start().err().context("a server starts on it")?;
        let said = format!("{refusal:#}");
        assert!(said.contains("catalog.db is missing") && said.contains("restore"), "{said}");
        assert!(said.contains("tympan streams rebuild"), "{said}");
        assert!(contents(&self.data())? == before, "something was changed: {said}");
        Ok(())
    }

    fn rebuild(&self, more: &[&str]) -> anyhow::Result<Output> {
        let mut command = Command::new(binary()?);
        Ok(command.args(["streams", "rebuild"]).arg(self.data()).args(more).output()?)
    }
}

fn stop(mut server: TestServer) -> anyhow::Result<()> {
    server.terminate()?;
    let status = server.wait()?;
    ensure!(status.success(), "the server ended with {status}:\n{}", server.log());
    Ok(())
}

/// Every file but the lock.
fn contents(folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, Vec<u8>>> {
    let paths = files(folder)?.into_iter().filter(|path| !path.ends_with("LOCK"));
    paths.map(|path| Ok((path.clone(), std::fs::read(path)?))).collect()
}

fn text(value: &Value) -> anyhow::Result<&str> {
    value.as_str().with_context(|| format!("no text: {value}"))
}

#[test]
fn a_folder_of_0_1_0_opens_whole_and_again() -> anyhow::Result<()> {
    let kept = Kept::unpack()?;
    let held = kept.check()?;
    ensure!(held.values().map(BTreeMap::len).sum::<usize>() >= 8, "few fragments: {held:?}");
    assert_eq!(std::fs::read_to_string(kept.data().join("FORMAT"))?, "tympan-store 5\n");
    assert!(kept.check()? == held, "the second start serves the same");
    Ok(())
}

#[test]
fn without_its_catalogue_a_folder_of_0_1_0_is_refused_and_nothing_is_removed() -> anyhow::Result<()> {
    let kept = Kept::unpack()?;
    let catalogue = std::fs::read(kept.data().join("catalog.db"))?;
    kept.lose_catalogue()?;
    kept.assert_refused()?;
    // The release wrote no pages, so its keys are nowhere else.
    let before = contents(&kept.data())?;
    let rebuilt = kept.rebuild(&[])?;
    let said = String::from_utf8_lossy(&rebuilt.stderr);
    assert_eq!(rebuilt.status.code(), Some(3), "{said}");
    assert!(said.contains("holds no page of a stream") && said.contains("backup"), "{said}");
    assert!(contents(&kept.data())? == before, "something was changed: {said}");
    std::fs::write(kept.data().join("catalog.db"), catalogue)?;
    kept.check().map(drop)
}

#[test]
fn once_opened_a_folder_of_0_1_0_comes_back_without_its_catalogue() -> anyhow::Result<()> {
    let kept = Kept::unpack()?;
    let held = kept.check()?;
    let fragments = held.values().map(BTreeMap::len).sum::<usize>();

    kept.lose_catalogue()?;
    kept.assert_refused()?;
    let rebuilt = kept.rebuild(&["--json"])?;
    let report: Value = serde_json::from_slice(&rebuilt.stdout)
        .with_context(|| String::from_utf8_lossy(&rebuilt.stderr).into_owned())?;
    assert_eq!(report["streams"], 2, "{report}");
    let number = |name: &str| report[name].as_u64().unwrap_or_default() as usize;
    assert_eq!(number("fragments_in_chunks") + number("fragments_in_journal"), fragments, "{report}");
    // The log of deletions was in the catalogue alone, and that is said.
    let lost = report["lost"].as_array().context("no list")?;
    assert!(lost.len() == 1 && text(&lost[0])?.contains("log of deletions"), "{report}");
    assert_eq!(rebuilt.status.code(), Some(1));
    assert!(kept.check()? == held, "after the first rebuild");

    kept.lose_catalogue()?;
    let rebuilt = kept.rebuild(&[])?;
    let said = String::from_utf8_lossy(&rebuilt.stdout);
    assert_eq!(rebuilt.status.code(), Some(1), "{said}");
    assert!(said.contains("LOST the log of deletions"), "{said}");
    assert!(said.contains("has a catalogue again: 2 streams"), "{said}");
    assert!(kept.check()? == held, "after the second rebuild");

    // With a catalogue there is nothing to do.
    let rebuilt = kept.rebuild(&[])?;
    assert_eq!(rebuilt.status.code(), Some(5), "{}", String::from_utf8_lossy(&rebuilt.stderr));
    Ok(())
}

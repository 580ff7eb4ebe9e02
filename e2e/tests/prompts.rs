//! Prompts that are uploaded: the caller hears the samples of the file.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find, write_wav};
use tympan_e2e::flow::{Flow, hang_up, play};
use tympan_e2e::office::{Office, text};
use tympan_e2e::phone::Phone;
use tympan_e2e::raw_peer::RawPeer;
use tympan_e2e::until;
use tympan_testkit::binary;

const NUMBER: &str = "+18005550123";

/// Sends a file as docs/admin.md shows it.
fn send(office: &Office, method: &str, path: &str, file: &Path) -> anyhow::Result<Value> {
    send_as(office, "TYMPANDEV:tympandevsecret", method, path, file)
}

fn send_as(office: &Office, key: &str, method: &str, path: &str, file: &Path) -> anyhow::Result<Value> {
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--fail-with-body", "--request", method])
        .args(["--aws-sigv4", "aws:amz:us-west-2:tympan", "--user", key])
        .args(["-H", "Content-Type: audio/wav", "--data-binary"])
        .arg(format!("@{}", file.display()))
        .arg(format!("{}/tympan/instances/{}/prompts{path}", office.server.http(), office.instance))
        .output()?;
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{answer}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&answer).with_context(|| answer)
}

/// Calls, and listens until these samples were heard whole, first of all.
fn hears(office: &Office, speech: &Speech) -> anyhow::Result<()> {
    let mut peer = RawPeer::udp(office.server.sip())?;
    let phone = Phone::new()?;
    let mut call = peer.new_call(NUMBER);
    let offer = peer.sdp(phone.port()?, "0 101");
    peer.invite(&mut call, "", &offer)?;
    let mut heard: Vec<i16> = Vec::new();
    until("the whole prompt", || {
        for packet in phone.hear(Duration::from_millis(100))? {
            heard.extend(packet.payload.iter().map(|code| Law::Mu.decode(*code)));
        }
        if heard.iter().filter(|sample| **sample != 0).count() < 800 {
            return Ok(None);
        }
        let found = find(&heard, &speech.samples)?;
        ensure!(found.from == 0, "it begins with sample {}", found.from);
        Ok((found.to == speech.samples.len()).then_some(()))
    })?;
    peer.take_request("BYE")?;
    Ok(())
}

#[test]
fn a_caller_hears_what_was_uploaded_and_later_what_took_its_place() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    let folder = office.folder().to_owned();
    let (first, second) =
        (Speech::unique(&folder, 61, 2, Law::Mu)?, Speech::unique(&folder, 62, 1, Law::Mu)?);
    let files = [folder.join("first.wav"), folder.join("second.wav")];
    write_wav(&files[0], &first.samples)?;
    write_wav(&files[1], &second.samples)?;
    // curl signs the hash of the file and does not say it: it is checked all the same.
    let refused = send_as(&office, "TYMPANDEV:another", "POST", "?name=Welcome.wav", &files[0]);
    let refused = refused.err().context("a wrong secret was taken")?;
    ensure!(refused.to_string().contains("InvalidSignatureException"), "{refused}");
    let made = send(&office, "POST", "?name=Welcome.wav", &files[0])?;
    let id = text(&made["PromptId"]);
    office.answer(NUMBER, Flow::new().then("welcome", play(&id)).then("hang up", hang_up()))?;
    hears(&office, &first)?;
    send(&office, "PUT", &format!("/{id}/audio"), &files[1])?;
    hears(&office, &second)?;

    // The same by the command line.
    let kept = folder.join("kept.wav");
    let tympan = |arguments: &[&str]| -> anyhow::Result<std::process::Output> {
        let mut command = Command::new(binary()?);
        command.envs(office.server.aws_environment()).current_dir(&folder).arg("prompts").args(arguments);
        Ok(command.output()?)
    };
    let done = |arguments: &[&str]| -> anyhow::Result<String> {
        let output = tympan(arguments)?;
        ensure!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8(output.stdout)?)
    };
    done(&["get", "Welcome.wav", "-o", "kept.wav"])?;
    ensure!(std::fs::read(&kept)? == std::fs::read(&files[1])?, "what is saved is what was sent");
    let taken = tympan(&["upload", "first.wav", "--name", "Welcome.wav"])?;
    ensure!(!taken.status.success(), "the name is taken");
    let sent = done(&["upload", "first.wav", "--name", "Welcome.wav", "--replace"])?;
    ensure!(sent == format!("{id} Welcome.wav 0:02\n"), "{sent}");
    let made: Value = serde_json::from_str(&done(&["upload", "second.wav", "--json"])?)?;
    ensure!(made["Name"] == "second.wav" && made["DurationMilliseconds"] == 1_000, "{made}");
    let listed = done(&["ls"])?;
    ensure!(listed.lines().any(|line| line.starts_with("Welcome.wav ") && line.ends_with(&id)), "{listed}");
    done(&["get", &id, "-o", "kept.wav"])?;
    ensure!(std::fs::read(&kept)? == std::fs::read(&files[0])?, "it has the other sound");
    hears(&office, &first)
}

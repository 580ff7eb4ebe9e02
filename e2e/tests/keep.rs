//! What is stored, from outside: `tympan backup`, `restore`, `streams check`, `streams verify-deletion`, `doctor`.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tympan_e2e::control::control;
use tympan_e2e::desk::{Desk, Peer};
use tympan_e2e::until;
use tympan_testkit::{TestServer, TestServerBuilder, binary};

/// The program itself, as somebody who has the credentials of `--dev` runs it.
fn tympan(server: Option<&TestServer>, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(binary()?);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    if let Some(server) = server {
        command.envs(server.aws_environment());
    }
    Ok(command.args(arguments).output()?)
}

fn json_of(output: &Output) -> anyhow::Result<Value> {
    serde_json::from_slice(&output.stdout)
        .with_context(|| format!("no JSON: {}", String::from_utf8_lossy(&output.stderr)))
}

fn server(place: &Path) -> TestServerBuilder {
    TestServer::builder()
        .data_dir(place.join("data"))
        .env("TYMPAN_KMS__KEYRING_DIR", place.join("keys").display())
        .env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 300)
}

fn stop(mut server: TestServer) -> anyhow::Result<()> {
    server.terminate()?;
    let status = server.wait()?;
    ensure!(status.success(), "the server ended with {status}:\n{}", server.log());
    Ok(())
}

/// Three seconds that no other stream has, as 16-bit samples.
fn speech(seed: u64) -> Vec<i16> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let sample = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 48) as i16
    };
    std::iter::repeat_with(sample).take(24_000).collect()
}

fn produce(server: &TestServer, place: &Path, stream: &str, samples: &[i16]) -> anyhow::Result<PathBuf> {
    let file = place.join(format!("{stream}.raw"));
    std::fs::write(&file, samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>())?;
    let output =
        tympan(Some(server), &["produce", "--raw", "--stream", stream, &file.display().to_string()])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(file)
}

/// G.711 by the formulas of ITU-T G.711 and G.191, apart from the product's tables.
fn mu_law(sample: i16) -> u8 {
    let sign = if sample < 0 { 0x80 } else { 0 };
    let magnitude = (i32::from(sample).abs().min(32_635)) + 0x84;
    let exponent = (7..15).rev().find(|bit| magnitude & (1 << bit) != 0).unwrap_or(7) - 7;
    let mantissa = (magnitude >> (exponent + 3)) & 0x0F;
    !(sign | ((exponent as u8) << 4) | mantissa as u8)
}

fn a_law(sample: i16) -> u8 {
    let sign = if sample >= 0 { 0x80 } else { 0 };
    let magnitude = if sample < 0 { !i32::from(sample) } else { i32::from(sample) } >> 4;
    let code = if magnitude < 32 {
        magnitude >> 1
    } else {
        let exponent = 31 - (magnitude as u32).leading_zeros() as i32 - 4;
        (exponent << 4) | ((magnitude >> exponent) & 0x0F)
    };
    (sign | code as u8) ^ 0x55
}

/// Stretches of 40 samples from all over, in each form in which audio could lie on a disk.
fn stretches(samples: &[i16]) -> Vec<Vec<u8>> {
    let mut stretches = Vec::new();
    for stretch in samples.chunks(40).step_by(23).filter(|stretch| stretch.len() == 40) {
        stretches.push(stretch.iter().flat_map(|sample| sample.to_le_bytes()).collect());
        stretches.push(stretch.iter().flat_map(|sample| sample.to_be_bytes()).collect());
        stretches.push(stretch.iter().map(|sample| mu_law(*sample)).collect());
        stretches.push(stretch.iter().map(|sample| a_law(*sample)).collect());
    }
    stretches
}

/// The first file below a folder that holds one of the stretches.
fn holds(folder: &Path, stretches: &[Vec<u8>]) -> anyhow::Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if let Some(found) = holds(&path, stretches)? {
                return Ok(Some(found));
            }
            continue;
        }
        let content = std::fs::read(&path)?;
        // Each stretch is looked for where its first two bytes are.
        let mut begins: BTreeMap<[u8; 2], Vec<&[u8]>> = BTreeMap::new();
        for stretch in stretches {
            begins.entry([stretch[0], stretch[1]]).or_default().push(stretch);
        }
        for at in 0..content.len().saturating_sub(40) {
            if let Some(candidates) = begins.get(&content[at..at + 2])
                && candidates.iter().any(|stretch| content[at..].starts_with(stretch))
            {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

fn copy_tree(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Exit code and verdict of the verifier on a copy of everything, with all keys there are.
fn verify(place: &Path, copy: &Path, stream: &str) -> anyhow::Result<(i32, Value)> {
    let (copy, keys) = (copy.display().to_string(), place.join("keys").display().to_string());
    let arguments = ["streams", "verify-deletion", stream, "--json", "--data-dir", &copy, "--keyring", &keys];
    let output = tympan(None, &arguments)?;
    Ok((output.status.code().unwrap_or(-1), json_of(&output)?))
}

#[test]
fn shows_07_after_deletion_and_key_disable_a_copy_of_everything_and_all_keys_give_no_audio()
-> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let running = server(place).start()?;
    let (deleted, kept) = (speech(1), speech(2));
    let raw = produce(&running, place, "deleted", &deleted)?;
    produce(&running, place, "kept", &kept)?;
    stop(running)?;
    // The search finds what is there to be found.
    let raw_folder = tempfile::tempdir()?;
    std::fs::copy(&raw, raw_folder.path().join("a"))?;
    assert!(holds(raw_folder.path(), &stretches(&deleted))?.is_some());
    let companded: Vec<u8> = deleted.iter().map(|sample| mu_law(*sample)).collect();
    std::fs::write(raw_folder.path().join("a"), companded)?;
    assert!(holds(raw_folder.path(), &stretches(&deleted))?.is_some());

    let before = place.join("copy-before");
    copy_tree(&place.join("data"), &before)?;
    for stream in ["deleted", "kept"] {
        let (code, proof) = verify(place, &before, stream)?;
        assert_eq!((code, &proof["verdict"]), (1, &json!("readable")), "{proof:#}");
    }

    let running = server(place).start()?;
    let mut desk = Desk::new(&running)?;
    let info = desk.call("kinesisvideo", "describe_stream", json!({ "StreamName": "deleted" }))?;
    let arn = info["StreamInfo"]["StreamARN"].as_str().context("no ARN")?.to_owned();
    desk.call("kinesisvideo", "delete_stream", json!({ "StreamARN": arn }))?;
    drop(desk);
    stop(running)?;
    let after = place.join("copy-after");
    copy_tree(&place.join("data"), &after)?;
    for stream in ["deleted", arn.as_str()] {
        let (code, proof) = verify(place, &after, stream)?;
        assert_eq!((code, &proof["verdict"]), (0, &json!("gone")), "{proof:#}");
        assert_eq!(proof["generations"][0]["id_places"], 0, "{proof:#}");
        assert!(proof["data_keys"].as_u64() >= Some(1), "the other stream's key was tried: {proof:#}");
    }
    assert_eq!(verify(place, &after, "kept")?.0, 1);
    let all: Vec<Vec<u8>> = [stretches(&deleted), stretches(&kept)].concat();
    assert_eq!(holds(&after, &all)?, None);
    assert_eq!(holds(&before, &all)?, None, "nor was any of it ever in the clear");

    // The other one's key is switched off: closed, and not gone.
    let keyring = place.join("keys/keyring.json");
    let keys = std::fs::read_to_string(&keyring)?;
    assert!(keys.contains("\"Enabled\""));
    let disabled = place.join("keys/disabled.json");
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&disabled)?;
    file.write_all(keys.replace("\"Enabled\"", "\"Disabled\"").as_bytes())?;
    std::fs::rename(&disabled, &keyring)?;
    let (code, proof) = verify(place, &after, "kept")?;
    assert_eq!((code, &proof["verdict"]), (4, &json!("locked")), "{proof:#}");
    assert_eq!(proof["generations"][0]["decrypted"], 0);
    let copy = after.display().to_string();
    let unknown = tympan(None, &["streams", "verify-deletion", "nobody", "--data-dir", &copy])?;
    assert_eq!(unknown.status.code(), Some(3), "{}", String::from_utf8_lossy(&unknown.stderr));
    Ok(())
}

/// Fragments that a producer was told are persisted.
fn persisted(uploader: &Peer) -> Vec<String> {
    let acks = uploader.printed();
    let persisted = acks.iter().filter(|ack| ack["EventType"] == "PERSISTED");
    persisted.filter_map(|ack| ack["FragmentNumber"].as_str().map(str::to_owned)).collect()
}

/// Digests by fragment number of all that a stream holds.
fn digests(desk: &mut Desk, stream: &str, out: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let selector = json!({ "StartSelectorType": "EARLIEST" });
    let media = desk.ask("media", json!({ "stream": stream, "selector": selector, "out": out }))?;
    let fragments = media["fragments"].as_array().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(fragments.iter().map(|fragment| (text(&fragment["number"]), text(&fragment["digest"]))).collect())
}

#[test]
fn a_backup_of_the_running_server_is_restored_elsewhere_and_read_byte_for_byte() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let running = server(place).env("TYMPAN_STORE__SCRUB_INTERVAL_S", 1).start()?;
    let mut desk = Desk::new(&running)?;
    let created = desk.call(
        "kinesisvideo",
        "create_stream",
        json!({ "StreamName": "uploads", "DataRetentionInHours": 24 }),
    )?;
    let stream = created["StreamARN"].as_str().context("no ARN")?.to_owned();
    let mut uploader = Peer::new("uploader.py", &running)?;
    uploader.order(&json!({ "endpoint": running.http(), "stream": stream, "run": 0, "pace_s": 0.01 }))?;
    until("some fragments to be persisted", || Ok((persisted(&uploader).len() >= 30).then_some(())))?;

    let promised = persisted(&uploader);
    let backup = place.join("backup").display().to_string();
    let output = tympan(Some(&running), &["backup", &backup, "--json"])?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report = json_of(&output)?;
    assert_eq!(report["with_keys"], false, "{report:#}");
    assert!(!place.join("backup/keyring").exists());
    let again = tympan(Some(&running), &["backup", &backup])?;
    assert!(!again.status.success(), "a backup never goes over another one");
    until("the load to have gone on", || Ok((persisted(&uploader).len() > promised.len()).then_some(())))?;
    until("the scrub to have read everything once", || {
        Ok(metric(&running, "tympan_store_scrub_passes_total").filter(|passes| *passes >= 1.0))
    })?;
    assert_eq!(metric(&running, "tympan_store_scrub_damaged"), Some(0.0));

    // A check of what is in use is refused, and says why.
    let data = place.join("data").display().to_string();
    let busy = tympan(None, &["streams", "check", "--data-dir", &data])?;
    assert_eq!(busy.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&busy.stderr).contains("a server runs on it"), "{busy:?}");
    drop(uploader);
    let original = digests(&mut desk, &stream, &place.join("original.raw"))?;
    drop(desk);
    stop(running)?;

    let elsewhere = place.join("elsewhere");
    std::fs::create_dir(&elsewhere)?;
    let (restored, keys) =
        (elsewhere.join("data").display().to_string(), place.join("keys").display().to_string());
    let output = tympan(None, &["restore", &backup, "--data-dir", &restored, "--keyring", &keys, "--json"])?;
    ensure!(
        output.status.success(),
        "{} {}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    copy_tree(&place.join("keys"), &elsewhere.join("keys"))?;
    std::fs::set_permissions(elsewhere.join("keys"), std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let running = server(&elsewhere).start()?;
    let mut desk = Desk::new(&running)?;
    let found = digests(&mut desk, &stream, &place.join("restored.raw"))?;
    for number in &promised {
        let digest =
            found.get(number).with_context(|| format!("{number} was promised and is not restored"))?;
        assert_eq!(Some(digest), original.get(number), "{number}");
    }
    // What is written now has numbers that the original never gave.
    let mut uploader = Peer::new("uploader.py", &running)?;
    uploader.order(&json!({ "endpoint": running.http(), "stream": stream, "run": 1, "pace_s": 0.01 }))?;
    until("a fragment to be persisted after the restore", || {
        Ok((!persisted(&uploader).is_empty()).then_some(()))
    })?;
    assert!(persisted(&uploader).iter().all(|number| !original.contains_key(number)));
    drop(uploader);
    drop(desk);
    stop(running)?;
    let output = tympan(None, &["streams", "check", "--data-dir", &restored, "--keyring", &keys])?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));

    // Damage is found, named, and told by the exit code.
    for folder in ["data/journal", "data/chunks"] {
        for path in files_of(&elsewhere.join(folder))? {
            let mut bytes = std::fs::read(&path)?;
            bytes[400] ^= 1;
            std::fs::write(&path, bytes)?;
        }
    }
    let output = tympan(None, &["streams", "check", "--data-dir", &restored, "--keyring", &keys])?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("DAMAGED uploads, fragment "), "{said}");
    Ok(())
}

fn files_of(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { files.extend(files_of(&path)?) } else { files.push(path) }
    }
    Ok(files)
}

fn metric(server: &TestServer, name: &str) -> Option<f64> {
    let address = server.http().trim_start_matches("http://");
    let mut connection = TcpStream::connect(address).ok()?;
    write!(connection, "GET /metrics HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer).ok()?;
    answer.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok())
}

#[test]
fn the_doctor_finds_the_running_server_and_a_broken_configuration() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let running = server(folder.path()).start()?;
    let data = folder.path().join("data").display().to_string();
    let output = tympan(Some(&running), &["doctor", "--json", "--data-dir", &data])?;
    let findings = json_of(&output)?;
    let all = findings.as_array().context("no list")?;
    let server = all.iter().find(|finding| finding["check"] == "server").context("no server")?;
    assert_eq!(server["state"], "ok", "{findings:#}");
    let held = all.iter().any(|finding| {
        finding["check"] == "data" && finding["what"].as_str().unwrap_or_default().contains("running server")
    });
    assert!(held, "{findings:#}");
    for check in ["config", "ports", "clock", "disk", "data", "keys", "limits", "speech", "server"] {
        assert!(all.iter().any(|finding| finding["check"] == check), "{check}: {findings:#}");
    }
    for finding in all.iter().filter(|finding| finding["state"] != "ok") {
        assert!(finding["why"] != "" && finding["do"] != "", "{finding:#}");
    }

    let config = folder.path().join("tympan.toml");
    std::fs::write(&config, "[sip]\ncals_max = 3\n")?;
    let output = tympan(None, &["doctor", "--config", &config.display().to_string()])?;
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("PROBLEM  config") && said.contains("sip.calls_max"), "{said}");
    Ok(())
}

#[test]
fn shows_07_after_expiry_a_copy_of_everything_and_all_keys_give_no_audio() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let running = server(place).start()?;
    let expiring = speech(3);
    let mut desk = Desk::new(&running)?;
    let wanted = json!({ "StreamName": "expiring", "DataRetentionInHours": 1 });
    let created = desk.call("kinesisvideo", "create_stream", wanted)?;
    let arn = created["StreamARN"].as_str().context("no ARN")?.to_owned();
    produce(&running, place, "expiring", &expiring)?;
    control(&running, "POST", "/_tympan/flush", "")?;
    drop(desk);
    stop(running)?;
    let before = place.join("copy-before");
    copy_tree(&place.join("data"), &before)?;
    let (code, proof) = verify(place, &before, "expiring")?;
    assert_eq!((code, &proof["verdict"]), (1, &json!("readable")), "{proof:#}");

    let running = server(place).start()?;
    control(&running, "POST", "/_tympan/clock", r#"{"advance": "61m"}"#)?;
    let mut desk = Desk::new(&running)?;
    assert!(digests(&mut desk, &arn, &place.join("nothing.raw"))?.is_empty(), "expired is never served");
    drop(desk);
    // The bytes follow: chunks with the sweep, journal segments once nothing in them is alive.
    let mut copies = 0;
    let copy = until("the bytes to be gone", || {
        copies += 1;
        let copy = place.join(format!("copy-{copies}"));
        // The server goes on meanwhile: a file may vanish under the copy, and then the next one is looked at.
        let looked = copy_tree(&place.join("data"), &copy).and_then(|()| verify(place, &copy, "expiring"));
        let gone = looked.is_ok_and(|(_, proof)| proof["generations"][0]["records"] == 0);
        Ok(gone.then_some(copy))
    })?;
    assert_eq!(holds(&copy, &stretches(&expiring))?, None);
    stop(running)
}

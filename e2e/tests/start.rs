//! What a start finds of its folder, its keys and its configuration: what it refuses, and what it says.

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use tympan_e2e::control::control;
use tympan_e2e::desk::Desk;
use tympan_e2e::flow::{Flow, hang_up, listen};
use tympan_e2e::folder::{copy, remove};
use tympan_e2e::office::Office;
use tympan_e2e::sipp::Caller;
use tympan_testkit::{TestServer, TestServerBuilder, binary};

fn server(place: &Path) -> TestServerBuilder {
    TestServer::builder()
        .data_dir(place.join("data"))
        .env("TYMPAN_KMS__KEYRING_DIR", place.join("keys").display())
}

/// Why it does not start.
fn refusal(builder: TestServerBuilder) -> anyhow::Result<String> {
    match builder.start() {
        Ok(server) => anyhow::bail!("it started:\n{}", server.log()),
        Err(error) => Ok(format!("{error:#}")),
    }
}

fn stop(mut server: TestServer) -> anyhow::Result<()> {
    server.terminate()?;
    server.wait()?;
    Ok(())
}

/// The program itself; `place` has its data and its keys.
fn tympan(place: &Path, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(binary()?);
    command.env("TYMPAN_KMS__KEYRING_DIR", place.join("keys")).env("TYMPAN_HTTP__LISTEN", "127.0.0.1:1");
    Ok(command.args(arguments).output()?)
}

/// What the doctor says of the folder that is no `ok`.
fn doctor(place: &Path) -> anyhow::Result<String> {
    let data = place.join("data").display().to_string();
    let output = tympan(place, &["doctor", "--json", "--data-dir", &data])?;
    let findings: Value = serde_json::from_slice(&output.stdout)?;
    let wrong = findings
        .as_array()
        .into_iter()
        .flatten()
        .filter(|finding| finding["state"] == "problem" && finding["check"] != "ports");
    Ok(wrong.map(|finding| format!("{}: {}\n", finding["check"], finding["what"])).collect())
}

fn get(server: &TestServer, path: &str) -> anyhow::Result<String> {
    let address = server.http().trim_start_matches("http://");
    let mut connection = TcpStream::connect(address)?;
    write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}

fn produce(server: &TestServer, place: &Path, stream: &str) -> anyhow::Result<()> {
    let file = place.join("samples.raw");
    std::fs::write(&file, [1; 16_000])?;
    let output = Command::new(binary()?)
        .envs(server.aws_environment())
        .args(["produce", "--raw", "--stream", stream])
        .arg(&file)
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

#[test]
fn a_second_server_is_kept_out_also_when_the_lock_file_was_removed() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let first = server(place).start()?;
    std::fs::remove_file(place.join("data/LOCK"))?;
    let said = refusal(server(place))?;
    assert!(said.contains("another process has this data directory open"), "{said}");
    let data = place.join("data").display().to_string();
    let check = tympan(place, &["streams", "check", "--data-dir", &data])?;
    assert_eq!(check.status.code(), Some(6), "{}", String::from_utf8_lossy(&check.stderr));
    stop(first)?;
    stop(server(place).start()?)
}

#[test]
fn a_format_that_is_cut_off_is_told_alike_by_the_server_the_check_and_the_doctor() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    stop(server(place).start()?)?;
    std::fs::write(place.join("data/FORMAT"), "tympan-")?;
    let words = "FORMAT is cut off";
    let said = refusal(server(place))?;
    assert!(said.contains(words), "{said}");
    let data = place.join("data").display().to_string();
    let check = tympan(place, &["streams", "check", "--data-dir", &data])?;
    let complaint = String::from_utf8_lossy(&check.stderr).into_owned();
    assert!(!check.status.success() && complaint.contains(words), "{complaint}");
    let found = doctor(place)?;
    assert!(found.contains(words), "{found}");
    // What they say is to be done works.
    assert!(said.contains("write the line \"tympan-store 5\""), "{said}");
    std::fs::write(place.join("data/FORMAT"), "tympan-store 5\n")?;
    stop(server(place).start()?)
}

#[test]
fn a_keyring_that_is_not_the_one_of_the_data_is_refused_and_none_is_made_in_its_place() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let (keys, aside) = (place.join("keys"), place.join("aside"));
    let running = server(place).start()?;
    produce(&running, place, "first")?;
    let old = std::fs::read(keys.join("keyring.json"))?;
    let mut desk = Desk::new(&running)?;
    let key = desk.call("kms", "create_key", json!({}))?;
    let key = key["KeyMetadata"]["KeyId"].as_str().context("no key")?.to_owned();
    for stream in ["second", "third"] {
        let wanted = json!({ "StreamName": stream, "DataRetentionInHours": 24, "KmsKeyId": key });
        desk.call("kinesisvideo", "create_stream", wanted)?;
        produce(&running, place, stream)?;
    }
    drop(desk);
    stop(running)?;

    // Not mounted: the folder is not there, or an empty one is.
    std::fs::rename(&keys, &aside)?;
    for empty in [false, true] {
        if empty {
            std::fs::create_dir(&keys)?;
            std::fs::set_permissions(&keys, std::fs::Permissions::from_mode(0o700))?;
        }
        let said = refusal(server(place))?;
        assert!(
            said.contains(&key) && said.contains("of 2 streams") && said.contains("kms.keyring_dir"),
            "{said}"
        );
        assert!(!keys.join("keyring.json").exists(), "a keyring was made");
        assert!(doctor(place)?.contains(&key));
    }
    std::fs::remove_dir(&keys)?;
    copy(&aside, &keys)?;

    // Emptied, cut off, another one, and a copy that is older than a key.
    let whole = std::fs::read(keys.join("keyring.json"))?;
    for (damaged, words) in [
        (Vec::new(), "is not a keyring"),
        (whole[..whole.len() / 2].to_vec(), "is not a keyring"),
        (old, key.as_str()),
    ] {
        std::fs::write(keys.join("keyring.json"), damaged)?;
        let said = refusal(server(place))?;
        assert!(said.contains(words) && said.contains("put the newest copy"), "{said}");
    }
    // Only a person who says that the key is lost gets a server without it.
    let lost = format!("[\"{key}\"]");
    stop(server(place).env("TYMPAN_KMS__LOST_KEYS", lost).start()?)?;
    std::fs::write(keys.join("keyring.json"), whole)?;

    // A key whose deletion has come is no lost key.
    let running = server(place).start()?;
    let mut desk = Desk::new(&running)?;
    desk.call("kms", "schedule_key_deletion", json!({ "KeyId": key, "PendingWindowInDays": 7 }))?;
    control(&running, "POST", "/_tympan/clock", r#"{"advance": "8d"}"#)?;
    desk.call("kms", "list_keys", json!({}))?;
    drop(desk);
    ensure!(
        !std::fs::read_to_string(keys.join("keyring.json"))?.contains("PendingDeletion"),
        "it is still there"
    );
    stop(running)?;
    stop(server(place).start()?)
}

#[test]
fn a_secret_in_a_configuration_file_that_others_can_read_is_warned_of() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tympan.toml");
    let secret = "[[credentials]]\naccess_key_id = \"AKIDEXAMPLE\"\nsecret_access_key = \"wJalrXUtnFEMI\"\npolicies = [\"full-access\"]\n";
    std::fs::write(&file, secret)?;
    let start = || server(folder.path()).argument("--config").argument(file.display().to_string()).start();
    for (mode, warned) in [(0o644, true), (0o600, false)] {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode))?;
        let running = start()?;
        let log = running.log();
        stop(running)?;
        assert_eq!(log.contains("holds secrets: credentials AKIDEXAMPLE"), warned, "{log}");
        assert!(!log.contains("wJalrXUtnFEMI"));
        let output = tympan(folder.path(), &["doctor", "--config", &file.display().to_string()])?;
        assert_eq!(String::from_utf8_lossy(&output.stdout).contains("chmod 600"), warned);
    }
    Ok(())
}

/// Changes one bit wherever a file has `text`: also in what SQLite has given up, and not yet written over.
fn flip(file: &Path, text: &str) -> anyhow::Result<()> {
    let mut bytes = std::fs::read(file)?;
    let windows = bytes.windows(text.len()).enumerate();
    let places: Vec<usize> =
        windows.filter(|(_, window)| *window == text.as_bytes()).map(|(at, _)| at).collect();
    ensure!(!places.is_empty(), "{} does not have {text}", file.display());
    places.iter().for_each(|at| bytes[at + 1] ^= 1);
    Ok(std::fs::write(file, bytes)?)
}

#[test]
fn a_damaged_row_of_the_settings_or_of_the_contacts_is_told_and_the_others_are_served() -> anyhow::Result<()>
{
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let mut office = Office::open_with(server(place))?;
    let wanted = json!({
        "InstanceAlias": "damaged-soon", "IdentityManagementType": "CONNECT_MANAGED",
        "InboundCallsEnabled": true, "OutboundCallsEnabled": false,
    });
    office.desk.call("connect", "create_instance", wanted)?;
    let number = "+18005550123";
    office.answer(number, Flow::new().then("listen", listen("hello", 1)).then("hang up", hang_up()))?;
    for count in 1..=2 {
        Caller::dialling(number).call().be_hung_up().start(office.server.sip())?.wait()?;
        office.records(count)?;
    }
    let contacts = office.contacts()?;
    let ids: Vec<String> =
        contacts.iter().filter_map(|contact| contact["ContactId"].as_str().map(str::to_owned)).collect();
    ensure!(ids.len() == 2, "{contacts:?}");
    let Office { server: running, mut desk, .. } = office;
    stop(running)?;

    flip(&place.join("data/control.db"), "\"damaged-soon\"")?;
    flip(&place.join("data/control.db"), &format!("\"{}\"", ids[1]))?;
    let found = doctor(place)?;
    assert!(found.contains("control.db has 2 rows that cannot be read"), "{found}");
    let running = server(place).start()?;
    desk.point_at(&running)?;
    let instances = desk.call("connect", "list_instances", json!({}))?;
    let aliases = instances["InstanceSummaryList"].as_array().into_iter().flatten();
    let aliases: Vec<&Value> = aliases.map(|instance| &instance["InstanceAlias"]).collect();
    assert_eq!(aliases, ["demo"]);
    let listed = desk.ask("contacts", json!({ "limit": 10 }))?;
    let listed: Vec<&Value> =
        listed.as_array().into_iter().flatten().map(|contact| &contact["ContactId"]).collect();
    assert_eq!(listed, [&json!(ids[0])]);
    assert!(get(&running, "/readyz")?.starts_with("HTTP/1.1 200"));
    let metrics = get(&running, "/metrics")?;
    for gauge in
        ["tympan_control_unreadable_rows 2", "tympan_control_damaged 0", "tympan_catalogue_damaged 0"]
    {
        assert!(metrics.contains(gauge), "{gauge}: {metrics}");
    }
    let log = running.log();
    assert_eq!(
        log.lines()
            .filter(|line| line.contains("ERROR") && line.contains("cannot be read and is left out"))
            .count(),
        2,
        "{log}"
    );
    stop(running)
}

#[test]
fn a_control_database_that_is_none_stays_as_it_is_and_media_are_served_without_it() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    let running = server(place).start()?;
    let mut desk = Desk::new(&running)?;
    desk.call("kinesisvideo", "create_stream", json!({ "StreamName": "kept", "DataRetentionInHours": 1 }))?;
    stop(running)?;
    let file = place.join("data/control.db");
    let whole = std::fs::read(&file)?;
    // The header's magic, the schema's page, less than a page.
    for (case, damaged) in [
        [b"tympan".as_slice(), &whole[6..]].concat(),
        [&whole[..100], &[0xff; 8], &whole[108..]].concat(),
        whole[..200].to_vec(),
    ]
    .iter()
    .enumerate()
    {
        // A log that the server left open would stand in for the pages.
        for log in ["-wal", "-shm"] {
            remove(&place.join("data").join(format!("control.db{log}")))?;
        }
        std::fs::write(&file, damaged)?;
        assert!(doctor(place)?.contains("control.db cannot be read"), "case {case}: {}", doctor(place)?);
        let running = server(place).start().with_context(|| format!("case {case}"))?;
        let log = running.log();
        assert!(log.contains("ERROR") && log.contains("control.db cannot be read"), "case {case}: {log}");
        desk.point_at(&running)?;
        let instances = desk.call("connect", "list_instances", json!({}))?;
        assert_eq!(instances["InstanceSummaryList"], json!([]));
        desk.call("kinesisvideo", "describe_stream", json!({ "StreamName": "kept" }))?;
        assert!(get(&running, "/metrics")?.contains("tympan_control_damaged 1"), "case {case}");
        assert!(get(&running, "/readyz")?.starts_with("HTTP/1.1 200"));
        stop(running)?;
        assert_eq!(&std::fs::read(&file)?, damaged, "it is kept as it was found");
    }
    std::fs::write(&file, whole)?;
    let running = server(place).start()?;
    desk.point_at(&running)?;
    let instances = desk.call("connect", "list_instances", json!({}))?;
    assert_eq!(instances["InstanceSummaryList"][0]["InstanceAlias"], "demo");
    stop(running)
}

#[test]
fn an_older_copy_of_the_control_database_is_told() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path();
    stop(server(place).start()?)?;
    copy(&place.join("data"), &place.join("older"))?;
    stop(server(place).start()?)?;
    // A log that a server left open at its end belongs to the file that it was left with.
    for part in ["control.db", "control.db-wal"] {
        let (from, to) = (place.join("older").join(part), place.join("data").join(part));
        remove(&to)?;
        if from.exists() {
            copy(&from, &to)?;
        }
    }
    let found = doctor(place)?;
    assert!(found.contains("control.db is an older copy"), "{found}");
    let running = server(place).start()?;
    let log = running.log();
    assert!(log.contains("ERROR") && log.contains("control.db is an older copy"), "{log}");
    let metrics = get(&running, "/metrics")?;
    assert!(metrics.contains("tympan_control_damaged 1"), "{metrics}");
    stop(running)?;
    // A file that is gone is no first start either.
    std::fs::remove_file(place.join("data/control.db"))?;
    assert!(doctor(place)?.contains("control.db is missing or empty"));
    let running = server(place).start()?;
    assert!(running.log().contains("control.db is missing or empty"), "{}", running.log());
    stop(running)?;
    let running = server(place).start()?;
    assert!(!running.log().contains("ERROR"), "{}", running.log());
    stop(running)
}

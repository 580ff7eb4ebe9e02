//! Keys: the KMS API under boto3, the command line before it, and a server whose keys another one keeps.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tympan_e2e::desk::Desk;
use tympan_e2e::flow::{Flow, hang_up, say, set_attributes, start_streaming};
use tympan_e2e::office::Office;
use tympan_e2e::python;
use tympan_e2e::sipp::Caller;
use tympan_testkit::{TestServer, TestServerBuilder, binary};

const NUMBER: &str = "+18005550123";

#[test]
fn keys_are_managed_and_used_through_boto3() -> anyhow::Result<()> {
    python::run(&TestServer::start()?, "sdk_kms.py", &[]);
    Ok(())
}

#[test]
fn a_keyring_in_disorder_is_told_to_the_log_and_not_to_callers() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let data = server.data_dir().to_str().context("the data folder is not named in UTF-8")?.to_owned();
    python::run(&server, "sdk_kms_fault.py", &["--", &data]);
    assert!(server.log().contains("chmod 600"), "the remedy is not in the log:\n{}", server.log());
    Ok(())
}

/// What `tympan keys` does.
fn keys(server: &TestServer, arguments: &[&str]) -> anyhow::Result<Output> {
    let mut command = Command::new(binary()?);
    command.arg("keys").args(arguments).envs(server.aws_environment()).stdin(Stdio::null());
    Ok(command.output()?)
}

/// Its JSON, where it succeeds.
fn keys_json(server: &TestServer, arguments: &[&str]) -> anyhow::Result<Value> {
    let output = keys(server, &[arguments, &["--json"]].concat())?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "keys {arguments:?} ended with {}: {complaint}", output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Its exit code and complaint, where it fails.
fn keys_refused(server: &TestServer, arguments: &[&str]) -> anyhow::Result<(i32, String)> {
    let output = keys(server, arguments)?;
    ensure!(!output.status.success(), "keys {arguments:?} succeeded");
    Ok((output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned()))
}

#[test]
fn keys_are_managed_by_the_command_line() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let created = keys_json(&server, &["create", "--alias", "alias/calls", "--description", "calls"])?;
    let id = created["KeyId"].as_str().context("no KeyId")?;
    assert_eq!((&created["KeyState"], &created["Aliases"][0]), (&"Enabled".into(), &"alias/calls".into()));

    assert_eq!(keys_json(&server, &["disable", "alias/calls"])?["KeyState"], "Disabled");
    let (exit, complaint) = keys_refused(&server, &["rotate", "alias/calls"])?;
    assert!(exit == 5 && complaint.contains("tympan keys enable"), "{exit} {complaint}");
    assert_eq!(keys_json(&server, &["enable", id])?["KeyState"], "Enabled");
    let rotated = keys_json(&server, &["rotate", "alias/calls"])?;
    assert_eq!(rotated["Rotations"].as_array().map(Vec::len), Some(1));

    let (exit, complaint) = keys_refused(&server, &["show", "alias/nobody"])?;
    assert!(exit == 3 && complaint.contains("tympan keys ls"), "{exit} {complaint}");
    let (exit, _) = keys_refused(&server, &["disable", "alias/aws/kinesisvideo"])?;
    assert_eq!(exit, 4);

    assert!(keys(&server, &["alias", "set", "alias/more", "alias/calls"])?.status.success());
    assert!(keys(&server, &["alias", "set", "alias/more", id])?.status.success());
    let aliases = keys_json(&server, &["alias", "ls"])?;
    assert_eq!(aliases.as_array().map(Vec::len), Some(3), "{aliases}");
    assert!(keys(&server, &["alias", "rm", "alias/more"])?.status.success());

    let stream = r#"{"StreamName": "lost", "KmsKeyId": "alias/calls"}"#;
    Desk::new(&server)?.call("kinesisvideo", "create_stream", serde_json::from_str(stream)?)?;
    let (exit, complaint) = keys_refused(&server, &["schedule-deletion", "alias/calls", "--days", "7"])?;
    assert!(exit == 2 && complaint.contains("1 stream would be lost: lost."), "{exit} {complaint}");
    assert!(complaint.contains("4506") && complaint.contains("--yes"), "{complaint}");
    assert_eq!(keys_json(&server, &["show", id])?["KeyState"], "Enabled", "nothing was changed");
    keys_json(&server, &["schedule-deletion", "alias/calls", "--days", "7", "--yes"])?;
    let pending = keys_json(&server, &["show", id])?;
    assert!(pending["KeyState"] == "PendingDeletion" && pending["DeletionDate"].is_number(), "{pending}");
    assert_eq!(keys_json(&server, &["cancel-deletion", id])?["KeyState"], "Disabled");

    let listed = keys(&server, &["ls"])?;
    let table = String::from_utf8_lossy(&listed.stdout).into_owned();
    assert_eq!(table.lines().count(), 3, "{table}");
    assert!(table.contains("alias/aws/kinesisvideo") && table.contains("Disabled"), "{table}");
    Ok(())
}

/// A server whose keys are at `endpoint`.
fn with_keys_at(endpoint: &str, data: &Path) -> TestServerBuilder {
    TestServer::builder()
        .data_dir(data)
        .env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 500)
        .env("TYMPAN_KMS__PROVIDER", "external")
        .env("TYMPAN_KMS__ENDPOINT", endpoint)
        .env("TYMPAN_KMS__ACCESS_KEY_ID", "TYMPANDEV")
        .env("TYMPAN_KMS__SECRET_ACCESS_KEY", "tympandevsecret")
}

#[test]
fn a_server_lives_with_a_kms_elsewhere_that_comes_and_goes() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let kms_data = folder.path().join("kms");
    let kms = TestServer::builder().data_dir(&kms_data).start()?;
    let endpoint = kms.http().to_owned();
    let data = folder.path().join("media");
    let server = with_keys_at(&endpoint, &data).start()?;
    let check = |server: &TestServer, name: &str| {
        python::run(server, "sdk_external_kms.py", &[name, "--", &endpoint]);
    };
    check(&server, "the_keys_of_this_server_are_asked_for_elsewhere");
    check(&server, "media_is_written_and_read_under_a_key_that_is_elsewhere");
    check(&server, "a_key_that_is_disabled_elsewhere_stops_its_streams_alone");

    kms.kill_9()?;
    check(&server, "while_the_kms_is_away_opened_keys_go_on_and_others_wait");

    // The kernel chose the port before; nobody else was given it since.
    let address = endpoint.trim_start_matches("http://");
    let _kms = TestServer::builder().data_dir(&kms_data).env("TYMPAN_HTTP__LISTEN", address).start()?;
    check(&server, "when_the_kms_is_back_everything_works_again");
    drop(server);
    assert!(!data.join("keyring").exists(), "a keyring was made that nobody uses");
    Ok(())
}

#[test]
fn a_server_starts_without_its_kms_and_works_once_it_is_there() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let kms_data = folder.path().join("kms");
    let kms = TestServer::builder().data_dir(&kms_data).start()?;
    let endpoint = kms.http().to_owned();
    let data = folder.path().join("media");
    let check = |server: &TestServer, name: &str| {
        python::run(server, "sdk_external_kms.py", &[name, "--", &endpoint]);
    };
    let first = with_keys_at(&endpoint, &data).start()?;
    check(&first, "media_is_written_and_read_under_a_key_that_is_elsewhere");
    check(&first, "while_the_kms_is_here_more_is_written");
    drop(first);
    kms.kill_9()?;

    let second = with_keys_at(&endpoint, &data).start()?;
    check(&second, "a_server_that_starts_without_its_kms_says_so_to_readers_and_writers");
    let address = endpoint.trim_start_matches("http://");
    let _kms = TestServer::builder().data_dir(&kms_data).env("TYMPAN_HTTP__LISTEN", address).start()?;
    check(&second, "when_the_kms_is_back_everything_works_again");
    Ok(())
}

#[test]
fn a_call_goes_on_without_a_stream_while_the_kms_is_away() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    // Nobody listens there: the port was the kernel's choice, and is given back at once.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let mut office = Office::open_with(with_keys_at(&format!("http://{nobody}"), folder.path()))?;
    let flow = Flow::new()
        .then("start", start_streaming().or_else("no stream"))
        .then("no stream", set_attributes(&[("outcome", "no stream")]))
        .then("say so", say("no stream"))
        .then("hang up", hang_up());
    office.answer(NUMBER, flow)?;
    Caller::dialling(NUMBER).call().be_hung_up().start(office.server.sip())?.wait()?;
    let refused = office.await_block("start", "Error")?;
    assert!(refused["Reason"].as_str().is_some_and(|reason| reason.contains("KMS")), "{refused}");
    assert_eq!(office.record()?["Attributes"]["outcome"], "no stream");
    Ok(())
}

//! A server for production: what one that no client can use says, how a set-up is made, and what its configuration is.

use anyhow::{Context, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tympan_e2e::printed::Desktop;
use tympan_testkit::{TestServer, binary};

fn tympan(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<Output> {
    Ok(Command::new(binary()?).args(arguments).envs(environment.iter().copied()).output()?)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The lines that a server has logged as warnings.
fn warnings(server: &TestServer) -> Vec<String> {
    server.log().lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect()
}

#[test]
fn a_server_that_no_client_can_use_says_what_lacks_and_the_next_step() -> anyhow::Result<()> {
    let server = TestServer::builder().bare().start()?;
    let warnings = warnings(&server);
    for (lack, step) in [
        ("no access key", "tympan init"),
        ("no instance", "aws connect create-instance"),
        ("no phone number", "aws connect claim-phone-number"),
    ] {
        let lines: Vec<&String> = warnings.iter().filter(|line| line.contains(lack)).collect();
        assert!(lines.len() == 1 && lines[0].contains(step), "{lack}: {warnings:#?}");
    }
    Ok(())
}

#[test]
fn on_a_terminal_a_log_that_no_person_reads_does_not_hide_what_lacks() -> anyhow::Result<()> {
    let desktop = desktop()?;
    // `script` makes a terminal. The log is off, so that what stands there is not the log.
    let said = desktop.run(
        "TYMPAN_LOG__FILTER=off script -qfc 'exec tympan serve --data-dir data --ready-file ready.json' said.txt > /dev/null &\n\
         until test -e ready.json && grep -q 'no phone number' said.txt; do kill -0 $!; sleep 0.1; done\n\
         cat said.txt\n\
         kill $(python3 -c 'import json; print(json.load(open(\"ready.json\"))[\"pid\"])')\n",
    )?;
    for lack in ["no access key", "no instance", "no phone number"] {
        assert!(
            said.lines().any(|line| line.starts_with("tympan: ") && line.contains(lack)),
            "{lack}: {said}"
        );
    }
    Ok(())
}

#[test]
fn a_development_server_lacks_nothing() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let warnings = warnings(&server);
    assert!(!warnings.iter().any(|line| line.contains("there is no ")), "{warnings:#?}");
    Ok(())
}

/// A computer with boto3 and the AWS CLI.
fn desktop() -> anyhow::Result<Desktop> {
    let program = |name: &str| {
        let program = std::env::var_os(name).map(PathBuf::from);
        program
            .with_context(|| format!("{name} is not set: cargo xtask test installs the program and sets it"))
    };
    let python = program("TYMPAN_E2E_PYTHON")?;
    Desktop::with(
        python.parent().context("the interpreter is in no folder")?,
        &program("TYMPAN_E2E_AWS_CLI_2")?,
    )
}

/// Whether a WAV file of 16-bit samples has speech in it.
fn is_heard(wav: &Path) -> anyhow::Result<bool> {
    let bytes = std::fs::read(wav).with_context(|| format!("{}", wav.display()))?;
    let samples = bytes.chunks_exact(2).skip(22).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
    Ok(samples.filter(|sample| sample.unsigned_abs() > 2_000).count() > 1_000)
}

/// Runs `tympan init` and then what it prints: what is indented by two is typed, and the first of it is the server.
fn init_and_follow(desktop: &Desktop, init: &str) -> anyhow::Result<String> {
    desktop.run(&format!(
        "{init} > next.txt\n\
         cat next.txt\n\
         grep '^  [^ ]' next.txt > typed.sh\n\
         sed -n '1s/^/exec/p' typed.sh > serve.sh\n\
         sed -i 1d typed.sh\n\
         sh -ex serve.sh 2> server.log &\n\
         until curl -sf http://127.0.0.1:8600/readyz; do kill -0 $! || cat server.log; kill -0 $!; sleep 0.1; done\n\
         sh -ex typed.sh\n\
         cat server.log\n"
    ))
}

#[test]
fn a_set_up_leads_by_what_it_prints_to_a_callers_voice() -> anyhow::Result<()> {
    let desktop = desktop()?;
    let said = init_and_follow(&desktop, "tympan init --config ./etc/tympan.toml --data-dir './the data'")?;
    assert!(is_heard(&desktop.file("caller.wav"))?, "caller.wav is silent:\n{said}");
    assert!(!said.contains("there is no access key") && said.contains("there is no phone number"), "{said}");
    // A second set-up would take the first one's place.
    let again = desktop.run("! tympan init --config ./etc/tympan.toml --data-dir './the data' 2>&1\n")?;
    assert!(again.contains("is there already, and nothing is overwritten"), "{again}");
    Ok(())
}

#[test]
fn a_set_up_with_a_number_takes_calls_at_once_and_boto3_reads_the_stream_back() -> anyhow::Result<()> {
    let desktop = desktop()?;
    let init = "tympan init --config ./etc/tympan.toml --data-dir ./data --keyring ./keys --instance support \
                --retention 48 --region eu-central-1 --number +4930901820";
    std::fs::write(desktop.file("read.py"), READ)?;
    let said = init_and_follow(&desktop, init)?;
    assert!(!said.contains("claim-phone-number") && !said.contains("there is no "), "{said}");
    assert!(is_heard(&desktop.file("caller.wav"))?, "caller.wav is silent:\n{said}");
    let read = desktop.run(
        "sh -ex serve.sh 2> again.log &\n\
         until curl -sf http://127.0.0.1:8600/readyz; do kill -0 $!; sleep 0.1; done\n\
         { grep export typed.sh; echo 'python3 read.py'; } > read.sh\n\
         sh -ex read.sh\n",
    )?;
    ensure!(read.contains("48 hours, prefix support") && read.contains("EBML"), "{read}");
    Ok(())
}

/// The one stream's settings and the beginning of its media.
const READ: &str = r#"
import boto3
control = boto3.client("kinesisvideo")
(stream,) = control.list_streams()["StreamInfoList"]
assert stream["StreamName"].startswith("support-"), stream
name = stream["StreamName"]
endpoint = control.get_data_endpoint(StreamName=name, APIName="GET_MEDIA")["DataEndpoint"]
media = boto3.client("kinesis-video-media", endpoint_url=endpoint)
body = media.get_media(StreamName=name, StartSelector={"StartSelectorType": "EARLIEST"})["Payload"].read()
print(stream["DataRetentionInHours"], "hours, prefix support")
print("EBML", len(body)) if body[:4] == b"\x1aE\xdf\xa3" and len(body) > 50_000 else print("no media", len(body))
"#;

#[test]
fn a_configuration_is_checked_with_the_files_that_it_names() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tympan.toml");
    let name = file.display().to_string();
    std::fs::write(&file, "[sip]\ncalls_max = 5\n")?;
    let fine = tympan(&["config", "check", &name], &[])?;
    assert!(fine.status.success() && text(&fine.stderr).contains("is in order"), "{fine:?}");

    std::fs::write(&file, "[sip]\ncalls_max = \"five\"\n")?;
    let wrong = tympan(&["config", "check", &name, "--json"], &[])?;
    assert_eq!(wrong.status.code(), Some(1));
    let said: Value = serde_json::from_slice(&wrong.stdout)?;
    let expected = format!("sip.calls_max = \"five\" ({name}, line 2): expected a whole number");
    assert_eq!(said["problems"], serde_json::json!([expected]));

    let secret = folder.path().join("none.secret").display().to_string();
    let flow = folder.path().join("flow.json").display().to_string();
    std::fs::write(&flow, "{}")?;
    std::fs::write(
        &file,
        format!(
            "[[credentials]]\naccess_key_id = \"A\"\nsecret_access_key_file = \"{secret}\"\n[[connect.instances]]\n\
             alias = \"a\"\n[[connect.instances.flows]]\nname = \"f\"\nfile = \"{flow}\"\n"
        ),
    )?;
    let wrong = tympan(&["config", "check", &name], &[])?;
    let said = text(&wrong.stdout);
    assert!(wrong.status.code() == Some(1) && said.lines().count() == 2, "{wrong:?}");
    assert!(said.contains("none.secret") && said.contains("flow.json is not a contact flow"), "{said}");
    Ok(())
}

#[test]
fn a_configuration_is_shown_with_where_each_value_came_from_and_without_secrets() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("tympan.toml");
    let name = file.display().to_string();
    std::fs::write(
        &file,
        "[http]\nlisten = \"127.0.0.1:1\"\n[[credentials]]\naccess_key_id = \"A\"\nsecret_access_key = \"hush\"\n",
    )?;
    let environment = [("TYMPAN_SIP__CALLS_MAX", "7"), ("TYMPAN_KMS__SECRET_ACCESS_KEY", "hush")];
    let arguments = ["config", "show", "--config", &name, "--data-dir", "/srv/x", "--json"];
    let shown = tympan(&arguments, &environment)?;
    let entries: Vec<Value> = serde_json::from_slice(&shown.stdout)?;
    let entry = |key: &str| {
        let found = entries.iter().find(|entry| entry["key"] == key);
        found.map(|entry| (entry["value"].clone(), entry["origin"].clone())).unwrap_or_default()
    };
    let of = |kind: &str, name: &str| serde_json::json!({ "kind": kind, "name": name });
    assert_eq!(entry("data_dir"), ("/srv/x".into(), of("flag", "--data-dir")));
    assert_eq!(entry("sip.calls_max"), (7.into(), of("variable", "TYMPAN_SIP__CALLS_MAX")));
    let line = serde_json::json!({ "kind": "file", "path": name, "line": 2 });
    assert_eq!(entry("http.listen"), ("127.0.0.1:1".into(), line));
    assert_eq!(entry("rtp.tick_ms"), (2.into(), serde_json::json!({ "kind": "default" })));
    assert_eq!(entry("credentials[0].secret_access_key").0, "(hidden)");

    let shown = tympan(&arguments[..6], &environment)?;
    let shown = text(&shown.stdout);
    assert!(!shown.contains("hush") && shown.contains("(hidden)"), "{shown}");
    let changed = text(&tympan(&["config", "show", "--changed", "--config", &name], &[])?.stdout);
    assert_eq!(changed.lines().count(), 4, "{changed}");
    Ok(())
}

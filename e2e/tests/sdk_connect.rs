//! Amazon Connect's control plane by boto3.

use anyhow::ensure;
use serde_json::json;
use std::process::Command;
use tympan_e2e::python;
use tympan_testkit::{TestServer, binary};

#[test]
fn instances_storage_flows_functions_and_numbers_are_set_up() -> anyhow::Result<()> {
    python::run(&TestServer::start()?, "sdk_connect.py", &[]);
    Ok(())
}

#[test]
fn infrastructure_tools_and_scripts_find_what_they_call() -> anyhow::Result<()> {
    python::run(&TestServer::start()?, "sdk_connect_resources.py", &[]);
    Ok(())
}

#[test]
fn every_operation_on_resources_gives_what_the_page_says() -> anyhow::Result<()> {
    python::run(&TestServer::start()?, "sdk_connect_cases.py", &[]);
    Ok(())
}

#[test]
fn the_program_imports_flows_says_what_they_lead_to_and_exports_them() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let place = tempfile::tempdir()?;
    let foreign =
        "arn:aws:connect:us-east-1:999999999999:instance/4a573372-1f28-4e26-b97b-0123456789ab/prompt/x";
    let flow = json!({ "Version": "2019-10-30", "StartAction": "beep",
        "Metadata": { "name": "Beeps", "ActionMetadata": { "beep": { "promptName": "Beep.wav" } } },
        "Actions": [
            { "Identifier": "beep", "Type": "MessageParticipant", "Parameters": { "PromptId": foreign },
                "Transitions": { "NextAction": "end", "Errors": [{ "NextAction": "end", "ErrorType": "NoMatchingError" }], "Conditions": [] } },
            { "Identifier": "end", "Type": "DisconnectParticipant", "Parameters": {}, "Transitions": {} },
        ] });
    let file = place.path().join("beeps.json");
    std::fs::write(&file, format!("\u{feff}{flow}"))?;
    let run = |arguments: &[&std::ffi::OsStr]| -> anyhow::Result<String> {
        let mut command = Command::new(binary()?);
        let done = command.arg("flows").args(arguments).envs(server.aws_environment()).output()?;
        ensure!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    };
    let told = run(&["import".as_ref(), file.as_os_str(), "--publish".as_ref()])?;
    ensure!(told.contains("created and published"), "{told}");
    ensure!(
        told.contains("prompt \"Beep.wav\": not here by its id, found by its name \"Beep.wav\""),
        "{told}"
    );
    let again = run(&["import".as_ref(), file.as_os_str()])?;
    ensure!(again.contains("content saved"), "{again}");
    let folder = place.path().join("out");
    let listed = run(&["export".as_ref(), folder.as_os_str()])?;
    for name in ["Beeps.json", "Default queue transfer.json", "Sample.json"] {
        ensure!(listed.contains(name) && folder.join(name).exists(), "{name}: {listed}");
    }
    let told = run(&["import".as_ref(), folder.as_os_str(), "--publish".as_ref()])?;
    ensure!(told.matches("content published").count() == listed.lines().count(), "{told}");
    Ok(())
}

//! The scripts of `python/`, run against a server: boto3 as it is, told where to go by the environment alone.
//!
//! `TYMPAN_E2E_PYTHON` names the interpreter (3.11 or later, with boto3); `python3` unless it is set.

use crate::environment;
use anyhow::Context;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use tympan_testkit::TestServer;

/// Runs the checks of a script. `arguments` are names of checks (none: all of them), and after `--` what it wants to know.
///
/// # Panics
/// When a check fails, with what each failed one says; or when the script cannot run.
pub fn run(server: &TestServer, script: &str, arguments: &[&str]) {
    run_with(server, &[], script, arguments);
}

/// As [`run`], with more variables.
///
/// # Panics
/// As [`run`].
pub fn run_with(server: &TestServer, variables: &[(&str, &str)], script: &str, arguments: &[&str]) {
    let python = environment::python();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let mut command = Command::new(&python);
    environment::of(&mut command, server);
    let output = command
        .arg(folder.join(script))
        .args(arguments)
        .envs(variables.iter().copied())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("cannot run {python} (TYMPAN_E2E_PYTHON): {error}"));

    let lines = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut failures = String::new();
    for line in lines.lines() {
        let said: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{script} printed {line:?}"));
        let name = said["check"].as_str().unwrap_or("?");
        if let Some(reason) = said["skipped"].as_str() {
            println!("skipped: {name}: {reason}");
        } else if let Some(failure) = said["failure"].as_str() {
            failures.push_str(&format!("\nFAILED: {name}\n{failure}"));
        } else {
            println!("ok: {name} ({} ms)", said["ms"]);
        }
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && failures.is_empty() && !lines.is_empty(),
        "{script} ended with {}{failures}\n{complaint}",
        output.status
    );
}

/// What a script that needs no server prints: one JSON value.
///
/// # Errors
/// A script that cannot run, or prints something else.
pub fn ask(script: &str) -> anyhow::Result<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(script);
    let output = Command::new(environment::python())
        .arg(&script)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {}", script.display()))?;
    anyhow::ensure!(output.status.success(), "{} ended with {}", script.display(), output.status);
    Ok(serde_json::from_slice(&output.stdout)?)
}

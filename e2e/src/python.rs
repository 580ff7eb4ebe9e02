//! The scripts of `python/`, run against a server: boto3 as it is, told where to go by the environment alone.
//!
//! `TYMPAN_E2E_PYTHON` names the interpreter (3.11 or later, with boto3); `python3` unless it is set.

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
pub fn run_with(server: &TestServer, environment: &[(&str, &str)], script: &str, arguments: &[&str]) {
    let python = std::env::var("TYMPAN_E2E_PYTHON").unwrap_or_else(|_| "python3".into());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let mut command = Command::new(&python);
    // What the machine says about AWS or proxies is not to be heard.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("AWS_") || name.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    let output = command
        .arg(folder.join(script))
        .args(arguments)
        .envs(server.aws_environment())
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .envs(environment.iter().copied())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("TYMPAN_GROUND_TRUTH", ground_truth())
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

/// Where recordings of real clients are; the checks that want them are skipped where there are none.
fn ground_truth() -> String {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures");
    std::env::var("TYMPAN_GROUND_TRUTH").unwrap_or_else(|_| here.into())
}

//! What a client's process is told of the world: the server under test, and nothing that the machine says about AWS.

use std::process::Command;
use tympan_testkit::TestServer;

/// Points a client at `server`, by the variables that AWS's own clients read.
pub(crate) fn of(command: &mut Command, server: &TestServer) {
    // What the machine says about AWS or proxies is not to be heard.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("AWS_") || name.to_ascii_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command
        .envs(server.aws_environment())
        .env("AWS_CONFIG_FILE", "/dev/null")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
        .env("TYMPAN_GROUND_TRUTH", ground_truth());
}

/// Where recordings of real clients are; the checks that want them are skipped where there are none.
pub fn ground_truth() -> String {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/fixtures");
    std::env::var("TYMPAN_GROUND_TRUTH").unwrap_or_else(|_| here.into())
}

/// The interpreter of the scripts.
pub(crate) fn python() -> String {
    std::env::var("TYMPAN_E2E_PYTHON").unwrap_or_else(|_| "python3".into())
}

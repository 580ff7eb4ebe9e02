//! `cargo xtask compat`: what three SDKs see of the real binary, written into `docs/kvs-compat.md`.

use crate::command::{RunLoudly, cargo};
use crate::prerequisites;
use std::ffi::OsString;

/// The program of the AWS SDK for Rust, which is a workspace of its own.
pub(crate) const RUST: &str = "e2e/rust/Cargo.toml";

pub(crate) fn run() -> anyhow::Result<()> {
    let clients = clients()?;
    prerequisites::nextest()?;
    cargo().args(["build", "--quiet", "-p", "tympan-server", "--bin", "tympan"]).run_loudly()?;
    let test = "binary(sdk_conformance)";
    cargo()
        .envs(clients)
        .env("TYMPAN_COMPAT_WRITE", "1")
        .args(["nextest", "run", "-p", "tympan-e2e", "-E", test])
        .run_loudly()?;
    println!("docs/kvs-compat.md says what the tests show");
    Ok(())
}

/// The clients of the black-box tests, and the variables by which the tests find them.
pub(crate) fn clients() -> anyhow::Result<[(&'static str, OsString); 3]> {
    let python = prerequisites::python()?;
    let node = prerequisites::node_with_sdk()?;
    cargo()
        .args(["build", "--quiet", "--locked", "--manifest-path", RUST, "--target-dir", "target"])
        .run_loudly()?;
    Ok([
        ("TYMPAN_E2E_PYTHON", python.into()),
        ("TYMPAN_E2E_NODE", node.into()),
        // Whatever is missing now is a mistake.
        ("TYMPAN_E2E_SDKS", "all".into()),
    ])
}

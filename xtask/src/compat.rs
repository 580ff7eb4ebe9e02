//! `cargo xtask compat`: what three SDKs see of the real binary, written into `docs/kvs-compat.md`.

use crate::command::{RunLoudly, build, cargo, target_folder};
use crate::prerequisites;
use anyhow::Context;
use std::ffi::OsString;
use std::path::PathBuf;

/// The program of the AWS SDK for Rust, which is a workspace of its own.
pub(crate) const RUST: &str = "e2e/rust/Cargo.toml";

/// The package of the program `tympan`.
pub(crate) const PACKAGE: &str = "tympan-cli";

pub(crate) fn run() -> anyhow::Result<()> {
    let clients = clients()?;
    prerequisites::nextest()?;
    let tympan = tympan()?;
    let test = "binary(sdk_conformance)";
    cargo()
        .envs(clients)
        .env("TYMPAN_BIN", tympan)
        .env("TYMPAN_COMPAT_WRITE", "1")
        .args(["nextest", "run", "-p", "tympan-e2e", "-E", test])
        .run_loudly()?;
    println!("docs/kvs-compat.md says what the tests show");
    Ok(())
}

/// The server and command line, built as the tests and the demo run it.
pub(crate) fn tympan() -> anyhow::Result<PathBuf> {
    build("tympan", &["-p", PACKAGE, "--bin", "tympan"])
}

/// The clients of the black-box tests, and the variables by which the tests find them.
pub(crate) fn clients() -> anyhow::Result<[(&'static str, OsString); 4]> {
    let python = prerequisites::python()?;
    let node = prerequisites::node_with_sdk()?;
    // Beside everything else: the crates that both workspaces need are built once.
    let target = target_folder()?;
    let target = target.to_str().context("the name of cargo's target folder is not UTF-8")?;
    let rust = build("tympan-e2e-rust", &["--locked", "--manifest-path", RUST, "--target-dir", target])?;
    Ok([
        ("TYMPAN_E2E_PYTHON", python.into()),
        ("TYMPAN_E2E_NODE", node.into()),
        ("TYMPAN_E2E_RUST", rust.into()),
        // Whatever is missing now is a mistake.
        ("TYMPAN_E2E_SDKS", "all".into()),
    ])
}

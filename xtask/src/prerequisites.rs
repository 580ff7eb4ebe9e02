//! What the tests and the demo need beyond a Rust toolchain on Debian: installed on demand, announced.

use crate::command::{RunLoudly, cargo, program, root};
use anyhow::{Context, bail};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A program and the Debian package that brings it.
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
}

/// The SIP peer of the black-box tests.
pub(crate) const SIPP: Tool = Tool { program: "sipp", package: "sip-tester" };
/// Speaks text prompts.
pub(crate) const ESPEAK: Tool = Tool { program: "espeak-ng", package: "espeak-ng" };
/// Makes the certificates of the black-box tests.
pub(crate) const OPENSSL: Tool = Tool { program: "openssl", package: "openssl" };
/// Counts instructions.
pub(crate) const VALGRIND: Tool = Tool { program: "valgrind", package: "valgrind" };
/// A peer of the benchmarks.
pub(crate) const FFMPEG: Tool = Tool { program: "ffmpeg", package: "ffmpeg" };
/// Runs the shell examples of docs/emulator.md.
pub(crate) const CURL: Tool = Tool { program: "curl", package: "curl" };
/// Runs boto3.
pub(crate) const PYTHON: Tool = Tool { program: "python3", package: "python3" };

/// Installs the packages of those tools that are missing.
pub(crate) fn debian(tools: &[Tool]) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        tools.iter().filter(|tool| !runs(tool.program)).map(|tool| tool.package).collect();
    if missing.is_empty() { Ok(()) } else { apt_install(&missing) }
}

/// A Python with boto3, unmodified from PyPI, and pytest, in `e2e/.venv`.
pub(crate) fn python_with_boto3() -> anyhow::Result<PathBuf> {
    debian(&[PYTHON])?;
    let folder = root().join("e2e/.venv");
    let python = folder.join("bin/python");
    let is_ready = || quiet(Command::new(&python).args(["-c", "import boto3, pytest"]));
    if is_ready() {
        return Ok(python);
    }
    if !quiet(program("python3").args(["-c", "import venv, ensurepip"])) {
        apt_install(&["python3-venv"])?;
    }
    eprintln!("installing boto3 and pytest from PyPI into e2e/.venv");
    program("python3").args(["-m", "venv"]).arg(&folder).run_loudly()?;
    Command::new(&python).args(["-m", "pip", "install", "--quiet", "boto3==1.44.5"]).run_loudly().or_else(
        |_| {
            eprintln!("that release of boto3 is not to be had: taking the newest one");
            Command::new(&python).args(["-m", "pip", "install", "--quiet", "boto3"]).run_loudly()
        },
    )?;
    Command::new(&python).args(["-m", "pip", "install", "--quiet", "pytest"]).run_loudly()?;
    if is_ready() { Ok(python) } else { bail!("boto3 and pytest were installed but cannot be imported") }
}

/// rustfmt and clippy, which a minimal toolchain lacks.
pub(crate) fn rust_components() -> anyhow::Result<()> {
    for component in ["fmt", "clippy"] {
        if !quiet(cargo().args([component, "--version"])) {
            let name = if component == "fmt" { "rustfmt" } else { component };
            eprintln!("installing {name} with rustup");
            program("rustup").args(["component", "add", name]).run_loudly()?;
        }
    }
    Ok(())
}

/// cargo-nextest, built from crates.io where it is missing.
pub(crate) fn nextest() -> anyhow::Result<()> {
    if quiet(cargo().args(["nextest", "--version"])) {
        return Ok(());
    }
    eprintln!("installing cargo-nextest from crates.io (a few minutes)");
    cargo().args(["install", "--locked", "cargo-nextest"]).run_loudly()
}

fn apt_install(packages: &[&str]) -> anyhow::Result<()> {
    eprintln!("installing from Debian: {}", packages.join(" "));
    let as_root = quiet(Command::new("sh").args(["-c", "test \"$(id -u)\" = 0"]));
    let apt = |arguments: &[&str]| {
        let mut command = if as_root { program("apt-get") } else { program("sudo") };
        if !as_root {
            command.arg("apt-get");
        }
        command.env("DEBIAN_FRONTEND", "noninteractive").args(["-qq", "-y"]).args(arguments).run_loudly()
    };
    apt(&["update"]).context("apt-get update failed")?;
    apt(&[&["install", "--no-install-recommends"], packages].concat())
        .with_context(|| format!("could not install {packages:?}: install them by hand and run this again"))
}

fn runs(name: &str) -> bool {
    quiet(Command::new("sh").args(["-c", &format!("command -v {name}")]))
}

fn quiet(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

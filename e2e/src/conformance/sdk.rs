//! The three SDKs, each a program that runs cases: `python/sdk_cases.py`, `rust/`, `javascript/main.js`.

use super::{Case, Sights, Table, folder, request};
use crate::environment;
use anyhow::{Context, ensure};
use serde_json::Value;
use std::fmt;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use tympan_testkit::TestServer;

/// An SDK of AWS's, unmodified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sdk {
    /// Python. `TYMPAN_E2E_PYTHON` names the interpreter.
    Boto3,
    /// Rust. `TYMPAN_E2E_RUST` names the program; the one beside `tympan` unless it is set.
    Rust,
    /// JavaScript v3. `TYMPAN_E2E_NODE` names node; `node` unless it is set.
    JavaScript,
}

/// Why an SDK cannot be run here, and what helps.
#[derive(Debug)]
pub struct Absent(String);

/// What an SDK saw of a case.
#[derive(Debug)]
pub enum Sight {
    /// The answer was what the case expects of a good one.
    Success,
    /// The service answered with an error.
    Refused {
        /// Its code.
        code: String,
        /// The HTTP status.
        status: u64,
        /// Whether the SDK gave it as a class, a variant, of its own.
        typed: bool,
    },
    /// A check on the answer failed, or there was none.
    Failed(String),
}

impl Sdk {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Boto3, Self::Rust, Self::JavaScript];

    /// The program and its arguments, where it can be run.
    ///
    /// # Errors
    /// What is missing. `TYMPAN_E2E_SDKS=all`, which `cargo xtask test` sets, makes that a failure of the tests.
    pub fn command(self) -> Result<Command, Absent> {
        match self {
            Self::Boto3 => {
                let mut command = Command::new(environment::python());
                command.arg(folder().join("python/sdk_cases.py")).env("PYTHONDONTWRITEBYTECODE", "1");
                Ok(command)
            }
            Self::Rust => {
                let beside = || Some(tympan_testkit::binary().ok()?.parent()?.join("tympan-e2e-rust"));
                let program = std::env::var_os("TYMPAN_E2E_RUST").map(PathBuf::from).or_else(beside);
                let program = program.filter(|program| program.is_file());
                let help = "build it by `cargo xtask test`, or build e2e/rust and name its program in TYMPAN_E2E_RUST";
                Ok(Command::new(program.ok_or_else(|| Absent(help.into()))?))
            }
            Self::JavaScript => {
                let modules = folder().join("javascript/node_modules");
                if !modules.is_dir() {
                    return Err(Absent("install it: npm ci in e2e/javascript (node 20 or later)".into()));
                }
                let mut command = Command::new(std::env::var_os("TYMPAN_E2E_NODE").unwrap_or("node".into()));
                command.arg(folder().join("javascript/main.js"));
                Ok(command)
            }
        }
    }

    /// Runs cases on one server.
    ///
    /// # Errors
    /// A program that cannot be run, fails, or prints what is no report.
    pub fn run(self, server: &TestServer, cases: &[Case]) -> anyhow::Result<Sights> {
        let mut command = self.command().map_err(|absent| anyhow::anyhow!("{absent}"))?;
        environment::of(&mut command, server);
        // The Rust SDK has no PutMedia: its media goes through `tympan produce`.
        command.env("TYMPAN_BIN", tympan_testkit::binary()?);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().with_context(|| format!("cannot run {command:?}"))?;
        let mut stdin = child.stdin.take().context("no stdin")?;
        stdin.write_all(request(cases).as_bytes())?;
        drop(stdin);
        let output = child.wait_with_output()?;
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        ensure!(output.status.success(), "{} with {command:?}\n{complaint}", output.status);
        String::from_utf8_lossy(&output.stdout).lines().map(sight).collect::<anyhow::Result<_>>()
    }

    /// The versions that the tests run: those of the lock files.
    ///
    /// # Errors
    /// A lock file that does not have them.
    pub fn versions(self) -> anyhow::Result<Vec<(String, String)>> {
        let read = |file: &str| {
            std::fs::read_to_string(folder().join(file)).with_context(|| format!("cannot read {file}"))
        };
        let found: Vec<_> = match self {
            Self::Boto3 => {
                let requirements = read("python/requirements.txt")?;
                let pinned = requirements.lines().filter_map(|line| line.split_once("=="));
                let boto3 = pinned.filter(|(name, _)| *name == "boto3");
                boto3.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
            }
            Self::Rust => {
                let lock = read("rust/Cargo.lock")?;
                let field = |package: &str, field: &str| {
                    let line = package.lines().find_map(|line| line.strip_prefix(&format!("{field} = ")))?;
                    Some(line.trim_matches('"').to_owned())
                };
                let packages = lock.split("[[package]]");
                let named = packages
                    .filter_map(|package| Some((field(package, "name")?, field(package, "version")?)));
                named.filter(|(name, _)| name.starts_with("aws-sdk-kinesisvideo")).collect()
            }
            Self::JavaScript => {
                let lock: Value = serde_json::from_str(&read("javascript/package-lock.json")?)?;
                let packages = lock["packages"].as_object().into_iter().flatten();
                let named = packages.filter_map(|(path, package)| {
                    let name = path.strip_prefix("node_modules/")?;
                    Some((name.to_owned(), package["version"].as_str()?.to_owned()))
                });
                named.filter(|(name, _)| name.starts_with("@aws-sdk/client-")).collect()
            }
        };
        ensure!(!found.is_empty(), "{self} is in no lock file");
        Ok(found)
    }
}

/// A line of a program's report.
fn sight(line: &str) -> anyhow::Result<((String, String), Sight)> {
    let said: Value = serde_json::from_str(line).with_context(|| format!("{line:?} is no report"))?;
    let text = |name: &str| said[name].as_str().map(str::to_owned);
    let key = text("operation").zip(text("case")).with_context(|| format!("{line:?} names no case"))?;
    let sight = match (text("failure"), text("outcome")) {
        (Some(failure), _) => Sight::Failed(failure),
        (None, Some(outcome)) if outcome == "success" => Sight::Success,
        (None, Some(code)) => {
            let status = said["status"].as_u64().with_context(|| format!("{line:?} has no status"))?;
            Sight::Refused { code, status, typed: said["typed"] == true }
        }
        (None, None) => anyhow::bail!("{line:?} says nothing"),
    };
    Ok((key, sight))
}

impl Sight {
    /// What is not as the table has it.
    pub(super) fn differs(&self, case: &Case, table: &Table) -> Option<String> {
        let expected_status = table.statuses.get(&case.gives).copied().map(u64::from);
        match self {
            Self::Success if case.succeeds() => None,
            Self::Success => Some(format!("it succeeded, and not {}", case.gives)),
            Self::Refused { code, status, .. } if *code != case.gives => {
                Some(format!("{code} ({status}), and not {}", case.gives))
            }
            Self::Refused { status, .. } if Some(*status) != expected_status => {
                Some(format!("status {status}, and not {expected_status:?}"))
            }
            Self::Refused { typed, .. } if *typed != case.modelled => {
                let how = if *typed { "as a class of its own" } else { "by its code only" };
                Some(format!("{} was given {how}", case.gives))
            }
            Self::Refused { .. } => None,
            Self::Failed(why) => Some(why.clone()),
        }
    }
}

impl fmt::Display for Sdk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boto3 => "boto3",
            Self::Rust => "AWS SDK for Rust",
            Self::JavaScript => "AWS SDK for JavaScript v3",
        })
    }
}

impl fmt::Display for Absent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

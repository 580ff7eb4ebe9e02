//! `cargo xtask test`: what CI runs, in the order in which a mistake shows soonest.

use crate::command::{RunLoudly, cargo};
use crate::prerequisites::{self, CURL, ESPEAK, OPENSSL, SIPP};
use crate::{arrows, bench, demo};

pub(crate) fn run() -> anyhow::Result<()> {
    prerequisites::rust_components()?;
    cargo().args(["fmt", "--all", "--check"]).run_loudly()?;
    arrows::check()?;
    prerequisites::debian(&[SIPP, ESPEAK, OPENSSL, CURL])?;
    let python = prerequisites::python_with_boto3()?;
    prerequisites::nextest()?;
    cargo()
        .args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
        .run_loudly()?;
    // The black-box tests start the real binary, which cargo does not build for another package's tests.
    cargo().args(["build", "--quiet", "-p", "tympan-server", "--bin", "tympan"]).run_loudly()?;
    cargo().env("TYMPAN_E2E_PYTHON", &python).args(["nextest", "run", "--workspace"]).run_loudly()?;
    bench::instr(&[])?;
    demo::run(&[])
}

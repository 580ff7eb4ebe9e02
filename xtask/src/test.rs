//! `cargo xtask test`: what CI runs, in the order in which a mistake shows soonest.

use crate::command::{RunLoudly, cargo, target_folder};
use crate::prerequisites::{self, CURL, ESPEAK, FFMPEG, OPENSSL, SIPP};
use crate::{arrows, bench, compat, demo};

pub(crate) fn run() -> anyhow::Result<()> {
    prerequisites::rust_components()?;
    cargo().args(["fmt", "--all", "--check"]).run_loudly()?;
    cargo().args(["fmt", "--check", "--manifest-path", compat::RUST]).run_loudly()?;
    arrows::check()?;
    prerequisites::debian(&[SIPP, ESPEAK, OPENSSL, CURL, FFMPEG])?;
    let clients = compat::clients()?;
    prerequisites::nextest()?;
    cargo()
        .args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"])
        .run_loudly()?;
    cargo()
        .args(["clippy", "--manifest-path", compat::RUST, "--quiet", "--target-dir"])
        .arg(target_folder()?)
        .args(["--", "-D", "warnings"])
        .run_loudly()?;
    // The black-box tests start the real binary, which cargo does not build for another package's tests.
    let tympan = compat::tympan()?;
    cargo().envs(clients).env("TYMPAN_BIN", tympan).args(["nextest", "run", "--workspace"]).run_loudly()?;
    bench::instr(&[])?;
    demo::run(&[])
}

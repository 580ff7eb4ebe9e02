//! `cargo xtask test`: what CI runs, in the order in which a mistake shows soonest.

use crate::command::{RunLoudly, cargo, target_folder};
use crate::prerequisites::{
    self, AWS_CLI_2, BARESIP, CHROMIUM, CURL, ESPEAK, FFMPEG, IP, KAMAILIO, OPENSSL, SIPP, SIPSAK, SYSTEMD,
};
use crate::{arrows, bench, compat, console, fresh_clone, gates};

/// What is run after each change: format, arrows, lints, unit tests. Nothing is installed but parts of the toolchain.
pub(crate) fn check() -> anyhow::Result<()> {
    prerequisites::rust_components()?;
    cargo().args(["fmt", "--all", "--check"]).run_loudly()?;
    arrows::check()?;
    prerequisites::nextest()?;
    clippy()?;
    let without_black_boxes = ["--exclude", "tympan-e2e", "--exclude", "tympan-bench"];
    cargo().args(["nextest", "run", "--workspace"]).args(without_black_boxes).run_loudly()
}

/// Two tests a core: those that call a server wait for sound and for timers most of the time.
fn test_threads() -> usize {
    2 * std::thread::available_parallelism().map_or(1, usize::from)
}

/// The lints of the workspace.
fn clippy() -> anyhow::Result<()> {
    cargo().args(["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"]).run_loudly()
}

pub(crate) fn run() -> anyhow::Result<()> {
    prerequisites::rust_components()?;
    cargo().args(["fmt", "--all", "--check"]).run_loudly()?;
    cargo().args(["fmt", "--check", "--manifest-path", compat::RUST]).run_loudly()?;
    arrows::check()?;
    prerequisites::debian(&[
        SIPP, SIPSAK, BARESIP, KAMAILIO, ESPEAK, OPENSSL, CURL, FFMPEG, IP, SYSTEMD, AWS_CLI_2, CHROMIUM,
    ])?;
    let clients = compat::clients()?;
    console::check()?;
    prerequisites::pjsip()?;
    let aws_cli_1 = prerequisites::aws_cli_1()?;
    prerequisites::nextest()?;
    gates::deny()?;
    clippy()?;
    cargo()
        .args(["clippy", "--manifest-path", compat::RUST, "--quiet", "--target-dir"])
        .arg(target_folder()?)
        .args(["--", "-D", "warnings"])
        .run_loudly()?;
    gates::documentation()?;
    gates::fuzz_targets()?;
    // The black-box tests start the real binary, which cargo does not build for another package's tests.
    let tympan = compat::tympan()?;
    cargo()
        .envs(clients)
        .env("TYMPAN_BIN", &tympan)
        .env("TYMPAN_E2E_AWS_CLI_1", aws_cli_1)
        .env("TYMPAN_E2E_AWS_CLI_2", AWS_CLI_2.program)
        .args(["nextest", "run", "--workspace", "--test-threads", &test_threads().to_string()])
        .run_loudly()?;
    console::browser(&tympan, &[])?;
    bench::instr(&[])?;
    fresh_clone::demo()
}

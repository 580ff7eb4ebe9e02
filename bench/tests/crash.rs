//! `bench crash` with as many kills as CI has time for.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::process::Command;

/// Kills, unless `TYMPAN_BENCH_KILLS` says otherwise.
const KILLS: u32 = 50;

#[test]
fn fifty_kills_lose_nothing_alter_nothing_and_reuse_no_number() {
    let kills =
        std::env::var("TYMPAN_BENCH_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let output = Command::new(env!("CARGO_BIN_EXE_tympan-bench"))
        .args(["crash", "--latest-ms", "80", "--producers", "4", "--kills", &kills.to_string()])
        .env("TYMPAN_BIN", tympan_testkit::binary().unwrap())
        .output()
        .unwrap();
    let (said, complained) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    eprintln!("{said}\n{complained}");
    assert!(output.status.success(), "{said}\n{complained}");
    assert!(said.contains("\"lost_fragments\":0") && said.contains("\"numbers_reused\":0"), "{said}");
}

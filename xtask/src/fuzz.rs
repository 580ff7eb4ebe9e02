//! `cargo xtask fuzz`: each target for a while, on the corpus that the ordinary tests run too.

use crate::command::{RunLoudly, program, root, target_folder};
use anyhow::{Context, bail};
use std::process::Stdio;

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    let mut seconds = 60_u32;
    let mut wanted: Vec<String> = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            seconds =
                arguments.next().and_then(|text| text.parse().ok()).context("--seconds takes a number")?;
        } else {
            wanted.push(argument.clone());
        }
    }
    if wanted.is_empty() {
        wanted = targets()?;
    }
    let installed =
        program("cargo").args(["fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!("installing cargo-fuzz from crates.io");
        program("cargo").args(["install", "--locked", "cargo-fuzz"]).run_loudly()?;
    }
    let sanitizing = sanitizing_toolchain();
    for target in &wanted {
        // What is found goes to the first folder; the seeds are those of the repository, which stays as it is.
        let found = target_folder()?.join("fuzz-corpus").join(target);
        std::fs::create_dir_all(&found)?;
        let seeds = root().join("fuzz/corpus").join(target);
        program("cargo")
            .env(sanitizing.0, sanitizing.1)
            // SQLite ends up in some of the binaries twice, which the sanitizer would take for a defect.
            .env("ASAN_OPTIONS", "detect_odr_violation=0")
            .args(["fuzz", "run", target])
            .args([found, seeds])
            .args(["--", &format!("-max_total_time={seconds}"), "-rss_limit_mb=2048"])
            .run_loudly()?;
        println!("{target}: {seconds} s without a finding");
    }
    Ok(())
}

/// The variable that lets rustc take the sanitizer's flags: a nightly toolchain where there is one, else the present
/// one with its unstable flags let in.
fn sanitizing_toolchain() -> (&'static str, &'static str) {
    let nightly = program("cargo")
        .args(["+nightly", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if nightly { ("RUSTUP_TOOLCHAIN", "nightly") } else { ("RUSTC_BOOTSTRAP", "1") }
}

/// The targets, as the files of `fuzz/fuzz_targets` name them.
fn targets() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(root().join("fuzz/fuzz_targets"))? {
        if let Some(name) = entry?.file_name().to_str().and_then(|name| name.strip_suffix(".rs")) {
            names.push(name.to_owned());
        }
    }
    names.sort();
    if names.is_empty() { bail!("fuzz/fuzz_targets is empty") } else { Ok(names) }
}

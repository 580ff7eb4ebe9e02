//! Gates of `cargo xtask test` that run one command each: dependencies, documentation, the fuzz targets.

use crate::command::{RunLoudly, cargo, program, target_folder};
use crate::prerequisites;
use std::process::Command;

/// Licences, sources and versions of what is depended on, by deny.toml. Advisories are asked for in CI alone: their database is a
/// repository, and a change of it is no change of ours.
pub(crate) fn deny() -> anyhow::Result<()> {
    let deny = match prerequisites::cargo_deny() {
        Ok(deny) => deny,
        Err(error) => {
            eprintln!("SKIPPED: the check of dependencies, as cargo-deny cannot be installed: {error:#}");
            return Ok(());
        }
    };
    let mut check = Command::new(deny);
    check.current_dir(crate::command::root()).args(["--log-level", "error", "check"]);
    check.args(["bans", "licenses", "sources"]).run_loudly()
}

/// The documentation of the crates: every link of it leads somewhere.
pub(crate) fn documentation() -> anyhow::Result<()> {
    cargo()
        .env("RUSTDOCFLAGS", "-D warnings")
        .args(["doc", "--workspace", "--no-deps", "--quiet", "--keep-going"])
        .run_loudly()
}

/// The fuzz targets, by the stable toolchain: a change of what they call does not leave them behind.
pub(crate) fn fuzz_targets() -> anyhow::Result<()> {
    let target = target_folder()?;
    // Nothing is linked, so libFuzzer need not be built: an archive of nothing stands for it.
    let nothing = target.join("libfuzzer-nothing.a");
    program("ar").args(["rcs"]).arg(&nothing).run_loudly()?;
    cargo()
        .env("CUSTOM_LIBFUZZER_PATH", nothing)
        .args([
            "check",
            "--quiet",
            "--locked",
            "--bins",
            "--manifest-path",
            "fuzz/Cargo.toml",
            "--target-dir",
        ])
        .arg(target)
        .run_loudly()
}

//! The README's first command as a new user meets it: in a fresh clone, with cargo building elsewhere, and a home that
//! holds no configuration.

use crate::command::{RunLoudly, program, root, target_folder};
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the demo in a copy of what git knows of this folder.
///
/// Cargo builds into this workspace's target folder, so that only the project's own crates are built a second time.
pub(crate) fn demo() -> anyhow::Result<()> {
    let target = target_folder()?;
    let clone = target.join("fresh-clone");
    if clone.exists() {
        std::fs::remove_dir_all(&clone)?;
    }
    copy_to(&clone)?;
    let home = clone.join("home");
    std::fs::create_dir(&home)?;
    Command::new("cargo")
        .args(["xtask", "demo", "--try"])
        .current_dir(&clone)
        // What cargo has set for this process is of the other workspace.
        .env_remove("CARGO_MANIFEST_DIR")
        .env("CARGO_TARGET_DIR", &target)
        // The toolchain stays where it is.
        .env("CARGO_HOME", toolchain_folder("CARGO_HOME", ".cargo")?)
        .env("RUSTUP_HOME", toolchain_folder("RUSTUP_HOME", ".rustup")?)
        .env("HOME", &home)
        .run_loudly()?;
    let heard = target.join("demo/caller.wav");
    ensure!(heard.is_file(), "the demo left no {}", heard.display());
    Ok(())
}

fn toolchain_folder(variable: &str, name: &str) -> anyhow::Result<PathBuf> {
    let set = std::env::var_os(variable).map(PathBuf::from);
    let in_home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(name));
    set.or_else(in_home).with_context(|| format!("neither {variable} nor HOME is set"))
}

/// Copies the files that git knows or would add, as they are now.
fn copy_to(clone: &Path) -> anyhow::Result<()> {
    let listed =
        program("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).output();
    let listed = listed.context("git lists the files of a fresh clone")?;
    ensure!(listed.status.success(), "git ls-files failed ({})", listed.status);
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (root().join(name), clone.join(name));
        // One that was removed and not yet committed is listed all the same.
        if from.is_file() {
            std::fs::create_dir_all(to.parent().unwrap_or(clone))?;
            std::fs::copy(from, to)?;
        }
    }
    // What was installed from PyPI serves the clone as well.
    for name in ["e2e/.venv", "e2e/.venv-aws-cli-1"] {
        std::os::unix::fs::symlink(root().join(name), clone.join(name))?;
    }
    Ok(())
}

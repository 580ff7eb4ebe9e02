//! The web console: its types, its tests, whether what is committed is what its sources build, and its pages in a browser.

use crate::command::{RunLoudly, root, target_folder};
use crate::compat;
use crate::prerequisites::{self, CHROMIUM, ESPEAK, PNGQUANT};
use anyhow::{Context, bail, ensure};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// `cargo xtask console`.
pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments.split_first() {
        None => build(),
        Some((verb, rest)) if verb == "--browser" => browser(&compat::tympan()?, rest),
        Some((verb, [])) if verb == "--shots" => shots(&compat::tympan()?),
        Some(_) => bail!("cargo xtask console [--browser [FILE...] [-t PATTERN] | --shots]"),
    }
}

/// The pages that this program serves, in Chromium: all files of `console/e2e`, or those named.
pub(crate) fn browser(tympan: &Path, files: &[String]) -> anyhow::Result<()> {
    npm_with_chromium(tympan, "e2e")?
        .env("CONSOLE_FAILURES", target_folder()?.join("console-failures"))
        .arg("--")
        .args(files)
        .run_loudly()
}

/// The pictures of the documentation, from a real server with real calls.
fn shots(tympan: &Path) -> anyhow::Result<()> {
    prerequisites::debian(&[PNGQUANT])?;
    npm_with_chromium(tympan, "shots")?.run_loudly()
}

/// A script of the console that needs a browser and calls into this program.
fn npm_with_chromium(tympan: &Path, script: &str) -> anyhow::Result<Command> {
    prerequisites::debian(&[CHROMIUM, ESPEAK])?;
    prerequisites::node_modules("console")?;
    let mut npm = prerequisites::npm("console")?;
    npm.args(["run", script]).env("CHROMIUM", CHROMIUM.program).env("TYMPAN", tympan);
    Ok(npm)
}

/// Builds `console/dist`, which the server carries.
fn build() -> anyhow::Result<()> {
    check_sources()?;
    prerequisites::npm("console")?.args(["run", "build"]).run_loudly()
}

/// Fails where the sources are wrong, or build anything else than what is committed.
pub(crate) fn check() -> anyhow::Result<()> {
    check_sources()?;
    let built = target_folder()?.join("console-dist");
    prerequisites::npm("console")?
        .args(["run", "build", "--", "--emptyOutDir", "--outDir"])
        .arg(&built)
        .run_loudly()?;
    let (built, committed) = (files(&built)?, files(&root().join("console/dist"))?);
    let differs = |name: &&String| built.get(*name) != committed.get(*name);
    let names = built.keys().chain(committed.keys());
    let other: Vec<&String> = names.filter(differs).collect();
    ensure!(
        other.is_empty(),
        "console/dist is not what the sources of the console build ({other:?}): run `cargo xtask console`"
    );
    Ok(())
}

fn check_sources() -> anyhow::Result<()> {
    prerequisites::node_modules("console")?;
    for script in ["check", "test"] {
        prerequisites::npm("console")?.args(["run", script]).run_loudly()?;
    }
    Ok(())
}

/// Every file below a folder, by its path from there.
fn files(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let listed = std::fs::read_dir(&next).with_context(|| format!("cannot list {}", next.display()))?;
        for entry in listed {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
                found.insert(name, std::fs::read(&path)?);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_path_below_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("assets")).unwrap();
        std::fs::write(folder.path().join("index.html"), "a").unwrap();
        std::fs::write(folder.path().join("assets/x.js"), "b").unwrap();
        let expected = [("assets/x.js".to_owned(), b"b".to_vec()), ("index.html".to_owned(), b"a".to_vec())];
        assert_eq!(files(folder.path()).unwrap(), expected.into());
    }
}

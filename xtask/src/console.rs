//! The web console: its types, its tests, and whether what is committed is what its sources build.

use crate::command::{RunLoudly, root, target_folder};
use crate::prerequisites;
use anyhow::{Context, ensure};
use std::collections::BTreeMap;
use std::path::Path;

/// Builds `console/dist`, which the server carries.
pub(crate) fn build() -> anyhow::Result<()> {
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

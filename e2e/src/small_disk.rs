//! A file system of a few megabytes, for tests that fill it.

use anyhow::{Context, bail, ensure};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const CHILD: &str = "TYMPAN_E2E_SMALL_DISK";

/// A small tmpfs.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Runs the test of this name once more, in a mount namespace with a file system of its own; gives it in that second
    /// run. Where the kernel does not allow that, it says so and the test passes.
    pub fn of_test(name: &str, megabytes: u32) -> anyhow::Result<Option<Self>> {
        if let Some(path) = std::env::var_os(CHILD) {
            return Ok(Some(Self(path.into())));
        }
        let place = tempfile::tempdir()?;
        let mount = format!("mount -t tmpfs -o size={megabytes}m tympan \"$0\" || exit 77; exec \"$@\"");
        let child = Command::new("unshare")
            .args(["--mount", "--map-root-user", "sh", "-c", &mount])
            .arg(place.path())
            .arg(std::env::current_exe()?)
            .args(["--exact", name, "--nocapture"])
            .env(CHILD, place.path())
            .output()
            .context("unshare")?;
        let said = String::from_utf8_lossy(&child.stderr);
        match child.status.code() {
            Some(0) => ensure!(
                String::from_utf8_lossy(&child.stdout).contains("1 passed"),
                "no test is called {name}"
            ),
            Some(77) => eprintln!("skipped: no file system can be mounted: {said}"),
            _ if said.contains("unshare") => eprintln!("skipped: {said}"),
            _ => bail!("{said}"),
        }
        Ok(None)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes what space there is, to the last byte.
    pub fn fill(&self) -> anyhow::Result<()> {
        let mut file = File::create(self.filling())?;
        for length in [65_536, 4_096, 1] {
            while file.write_all(&vec![1; length]).is_ok() {}
        }
        Ok(())
    }

    /// Gives the space back.
    pub fn make_room(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.filling())?)
    }

    fn filling(&self) -> PathBuf {
        self.0.join("filling")
    }
}

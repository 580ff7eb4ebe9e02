//! A wall clock that a test sets while the server runs, as NTP or a person sets a machine's.

use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tympan_testkit::TestServerBuilder;

/// The wall clock of a server: the machine's, and so much ahead. A small library that the server is started with
/// (`clock/stepped_clock.c`, built by the C compiler that the project needs anyway) answers for the machine.
pub struct SteppedClock {
    ahead: PathBuf,
    library: PathBuf,
    _scratch: TempDir,
}

impl SteppedClock {
    /// A clock that is right.
    pub fn new() -> anyhow::Result<Self> {
        let scratch = tempfile::tempdir()?;
        let (ahead, library) = (scratch.path().join("ahead"), scratch.path().join("stepped_clock.so"));
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/clock/stepped_clock.c");
        let built = Command::new("cc").args(["-O1", "-shared", "-fPIC", source, "-o"]).arg(&library).status();
        ensure!(built.context("cannot start cc")?.success(), "cc cannot build {source}");
        let clock = Self { ahead, library, _scratch: scratch };
        clock.set_ahead_s(0)?;
        Ok(clock)
    }

    /// The server gets this clock.
    pub fn given_to(&self, builder: TestServerBuilder) -> TestServerBuilder {
        let [(preload, library), (name, ahead)] = self.environment();
        builder.env(preload, library).env(name, ahead)
    }

    /// The variables that give a process this clock.
    pub fn environment(&self) -> [(&'static str, String); 2] {
        let path = |path: &Path| path.display().to_string();
        [("LD_PRELOAD", path(&self.library)), ("STEPPED_CLOCK", path(&self.ahead))]
    }

    /// From now on it is so many seconds ahead of the machine's; negative: behind.
    pub fn set_ahead_s(&self, seconds: i64) -> anyhow::Result<()> {
        // Written over in place: the server has mapped the file.
        let bytes = (seconds * 1_000_000_000).to_ne_bytes();
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(false).open(&self.ahead)?;
        std::os::unix::fs::FileExt::write_all_at(&file, &bytes, 0)?;
        Ok(())
    }
}

//! ffmpeg, from Debian.

use crate::cost;
use anyhow::Context;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// An ffmpeg that runs.
pub(crate) struct Ffmpeg {
    /// Its version, as it names it.
    pub(crate) version: String,
}

impl Ffmpeg {
    /// How it is installed.
    pub(crate) const INSTALL: &'static str = "apt-get install ffmpeg";

    /// Finds it; `None` where it is not installed.
    pub(crate) fn find() -> Option<Self> {
        let output = Command::new("ffmpeg").arg("-version").stderr(Stdio::null()).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.strip_prefix("ffmpeg version ")?.split_whitespace().next()?.to_owned();
        Some(Self { version })
    }

    /// Takes a Matroska file apart and drops the packets: the least that it can be asked for.
    pub(crate) fn demux(&self, mkv: &Path) -> anyhow::Result<Duration> {
        cost::of_program(
            Self::quietly().arg("-i").arg(mkv).args(["-map", "0:a", "-c", "copy", "-f", "null", "-"]),
        )
    }

    /// The PCM of a Matroska file.
    pub(crate) fn pcm(&self, mkv: &Path) -> anyhow::Result<Vec<u8>> {
        let mut command = Self::quietly();
        command.arg("-i").arg(mkv).args(["-map", "0:a", "-c", "copy", "-f", "s16le", "-"]);
        Ok(command.stdin(Stdio::null()).stderr(Stdio::null()).output().context("cannot run ffmpeg")?.stdout)
    }

    /// Puts PCM into Matroska with a Cluster a second, and drops the file.
    pub(crate) fn mux(&self, pcm: &Path) -> anyhow::Result<Duration> {
        let mut command = Self::quietly();
        command.args(["-f", "s16le", "-ar", "8000", "-ac", "1", "-i"]).arg(pcm);
        command.args(["-c", "copy", "-f", "matroska", "-cluster_time_limit", "1000", "-y", "/dev/null"]);
        cost::of_program(&mut command)
    }

    fn quietly() -> Command {
        let mut command = Command::new("ffmpeg");
        command.args(["-nostdin", "-v", "quiet"]);
        command
    }
}

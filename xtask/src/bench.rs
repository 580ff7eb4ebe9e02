//! `cargo xtask bench NAME`: one benchmark, and what it needs from Debian.
//!
//! nginx is named by the benchmarks that compare to it and not installed: Debian starts it as a service.

use crate::command::{RunLoudly, cargo};
use crate::prerequisites::{self, FFMPEG, VALGRIND};

pub(crate) fn run(arguments: &[String]) -> anyhow::Result<()> {
    match arguments.split_first() {
        Some((name, rest)) if name == "instr" => return instr(rest),
        Some((name, _)) if name == "demux" || name == "mux" => prerequisites::debian(&[FFMPEG])?,
        _ => {}
    }
    cargo().args(["run", "--release", "--quiet", "-p", "tympan-bench", "--"]).args(arguments).run_loudly()
}

/// The gate of instructions and allocations.
pub(crate) fn instr(arguments: &[String]) -> anyhow::Result<()> {
    prerequisites::debian(&[VALGRIND])?;
    cargo()
        .args(["run", "--profile", "instr", "--quiet", "-p", "tympan-instr", "--"])
        .args(arguments)
        .run_loudly()
}

//! The gate that CI runs: `cargo xtask bench instr`.
//!
//! Wall time on a shared machine says nothing; how many instructions and allocations a packet or a fragment takes says
//! the same every time. Each path runs under callgrind on a fixed input, and what it takes for each unit is compared to
//! its ceiling in `bench/instr.toml`. How to read it: `docs/benchmarks.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod callgrind;
mod ceilings;
mod gate;
mod path;
mod paths;

use anyhow::{Context, bail};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask bench instr [--accept]

  --accept    write what is measured now, and ceilings a tenth above it, to bench/instr.toml";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench instr: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => gate::check(),
        ["--accept"] => gate::accept(),
        // How the gate starts itself under callgrind.
        ["run", name, units] => {
            let path = paths::ALL.iter().find(|path| path.name == name).context("there is no such path")?;
            (path.run)(units.parse()?)
        }
        _ => bail!("{HELP}"),
    }
}

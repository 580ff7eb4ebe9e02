//! The project's chores: `cargo xtask <verb>`. Needs nothing but cargo; installs what else a verb needs, and says so.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod arrows;
mod bench;
mod command;
mod compat;
mod console;
mod demo;
mod dist;
mod fresh_clone;
mod fuzz;
mod gates;
mod mutants;
mod prerequisites;
mod ratios;
mod simulate;
mod test;

use anyhow::bail;
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask <verb>

  test            everything that CI runs: format, lints, arrows, dependencies, documentation, fuzz targets, unit tests, black-box
                  tests with real clients, the console in a browser
  check           format, lints, arrows and unit tests, for the time in which something changes
  demo [--keep]   build, place a call through the sample flow, and leave its audio and records in target/demo/
                  (or where cargo builds instead); --keep leaves the server running and says how to point boto3,
                  the AWS CLI and a softphone at it; --try runs what --keep says
  compat          run the SDK suites of e2e/conformance and write docs/kvs-compat.md from what they saw
  console [--browser [FILE...] [-t PATTERN] | --shots]
                  check and test the sources of the web console, and build console/dist, which the server carries; --browser runs
                  its browser tests instead, all or those of console/e2e/FILE.test.mjs; --shots makes the pictures of docs/console/
  arrows          check the allowed imports between crates
  ratios          print how much of each crate is its tests
  dist [--prove] [--program FILE]
                  build what is handed out, in target/dist/: the program, which needs glibc 2.36 and nothing else, and a Debian
                  package of it; --prove (as root) installs that on a machine of Debian's packages, by the README's commands;
                  --program packages that file instead of building
  fuzz [--seconds N] [TARGET...]
                  run the fuzz targets, 60 s each unless told otherwise (with a nightly toolchain if there is one)
  simulate [--seeds N | --calls N | --dialogs N | --flows N] [--seed S] [--trace | --survey | --mutants]
                  a whole node among callers on a simulated network and disk, 1,000 worlds unless told otherwise; --help says more
  bench NAME ...  run one benchmark of bench/ in release mode: live, capture, load, crash, demux, mux, ingest, replay,
                  store, waveform
  bench instr [--accept]
                  the gate of instructions and allocations, or new ceilings for it";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let verb = arguments.next().unwrap_or_default();
    match run(&verb, &arguments.collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not by returning it: a backtrace says nothing to the person who has to install a program.
            eprintln!("cargo xtask {verb}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(verb: &str, rest: &[String]) -> anyhow::Result<()> {
    match verb {
        "test" => test::run(),
        "check" => test::check(),
        "demo" => demo::run(rest),
        "compat" => compat::run(),
        "console" => console::run(rest),
        "arrows" => arrows::check(),
        "ratios" => ratios::print(),
        "fuzz" => fuzz::run(rest),
        "dist" => dist::run(rest),
        "simulate" => simulate::run(rest),
        "bench" => bench::run(rest),
        "" | "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(())
        }
        other => bail!("there is no verb {other:?}\n\n{HELP}"),
    }
}

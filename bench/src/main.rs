//! One benchmark per promise, each against the real server in a process of its own: `cargo xtask bench NAME`.
//!
//! What the numbers mean and how to read them: `docs/benchmarks.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod capture;
mod clock;
mod crash;
mod live;
mod load;
mod machine;
mod punctuality;
mod report;
mod rig;
mod rtp;
mod sip;
mod statistics;
mod verify;

use clap::Parser;

/// Benchmarks of tympan. Results go to stdout: a table, then a line of JSON for each run.
#[derive(Debug, Parser)]
#[command(name = "bench")]
enum Bench {
    /// Time from an RTP packet leaving its sender to its samples being readable in a GetMedia body
    Live(live::Arguments),
    /// CPU, memory and disk of captured calls, and whether every sample is there
    Capture(capture::Arguments),
    /// Many uploads at once, readers at their tails, one of them slow and one dead
    Load(load::Arguments),
    /// Whether anything acknowledged is lost when the server is killed again and again
    Crash(crash::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Bench::parse() {
        Bench::Live(arguments) => live::run(&arguments),
        Bench::Capture(arguments) => capture::run(&arguments),
        Bench::Load(arguments) => load::run(&arguments),
        Bench::Crash(arguments) => crash::run(&arguments),
    }
}

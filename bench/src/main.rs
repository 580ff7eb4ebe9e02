//! One benchmark per promise, each with its peer in the same run: `cargo xtask bench NAME`.
//!
//! What the numbers mean and how to read them: `docs/benchmarks.md`.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks to its user")]

mod capture;
mod clock;
mod corpus;
mod cost;
mod crash;
mod demux;
mod ingest;
mod live;
mod load;
mod machine;
mod mux;
mod peer;
mod punctuality;
mod replay;
mod report;
mod rig;
mod rtp;
mod sip;
mod speech;
mod statistics;
mod store;
mod verify;
mod waveform;

use clap::Parser;
use std::process::ExitCode;

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
    /// PCM out of Matroska, against ffmpeg and webm-iterable
    Demux(demux::Arguments),
    /// PCM into Matroska, against ffmpeg and webm-iterable
    Mux(mux::Arguments),
    /// PutMedia over HTTP, against nginx and a loop that only reads
    Ingest(ingest::Arguments),
    /// GetMedia of what is stored, against nginx serving the same bytes
    Replay(replay::Arguments),
    /// The store alone, against a file per stream and SQLite
    Store(store::Arguments),
    /// The waveform of a long call, from the request to the last byte of the answer
    Waveform(waveform::Arguments),
}

fn main() -> ExitCode {
    match run(Bench::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(bench: Bench) -> anyhow::Result<()> {
    match bench {
        Bench::Live(arguments) => live::run(&arguments),
        Bench::Capture(arguments) => capture::run(&arguments),
        Bench::Load(arguments) => load::run(&arguments),
        Bench::Crash(arguments) => crash::run(&arguments),
        Bench::Demux(arguments) => demux::run(&arguments),
        Bench::Mux(arguments) => mux::run(&arguments),
        Bench::Ingest(arguments) => ingest::run(&arguments),
        Bench::Replay(arguments) => replay::run(&arguments),
        Bench::Store(arguments) => store::run(&arguments),
        Bench::Waveform(arguments) => waveform::run(&arguments),
    }
}

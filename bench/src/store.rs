//! `bench store`: the store alone, in this process, against the layouts that it was chosen over.

mod aftermath;
pub(crate) mod layout;
mod load;

use crate::machine::Machine;
use crate::report::{self, Row};
use crate::rig::server;
use crate::speech;
use layout::{FilePerStream, Payload, SqliteGroups, SqliteRows, Tympan};
use load::{Outcome, Pace};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The store without a network.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Streams that are written at once, one fragment of each at a time.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=4_000))]
    streams: u32,
    /// How long each layout is written to, in seconds; twice, once as fast as it can and once at a fragment per
    /// stream and second.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Streams whose memory is measured when nobody uses them.
    #[arg(long, default_value_t = 10_000)]
    idle_streams: u32,
    /// What the journal holds when the process is killed, in MB.
    #[arg(long, default_value_t = 300)]
    journal_megabytes: u64,
    /// Folder of the data; by default beside the build.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// How the benchmark starts itself.
    #[arg(long, hide = true)]
    role: Option<aftermath::Role>,
}

/// Runs it and prints the results.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let (Some(role), Some(folder)) = (arguments.role, &arguments.data_dir) {
        return aftermath::act(role, folder, arguments);
    }
    let machine = Machine::read();
    println!(
        "the store, {} streams, {} s a run: {}",
        arguments.streams,
        arguments.seconds,
        machine.describe()
    );
    let payload = Payload::of_a_second(&speech::pcm(&speech::mu_law(1)));
    let finish = |rows: Vec<Row>| -> Vec<Row> {
        rows.into_iter().map(|row| row.detail("bench", "store").detail("machine", machine.json())).collect()
    };
    for pace in [Pace::FlatOut, Pace::OnePerSecond] {
        let mut rows = Vec::new();
        for name in Name::ALL {
            let folder = scratch(arguments)?;
            let outcome = measure(name, folder.path(), pace, &payload, arguments)?;
            rows.push(row(name, pace, arguments.streams, &payload, &outcome));
            eprintln!("{}, {}: done", name.text(), pace.name());
        }
        print(&finish(rows));
    }
    print(&finish(vec![aftermath::reopen(arguments)?]));
    print(&finish(vec![aftermath::idle(arguments)?]));
    Ok(())
}

fn print(rows: &[Row]) {
    print!("{}", report::table(rows));
    rows.iter().for_each(|row| println!("{}", row.json_line()));
}

fn scratch(arguments: &Arguments) -> anyhow::Result<tempfile::TempDir> {
    match &arguments.data_dir {
        Some(folder) => Ok(tempfile::Builder::new().prefix("bench-store-").tempdir_in(folder)?),
        None => server::scratch("bench-store-"),
    }
}

/// The layouts.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Name {
    Tympan,
    FilePerStream,
    SqliteRows,
    SqliteGroups,
}

impl Name {
    const ALL: [Self; 4] = [Self::Tympan, Self::FilePerStream, Self::SqliteRows, Self::SqliteGroups];

    fn text(self) -> &'static str {
        match self {
            Self::Tympan => "tympan store, encrypted",
            Self::FilePerStream => "file per stream, fdatasync each",
            Self::SqliteRows => "SQLite, a commit per row",
            Self::SqliteGroups => "SQLite, group commit",
        }
    }
}

fn measure(
    name: Name,
    folder: &Path,
    pace: Pace,
    payload: &Payload,
    arguments: &Arguments,
) -> anyhow::Result<Outcome> {
    let (streams, time) = (arguments.streams, Duration::from_secs(arguments.seconds));
    match name {
        Name::Tympan => load::apply(Tympan::open(folder)?, streams, pace, time, payload),
        Name::FilePerStream => load::apply(FilePerStream::open(folder)?, streams, pace, time, payload),
        Name::SqliteRows => load::apply(SqliteRows::open(folder)?, streams, pace, time, payload),
        Name::SqliteGroups => load::apply(SqliteGroups::open(folder)?, streams, pace, time, payload),
    }
}

fn row(name: Name, pace: Pace, streams: u32, payload: &Payload, outcome: &Outcome) -> Row {
    let appends = outcome.latencies.count();
    let bytes = (appends * payload.len() as u64) as f64;
    Row::new()
        .cell("layout", name.text().to_owned(), "layout", name.text())
        .cell("load", pace.name().to_owned(), "load", pace.name())
        .number("appends/s", "appends_per_s", appends as f64 / outcome.wall.as_secs_f64(), 0)
        .number("MB/s", "mb_per_s", bytes / 1e6 / outcome.wall.as_secs_f64(), 0)
        .ms("ack p50 ms", "ack_p50_ms", outcome.latencies.percentile(50.0))
        .ms("ack p99 ms", "ack_p99_ms", outcome.latencies.percentile(99.0))
        .ms("ack max ms", "ack_max_ms", outcome.latencies.max())
        .number("CPU us/append", "cpu_us_per_append", outcome.cpu.as_secs_f64() * 1e6 / appends as f64, 1)
        .number("written/byte", "written_per_byte", outcome.written_bytes as f64 / bytes, 2)
        .number("appends/sync", "appends_per_sync", appends as f64 / outcome.syncs.max(1) as f64, 1)
        .number(
            "settling ms/stream",
            "settling_cpu_ms_per_stream",
            outcome.settling_cpu.as_secs_f64() * 1e3 / f64::from(streams),
            2,
        )
        .number(
            "and written/byte",
            "settling_written_per_byte",
            outcome.settling_written_bytes as f64 / bytes,
            2,
        )
}

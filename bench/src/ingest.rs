//! `bench ingest`: PutMedia, from the socket to the last `PERSISTED`, against nginx storing the same bytes and a loop
//! that only reads them.

use crate::clock::Monotonic;
use crate::corpus::FRAGMENT_PCM_BYTES;
use crate::cost;
use crate::machine::Machine;
use crate::peer::nginx::Nginx;
use crate::peer::read_loop::ReadLoop;
use crate::report::{self, Row};
use crate::rig::calls::Placement;
use crate::rig::core::Core;
use crate::rig::flood::{self, Producer};
use crate::rig::http::Client;
use crate::rig::process::{Usage, cpu_by_thread};
use crate::rig::{server, wire};
use crate::speech;
use anyhow::Context;
use std::path::PathBuf;
use std::time::Duration;

/// PutMedia over HTTP.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Uploads at once, each to a stream of its own; several numbers are several runs.
    #[arg(long, value_delimiter = ',', default_value = "1,50", value_parser = clap::value_parser!(u32).range(1..=2_000))]
    streams: Vec<u32>,
    /// Bytes of a run, all streams together, in MB.
    #[arg(long, default_value_t = 500)]
    megabytes: u64,
    /// Rounds; in each, every server takes every run once.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Folder of the servers' data; by default beside the build.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Leave it to the kernel where servers and load run; they have a core each otherwise.
    #[arg(long)]
    no_pin: bool,
}

/// What the service allows on one stream, in MB/s, and how many times that is the aim.
const ALLOWED_MB_PER_S: f64 = 12.5;
const AIM: f64 = 20.0;
/// From the last acknowledgement to the second reading: what was written is made into chunks by then.
const SETTLE: Duration = Duration::from_secs(2);

/// Who takes the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taker {
    Tympan,
    Nginx,
    ReadLoop,
}

impl Taker {
    fn name(self) -> &'static str {
        match self {
            Self::Tympan => "tympan PutMedia",
            Self::Nginx => "nginx PUT to a file",
            Self::ReadLoop => "read loop (floor)",
        }
    }
}

/// One run of one taker.
#[derive(Clone, Copy)]
struct Run {
    bytes: u64,
    wall: Duration,
    cpu: Duration,
    written_bytes: u64,
}

/// Runs it and prints the results.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    server::build()?;
    let machine = Machine::read();
    println!(
        "PutMedia, {} MB a run, {} rounds: {}",
        arguments.megabytes,
        arguments.rounds,
        machine.describe()
    );
    let placement = Placement::apart_if(!arguments.no_pin);
    let (server_core, load_core) = placement.cores();
    if let Some(core) = load_core {
        core.take()?;
    }
    let nginx = Nginx::start(false, None, server_core)?;
    match &nginx {
        Some(nginx) => println!("peer: nginx {}", nginx.version),
        None => println!("peer: nginx is not installed ({})", Nginx::INSTALL),
    }
    let producer = Producer::new(&speech::pcm(&speech::mu_law(1)));
    let mut rows = Vec::new();
    for &streams in &arguments.streams {
        let fragments =
            (arguments.megabytes * 1_000_000 / u64::from(streams) / FRAGMENT_PCM_BYTES as u64) as usize;
        let load = Load { streams, fragments: fragments.max(1), producer: &producer };
        let mut runs: Vec<(Taker, Vec<Run>)> = [Taker::Tympan, Taker::Nginx, Taker::ReadLoop]
            .into_iter()
            .filter(|taker| *taker != Taker::Nginx || nginx.is_some())
            .map(|taker| (taker, Vec::new()))
            .collect();
        let mut threads = serde_json::Value::Null;
        for _ in 0..arguments.rounds.max(1) {
            for (taker, runs) in &mut runs {
                runs.push(match (*taker, &nginx) {
                    (Taker::Nginx, Some(nginx)) => load.on_nginx(nginx)?,
                    (Taker::ReadLoop, _) => load.on_read_loop(server_core)?,
                    (Taker::Tympan | Taker::Nginx, _) => {
                        let (run, by_thread) = load.on_tympan(arguments, server_core)?;
                        threads = by_thread;
                        run
                    }
                });
            }
        }
        for (taker, own) in &runs {
            let row = row(streams, *taker, own, &runs).detail("placement", placement.describe());
            let row =
                if *taker == Taker::Tympan { row.detail("cpu_ms_by_thread", threads.clone()) } else { row };
            rows.push(row.detail("bench", "ingest").detail("machine", machine.json()));
        }
        eprintln!("{streams} streams: done");
    }
    print!("{}", report::table(&rows));
    rows.iter().for_each(|row| println!("{}", row.json_line()));
    Ok(())
}

fn row(streams: u32, taker: Taker, own: &[Run], all: &[(Taker, Vec<Run>)]) -> Row {
    let per_gb = |run: &Run| cost::s_per_gb(run.bytes, run.cpu);
    let of = |taker: Taker| all.iter().find(|(other, _)| *other == taker).map(|(_, runs)| runs);
    let ratio = |peer: Taker| {
        let pairs = own.iter().zip(of(peer).into_iter().flatten());
        cost::median(&pairs.map(|(own, peer)| per_gb(own) / per_gb(peer)).collect::<Vec<_>>())
    };
    let median = |number: fn(&Run) -> f64| cost::median(&own.iter().map(number).collect::<Vec<_>>());
    let mb_per_s = median(|run| run.bytes as f64 / 1e6 / run.wall.as_secs_f64());
    let row = Row::new()
        .count("streams", "streams", streams.into())
        .cell("server", taker.name().to_owned(), "server", taker.name())
        .number("MB/s", "mb_per_s", mb_per_s, 0)
        .number("CPU-s/GB", "cpu_s_per_gb", cost::median(&own.iter().map(per_gb).collect::<Vec<_>>()), 3)
        .number("MB/CPU-s", "mb_per_cpu_s", median(|run| cost::mb_per_s(run.bytes as usize, run.cpu)), 0)
        .number(
            "written/byte",
            "written_per_byte",
            median(|run| run.written_bytes as f64 / run.bytes as f64),
            2,
        )
        .number("CPU, nginx = 1", "ratio_nginx", ratio(Taker::Nginx), 2)
        .number("CPU, floor = 1", "ratio_floor", ratio(Taker::ReadLoop), 2);
    let aim = AIM * ALLOWED_MB_PER_S;
    let verdict = |rate: f64| if rate >= aim { "met" } else { "SHORT" };
    let goal = match (taker, streams) {
        (Taker::Tympan, 1) => format!(">= {aim:.0} MB/s: {}", verdict(mb_per_s)),
        _ => String::new(),
    };
    row.cell("goal", goal.clone(), "goal", goal)
}

/// What is sent.
struct Load<'a> {
    streams: u32,
    fragments: usize,
    producer: &'a Producer,
}

impl Load<'_> {
    fn bytes(&self) -> u64 {
        u64::from(self.streams) * self.producer.bytes(self.fragments)
    }

    /// A server of its own for each run: what the run before has stored weighs on none.
    fn on_tympan(
        &self,
        arguments: &Arguments,
        core: Option<Core>,
    ) -> anyhow::Result<(Run, serde_json::Value)> {
        let data = match &arguments.data_dir {
            Some(folder) => tempfile::Builder::new().prefix("bench-data-").tempdir_in(folder)?,
            None => server::scratch("bench-data-")?,
        };
        // Journal and chunks.
        server::touch_memory(data.path(), 3 * self.bytes())?;
        let server = server::start_in(data.path(), self.streams, &[], core)?;
        let client = Client::new(server.http())?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let streams: Vec<String> = (0..self.streams).map(|index| format!("bench-{index}")).collect();
        for stream in &streams {
            runtime.block_on(flood::create_stream(&client, stream))?;
        }
        let (begun, before) = (Monotonic::now(), Usage::of(server.pid())?);
        let ended = flood::upload_to_all(&client, &streams, self.producer, self.fragments)
            .with_context(|| format!("the log of the server:\n{}", server.log()))?;
        std::thread::sleep(SETTLE);
        let after = Usage::of(server.pid())?;
        let threads: serde_json::Map<_, _> = cpu_by_thread(server.pid())
            .into_iter()
            .map(|(name, cpu)| (name, (cpu.as_millis() as u64).into()))
            .collect();
        server::stop(server)?;
        Ok((self.outcome(begun, ended, before, after), threads.into()))
    }

    fn on_nginx(&self, nginx: &Nginx) -> anyhow::Result<Run> {
        server::touch_memory(&nginx.files(), 2 * self.bytes())?;
        let (begun, before) = (Monotonic::now(), nginx.usage()?);
        let ended = self.put_to_all(&nginx.authority())?;
        Ok(self.outcome(begun, ended, before, nginx.usage()?))
    }

    fn on_read_loop(&self, core: Option<Core>) -> anyhow::Result<Run> {
        let floor = ReadLoop::start(core)?;
        let begun = Monotonic::now();
        let ended = self.put_to_all(&floor.authority())?;
        Ok(Run { bytes: self.bytes(), wall: ended.since(begun), cpu: floor.cpu(), written_bytes: 0 })
    }

    fn outcome(&self, begun: Monotonic, ended: Monotonic, before: Usage, after: Usage) -> Run {
        Run {
            bytes: self.bytes(),
            wall: ended.since(begun),
            cpu: after.cpu.saturating_sub(before.cpu),
            written_bytes: after.written_bytes.saturating_sub(before.written_bytes),
        }
    }

    fn put_to_all(&self, authority: &str) -> anyhow::Result<Monotonic> {
        std::thread::scope(|scope| {
            let uploads: Vec<_> = (0..self.streams)
                .map(|index| {
                    let head = format!(
                        "PUT /{index} HTTP/1.1\r\nHost: {authority}\r\nTransfer-Encoding: chunked\r\n\
                         Connection: close\r\n\r\n"
                    );
                    let chunks = self.producer.chunks(self.fragments);
                    scope.spawn(move || wire::put(authority, &head, chunks, |_| {}))
                })
                .collect();
            let mut last = Monotonic::default();
            for upload in uploads {
                last = last.max(upload.join().ok().context("an upload panicked")??.last);
            }
            Ok(last)
        })
    }
}

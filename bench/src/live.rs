//! `bench live`: from an RTP packet leaving its sender to its samples being readable in a GetMedia body.

use crate::clock::Monotonic;
use crate::machine::Machine;
use crate::punctuality::Punctuality;
use crate::report::{self, Row};
use crate::rig::calls::{Placement, Rig};
use crate::rig::media::CustomerAudio;
use crate::rig::server;
use crate::rtp::finder::{Finder, Finding};
use crate::statistics::Histogram;
use anyhow::Context;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Live latency with one reader per call.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many calls are up at once; several numbers are several runs.
    #[arg(long, value_delimiter = ',', default_value = "1,50", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    calls: Vec<u32>,
    /// How long latencies are taken, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Calls set up per second.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// Keep the server on one core and the sender on another; readers stay free.
    #[arg(long)]
    pin: bool,
}

/// From the last reader's start to the window's: readers have caught up with their calls by then.
const SETTLE: Duration = Duration::from_secs(3);
/// From the window's end to the hanging up: the last packets of the window arrive by then.
const TAIL: Duration = Duration::from_secs(1);
/// The longest that readers may take to see the end of their streams.
const END_LIMIT: Duration = Duration::from_secs(60);

/// Runs it and prints the results.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    server::build()?;
    let machine = Machine::read();
    println!("live latency, {} s a run: {}", arguments.seconds, machine.describe());
    let mut rows = Vec::new();
    for &calls in &arguments.calls {
        let row = measure(calls, arguments)?.detail("bench", "live").detail("machine", machine.json());
        eprintln!("{calls} calls: done");
        rows.push(row);
    }
    print!("{}", report::table(&rows));
    rows.iter().for_each(|row| println!("{}", row.json_line()));
    Ok(())
}

fn measure(calls: u32, arguments: &Arguments) -> anyhow::Result<Row> {
    let placement = Placement::apart_if(arguments.pin);
    let window = Arc::new(Window::default());
    let mut rig = Rig::start(calls, placement)?;
    rig.dial(calls, arguments.rate)?;
    let readers = start_readers(&rig, &window)?;
    std::thread::sleep(SETTLE);

    window.open();
    let before = rig.sender.read()?;
    std::thread::sleep(Duration::from_secs(arguments.seconds));
    let reading = rig.sender.read()?;
    window.close();
    std::thread::sleep(TAIL);
    rig.check_up()?;

    let punctuality = Punctuality::new(calls, reading.at.since(before.at), reading);
    let quiet = rig.hang_up()?;
    let sent = quiet.sent.values().flatten().filter(|&&sent| window.holds(sent)).count() as u64;
    let mut latencies = Histogram::new();
    for reader in readers {
        let reader =
            async { tokio::time::timeout(END_LIMIT, reader).await.context("a reader did not end")?? };
        latencies.merge(&quiet.runtime.block_on(reader)?);
    }
    quiet.stop()?;

    let row = Row::new()
        .count("calls", "calls", calls.into())
        .count("packets", "packets", latencies.count())
        .count("unseen", "unseen", sent.saturating_sub(latencies.count()))
        .ms("p50 ms", "p50_ms", latencies.percentile(50.0))
        .ms("p99 ms", "p99_ms", latencies.percentile(99.0))
        .ms("max ms", "max_ms", latencies.max());
    Ok(punctuality
        .columns(row)
        .detail("placement", placement.describe())
        .detail("seconds", arguments.seconds))
}

/// One reader per call, each past the head of its answer.
fn start_readers(
    rig: &Rig,
    window: &Arc<Window>,
) -> anyhow::Result<Vec<JoinHandle<anyhow::Result<Histogram>>>> {
    let open = |audio| rig.runtime.block_on(CustomerAudio::open(&rig.client, audio));
    let start = |audio: CustomerAudio| rig.runtime.spawn(read(audio, window.clone()));
    rig.calls.values().map(|audio| Ok(start(open(audio)?))).collect()
}

/// Reads one call to its end and takes the latencies of the window's packets.
async fn read(mut audio: CustomerAudio, window: Arc<Window>) -> anyhow::Result<Histogram> {
    let mut latencies = Histogram::new();
    let mut finder = Finder::default();
    let mut more = true;
    while more {
        more = audio
            .next(|arrived, pcm| {
                finder.push(pcm, |finding| match finding {
                    Finding::Packet(stamp) if window.holds(stamp.sent) => {
                        latencies.record(arrived.since(stamp.sent));
                    }
                    _ => {}
                });
            })
            .await?;
    }
    Ok(latencies)
}

/// The span of sending times whose packets count.
#[derive(Debug)]
struct Window {
    from: AtomicU64,
    to: AtomicU64,
}

impl Default for Window {
    /// Not opened yet.
    fn default() -> Self {
        Self { from: AtomicU64::new(u64::MAX), to: AtomicU64::new(u64::MAX) }
    }
}

impl Window {
    fn open(&self) {
        self.from.store(Monotonic::now().0, Ordering::Release);
    }

    fn close(&self) {
        self.to.store(Monotonic::now().0, Ordering::Release);
    }

    fn holds(&self, sent: Monotonic) -> bool {
        (self.from.load(Ordering::Acquire)..self.to.load(Ordering::Acquire)).contains(&sent.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_what_was_sent_between_its_opening_and_its_closing() {
        let window = Window::default();
        assert!(!window.holds(Monotonic::now()));
        let before = Monotonic(Monotonic::now().0 - 1);
        window.open();
        let within = Monotonic::now();
        assert!(window.holds(within) && !window.holds(before));
        window.close();
        assert!(window.holds(within) && !window.holds(Monotonic(u64::MAX)));
    }
}

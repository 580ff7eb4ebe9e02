//! `bench capture`: what a captured call costs, and whether anything of it is lost.

use crate::machine::Machine;
use crate::peer::kernel::KernelCost;
use crate::peer::rtpengine::Rtpengine;
use crate::punctuality::Punctuality;
use crate::report::{self, Row};
use crate::rig::calls::{Placement, QuietRig, Rig};
use crate::rig::connect::Parties;
use crate::rig::media::CustomerAudio;
use crate::rig::process::Usage;
use crate::rig::server;
use crate::rtp::finder::Finder;
use crate::rtp::sender::Sender;
use crate::rtp::stamp::PACKET_8K;
use crate::verify::{Verdict, Verifier};
use anyhow::Context;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Cost of captured calls.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many calls are up at once; several numbers are several runs.
    #[arg(long, value_delimiter = ',', default_value = "500", value_parser = clap::value_parser!(u32).range(1..=5_000))]
    calls: Vec<u32>,
    /// How long the cost is taken, in seconds.
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Calls set up per second.
    #[arg(long, default_value_t = 50)]
    rate: u32,
    /// What callers hear while nothing is played: each setting that is named is a run.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "on")]
    silence: Vec<Silence>,
    /// Who takes part in each call: each setting that is named is a run.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "one")]
    parties: Vec<Parties>,
    /// What to measure beside it, in the same run and on the same core.
    #[arg(long, value_enum, value_delimiter = ',')]
    peer: Vec<Peer>,
    /// Leave it to the kernel where server and sender run; they have a core each otherwise.
    #[arg(long)]
    no_pin: bool,
}

/// What else is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Peer {
    /// The kernel alone: what it takes to send and to receive as many packets, without a server.
    Kernel,
    /// rtpengine in user space, with its recording into pcap files.
    Rtpengine,
}

/// What a caller is sent who hears nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Silence {
    /// A packet for each packet time, as by default.
    On,
    /// A packet now and then.
    Off,
}

impl Silence {
    /// As the configuration says it, where it is not the default.
    fn setting(self) -> Option<&'static str> {
        match self {
            Self::On => None,
            Self::Off => Some("off"),
        }
    }
}

/// From the last call's set-up to the window: nothing but calls that are up costs anything by then.
const SETTLE: Duration = Duration::from_secs(3);

/// Runs it and prints the results.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    server::build()?;
    let machine = Machine::read();
    println!("captured calls, {} s a run: {}", arguments.seconds, machine.describe());
    let (mut rows, mut peers, mut kernels) = (Vec::new(), Vec::new(), Vec::new());
    for &calls in &arguments.calls {
        for &silence in &arguments.silence {
            for &parties in &arguments.parties {
                let row = measure(calls, silence, parties, arguments)?.detail("bench", "capture");
                eprintln!("{calls} calls, silence {silence:?}, parties {parties:?}: done");
                rows.push(row.detail("machine", machine.json()));
            }
        }
        if arguments.peer.contains(&Peer::Kernel) {
            let core = Placement::apart_if(!arguments.no_pin).cores().0;
            kernels.push(KernelCost::measure(calls, core)?.row());
        }
        if arguments.peer.contains(&Peer::Rtpengine) {
            peers.extend(measure_rtpengine(calls, arguments)?);
        }
    }
    for rows in [&rows, &kernels, &peers] {
        print!("{}", report::table(rows));
    }
    rows.iter().chain(&kernels).chain(&peers).for_each(|row| println!("{}", row.json_line()));
    Ok(())
}

/// The same packets, recorded by rtpengine; `None` where it is not installed.
fn measure_rtpengine(calls: u32, arguments: &Arguments) -> anyhow::Result<Option<Row>> {
    let placement = Placement::apart_if(!arguments.no_pin);
    let (recorder_core, sender_core) = placement.cores();
    let Some(mut rtpengine) = Rtpengine::start(recorder_core)? else {
        println!("peer: rtpengine is not installed ({})", Rtpengine::INSTALL);
        return Ok(None);
    };
    let sender = Sender::start(sender_core)?;
    let idle = rtpengine.usage()?;
    for call in 0..calls {
        sender.add(call, rtpengine.call(call, sender.address())?);
        std::thread::sleep(Duration::from_secs(1) / arguments.rate.max(1));
    }
    std::thread::sleep(SETTLE);
    sender.read()?;
    let (begun, before) = (Instant::now(), rtpengine.usage()?);
    std::thread::sleep(Duration::from_secs(arguments.seconds));
    let (window, after) = (begun.elapsed(), rtpengine.usage()?);
    let punctuality = Punctuality::new(calls, window, sender.read()?);
    let sent: usize = sender.stop()?.values().map(Vec::len).sum();
    std::thread::sleep(SETTLE);
    let recorded = rtpengine.recorded_packets(calls)?;
    eprintln!("{calls} calls, rtpengine: done");
    let row = Row::new().count("calls", "calls", calls.into());
    let row = row.cell("peer", "rtpengine".to_owned(), "peer", format!("rtpengine {}", rtpengine.version));
    let row = cost_columns(row, calls, window, before, after)
        .number("RSS kB/call", "rss_kb_per_call", rss_growth(idle, after) / f64::from(calls) / 1e3, 1)
        .count("recorded", "recorded_packets", recorded)
        .count("sent", "sent_packets", sent as u64);
    let row = punctuality.columns(row).detail("placement", placement.describe());
    Ok(Some(row.detail("seconds", arguments.seconds).detail("bench", "capture")))
}

fn measure(calls: u32, silence: Silence, parties: Parties, arguments: &Arguments) -> anyhow::Result<Row> {
    let placement = Placement::apart_if(!arguments.no_pin);
    let mut rig = Rig::start_with(calls, placement, parties, silence.setting(), |builder| builder)?;
    let senders = match parties {
        Parties::One => calls,
        Parties::Two => 2 * calls,
    };
    let idle = rig.usage()?;
    let idle_disk_bytes = rig.disk_bytes();
    rig.dial(calls, arguments.rate)?;
    std::thread::sleep(SETTLE);

    rig.sender.read()?;
    let threads_before = rig.cpu_by_thread();
    let (begun, before) = (Instant::now(), rig.usage()?);
    std::thread::sleep(Duration::from_secs(arguments.seconds));
    let (window, after) = (begun.elapsed(), rig.usage()?);
    let threads = threads_us(calls, window, &threads_before, &rig.cpu_by_thread());
    let punctuality = Punctuality::new(senders, window, rig.sender.read()?);
    rig.check_up()?;

    let quiet = rig.hang_up()?;
    let verdict = verify(&quiet)?;
    let disk_bytes = quiet.stop()?.saturating_sub(idle_disk_bytes);

    let row = Row::new().count("calls", "calls", calls.into());
    let silence = format!("{silence:?}").to_lowercase();
    let row = row.cell("silence", silence.clone(), "silence", silence);
    let parties = format!("{parties:?}").to_lowercase();
    let row = row.cell("parties", parties.clone(), "parties", parties);
    let row = cost_columns(row, calls, window, before, after);
    let row = row
        .number("RSS MB", "rss_mb", after.rss_bytes as f64 / 1e6, 1)
        .number("RSS kB/call", "rss_kb_per_call", rss_growth(idle, after) / f64::from(calls) / 1e3, 1)
        .number("disk B/call-s", "disk_bytes_per_call_s", disk_bytes as f64 / captured_s(verdict), 0);
    let row = punctuality.columns(verdict_columns(row, verdict));
    let row = row.detail("cpu_us_per_call_s_by_thread", threads);
    Ok(row.detail("placement", placement.describe()).detail("seconds", arguments.seconds))
}

/// Microseconds per second of call by thread name, of those that took any.
fn threads_us(calls: u32, window: Duration, before: &Threads, after: &Threads) -> serde_json::Value {
    let call_seconds = f64::from(calls) * window.as_secs_f64();
    let taken = |(name, cpu): (&String, &Duration)| {
        let cpu = cpu.saturating_sub(before.get(name).copied().unwrap_or_default());
        (!cpu.is_zero()).then(|| (name.clone(), (cpu.as_secs_f64() * 1e6 / call_seconds).round().into()))
    };
    after.iter().filter_map(taken).collect::<serde_json::Map<_, _>>().into()
}

/// CPU time by thread name.
type Threads = BTreeMap<String, Duration>;

/// What the server did between two readings, per second of call.
fn cost_columns(row: Row, calls: u32, window: Duration, before: Usage, after: Usage) -> Row {
    let call_seconds = f64::from(calls) * window.as_secs_f64();
    let cpu = after.cpu.saturating_sub(before.cpu).as_secs_f64();
    let written_bytes = after.written_bytes.saturating_sub(before.written_bytes) as f64;
    row.number("CPU us/call-s", "cpu_us_per_call_s", cpu * 1e6 / call_seconds, 0)
        .number("CPU %", "server_cpu_percent", cpu / window.as_secs_f64() * 100.0, 0)
        .number("written B/call-s", "written_bytes_per_call_s", written_bytes / call_seconds, 0)
}

fn verdict_columns(row: Row, verdict: Verdict) -> Row {
    row.count("packets", "packets", verdict.intact + verdict.lost)
        .count("lost", "lost", verdict.lost)
        .cell("exact", if verdict.is_exact() { "yes" } else { "NO" }.to_owned(), "exact", verdict.is_exact())
        .detail("misplaced", verdict.misplaced)
        .detail("silence_samples", verdict.silence_8k)
        .detail("stray_samples", verdict.stray_8k)
}

fn rss_growth(idle: Usage, loaded: Usage) -> f64 {
    loaded.rss_bytes.saturating_sub(idle.rss_bytes) as f64
}

/// The sound that was found, of all calls together.
fn captured_s(verdict: Verdict) -> f64 {
    verdict.intact as f64 * PACKET_8K as f64 / 8_000.0
}

/// Reads every call back and compares it to what was sent.
fn verify(rig: &QuietRig) -> anyhow::Result<Verdict> {
    let mut all = Verdict::default();
    for (call, audio) in &rig.calls {
        let sent = rig.sent.get(call).context("a call was never sent")?;
        let mut verifier = Verifier::new(*call, sent);
        let read = async {
            let mut finder = Finder::default();
            let mut body = CustomerAudio::open(&rig.client, audio).await?;
            while body.next(|_, pcm| finder.push(pcm, |finding| verifier.take(finding))).await? {}
            finder.finish(|finding| verifier.take(finding));
            anyhow::Ok(())
        };
        rig.runtime.block_on(read).with_context(|| format!("cannot read call {call} back"))?;
        all.add(verifier.finish());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_is_per_call_and_second() {
        let usage =
            |cpu_ms, written_bytes| Usage { cpu: Duration::from_millis(cpu_ms), rss_bytes: 0, written_bytes };
        let row =
            cost_columns(Row::new(), 100, Duration::from_secs(10), usage(500, 1_000), usage(700, 9_000));
        let line: serde_json::Value = serde_json::from_str(&row.json_line()).unwrap();
        assert_eq!((&line["cpu_us_per_call_s"], &line["server_cpu_percent"]), (&200.0.into(), &2.0.into()));
        assert_eq!(line["written_bytes_per_call_s"], 8.0);
        let threads = |media_ms| {
            Threads::from([
                ("media".into(), Duration::from_millis(media_ms)),
                ("idle".into(), Duration::ZERO),
            ])
        };
        let taken = threads_us(100, Duration::from_secs(10), &threads(50), &threads(150));
        assert_eq!(taken, serde_json::json!({ "media": 100.0 }));
    }
}

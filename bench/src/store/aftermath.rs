//! What a store costs when nobody uses it, and after it was killed: each in a process of its own.

use super::layout::{Layout, Payload, Tympan, account, region};
use super::{Arguments, scratch};
use crate::clock::Monotonic;
use crate::report::Row;
use crate::rig::process::Usage;
use crate::speech;
use anyhow::{Context, ensure};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tympan_store::{Ending, FragmentHead, TimeAxis};
use tympan_types::ProducerTime;

/// What the benchmark does as its own child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Role {
    /// Fills the journal, says so, and waits to be killed.
    Fill,
    /// Makes streams, writes to each, waits until none is in use, and tells its memory.
    Use,
    /// Opens what `use` left, and tells its memory.
    Idle,
}

/// Streams that share the journal that is filled.
const FILLED_STREAMS: usize = 100;
/// The most memory that the aim allows a stream that nobody uses.
const IDLE_AIM_BYTES: f64 = 1_000.0;

/// The child's part.
pub(super) fn act(role: Role, folder: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let tympan = Tympan::open(folder)?;
    let payload = Payload::of_a_second(&speech::pcm(&speech::mu_law(1)));
    match role {
        Role::Fill => {
            let count = (arguments.journal_megabytes * 1_000_000) as usize / payload.len();
            let mut writers = (0..FILLED_STREAMS)
                .map(|index| tympan.writer(&format!("fill-{index}")))
                .collect::<anyhow::Result<Vec<_>>>()?;
            let mut written = 0;
            while written < count {
                let mut group = Vec::new();
                for writer in &mut writers {
                    let producer = ProducerTime::from_unix_ms(crate::clock::wall_time().unix_ms());
                    writer.begin(FragmentHead { head: payload.head.clone(), producer })?;
                    writer.push(payload.body.clone());
                    group.push(writer.seal(1_000));
                }
                for persisting in group {
                    tympan.runtime.block_on(persisting)?;
                    written += 1;
                }
            }
            tell(written)?;
            // The parent ends this.
            loop {
                std::thread::park();
            }
        }
        Role::Use => {
            // The first half fills what is kept for all streams together: SQLite's pages, the allocator's.
            let half = arguments.idle_streams / 2;
            let mut before = 0;
            for index in 0..2 * half {
                if index == half {
                    settle(&tympan);
                    before = rss()?;
                }
                let mut writer = tympan.writer(&format!("idle-{index}"))?;
                tympan.append(&mut writer, &payload)?;
                writer.close(Ending::Finished);
            }
            settle(&tympan);
            tell(rss()?.saturating_sub(before) * 2)?;
        }
        Role::Idle => tell(rss()?)?,
    }
    tympan.finish();
    Ok(())
}

/// Kills a store with a full journal and opens what it left.
pub(super) fn reopen(arguments: &Arguments) -> anyhow::Result<Row> {
    let folder = scratch(arguments)?;
    let mut child = spawn(Role::Fill, folder.path(), arguments)?;
    let acknowledged = hear(&mut child)?;
    child.kill()?;
    child.wait()?;
    let journal_bytes: u64 = std::fs::read_dir(folder.path().join("journal"))?
        .filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len()))
        .sum();
    let begun = Monotonic::now();
    let tympan = Tympan::open(folder.path())?;
    let took = Monotonic::now().since(begun);
    let found: usize = tympan.runtime.block_on(async {
        let mut found = 0;
        for stream in tympan.store.list_streams(&account()?, &region()?, None, None, FILLED_STREAMS).await? {
            let axis = TimeAxis::Server;
            found += tympan.store.list_fragments(stream.id, axis, 0, i64::MAX, None, 1_000_000).await?.len();
        }
        anyhow::Ok(found)
    })?;
    ensure!(found as u64 >= acknowledged, "{acknowledged} fragments were acknowledged, {found} are there");
    eprintln!("reopened: done");
    Ok(Row::new()
        .cell("after kill -9", "open the store".to_owned(), "measure", "reopen")
        .number("journal MB", "journal_mb", journal_bytes as f64 / 1e6, 0)
        .count("acknowledged", "acknowledged", acknowledged)
        .count("found", "found", found as u64)
        .ms("open ms", "open_ms", took))
}

/// Memory of streams that nobody uses.
pub(super) fn idle(arguments: &Arguments) -> anyhow::Result<Row> {
    let (empty, full) = (scratch(arguments)?, scratch(arguments)?);
    let ask = |role, folder: &Path| {
        let mut child = spawn(role, folder, arguments)?;
        let told = hear(&mut child)?;
        ensure!(child.wait()?.success(), "the child failed");
        anyhow::Ok(told)
    };
    let streams = f64::from(arguments.idle_streams);
    let used = ask(Role::Use, full.path())? as f64 / streams;
    let without = ask(Role::Idle, empty.path())?;
    let with = ask(Role::Idle, full.path())?;
    let opened = with.saturating_sub(without) as f64 / streams;
    let verdict = if opened < IDLE_AIM_BYTES && used < IDLE_AIM_BYTES { "met" } else { "SHORT" };
    let goal = format!("< {IDLE_AIM_BYTES} B: {verdict}");
    eprintln!("idle streams: done");
    Ok(Row::new()
        .count("idle streams", "streams", arguments.idle_streams.into())
        .number("RSS B/stream, store just opened", "rss_bytes_per_stream_opened", opened, 0)
        .number("RSS B/stream, all were written to", "rss_bytes_per_stream_used", used, 0)
        .cell("goal", goal.clone(), "goal", goal))
}

/// Waits until no stream is in use.
fn settle(tympan: &Tympan) {
    while tympan.store.stats().streams_loaded > 0 {
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn rss() -> anyhow::Result<u64> {
    Ok(Usage::of(std::process::id())?.rss_bytes)
}

fn tell(number: impl std::fmt::Display) -> anyhow::Result<()> {
    println!("{number}");
    Ok(std::io::stdout().flush()?)
}

fn spawn(role: Role, folder: &Path, arguments: &Arguments) -> anyhow::Result<Child> {
    let role = match role {
        Role::Fill => "fill",
        Role::Use => "use",
        Role::Idle => "idle",
    };
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["store", "--role", role, "--data-dir"]).arg(folder);
    command.args(["--idle-streams", &arguments.idle_streams.to_string()]);
    command.args(["--journal-megabytes", &arguments.journal_megabytes.to_string()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot start the benchmark again")
}

fn hear(child: &mut Child) -> anyhow::Result<u64> {
    let mut line = String::new();
    let stdout = child.stdout.as_mut().context("the child has no output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    line.trim().parse().with_context(|| format!("the child said {line:?}"))
}

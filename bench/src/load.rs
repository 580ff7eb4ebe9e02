//! `bench load`: many PutMedia sessions at once, readers at their tails, one reader that pauses and one that is gone.

use crate::machine::Machine;
use crate::report::{self, Row};
use crate::rig::follow::{Follower, Heard};
use crate::rig::http::{Client, Service};
use crate::rig::process::Usage;
use crate::rig::server;
use crate::rig::upload::{Pace, Progress, Uploaded, upload};
use crate::statistics::Histogram;
use anyhow::{Context, ensure};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use tympan_testkit::TestServer;

/// PutMedia sessions of 16 kB/s with readers at their tails.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Arguments {
    /// Sessions at once, each to a stream of its own
    #[arg(long, default_value_t = 1_000)]
    sessions: u32,
    /// Readers at the tails of the first streams, one each
    #[arg(long, default_value_t = 200)]
    readers: u32,
    /// How long each session sends, in seconds
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// What a reader may leave untaken before it is told, in milliseconds
    #[arg(long, default_value_t = 5_000)]
    stall_ms: u64,
    /// What a peer may leave untaken before its connection is closed, in milliseconds
    #[arg(long, default_value_t = 20_000)]
    write_timeout_ms: u64,
}

/// A frame of 1,024 bytes every 64 ms is 16 kB/s: linear PCM of 8 kHz, cut as Amazon Connect cuts it.
const CALL: (usize, Duration) = (1_024, Duration::from_millis(64));
/// The stream of the slow and the dead reader: 4 MB/s, so that what the kernel buffers is soon full.
const BULK: (usize, Duration) = (256_000, Duration::from_millis(64));
/// It ends when those two are through, and at the latest after so long.
const BULK_LIMIT_S: u32 = 600;
/// More than the kernel buffers for a connection whose reader has little room.
const BUFFERED_BYTES: u64 = 6 << 20;
/// Sessions begin spread over so long.
const RAMP: Duration = Duration::from_secs(2);
/// The longest that anything may take to end after the last frame.
const END_LIMIT: Duration = Duration::from_secs(120);
/// Streams that are read back at the same time.
const READ_BACK: usize = 16;
/// Readers may wait so long for the first frame of their stream.
const IDLE_MS: u64 = 5_000;
const RETENTION_HOURS: u32 = 1;

/// Runs it and prints the results.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    server::build()?;
    let machine = Machine::read();
    println!("{} uploads for {} s: {}", arguments.sessions, arguments.seconds, machine.describe());
    let outcome = measure(arguments)?;
    let row = outcome.row(arguments).detail("bench", "load").detail("machine", machine.json());
    print!("{}", report::table(std::slice::from_ref(&row)));
    println!("{}", row.json_line());
    outcome.check()
}

/// What a run showed.
#[derive(Debug)]
struct Outcome {
    fragments: u64,
    persisted: u64,
    read_back: u64,
    frames_heard: u64,
    persisting: Histogram,
    live: Histogram,
    /// The error that the slow reader was told.
    slow: Option<String>,
    /// Frames of the stream of the slow one that a reader beside it heard, of so many.
    beside_slow: (u64, u64),
    /// The dead reader's connection was closed, its body unfinished.
    dead_closed: bool,
    cpu: Duration,
    rss_before_bytes: u64,
    rss_peak_bytes: u64,
    errors: Vec<String>,
}

fn measure(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (server, data) = server::start_with(arguments.sessions, None, |builder| {
        builder
            .env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", IDLE_MS)
            .env("TYMPAN_KVS__GET_MEDIA_STALL_MS", arguments.stall_ms)
            .env("TYMPAN_HTTP__WRITE_TIMEOUT_MS", arguments.write_timeout_ms)
    })?;
    let outcome = runtime.block_on(load(arguments, &server));
    let outcome = outcome.with_context(|| format!("--- log of the server ---\n{}", server.log()));
    drop((server, data));
    outcome
}

async fn load(arguments: &Arguments, server: &TestServer) -> anyhow::Result<Outcome> {
    let client = Client::new(server.http())?;
    for stream in 0..arguments.sessions {
        create(&client, &name_of(stream)).await?;
    }
    create(&client, BULK_NAME).await?;
    let before = Usage::of(server.pid())?;
    let peak = watch_memory(server.pid());

    let begin = Instant::now() + Duration::from_millis(500);
    let calls = Arc::new(Progress::default());
    let uploads: Vec<_> = (0..arguments.sessions)
        .map(|stream| {
            let at = begin + RAMP * stream / arguments.sessions.max(1);
            let pace = pace(CALL, arguments.seconds);
            tokio::spawn(upload(client.clone(), name_of(stream), stream, pace, at, calls.clone()))
        })
        .collect();
    let progress = Arc::new(Progress::default());
    let (bulk_stream, bulk_pace) = (arguments.sessions, pace(BULK, BULK_LIMIT_S));
    let bulk = upload(client.clone(), BULK_NAME.to_owned(), bulk_stream, bulk_pace, begin, progress.clone());
    let bulk = tokio::spawn(bulk);

    let readers: Vec<JoinHandle<anyhow::Result<Heard>>> = (0..arguments.readers.min(arguments.sessions))
        .map(|stream| {
            let client = client.clone();
            tokio::spawn(async move {
                Follower::open(&client, &name_of(stream), stream, "NOW").await?.finish().await
            })
        })
        .collect();
    let beside = Follower::open(&client, BULK_NAME, bulk_stream, "NOW").await?;
    let beside = tokio::spawn(beside.finish());
    let open_narrow = || Follower::open_narrow(&client, BULK_NAME, bulk_stream, "NOW");
    let stall = Duration::from_millis(arguments.stall_ms);
    let write_timeout = Duration::from_millis(arguments.write_timeout_ms);
    let slow = tokio::spawn(slow(open_narrow().await?, progress.clone(), stall));
    let dead = tokio::spawn(dead(open_narrow().await?, progress.clone(), write_timeout));

    let mut outcome = Outcome::new(before.rss_bytes);
    for upload in uploads {
        outcome.add_upload(end(upload).await?);
    }
    for (stream, reader) in readers.into_iter().enumerate() {
        outcome.add_heard(end(reader).await.with_context(|| format!("reader of stream {stream}"))?);
    }
    outcome.slow = end(slow).await.context("the slow reader")?;
    outcome.dead_closed = end(dead).await.context("the dead reader")?;
    progress.stop.store(true, Ordering::Relaxed);
    let bulk = end(bulk).await?;
    let beside = end(beside).await.context("the reader beside the slow one")?;
    outcome.beside_slow = (beside.frames + beside.first.unwrap_or(0), bulk.frames);
    outcome.add_upload(bulk);
    outcome.cpu = Usage::of(server.pid())?.cpu.saturating_sub(before.cpu);
    outcome.rss_peak_bytes = peak.stop();
    let frames = pace(CALL, arguments.seconds).frames;
    outcome.read_back = read_back(&client, arguments.sessions, frames).await?;
    Ok(outcome)
}

/// Reads until the first frame, pauses until the server can send no more and for two stalls beyond, and reads on.
async fn slow(mut reader: Follower, bulk: Arc<Progress>, stall: Duration) -> anyhow::Result<Option<String>> {
    until_begun(&mut reader).await?;
    until_sent(&bulk.bytes, BUFFERED_BYTES).await;
    sleep(stall * 2).await;
    Ok(reader.finish().await?.error_id)
}

/// Reads until the first frame and never again, until its connection must be closed. Whether it was.
async fn dead(mut reader: Follower, bulk: Arc<Progress>, write_timeout: Duration) -> anyhow::Result<bool> {
    until_begun(&mut reader).await?;
    until_sent(&bulk.bytes, BUFFERED_BYTES).await;
    sleep(write_timeout * 3 / 2).await;
    Ok(reader.finish().await.is_err())
}

async fn until_begun(reader: &mut Follower) -> anyhow::Result<()> {
    while !reader.has_begun() {
        ensure!(reader.next().await?, "a body ended before its first frame");
    }
    Ok(())
}

async fn until_sent(sent: &AtomicU64, more: u64) {
    let goal = sent.load(Ordering::Relaxed) + more;
    while sent.load(Ordering::Relaxed) < goal {
        sleep(Duration::from_millis(20)).await;
    }
}

/// Reads every stream from its beginning. Returns how many hold every frame that was sent.
async fn read_back(client: &Client, streams: u32, frames: u64) -> anyhow::Result<u64> {
    let mut whole = 0;
    let all: Vec<u32> = (0..streams).collect();
    for group in all.chunks(READ_BACK) {
        let reads: Vec<_> = group
            .iter()
            .map(|&stream| {
                let client = client.clone();
                tokio::spawn(async move {
                    Follower::open(&client, &name_of(stream), stream, "EARLIEST").await?.up_to(frames).await
                })
            })
            .collect();
        for read in reads {
            let heard = end(read).await?;
            whole += u64::from(heard.first == Some(0) && heard.frames == frames);
        }
    }
    Ok(whole)
}

async fn end<T>(task: JoinHandle<anyhow::Result<T>>) -> anyhow::Result<T> {
    timeout(END_LIMIT * 2, task).await.context("it did not end")??
}

fn pace((frame_bytes, every): (usize, Duration), seconds: u32) -> Pace {
    let frames = (Duration::from_secs(seconds.into()).as_millis() / every.as_millis()).max(1);
    Pace { frame_bytes, every, frames: u64::try_from(frames).unwrap_or(1) }
}

const BULK_NAME: &str = "bulk";

fn name_of(stream: u32) -> String {
    format!("load-{stream}")
}

async fn create(client: &Client, name: &str) -> anyhow::Result<()> {
    let body = json!({ "StreamName": name, "DataRetentionInHours": RETENTION_HOURS });
    client.call(Service::KinesisVideo, "POST", "/createStream", Some(body)).await.map(drop)
}

/// Looks at the server's memory ten times a second.
struct MemoryWatch {
    peak: Arc<AtomicU64>,
    done: Arc<AtomicBool>,
}

fn watch_memory(pid: u32) -> MemoryWatch {
    let watch = MemoryWatch { peak: Arc::default(), done: Arc::default() };
    let (peak, done) = (watch.peak.clone(), watch.done.clone());
    tokio::spawn(async move {
        while !done.load(Ordering::Relaxed) {
            if let Ok(usage) = Usage::of(pid) {
                peak.fetch_max(usage.rss_bytes, Ordering::Relaxed);
            }
            sleep(Duration::from_millis(100)).await;
        }
    });
    watch
}

impl MemoryWatch {
    fn stop(self) -> u64 {
        self.done.store(true, Ordering::Relaxed);
        self.peak.load(Ordering::Relaxed)
    }
}

impl Outcome {
    fn new(rss_before_bytes: u64) -> Self {
        Self {
            fragments: 0,
            persisted: 0,
            read_back: 0,
            frames_heard: 0,
            persisting: Histogram::new(),
            live: Histogram::new(),
            slow: None,
            beside_slow: (0, 0),
            dead_closed: false,
            cpu: Duration::ZERO,
            rss_before_bytes,
            rss_peak_bytes: 0,
            errors: Vec::new(),
        }
    }

    fn add_upload(&mut self, uploaded: Uploaded) {
        self.fragments += uploaded.fragments;
        self.persisted += uploaded.persisted;
        self.persisting.merge(&uploaded.persisting);
        self.errors.extend(uploaded.errors);
    }

    fn add_heard(&mut self, heard: Heard) {
        self.frames_heard += heard.frames;
        self.live.merge(&heard.latency);
        self.errors.extend(heard.error_id.map(|id| format!("a reader was told {id}")));
    }

    fn row(&self, arguments: &Arguments) -> Row {
        let megabytes = |bytes: u64| bytes as f64 / 1e6;
        let grown = self.rss_peak_bytes.saturating_sub(self.rss_before_bytes);
        let session_seconds = f64::from(arguments.sessions) * f64::from(arguments.seconds);
        Row::new()
            .count("sessions", "sessions", arguments.sessions.into())
            .count("readers", "readers", arguments.readers.into())
            .count("fragments", "fragments", self.fragments)
            .count("lost", "lost", self.fragments.saturating_sub(self.persisted))
            .count("read back", "read_back", self.read_back)
            .ms("ack p50 ms", "ack_p50_ms", self.persisting.percentile(50.0))
            .ms("ack p99 ms", "ack_p99_ms", self.persisting.percentile(99.0))
            .ms("live p50 ms", "live_p50_ms", self.live.percentile(50.0))
            .ms("live p99 ms", "live_p99_ms", self.live.percentile(99.0))
            .number("RSS MB", "rss_peak_mb", megabytes(self.rss_peak_bytes), 1)
            .number("kB/session", "rss_kb_per_session", grown as f64 / 1e3 / f64::from(arguments.sessions), 1)
            .number(
                "CPU us/session-s",
                "cpu_us_per_session_s",
                self.cpu.as_secs_f64() * 1e6 / session_seconds,
                1,
            )
            .cell(
                "slow",
                self.slow.clone().unwrap_or_else(|| "not told".into()),
                "slow",
                self.slow.clone().unwrap_or_default(),
            )
            .cell(
                "dead",
                if self.dead_closed { "closed" } else { "open" }.into(),
                "dead_closed",
                self.dead_closed,
            )
            .detail("seconds", arguments.seconds)
            .detail("frames_heard", self.frames_heard)
    }

    /// Fails where the promise was not kept.
    fn check(&self) -> anyhow::Result<()> {
        ensure!(self.errors.is_empty(), "errors were told: {:?}", self.errors);
        ensure!(self.persisted == self.fragments, "{} of {} persisted", self.persisted, self.fragments);
        ensure!(self.slow.as_deref() == Some("3002"), "the slow reader was told {:?}", self.slow);
        ensure!(self.dead_closed, "the dead reader's connection was not closed");
        let (heard, sent) = self.beside_slow;
        ensure!(heard == sent, "the reader beside the slow one heard up to {heard} of {sent} frames");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_uploads_lose_nothing_beside_a_slow_and_a_dead_reader() {
        let arguments =
            Arguments { sessions: 50, readers: 10, seconds: 5, stall_ms: 500, write_timeout_ms: 6_000 };
        let outcome = measure(&arguments).unwrap();
        outcome.check().unwrap();
        assert_eq!(outcome.read_back, 50);
        let grown = outcome.rss_peak_bytes.saturating_sub(outcome.rss_before_bytes);
        assert!(grown < 200_000_000, "the server grew by {grown} bytes");
    }
}

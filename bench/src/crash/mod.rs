//! `bench crash`: the server is killed with SIGKILL again and again under load, and started again on what it left.
//!
//! Producers upload fragments whose content follows from their stream and timecode, so whatever is read back can be judged
//! alone. Every acknowledgement is noted. After each restart everything that was acknowledged as PERSISTED since the last
//! one must be there, byte for byte, and no number may ever have stood for two fragments; at the end all of it is read
//! again, and the data directory is checked at rest.
//!
//! Meanwhile a call is up, and clients change attributes of its contact and of the contact whose call the last kill ended:
//! each change that was answered can be read after the restart.

mod changes;
mod content;
mod ledger;
mod producer;
mod reader;

use crate::machine::Machine;
use crate::report::{self, Row};
use crate::rig::connect;
use crate::rig::http::Client;
use crate::rig::server;
use anyhow::{Context, bail, ensure};
use changes::{Acknowledged, Contacts};
use ledger::Ledger;
use reader::ReadBack;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tympan_auth::Credentials;
use tympan_client::kvs::{Kvs, NewStream, StreamRef};
use tympan_client::{Endpoint, HttpClient, Identity};
use tympan_testkit::TestServer;
use tympan_types::{Region, StreamName};

/// Kills under load.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How often the server is killed.
    #[arg(long, default_value_t = 1_000)]
    kills: u32,
    /// Streams that are written at once, each by one producer.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=99))]
    producers: u16,
    /// The latest moment of a kill, in milliseconds after every producer was acknowledged something.
    #[arg(long, default_value_t = 200)]
    latest_ms: u64,
    /// Chooses the moments; the same seed chooses the same ones.
    #[arg(long)]
    seed: Option<u64>,
}

/// Acknowledgements come within milliseconds; this is for a machine that does ten other things.
const PATIENCE: Duration = Duration::from_secs(60);
/// The data directory is checked at rest, between a kill and the restart, every so many kills.
const CHECK_EVERY: u32 = 25;

/// Runs it and prints the result; fails when a promise is broken.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    server::build()?;
    let machine = Machine::read();
    let seed = arguments.seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("{} kills, seed {seed}: {}", arguments.kills, machine.describe());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (row, faults) = runtime.block_on(kill_again_and_again(arguments, seed))?;
    let row = row.detail("bench", "crash").detail("seed", seed).detail("machine", machine.json());
    print!("{}", report::table(std::slice::from_ref(&row)));
    println!("{}", row.json_line());
    ensure!(faults.is_empty(), "{} promises were broken:\n{}", faults.len(), faults.join("\n"));
    Ok(())
}

async fn kill_again_and_again(arguments: &Arguments, seed: u64) -> anyhow::Result<(Row, Vec<String>)> {
    let folder = server::data_folder()?;
    let data = folder.path().join("data");
    let names: Vec<StreamName> = (0..arguments.producers)
        .map(|producer| StreamName::parse(&format!("crash-{producer}")))
        .collect::<Result<_, _>>()?;
    let mut random = Random(seed | 1);
    let mut ledger = Ledger::new(names.len());
    let begun = Instant::now();
    let mut restarts = Vec::new();
    let mut rechecked = 0;

    let mut server = start(&data)?;
    let kvs = client(&server)?;
    for name in &names {
        let media_type = "audio/L16".to_owned();
        kvs.create_stream(&NewStream { name: name.clone(), media_type, retention_hours: 24 }).await?;
    }
    connect::provision(&Client::new(server.http())?, connect::Parties::One).await?;
    let mut changed = Acknowledged::new();
    let mut earlier: Option<String> = None;
    for kill in 0..arguments.kills {
        let kvs = client(&server)?;
        let load = producer::start(&kvs, &names, kill);
        let contacts = Contacts::of(server.http()).await?;
        let changes = contacts.begin(server.sip(), kill, earlier.as_deref(), PATIENCE).await;
        let changes = changes.with_context(|| format!("kill {kill}; the log:\n{}", server.log()))?;
        load.every_one_is_acknowledged(PATIENCE).await.with_context(|| {
            format!("kill {kill}: the producers were not acknowledged; the log:\n{}", server.log())
        })?;
        let begun = Instant::now();
        while changes.acknowledged() == 0 {
            ensure!(begun.elapsed() < PATIENCE, "kill {kill}: no change; the log:\n{}", server.log());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        tokio::time::sleep(Duration::from_micros(random.below(arguments.latest_ms * 1_000 + 1))).await;
        server.kill_9()?;
        ledger.note(load.finish().await?, kill);
        let contact = changes.contact.clone();
        changes.finish(earlier.as_deref(), &mut changed).await?;
        if (kill + 1) % CHECK_EVERY == 0 {
            rechecked += 1;
            check_at_rest(&data, &mut ledger, kill)?;
        }
        // Now and then the next one is killed while it recovers.
        if random.below(5) == 0 {
            builder(&data).start_and_kill_9_after(Duration::from_millis(random.below(60)))?;
        }
        server = start(&data)?;
        restarts.push(server.started_in());
        verify(&server, &names, &mut ledger, kill).await?;
        let touched = [earlier.replace(contact.clone()), Some(contact)];
        verify_changes(&server, touched.iter().flatten(), &changed, &mut ledger, kill).await?;
        if (kill + 1) % 100 == 0 {
            eprintln!(
                "{} kills, {} fragments acknowledged, {} faults",
                kill + 1,
                ledger.acknowledged(),
                ledger.faults.len()
            );
        }
    }
    // Everything once more, from the beginning.
    ledger.forget_what_was_verified();
    verify(&server, &names, &mut ledger, arguments.kills).await?;
    verify_changes(&server, changed.keys(), &changed, &mut ledger, arguments.kills).await?;
    drop(server);
    check_at_rest(&data, &mut ledger, arguments.kills)?;
    restarts.sort_unstable();
    let row = Row::new()
        .count("kills", "kills", u64::from(arguments.kills))
        .count("acknowledged", "acknowledged_fragments", ledger.acknowledged())
        .count("lost", "lost_fragments", ledger.lost)
        .count("altered", "altered_fragments", ledger.altered)
        .count("numbers reused", "numbers_reused", ledger.reused)
        .count("changes", "acknowledged_changes", changed.values().map(|keys| keys.len() as u64).sum())
        .count("changes lost", "lost_changes", ledger.lost_changes)
        .count("corruptions", "corruptions", ledger.corruptions)
        .ms("restart p50 ms", "restart_p50_ms", restarts.get(restarts.len() / 2).copied().unwrap_or_default())
        .ms("restart max ms", "restart_max_ms", restarts.last().copied().unwrap_or_default())
        .number("seconds", "seconds", begun.elapsed().as_secs_f64(), 0)
        .detail("checks_at_rest", rechecked + 1)
        .detail("read_and_not_acknowledged", ledger.unpromised);
    Ok((row, ledger.faults))
}

/// Reads what was not verified yet, and looks for damage in what the server says of its start.
async fn verify(
    server: &TestServer,
    names: &[StreamName],
    ledger: &mut Ledger,
    kill: u32,
) -> anyhow::Result<()> {
    let read = reader::read_all(&client(server)?, names, |stream| ledger.verified_through(stream)).await?;
    for ReadBack { stream, fragments, broken } in read {
        ledger.compare(stream, &fragments, kill);
        if let Some(broken) = broken {
            ledger.corruption(format!("kill {kill}: {broken}"));
        }
    }
    let log = server.log();
    // A kill in the middle of a write leaves a group that is not whole, of which nothing was acknowledged.
    let lines = log.lines().filter(|line| !line.contains("a group that is not whole"));
    for line in lines.filter(|line| line.contains("damaged") || line.contains("missing")) {
        ledger.corruption(format!("kill {kill}: the server says: {line}"));
    }
    Ok(())
}

/// Reads the contacts of which changes were acknowledged.
async fn verify_changes(
    server: &TestServer,
    contacts: impl Iterator<Item = &String>,
    changed: &Acknowledged,
    ledger: &mut Ledger,
    kill: u32,
) -> anyhow::Result<()> {
    let server = Contacts::of(server.http()).await?;
    for (contact, keys) in contacts.filter_map(|contact| changed.get_key_value(contact)) {
        let missing = server.missing(contact, keys).await?;
        ledger.changes_lost(missing as u64, keys.len(), contact, kill);
    }
    Ok(())
}

fn builder(data: &Path) -> tympan_testkit::TestServerBuilder {
    // Readers at the tail go home soon, and nothing is spoken.
    TestServer::builder()
        .data_dir(data)
        .env("TYMPAN_KVS__GET_MEDIA_IDLE_MS", 50)
        .env("TYMPAN_SPEECH__COMMAND", "[]")
        // Or each run's call would have a stream of its own.
        .env("TYMPAN_CONNECT__STREAM_REST_S", 0)
}

fn start(data: &Path) -> anyhow::Result<TestServer> {
    builder(data).start()
}

fn client(server: &TestServer) -> anyhow::Result<Kvs> {
    let credentials = Credentials::new("TYMPANDEV", "tympandevsecret");
    let identity = Identity { credentials, region: Region::parse("us-west-2")? };
    let endpoint: Endpoint = server.http().parse()?;
    Ok(Kvs::new(HttpClient::new(identity), endpoint))
}

/// `tympan streams check` on what a kill left: nothing of it is damage.
fn check_at_rest(data: &Path, ledger: &mut Ledger, kill: u32) -> anyhow::Result<()> {
    let mut command = Command::new(tympan_testkit::binary()?);
    let output = command.args(["streams", "check", "--json", "--data-dir"]).arg(data).output()?;
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
        format!("`tympan streams check` gave no report: {}", String::from_utf8_lossy(&output.stderr))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let findings = report["findings"].as_array().map(Vec::as_slice).unwrap_or_default();
    for finding in findings.iter().filter(|finding| finding["kind"] != "note" && finding["kind"] != "orphan")
    {
        ledger.corruption(format!("kill {kill}: at rest: {finding}"));
    }
    if findings.is_empty() {
        bail!("`tympan streams check` failed and says nothing: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit.max(1)
    }
}

/// What is shared by the parts: a stream, by its place among the streams.
fn stream_ref(name: &StreamName) -> StreamRef {
    StreamRef::Name(name.clone())
}

/// What a producer was told.
struct Told {
    stream: usize,
    acks: Vec<tympan_client::kvs::Ack>,
}

/// Counts of acknowledgements that a waiting kill looks at.
type Counts = Arc<Vec<std::sync::atomic::AtomicU64>>;

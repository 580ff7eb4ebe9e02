//! `bench waveform`: the waveform of a long call by HTTP, from the request to the last byte of the answer.
//!
//! An hour is too long to wait for: a call is captured, the server is killed in mid-call, the store of its folder gets the rest of the hour as
//! a capture would have left it (fragments of a second, each with its index), and the next start takes that for what the call was
//! captured up to.

use crate::machine::Machine;
use crate::report::{self, Row};
use crate::rig::calls::{Placement, Rig};
use crate::rig::connect::{self, CapturedAudio};
use crate::rig::http::{Client, Service};
use crate::rig::server;
use crate::speech;
use crate::statistics::Histogram;
use crate::store::layout::{Layout, Payload, Tympan};
use anyhow::{Context, ensure};
use std::path::Path;
use std::time::{Duration, Instant};
use tympan_store::{Ending, FragmentHead, StreamRef, TimeAxis};
use tympan_telephony::audio::g711::Law;
use tympan_telephony::index::IndexBuilder;
use tympan_types::{ProducerTime, StreamArn};

/// The waveform of a call.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How long the call is, in seconds.
    #[arg(long, default_value_t = 3_600, value_parser = clap::value_parser!(u32).range(1..=36_000))]
    seconds: u32,
    /// How wide the waveform is; several numbers are several rows.
    #[arg(long, value_delimiter = ',', default_value = "200,1000,4096", value_parser = clap::value_parser!(u32).range(1..=4_096))]
    columns: Vec<u32>,
    /// How often each is asked for.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..))]
    requests: u32,
}

/// What an hour may take.
const AIM: Duration = Duration::from_millis(50);
/// The customer's track in an index.
const FROM_CUSTOMER: u8 = 1;
/// Seconds of speech that are said again and again.
const SPEECH_S: usize = 60;
/// Fragments that wait for the disk at once.
const BATCH: usize = 100;
/// The longest that the start after the kill may take to close the contact.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs it and prints the result.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    server::build()?;
    let machine = Machine::read();
    println!("the waveform of a call of {} s: {}", arguments.seconds, machine.describe());
    let mut rig = Rig::start(1, Placement::Anywhere)?;
    rig.dial(1, 1)?;
    let (data, mut calls) = rig.kill_9()?;
    let audio = calls.remove(&0).context("the call is not captured")?;
    let index_bytes = fill(data.path(), &audio, arguments.seconds)?;

    let server = server::start_in(data.path(), 1, &[], None)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let client = Client::new(server.http())?;
    let begun = Instant::now();
    while !runtime.block_on(connect::has_ended(&client, &audio.contact_id))? {
        ensure!(begun.elapsed() < PATIENCE, "the contact did not end; the log:\n{}", server.log());
        std::thread::sleep(Duration::from_millis(50));
    }
    let mut rows = Vec::new();
    for &columns in &arguments.columns {
        let row = runtime.block_on(measure(&client, &audio, columns, arguments))?;
        let row = row.number("index B/s", "index_bytes_per_s", index_bytes, 0);
        rows.push(row.detail("bench", "waveform").detail("machine", machine.json()));
        eprintln!("{columns} columns: done");
    }
    server::stop(server)?;
    print!("{}", report::table(&rows));
    rows.iter().for_each(|row| println!("{}", row.json_line()));
    Ok(())
}

/// Appends so many seconds to what was captured; gives the bytes of index for a second.
fn fill(folder: &Path, audio: &CapturedAudio, seconds: u32) -> anyhow::Result<f64> {
    let tympan = Tympan::open(folder)?;
    let codes = speech::mu_law(SPEECH_S);
    let fragments: Vec<(&[u8], Payload)> = codes
        .chunks_exact(speech::HZ)
        .map(|second| (second, Payload::of_a_second(&speech::pcm(second))))
        .collect();
    let arn = StreamArn::parse(&audio.stream_arn)?;
    let mut index_bytes = 0;
    tympan.runtime.block_on(async {
        let stream = tympan.store.stream(StreamRef::Arn(&arn)).await?.id;
        let there = tympan.store.list_fragments(stream, TimeAxis::Server, 0, i64::MAX, None, 100_000).await?;
        let last = there.last().context("nothing was captured")?;
        let mut producer_ms = last.producer.unix_ms() + 1_000;
        let mut writer = tympan.store.open_writer(stream).await?;
        let (mut builder, mut waiting) = (IndexBuilder::new(FROM_CUSTOMER), Vec::new());
        for (second, payload) in fragments.iter().cycle().take(seconds as usize) {
            builder.companded(Law::Mu, second);
            let index = builder.finish_fragment();
            index_bytes += index.len();
            let producer = ProducerTime::from_unix_ms(producer_ms);
            writer.begin(FragmentHead { head: payload.head.clone(), producer })?;
            writer.push(payload.body.clone());
            waiting.push(writer.seal_indexed(1_000, Some(index.into())));
            producer_ms += 1_000;
            if waiting.len() == BATCH {
                for persisting in waiting.drain(..) {
                    persisting.await?;
                }
            }
        }
        for persisting in waiting {
            persisting.await?;
        }
        writer.close(Ending::Finished);
        anyhow::Ok(())
    })?;
    tympan.finish();
    Ok(index_bytes as f64 / f64::from(seconds))
}

/// Asks for the waveform again and again, each time over a connection of its own.
async fn measure(
    client: &Client,
    audio: &CapturedAudio,
    columns: u32,
    arguments: &Arguments,
) -> anyhow::Result<Row> {
    let path = format!("/tympan/contacts/{}/waveform?columns={columns}", audio.contact_id);
    let (mut times, mut first) = (Histogram::new(), Duration::ZERO);
    for request in 0..=arguments.requests {
        let begun = Instant::now();
        let answer = client.call(Service::Tympan, "GET", &path, None).await?;
        let took = begun.elapsed();
        if request == 0 {
            first = took;
            let samples = answer["Samples"].as_u64().unwrap_or(0);
            let track = &answer["Tracks"][0];
            ensure!(samples >= 8_000 * u64::from(arguments.seconds), "{samples} samples are drawn");
            ensure!(track["FromAudio"] == false && track["Incomplete"] == false, "an index is missing");
            let drawn = track["PeakDbfs"].as_array().map_or(0, Vec::len);
            ensure!(drawn == columns as usize, "{drawn} columns of {columns}");
        } else {
            times.record(took);
        }
    }
    let p95 = times.percentile(95.0);
    Ok(Row::new()
        .count("call s", "seconds", arguments.seconds.into())
        .count("columns", "columns", columns.into())
        .ms("first ms", "first_ms", first)
        .ms("p50 ms", "p50_ms", times.percentile(50.0))
        .ms("p95 ms", "p95_ms", p95)
        .ms("max ms", "max_ms", times.max())
        .cell(
            "goal",
            format!("p95 < {} ms: {}", AIM.as_millis(), if p95 < AIM { "met" } else { "NOT MET" }),
            "met",
            p95 < AIM,
        ))
}

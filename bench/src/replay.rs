//! `bench replay`: GetMedia from the oldest fragment on, against nginx serving the same bytes.

use crate::clock::Monotonic;
use crate::corpus::FRAGMENT_PCM_BYTES;
use crate::cost;
use crate::machine::Machine;
use crate::peer::nginx::Nginx;
use crate::report::{self, Row};
use crate::rig::calls::{Placement, Rig};
use crate::rig::connect::CapturedAudio;
use crate::rig::core::Core;
use crate::rig::flood::{self, Producer};
use crate::rig::http::Client;
use crate::rig::media::CustomerAudio;
use crate::rig::process::{Usage, cpu_by_thread};
use crate::rig::tls::Certificate;
use crate::rig::wire::Place;
use crate::rig::{server, wire};
use crate::rtp::finder::Finder;
use crate::speech;
use crate::verify::Verifier;
use anyhow::{Context, ensure};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio_rustls::rustls::ClientConfig;
use tympan_mkv::Limits;
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink};

/// GetMedia over HTTP.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// What was stored: by producers, by calls, or both.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "producer,producer-tls,captured")]
    form: Vec<Form>,
    /// Length of the producer's stream, in MB.
    #[arg(long, default_value_t = 200)]
    megabytes: u64,
    /// Calls that are captured, each to a stream of its own.
    #[arg(long, default_value_t = 40)]
    calls: u32,
    /// Length of these calls, in seconds.
    #[arg(long, default_value_t = 40)]
    seconds: u64,
    /// Bytes that each server gives in a round, in MB: everything is read again and again.
    #[arg(long, default_value_t = 1_000)]
    round_megabytes: u64,
    /// Rounds; in each, every server gives everything.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Leave it to the kernel where servers and readers run; they have a core each otherwise.
    #[arg(long)]
    no_pin: bool,
}

/// How what is read came into the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// By PutMedia: given back byte for byte.
    Producer,
    /// The same, read over TLS.
    ProducerTls,
    /// By calls: in whatever form the server keeps telephone audio.
    Captured,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Producer => "producer",
            Self::ProducerTls => "producer, TLS",
            Self::Captured => "captured",
        }
    }
}

/// What the service allows one reader, in MB/s, and how many times that is the aim.
const ALLOWED_MB_PER_S: f64 = 25.0;
const AIM: f64 = 20.0;
/// The aims for CPU time, nginx without sendfile being 1: without TLS, and when both speak it.
const CPU_AIM: f64 = 1.5;
const CPU_AIM_TLS: f64 = 0.7;
/// A reader of a stream that nobody writes ends after that.
const IDLE: &str = "300";

/// Runs it and prints the results.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    server::build()?;
    let machine = Machine::read();
    println!(
        "GetMedia from the oldest fragment, {} MB a round, {} rounds: {}",
        arguments.round_megabytes,
        arguments.rounds,
        machine.describe()
    );
    let placement = Placement::apart_if(!arguments.no_pin);
    let (server_core, load_core) = placement.cores();
    let mut rows = Vec::new();
    for &form in &arguments.form {
        let measured = match form {
            Form::Producer => producer(arguments, None, server_core, load_core)?,
            Form::ProducerTls => producer(arguments, Some(&Certificate::new()?), server_core, load_core)?,
            Form::Captured => captured(arguments, placement)?,
        };
        for row in measured {
            let row = row.detail("placement", placement.describe());
            rows.push(row.detail("bench", "replay").detail("machine", machine.json()));
        }
        eprintln!("{}: done", form.name());
    }
    print!("{}", report::table(&rows));
    rows.iter().for_each(|row| println!("{}", row.json_line()));
    Ok(())
}

/// One long stream, uploaded once; over TLS it is only read.
fn producer(
    arguments: &Arguments,
    tls: Option<&Certificate>,
    server_core: Option<Core>,
    load_core: Option<Core>,
) -> anyhow::Result<Vec<Row>> {
    let data = server::scratch("bench-data-")?;
    let idle = ("TYMPAN_KVS__GET_MEDIA_IDLE_MS", IDLE);
    let mut server = server::start_in(data.path(), 1, &[idle], server_core)?;
    let mut client = Client::new(server.http())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(flood::create_stream(&client, "bench"))?;
    let second = speech::pcm(&speech::mu_law(1));
    let fragments = (arguments.megabytes * 1_000_000) as usize / FRAGMENT_PCM_BYTES;
    flood::upload(&client, "bench", &Producer::new(&second), fragments)?;
    // The stream's last writer is gone: by now all of it is in chunks.
    std::thread::sleep(Duration::from_secs(2));
    if let Some(tls) = tls {
        server::stop(server)?;
        let (file, key_file) = (tls.file().display().to_string(), tls.key_file().display().to_string());
        let secured = [
            idle,
            ("TYMPAN_HTTP__TLS_CERTIFICATE_FILE", file.as_str()),
            ("TYMPAN_HTTP__TLS_KEY_FILE", key_file.as_str()),
        ];
        server = server::start_in(data.path(), 1, &secured, server_core)?;
        client = Client::new(server.http())?;
    }
    let requests = vec![earliest(&json!({ "StreamName": "bench" }))];
    let check = |bodies: &[Vec<u8>]| -> anyhow::Result<()> {
        let mut found = Pcm::default();
        let mut reader = FragmentReader::new(Limits::default());
        reader.push(&bodies[0], &mut found)?;
        reader.finish(&mut found)?;
        ensure!(found.0 == second.repeat(fragments), "GetMedia gave other audio than was uploaded");
        Ok(())
    };
    let form = if tls.is_some() { Form::ProducerTls } else { Form::Producer };
    let reader = tls.map(Certificate::reader).transpose()?;
    let subject = Subject { form, client: &client, pid: server.pid(), requests, tls, reader };
    let rows = subject.measure(arguments, server_core, load_core, check);
    rows.with_context(|| format!("the log of the server:\n{}", server.log()))
}

/// Many short streams, captured from calls.
fn captured(arguments: &Arguments, placement: Placement) -> anyhow::Result<Vec<Row>> {
    let (server_core, load_core) = placement.cores();
    let mut rig = Rig::start(arguments.calls, placement)?;
    rig.dial(arguments.calls, 50)?;
    std::thread::sleep(Duration::from_secs(arguments.seconds));
    rig.check_up()?;
    let quiet = rig.hang_up()?;
    std::thread::sleep(Duration::from_secs(2));
    let audio: Vec<(u32, &CapturedAudio)> = quiet.calls.iter().map(|(call, audio)| (*call, audio)).collect();
    let requests =
        audio.iter().map(|(_, audio)| earliest(&json!({ "StreamARN": audio.stream_arn }))).collect();
    let check = |_: &[Vec<u8>]| -> anyhow::Result<()> {
        for (call, audio) in &audio {
            let sent = quiet.sent.get(call).context("a call was never sent")?;
            let mut verifier = Verifier::new(*call, sent);
            quiet.runtime.block_on(async {
                let mut finder = Finder::default();
                let mut body = CustomerAudio::open(&quiet.client, audio).await?;
                while body.next(|_, pcm| finder.push(pcm, |finding| verifier.take(finding))).await? {}
                finder.finish(|finding| verifier.take(finding));
                anyhow::Ok(())
            })?;
            ensure!(verifier.finish().is_exact(), "GetMedia gave other audio than call {call} sent");
        }
        Ok(())
    };
    let (client, pid) = (&quiet.client, quiet.pid());
    let subject = Subject { form: Form::Captured, client, pid, requests, tls: None, reader: None };
    let rows = subject.measure(arguments, server_core, load_core, check)?;
    quiet.stop()?;
    Ok(rows)
}

fn earliest(stream: &serde_json::Value) -> String {
    let mut request = stream.clone();
    request["StartSelector"] = json!({ "StartSelectorType": "EARLIEST" });
    request.to_string()
}

/// A server with something in it.
struct Subject<'a> {
    form: Form,
    client: &'a Client,
    pid: u32,
    /// A GetMedia body for each stream.
    requests: Vec<String>,
    /// What it and its peers speak TLS with.
    tls: Option<&'a Certificate>,
    reader: Option<Arc<ClientConfig>>,
}

/// One round of one server.
#[derive(Clone, Copy)]
struct Run {
    bytes: u64,
    wall: Duration,
    cpu: Duration,
}

impl Subject<'_> {
    fn measure(
        &self,
        arguments: &Arguments,
        server_core: Option<Core>,
        load_core: Option<Core>,
        check: impl FnOnce(&[Vec<u8>]) -> anyhow::Result<()>,
    ) -> anyhow::Result<Vec<Row>> {
        let mut bodies = Vec::new();
        for request in &self.requests {
            let mut answer = Vec::new();
            let place = self.place(self.client.authority());
            wire::get(place, &self.client.json_request("/getMedia", request), |piece| {
                answer.extend_from_slice(piece);
            })?;
            bodies.push(unchunk(&answer)?);
        }
        check(&bodies)?;
        let bytes: u64 = bodies.iter().map(|body| body.len() as u64).sum();
        ensure!(bytes > 0, "nothing is stored");
        let repeats = (arguments.round_megabytes * 1_000_000).div_ceil(bytes).max(1);

        let mut names = vec!["tympan GetMedia"];
        let mut peers = Vec::new();
        for (name, sendfile) in [("nginx, no sendfile", false), ("nginx, sendfile", true)] {
            let Some(nginx) = Nginx::start(sendfile, self.tls, server_core)? else {
                println!("peer: nginx is not installed ({})", Nginx::INSTALL);
                break;
            };
            for (index, body) in bodies.iter().enumerate() {
                std::fs::write(nginx.files().join(index.to_string()), body)?;
            }
            names.push(name);
            peers.push(nginx);
        }
        drop(bodies);
        let read_all = || -> anyhow::Result<Vec<Run>> {
            let mut runs = vec![self.read(repeats)?];
            for peer in &peers {
                runs.push(self.read_files(peer, repeats)?);
            }
            Ok(runs)
        };
        let mut rounds = Vec::new();
        let threads_before = cpu_by_thread(self.pid);
        for _ in 0..arguments.rounds.max(1) {
            rounds.push(match load_core {
                Some(core) => core.run(read_all)??,
                None => read_all()?,
            });
        }
        let threads: serde_json::Map<_, _> = cpu_by_thread(self.pid)
            .into_iter()
            .map(|(name, cpu)| {
                let taken = cpu.saturating_sub(threads_before.get(&name).copied().unwrap_or_default());
                (name, (taken.as_millis() as u64).into())
            })
            .collect();
        let rows = names.iter().enumerate().map(|(at, name)| {
            let row = self.row(name, at, &rounds, bytes, repeats);
            if at == 0 { row.detail("cpu_ms_by_thread", threads.clone()) } else { row }
        });
        Ok(rows.collect())
    }

    fn row(&self, name: &str, at: usize, rounds: &[Vec<Run>], bytes: u64, repeats: u64) -> Row {
        let runs: Vec<Run> = rounds.iter().map(|runs| runs[at]).collect();
        let per_gb = |run: &Run| cost::s_per_gb(run.bytes, run.cpu);
        let ratios: Vec<f64> =
            rounds.iter().filter_map(|runs| Some(per_gb(runs.get(at)?) / per_gb(runs.get(1)?))).collect();
        let mb_per_s: Vec<f64> =
            runs.iter().map(|run| run.bytes as f64 / 1e6 / run.wall.as_secs_f64()).collect();
        let (ratio, mb_per_s) = (cost::median(&ratios), cost::median(&mb_per_s));
        let verdict = |met: bool| if met { "met" } else { "SHORT" };
        let cpu_aim = if self.tls.is_some() { CPU_AIM_TLS } else { CPU_AIM };
        let goal = match at {
            0 => format!(
                "<= {cpu_aim}: {}; >= {:.0} MB/s: {}",
                verdict(ratio <= cpu_aim),
                AIM * ALLOWED_MB_PER_S,
                verdict(mb_per_s >= AIM * ALLOWED_MB_PER_S)
            ),
            _ => String::new(),
        };
        Row::new()
            .cell("stored", self.form.name().to_owned(), "form", self.form.name())
            .count("streams", "streams", self.requests.len() as u64)
            .cell("server", name.to_owned(), "server", name.to_owned())
            .number("MB/s", "mb_per_s", mb_per_s, 0)
            .number("CPU-s/GB", "cpu_s_per_gb", cost::median(&runs.iter().map(per_gb).collect::<Vec<_>>()), 3)
            .number("CPU, nginx = 1", "ratio", ratio, 2)
            .cell("goal", goal.clone(), "goal", goal)
            .detail("body_bytes", bytes)
            .detail("repeats", repeats)
    }

    /// Reads everything so many times; each stream's body ends by itself.
    fn read(&self, repeats: u64) -> anyhow::Result<Run> {
        let before = Usage::of(self.pid)?;
        let mut run = Run { bytes: 0, wall: Duration::ZERO, cpu: Duration::ZERO };
        for _ in 0..repeats {
            for request in &self.requests {
                let begun = Monotonic::now();
                let request = self.client.json_request("/getMedia", request);
                let received = wire::get(self.place(self.client.authority()), &request, |_| {})?;
                run.bytes += received.bytes;
                // The wait for something new at the end is not the transfer.
                run.wall += received.last.since(begun);
            }
        }
        run.cpu = Usage::of(self.pid)?.cpu.saturating_sub(before.cpu);
        Ok(run)
    }

    fn read_files(&self, nginx: &Nginx, repeats: u64) -> anyhow::Result<Run> {
        let before = nginx.usage()?;
        let authority = nginx.authority();
        let mut run = Run { bytes: 0, wall: Duration::ZERO, cpu: Duration::ZERO };
        for _ in 0..repeats {
            for file in 0..self.requests.len() {
                let begun = Monotonic::now();
                let request = format!("GET /{file} HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n");
                let received = wire::get(self.place(&authority), &request, |_| {})?;
                run.bytes += received.bytes;
                run.wall += received.last.since(begun);
            }
        }
        run.cpu = nginx.usage()?.cpu.saturating_sub(before.cpu);
        Ok(run)
    }

    fn place<'a>(&'a self, authority: &'a str) -> Place<'a> {
        Place { authority, tls: self.reader.as_ref() }
    }
}

/// The body of an answer that comes in chunks.
fn unchunk(answer: &[u8]) -> anyhow::Result<Vec<u8>> {
    let head =
        answer.windows(4).position(|window| window == b"\r\n\r\n").context("the answer has no head")?;
    let mut rest = &answer[head + 4..];
    let mut body = Vec::with_capacity(rest.len());
    loop {
        let line = rest.windows(2).position(|window| window == b"\r\n").context("a chunk without a size")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..line])?, 16)?;
        let chunk = rest.get(line + 2..line + 2 + size).context("a chunk is cut off")?;
        body.extend_from_slice(chunk);
        if size == 0 {
            return Ok(body);
        }
        rest = rest.get(line + 4 + size..).context("a chunk is cut off")?;
    }
}

#[derive(Default)]
struct Pcm(Vec<u8>);

impl FragmentSink for Pcm {
    fn block(&mut self, _block: BlockHeader, payload: &[u8], _last: bool) {
        self.0.extend_from_slice(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_answer_is_put_together() {
        let answer = b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";
        assert_eq!(unchunk(answer).unwrap(), b"abc0123456789abcdef");
        assert!(unchunk(&answer[..answer.len() - 5]).is_err());
        assert!(unchunk(b"HTTP/1.1 200 OK\r\n").is_err());
    }
}

//! `bench mux`: PCM into fragments, against the crate that reads best and ffmpeg.

use crate::corpus::{self, FRAGMENT_PCM_BYTES, Shape};
use crate::cost;
use crate::machine::Machine;
use crate::peer::ffmpeg::Ffmpeg;
use crate::peer::webm;
use crate::report::{self, Row};
use crate::rig::server;
use crate::speech;
use std::time::Duration;

/// Writing Matroska.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// How many fragments of a second.
    #[arg(long, default_value_t = 6_000)]
    fragments: usize,
    /// Rounds; in each, every writer writes all of them once.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
}

/// A way to get at Matroska.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Writer {
    /// Ours: a document's head, then a Cluster of 50 blocks each.
    Clusters,
    /// Ours as GetMedia answers: a head and the service's tags before each Cluster.
    Documents,
    /// No writer: the floor.
    Copy,
    /// The crate: the same Clusters.
    Webm,
    /// The program, which chooses the length of its blocks itself.
    Ffmpeg,
}

impl Writer {
    const ALL: [Self; 5] = [Self::Clusters, Self::Documents, Self::Copy, Self::Webm, Self::Ffmpeg];

    fn name(self) -> &'static str {
        match self {
            Self::Clusters => "tympan, Clusters",
            Self::Documents => "tympan, a document each",
            Self::Copy => "copy of the PCM (floor)",
            Self::Webm => "webm-iterable, Clusters",
            Self::Ffmpeg => "ffmpeg -f s16le -c copy -f matroska",
        }
    }
}

/// Runs it and prints the results.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let machine = Machine::read();
    let ffmpeg = Ffmpeg::find();
    println!(
        "PCM to Matroska, {} fragments, {} rounds: {}",
        arguments.fragments,
        arguments.rounds,
        machine.describe()
    );
    if ffmpeg.is_none() {
        println!("ffmpeg is not installed ({})", Ffmpeg::INSTALL);
    }
    let speech = speech::pcm(&speech::mu_law(60));
    let pcm: Vec<u8> =
        speech.iter().copied().cycle().take(arguments.fragments * FRAGMENT_PCM_BYTES).collect();
    let folder = server::scratch("bench-mux-")?;
    let path = folder.path().join("speech.raw");
    std::fs::write(&path, &pcm)?;

    let writers = Writer::ALL.into_iter().filter(|writer| *writer != Writer::Ffmpeg || ffmpeg.is_some());
    let mut results: Vec<(Writer, Vec<Duration>)> = writers.map(|writer| (writer, Vec::new())).collect();
    let mut out = Vec::with_capacity(pcm.len() * 2);
    for _ in 0..arguments.rounds.max(1) {
        for (writer, cpu) in &mut results {
            out.clear();
            cpu.push(match (*writer, &ffmpeg) {
                (Writer::Ffmpeg, Some(ffmpeg)) => ffmpeg.mux(&path)?,
                (writer, _) => cost::of_thread(|| write(writer, &pcm, &mut out))?,
            });
        }
    }
    let ours = results.first().map(|(_, cpu)| cpu.clone()).unwrap_or_default();
    let rows: Vec<Row> = results
        .iter()
        .map(|(writer, cpu)| {
            let best = cpu.iter().min().copied().unwrap_or(Duration::MAX);
            let ratios: Vec<f64> =
                cpu.iter().zip(&ours).map(|(peer, ours)| peer.as_secs_f64() / ours.as_secs_f64()).collect();
            Row::new()
                .cell("writer", writer.name().to_owned(), "writer", writer.name())
                .number(
                    "fragments/CPU-s",
                    "fragments_per_cpu_s",
                    arguments.fragments as f64 / best.as_secs_f64(),
                    0,
                )
                .number(
                    "us/fragment",
                    "us_per_fragment",
                    best.as_secs_f64() * 1e6 / arguments.fragments as f64,
                    2,
                )
                .number("CPU, ours = 1", "ratio", cost::median(&ratios), 2)
                .detail("bench", "mux")
                .detail("machine", machine.json())
        })
        .collect();
    print!("{}", report::table(&rows));
    rows.iter().for_each(|row| println!("{}", row.json_line()));
    Ok(())
}

fn write(writer: Writer, pcm: &[u8], out: &mut Vec<u8>) -> anyhow::Result<()> {
    let timecode_ms = |second: usize| 1_700_000_000_000 + second as u64 * 1_000;
    let seconds = pcm.chunks(FRAGMENT_PCM_BYTES).enumerate();
    match writer {
        Writer::Clusters => {
            corpus::head(out);
            seconds.for_each(|(second, pcm)| corpus::cluster(out, Shape::Unknown, timecode_ms(second), pcm));
        }
        Writer::Documents => seconds.for_each(|(second, pcm)| {
            corpus::head(out);
            corpus::service_tags_before(out, timecode_ms(second));
            corpus::cluster(out, Shape::Unknown, timecode_ms(second), pcm);
        }),
        Writer::Copy => out.extend_from_slice(pcm),
        Writer::Webm => webm::mux(pcm, &mut *out)?,
        Writer::Ffmpeg => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_writer_that_runs_here_writes_what_a_reader_finds_again() {
        let pcm = speech::pcm(&speech::mu_law(3));
        for writer in [Writer::Clusters, Writer::Documents, Writer::Webm] {
            let mut mkv = Vec::new();
            write(writer, &pcm, &mut mkv).unwrap();
            let mut found = Vec::new();
            webm::demux(&mkv[..], |pcm| found.extend_from_slice(pcm)).unwrap();
            assert!(found == pcm, "{}", writer.name());
        }
    }
}

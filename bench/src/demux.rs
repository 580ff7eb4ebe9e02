//! `bench demux`: the PCM out of a Matroska stream, against ffmpeg and the best correct crate.

use crate::corpus::{Corpus, Shape};
use crate::cost;
use crate::machine::Machine;
use crate::peer::ffmpeg::Ffmpeg;
use crate::peer::webm;
use crate::report::{self, Row};
use crate::rig::server;
use bytes::{Bytes, BytesMut};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;
use tympan_mkv::Limits;
use tympan_mkv::consume::{MediaEvent, MediaReader};
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink};

/// Reading Matroska.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Size of each stream, in MB.
    #[arg(long, default_value_t = 100)]
    megabytes: usize,
    /// Rounds; in each, every reader reads every stream once.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// How the streams are put together.
    #[arg(long, value_enum, value_delimiter = ',', default_value = "known,unknown,single")]
    shape: Vec<Shape>,
}

/// What is read at a time, as from a socket or a file.
const PIECE_BYTES: usize = 64 * 1024;

/// A way to get at the PCM.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// No reader: the floor.
    Copy,
    /// Ours, all in one slice.
    Slice,
    /// Ours, from a file in pieces.
    Pieces,
    /// Ours with owned frames, as our client reads, from a file in pieces.
    Frames,
    /// The crate, all in one slice.
    WebmSlice,
    /// The crate, from a file.
    WebmFile,
    /// The program, from a file.
    Ffmpeg,
}

impl Reader {
    const ALL: [Self; 7] =
        [Self::Pieces, Self::Slice, Self::Frames, Self::Copy, Self::WebmFile, Self::WebmSlice, Self::Ffmpeg];

    fn name(self) -> &'static str {
        match self {
            Self::Pieces => "tympan, file in 64 KiB pieces",
            Self::Slice => "tympan, in memory",
            Self::Frames => "tympan, owned frames, file",
            Self::Copy => "copy of the file (floor)",
            Self::WebmFile => "webm-iterable, file",
            Self::WebmSlice => "webm-iterable, in memory",
            Self::Ffmpeg => "ffmpeg -c copy -f null, file",
        }
    }

    /// What the peer must cost at least, in multiples of ours.
    fn goal(self) -> Option<f64> {
        match self {
            Self::WebmFile | Self::WebmSlice => Some(4.0),
            Self::Ffmpeg => Some(20.0),
            _ => None,
        }
    }

    /// The row that this one is compared to.
    fn ours(self) -> Self {
        if self == Self::WebmSlice { Self::Slice } else { Self::Pieces }
    }
}

/// Runs it and prints the results.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let machine = Machine::read();
    let ffmpeg = Ffmpeg::find();
    println!(
        "Matroska to PCM, {} MB a stream, {} rounds: {}",
        arguments.megabytes,
        arguments.rounds,
        machine.describe()
    );
    match &ffmpeg {
        Some(ffmpeg) => println!("peers: ffmpeg {}, {}", ffmpeg.version, webm::VERSION),
        None => println!("peers: {}; ffmpeg is not installed ({})", webm::VERSION, Ffmpeg::INSTALL),
    }
    let mut rows = Vec::new();
    for &shape in &arguments.shape {
        let corpus = Corpus::new(shape, arguments.megabytes);
        let folder = server::scratch("bench-demux-")?;
        let path = folder.path().join("stream.mkv");
        std::fs::write(&path, &corpus.mkv)?;
        for row in measure(shape, &corpus, &path, ffmpeg.as_ref(), arguments.rounds)? {
            rows.push(row.detail("bench", "demux").detail("machine", machine.json()));
        }
        eprintln!("{}: done", shape.name());
    }
    print!("{}", report::table(&rows));
    rows.iter().for_each(|row| println!("{}", row.json_line()));
    Ok(())
}

/// One reader's rounds.
struct Measured {
    reader: Reader,
    correct: bool,
    cpu: Vec<Duration>,
}

fn measure(
    shape: Shape,
    corpus: &Corpus,
    path: &Path,
    ffmpeg: Option<&Ffmpeg>,
    rounds: usize,
) -> anyhow::Result<Vec<Row>> {
    let readers = Reader::ALL.into_iter().filter(|reader| *reader != Reader::Ffmpeg || ffmpeg.is_some());
    let mut results: Vec<Measured> =
        readers.map(|reader| Measured { reader, correct: true, cpu: Vec::new() }).collect();
    let mut pcm = Vec::new();
    for result in &mut results {
        result.correct = match (result.reader, ffmpeg) {
            (Reader::Copy, _) => true,
            (Reader::Ffmpeg, Some(ffmpeg)) => ffmpeg.pcm(path)? == corpus.pcm,
            (reader, _) => {
                pcm.clear();
                let outcome = read(reader, &corpus.mkv, path, &mut pcm);
                outcome.inspect_err(|error| eprintln!("{}: {error:#}", reader.name())).is_ok()
                    && pcm == corpus.pcm
            }
        };
    }
    drop(pcm);
    let mut window = Window::new();
    for _ in 0..rounds.max(1) {
        for result in results.iter_mut().filter(|result| result.correct) {
            result.cpu.push(match (result.reader, ffmpeg) {
                (Reader::Ffmpeg, Some(ffmpeg)) => ffmpeg.demux(path)?,
                (reader, _) => cost::of_thread(|| read(reader, &corpus.mkv, path, &mut window))?,
            });
        }
    }
    results.iter().map(|result| row(shape, corpus, result, &results)).collect()
}

fn row(shape: Shape, corpus: &Corpus, result: &Measured, all: &[Measured]) -> anyhow::Result<Row> {
    let Measured { reader, correct, cpu } = result;
    anyhow::ensure!(*correct || reader.goal().is_some(), "{} gave other PCM than was put in", reader.name());
    let best = cpu.iter().min().copied().unwrap_or(Duration::MAX);
    let ours = all.iter().find(|other| other.reader == reader.ours()).map(|other| &other.cpu);
    let ratios: Vec<f64> = cpu
        .iter()
        .zip(ours.into_iter().flatten())
        .map(|(peer, ours)| peer.as_secs_f64() / ours.as_secs_f64())
        .collect();
    let ratio = cost::median(&ratios);
    let row = Row::new()
        .cell("stream", shape.name().to_owned(), "stream", shape.name())
        .cell("reader", reader.name().to_owned(), "reader", reader.name())
        .number("MB/CPU-s", "mb_per_cpu_s", cost::mb_per_s(corpus.mkv.len(), best), 0)
        .number("ns/block", "ns_per_block", best.as_nanos() as f64 / corpus.blocks() as f64, 1);
    Ok(match (correct, reader.goal()) {
        (false, _) => row.cell("CPU, ours = 1", "-".to_owned(), "ratio", serde_json::Value::Null).cell(
            "goal",
            "incorrect".to_owned(),
            "goal",
            "incorrect",
        ),
        (true, None) => row.number("CPU, ours = 1", "ratio", ratio, 2).cell(
            "goal",
            String::new(),
            "goal",
            serde_json::Value::Null,
        ),
        (true, Some(goal)) => {
            let verdict = if ratio >= goal { "met" } else { "SHORT" };
            row.number("CPU, ours = 1", "ratio", ratio, 1).cell(
                "goal",
                format!(">= {goal:.0}: {verdict}"),
                "goal_met",
                ratio >= goal,
            )
        }
    })
}

fn read(reader: Reader, mkv: &[u8], path: &Path, out: &mut impl Output) -> anyhow::Result<()> {
    match reader {
        Reader::Copy => mkv.chunks(PIECE_BYTES).for_each(|piece| out.put(piece)),
        Reader::Slice => {
            let mut sink = Blocks(out);
            let mut reader = FragmentReader::new(Limits::default());
            reader.push(mkv, &mut sink)?;
            reader.finish(&mut sink)?;
        }
        Reader::Pieces => {
            let mut sink = Blocks(out);
            let mut reader = FragmentReader::new(Limits::default());
            let mut piece = vec![0; PIECE_BYTES];
            let mut file = File::open(path)?;
            while let taken @ 1.. = file.read(&mut piece)? {
                reader.push(&piece[..taken], &mut sink)?;
            }
            reader.finish(&mut sink)?;
        }
        Reader::Frames => frames(File::open(path)?, out)?,
        Reader::WebmSlice => webm::demux(mkv, |pcm| out.put(pcm))?,
        Reader::WebmFile => webm::demux(File::open(path)?, |pcm| out.put(pcm))?,
        Reader::Ffmpeg => {}
    }
    Ok(())
}

fn frames(mut file: File, out: &mut impl Output) -> anyhow::Result<()> {
    let mut reader = MediaReader::new(Limits::default());
    loop {
        let piece = piece(&mut file)?;
        let more = !piece.is_empty();
        if more {
            reader.push(piece)?;
        } else {
            reader.finish()?;
        }
        while let Some(event) = reader.poll() {
            if let MediaEvent::Frame(frame) = event {
                out.put(&frame.data);
            }
        }
        if !more {
            return Ok(());
        }
    }
}

fn piece(file: &mut File) -> io::Result<Bytes> {
    let mut piece = BytesMut::zeroed(PIECE_BYTES);
    let taken = file.read(&mut piece)?;
    piece.truncate(taken);
    Ok(piece.freeze())
}

/// Takes the PCM.
trait Output {
    fn put(&mut self, pcm: &[u8]);
}

/// All of it, to be compared.
impl Output for Vec<u8> {
    fn put(&mut self, pcm: &[u8]) {
        self.extend_from_slice(pcm);
    }
}

/// Its last piece, over and over: as a player or a pipe takes it. What is timed is the reader, not main memory.
struct Window {
    bytes: Box<[u8; PIECE_BYTES]>,
    at: usize,
}

impl Window {
    fn new() -> Self {
        Self { bytes: Box::new([0; PIECE_BYTES]), at: 0 }
    }
}

impl Output for Window {
    #[inline]
    fn put(&mut self, pcm: &[u8]) {
        if self.at + pcm.len() > PIECE_BYTES {
            self.at = 0;
            std::hint::black_box(&mut self.bytes);
        }
        self.bytes[self.at..self.at + pcm.len()].copy_from_slice(pcm);
        self.at += pcm.len();
    }
}

struct Blocks<'a, O>(&'a mut O);

impl<O: Output> FragmentSink for Blocks<'_, O> {
    #[inline]
    fn block(&mut self, _block: BlockHeader, payload: &[u8], _last: bool) {
        self.0.put(payload);
    }
}

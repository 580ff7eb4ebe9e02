//! Matroska in and out.

use super::counted;
use anyhow::ensure;
use bytes::Bytes;
use tympan_mkv::Limits;
use tympan_mkv::consume::{MediaEvent, MediaReader};
use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink};
use tympan_mkv::write::{self, DocumentHead, TrackHead};

/// Blocks of a fragment, and bytes of a block: a second of a call.
pub(super) const FRAMES: usize = 50;
const FRAME_BYTES: usize = 320;
/// As a socket gives them.
const PIECE_BYTES: usize = 64 * 1024;

/// The head of a producer's document.
pub(super) fn head(out: &mut Vec<u8>) {
    let tracks = [TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")];
    DocumentHead::connect([7; 16], &tracks).write(out);
}

/// A Cluster of one second.
pub(super) fn cluster(out: &mut Vec<u8>, timecode_ms: u64) {
    write::cluster_start(out, timecode_ms);
    for index in 0..FRAMES {
        let payload = [index as u8; FRAME_BYTES];
        write::simple_block(out, 1, index as i16 * 20, write::FLAG_KEYFRAME, &payload);
    }
}

/// A producer's stream of so many fragments.
pub(super) fn stream(fragments: usize) -> Vec<u8> {
    let mut out = Vec::new();
    head(&mut out);
    (0..fragments).for_each(|index| cluster(&mut out, index as u64 * 1_000));
    out
}

pub(super) fn write_fragments(fragments: usize) -> anyhow::Result<()> {
    let mut out = Vec::with_capacity(32 * 1024);
    let mut written = 0;
    counted(|| {
        for index in 0..fragments {
            out.clear();
            cluster(&mut out, index as u64 * 1_000);
            written += out.len();
        }
    });
    ensure!(written > fragments * FRAMES * FRAME_BYTES);
    Ok(())
}

struct Pcm(Vec<u8>);

impl FragmentSink for Pcm {
    fn block(&mut self, _block: BlockHeader, payload: &[u8], _last: bool) {
        self.0.extend_from_slice(payload);
    }
}

pub(super) fn read_blocks(blocks: usize) -> anyhow::Result<()> {
    let stream = stream(blocks.div_ceil(FRAMES));
    let mut pcm = Pcm(Vec::with_capacity(stream.len()));
    let mut reader = FragmentReader::new(Limits::default());
    let mut outcome = Ok(());
    counted(|| {
        for piece in stream.chunks(PIECE_BYTES) {
            outcome = outcome.and_then(|()| reader.push(piece, &mut pcm));
        }
    });
    outcome?;
    reader.finish(&mut pcm)?;
    ensure!(pcm.0.len() == blocks.div_ceil(FRAMES) * FRAMES * FRAME_BYTES);
    Ok(())
}

pub(super) fn read_frames(blocks: usize) -> anyhow::Result<()> {
    let stream = Bytes::from(stream(blocks.div_ceil(FRAMES)));
    let mut reader = MediaReader::new(Limits::default());
    let (mut frames, mut outcome) = (0, Ok(()));
    counted(|| {
        for at in (0..stream.len()).step_by(PIECE_BYTES) {
            let piece = stream.slice(at..stream.len().min(at + PIECE_BYTES));
            outcome = outcome.and_then(|()| reader.push(piece));
            while let Some(event) = reader.poll() {
                frames += usize::from(matches!(event, MediaEvent::Frame(_)));
            }
        }
    });
    outcome?;
    ensure!(frames == blocks.div_ceil(FRAMES) * FRAMES);
    Ok(())
}

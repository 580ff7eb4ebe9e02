//! The crate `webm-iterable`: of those on crates.io the fastest that reads concatenated documents.

use crate::corpus::{FRAME_BYTES, FRAME_MS, FRAMES};
use anyhow::Context;
use std::io::{Read, Write};
use webm_iterable::matroska_spec::{Master, MatroskaSpec, SimpleBlock};
use webm_iterable::{WebmIterator, WebmWriter, WriteOptions};

/// As in the lock file.
pub(crate) const VERSION: &str = "webm-iterable 0.7.1";

/// Gives the PCM of each block to `pcm`.
pub(crate) fn demux(mkv: impl Read, mut pcm: impl FnMut(&[u8])) -> anyhow::Result<()> {
    for tag in WebmIterator::new(mkv, &[]) {
        if let MatroskaSpec::SimpleBlock(data) = tag? {
            let block = SimpleBlock::try_from(&data)?;
            pcm(block.raw_frame_data());
        }
    }
    Ok(())
}

/// Writes one Cluster of a second of PCM after another, in one document.
pub(crate) fn mux(pcm: &[u8], out: impl Write) -> anyhow::Result<()> {
    let mut writer = WebmWriter::new(out);
    writer.write(&MatroskaSpec::Ebml(Master::Full(vec![MatroskaSpec::DocType("matroska".to_owned())])))?;
    writer.write_advanced(&MatroskaSpec::Segment(Master::Start), WriteOptions::is_unknown_sized_element())?;
    for (second, fragment) in pcm.chunks(FRAMES * FRAME_BYTES).enumerate() {
        let mut cluster = Vec::with_capacity(FRAMES + 1);
        cluster.push(MatroskaSpec::Timestamp(second as u64 * 1_000));
        for (index, frame) in fragment.chunks(FRAME_BYTES).enumerate() {
            let at = i16::try_from(index * FRAME_MS).context("a fragment lasts a second")?;
            cluster.push(SimpleBlock::new_uncheked(frame, 1, at, false, None, false, index == 0).into());
        }
        writer.write(&MatroskaSpec::Cluster(Master::Full(cluster)))?;
    }
    Ok(())
}

//! Matroska of known content: what GetMedia returns, what a producer sends, in the variants that readers stumble over.

use crate::speech;
use tympan_mkv::{element, vint, write};

/// Milliseconds, samples and bytes of a block: a telephone's frame as 16-bit samples.
pub(crate) const FRAME_MS: usize = 20;
/// Bytes of its payload.
pub(crate) const FRAME_BYTES: usize = 320;
/// Blocks of a fragment, which lasts a second.
pub(crate) const FRAMES: usize = 50;
/// Payload of a fragment.
pub(crate) const FRAGMENT_PCM_BYTES: usize = FRAMES * FRAME_BYTES;
/// Speech repeats after that many seconds.
const SPEECH_S: usize = 60;

/// How the stream is put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shape {
    /// A document per fragment, as GetMedia sends them, each Cluster with its size.
    Known,
    /// The same, and the Clusters too are of unknown size, as they are while a call goes on.
    Unknown,
    /// One document with all Clusters, as a producer writes it.
    Single,
}

impl Shape {
    /// As results name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Unknown => "unknown",
            Self::Single => "single",
        }
    }
}

/// A stream and what is in it.
pub(crate) struct Corpus {
    /// The Matroska.
    pub(crate) mkv: Vec<u8>,
    /// The PCM of all blocks, in order.
    pub(crate) pcm: Vec<u8>,
    /// How many fragments.
    pub(crate) fragments: usize,
}

impl Corpus {
    /// About that many bytes.
    pub(crate) fn new(shape: Shape, megabytes: usize) -> Self {
        let speech = speech::pcm(&speech::mu_law(SPEECH_S));
        let (mut mkv, mut pcm) = (Vec::with_capacity(megabytes * 1_000_000 + 100_000), Vec::new());
        let mut fragments = 0;
        while mkv.len() < megabytes * 1_000_000 {
            let from = fragments % SPEECH_S * FRAGMENT_PCM_BYTES;
            let second = &speech[from..from + FRAGMENT_PCM_BYTES];
            if shape != Shape::Single || fragments == 0 {
                head(&mut mkv);
            }
            let timecode_ms = 1_700_000_000_000 + fragments as u64 * 1_000;
            if shape != Shape::Single {
                service_tags_before(&mut mkv, timecode_ms);
            }
            cluster(&mut mkv, shape, timecode_ms, second);
            pcm.extend_from_slice(second);
            fragments += 1;
        }
        Self { mkv, pcm, fragments }
    }

    /// How many blocks.
    pub(crate) fn blocks(&self) -> u64 {
        (self.fragments * FRAMES) as u64
    }
}

/// EBML header to Tracks of one PCM track. The codec is what it is, so that general tools decode it.
pub(crate) fn head(out: &mut Vec<u8>) {
    let audio = write::AudioHead { sampling_hz: 8_000.0, channels: 1, bit_depth: Some(16) };
    let track = write::TrackHead {
        codec_id: "A_PCM/INT/LIT",
        audio: Some(audio),
        codec_private: &[],
        ..write::TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")
    };
    let tracks = [track];
    write::DocumentHead::connect([7; 16], &tracks)
        .with_segment_size(write::SegmentSize::UnknownInEightBytes)
        .write(out);
}

/// As the service puts them before each Cluster; a producer writes none.
pub(crate) fn service_tags_before(out: &mut Vec<u8>, timecode_ms: u64) {
    let time = format!("{}.{:03}", timecode_ms / 1_000, timecode_ms % 1_000);
    write::service_tags(
        out,
        &[
            ("AWS_KINESISVIDEO_FRAGMENT_NUMBER", "91343852333181432392682062607743920146159169392"),
            ("AWS_KINESISVIDEO_SERVER_TIMESTAMP", &time),
            ("AWS_KINESISVIDEO_PRODUCER_TIMESTAMP", &time),
        ],
    );
}

/// A Cluster of 20 ms blocks.
pub(crate) fn cluster(out: &mut Vec<u8>, shape: Shape, timecode_ms: u64, pcm: &[u8]) {
    let begin = out.len();
    write::cluster_start(out, timecode_ms);
    for (index, frame) in pcm.chunks(FRAME_BYTES).enumerate() {
        let flags = if index == 0 { write::FLAG_KEYFRAME } else { 0 };
        write::simple_block(out, 1, (index * FRAME_MS) as i16, flags, frame);
    }
    if shape == Shape::Known {
        // The header of a Cluster of unknown size is its id, 4 bytes, and FF.
        let payload_bytes = out.len() - begin - 5;
        let mut header = element::CLUSTER.0.to_be_bytes().to_vec();
        vint::put_size(&mut header, payload_bytes as u64, 8);
        out.splice(begin..begin + 5, header);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tympan_mkv::Limits;
    use tympan_mkv::fragment::{BlockHeader, FragmentReader, FragmentSink};

    #[derive(Default)]
    struct Found {
        documents: usize,
        clusters: usize,
        pcm: Vec<u8>,
    }

    impl FragmentSink for Found {
        fn document(&mut self) {
            self.documents += 1;
        }

        fn cluster_end(&mut self) {
            self.clusters += 1;
        }

        fn block(&mut self, _block: BlockHeader, payload: &[u8], _last: bool) {
            self.pcm.extend_from_slice(payload);
        }
    }

    #[test]
    fn every_shape_reads_back_as_what_it_was_made_of() {
        for (shape, one_document) in [(Shape::Known, false), (Shape::Unknown, false), (Shape::Single, true)] {
            let corpus = Corpus::new(shape, 1);
            let mut found = Found::default();
            let mut reader = FragmentReader::new(Limits::default());
            reader.push(&corpus.mkv, &mut found).unwrap();
            reader.finish(&mut found).unwrap();
            assert_eq!(found.clusters, corpus.fragments, "{shape:?}");
            assert_eq!(found.documents, if one_document { 1 } else { corpus.fragments }, "{shape:?}");
            assert!(found.pcm == corpus.pcm, "{shape:?}");
            assert_eq!(corpus.blocks() as usize * FRAME_BYTES, corpus.pcm.len());
        }
    }
}

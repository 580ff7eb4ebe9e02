//! What the kept data directories of `fixtures/store` hold: the same fragments in every format, by rule.
#![allow(dead_code, reason = "the example writes what the test reads")]

use tympan_mkv::write::{self, FLAG_KEYFRAME, TrackHead};

/// Where the fragments of a stream come to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Chunk,
    Both,
    Journal,
}

/// The streams in the order in which they are made.
pub(crate) const STREAMS: [(&str, Place); 3] =
    [("chunked", Place::Chunk), ("both", Place::Both), ("journalled", Place::Journal)];
/// Fragments of each stream.
pub(crate) const FRAGMENTS: usize = 6;
/// When the first fragment of all was begun; each is a second later than the one before.
pub(crate) const BEGIN_MS: i64 = 1_700_000_000_000;
/// Years, so that the fixture's fragments are as young as the test's clock says.
pub(crate) const RETENTION_HOURS: u32 = 87_600;

/// The document head of every fragment.
pub(crate) fn head() -> Vec<u8> {
    let mut out = Vec::new();
    write::DocumentHead::connect([7; 16], &[TrackHead::connect(1, "AUDIO_FROM_CUSTOMER")]).write(&mut out);
    out
}

/// The body of a fragment: Clusters of mu-law's, A-law's and nobody's samples, no Cluster, and nothing at all.
pub(crate) fn body(stream: usize, fragment: usize) -> Vec<u8> {
    let code = |at: usize| (at * 7 + stream * 31 + fragment * 3) as u8;
    match fragment {
        0 | 5 => cluster(fragment, |at| expand_mu(code(at))),
        1 => cluster(fragment, |at| expand_a(code(at))),
        2 => cluster(fragment, |at| (at as i16).wrapping_mul(257) | 1),
        3 => (0..97).map(code).collect(),
        _ => Vec::new(),
    }
}

/// The index of a fragment, from format 4 on: two of three have one. To the store these are bytes.
pub(crate) fn index(stream: usize, fragment: usize) -> Option<Vec<u8>> {
    let byte = (stream * 31 + fragment * 3) as u8;
    (!fragment.is_multiple_of(3)).then(|| vec![byte; 20 + fragment])
}

fn cluster(fragment: usize, sample: impl Fn(usize) -> i16) -> Vec<u8> {
    let mut out = Vec::new();
    write::cluster_start(&mut out, 1_700_000_000_000 + fragment as u64 * 1_000);
    for block in 0..4usize {
        let samples: Vec<u8> = (0..80).flat_map(|at| sample(block * 80 + at).to_le_bytes()).collect();
        write::simple_block(&mut out, 1, block as i16 * 10, FLAG_KEYFRAME, &samples);
    }
    write::user_tag(&mut out, "ContactId", "00000000-0000-4000-8000-000000000000");
    out
}

/// ITU-T G.711 table 2, as everybody expands it to sixteen bits.
pub(crate) fn expand_mu(code: u8) -> i16 {
    let code = !code;
    let magnitude = ((i16::from(code & 15) * 8 + 132) << (code >> 4 & 7)) - 132;
    if code & 0x80 == 0 { magnitude } else { -magnitude }
}

/// ITU-T G.711 table 1.
pub(crate) fn expand_a(code: u8) -> i16 {
    let code = code ^ 0x55;
    let step = i16::from(code & 15) * 16;
    let magnitude = match code >> 4 & 7 {
        0 => step + 8,
        segment => (step + 264) << (segment - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

//! The hand-made streams, the fuzzer's corpus, and damaged forms of both, through the checks of the fuzz target.

use crate::hand_made::{self, Verdict};
use crate::oracle::{self, Said, Transcript};
use proptest::prelude::*;
use std::path::Path;
use tympan_mkv::{Limits, MkvError};

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[test]
fn each_hand_made_stream_is_read_or_refused_as_its_line_says() {
    for made in hand_made::all() {
        let transcript = Transcript::of(&made.bytes, Limits::default(), made.bytes.len().max(1));
        let count = |wanted: fn(&Said) -> bool| transcript.said.iter().filter(|said| wanted(said)).count();
        let blocks = count(|said| matches!(said, Said::Block { last: true, .. }));
        let verdict = match transcript.outcome {
            Ok(()) => {
                let documents = count(|said| *said == Said::Document);
                Verdict::Read(documents, count(|said| *said == Said::ClusterEnd), blocks)
            }
            Err(MkvError::Truncated { .. }) => Verdict::Cut(blocks),
            Err(error) => Verdict::Refused(error.element(), error.offset()),
        };
        assert_eq!(verdict, made.verdict, "{}: {:?}", made.name, transcript.outcome);
    }
}

#[test]
fn the_files_on_disk_are_what_the_generator_makes() {
    for folder in ["fixtures/mkv", "fuzz/corpus/ebml"] {
        for made in hand_made::all() {
            let path = Path::new(WORKSPACE).join(folder).join(made.name);
            let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert!(bytes == made.bytes, "{folder}/{}: run the example make_fixtures", made.name);
        }
    }
    let readme = std::fs::read_to_string(Path::new(WORKSPACE).join("fixtures/mkv/README.md")).unwrap();
    for made in hand_made::all() {
        let line = format!("| `{}` | {} |", made.name, made.what);
        assert!(readme.contains(&line), "fixtures/mkv/README.md has no line for {}", made.name);
    }
}

#[test]
fn the_corpus_of_the_fuzzer_passes() {
    for entry in std::fs::read_dir(Path::new(WORKSPACE).join("fuzz/corpus/ebml")).unwrap() {
        oracle::check(&std::fs::read(entry.unwrap().path()).unwrap());
    }
}

/// A stream with some bytes changed, some removed and its end cut off.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let streams: Vec<_> =
        hand_made::all().into_iter().map(|made| made.bytes).filter(|b| !b.is_empty()).collect();
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let removed = proptest::option::of(any::<prop::sample::Index>());
    (prop::sample::select(streams), changes, removed, any::<prop::sample::Index>()).prop_map(
        |(mut bytes, changes, removed, end)| {
            for (at, value) in changes {
                let at = at.index(bytes.len());
                bytes[at] = value;
            }
            if let Some(at) = removed {
                bytes.remove(at.index(bytes.len()));
            }
            bytes.truncate(end.index(bytes.len() + 1).max(bytes.len() / 2));
            bytes
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn damaged_streams_are_read_or_refused_alike_however_they_are_cut(bytes in damaged()) {
        oracle::check(&bytes);
    }

    #[test]
    fn garbage_is_read_or_refused_alike_however_it_is_cut(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        in_a_segment: bool,
    ) {
        let head: &[u8] = if in_a_segment { b"\x1A\x45\xDF\xA3\x80\x18\x53\x80\x67\xFF" } else { b"" };
        oracle::check(&[head, &bytes].concat());
    }
}

//! Runs the fuzz corpus through the check of the fuzz target, and scripts of random bytes.

use proptest::prelude::*;
use std::fs;
use std::path::Path;

#[path = "checks/session.rs"]
mod session;

#[test]
fn the_corpus_keeps_the_promises_of_a_session() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/media_session");
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let content = fs::read(entry.expect("a folder entry").path()).expect("a readable file");
        for end in (0..=content.len()).rev().step_by(7) {
            session::check(&content[..end]);
        }
        files += 1;
    }
    assert!(files >= 10);
}

/// Scripts that are not refused at once: packets of one source among commands.
fn scripts() -> impl Strategy<Value = Vec<u8>> {
    let packet = (0..3_u8, any::<u8>(), 0..4_u8, 0..200_usize).prop_map(|(port, number, step, samples)| {
        let mut datagram = vec![0x80, [0, 8, 9, 101][usize::from(step)], 0, number];
        datagram.extend(u32::from(number).wrapping_mul(160).to_be_bytes());
        datagram.extend([0, 0, 0, 7]);
        datagram.extend(std::iter::repeat_n(number, samples));
        let mut record = vec![port, u8::try_from(datagram.len().min(255)).unwrap_or(255)];
        record.extend(datagram);
        record
    });
    let command = (any::<u8>(), any::<u8>()).prop_map(|(kind, argument)| vec![kind | 4, argument]);
    let wait = (0..60_u8).prop_map(|ms| vec![4, ms]);
    let record = prop_oneof![4 => packet, 2 => command, 2 => wait];
    (any::<u8>(), proptest::collection::vec(record, 0..120)).prop_map(|(flags, records)| {
        std::iter::once(flags).chain([6, 0]).chain(records.into_iter().flatten()).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_script_keeps_the_promises_of_a_session(script in scripts()) {
        session::check(&script);
    }

    #[test]
    fn any_bytes_keep_the_promises_of_a_session(script in proptest::collection::vec(any::<u8>(), 0..600)) {
        session::check(&script);
    }
}

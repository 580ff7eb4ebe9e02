//! The seeds of the fuzz targets, and pieces of them, through the same checks.

#[path = "acks/oracle.rs"]
mod acks;
#[path = "bodies/oracle.rs"]
mod bodies;

use std::path::Path;

#[test]
fn answers_of_put_media_read_the_same_however_they_are_cut() {
    each_seed("ack_lines", acks::check);
}

#[test]
fn bodies_of_get_media_read_the_same_however_they_are_cut() {
    each_seed("get_media", bodies::check);
}

/// Runs a check on each seed, on its beginnings, and on copies of it with one byte changed.
fn each_seed(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut seeds = 0;
    for entry in std::fs::read_dir(&folder).expect("the corpus is there") {
        let seed = std::fs::read(entry.expect("a readable folder").path()).expect("a readable seed");
        seeds += 1;
        check(&seed);
        let step = (seed.len() / 64).max(1);
        for place in (0..seed.len()).step_by(step) {
            check(&seed[..place]);
            let mut damaged = seed.clone();
            damaged[place] ^= 0x81;
            check(&damaged);
        }
    }
    assert!(seeds >= 2, "{} holds {seeds} seeds", folder.display());
}

//! The companded form on the saved corpus of its fuzz target.
#![allow(clippy::unwrap_used, reason = "a test")]

#[path = "companded/oracle.rs"]
#[allow(unreachable_pub, reason = "shared with the fuzz target")]
mod oracle;

use std::path::Path;

#[test]
fn the_corpus_of_companded_bodies_comes_back() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/companded");
    let mut files = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        oracle::check_companded(&std::fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 5, "the corpus is there");
}

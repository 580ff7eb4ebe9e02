//! Runs the fuzz corpora, and the fixtures of the same kind, through the checks of the fuzz targets.

use std::fs;
use std::path::Path;

#[path = "checks/rtp.rs"]
mod rtp;
#[path = "checks/sdp.rs"]
mod sdp;
#[path = "checks/session.rs"]
mod session;
#[path = "checks/wav.rs"]
mod wav;

#[test]
fn rtp_corpus_keeps_the_promises_of_the_timeline() {
    assert!(each_file("../../fuzz/corpus/rtp", rtp::check) >= 10);
}

#[test]
fn sdp_corpus_is_answered_or_refused() {
    assert!(each_file("../../fuzz/corpus/sdp", sdp::check) >= 10);
    assert!(each_file("../../fixtures/sdp", sdp::check) >= 10);
}

#[test]
fn session_corpus_keeps_the_promises_of_offer_and_answer() {
    assert!(each_file("../../fuzz/corpus/sdp_session", session::check) >= 10);
}

#[test]
fn wav_corpus_is_read_or_refused() {
    assert!(each_file("../../fuzz/corpus/wav", wav::check) >= 10);
}

/// Runs `check` on every file of a folder and on all its beginnings; gives the number of files.
fn each_file(folder: &str, check: fn(&[u8])) -> usize {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let content = fs::read(entry.expect("a folder entry").path()).expect("a readable file");
        for end in 0..=content.len() {
            check(&content[..end]);
        }
        files += 1;
    }
    files
}

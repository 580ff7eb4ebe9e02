//! Runs the corpus of the fuzz target `ssml` through its check.

#[path = "checks/ssml.rs"]
mod checks;

#[test]
fn every_prompt_of_the_corpus_is_read_or_refused() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/ssml");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect(folder) {
        let text = std::fs::read(entry.expect(folder).path()).expect("a file");
        checks::check(&String::from_utf8_lossy(&text));
        files += 1;
    }
    assert!(files >= 8, "{files} files");
}

//! The saved inputs of the fuzz target, and random ones.

#[path = "checks/answer.rs"]
mod answer;

use proptest::prelude::*;

#[test]
fn the_saved_corpus_keeps_the_promises_of_an_answer() {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/lex_answer");
    let mut checked = 0;
    for entry in std::fs::read_dir(corpus).expect("the corpus") {
        answer::check(&std::fs::read(entry.expect("an entry").path()).expect("a file"));
        checked += 1;
    }
    assert!(checked >= 6, "the corpus has {checked} inputs");
}

proptest! {
    #[test]
    fn any_input_keeps_the_promises_of_an_answer(flags in 0u8..8, text in "(.{0,40}\n){0,6}.{0,60}") {
        answer::check(&[&[flags], text.as_bytes()].concat());
    }
}

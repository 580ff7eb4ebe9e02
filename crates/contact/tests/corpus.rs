//! Runs the fuzz corpus through the check of the fuzz target.

#[path = "checks/inputs.rs"]
mod inputs;

#[test]
fn no_input_of_the_corpus_strands_a_caller() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/corpus/contact_inputs");
    let mut files = 0;
    for entry in std::fs::read_dir(folder).expect(folder) {
        inputs::check(&std::fs::read(entry.expect(folder).path()).expect("a file"));
        files += 1;
    }
    assert!(files >= 10, "{files} files");
}

/// What a fuzzer would find within seconds is found here, from fresh seeds.
#[test]
fn random_inputs_strand_no_caller() {
    let random = || std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0u8);
    for _ in 0..300 {
        let seed = random();
        println!("seed {seed}");
        let mut state = seed | 1;
        let mut bytes = || {
            // xorshift64
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[3]
        };
        let input: Vec<u8> = (0..600).map(|_| bytes()).collect();
        inputs::check(&input);
    }
}

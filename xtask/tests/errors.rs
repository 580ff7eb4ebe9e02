//! What a person reads when a chore cannot be done.

use std::process::Command;

#[test]
fn an_ordinary_error_is_a_sentence_without_a_backtrace() {
    for (arguments, sentence) in [
        (&["demo", "--kepe"][..], "cargo xtask demo: demo takes no argument but --keep or --try\n"),
        (&["fuzz", "--seconds", "few"], "cargo xtask fuzz: --seconds takes a number\n"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .args(arguments)
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), sentence);
    }
}

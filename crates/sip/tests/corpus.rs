//! Runs the fuzz corpora, and the messages of the RFCs, through the checks of the fuzz targets.

#![allow(clippy::unwrap_used, reason = "tests only")]

use std::fs;
use std::path::Path;

#[path = "checks/agent.rs"]
mod agent;
#[path = "checks/answer.rs"]
mod answer;
#[path = "checks/packet.rs"]
mod packet;
#[path = "checks/script.rs"]
mod script;
#[path = "checks/stream.rs"]
mod stream;

const CORPORA: [&str; 3] = ["../../fuzz/corpus/sip_packet", "tests/rfc4475", "tests/rfc5118"];

#[test]
fn packets_are_read_by_every_user_without_harm() {
    for folder in CORPORA {
        assert!(each_file(folder, packet::check) >= 10);
    }
}

#[test]
fn requests_are_answered_or_counted() {
    for folder in CORPORA {
        assert!(each_file(folder, answer::check) >= 10);
    }
    assert!(each_file("../../fuzz/corpus/sip_answer", answer::check) >= 1);
}

#[test]
fn streams_are_cut_the_same_in_any_segments() {
    assert!(each_file("../../fuzz/corpus/sip_stream", stream::check) >= 10);
}

#[test]
fn torture_messages_after_each_other_are_cut_the_same_in_any_segments() {
    let mut together = vec![7];
    for folder in ["tests/rfc4475", "tests/rfc5118"] {
        for content in contents(folder) {
            stream::check(&[&[7], &content[..]].concat());
            together.extend_from_slice(&content);
        }
    }
    stream::check(&together);
}

#[test]
fn an_agent_answers_forgets_and_gives_no_source_more_than_its_share() {
    assert!(each_file("../../fuzz/corpus/sip_agent", agent::check) >= 5);
}

#[test]
fn calls_between_two_agents_end_on_both_sides() {
    assert!(each_file("../../fuzz/corpus/sip_script", script::check) >= 5);
}

#[test]
fn inputs_of_the_comparison_are_read_by_every_user_without_harm() {
    assert!(each_file("../../fuzz/corpus/sip_value_diff", packet::check) >= 1);
}

fn contents(folder: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Runs `check` on every file of a folder and on some of its beginnings; gives the number of files.
fn each_file(folder: &str, check: fn(&[u8])) -> usize {
    let contents = contents(folder);
    for content in &contents {
        let step = (content.len() / 64).max(1);
        for end in (0..content.len()).step_by(step).chain([content.len()]) {
            check(&content[..end]);
        }
    }
    contents.len()
}

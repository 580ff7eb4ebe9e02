//! What must hold for any stream in any segments, shared by the fuzz target and the corpus test.

use bytes::Bytes;
use tympan_sip::wire::{BODY_LIMIT_BYTES, Cut, Cutter, HEAD_LIMIT_BYTES, Message};

/// The first byte chooses the segments, the rest is the stream.
pub(crate) fn check(input: &[u8]) {
    let Some((&choice, stream)) = input.split_first() else { return };
    let whole = cut(stream, stream.len().max(1));
    // Bytes one by one cost much; long streams come in small segments instead.
    assert_same(&whole, &cut(stream, 1 + stream.len() / 1024));
    assert_same(&whole, &cut(stream, usize::from(choice).max(1)));
    assert_contiguous(stream, &whole);
}

fn cut(stream: &[u8], segment_bytes: usize) -> Vec<Cut> {
    let mut cutter = Cutter::default();
    let mut found = Vec::new();
    for segment in stream.chunks(segment_bytes) {
        cutter.push(Bytes::copy_from_slice(segment));
        while let Some(cut) = cutter.next() {
            let is_over = matches!(cut, Cut::Doubtful(..) | Cut::Garbage);
            found.push(cut);
            if is_over {
                assert!(cutter.next().is_none() && !cutter.is_partial() && cutter.held_bytes() == 0);
            }
        }
        assert!(cutter.held_bytes() <= HEAD_LIMIT_BYTES + BODY_LIMIT_BYTES);
        assert_eq!(cutter.is_partial(), cutter.held_bytes() > 0);
    }
    found
}

fn assert_same(one: &[Cut], other: &[Cut]) {
    let is_same = |one: &Message, other: &Message| {
        one.start_line() == other.start_line() && one.body() == other.body() && one.lines().eq(other.lines())
    };
    assert_eq!(one.len(), other.len());
    for pair in one.iter().zip(other) {
        match pair {
            (Cut::Message(one), Cut::Message(other)) => assert!(is_same(one, other), "{one:?} {other:?}"),
            (Cut::Doubtful(one, why), Cut::Doubtful(other, why_other)) => {
                assert!(is_same(one, other) && why == why_other, "{one:?} {other:?}");
            }
            (Cut::KeepAlive, Cut::KeepAlive) | (Cut::Garbage, Cut::Garbage) => {}
            pair => panic!("{pair:?}"),
        }
    }
}

/// Follows the stream with a reading of its own, as plain as can be: each message begins where the body before it ends.
fn assert_contiguous(stream: &[u8], cuts: &[Cut]) {
    let mut rest = stream;
    for cut in cuts {
        let Cut::Message(message) = cut else { continue };
        while let [b'\r' | b'\n', after @ ..] = rest {
            rest = after;
        }
        let (head, after) = rest.split_at(head_bytes(rest));
        let first = head.split(|&byte| byte == b'\n').next().unwrap_or_default();
        let first = first.strip_suffix(b"\r").unwrap_or(first);
        let length = content_length(head);
        // A fold in the start line makes it longer than its first line.
        assert!(message.start_line().starts_with(first), "a message begins where it must");
        assert_eq!(message.body(), &after[..length], "a body is what is declared");
        rest = &after[length..];
    }
}

/// Up to and with the first empty line.
fn head_bytes(rest: &[u8]) -> usize {
    let mut length = 0;
    for line in rest.split_inclusive(|&byte| byte == b'\n') {
        length += line.len();
        if line == b"\n" || line == b"\r\n" {
            return length;
        }
    }
    panic!("a message has an empty line");
}

/// The only Content-Length, or one of several equal ones.
fn content_length(head: &[u8]) -> usize {
    let mut unfolded = String::from_utf8_lossy(head).replace("\r\n", "\n");
    for fold in ["\n ", "\n\t"] {
        unfolded = unfolded.replace(fold, "  ");
    }
    // The first line is the start line, whatever it looks like.
    let lengths = unfolded.lines().skip(1).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = name.trim_end_matches([' ', '\t']);
        let is_length = name.eq_ignore_ascii_case("content-length") || name.eq_ignore_ascii_case("l");
        is_length.then(|| value.trim_matches([' ', '\t']).parse::<usize>().expect("digits"))
    });
    let lengths: Vec<_> = lengths.collect();
    assert!(!lengths.is_empty() && lengths.iter().all(|length| *length == lengths[0]));
    lengths[0]
}

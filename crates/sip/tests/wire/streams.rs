//! Streams: where a message ends, and what is never taken for one.

use crate::support::{Invite, cut_stream, options};
use bytes::Bytes;
use tympan_sip::wire::{BODY_LIMIT_BYTES, Cut, Cutter, HEAD_LIMIT_BYTES};

/// Cuts the stream whole, byte by byte, and in other segments: what is found must not differ.
fn cut(stream: &[u8]) -> Vec<String> {
    let found = cut_stream(stream, stream.len());
    for segment_bytes in [1, 2, 3, 7, 100, 1400] {
        assert_eq!(cut_stream(stream, segment_bytes), found, "segments of {segment_bytes}");
    }
    found
}

/// What is found in an INVITE with an OPTIONS behind it.
fn with_options(invite: &Invite) -> Vec<String> {
    cut(&[invite.bytes(), options()].concat())
}

fn hidden_bye() -> Vec<u8> {
    Invite::new().method("BYE").without("Content-Type").with_body("").bytes()
}

#[test]
fn two_messages_in_one_segment_are_two() {
    assert_eq!(with_options(&Invite::new()), ["INVITE", "OPTIONS"]);
}

#[test]
fn two_line_ends_before_a_message_are_a_keep_alive() {
    let stream = [b"\r\n\r\n".to_vec(), Invite::new().bytes(), b"\r\n".to_vec(), options()].concat();
    assert_eq!(cut(&stream), ["keep-alive", "INVITE", "OPTIONS"]);
    assert_eq!(cut(b"\r\n\r\n\r\n\r\n\r\n"), ["keep-alive", "keep-alive"]);
    assert_eq!(cut(b"\n\n\n"), [""; 0]);
}

#[test]
fn a_folded_content_length_is_read() {
    assert_eq!(
        with_options(&Invite::new().line("Content-Length", "Content-Length:\r\n\t5")),
        ["INVITE", "OPTIONS"]
    );
}

#[test]
fn space_may_stand_before_the_colon_of_content_length() {
    assert_eq!(
        with_options(&Invite::new().line("Content-Length", "Content-Length : 5")),
        ["INVITE", "OPTIONS"]
    );
}

#[test]
fn a_latin_1_name_moves_no_body() {
    let invite = Invite::new().line("From", b"From: \"J\xfcrgen\" <sip:j@192.0.2.9>;tag=1");
    assert_eq!(with_options(&invite), ["INVITE", "OPTIONS"]);
}

#[test]
fn an_unknown_method_closes_nothing() {
    assert_eq!(with_options(&Invite::new().method("FOOBAR")), ["FOOBAR", "OPTIONS"]);
}

#[test]
fn double_spaces_close_nothing() {
    assert_eq!(with_options(&Invite::new().start("INVITE  sip:x@y  SIP/2.0")), ["INVITE", "OPTIONS"]);
}

#[test]
fn a_request_that_is_refused_closes_nothing_where_its_end_is_known() {
    for invite in [
        Invite::new().without("CSeq"),
        Invite::new().plus("nonsense"),
        Invite::new().uri("nonsense"),
        Invite::new().plus("Subject: a\rb"),
    ] {
        assert_eq!(with_options(&invite), ["400", "OPTIONS"]);
    }
}

#[test]
fn line_feeds_alone_end_lines() {
    let stream = [Invite::new().bytes_with("\n"), options()].concat();
    assert_eq!(cut(&stream), ["INVITE", "OPTIONS"]);
}

#[test]
fn a_mix_of_line_ends_is_read_in_one_way() {
    let mixed = String::from_utf8(Invite::new().bytes()).unwrap().replacen("70\r\n", "70\n", 1);
    assert_eq!(cut(&[mixed.as_bytes(), &options()].concat()), ["INVITE", "OPTIONS"]);
}

#[test]
fn without_content_length_the_stream_is_answered_400_and_closed() {
    assert_eq!(with_options(&Invite::new().without("Content-Length")), ["400 close"]);
}

#[test]
fn a_content_length_that_is_no_number_closes() {
    for value in ["-1", "abc", "", "5,5"] {
        let invite = Invite::new().line("Content-Length", format!("Content-Length: {value}"));
        assert_eq!(with_options(&invite), ["400 close"], "{value}");
    }
}

#[test]
fn a_request_in_a_body_is_not_executed_behind_space_before_a_colon() {
    let bye = hidden_bye();
    let invite =
        Invite::new().with_body(&bye).line("Content-Length", format!("Content-Length : {}", bye.len()));
    assert_eq!(with_options(&invite), ["INVITE", "OPTIONS"]);
}

#[test]
fn a_request_in_a_body_is_not_executed_behind_a_latin_1_subject() {
    let invite = Invite::new().with_body(hidden_bye()).plus(b"Subject: \xfc");
    assert_eq!(with_options(&invite), ["INVITE", "OPTIONS"]);
}

#[test]
fn a_request_in_a_body_is_not_executed_behind_two_content_lengths() {
    for (first, second) in
        [("Content-Length: 0", "l: 5"), ("l: 5", "Content-Length: 0"), ("l: 0", "Content-Length:5")]
    {
        let invite = Invite::new().with_body(hidden_bye()).line("Content-Length", first).plus(second);
        assert_eq!(with_options(&invite), ["400 close"]);
    }
}

#[test]
fn a_request_in_a_body_is_not_executed_behind_lines_that_look_like_a_content_length() {
    let bye = hidden_bye();
    let right = format!("Content-Length: {}", bye.len());
    for decoy in [
        "Subject: x\rContent-Length: 0",
        "Content-Length\u{b}: 0",
        "Content-Length",
        "Subject: x\r\n Content-Length: 0",
    ] {
        let invite = Invite::new().with_body(&bye).line("Content-Length", decoy).plus(&right);
        assert_eq!(with_options(&invite).last().map(String::as_str), Some("OPTIONS"), "{decoy}");
        assert_eq!(with_options(&invite).len(), 2);
    }
}

#[test]
fn a_line_of_space_alone_does_not_end_a_head() {
    let invite = Invite::new().with_body(hidden_bye()).plus("Subject: x\r\n \r\nX: y");
    assert_eq!(with_options(&invite), ["INVITE", "OPTIONS"]);
}

#[test]
fn a_content_length_of_4_gb_is_answered_413_at_once() {
    for length in ["4294967296", "99999999999999999999999999", "262145"] {
        let invite = Invite::new().line("Content-Length", format!("Content-Length: {length}"));
        assert_eq!(cut(&invite.bytes()), ["413 close"]);
    }
}

#[test]
fn a_response_in_doubt_is_dropped_and_closes() {
    let ok = Invite::new().start("SIP/2.0 200 OK").without("Content-Length");
    assert_eq!(with_options(&ok), ["BadResponse close"]);
}

#[test]
fn other_protocols_are_closed_at_once() {
    assert_eq!(cut(b"GET / HTTP/1.1\r\n"), ["garbage close"]);
    assert_eq!(cut(b"\x16\x03\x01"), ["garbage close"]);
    assert_eq!(cut(&[options(), b"\0\0".to_vec()].concat()), ["OPTIONS", "garbage close"]);
}

#[test]
fn a_message_of_70_kb_comes_in_segments() {
    let invite = Invite::new().with_body("x".repeat(70_000));
    assert_eq!(cut_stream(&[invite.bytes(), options()].concat(), 1400), ["INVITE", "OPTIONS"]);
}

#[test]
fn the_largest_body_comes_in_segments_and_is_given_back() {
    let mut cutter = Cutter::default();
    let invite = Invite::new().with_body(vec![b'x'; BODY_LIMIT_BYTES]).bytes();
    for segment in invite.chunks(1400) {
        assert!(cutter.next().is_none());
        cutter.push(Bytes::copy_from_slice(segment));
    }
    assert_eq!(cutter.held_bytes(), invite.len());
    let Some(Cut::Message(message)) = cutter.next() else { panic!() };
    assert_eq!(message.body().len(), BODY_LIMIT_BYTES);
    assert_eq!((cutter.held_bytes(), cutter.is_partial()), (0, false));
}

#[test]
fn a_head_without_end_is_answered_513_and_holds_no_more() {
    let mut cutter = Cutter::default();
    cutter.push(Bytes::from(Invite::new().bytes()[..300].to_vec()));
    let line = Bytes::from(vec![b'x'; 1400]);
    let mut cuts = Vec::new();
    for _ in 0..(2 * 1024 * 1024 / line.len()) {
        cutter.push(line.clone());
        cuts.extend(std::iter::from_fn(|| cutter.next()));
        assert!(cutter.held_bytes() <= HEAD_LIMIT_BYTES + line.len());
    }
    assert!(matches!(&cuts[..], [Cut::Doubtful(_, doubt)] if doubt.status.code() == 513), "{cuts:?}");
    assert_eq!(cutter.held_bytes(), 0);
}

#[test]
fn a_start_line_without_end_is_garbage() {
    let stream = vec![b'A'; HEAD_LIMIT_BYTES + 1];
    assert_eq!(cut_stream(&stream[..HEAD_LIMIT_BYTES], 1400), [""; 0]);
    assert_eq!(cut_stream(&stream, 1400), ["garbage close"]);
    let ended = [stream, b" sip:x SIP/2.0\r\n".to_vec()].concat();
    assert_eq!(cut(&ended), ["garbage close"]);
}

#[test]
fn too_many_lines_are_answered_513_and_close() {
    let invite = (0..300).fold(Invite::new(), |invite, index| invite.plus(format!("X-{index}: 1")));
    assert_eq!(with_options(&invite), ["513 close"]);
}

#[test]
fn what_is_cut_off_keeps_nothing_alive() {
    let mut cutter = Cutter::default();
    cutter.push(Bytes::from([Invite::new().with_body("x".repeat(60_000)).bytes(), b"INV".to_vec()].concat()));
    let before = allocation_counter::measure(|| while cutter.next().is_some() {});
    assert!(before.bytes_current < -50_000, "{before:?}");
    assert_eq!(cutter.held_bytes(), 3);
}

#[test]
fn part_of_a_message_says_so() {
    let mut cutter = Cutter::default();
    let invite = Invite::new().bytes();
    assert!(!cutter.is_partial());
    for (at, byte) in invite.iter().enumerate() {
        assert_eq!(cutter.is_partial(), at > 0);
        assert!(cutter.next().is_none());
        cutter.push(Bytes::copy_from_slice(&[*byte]));
    }
    assert!(cutter.next().is_some());
    assert!(!cutter.is_partial());
}

//! multipart bodies: what stands beside a session description, and where the reading ends.

use crate::support::Invite;
use bytes::Bytes;
use tympan_sip::wire::{Part, parts, write_multipart};

fn read(content_type: &str, body: impl AsRef<[u8]>) -> Option<Vec<Part>> {
    let line = format!("Content-Type: {content_type}");
    parts(&Invite::new().line("Content-Type", line).with_body(body).sent().message)
}

fn types(parts: &[Part]) -> Vec<&str> {
    parts.iter().map(|part| part.content_type.as_str()).collect()
}

#[test]
fn a_body_alone_is_one_part() {
    let invite = Invite::new().line("Content-Type", "Content-Type: Application/SDP ; charset=utf-8");
    let invite = invite.plus("Content-Disposition: session").sent();
    let found = parts(&invite.message).unwrap();
    assert_eq!((types(&found), found[0].disposition.as_deref()), (vec!["application/sdp"], Some("session")));
}

#[test]
fn a_body_without_a_type_is_text() {
    assert_eq!(types(&parts(&Invite::new().without("Content-Type").sent().message).unwrap()), ["text/plain"]);
    assert_eq!(read("sdp", "x"), None);
}

#[test]
fn pidf_lo_stands_beside_sdp() {
    let body = "preamble\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b\r\n\
        Content-Type: application/pidf+xml\r\nContent-ID: <a@x>\r\n\r\n<presence/>\r\n--b--\r\nepilogue";
    let found = read("multipart/mixed;boundary=b", body).unwrap();
    assert_eq!(types(&found), ["application/sdp", "application/pidf+xml"]);
    assert_eq!((&found[0].body[..], &found[1].body[..]), (&b"v=0"[..], &b"<presence/>"[..]));
}

#[test]
fn a_boundary_may_be_quoted() {
    let body = "--a b:c\r\n\r\nx\r\n--a b:c--";
    for written in ["multipart/mixed; boundary=\"a b:c\"", "Multipart/Mixed;x=y ; BOUNDARY = \"a b:c\""] {
        let found = read(written, body).unwrap();
        assert_eq!((types(&found), &found[0].body[..]), (vec!["text/plain"], &b"x"[..]));
    }
    assert_eq!(
        read("multipart/mixed;boundary=a:b", "--a:b\r\n\r\nx\r\n--a:b--").map(|found| found.len()),
        Some(1)
    );
}

#[test]
fn a_line_that_begins_like_a_boundary_is_none() {
    let body = "--b\r\n\r\n--bc\r\n--b-\r\n --b\r\nx--b\r\n--b  \r\n\r\ny\r\n--b-- \r\n";
    let found = read("multipart/mixed;boundary=b", body).unwrap();
    assert_eq!((&found[0].body[..], &found[1].body[..]), (&b"--bc\r\n--b-\r\n --b\r\nx--b"[..], &b"y"[..]));
}

#[test]
fn line_feeds_alone_end_lines() {
    let body = "--b\nContent-Type: application/sdp\n\nv=0\n\n--b--\n";
    assert_eq!(read("multipart/mixed;boundary=b", body).unwrap()[0].body[..], *b"v=0\n");
}

#[test]
fn parts_within_parts_come_in_order() {
    let body = "--o\r\nContent-Type: multipart/alternative;boundary=i\r\n\r\n\
        --i\r\nContent-Type: application/sdp\r\n\r\n1\r\n--i\r\nContent-Type: text/html\r\n\r\n2\r\n--i--\r\n\r\n\
        --o\r\nContent-Type: application/isup\r\n\r\n3\r\n--o--\r\n";
    let found = read("multipart/mixed;boundary=o", body).unwrap();
    assert_eq!(types(&found), ["application/sdp", "text/html", "application/isup"]);
}

fn nested(levels: usize) -> Option<Vec<Part>> {
    let body = (1..levels).fold("--b0\r\n\r\nx\r\n--b0--\r\n".to_owned(), |inner, level| {
        format!(
            "--b{level}\r\nContent-Type: multipart/mixed;boundary=b{}\r\n\r\n{inner}\r\n--b{level}--\r\n",
            level - 1
        )
    });
    read(&format!("multipart/mixed;boundary=b{}", levels - 1), body)
}

#[test]
fn three_levels_are_read_and_a_fourth_is_broken() {
    assert_eq!(
        (1..=5).map(|levels| nested(levels).is_some()).collect::<Vec<_>>(),
        [true, true, true, false, false]
    );
}

#[test]
fn parts_up_to_32_are_read_and_one_more_is_broken() {
    let with = |count: usize| {
        read("multipart/mixed;boundary=b", format!("{}--b--", "--b\r\n\r\nx\r\n".repeat(count)))
    };
    assert_eq!(with(32).map(|found| found.len()), Some(32));
    assert_eq!(with(33), None);
    let inner =
        format!("Content-Type: multipart/mixed;boundary=i\r\n\r\n{}--i--\r\n", "--i\r\n\r\nx\r\n".repeat(20));
    assert_eq!(read("multipart/mixed;boundary=b", format!("--b\r\n{inner}--b\r\n{inner}--b--")), None);
}

#[test]
fn what_is_broken_is_none() {
    for (written, body) in [
        ("multipart/mixed", "--b\r\n\r\nx\r\n--b--"),
        ("multipart/mixed;boundary=", "--\r\n\r\nx\r\n----"),
        ("multipart/mixed;boundary=\"b", "--b\r\n\r\nx\r\n--b--"),
        ("multipart/mixed;boundary=b", "x"),
        ("multipart/mixed;boundary=b", "--b\r\n\r\nx\r\n"),
        ("multipart/mixed;boundary=b", "--b\r\n\r\nx\r\n--c--"),
        ("multipart/mixed;boundary=b", "--b\r\nContent-Type: application/sdp\r\n--b--"),
        ("multipart/mixed;boundary=b", "--b\r\nnonsense\r\n\r\nx\r\n--b--"),
        ("multipart/mixed;boundary=b", "--b\r\nContent-Type: sdp\r\n\r\nx\r\n--b--"),
    ] {
        assert_eq!(read(written, body), None, "{written} {body:?}");
    }
    let long = "b".repeat(71);
    assert_eq!(
        read(&format!("multipart/mixed;boundary={long}"), format!("--{long}\r\n\r\nx\r\n--{long}--")),
        None
    );
}

#[test]
fn an_empty_multipart_has_no_parts() {
    assert_eq!(read("multipart/mixed;boundary=b", "--b--"), Some(vec![]));
}

#[test]
fn what_is_written_is_read_back() {
    let written = [
        Part {
            content_type: "application/sdp".into(),
            disposition: Some("session\r\nX: y".into()),
            body: Bytes::from_static(b"v=0\r\n--part-0000000000000007\r\n"),
        },
        Part { content_type: "application/rs-metadata+xml".into(), disposition: None, body: Bytes::new() },
    ];
    let (content_type, body) = write_multipart(&written, 7);
    let found = read(&content_type, &body).unwrap();
    assert_eq!(types(&found), ["application/sdp", "application/rs-metadata+xml"]);
    assert_eq!((&found[0].body, &found[1].body), (&written[0].body, &written[1].body));
    assert_eq!(
        (found[0].disposition.as_deref(), found[1].disposition.as_deref()),
        (Some("session  X: y"), None)
    );
    assert_eq!(write_multipart(&written, 7), (content_type, body), "the same seed writes the same bytes");
}

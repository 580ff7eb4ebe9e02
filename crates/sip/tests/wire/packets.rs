//! Datagrams that telephones, gateways and SBCs send: what their receiver reads, or the status that they get.

use crate::support::{Invite, Outcome, options, outcome, refused, request, response};
use tympan_sip::wire::{Address, BODY_LIMIT_BYTES, Dropped, HEAD_LIMIT_BYTES, Method, Name, parts};

fn length(value: &str) -> Vec<u8> {
    Invite::new().line("Content-Length", format!("Content-Length: {value}")).bytes()
}

#[test]
fn without_content_length_the_body_goes_to_the_end_of_the_datagram() {
    assert_eq!(Invite::new().without("Content-Length").sent().message.body()[..], *b"v=0\r\n");
}

#[test]
fn a_negative_content_length_is_answered_400() {
    assert_eq!(refused(length("-1")), (400, "Malformed Content-Length"));
}

#[test]
fn a_content_length_of_letters_is_answered_400() {
    for value in ["abc", "", "5 5", "+5", "0x5", "5,5", "5;x", "٥"] {
        assert_eq!(refused(length(value)), (400, "Malformed Content-Length"), "{value}");
    }
}

#[test]
fn a_content_length_beyond_any_number_is_answered_400() {
    assert_eq!(refused(length("99999999999999999999")), (400, "Content-Length Beyond Datagram"));
}

#[test]
fn a_content_length_beyond_the_datagram_is_answered_400() {
    assert_eq!(refused(length("6")), (400, "Content-Length Beyond Datagram"));
}

#[test]
fn what_follows_the_declared_body_is_ignored() {
    let mut packet = length("3");
    packet.extend_from_slice(&options());
    assert_eq!(request(packet).message.body()[..], *b"v=0");
}

#[test]
fn two_content_lengths_that_differ_are_answered_400() {
    for second in ["Content-Length: 4", "l: 4", "CONTENT-LENGTH : 0"] {
        assert_eq!(refused(Invite::new().plus(second).bytes()), (400, "Conflicting Content-Length"));
    }
    assert_eq!(Invite::new().plus("l: 005").sent().message.body().len(), 5);
}

#[test]
fn multipart_with_sdp_and_isup_is_whole_with_its_type() {
    let isup = b"\x01\x00\x60\x01\r\n\r\n--\n\x00";
    let mut body = b"--b1\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b1\r\n\
        Content-Type: application/ISUP;version=itu-t92+;base=itu-t92+\r\n\
        Content-Disposition: signal;handling=optional\r\n\r\n"
        .to_vec();
    body.extend_from_slice(isup);
    body.extend_from_slice(b"\r\n--b1--\r\n");
    let invite = Invite::new()
        .line("Content-Type", "Content-Type: multipart/mixed; boundary=b1")
        .with_body(&body)
        .sent();
    assert_eq!(invite.message.content_type().as_deref(), Some("multipart/mixed"));
    assert_eq!(invite.message.body(), &body);
    let parts = parts(&invite.message).unwrap();
    assert_eq!((parts[0].content_type.as_str(), &parts[0].body[..]), ("application/sdp", &b"v=0\r\n"[..]));
    assert_eq!((parts[1].content_type.as_str(), &parts[1].body[..]), ("application/isup", &isup[..]));
    assert_eq!(parts[1].disposition.as_deref(), Some("signal;handling=optional"));
}

#[test]
fn a_body_of_unknown_type_reaches_its_user() {
    let invite = Invite::new().line("Content-Type", "Content-Type: application/x-unknown").sent();
    assert_eq!(parts(&invite.message).unwrap()[0].content_type, "application/x-unknown");
}

#[test]
fn a_via_without_rport_says_where_the_answer_goes() {
    let invite = Invite::new().line("Via", "Via: SIP/2.0/UDP gw.example.com:5070;branch=z9hG4bKx").sent();
    assert_eq!(
        (invite.via.host(), invite.via.port(), invite.via.wants_rport()),
        ("gw.example.com", Some(5070), false)
    );
}

#[test]
fn an_unknown_method_reaches_its_user() {
    assert_eq!(Invite::new().method("FOOBAR").sent().method, Method::Other("FOOBAR".into()));
}

#[test]
fn invite_in_small_letters_is_another_method() {
    assert_eq!(Invite::new().method("invite").sent().method, Method::Other("invite".into()));
    assert_eq!(refused(Invite::new().line("CSeq", "CSeq: 7 invite").bytes()), (400, "CSeq Method Mismatch"));
}

#[test]
fn a_method_that_is_no_token_is_answered_400() {
    assert_eq!(refused(Invite::new().method("IN\"VITE").bytes()), (400, "Malformed Request Line"));
}

#[test]
fn what_is_missing_is_answered_400_by_name() {
    for (line, reason) in [
        ("CSeq", "Missing CSeq"),
        ("From", "Missing From"),
        ("To", "Missing To"),
        ("Call-ID", "Missing Call-ID"),
    ] {
        assert_eq!(refused(Invite::new().without(line).bytes()), (400, reason));
    }
}

#[test]
fn a_from_without_a_tag_is_answered_400() {
    for from in
        ["From: <sip:ada@192.0.2.9>", "From: <sip:ada@192.0.2.9;tag=1>", "From: <sip:ada@192.0.2.9>;tag="]
    {
        assert_eq!(refused(Invite::new().line("From", from).bytes()), (400, "Missing From Tag"));
    }
}

#[test]
fn an_empty_tag_in_to_is_answered_400() {
    for to in ["To: <sip:b@x>;tag=", "To: sip:b@x;tag"] {
        assert_eq!(refused(Invite::new().line("To", to).bytes()), (400, "Empty To Tag"));
    }
}

#[test]
fn line_ends_before_the_start_line_are_skipped() {
    for before in ["\r\n", "\r\n\r\n", "\n", "\r\n\n\r"] {
        let packet = [before.as_bytes(), &Invite::new().bytes()].concat();
        assert_eq!(request(packet).method, Method::Invite);
    }
}

#[test]
fn line_feeds_alone_end_lines() {
    let invite = request(Invite::new().bytes_with("\n"));
    assert_eq!((&*invite.call_id, &invite.message.body()[..]), ("c1@192.0.2.9", &b"v=0\r\n"[..]));
}

#[test]
fn carriage_returns_alone_end_no_line() {
    assert!(matches!(outcome(Invite::new().bytes_with("\r")), Outcome::Dropped(Dropped::NoVia)));
    let hidden = Invite::new().plus("Subject: a\rContent-Length: 0").bytes();
    assert_eq!(refused(hidden), (400, "Stray CR"));
}

#[test]
fn double_spaces_in_the_request_line_are_taken() {
    let invite = Invite::new().start("INVITE  sip:x@192.0.2.1   SIP/2.0 ").sent();
    assert_eq!(invite.uri.as_str(), "sip:x@192.0.2.1");
}

#[test]
fn a_latin_1_byte_in_a_name_is_read() {
    for line in
        [&b"From: \"J\xfcrgen\" <sip:j@192.0.2.9>;tag=1"[..], b"From: J\xfcrgen <sip:j@192.0.2.9>;tag=1"]
    {
        let invite = Invite::new().line("From", line).sent();
        assert_eq!(invite.from.display_name().as_deref(), Some("Jürgen"));
        assert_eq!(invite.from_tag(), "1");
    }
}

#[test]
fn a_latin_1_byte_in_a_subject_changes_nothing() {
    let invite = Invite::new().plus(b"Subject: Gr\xfc\xdfe").sent();
    assert_eq!(invite.message.extension("subject"), Some(&b"Gr\xfc\xdfe"[..]));
    assert_eq!(invite.message.body().len(), 5);
}

#[test]
fn a_utf_8_name_is_read() {
    let invite = Invite::new().line("From", "From: \"Jürgen 电话\" <sip:j@192.0.2.9>;tag=1").sent();
    assert_eq!(invite.from.display_name().as_deref(), Some("Jürgen 电话"));
}

#[test]
fn utf_8_and_latin_1_in_one_value_are_both_read() {
    let invite = Invite::new().line("From", b"From: \"\xc3\xbc \xfc\" <sip:j@192.0.2.9>;tag=1").sent();
    assert_eq!(invite.from.display_name().as_deref(), Some("ü ü"));
}

#[test]
fn a_folded_subject_is_one_line() {
    let invite = Invite::new().plus("Subject: one\r\n\ttwo\r\n three").sent();
    let subject = String::from_utf8_lossy(invite.message.extension("Subject").unwrap()).into_owned();
    assert_eq!(subject.split_ascii_whitespace().collect::<Vec<_>>(), ["one", "two", "three"]);
}

#[test]
fn a_folded_content_length_is_read() {
    let invite = Invite::new().line("Content-Length", "Content-Length:\r\n 3").sent();
    assert_eq!(invite.message.body()[..], *b"v=0");
}

#[test]
fn space_may_stand_before_a_colon() {
    let invite = Invite::new()
        .line("Content-Length", "Content-Length : 3")
        .line("To", "To\t: <sip:b@192.0.2.1>")
        .sent();
    assert_eq!((invite.message.body().len(), invite.to.uri().as_str()), (3, "sip:b@192.0.2.1"));
}

#[test]
fn numbers_are_read_as_a_dial_plan_compares_them() {
    for (uri, number, context) in [
        ("sip:%2B18005550100@192.0.2.1", "+18005550100", None),
        ("sip:+18005550100;npdi;rn=+18005550000@192.0.2.1;user=phone", "+18005550100", None),
        ("tel:+1-800-555-0100", "+18005550100", None),
        ("tel:+1.(800).555.0100;ext=7", "+18005550100", None),
        ("tel:5550100;phone-context=+1800", "+18005550100", None),
        ("tel:5550100;phone-context=+1-800", "+18005550100", None),
        ("tel:5550100;phone-context=example.com", "5550100", Some("example.com")),
        ("sip:5550100;phone-context=+1800@192.0.2.1;user=phone", "+18005550100", None),
        ("sip:5550100;phone-context=%2B1800@192.0.2.1;user=phone", "+18005550100", None),
        ("sip:5550100@192.0.2.1;phone-context=+1800", "+18005550100", None),
        ("sip:+18005550100;phone-context=+44@192.0.2.1", "+18005550100", None),
        ("sip:800-555-0100@192.0.2.1", "8005550100", None),
        ("sip:*98@192.0.2.1", "*98", None),
        ("sip:%2331%23@192.0.2.1", "#31#", None),
        ("sip:bee-cafe@192.0.2.1", "bee-cafe", None),
        ("sip:j.%6Fe;x=1@192.0.2.1", "j.oe;x=1", None),
        ("sip:1000:secret@192.0.2.1", "1000", None),
    ] {
        let read = Invite::new().uri(uri).sent().uri.number().unwrap();
        assert_eq!((read.text.as_str(), read.context.as_deref()), (number, context), "{uri}");
    }
}

#[test]
fn parameters_of_a_number_stay_apart_from_the_host() {
    let uri = Invite::new().uri("sip:+18005550100;npdi;rn=+1@192.0.2.1:5070;user=phone").sent().uri;
    assert_eq!((uri.user(), uri.host(), uri.port()), (Some("+18005550100"), "192.0.2.1", Some(5070)));
    assert_eq!((uri.param("user"), uri.param("npdi")), (Some("phone"), None));
}

#[test]
fn tel_uris_stand_in_the_request_line_and_in_to() {
    let invite =
        Invite::new().uri("tel:+1-800-555-0100").line("To", "To: <tel:+1(800)555.0100>;tag=x").sent();
    assert_eq!(invite.uri.number(), invite.to.uri().number());
    assert_eq!((invite.uri.host(), invite.to_tag()), ("", Some("x")));
}

#[test]
fn a_quoted_name_with_a_uri_does_not_change_who_is_asserted() {
    let invite = Invite::new()
        .plus("P-Asserted-Identity: \"Joe sip:desk\" <sip:+18005550111@192.0.2.9>, <tel:+1>")
        .sent();
    let asserted: Vec<_> = invite.message.items(Name::PAssertedIdentity).collect();
    let asserted = Address::parse(&invite.message.text_of(asserted[0])).unwrap();
    assert_eq!(asserted.uri().number().unwrap().text, "+18005550111");
    assert_eq!(asserted.display_name().as_deref(), Some("Joe sip:desk"));
}

#[test]
fn a_name_cannot_spoof_the_caller() {
    for (name, text) in [
        (r#""sip:+1999@x""#, "sip:+1999@x"),
        (r#""<00412222222>""#, "<00412222222>"),
        (r#""<sip:+1999@x>""#, "<sip:+1999@x>"),
        (r#""a\" <sip:+1999@x>""#, r#"a" <sip:+1999@x>"#),
        (r#""a\\""#, r"a\"),
        (r#""a;tag=9, <sip:+1999@x>;tag=9""#, "a;tag=9, <sip:+1999@x>;tag=9"),
        ("sip:+1999@x", "sip:+1999@x"),
    ] {
        let invite = Invite::new().line("From", format!("From: {name} <sip:real@192.0.2.9>;tag=1")).sent();
        assert_eq!(invite.from.uri().as_str(), "sip:real@192.0.2.9", "{name}");
        assert_eq!((invite.from.display_name().as_deref(), invite.from_tag()), (Some(text), "1"), "{name}");
    }
}

#[test]
fn an_address_that_could_be_read_in_two_ways_is_answered_400() {
    for from in [
        "<sip:a@x> <sip:b@y>;tag=1",
        "\"a\" \"b\" <sip:a@x>;tag=1",
        "a \"b\" <sip:a@x>;tag=1",
        "\"a\" b <sip:a@x>;tag=1",
        "\"a\" sip:a@x;tag=1",
        "\"open <sip:a@x>;tag=1",
        "<sip:a@x>tag=1",
        "<sip:a@x;tag=1",
        "sip:a@x>;tag=1",
        "sip:a@b@x;tag=1",
        "sip:a b@x;tag=1",
        "<>;tag=1",
        ";tag=1",
    ] {
        assert_eq!(
            refused(Invite::new().line("From", format!("From: {from}")).bytes()),
            (400, "Malformed From"),
            "{from}"
        );
    }
}

#[test]
fn parameters_after_a_bare_uri_are_those_of_the_header() {
    let invite = Invite::new().line("From", "From: sip:ada@192.0.2.9;tag=1;x=2").sent();
    assert_eq!((invite.from.uri().as_str(), invite.from_tag()), ("sip:ada@192.0.2.9", "1"));
    assert_eq!((invite.from.param("X"), invite.from.display_name()), (Some("2"), None));
}

#[test]
fn schemes_that_are_not_called_are_answered_416() {
    for uri in ["http://192.0.2.1/x", "urn:service:sos", "mailto:a@x", "h323:a@x"] {
        assert_eq!(refused(Invite::new().uri(uri).bytes()), (416, "Unsupported URI Scheme"), "{uri}");
    }
}

#[test]
fn a_broken_request_uri_is_answered_400() {
    for uri in [
        "sip:",
        "sip:@",
        "x",
        "<sip:x@y>",
        "sip:[::1",
        "sip:x:y@z:",
        "sip:x@y:0",
        "sip:x@y:65536",
        "tel:",
        "1:x",
    ] {
        assert_eq!(refused(Invite::new().uri(uri).bytes()), (400, "Malformed Request-URI"), "{uri}");
    }
}

#[test]
fn another_version_is_answered_505() {
    assert_eq!(refused(Invite::new().start("INVITE sip:x@192.0.2.1 SIP/3.0").bytes()).0, 505);
    assert_eq!(refused(Invite::new().start("INVITE sip:x@192.0.2.1 SIP/2.0a").bytes()).0, 400);
    assert_eq!(Invite::new().start("INVITE sip:x@192.0.2.1 sip/2.0").sent().method, Method::Invite);
}

#[test]
fn an_update_has_no_body_where_none_is_sent() {
    let update = request(Invite::new().method("UPDATE").without("Content-Type").with_body("").bytes());
    assert_eq!((update.method, update.message.body().len()), (Method::Update, 0));
    assert_eq!(parts(&update.message), Some(vec![]));
}

#[test]
fn what_is_required_is_listed_over_all_lines() {
    let invite = Invite::new().plus("Require: foo, 100rel").plus("Require:").plus("require: Bar,,").sent();
    let required: Vec<_> = invite.message.items(Name::Require).collect();
    assert_eq!(required, [&b"foo"[..], b"100rel", b"Bar"]);
    assert!(invite.message.lists(Name::Require, "100REL") && !invite.message.lists(Name::Require, "100"));
}

#[test]
fn compact_names_are_the_long_ones() {
    let text = "INVITE sip:b@192.0.2.1 SIP/2.0\r\nv: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa\r\nf: <sip:a@x>;tag=1\r\n\
        t: <sip:b@y>\r\ni: c1\r\nCSeq: 1 INVITE\r\nm: <sip:a@192.0.2.9>\r\nk: timer\r\nx: 1800\r\nc: text/plain\r\ne: gzip\r\n\
        o: talk\r\nr: <sip:c@z>\r\nb: <sip:d@z>\r\nl: 2\r\n\r\nhi";
    let invite = request(text);
    assert_eq!((invite.via.host(), &*invite.call_id, invite.from_tag()), ("192.0.2.9", "c1", "1"));
    for (name, value) in [
        (Name::Contact, "<sip:a@192.0.2.9>"),
        (Name::Supported, "timer"),
        (Name::SessionExpires, "1800"),
        (Name::ContentType, "text/plain"),
        (Name::ContentEncoding, "gzip"),
        (Name::Event, "talk"),
        (Name::ReferTo, "<sip:c@z>"),
        (Name::ReferredBy, "<sip:d@z>"),
        (Name::ContentLength, "2"),
    ] {
        assert_eq!(invite.message.value(name), Some(value.as_bytes()), "{name:?}");
    }
}

#[test]
fn two_vias_in_one_line_are_two() {
    let line =
        "Via: SIP/2.0/UDP a.example.com;branch=z9hG4bK1;x=\",\" , SIP/2.0/TCP b.example.com;branch=z9hG4bK2";
    let invite = Invite::new().line("Via", line).sent();
    assert_eq!(
        (invite.via.host(), invite.via.branch(), invite.via.param("x")),
        ("a.example.com", Some("z9hG4bK1"), Some(","))
    );
    assert_eq!(invite.message.items(Name::Via).count(), 2);
}

#[test]
fn two_routes_in_one_line_are_two() {
    let invite = Invite::new().plus("Route: <sip:a;lr>,\"x,y\" <sip:b,c@d;lr>").plus("Route: <sip:e>").sent();
    let routes: Vec<_> = invite.routes().iter().map(|route| route.uri().as_str().to_owned()).collect();
    assert_eq!(routes, ["sip:a;lr", "sip:b,c@d;lr", "sip:e"]);
    let invite = Invite::new().plus("Record-Route: <sip:a;lr>,<sip:b;lr>").sent();
    assert_eq!(
        invite.record_routes().iter().map(|route| &**route).collect::<Vec<_>>(),
        ["<sip:a;lr>", "<sip:b;lr>"]
    );
}

#[test]
fn a_cseq_of_2_to_the_31_is_answered_400() {
    for (cseq, right) in
        [("2147483647", 2_147_483_647), ("0", 0), ("0000000007", 7), ("00000000000000000000000007", 7)]
    {
        assert_eq!(Invite::new().line("CSeq", format!("CSeq: {cseq} INVITE")).sent().cseq, right);
    }
    for cseq in [
        "2147483648 INVITE",
        "99999999999999999999 INVITE",
        "-1 INVITE",
        "INVITE",
        "7",
        "7 INVITE x",
        "7INVITE",
    ] {
        assert_eq!(
            refused(Invite::new().line("CSeq", format!("CSeq: {cseq}")).bytes()),
            (400, "Malformed CSeq"),
            "{cseq}"
        );
    }
}

#[test]
fn a_cseq_of_another_method_is_answered_400() {
    assert_eq!(refused(Invite::new().line("CSeq", "CSeq: 7 BYE").bytes()), (400, "CSeq Method Mismatch"));
}

#[test]
fn a_via_without_branch_is_that_of_an_rfc_2543_peer() {
    for via in [
        "Via: SIP/2.0/UDP 192.0.2.9",
        "Via: SIP/2.0/UDP 192.0.2.9;branch=1",
        "Via: SIP/2.0/UDP 192.0.2.9;branch=",
    ] {
        assert!(!Invite::new().line("Via", via).sent().via.has_cookie());
    }
}

#[test]
fn a_nul_and_a_name_of_8_kb_are_read() {
    let name = "n".repeat(8192);
    let invite = Invite::new().line("From", format!("From: \"{name}\0\" <sip:a@x>;tag=1")).sent();
    assert_eq!(invite.from.display_name().map(|name| name.len()), Some(8193));
}

#[test]
fn more_header_lines_than_are_read_are_answered_513() {
    let with = |lines: usize| {
        (0..lines).fold(Invite::new(), |invite, index| invite.plus(format!("X-{index}: 1"))).bytes()
    };
    assert_eq!(refused(with(300)), (513, "Message Head Too Large"));
    assert_eq!(request(with(247)).message.lines().count(), 256);
    assert_eq!(refused(with(248)).0, 513);
}

#[test]
fn a_head_beyond_64_kb_is_answered_513() {
    let invite = Invite::new().plus(format!("Subject: {}", "s".repeat(HEAD_LIMIT_BYTES)));
    assert_eq!(refused(invite.bytes()), (513, "Message Head Too Large"));
    let start = Invite::new().uri(&format!("sip:{}@x", "u".repeat(HEAD_LIMIT_BYTES))).bytes();
    assert!(matches!(outcome(start), Outcome::Dropped(Dropped::NoVia)));
    assert_eq!(refused(Invite::new().with_body("x".repeat(BODY_LIMIT_BYTES + 1)).bytes()).0, 413);
}

#[test]
fn a_head_without_its_empty_line_is_answered_400() {
    let packet = Invite::new().bytes();
    let end = packet.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
    for length in [end, end + 2, end - 3] {
        assert_eq!(refused(&packet[..length]), (400, "Incomplete Message Head"));
    }
}

#[test]
fn a_line_that_is_no_header_is_answered_400() {
    for line in ["Subject", "Sub ject: x", ": x", "Content-Length\u{b}: 5", "Größe: 5", "\"x\": y"] {
        assert_eq!(refused(Invite::new().plus(line).bytes()), (400, "Malformed Header Line"), "{line}");
    }
}

#[test]
fn headers_that_may_stand_once_are_answered_400_where_they_stand_twice() {
    for (line, reason) in [
        ("CSeq: 7 INVITE", "Repeated CSeq"),
        ("i: c1@192.0.2.9", "Repeated Call-ID"),
        ("f: <sip:eve@x>;tag=2", "Repeated From"),
        ("t: <sip:eve@x>", "Repeated To"),
        ("Max-Forwards: 70", "Repeated Max-Forwards"),
    ] {
        assert_eq!(refused(Invite::new().plus(line).bytes()), (400, reason));
    }
}

#[test]
fn max_forwards_is_70_where_it_is_missing_and_400_where_it_is_no_number() {
    assert_eq!(Invite::new().without("Max-Forwards").sent().max_forwards, 70);
    for value in ["256", "-1", "x", ""] {
        let packet = Invite::new().line("Max-Forwards", format!("Max-Forwards: {value}")).bytes();
        assert_eq!(refused(packet), (400, "Malformed Max-Forwards"));
    }
}

#[test]
fn a_request_without_via_is_dropped() {
    assert!(matches!(outcome(Invite::new().without("Via").bytes()), Outcome::Dropped(Dropped::NoVia)));
    let via = Invite::new().line("Via", "Via: HTTP/1.1 proxy").bytes();
    assert!(matches!(outcome(via), Outcome::Dropped(Dropped::NoVia)));
}

#[test]
fn an_ack_in_doubt_is_dropped() {
    let ack = Invite::new().method("ACK");
    assert_eq!(request(ack.bytes()).method, Method::Ack);
    let tabs = ack.clone().start("ACK\tsip:b@x\tSIP/2.0").without("To").bytes();
    for doubtful in
        [tabs, ack.clone().without("To").bytes(), ack.line("Content-Length", "Content-Length: 9").bytes()]
    {
        assert!(matches!(outcome(doubtful), Outcome::Dropped(Dropped::BadAck)));
    }
}

#[test]
fn a_response_in_doubt_is_dropped() {
    let ok = Invite::new().start("SIP/2.0 200 OK");
    assert_eq!(response(ok.bytes()).status.code(), 200);
    for doubtful in [
        ok.clone().start("SIP/2.0 099 x"),
        ok.clone().start("SIP/2.0 700 x"),
        ok.clone().start("SIP/2.0 2000 x"),
        ok.clone().start("SIP/3.0 200 OK"),
        ok.clone().start("SIP/2.0 200OK"),
        ok.clone().without("CSeq"),
        ok.clone().without("Via"),
        ok.clone().plus("To: <sip:x@y>"),
        ok.clone().plus("nonsense"),
        ok.line("Content-Length", "Content-Length: 6"),
    ] {
        assert!(matches!(outcome(doubtful.bytes()), Outcome::Dropped(Dropped::BadResponse)), "{doubtful:?}");
    }
}

#[test]
fn line_ends_alone_are_a_keep_alive() {
    for packet in ["", "\r\n", "\r\n\r\n", "\n"] {
        assert!(matches!(outcome(packet), Outcome::KeepAlive));
    }
}

#[test]
fn other_protocols_are_garbage() {
    for packet in [
        &b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x01\x00\x00\x21\x12\xa4\x42",
        b"jaK",
        b"\0\0\0\0",
        b" INVITE sip:x@y SIP/2.0\r\n\r\n",
    ] {
        assert!(matches!(outcome(packet), Outcome::Garbage), "{packet:?}");
    }
}

#[test]
fn a_64_kb_datagram_is_whole() {
    let invite = Invite::new().with_body("x".repeat(65_000));
    assert_eq!(invite.sent().message.body().len(), 65_000);
    let long = Invite::new().plus(format!("Subject: {}", "s".repeat(64_000))).sent();
    assert_eq!(long.message.extension("Subject").map(<[u8]>::len), Some(64_000));
}

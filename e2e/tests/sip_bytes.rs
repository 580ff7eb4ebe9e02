//! What a message may look like, how large it may be, and what is answered where it is in doubt.

use anyhow::{Context, ensure};
use tympan_e2e::flow::Flow;
use tympan_e2e::office::{Office, text};
use tympan_e2e::raw_message::RawMessage;
use tympan_e2e::raw_peer::{RawCall, RawPeer, ack_of_refusal};
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
/// The number of the sample flow that `--dev` brings along.
const SAMPLE: &str = "+18005550100";
/// The discard port: nothing listens to what the server plays.
const NOWHERE: u16 = 9;
const ISUP: &str = "\u{1}\u{0}I\u{0}\u{0}\u{3}\u{2}";

fn expect(answer: &RawMessage, status: u16) -> anyhow::Result<()> {
    ensure!(answer.status() == Some(status), "{status} is due, and there came\n{answer}");
    Ok(())
}

fn both(server: &TestServer) -> anyhow::Result<[RawPeer; 2]> {
    Ok([RawPeer::udp(server.sip())?, RawPeer::tcp(server.sip())?])
}

/// An INVITE with this body.
fn invite(peer: &RawPeer, call: &mut RawCall, kind: &str, body: &str) -> String {
    peer.request(call, "INVITE", "", Some((kind, body)))
}

fn without_content_length(message: &str) -> String {
    let line = message.lines().find(|line| line.starts_with("Content-Length:")).unwrap_or_default();
    message.replace(&format!("{line}\r\n"), "")
}

/// A multipart body out of parts and their types.
fn multipart(parts: &[(&str, &str)]) -> String {
    let parts = parts.iter().map(|(kind, body)| format!("--next\r\nContent-Type: {kind}\r\n\r\n{body}\r\n"));
    parts.collect::<String>() + "--next--\r\n"
}

/// Is answered by an answer to its offer of PCMA alone, and the call stays up.
fn is_answered(peer: &mut RawPeer, call: &mut RawCall, invite: &str) -> anyhow::Result<()> {
    let answer = peer.place(call, invite)?;
    expect(&answer, 200)?;
    let (_, payload_types) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
    ensure!(payload_types == "8 101", "an offer of ours came instead of an answer:\n{answer}");
    expect(&peer.ask(call, "OPTIONS", "", None)?, 200)?;
    peer.hang_up(call)
}

#[test]
fn an_invite_without_content_length_has_its_offer_to_the_end_of_the_datagram() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.new_call(SAMPLE);
    let offer = peer.sdp(NOWHERE, "8 101");
    let invite = without_content_length(&invite(&peer, &mut call, "application/sdp", &offer));
    is_answered(&mut peer, &mut call, &invite)
}

#[test]
fn what_follows_the_declared_length_of_a_datagram_is_ignored() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.new_call(SAMPLE);
    let offer = peer.sdp(NOWHERE, "8 101");
    let invite = invite(&peer, &mut call, "application/sdp", &offer) + "m=audio 5 RTP/AVP 0\r\n\0\0";
    is_answered(&mut peer, &mut call, &invite)
}

#[test]
fn the_session_description_of_a_multipart_body_is_the_offer() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    for mut peer in both(&server)? {
        let offer = peer.sdp(NOWHERE, "8 101");
        let place = "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\"/>";
        for parts in [
            [("application/sdp", offer.as_str()), ("application/isup;version=itu-t92+", ISUP)],
            [("application/isup;version=ansi", ISUP), ("application/sdp", &offer)],
            [("application/pidf+xml", place), ("application/sdp", &offer)],
        ] {
            let mut call = peer.new_call(SAMPLE);
            let body = multipart(&parts);
            let invite = invite(&peer, &mut call, "multipart/mixed; boundary=\"next\"", &body);
            is_answered(&mut peer, &mut call, &invite)
                .with_context(|| format!("{parts:?} by {}", peer.transport()))?;
        }
    }
    Ok(())
}

#[test]
fn a_body_that_is_no_session_description_is_answered_415_with_accept() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    for mut peer in both(&server)? {
        let parts = multipart(&[("application/isup;version=ansi", ISUP)]);
        for (kind, body) in [
            ("application/isup;version=ansi", ISUP),
            ("text/plain", "v=0 is how I begin"),
            ("multipart/mixed;boundary=next", parts.as_str()),
        ] {
            let mut call = peer.new_call(SAMPLE);
            let invite = invite(&peer, &mut call, kind, body);
            let answer = peer.place(&mut call, &invite)?;
            expect(&answer, 415).with_context(|| kind.to_owned())?;
            assert!(answer.lists("Accept", "application/sdp"), "{answer}");
        }
    }
    Ok(())
}

#[test]
fn a_content_length_that_cannot_be_is_answered_400() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    for length in ["-1", "abc", "99999999999999999999", "5000", "3\r\nContent-Length: 4"] {
        for mut peer in both(&server)? {
            if peer.transport() == "TCP" && length == "5000" {
                // The rest may come yet.
                continue;
            }
            let mut call = peer.new_call(SAMPLE);
            let offer = peer.sdp(NOWHERE, "8 101");
            let invite = invite(&peer, &mut call, "application/sdp", &offer);
            let invite = invite.replace(&format!("gth: {}\r\n", offer.len()), &format!("gth: {length}\r\n"));
            let answer = peer.exchange(&invite).with_context(|| format!("Content-Length: {length}"))?;
            if answer.status() != Some(413) {
                expect(&answer, 400)?;
            }
            if peer.transport() == "TCP" {
                peer.wait_for_close()?;
            }
        }
    }
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.call(SAMPLE, NOWHERE)?;
    peer.hang_up(&mut call)
}

#[test]
fn a_stream_whose_next_message_cannot_be_found_is_closed() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    for nonsense in [None, Some("\u{16}\u{3}\u{1}\u{0}this is no SIP at all\r\n\r\n")] {
        let mut peer = RawPeer::tcp(server.sip())?;
        let mut call = peer.new_call(SAMPLE);
        let offer = peer.sdp(NOWHERE, "8 101");
        let invite = without_content_length(&invite(&peer, &mut call, "application/sdp", &offer));
        peer.send(nonsense.unwrap_or(&invite))?;
        peer.wait_for_close().with_context(|| format!("{nonsense:?}"))?;
    }
    Ok(())
}

/// An OPTIONS with one thing about it that is not as usual.
fn odd(peer: &RawPeer, change: impl Fn(String) -> String) -> String {
    let mut call = peer.new_call(SAMPLE);
    change(peer.request(&mut call, "OPTIONS", "Subject: test\r\n", None))
}

#[test]
fn what_the_rfc_lets_a_peer_write_is_understood() -> anyhow::Result<()> {
    type Change = fn(String) -> String;
    let changes: [(&str, Change); 9] = [
        ("leading line ends", |text| format!("\r\n\r\n{text}")),
        ("a space before a colon", |text| text.replace("Content-Length:", "Content-Length \t:")),
        ("a folded header", |text| text.replace("Subject: test", "Subject: a\r\n\ttest\r\n of folds")),
        ("a folded Content-Length", |text| text.replace("Content-Length: 0", "Content-Length:\r\n 0")),
        ("compact names", |text| {
            let text = text.replace("Via:", "v:").replace("From:", "f:").replace("To:", "t:");
            text.replace("Call-ID:", "i:").replace("Contact:", "m:").replace("Content-Length:", "l:")
        }),
        ("odd case", |text| text.replace("CSeq:", "cSEQ:").replace("Max-Forwards:", "MAX-forwards:")),
        ("UTF-8 in a name", |text| text.replace("From: <", "From: \"J\u{fc}rgen\" <")),
        ("an unknown header", |text| text.replace("Subject:", "X-Something-New: \u{1F600}\r\nSubject:")),
        ("two Via in one line", |text| {
            text.replace("\r\nMax-Forwards", ", SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKfar\r\nMax-Forwards")
        }),
    ];
    let server = TestServer::start()?;
    let [mut udp, mut tcp] = both(&server)?;
    for (what, change) in changes {
        for peer in [&mut udp, &mut tcp] {
            let request = odd(peer, change);
            // The answer is looked up by what a plain request would say.
            let key = RawMessage::new(request.trim_start().as_bytes());
            peer.send(&request)?;
            let answer = peer.wait_for(what, |message| {
                message.status() >= Some(200) && message.header("Call-ID") == key.header("Call-ID")
            })?;
            expect(&answer, 200).with_context(|| format!("{what} by {}", peer.transport()))?;
        }
    }
    Ok(())
}

#[test]
fn bytes_of_latin_1_are_let_through() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let [mut udp, mut tcp] = both(&server)?;
    for peer in [&mut udp, &mut tcp] {
        for place in ["From: <", "Subject: "] {
            let request = odd(peer, |text| text.replace(place, &place.replace('<', "\"J\u{1}rgen\" <")));
            let request = request.replace("Subject: test", "Subject: Gr\u{1}\u{1}e");
            let bytes: Vec<u8> = request.bytes().map(|byte| if byte == 1 { 0xFC } else { byte }).collect();
            peer.send_bytes(&bytes)?;
            expect(&peer.answer(&request).context(place)?, 200)?;
        }
        // The connection is still good.
        let next = odd(peer, |text| text);
        expect(&peer.exchange(&next)?, 200)?;
    }
    Ok(())
}

#[test]
fn a_doubt_is_answered_and_never_met_with_silence() -> anyhow::Result<()> {
    type Change = fn(String) -> String;
    // What changes, the status that is due; 200 beside it where a tolerant reader is right, too.
    let doubts: [(&str, Change, u16, bool); 9] = [
        ("an unknown method", |text| text.replace("OPTIONS", "FOOBAR"), 405, false),
        ("a method in lower case", |text| text.replace("OPTIONS", "options"), 405, false),
        ("no CSeq", |text| text.replace("CSeq: 1 OPTIONS\r\n", ""), 400, false),
        ("a CSeq of another method", |text| text.replace("CSeq: 1 OPTIONS", "CSeq: 1 INFO"), 400, false),
        ("From without a tag", |text| text.replace(";tag=f", ";gat=f"), 400, false),
        ("no To", |text| text.replace("To: ", "Ot: "), 400, false),
        ("a double space", |text| text.replace("OPTIONS sip", "OPTIONS  sip"), 400, true),
        ("another version", |text| text.replacen("SIP/2.0\r\n", "SIP/3.0\r\n", 1), 505, false),
        ("a scheme that is none of ours", |text| text.replace("OPTIONS sip:", "OPTIONS http:"), 416, false),
    ];
    let server = TestServer::start()?;
    for (what, change, status, tolerable) in doubts {
        for mut peer in both(&server)? {
            let request = odd(&peer, change);
            let id = RawMessage::new(request.as_bytes()).header("Call-ID");
            peer.send(&request)?;
            let answer = peer
                .wait_for(what, |message| message.status() >= Some(200) && message.header("Call-ID") == id)?;
            if !(tolerable && answer.is_success()) {
                expect(&answer, status).with_context(|| format!("{what} by {}", peer.transport()))?;
            }
            if status == 405 {
                assert!(answer.lists("Allow", "INVITE") && answer.lists("Allow", "BYE"), "{answer}");
            }
            // A datagram or a message with a doubt in it is no reason to close what it came by.
            let next = odd(&peer, |text| text);
            expect(&peer.exchange(&next).with_context(|| format!("after {what}"))?, 200)?;
        }
    }
    Ok(())
}

#[test]
fn bare_line_feeds_are_understood_or_refused() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let request = odd(&peer, |text| text);
    peer.send(&request.replace("\r\n", "\n"))?;
    let answer = peer.answer(&request)?;
    ensure!(matches!(answer.status(), Some(200 | 400)), "{answer}");
    Ok(())
}

#[test]
fn a_request_inside_of_a_body_is_not_carried_out() -> anyhow::Result<()> {
    type Change = fn(String) -> String;
    let server = TestServer::start()?;
    let changes: [(&str, Change); 3] = [
        ("a space before the colon", |text| text.replace("Content-Length:", "Content-Length :")),
        ("a byte of Latin-1", |text| text.replace("Subject: test", "Subject: \u{1}")),
        ("a zero first", |text| text.replace("Content-Length:", "Content-Length: 0\r\nContent-Length:")),
    ];
    for (what, change) in changes {
        let mut peer = RawPeer::tcp(server.sip())?;
        let mut call = peer.call(SAMPLE, NOWHERE)?;
        let mut hidden_call = call.clone();
        hidden_call.cseq = 50;
        let hidden = peer.request(&mut hidden_call, "BYE", "", None);
        let outer = peer.request(&mut call, "INFO", "Subject: test\r\n", Some(("text/plain", &hidden)));
        let bytes = change(outer).bytes().map(|byte| if byte == 1 { 0xFC } else { byte }).collect::<Vec<_>>();
        peer.send_bytes(&bytes)?;
        peer.wait_for(what, |message| message.status() >= Some(200) && message.lists("CSeq", "2 INFO"))?;
        if what == "a zero first" {
            peer.wait_for_close()?;
            continue;
        }
        expect(&peer.ask(&mut call, "OPTIONS", "", None)?, 200)?;
        let carried_out =
            peer.received()?.iter().any(|message| message.header("CSeq").as_deref() == Some("51 BYE"));
        assert!(!carried_out, "{what}: the BYE in the body was answered");
        peer.hang_up(&mut call)?;
    }
    Ok(())
}

#[test]
fn a_70_kb_message_in_1400_byte_segments_is_read() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::tcp(server.sip())?;
    let mut call = peer.new_call(SAMPLE);
    let offer = peer.sdp(NOWHERE, "8 101");
    let filler = "x".repeat(70_000);
    let body = multipart(&[("text/plain", &filler), ("application/sdp", &offer)]);
    let request = invite(&peer, &mut call, "multipart/mixed;boundary=next", &body);
    for segment in request.as_bytes().chunks(1_400) {
        peer.send_bytes(segment)?;
    }
    let answer = peer.answer(&request)?;
    expect(&answer, 200)?;
    ensure!(answer.audio().is_some_and(|(_, types)| types == "8 101"), "{answer}");
    call.learn(&answer)?;
    let ack = peer.ack(&call, call.cseq, None);
    // And one byte at a time.
    for byte in ack.as_bytes() {
        peer.send_bytes(std::slice::from_ref(byte))?;
    }
    peer.hang_up(&mut call)
}

#[test]
fn a_body_of_64_kb_is_read_from_one_datagram() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.new_call(SAMPLE);
    let offer = peer.sdp(NOWHERE, "8 101");
    let body = |filler: usize| multipart(&[("text/plain", &"x".repeat(filler)), ("application/sdp", &offer)]);
    let body = body(64_000 - body(0).len());
    let request = invite(&peer, &mut call, "multipart/mixed;boundary=next", &body);
    is_answered(&mut peer, &mut call, &request)
}

#[test]
fn a_body_above_every_limit_is_refused_and_the_connection_closed() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::tcp(server.sip())?;
    let request = odd(&peer, |text| text.replace("Content-Length: 0", "Content-Length: 4000000000"));
    // Nothing of the body is sent: the answer does not wait for it.
    expect(&peer.exchange(&request)?, 413)?;
    peer.wait_for_close()
}

#[test]
fn an_answer_that_would_not_fit_a_datagram_is_refused_instead() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.new_call(SAMPLE);
    let offer = peer.sdp(NOWHERE, "8 101");
    let plain = peer.request_with(&call, "INVITE", 1, "", Some(("application/sdp", &offer)));
    // A response repeats Record-Route and adds to it, so it is longer than the request.
    let room = 65_400 - plain.len();
    let line = format!("Record-Route: <sip:192.0.2.9;lr;x={}>\r\n", "y".repeat(960));
    let extra = line.repeat(room / line.len());
    call.cseq = 1;
    let request = peer.request_with(&call, "INVITE", 1, &extra, Some(("application/sdp", &offer)));
    ensure!((64_000..65_507).contains(&request.len()), "the request has {} bytes", request.len());
    let answer = peer.exchange(&request)?;
    if answer.is_success() {
        // It fitted after all, and so it has to be whole.
        assert_eq!(answer.headers("Record-Route").len(), room / line.len());
        assert!(answer.audio().is_some());
        return Ok(());
    }
    ensure!(answer.status().is_some_and(|status| matches!(status, 500 | 513)), "{answer}");
    peer.send(&ack_of_refusal(&request, &answer)?)?;
    let mut call = peer.call(SAMPLE, NOWHERE)?;
    peer.hang_up(&mut call)
}

#[test]
fn more_header_lines_than_are_read_are_answered_513() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let request = odd(&peer, |text| text.replace("Subject: test\r\n", &"X-Filler: 1\r\n".repeat(2_000)));
    expect(&peer.exchange(&request)?, 513)
}

#[test]
fn a_number_is_the_same_in_all_its_spellings() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let host = server.sip();
    let spellings = [
        format!("sip:+18005550100@{host}"),
        format!("sip:%2B18005550100@{host}"),
        format!("sip:%2b1800555%30100@{host}"),
        format!("sip:+1-800-555-0100@{host}"),
        format!("sip:+1(800)555.0100@{host};user=phone"),
        format!("sip:+18005550100;npdi;rn=+12065550000@{host};user=phone"),
        format!("sip:8005550100;phone-context=+1@{host};user=phone"),
        format!("sip:+18005550100:secret@{host}"),
        "tel:+18005550100".to_owned(),
        "tel:+1-800-555-0100;npdi".to_owned(),
        "tel:8005550100;phone-context=+1".to_owned(),
        format!("SIP:+18005550100@{host}"),
    ];
    for spelling in spellings {
        let mut peer = RawPeer::udp(server.sip())?;
        let mut call = peer.new_call(SAMPLE);
        call.target.clone_from(&spelling);
        call.to = format!("<{spelling}>");
        let offer = peer.sdp(NOWHERE, "0 101");
        let answer = peer.invite(&mut call, "", &offer)?;
        expect(&answer, 200).with_context(|| spelling.clone())?;
        peer.hang_up(&mut call)?;
    }
    Ok(())
}

#[test]
fn the_caller_is_read_from_the_address_and_not_from_the_name() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, Flow::of_keys(1))?;
    let real = "+12065550142";
    let from = [
        format!("\"sip:+19995550000@spoof.example\" <sip:{real}@127.0.0.1>"),
        format!("\"<00412222222>\" <sip:{real}@127.0.0.1>"),
        format!("\"a \\\"quoted\\\" <sip:+19995550000@x>\" <sip:{real}@127.0.0.1>"),
        "Joe Doe <sip:%2B12065550142@127.0.0.1;user=phone>".to_owned(),
        format!("sip:{real}@127.0.0.1"),
        "<tel:+1-206-555-0142>".to_owned(),
    ];
    let asserted = [
        format!("\"Joe sip:desk\" <sip:{real}@127.0.0.1>"),
        format!("\"+19995550000\" <tel:{real}>"),
        format!("<sip:{real}@127.0.0.1>, <tel:{real}>"),
    ];
    let from = from.iter().map(|from| (from.as_str(), String::new()));
    let asserted = asserted.iter().map(|identity| {
        ("<sip:anonymous@anonymous.invalid>", format!("P-Asserted-Identity: {identity}\r\n"))
    });
    for (nth, (from, extra)) in from.chain(asserted).enumerate() {
        let mut peer = RawPeer::udp(office.server.sip())?;
        let mut call = peer.new_call(NUMBER);
        call.from = format!("{from};tag=f{nth}");
        let offer = peer.sdp(NOWHERE, "0 101");
        expect(&peer.invite(&mut call, &extra, &offer)?, 200).with_context(|| from.to_owned())?;
        peer.hang_up(&mut call)?;
        let records = office.records(nth + 1)?;
        assert_eq!(text(&records[nth]["CustomerEndpoint"]["Address"]), real, "{from} {extra}");
    }
    Ok(())
}

#[test]
fn an_answer_reaches_a_peer_that_sends_no_more() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::tcp(server.sip())?;
    let request = odd(&peer, |text| text);
    peer.send(&request)?;
    peer.end_sending()?;
    expect(&peer.answer(&request)?, 200)
}

#[test]
fn keep_alives_are_answered_on_a_connection_and_ignored_in_datagrams() -> anyhow::Result<()> {
    use std::io::{Read, Write};
    let server = TestServer::start()?;
    let mut stream = std::net::TcpStream::connect(server.sip())?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30)))?;
    // RFC 5626 section 3.5.1: a ping of two line ends, a pong of one.
    stream.write_all(b"\r\n\r\n")?;
    let mut pong = [0; 2];
    stream.read_exact(&mut pong)?;
    assert_eq!(&pong, b"\r\n");
    let mut udp = RawPeer::udp(server.sip())?;
    for nothing in ["\r\n\r\n", "\r\n", "\0", ""] {
        udp.send(nothing)?;
    }
    let request = odd(&udp, |text| text);
    expect(&udp.exchange(&request)?, 200)?;
    assert!(udp.received()?.iter().all(|message| message.first_line().is_empty()));
    Ok(())
}

//! What is written: responses, refusals, requests; and that no value adds a header.

use crate::support::{Invite, Outcome, outcome, request, response, source};
use bytes::Bytes;
use tympan_sip::wire::{Cut, Doubt, Draft, Method, Name, Status, cut_packet, judge};

const EVIL: &str = "x\r\nContent-Length: 0\r\n\r\nBYE sip:a@b SIP/2.0\nVia: y\rz";

fn text(bytes: &Bytes) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn a_response_repeats_what_names_its_request() {
    let invite = Invite::new()
        .line("Via", "v: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKabc;rport, SIP/2.0/TCP b.example.com;branch=z9hG4bKb")
        .plus("Via: SIP/2.0/UDP c.example.com")
        .line("From", b"f: \"J\xfcrgen\" <sip:j@192.0.2.9>;tag=1")
        .sent();
    let ok = Draft::response(&invite, Status::OK, Some("t2"), source(), false)
        .header(Name::Allow, "INVITE, ACK")
        .extension("X-Y", 7)
        .body("application/sdp", b"v=0\r\n")
        .finish();
    let right = b"SIP/2.0 200 OK\r\n\
        Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKabc;received=198.51.100.7;rport=40000, \
        SIP/2.0/TCP b.example.com;branch=z9hG4bKb\r\n\
        Via: SIP/2.0/UDP c.example.com\r\n\
        From: \"J\xfcrgen\" <sip:j@192.0.2.9>;tag=1\r\n\
        To: <sip:+18005550100@192.0.2.1>;tag=t2\r\n\
        Call-ID: c1@192.0.2.9\r\n\
        CSeq: 7 INVITE\r\n\
        Allow: INVITE, ACK\r\n\
        X-Y: 7\r\n\
        Content-Type: application/sdp\r\n\
        Content-Length: 5\r\n\r\nv=0\r\n";
    assert_eq!(ok, &right[..], "{}", String::from_utf8_lossy(&ok));
    assert_eq!(response(ok).to_tag(), Some("t2"));
}

#[test]
fn a_tag_in_to_stays() {
    let invite = Invite::new().line("To", "To: <sip:b@x>;tag=theirs").sent();
    let answer = Draft::response(&invite, Status::OK, Some("ours"), source(), false).finish();
    assert_eq!(response(answer).to_tag(), Some("theirs"));
    let bare = Invite::new().line("To", "To: sip:b@x").sent();
    let answer = Draft::response(&bare, Status::OK, Some("ours"), source(), false).finish();
    assert_eq!(response(answer).to_tag(), Some("ours"));
    let trying = Draft::response(&bare, Status::TRYING, None, source(), false).finish();
    assert_eq!(response(trying).to_tag(), None);
}

#[test]
fn a_100_repeats_the_timestamp() {
    let invite = Invite::new().plus("Timestamp: 54").sent();
    let answer = |status| response(Draft::response(&invite, status, None, source(), false).finish());
    assert_eq!(answer(Status::TRYING).message.extension("Timestamp"), Some(&b"54"[..]));
    assert_eq!(answer(Status::OK).message.extension("Timestamp"), None);
}

#[test]
fn a_reason_phrase_can_be_another() {
    let invite = Invite::new().sent();
    let answer =
        Draft::response(&invite, Status::BAD_REQUEST, None, source(), false).reason("Wrong").finish();
    assert!(answer.starts_with(b"SIP/2.0 400 Wrong\r\n"));
    let unknown = Draft::response(&invite, Status::new(299).unwrap(), None, source(), false).finish();
    assert!(unknown.starts_with(b"SIP/2.0 299 Unknown\r\n"));
}

fn refusal(packet: &[u8]) -> (String, String) {
    let Outcome::Refused(message, doubt) = outcome(packet) else { panic!("not refused") };
    let (draft, to) = Draft::refusal(&message, doubt, "ours", source()).expect("an answer");
    (text(&draft.finish()).to_owned(), to.to_string())
}

#[test]
fn a_refusal_repeats_what_is_readable() {
    let (answer, to) = refusal(&Invite::new().without("CSeq").without("Call-ID").bytes());
    assert_eq!(
        answer,
        "SIP/2.0 400 Missing CSeq\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5062;branch=z9hG4bKabc;received=198.51.100.7;rport=40000\r\n\
         From: \"Ada\" <sip:ada@192.0.2.9>;tag=1\r\n\
         To: <sip:+18005550100@192.0.2.1>;tag=ours\r\n\
         Content-Length: 0\r\n\r\n"
    );
    assert_eq!(to, "198.51.100.7:40000");
}

#[test]
fn a_refusal_without_rport_goes_to_the_port_of_sent_by() {
    let invite = Invite::new().line("Via", "Via: SIP/2.0/UDP 192.0.2.9:5062;branch=b").without("CSeq");
    assert_eq!(refusal(&invite.bytes()).1, "198.51.100.7:5062");
}

#[test]
fn a_via_that_cannot_be_read_is_repeated_and_the_answer_goes_to_the_source() {
    let invite = Invite::new().line("Via", "Via: SIP/2.0/UDP 192.0.2.15;;,;,,").plus("Via: SIP/2.0/UDP x");
    let (answer, to) = refusal(&invite.bytes());
    assert!(answer.starts_with(
        "SIP/2.0 400 Malformed Via\r\nVia: SIP/2.0/UDP 192.0.2.15;;,;,,\r\nVia: SIP/2.0/UDP x\r\n"
    ));
    assert_eq!(to, "198.51.100.7:40000");
}

#[test]
fn a_to_that_cannot_be_read_is_repeated_without_a_tag() {
    let (answer, _) = refusal(&Invite::new().line("To", "To: \"open <sip:b@x>").bytes());
    assert!(answer.contains("\r\nTo: \"open <sip:b@x>\r\n"), "{answer}");
}

#[test]
fn a_refusal_is_at_most_as_long_as_its_request_and_a_bit() {
    let packet = Invite::new().without("CSeq").bytes();
    assert!(refusal(&packet).0.len() <= packet.len() + 64);
}

#[test]
fn many_small_vias_make_no_long_answer() {
    let via = format!("v: SIP/2.0/UDP 192.0.2.9;branch=b,{}", "x,".repeat(20_000));
    let invite = Invite::new().line("Via", via).bytes();
    let answer = Draft::response(&request(&invite), Status::OK, Some("t"), source(), false).finish();
    assert!(answer.len() <= invite.len() + 64);
    assert_eq!(response(answer).via.branch(), Some("b"));
}

#[test]
fn a_message_without_via_gets_no_refusal() {
    let Cut::Message(message) = cut_packet(Invite::new().without("Via").bytes().into()) else { panic!() };
    let doubt = Doubt { status: Status::BAD_REQUEST, reason: "x" };
    assert!(Draft::refusal(&message, doubt, "t", source()).is_none());
}

#[test]
fn a_request_is_written_as_it_is_read() {
    let bytes = Draft::request(&Method::Invite, "sip:b@192.0.2.1")
        .header(Name::Via, "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx")
        .header(Name::MaxForwards, 70)
        .header(Name::From, "<sip:a@x>;tag=1")
        .header(Name::To, "<sip:b@192.0.2.1>")
        .header(Name::CallId, "c")
        .header(Name::CSeq, "1 INVITE")
        .body("application/sdp", b"v=0\r\n")
        .finish();
    let invite = request(&bytes);
    assert_eq!((invite.uri.as_str(), invite.cseq, &*invite.call_id), ("sip:b@192.0.2.1", 1, "c"));
    assert_eq!(invite.message.body()[..], *b"v=0\r\n");
}

#[test]
fn no_value_adds_a_header_or_ends_the_head() {
    let plain = |evil: &str| {
        Draft::request(&Method::parse(&format!("INFO{evil}")), &format!("sip:{evil}@x"))
            .header(Name::Via, format!("SIP/2.0/UDP {evil}"))
            .header(Name::From, evil)
            .header(Name::ContentLength, evil)
            .extension("X-Note", evil)
            .extension(&format!("X{evil}"), "1")
            .extension("content-length", 7)
            .extension("L", 7)
            .extension("", 7)
            .body(&format!("text/plain{evil}"), b"body")
            .reason(evil)
            .finish()
    };
    let evil = plain(EVIL);
    let Cut::Message(message) = cut_packet(evil.clone()) else { panic!("{evil:?}") };
    let names: Vec<_> =
        message.lines().map(|(name, _)| text(&Bytes::copy_from_slice(name)).to_owned()).collect();
    assert_eq!(names, ["Via", "From", "X-Note", "Content-Type", "Content-Length"]);
    assert_eq!(message.body()[..], *b"body");
    assert_eq!(message.start_line().iter().filter(|&&byte| byte == b' ').count(), 2);

    let invite = Invite::new().sent();
    let answer = Draft::response(&invite, Status::OK, Some(EVIL), source(), false)
        .reason(EVIL)
        .header(Name::Server, EVIL);
    let answer = answer.finish();
    let Cut::Message(message) = cut_packet(answer.clone()) else { panic!("{answer:?}") };
    assert_eq!(message.lines().count(), 7, "{answer:?}");
    assert!(matches!(judge(message, None), tympan_sip::wire::Judged::Response(_)));
}

#[test]
fn what_a_request_folds_or_hides_adds_no_header_to_its_answer() {
    let invite = Invite::new().line("To", "To: \"a\r\n Via: x\" <sip:b@x>");
    let answer = Draft::response(&invite.sent(), Status::OK, Some("t"), source(), false).finish();
    assert_eq!(response(&answer).message.items(Name::Via).count(), 1);
    let stray = Invite::new().line("Call-ID", "Call-ID: a\rVia: x");
    assert!(!refusal(&stray.bytes()).0.replace("\r\n", "").contains('\r'));
}

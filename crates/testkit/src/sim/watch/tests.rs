use super::*;
use crate::sim::packet::Packet;
use bytes::Bytes;

const NOW: Mono = Mono::from_millis(10_000);

/// A message of the dialog `c` in which we have the tag `a` and the peer `b`.
fn message(start: &str, cseq: &str, branch: &str, is_ours: bool, session: bool) -> Packet {
    let (from, to) = if is_ours { ("a", "b") } else { ("b", "a") };
    with_tags(start, cseq, branch, from, to, session)
}

fn with_tags(start: &str, cseq: &str, branch: &str, from: &str, to: &str, session: bool) -> Packet {
    let to = if to.is_empty() { String::new() } else { format!(";tag={to}") };
    let (content, body) = if session { ("Content-Type: application/sdp\r\n", "v=0\r\n") } else { ("", "") };
    let text = format!(
        "{start}\r\nVia: SIP/2.0/UDP 10.0.0.1:5060;branch={branch}\r\nFrom: <sip:x@x>;tag={from}\r\nTo: <sip:y@y>{to}\r\n\
         Call-ID: c\r\nCSeq: {cseq}\r\n{content}Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    Packet::read(&Bytes::from(text)).unwrap()
}

fn request(method: &str, number: u32, is_ours: bool, session: bool) -> Packet {
    let branch = format!("z9hG4bK{method}{number}{is_ours}");
    message(&format!("{method} sip:b@b SIP/2.0"), &format!("{number} {method}"), &branch, is_ours, session)
}

/// The response to a request of [`request`].
fn response(status: u16, method: &str, number: u32, is_ours: bool, session: bool) -> Packet {
    let branch = format!("z9hG4bK{method}{number}{is_ours}");
    message(&format!("SIP/2.0 {status} X"), &format!("{number} {method}"), &branch, is_ours, session)
}

fn fault(result: Result<(), String>) -> String {
    result.expect_err("a fault")
}

#[test]
fn a_request_that_is_never_answered_is_found() {
    let mut watch = Watch::default();
    watch.received(NOW, &request("INFO", 2, false, false), None).unwrap();
    assert!(fault(watch.finish(false)).contains("INFO 2 of c was not"));
    watch.sent(NOW, &response(200, "INFO", 2, false, false), false).unwrap();
    watch.finish(false).unwrap();
}

#[test]
fn a_request_by_a_connection_that_is_closed_need_not_be_answered() {
    let mut watch = Watch::default();
    watch.received(NOW, &request("INFO", 2, false, false), Some(7)).unwrap();
    watch.closed(7);
    watch.finish(false).unwrap();
}

#[test]
fn two_different_final_responses_are_found() {
    let mut watch = Watch::default();
    watch.received(NOW, &request("BYE", 2, false, false), None).unwrap();
    watch.sent(NOW, &response(200, "BYE", 2, false, false), false).unwrap();
    watch.sent(NOW, &response(200, "BYE", 2, false, false), false).unwrap();
    assert!(
        fault(watch.sent(NOW, &response(481, "BYE", 2, false, false), false)).contains("was answered by")
    );
}

#[test]
fn an_answer_that_comes_too_late_is_found() {
    let mut watch = Watch::default();
    watch.received(NOW, &request("BYE", 2, false, false), None).unwrap();
    let late = watch.sent(NOW.plus_ms(40_000), &response(200, "BYE", 2, false, false), false);
    assert!(fault(late).contains("after 40000 ms"));
}

#[test]
fn a_digit_that_is_answered_and_not_delivered_is_found() {
    let mut watch = Watch::default();
    let mut info = request("INFO", 2, false, false);
    info.body = Bytes::from_static(b"Signal=1\r\nX-Digit=h1/leg-1 0\r\n");
    watch.received(NOW, &info, None).unwrap();
    watch.sent(NOW, &response(200, "INFO", 2, false, false), false).unwrap();
    assert!(fault(watch.is_drained()).contains("h1/leg-1 0"));
    let mut watch = Watch::default();
    watch.received(NOW, &info, None).unwrap();
    watch.delivered("h1/leg-1 0");
    watch.sent(NOW, &response(200, "INFO", 2, false, false), false).unwrap();
    watch.is_drained().unwrap();
}

#[test]
fn a_lower_cseq_that_is_taken_is_found() {
    let mut watch = Watch::default();
    watch.received(NOW, &request("INFO", 5, false, false), None).unwrap();
    watch.received(NOW, &request("INFO", 4, false, false), None).unwrap();
    watch.sent(NOW, &response(500, "INFO", 4, false, false), false).unwrap();
    watch.received(NOW, &request("UPDATE", 3, false, false), None).unwrap();
    assert!(fault(watch.sent(NOW, &response(200, "UPDATE", 3, false, false), false)).contains("lower CSeq"));
}

#[test]
fn a_cseq_of_ours_that_does_not_grow_is_found() {
    let mut watch = Watch::default();
    watch.sent(NOW, &request("INFO", 5, true, false), false).unwrap();
    watch.sent(NOW, &request("INFO", 5, true, false), false).unwrap();
    assert!(fault(watch.sent(NOW, &request("UPDATE", 5, true, false), false)).contains("does not grow"));
}

#[test]
fn a_request_off_the_route_set_is_found() {
    let mut watch = Watch::default();
    watch
        .sent(NOW, &with_tags("INVITE sip:b@b SIP/2.0", "1 INVITE", "z9hG4bKi", "a", "", true), false)
        .unwrap();
    let mut ok = message("SIP/2.0 200 OK", "1 INVITE", "z9hG4bKi", true, true);
    ok.set_values("Record-Route", &["<sip:two;lr>".into(), "<sip:one;lr>".into()]);
    watch.received(NOW, &ok, None).unwrap();
    let mut bye = request("BYE", 2, true, false);
    bye.set_values("Route", &["<sip:one;lr>, <sip:two;lr>".into()]);
    watch.sent(NOW, &bye, false).unwrap();
    let mut info = request("INFO", 3, true, false);
    info.set_values("Route", &["<sip:two;lr>".into(), "<sip:one;lr>".into()]);
    assert!(fault(watch.sent(NOW, &info, false)).contains("the route set is"));
}

#[test]
fn a_second_offer_of_ours_is_found() {
    let mut watch = Watch::default();
    watch.sent(NOW, &request("UPDATE", 2, true, true), false).unwrap();
    watch.received(NOW, &response(200, "UPDATE", 2, true, true), None).unwrap();
    watch.sent(NOW, &request("INVITE", 3, true, true), false).unwrap();
    assert!(fault(watch.sent(NOW, &request("UPDATE", 4, true, true), false)).contains("two offers are open"));
}

#[test]
fn an_answer_to_an_offer_that_crossed_ours_is_found() {
    let crossed = || {
        let mut watch = Watch::default();
        watch.sent(NOW, &request("UPDATE", 2, true, true), false).unwrap();
        watch.received(NOW, &request("UPDATE", 9, false, true), None).unwrap();
        watch
    };
    crossed().sent(NOW, &response(491, "UPDATE", 9, false, false), false).unwrap();
    let mut watch = crossed();
    assert!(
        fault(watch.sent(NOW, &response(200, "UPDATE", 9, false, true), false))
            .contains("another offer is open")
    );
}

#[test]
fn a_late_offer_is_open_until_its_ack() {
    let mut watch = Watch::default();
    watch.received(NOW, &request("INVITE", 2, false, false), None).unwrap();
    watch.sent(NOW, &response(200, "INVITE", 2, false, true), false).unwrap();
    watch.sent(NOW, &response(200, "INVITE", 2, false, true), false).unwrap();
    let early = watch.sent(NOW, &request("UPDATE", 1, true, true), false);
    assert!(fault(early).contains("two offers are open"));
    watch.received(NOW, &request("ACK", 2, false, true), None).unwrap();
    watch.sent(NOW, &request("UPDATE", 2, true, true), false).unwrap();
}

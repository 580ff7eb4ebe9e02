//! Requests outside of dialogs: what is refused, and that it leaves no state.

use super::scene::{Caller, SDP, Scene, config, header, sdp};
use crate::agent::{Command, Counter, Event, Input, Limits, Trunk, Trunks};
use crate::wire::{Name, Response, Status};

/// Sends a request and takes its refusal, which leaves nothing behind; its ACK is absorbed.
fn refused(
    scene: &mut Scene,
    caller: &Caller,
    method: &str,
    headers: &str,
    body: &str,
    status: u16,
) -> Response {
    let request = caller.write(method, 1, "b1", headers, body);
    scene.packet(&request);
    let response = scene.response(status);
    assert!(response.to_tag().is_some());
    scene.no_event();
    assert!(scene.agent.is_quiet(), "{method} {status}");
    // The same for each repetition.
    scene.packet(&request);
    assert_eq!(scene.response(status).to_tag(), response.to_tag());
    if method == "INVITE" {
        let mut caller = caller.clone();
        caller.heard(&response);
        scene.packet(&caller.write("ACK", 1, "b1", "", ""));
        scene.nothing_sent();
        assert!(!scene.counts.contains(&Counter::StrayAck), "{status}");
    }
    response
}

#[test]
fn options_says_what_is_served() {
    let mut scene = Scene::new();
    let ok = refused(&mut scene, &Caller::new("a"), "OPTIONS", "", "", 200);
    for (name, part) in [
        (Name::Allow, "PRACK"),
        (Name::Supported, "timer"),
        (Name::Accept, "application/sdp"),
        (Name::Contact, "sip:tympan@192.0.2.9"),
    ] {
        assert!(header(&ok.message, name).contains(part), "{name:?}");
    }
}

#[test]
fn options_with_max_forwards_0_is_answered_and_an_invite_gets_483() {
    let mut scene = Scene::new();
    for (method, status) in [("OPTIONS", 200), ("INVITE", 483)] {
        let request = Caller::new("a").next(method, "", "").replace("Max-Forwards: 70", "Max-Forwards: 0");
        scene.packet(&request);
        scene.response(status);
    }
    scene.no_event();
}

#[test]
fn methods_that_are_not_served_get_405_with_allow() {
    let mut scene = Scene::new();
    for method in ["REGISTER", "SUBSCRIBE", "MESSAGE", "PUBLISH", "NOTIFY", "FOOBAR", "invite"] {
        let refused = refused(&mut scene, &Caller::new(method), method, "", "", 405);
        assert!(header(&refused.message, Name::Allow).contains("INVITE"), "{method}");
    }
    refused(&mut scene, &Caller::new("refer"), "REFER", "", "", 501);
}

#[test]
fn requests_of_a_dialog_without_a_to_tag_get_481() {
    let mut scene = Scene::new();
    for method in ["BYE", "INFO", "UPDATE", "PRACK"] {
        refused(&mut scene, &Caller::new(method), method, "", "", 481);
    }
}

#[test]
fn what_require_names_and_is_not_served_gets_420() {
    let mut scene = Scene::new();
    let response =
        refused(&mut scene, &Caller::new("a"), "INVITE", "Require: foo, 100rel, timer, bar\n", SDP, 420);
    assert_eq!(header(&response.message, Name::Unsupported), "foo, bar");
}

#[test]
fn a_body_that_is_no_session_description_gets_415_with_accept() {
    let mut scene = Scene::new();
    let response =
        refused(&mut scene, &Caller::new("a"), "INVITE", "Content-Type: application/isup\n", "\u{1}", 415);
    assert!(header(&response.message, Name::Accept).contains("application/sdp"));
    let encoded = "Content-Type: application/sdp\nContent-Encoding: gzip\n";
    refused(&mut scene, &Caller::new("b"), "INVITE", encoded, SDP, 415);
}

#[test]
fn a_broken_multipart_body_gets_400() {
    let mut scene = Scene::new();
    let kind = "Content-Type: multipart/mixed;boundary=x\n";
    let response = refused(&mut scene, &Caller::new("a"), "INVITE", kind, "--x\n\nopen", 400);
    assert_eq!(&*response.reason, "Broken Multipart Body");
}

#[test]
fn the_session_description_of_a_multipart_body_is_the_offer() {
    let mut scene = Scene::new();
    let kind = "Content-Type: multipart/mixed;boundary=x\n";
    let body = format!(
        "--x\nContent-Type: application/sdp\n\n{SDP}\n--x\nContent-Type: application/isup\n\nI\n--x--\n"
    );
    let invite = Caller::new("a").next("INVITE", kind, &body);
    scene.packet(&invite);
    let Event::Invited { parts, late_offer, .. } = scene.event() else { panic!("no call") };
    assert_eq!((parts.len(), late_offer), (2, false));
}

#[test]
fn an_invite_without_contact_gets_400() {
    let mut scene = Scene::new();
    let invite = Caller::new("a").invite().replace("Contact: ", "X-Contact: ");
    scene.packet(&invite);
    assert_eq!(&*scene.response(400).reason, "Missing Contact");
}

#[test]
fn a_contact_that_is_ours_is_a_loop() {
    let mut scene = Scene::new();
    let caller = Caller { contact: "<sip:tympan@192.0.2.9>".to_owned(), ..Caller::new("a") };
    refused(&mut scene, &caller, "INVITE", "", SDP, 482);
}

#[test]
fn sips_without_tls_gets_416() {
    let mut scene = Scene::new();
    let caller = Caller { contact: "<sips:a@192.0.2.1>".to_owned(), ..Caller::new("a") };
    refused(&mut scene, &caller, "INVITE", "", SDP, 416);
    let invite = Caller::new("b").invite().replace("INVITE sip:", "INVITE sips:");
    scene.packet(&invite);
    scene.response(416);
}

#[test]
fn a_route_that_names_another_place_gets_403_and_one_that_names_us_is_taken_off() {
    let mut scene = Scene::new();
    for (route, status) in [
        ("<sip:198.51.100.1;lr>", 403),
        ("<sip:192.0.2.9;lr>, <sip:198.51.100.1;lr>", 403),
        ("<sip:192.0.2.9:5061;lr>", 403),
        ("<sip:192.0.2.9;lr>", 200),
        ("<sip:us.example.com;lr>", 200),
    ] {
        let request = Caller::new(route).next("OPTIONS", &format!("Route: {route}\n"), "");
        scene.packet(
            &request
                .replace(&format!("Call-ID: {route}"), "Call-ID: a")
                .replace(&format!("z9hG4bK{route}"), "z9hG4bKa"),
        );
        let (_, text) = scene.next();
        assert!(text.starts_with(&format!("SIP/2.0 {status} ")), "{route}: {text}");
    }
}

#[test]
fn the_same_invite_by_two_paths_gets_482_once() {
    let mut scene = Scene::new();
    let caller = Caller::new("a");
    scene.packet(&caller.write("INVITE", 1, "b1", "", SDP));
    assert!(matches!(scene.event(), Event::Invited { .. }));
    scene.packet(&caller.write("INVITE", 1, "b2", "", SDP));
    scene.response(482);
    scene.no_event();
    assert_eq!((scene.agent.legs(), scene.counts.as_slice()), (1, &[Counter::Merged][..]));
}

#[test]
fn a_proxy_that_hunts_comes_back_with_a_new_branch_after_a_refusal() {
    let mut scene = Scene::new();
    let caller = Caller::new("a");
    scene.packet(&caller.write("INVITE", 1, "b1", "", SDP));
    let (leg, _) = scene.events.pop_front().unwrap();
    let refusal =
        crate::agent::Refusal { status: Status::BUSY_HERE, retry_after_s: None, headers: Vec::new() };
    scene.command(leg, Command::Refuse(refusal));
    scene.events.clear();
    scene.packet(&caller.write("INVITE", 1, "b2", "", SDP));
    assert!(matches!(scene.event(), Event::Invited { .. }));
}

#[test]
fn a_drain_refuses_new_calls_and_options_and_leaves_calls_alone() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    scene.input(Input::Drain);
    for method in ["OPTIONS", "INVITE"] {
        let request = Caller::new(method).next(method, "", "");
        scene.packet(&request);
        assert_eq!(header(&scene.response(503).message, Name::RetryAfter), "30");
    }
    let options = caller.next("OPTIONS", "", "");
    scene.packet(&options);
    scene.response(200);
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn a_source_beyond_its_rate_gets_503_without_state_while_another_is_served() {
    let mut config = config();
    config.limits.requests_per_source_per_s = 2;
    let mut scene = Scene::with(config);
    for _ in 0..4 {
        let request = Caller::new("a").next("OPTIONS", "", "");
        scene.packet(&request);
        scene.response(200);
    }
    let request = Caller::new("a").next("OPTIONS", "", "");
    scene.packet(&request);
    assert_eq!(header(&scene.response(503).message, Name::RetryAfter), "1");
    assert_eq!(scene.counts, [Counter::SourceLimited]);
    scene.packet_from("192.0.2.2:5060", &request);
    scene.response(200);
    assert!(scene.agent.is_quiet());
}

#[test]
fn half_open_calls_of_a_source_are_limited_and_confirmed_ones_are_not() {
    let mut config = config();
    config.limits.half_open_per_source = 2;
    let mut scene = Scene::with(config);
    scene.call_up(&mut Caller::new("up"));
    for call_id in ["a", "b"] {
        scene.call_invited(&mut Caller::new(call_id));
    }
    let mut third = Caller::new("c");
    let invite = third.invite();
    scene.packet(&invite);
    let refused = scene.response(503);
    assert_eq!(header(&refused.message, Name::RetryAfter), "10");
    third.heard(&refused);
    scene.packet(&third.write("ACK", 1, "b1", "", ""));
    scene.nothing_sent();
    assert_eq!(scene.counts, [Counter::SourceLimited]);
    scene.packet_from("192.0.2.2:5060", &invite);
    assert!(matches!(scene.event(), Event::Invited { .. }));
}

#[test]
fn legs_are_limited() {
    let mut scene = Scene::with({
        let mut config = config();
        config.limits.legs_max = 1;
        config
    });
    scene.call_up(&mut Caller::new("a"));
    let invite = Caller::new("b").invite();
    scene.packet(&invite);
    scene.response(503);
    scene.command(super::uac::LEG, super::uac::dial());
    assert_eq!(scene.ended().status, Some(Status::SERVICE_UNAVAILABLE));
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn transactions_are_limited() {
    let mut config = config();
    config.limits.transactions_max = 1;
    let mut scene = Scene::with(config);
    let mut caller = Caller::new("a");
    scene.call_invited(&mut caller);
    let invite = Caller::new("b").invite();
    scene.packet(&invite);
    assert_eq!(header(&scene.response(503).message, Name::RetryAfter), "1");
    assert_eq!(scene.counts, [Counter::Overloaded]);
}

#[test]
fn a_trunk_with_users_challenges_and_takes_a_right_answer_once() {
    let mut config = config();
    let users = vec![("bob".to_owned(), "secret".to_owned().into())];
    config.trunks = Trunks::new(Vec::new(), Trunk { users, ..Trunk::new("default") }).unwrap();
    let mut scene = Scene::with(config);
    let caller = Caller::new("a");
    let response = refused(&mut scene, &caller, "INVITE", "", SDP, 401);
    let mut authorizer = crate::wire::digest::Authorizer::new("bob".to_owned(), "secret".to_owned().into());
    assert!(authorizer.challenged(&response, 0));
    let headers = authorizer.headers(&crate::wire::Method::Invite, "sip:+18005550100@192.0.2.9", 1);
    let credentials = format!("{}: {}\n", headers[0].0.as_str(), headers[0].1);
    scene.packet(&caller.write("INVITE", 2, "b2", &credentials, SDP));
    assert!(matches!(scene.event(), Event::Invited { .. }));
    // The same answer for another call.
    scene.packet(&Caller::new("b").write("INVITE", 1, "b1", &credentials, SDP));
    let replayed = scene.response(401);
    assert!(header(&replayed.message, Name::WwwAuthenticate).contains("stale=true"));
    assert_eq!(scene.counts, [Counter::ReplayedNonce]);
    scene.no_event();
}

#[test]
fn an_unconfirmed_source_is_sent_a_multiple_of_its_bytes_and_no_more() {
    let mut config = config();
    config.limits = Limits { amplification_max: 3, ..Limits::default() };
    let mut scene = Scene::with(config);
    let mut caller = Caller::new("a");
    let invite = caller.invite();
    scene.packet(&invite);
    let (leg, _) = scene.events.pop_front().unwrap();
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    scene.wait_ms(70_000);
    let bytes_out: usize = scene.sent.iter().map(|(_, text)| text.len()).sum();
    let longest = scene.sent.iter().map(|(_, text)| text.len()).max().unwrap();
    assert!(bytes_out <= 3 * super::scene::with_crlf(&invite).len() + longest, "{bytes_out}");
    assert!(scene.counts.contains(&Counter::Withheld));
}

#[test]
fn what_a_dialog_would_keep_of_an_invite_is_limited() {
    let mut scene = Scene::new();
    let routes = "Record-Route: <sip:192.0.2.1;lr>\n".repeat(33);
    refused(&mut scene, &Caller::new("a"), "INVITE", &routes, SDP, 513);
    let long = format!("Record-Route: <sip:192.0.2.1;lr;x={}>\n", "y".repeat(9_000));
    refused(&mut scene, &Caller::new("b"), "INVITE", &long, SDP, 513);
}

#[test]
fn bytes_in_doubt_are_answered_without_state() {
    let mut scene = Scene::new();
    let invite = Caller::new("a").invite().replace("CSeq: 1 INVITE", "X-CSeq: 1 INVITE");
    scene.packet(&invite);
    let response = scene.next().1;
    assert!(response.starts_with("SIP/2.0 400 "), "{response}");
    scene.packet("ACK sip:a SIP/2.0\n");
    scene.packet("garbage");
    scene.nothing_sent();
    assert!(scene.agent.is_quiet());
    assert_eq!(scene.counts.len(), 3);
}

#[test]
fn a_stray_ack_and_a_stray_response_are_counted() {
    let mut scene = Scene::new();
    let mut caller =
        Caller { to: "<sip:a@192.0.2.9>;tag=0123456789abcdef0123".to_owned(), ..Caller::new("a") };
    let ack = caller.ack(1, "");
    scene.packet(&ack);
    scene.packet("SIP/2.0 200 OK\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx\nFrom: <sip:a@b>;tag=a\nTo: <sip:a@b>;tag=b\nCall-ID: a\nCSeq: 1 INVITE\n");
    assert_eq!(scene.counts, [Counter::StrayAck, Counter::StrayResponse]);
    scene.nothing_sent();
}

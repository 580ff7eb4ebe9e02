//! Calls of peers: INVITE, provisional and final responses, ACK, CANCEL, BYE.

use super::scene::{Caller, SDP, Scene, addr, header, sdp};
use crate::agent::{Command, EndedBy, Event, Refusal, Trunk, Trunks};
use crate::wire::{Name, Status};

#[test]
fn a_call_is_invited_answered_confirmed_and_ended_by_the_peer() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let invite = caller.invite();
    scene.packet(&invite);
    let (leg, event) = scene.events.pop_front().unwrap();
    let Event::Invited { called, caller: peer, parts, late_offer, call_id, .. } = event else {
        panic!("{event:?}")
    };
    assert_eq!(called.expose().text, "+18005550100");
    assert_eq!(peer.number.unwrap().expose().text, "+15550100");
    assert_eq!((parts.len(), late_offer, call_id.as_str()), (1, false, "a"));
    scene.command(leg, Command::Ring { status: Status::RINGING, body: None, reliable: false });
    let ringing = scene.response(180);
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    let ok = scene.response(200);
    assert_eq!(ringing.to_tag(), ok.to_tag());
    assert_eq!(header(&ok.message, Name::Contact), "<sip:tympan@192.0.2.9:5060>");
    assert!(header(&ok.message, Name::Allow).contains("UPDATE"));
    assert_eq!(header(&ok.message, Name::Supported), "100rel, timer");
    caller.heard(&ok);
    let ack = caller.ack(1, "");
    scene.packet(&ack);
    assert!(matches!(scene.event(), Event::Confirmed));
    let bye = caller.next("BYE", "Reason: Q.850;cause=16\n", "");
    scene.packet(&bye);
    scene.response(200);
    let ended = scene.ended();
    assert_eq!((ended.by, ended.reason.as_deref()), (EndedBy::Peer, Some("Q.850;cause=16")));
    assert_eq!(scene.agent.legs(), 0);
    scene.is_quiet_after(37_000);
}

#[test]
fn a_call_by_tcp_ends_with_our_bye_on_its_connection() {
    let mut scene = Scene::new();
    let flow = scene.open(1, "192.0.2.1:40000");
    let mut caller = Caller { transport: "TCP".to_owned(), ..Caller::new("a") };
    let invite = caller.invite();
    scene.stream(1, &invite);
    let (leg, _) = scene.events.pop_front().unwrap();
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    let ok = scene.response(200);
    assert_eq!(header(&ok.message, Name::Contact), "<sip:tympan@192.0.2.9:5060;transport=tcp>");
    caller.heard(&ok);
    let ack = caller.ack(1, "");
    scene.stream(1, &ack);
    assert!(matches!(scene.event(), Event::Confirmed));
    scene.command(leg, Command::HangUp { reason: Some("Q.850;cause=16".to_owned()) });
    assert_eq!(scene.ended().by, EndedBy::Us);
    let (by, bye) = scene.request_by("BYE");
    assert_eq!(by, flow);
    assert_eq!(bye.uri.as_str(), "sip:caller@192.0.2.1:5060");
    assert_eq!(header(&bye.message, Name::Reason), "Q.850;cause=16");
    let ok = respond(&bye, 200);
    scene.stream(1, &ok);
    scene.is_quiet_after(37_000);
}

#[test]
fn a_refusal_carries_its_status_headers_and_retry_after() {
    let mut scene = Scene::new();
    let leg = scene.call_invited(&mut Caller::new("a"));
    let refusal = Refusal {
        status: Status::BUSY_HERE,
        retry_after_s: Some(7),
        headers: vec![(Name::Warning, "399 us \"busy\"".to_owned())],
    };
    scene.command(leg, Command::Refuse(refusal));
    let busy = scene.response(486);
    assert_eq!(header(&busy.message, Name::RetryAfter), "7");
    assert_eq!(header(&busy.message, Name::Warning), "399 us \"busy\"");
    let ended = scene.ended();
    assert_eq!((ended.by, ended.status), (EndedBy::Us, Some(Status::BUSY_HERE)));
    scene.is_quiet_after(37_000);
}

#[test]
fn a_repeated_invite_raises_no_second_event_and_gets_the_last_response_again() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let invite = caller.invite();
    scene.packet(&invite);
    let (leg, _) = scene.events.pop_front().unwrap();
    scene.packet(&invite);
    scene.nothing_sent();
    scene.command(leg, Command::Ring { status: Status::RINGING, body: None, reliable: false });
    scene.response(180);
    scene.packet(&invite);
    scene.response(180);
    scene.no_event();
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn an_invite_without_response_gets_a_100_after_200_ms() {
    let mut scene = Scene::new();
    scene.call_invited(&mut Caller::new("a"));
    scene.wait_ms(199);
    scene.nothing_sent();
    scene.wait_ms(1);
    scene.response(100);
}

#[test]
fn a_200_is_repeated_until_its_ack_comes() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_answered(&mut caller);
    scene.wait_ms(500);
    scene.response(200);
    scene.wait_ms(1_000);
    scene.response(200);
    let ack = caller.ack(1, "");
    scene.packet(&ack);
    assert!(matches!(scene.event(), Event::Confirmed));
    scene.packet(&ack);
    scene.wait_ms(60_000);
    scene.nothing_sent();
    scene.no_event();
}

#[test]
fn a_200_that_is_never_acknowledged_ends_with_bye_after_64_t1() {
    let mut scene = Scene::new();
    scene.call_answered(&mut Caller::new("a"));
    scene.wait_ms(31_999);
    assert_eq!(scene.sent.len(), 10);
    scene.sent.clear();
    scene.wait_ms(1);
    assert_eq!(scene.ended().by, EndedBy::Failure);
    let bye = scene.request("BYE");
    assert_eq!(bye.to_tag(), Some("caller"));
    scene.sent.clear();
    scene.is_quiet_after(37_000);
}

#[test]
fn a_late_offer_gets_ours_and_the_answer_in_the_ack_reaches_the_user() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let invite = caller.next("INVITE", "", "");
    scene.packet(&invite);
    let (leg, Event::Invited { late_offer, parts, exchange, .. }) = scene.events.pop_front().unwrap() else {
        panic!("no call")
    };
    assert!(late_offer && parts.is_empty());
    scene.command(leg, Command::Answer { body: sdp("v=0\r\noffer") });
    let ok = scene.response(200);
    assert_eq!(&ok.message.body()[..], b"v=0\r\noffer");
    caller.heard(&ok);
    let ack = caller.ack(1, SDP);
    scene.packet(&ack);
    assert!(
        matches!(scene.event(), Event::Answered { exchange: answered, parts } if answered == exchange && parts.len() == 1)
    );
    assert!(matches!(scene.event(), Event::Confirmed));
}

#[test]
fn a_late_offer_whose_answer_is_missing_in_the_ack_ends_with_bye() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let invite = caller.next("INVITE", "", "");
    scene.packet(&invite);
    let (leg, _) = scene.events.pop_front().unwrap();
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    let ok = scene.response(200);
    caller.heard(&ok);
    let ack = caller.ack(1, "");
    scene.packet(&ack);
    assert_eq!(scene.ended().by, EndedBy::Failure);
    scene.request("BYE");
}

#[test]
fn a_cancel_ends_the_call_with_487() {
    let mut scene = Scene::new();
    let caller = &mut Caller::new("a");
    let leg = scene.call_invited(caller);
    scene.command(leg, Command::Ring { status: Status::RINGING, body: None, reliable: false });
    let ringing = scene.response(180);
    let cancel = caller.write("CANCEL", 1, "b1", "Reason: SIP;cause=200\n", "");
    scene.packet(&cancel);
    let ok = scene.response(200);
    assert_eq!(ok.to_tag(), ringing.to_tag());
    scene.response(487);
    let ended = scene.ended();
    assert_eq!((ended.by, ended.reason.as_deref()), (EndedBy::Peer, Some("SIP;cause=200")));
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    scene.nothing_sent();
    scene.packet(&cancel);
    scene.response(200);
    scene.is_quiet_after(37_000);
}

#[test]
fn an_invite_whose_expires_is_over_gets_487() {
    let mut scene = Scene::new();
    let mut caller = Caller { extra: "Expires: 20\n".to_owned(), ..Caller::new("a") };
    let leg = scene.call_invited(&mut caller);
    scene.command(leg, Command::Ring { status: Status::RINGING, body: None, reliable: false });
    scene.response(180);
    scene.wait_ms(19_999);
    scene.nothing_sent();
    scene.wait_ms(1);
    scene.response(487);
    assert_eq!(scene.ended().by, EndedBy::Peer);
}

#[test]
fn a_cancel_that_crosses_the_200_changes_nothing() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_answered(&mut caller);
    let cancel = Caller { to: Caller::new("a").to, ..caller.clone() }.write("CANCEL", 1, "b1", "", "");
    scene.packet(&cancel);
    scene.response(200);
    scene.no_event();
    let ack = caller.ack(1, "");
    scene.packet(&ack);
    assert!(matches!(scene.event(), Event::Confirmed));
}

#[test]
fn a_cancel_of_nothing_gets_481() {
    let mut scene = Scene::new();
    let cancel = Caller::new("a").next("CANCEL", "", "");
    scene.packet(&cancel);
    scene.response(481);
    scene.is_quiet_after(0);
}

#[test]
fn a_bye_before_the_answer_ends_the_call_and_the_invite_gets_487() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let leg = scene.call_invited(&mut caller);
    scene.command(leg, Command::Ring { status: Status::RINGING, body: None, reliable: false });
    let ringing = scene.response(180);
    caller.heard(&ringing);
    let bye = caller.next("BYE", "", "");
    scene.packet(&bye);
    scene.response(200);
    scene.response(487);
    assert_eq!(scene.ended().by, EndedBy::Peer);
    scene.is_quiet_after(37_000);
}

#[test]
fn a_bye_before_the_ack_ends_the_call_and_stops_the_200() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_answered(&mut caller);
    let bye = caller.next("BYE", "", "");
    scene.packet(&bye);
    scene.response(200);
    assert_eq!(scene.ended().by, EndedBy::Peer);
    scene.is_quiet_after(37_000);
    scene.nothing_sent();
}

#[test]
fn a_hang_up_before_the_ack_sends_its_bye_after_the_ack() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let leg = scene.call_answered(&mut caller);
    scene.command(leg, Command::HangUp { reason: None });
    assert_eq!(scene.ended().by, EndedBy::Us);
    scene.nothing_sent();
    scene.wait_ms(500);
    scene.response(200);
    let ack = caller.ack(1, "");
    scene.packet(&ack);
    let bye = scene.request("BYE");
    let ok = respond(&bye, 200);
    scene.packet(&ok);
    scene.is_quiet_after(37_000);
}

#[test]
fn a_hang_up_before_the_answer_refuses_the_call() {
    let mut scene = Scene::new();
    let leg = scene.call_invited(&mut Caller::new("a"));
    scene.command(leg, Command::HangUp { reason: None });
    scene.response(480);
    assert_eq!(scene.ended().by, EndedBy::Us);
}

#[test]
fn record_route_is_copied_and_orders_the_routes_of_our_requests() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    caller.extra = "Record-Route: <sip:192.0.2.1:5090;lr>, <sip:far.example.com;lr>\n".to_owned();
    let leg = scene.call_invited(&mut caller);
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    let ok = scene.response(200);
    let routes: Vec<String> = ok.record_routes().iter().map(ToString::to_string).collect();
    assert_eq!(routes, ["<sip:192.0.2.1:5090;lr>", "<sip:far.example.com;lr>"]);
    caller.heard(&ok);
    let ack = caller.ack(1, "");
    scene.packet(&ack);
    scene.command(leg, Command::HangUp { reason: None });
    let (flow, bye) = scene.request_by("BYE");
    assert_eq!(flow.peer, addr("192.0.2.1:5090"));
    assert_eq!(bye.uri.as_str(), "sip:caller@192.0.2.1:5060");
    let routes: Vec<String> = bye.routes().iter().map(|route| route.as_str().to_owned()).collect();
    assert_eq!(routes, ["<sip:192.0.2.1:5090;lr>", "<sip:far.example.com;lr>"]);
}

#[test]
fn a_strict_router_gets_the_request_uri_and_the_target_is_the_last_route() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    caller.extra = "Record-Route: <sip:192.0.2.1:5090>, <sip:far.example.com;lr>\n".to_owned();
    let leg = scene.call_up(&mut caller);
    scene.command(leg, Command::HangUp { reason: None });
    let (flow, bye) = scene.request_by("BYE");
    assert_eq!((flow.peer, bye.uri.as_str()), (addr("192.0.2.1:5090"), "sip:192.0.2.1:5090"));
    let routes: Vec<String> = bye.routes().iter().map(|route| route.as_str().to_owned()).collect();
    assert_eq!(routes, ["<sip:far.example.com;lr>", "<sip:caller@192.0.2.1:5060>"]);
}

#[test]
fn a_200_that_no_datagram_can_carry_is_refused_rather_than_cut() {
    let mut scene = Scene::new();
    let leg = scene.call_invited(&mut Caller::new("a"));
    scene.command(leg, Command::Answer { body: sdp(&"x".repeat(65_400)) });
    let refused = scene.response(500);
    assert_eq!(&*refused.reason, "Response Too Large For UDP");
    assert_eq!(scene.ended().status, Some(Status::SERVER_INTERNAL_ERROR));
    scene.is_quiet_after(37_000);
}

#[test]
fn a_provisional_response_is_reliable_where_the_caller_requires_it() {
    let mut scene = Scene::new();
    let mut caller = Caller { extra: "Require: 100rel\n".to_owned(), ..Caller::new("a") };
    let leg = scene.call_invited(&mut caller);
    scene.command(leg, Command::Ring { status: Status::RINGING, body: None, reliable: false });
    let ringing = scene.response(180);
    assert_eq!(header(&ringing.message, Name::Require), "100rel");
    let rseq = header(&ringing.message, Name::RSeq);
    scene.wait_ms(500);
    scene.response(180);
    caller.extra.clear();
    caller.heard(&ringing);
    let unknown = caller.next("PRACK", "RAck: 1 1 INVITE\n", "");
    scene.packet(&unknown);
    scene.response(481);
    let prack = caller.next("PRACK", &format!("RAck: {rseq} 1 INVITE\n"), "");
    scene.packet(&prack);
    scene.response(200);
    scene.wait_ms(10_000);
    scene.nothing_sent();
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    assert!(!scene.response(200).message.body().is_empty());
}

#[test]
fn a_200_waits_for_the_prack_of_an_early_answer() {
    let mut scene = Scene::new();
    let mut caller = Caller { extra: "Supported: 100rel\n".to_owned(), ..Caller::new("a") };
    let leg = scene.call_invited(&mut caller);
    scene.command(
        leg,
        Command::Ring { status: Status::SESSION_PROGRESS, body: Some(sdp(SDP)), reliable: true },
    );
    let progress = scene.response(183);
    assert!(!progress.message.body().is_empty());
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    scene.nothing_sent();
    caller.heard(&progress);
    let rack = format!("RAck: {} 1 INVITE\n", header(&progress.message, Name::RSeq));
    let prack = caller.next("PRACK", &rack, "");
    scene.packet(&prack);
    scene.response(200);
    let ok = scene.response(200);
    assert_eq!(ok.method.as_str(), "INVITE");
    assert!(ok.message.body().is_empty());
}

#[test]
fn a_reliable_response_without_prack_refuses_the_call_after_64_t1() {
    let mut scene = Scene::new();
    let mut caller = Caller { extra: "Supported: 100rel\n".to_owned(), ..Caller::new("a") };
    let leg = scene.call_invited(&mut caller);
    scene.command(leg, Command::Ring { status: Status::RINGING, body: None, reliable: true });
    scene.wait_ms(32_000);
    let ended = scene.ended();
    assert_eq!((ended.by, ended.status), (EndedBy::Failure, Some(Status::SERVER_TIMEOUT)));
    scene.sent.retain(|(_, text)| !text.contains(" 180 "));
    scene.response(504);
}

#[test]
fn a_call_longer_than_its_trunk_allows_ends() {
    let mut config = super::scene::config();
    let trunk = Trunk { longest_call_s: Some(60), ..Trunk::new("default") };
    config.trunks = Trunks::new(Vec::new(), trunk).unwrap();
    let mut scene = Scene::with(config);
    scene.call_up(&mut Caller::new("a"));
    scene.wait_ms(59_999);
    scene.no_event();
    scene.wait_ms(1);
    assert_eq!(scene.ended().by, EndedBy::TooLong);
    scene.request("BYE");
}

/// A response of a peer to a request of ours.
fn respond(request: &crate::wire::Request, status: u16) -> String {
    super::scene::response_to(request, status, "", "", "")
}

#[test]
fn our_offer_in_a_reliable_provisional_response_is_answered_in_prack() {
    let mut scene = Scene::new();
    let mut caller = Caller { extra: "Supported: 100rel\n".to_owned(), ..Caller::new("a") };
    let invite = caller.next("INVITE", "", "");
    scene.packet(&invite);
    let (leg, _) = scene.events.pop_front().unwrap();
    scene.command(
        leg,
        Command::Ring { status: Status::SESSION_PROGRESS, body: Some(sdp(SDP)), reliable: true },
    );
    let progress = scene.response(183);
    assert!(!progress.message.body().is_empty());
    caller.heard(&progress);
    let rack = format!("RAck: {} 1 INVITE\n", header(&progress.message, Name::RSeq));
    let prack = caller.next("PRACK", &rack, SDP);
    scene.packet(&prack);
    scene.response(200);
    assert!(matches!(scene.event(), Event::Answered { .. }));
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    assert!(scene.response(200).message.body().is_empty());
}

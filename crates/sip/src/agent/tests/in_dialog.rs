//! Requests of a peer in a dialog: order, answers to each, targets.

use super::scene::{Caller, SDP, Scene, addr, header, response_to, sdp};
use crate::agent::{Command, Counter, EndedBy, Event, OfferBy, Trunk, Trunks};
use crate::wire::{Name, Status};

const DIGIT: &str = "Content-Type: application/dtmf-relay\n";

fn digit(event: &Event) -> String {
    match event {
        Event::Info { parts } => String::from_utf8(parts[0].body.to_vec()).unwrap(),
        other => panic!("no digit: {other:?}"),
    }
}

#[test]
fn several_infos_at_once_are_each_answered_and_delivered_in_order() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    for key in ["1", "2", "3", "4"] {
        let info = caller.next("INFO", DIGIT, &format!("Signal={key}"));
        scene.packet(&info);
    }
    for key in ["1", "2", "3", "4"] {
        scene.response(200);
        assert_eq!(digit(&scene.event()), format!("Signal={key}"));
    }
}

#[test]
fn a_lower_cseq_is_answered_500() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let (first, second) = (caller.next("INFO", DIGIT, "Signal=1"), caller.next("INFO", DIGIT, "Signal=2"));
    scene.packet(&second);
    scene.packet(&first);
    scene.response(200);
    scene.response(500);
    assert_eq!(digit(&scene.event()), "Signal=2");
    scene.no_event();
    assert_eq!(scene.counts, [Counter::OutOfOrder]);
    // A repetition is absorbed by its transaction.
    scene.packet(&second);
    scene.response(200);
    scene.no_event();
}

#[test]
fn an_info_right_after_the_ack_and_one_before_it_are_delivered() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_answered(&mut caller);
    let info = caller.next("INFO", DIGIT, "Signal=1");
    scene.packet(&info);
    scene.response(200);
    assert_eq!(digit(&scene.event()), "Signal=1");
    let ack = caller.ack(1, "");
    scene.packet(&ack);
    assert!(matches!(scene.event(), Event::Confirmed));
    let info = caller.next("INFO", DIGIT, "Signal=2");
    scene.packet(&info);
    scene.response(200);
    assert_eq!(digit(&scene.event()), "Signal=2");
}

#[test]
fn an_info_without_a_body_gets_200_and_one_that_is_not_known_415() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let empty = caller.next("INFO", "", "");
    scene.packet(&empty);
    scene.response(200);
    let media_control = caller.next("INFO", "Content-Type: application/media_control+xml\n", "<x/>");
    scene.packet(&media_control);
    let refused = scene.response(415);
    assert!(header(&refused.message, Name::Accept).contains("application/dtmf-relay"));
    scene.no_event();
}

#[test]
fn options_in_a_dialog_says_what_is_served() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let options = caller.next("OPTIONS", "", "");
    scene.packet(&options);
    let ok = scene.response(200);
    assert!(header(&ok.message, Name::Allow).contains("INFO"));
    assert!(header(&ok.message, Name::Accept).contains("application/sdp"));
}

#[test]
fn refer_gets_501_and_methods_that_are_not_served_405_and_the_call_goes_on() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    for (method, status) in [("REFER", 501), ("MESSAGE", 405), ("NOTIFY", 405), ("FOOBAR", 405)] {
        let request = caller.next(method, "", "");
        scene.packet(&request);
        let refused = scene.response(status);
        assert!(header(&refused.message, Name::Allow).contains("UPDATE"), "{method}");
    }
    scene.no_event();
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn a_required_extension_that_is_not_served_gets_420_in_a_dialog_too() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let options = caller.next("OPTIONS", "Require: timer, foo\n", "");
    scene.packet(&options);
    assert_eq!(header(&scene.response(420).message, Name::Unsupported), "foo");
}

#[test]
fn a_request_of_an_unknown_dialog_gets_481_options_too() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let other_tag =
        caller.to.rsplit_once('=').map(|(head, _)| format!("{head}=0123456789abcdef0123")).unwrap();
    for (to, call_id) in [(other_tag, "a"), (caller.to.clone(), "b")] {
        let mut other = Caller { to, call_id: call_id.to_owned(), ..caller.clone() };
        for method in ["OPTIONS", "BYE", "INFO", "UPDATE", "INVITE"] {
            let request = other.next(method, "", "");
            scene.packet(&request);
            scene.response(481);
        }
    }
    let mut other = Caller { from: "<sip:+15550100@192.0.2.1>;tag=another".to_owned(), ..caller };
    let request = other.next("BYE", "", "");
    scene.packet(&request);
    scene.response(481);
    scene.no_event();
}

#[test]
fn a_bye_leaves_no_request_of_the_peer_unanswered() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let update = caller.next("UPDATE", "", SDP);
    scene.packet(&update);
    assert!(matches!(scene.event(), Event::Offered { .. }));
    let bye = caller.next("BYE", "", "");
    scene.packet(&bye);
    scene.response(200);
    assert_eq!(scene.response(487).method.as_str(), "UPDATE");
    assert_eq!(scene.ended().by, EndedBy::Peer);
    scene.is_quiet_after(37_000);
}

#[test]
fn a_target_that_reinvite_or_update_changes_is_where_our_requests_go() {
    for method in ["INVITE", "UPDATE"] {
        let mut scene = Scene::new();
        let mut caller = Caller::new("a");
        let leg = scene.call_up(&mut caller);
        caller.contact = "<sip:moved@192.0.2.77:5099>".to_owned();
        let request = caller.next(method, "", SDP);
        scene.packet(&request);
        let Event::TargetRefreshed { target } = scene.event() else { panic!("{method}") };
        assert_eq!(target.uri().as_str(), "sip:moved@192.0.2.77:5099");
        let Event::Offered { exchange, .. } = scene.event() else { panic!("{method}") };
        scene.command(leg, Command::ReplyOffer { exchange, body: sdp(SDP) });
        scene.response(200);
        let ack = caller.ack(2, "");
        if method == "INVITE" {
            scene.packet(&ack);
        }
        scene.command(leg, Command::HangUp { reason: None });
        scene.ended();
        let (flow, bye) = scene.request_by("BYE");
        assert_eq!((bye.uri.as_str(), flow.peer), ("sip:moved@192.0.2.77:5099", addr("192.0.2.77:5099")));
    }
}

#[test]
fn a_trunk_that_forces_rport_gets_our_requests_at_its_source() {
    let mut config = super::scene::config();
    let trunk = Trunk { force_rport: true, ..Trunk::new("default") };
    config.trunks = Trunks::new(Vec::new(), trunk).unwrap();
    let mut scene = Scene::with(config);
    let mut caller = Caller::new("a");
    (caller.sent_by, caller.contact) = ("10.0.0.5:5060".to_owned(), "<sip:nat@10.0.0.5:5060>".to_owned());
    let invite = caller.invite().replace(";rport", "");
    scene.packet_from("192.0.2.1:31000", &invite);
    let (leg, _) = scene.events.pop_front().unwrap();
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    let (flow, text) = scene.next();
    assert_eq!(flow.peer, addr("192.0.2.1:31000"));
    assert!(text.contains("received=192.0.2.1") && text.contains("rport=31000"), "{text}");
    scene.command(leg, Command::HangUp { reason: None });
    let crate::wire::Judged::Response(ok) = super::scene::read(&text) else { panic!("no response") };
    caller.heard(&ok);
    // The NAT moved the peer meanwhile.
    let options = caller.next("OPTIONS", "", "");
    let ack = caller.ack(1, "");
    scene.packet_from("192.0.2.1:31001", &ack);
    let (flow, bye) = scene.request_by("BYE");
    assert_eq!((bye.uri.as_str(), flow.peer), ("sip:nat@10.0.0.5:5060", addr("192.0.2.1:31000")));
    drop(options);
}

#[test]
fn a_response_goes_to_the_port_of_sent_by_where_via_has_no_rport() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    caller.sent_by = "198.51.100.7:5062".to_owned();
    let options = caller.next("OPTIONS", "", "").replace(";rport", "");
    scene.packet_from("192.0.2.1:31000", &options);
    let (flow, text) = scene.next();
    assert_eq!(flow.peer, addr("192.0.2.1:5062"));
    assert!(text.contains(";received=192.0.2.1\r\n") && !text.contains("rport"), "{text}");
}

#[test]
fn our_infos_go_one_at_a_time_and_in_order() {
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    for key in ["1", "2", "3"] {
        let body = crate::agent::Body {
            content_type: "application/dtmf-relay".to_owned(),
            bytes: format!("Signal={key}").into(),
        };
        scene.command(leg, Command::Info { body });
    }
    for key in ["1", "2", "3"] {
        let info = scene.request("INFO");
        assert_eq!(&info.message.body()[..], format!("Signal={key}").as_bytes());
        scene.nothing_sent();
        scene.wait_ms(500);
        scene.request("INFO");
        let ok = response_to(&info, if key == "2" { 415 } else { 200 }, "", "", "");
        scene.packet(&ok);
    }
    scene.nothing_sent();
}

#[test]
fn an_info_that_a_later_request_overtakes_goes_again() {
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    let digit = |key: &str| {
        let body = sdp(&format!("Signal={key}"));
        Command::Info {
            body: crate::agent::Body { content_type: "application/dtmf-relay".to_owned(), ..body },
        }
    };
    scene.command(leg, digit("1"));
    scene.command(leg, digit("2"));
    let info = scene.request("INFO");
    scene.command(leg, Command::Offer { body: sdp(SDP), by: OfferBy::ReInvite });
    let later = scene.request("INVITE");
    // The peer had the re-INVITE first.
    scene.packet(&response_to(&info, 500, "", "", ""));
    let again = scene.request("INFO");
    assert_eq!(again.message.body(), info.message.body());
    assert!(again.cseq > later.cseq);
    // Nothing overtook this one: it is refused for another reason, and the next digit goes.
    scene.packet(&response_to(&again, 500, "", "", ""));
    assert_eq!(&scene.request("INFO").message.body()[..], b"Signal=2");
}

#[test]
fn infos_that_find_no_room_are_counted() {
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    for _ in 0..70 {
        scene.command(leg, Command::Info { body: sdp("x") });
    }
    assert_eq!(scene.counts, [Counter::Overloaded; 5]);
}

#[test]
fn a_request_of_ours_that_gets_481_or_nothing_ends_the_call() {
    for status in [481, 408] {
        let mut scene = Scene::new();
        let leg = scene.call_up(&mut Caller::new("a"));
        scene.command(leg, Command::Info { body: sdp("x") });
        let info = scene.request("INFO");
        let refused = response_to(&info, status, "", "", "");
        scene.packet(&refused);
        let ended = scene.ended();
        assert_eq!((ended.by, ended.status), (EndedBy::Failure, Status::new(status)));
        scene.request("BYE");
    }
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    scene.command(leg, Command::Info { body: sdp("x") });
    scene.wait_ms(32_000);
    assert_eq!(scene.ended().status, Some(Status::REQUEST_TIMEOUT));
}

#[test]
fn a_request_that_no_datagram_can_carry_is_not_sent_and_the_call_goes_on() {
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    scene.command(leg, Command::Info { body: sdp(&"x".repeat(65_500)) });
    scene.nothing_sent();
    scene.no_event();
    assert_eq!(scene.counts, [Counter::Overloaded]);
    scene.command(leg, Command::Info { body: sdp("x") });
    scene.request("INFO");
}

#[test]
fn a_bye_waits_for_room() {
    let mut config = super::scene::config();
    config.limits.transactions_max = 1;
    let mut scene = Scene::with(config);
    let first = scene.call_up(&mut Caller::new("a"));
    scene.wait_ms(37_000);
    let second = scene.call_up(&mut Caller::new("b"));
    scene.command(first, Command::HangUp { reason: None });
    let bye = scene.request("BYE");
    scene.ended();
    scene.command(second, Command::HangUp { reason: None });
    scene.ended();
    scene.nothing_sent();
    let ok = response_to(&bye, 200, "", "", "");
    scene.packet(&ok);
    scene.wait_ms(8_000);
    assert_eq!(scene.request("BYE").call_id.as_str(), "b");
}

#[test]
fn requests_of_a_call_are_answered_as_its_trunk_says_whatever_their_uri() {
    let mut config = super::scene::config();
    let mut trunk = Trunk { force_rport: true, ..Trunk::new("user") };
    trunk.matches.user = Some("+18005550100".to_owned());
    config.trunks = Trunks::new(vec![trunk], Trunk::new("default")).unwrap();
    let mut scene = Scene::with(config);
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let options =
        caller.next("OPTIONS", "", "").replace(";rport", "").replace("sip:+18005550100@", "sip:tympan@");
    scene.packet_from("192.0.2.1:31000", &options);
    assert_eq!(scene.next().0.peer, addr("192.0.2.1:31000"));
}

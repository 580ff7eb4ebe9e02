//! Streams: keep-alives, doubtful bytes, connections that close, and those that we open.

use super::scene::{Caller, SDP, Scene, addr, response_to, sdp};
use crate::agent::{Command, ConnId, Event, Flow, Input, Way};
use crate::wire::Transport;
use bytes::Bytes;
use tympan_types::LegId;

fn tcp(call_id: &str) -> Caller {
    Caller { transport: "TCP".to_owned(), sent_by: "192.0.2.1:5060".to_owned(), ..Caller::new(call_id) }
}

/// A call by connection 1 that is up.
fn call_up(scene: &mut Scene, caller: &mut Caller) -> LegId {
    let invite = caller.invite();
    scene.stream(1, &invite);
    let (leg, _) = scene.events.pop_front().unwrap();
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    let ok = scene.response(200);
    caller.heard(&ok);
    let ack = caller.ack(1, "");
    scene.stream(1, &ack);
    assert!(matches!(scene.event(), Event::Confirmed));
    leg
}

fn raw(scene: &mut Scene, text: &str) {
    scene.input(Input::Stream { conn: ConnId(1), bytes: Bytes::copy_from_slice(text.as_bytes()) });
}

#[test]
fn a_keep_alive_is_answered() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    raw(&mut scene, "\r\n\r\n");
    assert_eq!(scene.next().1, "\r\n");
}

#[test]
fn a_message_in_pieces_is_taken_when_it_is_whole() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    let options = super::scene::with_crlf(&tcp("a").next("OPTIONS", "Content-Length: 0\n", ""));
    let (head, tail) = options.split_at(70);
    raw(&mut scene, head);
    scene.nothing_sent();
    assert_eq!(scene.agent.held_bytes(ConnId(1)), 70);
    assert!(!scene.agent.is_quiet());
    raw(&mut scene, tail);
    scene.response(200);
    assert!(scene.agent.is_quiet());
}

#[test]
fn a_doubtful_length_is_answered_and_the_connection_is_closed() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    let options = super::scene::with_crlf(&tcp("a").next("OPTIONS", "Content-Length: x\n", ""));
    raw(&mut scene, &format!("{options}{options}"));
    assert!(scene.next().1.starts_with("SIP/2.0 400 "));
    scene.nothing_sent();
    assert_eq!(scene.closes, [ConnId(1)]);
    raw(&mut scene, &options);
    scene.nothing_sent();
}

#[test]
fn garbage_closes_the_connection() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    raw(&mut scene, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(scene.closes, [ConnId(1)]);
}

#[test]
fn a_response_whose_connection_is_gone_goes_by_a_new_one() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    let invite = tcp("a").invite();
    scene.stream(1, &invite);
    let (leg, _) = scene.events.pop_front().unwrap();
    scene.input(Input::Closed { conn: ConnId(1) });
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    scene.nothing_sent();
    let (conn, target) = scene.connects.pop_front().unwrap();
    assert_eq!((target.transport, target.peer), (Transport::Tcp, addr("192.0.2.1:5060")));
    let flow =
        Flow { way: Way::Stream(conn), transport: Transport::Tcp, local: target.local, peer: target.peer };
    scene.input(Input::Opened { conn, flow });
    assert_eq!(scene.next().0, flow);
}

#[test]
fn a_contact_without_transport_is_reached_by_the_connection_of_its_call() {
    let mut scene = Scene::new();
    let flow = scene.open(1, "192.0.2.1:40000");
    let mut caller = Caller { contact: "<sip:caller@10.0.0.5>".to_owned(), ..tcp("a") };
    let leg = call_up(&mut scene, &mut caller);
    scene.command(leg, Command::HangUp { reason: None });
    let (by, bye) = scene.request_by("BYE");
    assert_eq!((by, bye.uri.as_str()), (flow, "sip:caller@10.0.0.5"));
}

#[test]
fn a_call_whose_connection_is_gone_opens_one_to_its_contact() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    let mut caller = Caller { contact: "<sip:caller@192.0.2.1:5061;transport=tcp>".to_owned(), ..tcp("a") };
    let leg = call_up(&mut scene, &mut caller);
    scene.input(Input::Closed { conn: ConnId(1) });
    scene.command(leg, Command::HangUp { reason: None });
    let (conn, target) = scene.connects.pop_front().unwrap();
    assert_eq!(target.peer, addr("192.0.2.1:5061"));
    let flow =
        Flow { way: Way::Stream(conn), transport: Transport::Tcp, local: target.local, peer: target.peer };
    scene.input(Input::Opened { conn, flow });
    let (by, bye) = scene.request_by("BYE");
    assert_eq!(by, flow);
    let ok = response_to(&bye, 200, "", "", "");
    scene.input(Input::Stream {
        conn,
        bytes: super::scene::with_crlf(&ok).replacen("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n", 1).into(),
    });
    scene.ended();
    scene.is_quiet_after(37_000);
}

#[test]
fn a_peer_that_comes_back_by_a_new_connection_is_reached_there() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    let mut caller = Caller { contact: "<sip:caller@10.0.0.5>".to_owned(), ..tcp("a") };
    let leg = call_up(&mut scene, &mut caller);
    scene.input(Input::Closed { conn: ConnId(1) });
    let flow = scene.open(2, "192.0.2.1:40001");
    let options = caller.next("OPTIONS", "", "");
    scene.stream(2, &options);
    scene.response(200);
    scene.command(leg, Command::HangUp { reason: None });
    assert_eq!(scene.request_by("BYE").0, flow);
}

#[test]
fn a_route_names_the_transport_of_our_requests_whatever_the_call_came_by() {
    // A proxy that takes UDP from us and TCP from the caller records itself twice (RFC 5658).
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    caller.contact = "<sip:caller@198.51.100.7:5060;transport=tcp>".to_owned();
    caller.extra =
        "Record-Route: <sip:192.0.2.1;r2=on;lr>, <sip:192.0.2.1;transport=tcp;r2=on;lr>\n".to_owned();
    let leg = scene.call_up(&mut caller);
    scene.command(leg, Command::HangUp { reason: None });
    let (flow, bye) = scene.request_by("BYE");
    assert_eq!((flow.transport, flow.peer), (Transport::Udp, addr("192.0.2.1:5060")));
    assert_eq!(bye.uri.as_str(), "sip:caller@198.51.100.7:5060;transport=tcp");
    assert_eq!(bye.routes().len(), 2);
    // The other way round: the top route asks for TCP.
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    caller.extra = "Record-Route: <sip:192.0.2.1;transport=tcp;lr>\n".to_owned();
    let leg = scene.call_up(&mut caller);
    scene.command(leg, Command::HangUp { reason: None });
    assert_eq!(scene.connects.pop_front().unwrap().1.transport, Transport::Tcp);
}

#[test]
fn a_connection_that_cannot_be_opened_fails_what_waits_for_it() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    let mut caller = Caller { contact: "<sip:caller@192.0.2.1:5061;transport=tcp>".to_owned(), ..tcp("a") };
    let leg = call_up(&mut scene, &mut caller);
    scene.input(Input::Closed { conn: ConnId(1) });
    scene.command(leg, Command::HangUp { reason: None });
    scene.ended();
    for _ in 0..3 {
        let (conn, _) = scene.connects.pop_front().unwrap();
        scene.input(Input::Closed { conn });
    }
    assert!(scene.connects.is_empty());
    scene.is_quiet_after(37_000);
}

#[test]
fn a_sips_contact_is_reached_by_the_tls_connection_of_its_call() {
    let mut scene = Scene::new();
    let flow = Flow {
        way: Way::Stream(ConnId(1)),
        transport: Transport::Tls,
        local: addr("192.0.2.9:5061"),
        peer: addr("192.0.2.1:40000"),
    };
    scene.input(Input::Opened { conn: ConnId(1), flow });
    let mut caller = Caller { contact: "<sips:caller@192.0.2.1>".to_owned(), ..tcp("a") };
    caller.transport = "TLS".to_owned();
    let leg = call_up(&mut scene, &mut caller);
    scene.command(leg, Command::HangUp { reason: None });
    assert_eq!(scene.request_by("BYE").0, flow);
}

#[test]
fn a_connection_lost_under_an_info_ends_the_call_and_its_bye_goes_by_another_one() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    let mut caller = Caller { contact: "<sip:caller@192.0.2.1:5061;transport=tcp>".to_owned(), ..tcp("a") };
    let leg = call_up(&mut scene, &mut caller);
    scene.command(leg, Command::Info { body: sdp("x") });
    scene.request("INFO");
    scene.input(Input::Closed { conn: ConnId(1) });
    scene.ended();
    for _ in 0..3 {
        let (conn, target) = scene.connects.pop_front().unwrap();
        let flow = Flow {
            way: Way::Stream(conn),
            transport: Transport::Tcp,
            local: target.local,
            peer: target.peer,
        };
        scene.input(Input::Opened { conn, flow });
        assert_eq!(scene.request_by("BYE").0, flow);
        scene.input(Input::Closed { conn });
    }
    assert!(scene.connects.is_empty());
    scene.is_quiet_after(37_000);
}

#[test]
fn a_connection_lost_under_an_offer_ends_the_call() {
    let mut scene = Scene::new();
    scene.open(1, "192.0.2.1:40000");
    let mut caller = Caller { contact: "<sip:caller@192.0.2.1:5061;transport=tcp>".to_owned(), ..tcp("a") };
    let leg = call_up(&mut scene, &mut caller);
    scene.command(leg, Command::Offer { body: sdp(SDP), by: crate::agent::OfferBy::ReInvite });
    scene.request("INVITE");
    scene.input(Input::Closed { conn: ConnId(1) });
    scene.ended();
    assert_eq!(scene.connects.len(), 1, "for the BYE");
}

//! Changes of a session: offers of both sides, glare, refreshes.

use super::scene::{Caller, SDP, Scene, header, response_to, sdp};
use super::uac::LEG;
use crate::agent::{Command, EndedBy, Event, OfferBy, Trunk, Trunks};
use crate::dialog::{ExchangeId, TimerRules};
use crate::wire::{Name, Request, Status};

fn offered(scene: &mut Scene) -> ExchangeId {
    match scene.event() {
        Event::Offered { exchange, .. } | Event::OfferWanted { exchange } => exchange,
        other => panic!("no offer: {other:?}"),
    }
}

fn offer(by: OfferBy) -> Command {
    Command::Offer { body: sdp("v=0\r\nhold"), by }
}

/// A request of the callee in the call that we placed.
fn from_callee(invite: &Request, method: &str, cseq: u32, headers: &str, body: &str) -> String {
    Caller {
        call_id: invite.call_id.to_string(),
        from: "<sip:+18005550100@192.0.2.1>;tag=callee".to_owned(),
        to: format!("<sip:+15550100@192.0.2.9>;tag={}", invite.from_tag()),
        ..Caller::new("x")
    }
    .write(method, cseq, &format!("c{cseq}"), headers, body)
}

#[test]
fn a_reinvite_with_an_offer_is_answered_and_acknowledged() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let leg = scene.call_up(&mut caller);
    let invite = caller.next("INVITE", "", SDP);
    scene.packet(&invite);
    let exchange = offered(&mut scene);
    scene.command(leg, Command::ReplyOffer { exchange, body: sdp("v=0\r\nanswer") });
    assert_eq!(&scene.response(200).message.body()[..], b"v=0\r\nanswer");
    let ack = caller.ack(2, "");
    scene.packet(&ack);
    scene.no_event();
    scene.wait_ms(40_000);
    scene.nothing_sent();
}

#[test]
fn a_reinvite_without_an_offer_gets_ours_and_its_answer_comes_in_the_ack() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let leg = scene.call_up(&mut caller);
    let invite = caller.next("INVITE", "", "");
    scene.packet(&invite);
    let exchange = offered(&mut scene);
    scene.command(leg, Command::ReplyOffer { exchange, body: sdp("v=0\r\nours") });
    assert_eq!(&scene.response(200).message.body()[..], b"v=0\r\nours");
    let ack = caller.ack(2, SDP);
    scene.packet(&ack);
    assert!(matches!(scene.event(), Event::Answered { exchange: of, .. } if of == exchange));
    scene.no_event();
}

#[test]
fn a_reinvite_that_the_user_refuses_leaves_the_call_up() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let leg = scene.call_up(&mut caller);
    let invite = caller.next("INVITE", "", SDP);
    scene.packet(&invite);
    let exchange = offered(&mut scene);
    scene.command(leg, Command::RefuseOffer { exchange, status: Status::NOT_ACCEPTABLE_HERE });
    scene.response(488);
    let again = caller.next("INVITE", "", SDP);
    scene.packet(&again);
    offered(&mut scene);
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn a_cancelled_reinvite_leaves_the_call_up() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let invite = caller.next("INVITE", "", SDP);
    scene.packet(&invite);
    let exchange = offered(&mut scene);
    let branch = format!("b{}", caller.branches);
    scene.packet(&caller.write("CANCEL", caller.cseq, &branch, "", ""));
    scene.response(200);
    scene.response(487);
    let Event::OfferFailed { exchange: of, status } = scene.event() else { panic!("not failed") };
    assert_eq!((of, status), (Some(exchange), Status::REQUEST_TERMINATED));
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn a_second_reinvite_while_one_is_open_gets_500_with_retry_after() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    for _ in 0..2 {
        let invite = caller.next("INVITE", "", SDP);
        scene.packet(&invite);
    }
    offered(&mut scene);
    let busy = scene.response(500);
    assert!(header(&busy.message, Name::RetryAfter).parse::<u32>().unwrap() <= 10);
    scene.no_event();
}

#[test]
fn a_reinvite_that_crosses_ours_gets_491() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let leg = scene.call_up(&mut caller);
    scene.command(leg, offer(OfferBy::ReInvite));
    scene.request("INVITE");
    let invite = caller.next("INVITE", "", SDP);
    scene.packet(&invite);
    scene.response(491);
    scene.no_event();
}

#[test]
fn a_reinvite_before_the_ack_of_the_first_one_shows_that_the_200_came() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_answered(&mut caller);
    let invite = caller.next("INVITE", "", SDP);
    scene.packet(&invite);
    assert!(matches!(scene.event(), Event::Confirmed));
    offered(&mut scene);
    let ack = caller.ack(1, "");
    scene.packet(&ack);
    scene.no_event();
}

#[test]
fn an_offer_of_ours_is_answered_and_acknowledged() {
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    scene.command(leg, offer(OfferBy::ReInvite));
    let invite = scene.request("INVITE");
    assert_eq!(&invite.message.body()[..], b"v=0\r\nhold");
    assert!(header(&invite.message, Name::Allow).contains("UPDATE"));
    scene.packet(&response_to(&invite, 200, "", "Contact: <sip:caller@192.0.2.1:5060>\n", SDP));
    let ack = scene.request("ACK");
    assert_eq!(ack.cseq, invite.cseq);
    assert!(matches!(scene.event(), Event::Answered { .. }));
    // A repeated 2xx is acknowledged again.
    scene.packet(&response_to(&invite, 200, "", "Contact: <sip:caller@192.0.2.1:5060>\n", SDP));
    scene.request("ACK");
    scene.no_event();
}

#[test]
fn a_reinvite_behind_a_provisional_response_ends_the_call_after_three_minutes() {
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    scene.command(leg, offer(OfferBy::ReInvite));
    let invite = scene.request("INVITE");
    scene.packet(&response_to(&invite, 100, "", "", ""));
    scene.wait_ms(179_000);
    scene.nothing_sent();
    scene.no_event();
    scene.wait_ms(2_000);
    assert_eq!(scene.ended().by, EndedBy::Failure);
    scene.request("BYE");
}

#[test]
fn an_offer_of_ours_that_crosses_one_goes_again_after_the_pause() {
    // The owner of the Call-ID waits 2.1 to 4 s, the other one up to 2 s (RFC 3261 section 14.1).
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    scene.command(leg, offer(OfferBy::ReInvite));
    let invite = scene.request("INVITE");
    scene.packet(&response_to(&invite, 491, "", "", ""));
    scene.request("ACK");
    scene.no_event();
    scene.wait_ms(2_000);
    assert_eq!(&scene.request("INVITE").message.body()[..], b"v=0\r\nhold");

    let mut scene = Scene::new();
    scene.dial_up("");
    scene.command(LEG, offer(OfferBy::ReInvite));
    let invite = scene.request("INVITE");
    scene.packet(&response_to(&invite, 491, "", "", ""));
    scene.request("ACK");
    scene.wait_ms(2_099);
    scene.nothing_sent();
    scene.wait_ms(1_901);
    scene.request("INVITE");
}

#[test]
fn an_offer_of_ours_that_waits_for_its_second_try_fails_where_the_peer_changes_the_session() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let leg = scene.call_up(&mut caller);
    scene.command(leg, offer(OfferBy::ReInvite));
    let invite = scene.request("INVITE");
    scene.packet(&response_to(&invite, 491, "", "", ""));
    scene.request("ACK");
    let theirs = caller.next("INVITE", "", SDP);
    scene.packet(&theirs);
    assert!(matches!(scene.event(), Event::OfferFailed { status: Status::REQUEST_PENDING, .. }));
    offered(&mut scene);
    scene.wait_ms(150);
    scene.nothing_sent();
    let _ = leg;
}

#[test]
fn an_offer_that_cannot_be_made_now_fails_at_once() {
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    scene.command(leg, offer(OfferBy::ReInvite));
    scene.request("INVITE");
    scene.command(leg, offer(OfferBy::ReInvite));
    assert!(matches!(scene.event(), Event::OfferFailed { exchange: None, status: Status::REQUEST_PENDING }));
    scene.nothing_sent();
}

#[test]
fn an_offer_that_the_peer_refuses_fails_and_the_call_stays_up() {
    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    scene.command(leg, offer(OfferBy::ReInvite));
    let invite = scene.request("INVITE");
    scene.packet(&response_to(&invite, 488, "", "", ""));
    scene.request("ACK");
    assert!(matches!(scene.event(), Event::OfferFailed { status: Status::NOT_ACCEPTABLE_HERE, .. }));
    scene.command(leg, offer(OfferBy::ReInvite));
    scene.request("INVITE");
}

#[test]
fn an_offer_goes_by_update_where_the_peer_allows_it() {
    let mut scene = Scene::new();
    let mut caller = Caller { extra: "Allow: INVITE, UPDATE\n".to_owned(), ..Caller::new("a") };
    let leg = scene.call_up(&mut caller);
    scene.command(leg, offer(OfferBy::Update));
    let update = scene.request("UPDATE");
    scene.packet(&response_to(&update, 200, "", "Contact: <sip:moved@192.0.2.1>\n", SDP));
    assert!(matches!(scene.event(), Event::TargetRefreshed { .. }));
    assert!(matches!(scene.event(), Event::Answered { .. }));
    scene.nothing_sent();

    let mut scene = Scene::new();
    let leg = scene.call_up(&mut Caller::new("a"));
    scene.command(leg, offer(OfferBy::Update));
    scene.request("INVITE");
}

#[test]
fn an_update_with_an_offer_is_answered_by_the_user() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let leg = scene.call_up(&mut caller);
    let update = caller.next("UPDATE", "", SDP);
    scene.packet(&update);
    let exchange = offered(&mut scene);
    scene.nothing_sent();
    scene.command(leg, Command::ReplyOffer { exchange, body: sdp("v=0\r\nanswer") });
    let ok = scene.response(200);
    assert_eq!((ok.method.as_str(), &ok.message.body()[..]), ("UPDATE", &b"v=0\r\nanswer"[..]));
    assert!(ok.contact().is_some());
}

#[test]
fn an_update_without_a_session_description_is_answered_without_one() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let update = caller.next("UPDATE", "", "");
    scene.packet(&update);
    assert!(scene.response(200).message.body().is_empty());
    assert!(matches!(scene.event(), Event::Refreshed));
}

#[test]
fn an_update_that_crosses_ours_gets_491_and_one_beside_an_open_one_500() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    let leg = scene.call_up(&mut caller);
    scene.command(leg, offer(OfferBy::ReInvite));
    let invite = scene.request("INVITE");
    let update = caller.next("UPDATE", "", SDP);
    scene.packet(&update);
    scene.response(491);
    scene.packet(&response_to(&invite, 488, "", "", ""));
    scene.events.clear();
    scene.sent.clear();
    for _ in 0..2 {
        let update = caller.next("UPDATE", "", SDP);
        scene.packet(&update);
    }
    offered(&mut scene);
    assert!(!header(&scene.response(500).message, Name::RetryAfter).is_empty());
}

#[test]
fn an_answer_of_a_reoffer_that_the_user_rejects_leaves_the_call_up_and_the_first_one_ends_it() {
    let mut scene = Scene::new();
    scene.dial_up("");
    scene.command(LEG, offer(OfferBy::ReInvite));
    let invite = scene.request("INVITE");
    scene.packet(&response_to(&invite, 200, "", "", SDP));
    scene.request("ACK");
    let Event::Answered { exchange, .. } = scene.event() else { panic!("not answered") };
    scene.command(LEG, Command::RejectAnswer { exchange });
    scene.nothing_sent();
    scene.command(LEG, Command::RejectAnswer { exchange: ExchangeId::new(1) });
    assert_eq!(scene.ended().by, EndedBy::Us);
    scene.request("BYE");
}

fn timed(session_expires_s: Option<u32>) -> Scene {
    let mut config = super::scene::config();
    let timers = TimerRules { session_expires_s, min_se_s: 90 };
    config.trunks = Trunks::new(Vec::new(), Trunk { timers, ..Trunk::new("default") }).unwrap();
    Scene::with(config)
}

#[test]
fn too_short_a_session_interval_gets_422() {
    let mut scene = timed(Some(1_800));
    let invite = Caller::new("a").next("INVITE", "Supported: timer\nSession-Expires: 60\n", SDP);
    scene.packet(&invite);
    assert_eq!(header(&scene.response(422).message, Name::MinSe), "90");
    scene.no_event();
    assert!(scene.agent.is_quiet());
}

#[test]
fn a_peer_that_does_not_refresh_its_session_is_ended() {
    let mut scene = timed(None);
    let mut caller = Caller {
        extra: "Supported: timer\nSession-Expires: 90;refresher=uac\n".to_owned(),
        ..Caller::new("a")
    };
    scene.call_up(&mut caller);
    scene.wait_ms(50_000);
    let update = caller.next("UPDATE", "", "");
    scene.packet(&update);
    assert!(header(&scene.response(200).message, Name::SessionExpires).starts_with("90"));
    assert!(matches!(scene.event(), Event::Refreshed));
    scene.wait_ms(50_000);
    scene.no_event();
    scene.wait_ms(50_000);
    assert_eq!(scene.ended().by, EndedBy::SessionExpired);
    scene.request("BYE");
}

#[test]
fn our_refresh_goes_by_update_where_the_peer_allows_it() {
    let mut scene = timed(Some(1_800));
    let mut caller = Caller {
        extra: "Allow: UPDATE\nSupported: timer\nSession-Expires: 100;refresher=uas\n".to_owned(),
        ..Caller::new("a")
    };
    scene.call_up(&mut caller);
    scene.wait_ms(50_000);
    let update = scene.request("UPDATE");
    assert!(update.message.body().is_empty());
    assert!(header(&update.message, Name::SessionExpires).starts_with("100"));
    scene.packet(&response_to(&update, 200, "", "Session-Expires: 100;refresher=uac\n", ""));
    assert!(matches!(scene.event(), Event::Refreshed));
    scene.wait_ms(50_000);
    scene.request("UPDATE");
}

#[test]
fn our_refresh_by_reinvite_repeats_what_we_described_last() {
    let mut scene = timed(Some(1_800));
    let mut caller = Caller {
        extra: "Allow: INVITE\nSupported: timer\nSession-Expires: 100;refresher=uas\n".to_owned(),
        ..Caller::new("a")
    };
    scene.call_up(&mut caller);
    scene.wait_ms(50_000);
    let invite = scene.request("INVITE");
    assert_eq!(&invite.message.body()[..], SDP.as_bytes());
    scene.packet(&response_to(&invite, 200, "", "Session-Expires: 100;refresher=uac\n", SDP));
    scene.request("ACK");
    assert!(matches!(scene.event(), Event::Answered { .. }));
    assert!(matches!(scene.event(), Event::Refreshed));
}

#[test]
fn our_invite_asks_for_a_session_timer_and_for_longer_where_it_is_too_short() {
    let mut scene = timed(Some(100));
    scene.command(LEG, super::uac::dial());
    let invite = scene.request("INVITE");
    assert!(header(&invite.message, Name::SessionExpires).starts_with("100"));
    scene.answer(&invite, 422, "x", "Min-SE: 200\n", "");
    scene.request("ACK");
    let again = scene.request("INVITE");
    assert!(header(&again.message, Name::SessionExpires).starts_with("200"));
    assert_eq!(again.cseq, invite.cseq + 1);
    let headers = "Contact: <sip:callee@192.0.2.1>\nRequire: timer\nSession-Expires: 200;refresher=uac\nAllow: UPDATE\n";
    scene.answer(&again, 200, "callee", headers, SDP);
    scene.request("ACK");
    scene.events.clear();
    scene.wait_ms(100_000);
    scene.request("UPDATE");
}

#[test]
fn requests_of_the_callee_are_served_in_a_call_that_we_placed() {
    let mut scene = Scene::new();
    let invite = scene.dial_up("");
    scene.packet(&from_callee(&invite, "OPTIONS", 1, "", ""));
    scene.response(200);
    scene.packet(&from_callee(&invite, "INVITE", 2, "", SDP));
    let exchange = offered_after_target(&mut scene);
    scene.command(LEG, Command::ReplyOffer { exchange, body: sdp(SDP) });
    scene.response(200);
    scene.packet(&from_callee(&invite, "ACK", 2, "", ""));
    scene.packet(&from_callee(&invite, "BYE", 3, "", ""));
    scene.response(200);
    assert_eq!(scene.ended().by, EndedBy::Peer);
    scene.is_quiet_after(37_000);
}

fn offered_after_target(scene: &mut Scene) -> ExchangeId {
    assert!(matches!(scene.event(), Event::TargetRefreshed { .. }));
    offered(scene)
}

#[test]
fn an_offer_in_update_that_the_user_does_not_answer_gets_504_in_time() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let update = caller.next("UPDATE", "", SDP);
    scene.packet(&update);
    let exchange = offered(&mut scene);
    scene.wait_ms(16_000);
    scene.response(504);
    assert!(matches!(scene.event(), Event::OfferFailed { exchange: Some(of), .. } if of == exchange));
    let again = caller.next("UPDATE", "", SDP);
    scene.packet(&again);
    offered(&mut scene);
}

#[test]
fn a_reinvite_that_the_user_does_not_answer_gets_487_after_3_minutes() {
    let mut scene = Scene::new();
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let invite = caller.next("INVITE", "", SDP);
    scene.packet(&invite);
    offered(&mut scene);
    scene.wait_ms(179_999);
    scene.no_event();
    scene.response(100);
    scene.wait_ms(1);
    scene.response(487);
    assert!(matches!(scene.event(), Event::OfferFailed { .. }));
    assert_eq!(scene.agent.legs(), 1);
}

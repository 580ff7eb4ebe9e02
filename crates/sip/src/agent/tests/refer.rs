//! REFER in calls, both roles.

use super::register::with_phones;
use super::scene::{Caller, SDP, Scene, header, sdp};
use super::uac::LEG;
use crate::agent::{Command, Counter, Event};
use crate::wire::{Name, Request, Status};
use tympan_types::{LegId, ReferId};

/// A call of a peer that is up.
fn up(scene: &mut Scene, call_id: &str) -> (Caller, LegId) {
    let mut caller = Caller::new(call_id);
    let leg = scene.call_up(&mut caller);
    (caller, leg)
}

fn rig() -> (Scene, Caller, LegId) {
    let mut scene = with_phones(|_| ());
    let (caller, leg) = up(&mut scene, "a");
    (scene, caller, leg)
}

/// A REFER of the peer; gives what the user hears.
fn referred(scene: &mut Scene, caller: &mut Caller, headers: &str) -> (ReferId, String, Option<LegId>) {
    let refer = caller.next("REFER", headers, "");
    scene.packet(&refer);
    match scene.event() {
        Event::Referred { refer, target, replaces, .. } => (refer, target, replaces),
        other => panic!("no REFER: {other:?}"),
    }
}

fn fragment(notify: &Request) -> (String, String) {
    let body = String::from_utf8(notify.message.body().to_vec()).unwrap();
    (body.trim_end().to_owned(), header(&notify.message, Name::SubscriptionState))
}

fn answer(scene: &mut Scene, request: &Request, status: u16) {
    scene.answer(request, status, "", "", "");
}

const TO_1002: &str = "Refer-To: <sip:1002@192.0.2.9>\nReferred-By: <sip:anna@192.0.2.9>\n";

#[test]
fn a_refer_is_accepted_and_its_progress_is_notified_to_the_end() {
    let (mut scene, mut caller, leg) = rig();
    let refer = caller.next("REFER", TO_1002, "");
    scene.packet(&refer);
    scene.nothing_sent();
    let Event::Referred { refer, target, replaces: None, referred_by } = scene.event() else { panic!() };
    assert_eq!(
        (target.as_str(), referred_by.as_deref()),
        ("sip:1002@192.0.2.9", Some("<sip:anna@192.0.2.9>"))
    );
    scene.command(leg, Command::AcceptRefer { refer });
    let accepted = scene.response(202);
    assert_eq!(header(&accepted.message, Name::Contact), "<sip:tympan@192.0.2.9:5060>");
    let notify = scene.request("NOTIFY");
    assert_eq!(fragment(&notify), ("SIP/2.0 100 Trying".to_owned(), "active;expires=300".to_owned()));
    assert_eq!(header(&notify.message, Name::Event), "refer");
    assert_eq!(notify.message.content_type().as_deref(), Some("message/sipfrag"));
    answer(&mut scene, &notify, 200);
    scene.command(leg, Command::NotifyRefer { refer, status: Status::RINGING });
    let notify = scene.request("NOTIFY");
    assert_eq!(fragment(&notify).0, "SIP/2.0 180 Ringing");
    answer(&mut scene, &notify, 200);
    scene.command(leg, Command::NotifyRefer { refer, status: Status::OK });
    let notify = scene.request("NOTIFY");
    assert_eq!(fragment(&notify), ("SIP/2.0 200 OK".to_owned(), "terminated;reason=noresource".to_owned()));
    answer(&mut scene, &notify, 200);
    scene.command(leg, Command::NotifyRefer { refer, status: Status::OK });
    scene.nothing_sent();
    scene.no_event();
    assert!(scene.counts.contains(&Counter::Referred));
}

#[test]
fn one_notify_is_under_way_at_a_time_and_the_newest_news_wait() {
    let (mut scene, mut caller, leg) = rig();
    let (refer, ..) = referred(&mut scene, &mut caller, TO_1002);
    scene.command(leg, Command::AcceptRefer { refer });
    scene.response(202);
    let first = scene.request("NOTIFY");
    for status in [180, 183, 486, 180] {
        scene.command(leg, Command::NotifyRefer { refer, status: Status::new(status).unwrap() });
    }
    scene.nothing_sent();
    answer(&mut scene, &first, 200);
    let last = scene.request("NOTIFY");
    assert_eq!(fragment(&last).0, "SIP/2.0 486 Busy Here");
}

#[test]
fn the_outcome_of_a_refer_goes_before_the_bye_of_its_call() {
    let (mut scene, mut caller, leg) = rig();
    let (refer, ..) = referred(&mut scene, &mut caller, TO_1002);
    scene.command(leg, Command::AcceptRefer { refer });
    scene.response(202);
    let first = scene.request("NOTIFY");
    scene.command(leg, Command::NotifyRefer { refer, status: Status::OK });
    scene.command(leg, Command::HangUp { reason: None });
    scene.nothing_sent();
    answer(&mut scene, &first, 200);
    let last = scene.request("NOTIFY");
    assert_eq!(fragment(&last), ("SIP/2.0 200 OK".to_owned(), "terminated;reason=noresource".to_owned()));
    scene.nothing_sent();
    answer(&mut scene, &last, 200);
    scene.request("BYE");
}

#[test]
fn a_peer_that_answers_no_notify_is_hung_up_all_the_same() {
    let (mut scene, mut caller, leg) = rig();
    let (refer, ..) = referred(&mut scene, &mut caller, TO_1002);
    scene.command(leg, Command::AcceptRefer { refer });
    scene.response(202);
    let first = scene.request("NOTIFY");
    scene.command(leg, Command::NotifyRefer { refer, status: Status::OK });
    scene.command(leg, Command::HangUp { reason: None });
    answer(&mut scene, &first, 481);
    scene.request("BYE");
}

#[test]
fn a_peer_that_wants_no_subscription_gets_none() {
    let (mut scene, mut caller, leg) = rig();
    let headers = format!("{TO_1002}Refer-Sub: false\nRequire: norefersub\n");
    let (refer, ..) = referred(&mut scene, &mut caller, &headers);
    scene.command(leg, Command::AcceptRefer { refer });
    assert_eq!(header(&scene.response(202).message, Name::ReferSub), "false");
    scene.command(leg, Command::NotifyRefer { refer, status: Status::OK });
    scene.nothing_sent();
}

#[test]
fn the_second_refer_of_a_call_has_an_id_in_its_subscription() {
    let (mut scene, mut caller, leg) = rig();
    for expected in ["refer", "refer;id=3"] {
        let (refer, ..) = referred(&mut scene, &mut caller, TO_1002);
        scene.command(leg, Command::AcceptRefer { refer });
        scene.response(202);
        let notify = scene.request("NOTIFY");
        assert_eq!(header(&notify.message, Name::Event), expected);
        answer(&mut scene, &notify, 200);
    }
}

#[test]
fn a_refer_that_the_user_refuses_or_leaves_ends_no_call() {
    let (mut scene, mut caller, leg) = rig();
    for (refusal, status) in [(403, 403), (481, 603), (408, 603)] {
        let (refer, ..) = referred(&mut scene, &mut caller, TO_1002);
        scene.command(leg, Command::RefuseRefer { refer, status: Status::new(refusal).unwrap() });
        scene.response(status);
    }
    referred(&mut scene, &mut caller, TO_1002);
    scene.wait_ms(16_000);
    scene.response(603);
    assert_eq!(scene.counts.iter().filter(|count| **count == Counter::ReferRefused).count(), 4);
    assert_eq!(scene.agent.legs(), 1);
    scene.no_event();
}

#[test]
fn a_refer_that_asks_for_what_cannot_be_done_is_refused_by_the_agent() {
    let (mut scene, mut caller, _) = rig();
    for (headers, status) in [
        ("", 400),
        ("Refer-To: <sip:a@b>\nRefer-To: <sip:c@d>\n", 400),
        ("Refer-To: <sip:a@b>, <sip:c@d>\n", 400),
        ("Refer-To: nonsense\n", 400),
        ("Refer-To: <http://a.example>\n", 416),
        ("Refer-To: <sip:a@b;method=BYE>\n", 501),
        ("Refer-To: <sip:a@b?Replaces=x>\n", 400),
        ("Refer-To: <sip:a@b?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>\n", 404),
    ] {
        let refer = caller.next("REFER", headers, "");
        scene.packet(&refer);
        scene.response(status);
    }
    scene.no_event();
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn a_refer_with_replaces_names_the_other_call_of_the_same_phone() {
    let (mut scene, mut first, _) = rig();
    let (second, other) = up(&mut scene, "b");
    let own_tag = second.to.split("tag=").nth(1).unwrap().to_owned();
    let headers = format!(
        "Refer-To: <sip:1002@192.0.2.9?Replaces=b%3Bto-tag%3D{own_tag}%3Bfrom-tag%3Dcaller&Require=replaces>\n"
    );
    let (_, target, replaces) = referred(&mut scene, &mut first, &headers);
    assert_eq!((target.as_str(), replaces), ("sip:1002@192.0.2.9", Some(other)));
    // With the tag of another call there is none.
    let headers = headers.replace("b%3B", "c%3B");
    let refer = first.next("REFER", &headers, "");
    scene.packet(&refer);
    scene.response(404);
}

#[test]
fn four_refers_of_a_call_may_wait_and_a_fifth_gets_500() {
    let (mut scene, mut caller, _) = rig();
    for _ in 0..4 {
        referred(&mut scene, &mut caller, TO_1002);
    }
    let refer = caller.next("REFER", TO_1002, "");
    scene.packet(&refer);
    let refused = scene.response(500);
    assert!(!header(&refused.message, Name::RetryAfter).is_empty());
    scene.no_event();
}

#[test]
fn a_refer_outside_of_a_call_and_one_before_the_answer_are_refused() {
    let mut scene = with_phones(|_| ());
    let refer = Caller::new("r").next("REFER", TO_1002, "");
    scene.packet(&refer);
    scene.response(403);
    let mut caller = Caller::new("a");
    let leg = scene.call_invited(&mut caller);
    scene.command(leg, Command::Ring { status: Status::RINGING, body: None, reliable: false });
    caller.heard(&scene.response(180));
    let refer = caller.next("REFER", TO_1002, "");
    scene.packet(&refer);
    scene.response(500);
    scene.no_event();
}

#[test]
fn a_subscription_that_hears_nothing_ends_and_the_call_goes_on() {
    let (mut scene, mut caller, leg) = rig();
    let (refer, ..) = referred(&mut scene, &mut caller, TO_1002);
    scene.command(leg, Command::AcceptRefer { refer });
    scene.response(202);
    let notify = scene.request("NOTIFY");
    answer(&mut scene, &notify, 200);
    scene.wait_ms(300_000);
    let notify = scene.request("NOTIFY");
    assert_eq!(fragment(&notify), ("SIP/2.0 100 Trying".to_owned(), "terminated;reason=timeout".to_owned()));
    answer(&mut scene, &notify, 481);
    assert_eq!(scene.agent.legs(), 1, "481 to a NOTIFY ends the subscription alone");
    scene.no_event();
}

#[test]
fn a_call_that_ends_answers_the_refer_that_waits() {
    let (mut scene, mut caller, _) = rig();
    referred(&mut scene, &mut caller, TO_1002);
    let bye = caller.next("BYE", "", "");
    scene.packet(&bye);
    let (_, first) = scene.next();
    let (_, second) = scene.next();
    let all = format!("{first}{second}");
    assert!(all.contains("SIP/2.0 200") && all.contains("SIP/2.0 487"), "{all}");
    scene.ended();
    scene.is_quiet_after(40_000);
}

const OURS: ReferId = ReferId::new(7);

fn refers(scene: &mut Scene, replaces: Option<LegId>) -> Request {
    let target = "sip:1002@198.51.100.2".to_owned();
    scene.command(LEG, Command::Refer { refer: OURS, target, replaces });
    scene.request("REFER")
}

/// A NOTIFY of the callee in the call that `invite` made.
fn notify(scene: &mut Scene, invite: &Request, cseq: u32, headers: &str, body: &str) {
    let from = header(&invite.message, Name::To);
    let to = header(&invite.message, Name::From);
    let call_id = &invite.call_id;
    let kind = if body.is_empty() { "" } else { "Content-Type: message/sipfrag;version=2.0\n" };
    let text = format!(
        "NOTIFY sip:tympan@192.0.2.9 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKn{cseq};rport\n\
         From: {from};tag=callee\nTo: {to}\nCall-ID: {call_id}\nCSeq: {cseq} NOTIFY\nMax-Forwards: 70\n{headers}{kind}\n{body}"
    );
    scene.packet(&text);
}

#[test]
fn we_refer_a_peer_and_hear_how_its_call_goes_on() {
    let mut scene = with_phones(|_| ());
    let invite = scene.dial_up("");
    let refer = refers(&mut scene, None);
    assert_eq!(header(&refer.message, Name::ReferTo), "<sip:1002@198.51.100.2>");
    assert!(header(&refer.message, Name::ReferredBy).contains("sip:+15550100@192.0.2.9"));
    answer(&mut scene, &refer, 202);
    let progress = |status| Event::ReferProgress { refer: OURS, status };
    assert_eq!(format!("{:?}", scene.event()), format!("{:?}", progress(Status::TRYING)));
    notify(&mut scene, &invite, 1, "Event: refer\nSubscription-State: active\n", "SIP/2.0 100 Trying\n");
    scene.response(200);
    scene.no_event();
    notify(&mut scene, &invite, 2, "Event: refer\nSubscription-State: active\n", "SIP/2.0 180 Ringing\n");
    scene.response(200);
    assert!(matches!(scene.event(), Event::ReferProgress { status: Status::RINGING, .. }));
    let over = "Event: refer\nSubscription-State: terminated;reason=noresource\n";
    notify(&mut scene, &invite, 3, over, "SIP/2.0 200 OK\n");
    scene.response(200);
    assert!(matches!(scene.event(), Event::ReferDone { refer: OURS, status: Status::OK }));
    notify(&mut scene, &invite, 4, over, "SIP/2.0 200 OK\n");
    scene.response(481);
    scene.no_event();
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn an_attended_transfer_of_ours_names_the_dialog_as_its_target_sees_it() {
    let mut scene = with_phones(|_| ());
    let (consulted, other) = up(&mut scene, "b;c");
    scene.dial_up("");
    let refer = refers(&mut scene, Some(other));
    let own_tag = consulted.to.split("tag=").nth(1).unwrap();
    assert_eq!(
        header(&refer.message, Name::ReferTo),
        format!("<sip:1002@198.51.100.2?Replaces=b%3Bc%3Bto-tag%3Dcaller%3Bfrom-tag%3D{own_tag}>")
    );
}

#[test]
fn a_refer_of_ours_ends_well_or_not_in_every_case() {
    for (status, headers, expected) in [
        (603, "", "ReferFailed { refer: ReferId(7), status: Status(603) }"),
        (481, "", "ReferFailed { refer: ReferId(7), status: Status(481) }"),
        (202, "Refer-Sub: false\n", "ReferDone { refer: ReferId(7), status: Status(202) }"),
    ] {
        let mut scene = with_phones(|_| ());
        scene.dial_up("");
        let refer = refers(&mut scene, None);
        scene.answer(&refer, status, "", headers, "");
        assert_eq!(format!("{:?}", scene.event()), expected);
        assert_eq!(scene.agent.legs(), 1, "the call goes on");
    }
    for (headers, body, expected) in [
        ("Event: refer\nSubscription-State: terminated\n", "SIP/2.0 486 Busy\n", 486),
        ("Event: refer\nSubscription-State: terminated;reason=timeout\n", "", 408),
    ] {
        let mut scene = with_phones(|_| ());
        let invite = scene.dial_up("");
        let refer = refers(&mut scene, None);
        answer(&mut scene, &refer, 202);
        scene.event();
        notify(&mut scene, &invite, 1, headers, body);
        scene.response(200);
        let Event::ReferFailed { refer: OURS, status } = scene.event() else { panic!() };
        assert_eq!(status.code(), expected);
    }
    let mut scene = with_phones(|_| ());
    scene.dial_up("");
    let refer = refers(&mut scene, None);
    answer(&mut scene, &refer, 202);
    scene.event();
    scene.wait_ms(300_000);
    assert!(matches!(scene.event(), Event::ReferFailed { status: Status::REQUEST_TIMEOUT, .. }));
}

#[test]
fn one_refer_of_ours_is_under_way_at_a_time_and_none_outside_of_a_call() {
    let mut scene = with_phones(|_| ());
    scene.dial_up("");
    refers(&mut scene, None);
    let command =
        |replaces| Command::Refer { refer: ReferId::new(8), target: "sip:a@b".to_owned(), replaces };
    scene.command(LEG, command(None));
    assert!(matches!(scene.event(), Event::ReferFailed { status: Status::REQUEST_PENDING, .. }));
    scene.command(LEG, command(Some(LegId::new(99))));
    assert!(matches!(scene.event(), Event::ReferFailed { status: Status::CALL_DOES_NOT_EXIST, .. }));
    let mut caller = Caller::new("a");
    let leg = scene.call_invited(&mut caller);
    scene.command(leg, command(None));
    assert!(matches!(scene.event(), Event::ReferFailed { status: Status::CALL_DOES_NOT_EXIST, .. }));
}

#[test]
fn a_notify_that_belongs_to_no_refer_is_refused() {
    let (mut scene, mut caller, _) = rig();
    let notify = caller.next("NOTIFY", "Event: refer\nSubscription-State: active\n", "");
    scene.packet(&notify);
    scene.response(481);
    let notify = caller.next("NOTIFY", "Event: presence\nSubscription-State: active\n", "");
    scene.packet(&notify);
    let refused = scene.response(489);
    assert_eq!(refused.message.extension("Allow-Events"), Some(&b"refer"[..]));
    let notify = Caller::new("n").next("NOTIFY", "Event: refer\n", "");
    scene.packet(&notify);
    scene.response(481);
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn a_call_can_be_answered_while_its_peer_refers() {
    // An offer of ours and a REFER of the peer cross: both go their way.
    let (mut scene, mut caller, leg) = rig();
    scene.command(leg, Command::Offer { body: sdp(SDP), by: crate::agent::OfferBy::ReInvite });
    let again = scene.request("INVITE");
    let (refer, ..) = referred(&mut scene, &mut caller, TO_1002);
    scene.command(leg, Command::AcceptRefer { refer });
    scene.response(202);
    scene.request("NOTIFY");
    scene.answer(&again, 200, "", "Contact: <sip:caller@192.0.2.1:5060>\n", SDP);
    scene.request("ACK");
    assert!(matches!(scene.event(), Event::Answered { .. }));
}

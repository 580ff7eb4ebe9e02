//! INVITE with Replaces, both roles (RFC 3891).

use super::register::{Device, phone, phones, with_phones};
use super::scene::{Caller, SDP, Scene, header};
use super::uac::{LEG, dial};
use crate::agent::{Command, EndedBy, Event, Input, Phone, Trunk, TrunkMatch, Trunks};
use crate::wire::{Name, Status};
use tympan_types::LegId;

fn up(scene: &mut Scene, call_id: &str) -> (LegId, String) {
    let mut caller = Caller::new(call_id);
    let leg = scene.call_up(&mut caller);
    (leg, caller.to.split("tag=").nth(1).unwrap().to_owned())
}

fn invite(call_id: &str, headers: &str) -> String {
    Caller::new(call_id).next("INVITE", headers, SDP)
}

#[test]
fn a_call_that_replaces_another_names_its_leg() {
    let mut scene = with_phones(|_| ());
    let (leg, tag) = up(&mut scene, "a");
    let text = invite("b", &format!("Replaces: a;from-tag=caller;to-tag={tag}\nRequire: replaces\n"));
    scene.packet(&text);
    let Event::Invited { replaces, .. } = scene.event() else { panic!("no call") };
    assert_eq!(replaces, Some(leg));
    assert_eq!(scene.agent.legs(), 2, "the user ends the one that is replaced");
}

#[test]
fn what_cannot_be_replaced_is_refused_as_the_rfc_has_it() {
    let mut scene = with_phones(|_| ());
    let (_, tag) = up(&mut scene, "a");
    let mut ringing = Caller::new("early");
    let early = scene.call_invited(&mut ringing);
    scene.command(early, Command::Ring { status: Status::RINGING, body: None, reliable: false });
    let early_tag = scene.response(180).to_tag().unwrap().to_owned();
    let (gone, gone_tag) = up(&mut scene, "gone");
    scene.command(gone, Command::HangUp { reason: None });
    scene.ended();
    scene.request("BYE");
    for (number, (replaces, status)) in [
        (format!("Replaces: x;from-tag=caller;to-tag={tag}\n"), 481),
        (format!("Replaces: a;from-tag=other;to-tag={tag}\n"), 481),
        ("Replaces: a;from-tag=caller;to-tag=00\n".to_owned(), 481),
        (format!("Replaces: early;from-tag=caller;to-tag={early_tag}\n"), 481),
        (format!("Replaces: gone;from-tag=caller;to-tag={gone_tag}\n"), 603),
        (format!("Replaces: a;from-tag=caller;to-tag={tag};early-only\n"), 486),
        (
            format!("Replaces: a;from-tag=caller;to-tag={tag}\nReplaces: a;from-tag=caller;to-tag={tag}\n"),
            400,
        ),
        ("Replaces: a\n".to_owned(), 400),
        (format!("Replaces: a;from-tag=caller;to-tag={tag}\nJoin: a;from-tag=caller;to-tag={tag}\n"), 400),
    ]
    .into_iter()
    .enumerate()
    {
        let text = invite(&format!("n{number}"), &replaces);
        scene.packet(&text);
        scene.response(status);
    }
    scene.no_event();
}

#[test]
fn replaces_in_another_request_gets_400() {
    let mut scene = with_phones(|_| ());
    let mut caller = Caller::new("a");
    scene.call_up(&mut caller);
    let info = caller.next("INFO", "Replaces: a;from-tag=b;to-tag=c\n", "");
    scene.packet(&info);
    scene.response(400);
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn a_stranger_does_not_take_over_the_call_of_a_trunk_and_a_phone_may() {
    let mut scene = with_phones(|config| {
        let networks = vec![("192.0.2.0".parse().unwrap(), 24)];
        let carrier =
            Trunk { matches: TrunkMatch { networks, ..TrunkMatch::default() }, ..Trunk::new("carrier") };
        config.trunks = Trunks::new(vec![carrier], Trunk::new("default")).unwrap();
    });
    scene.input(Input::Phones(phones(vec![Phone { challenges_calls: false, ..phone("anna") }])));
    let (leg, tag) = up(&mut scene, "a");
    let replaces = format!("Replaces: a;from-tag=caller;to-tag={tag}\n");
    let text = invite("b", &replaces);
    scene.packet_from("203.0.113.9:5060", &text);
    scene.response(403);
    Device::at("anna", "203.0.113.9:5060").register(&mut scene, "Contact: <sip:anna@10.0.0.7>\n", 200);
    let mut anna = Caller::new("c");
    anna.from = "<sip:anna@192.0.2.9>;tag=caller".to_owned();
    let text = anna.next("INVITE", &replaces, SDP);
    scene.packet_from("203.0.113.9:5060", &text);
    let Event::Invited { replaces, user, .. } = scene.event() else { panic!("no call") };
    assert_eq!((replaces, user.as_deref()), (Some(leg), Some("anna")));
}

#[test]
fn where_transfers_are_not_taken_replaces_is_an_extension_like_any_other() {
    let mut scene = Scene::new();
    let (_, tag) = up(&mut scene, "a");
    let replaces = format!("Replaces: a;from-tag=caller;to-tag={tag}\n");
    let text = invite("b", &format!("{replaces}Require: replaces\n"));
    scene.packet(&text);
    assert_eq!(header(&scene.response(420).message, Name::Unsupported), "replaces");
    let text = invite("c", &replaces);
    scene.packet(&text);
    assert!(matches!(scene.event(), Event::Invited { replaces: None, .. }));
}

#[test]
fn a_call_of_ours_takes_the_place_of_a_leg() {
    let mut scene = with_phones(|_| ());
    let (leg, tag) = up(&mut scene, "a");
    let mut command = dial();
    if let Command::Dial { replaces, .. } = &mut command {
        *replaces = Some(leg);
    }
    scene.command(LEG, command.clone());
    let invite = scene.request("INVITE");
    assert_eq!(header(&invite.message, Name::Replaces), format!("a;to-tag=caller;from-tag={tag}"));
    assert_eq!(header(&invite.message, Name::Require), "replaces");
    // One that is over has no place to take.
    scene.command(leg, Command::HangUp { reason: None });
    scene.ended();
    scene.request("BYE");
    scene.command(LegId::new(1_002), command);
    let ended = scene.ended();
    assert_eq!((ended.by, ended.status), (EndedBy::Failure, Some(Status::CALL_DOES_NOT_EXIST)));
    scene.nothing_sent();
}

//! Calls from telephones, and calls to them by the path that they registered by.

use super::register::{Device, phone, phones, with_phones};
use super::scene::{Caller, SDP, Scene, addr, header, sdp};
use super::uac::{LEG, dial};
use crate::agent::{
    BindingId, Command, EndedBy, Event, Input, Phone, PhoneError, PhoneSecret, Phones, Presentation, Trunk,
    TrunkMatch, Trunks, Way,
};
use crate::wire::digest::Authorizer;
use crate::wire::{Method, Name, Status};

fn caller(user: &str) -> Caller {
    let mut caller = Caller::new(&format!("call-{user}"));
    caller.from = format!("<sip:{user}@192.0.2.9>;tag=caller");
    caller
}

fn user_of(event: &Event) -> Option<&str> {
    match event {
        Event::Invited { user, .. } => user.as_deref(),
        other => panic!("no call: {other:?}"),
    }
}

/// Registers `anna` at this source; gives the binding.
fn registered(scene: &mut Scene, from: &str) -> BindingId {
    Device::at("anna", from).register(scene, "Contact: <sip:anna@10.0.0.7:5062>\n", 200);
    scene.bound().id
}

fn dial_binding(binding: BindingId) -> Command {
    let mut command = dial();
    if let Command::Dial { to, binding: by, transport, headers, .. } = &mut command {
        *to = "sip:anna@192.0.2.9".to_owned();
        *by = Some(binding);
        *transport = None;
        *headers = Presentation { auto_answer: true, ..Presentation::default() }.headers();
    }
    command
}

#[test]
fn a_call_of_a_phone_is_challenged_and_names_it() {
    let mut scene = with_phones(|_| ());
    let mut anna = caller("anna");
    let invite = anna.invite();
    scene.packet(&invite);
    let challenge = scene.response(401);
    scene.no_event();
    let ack = anna.ack(1, "");
    scene.packet(&ack);
    let mut authorizer = Authorizer::new("anna".to_owned(), "hush".to_owned().into());
    assert!(authorizer.challenged(&challenge, 0));
    let answers = authorizer.headers(&Method::Invite, "sip:+18005550100@192.0.2.9", 7);
    let answers: String =
        answers.iter().map(|(name, value)| format!("{}: {value}\n", name.as_str())).collect();
    let invite = anna.next("INVITE", &answers, SDP);
    scene.packet(&invite);
    assert_eq!(user_of(&scene.event()), Some("anna"));
}

#[test]
fn one_phone_does_not_call_in_the_name_of_another() {
    let mut scene = with_phones(|_| ());
    let mut anna = caller("anna");
    let invite = anna.invite();
    scene.packet(&invite);
    let challenge = scene.response(401);
    let mut authorizer = Authorizer::new("1001".to_owned(), "hush".to_owned().into());
    assert!(authorizer.challenged(&challenge, 0));
    let answers = authorizer.headers(&Method::Invite, "sip:+18005550100@192.0.2.9", 7);
    let answers: String =
        answers.iter().map(|(name, value)| format!("{}: {value}\n", name.as_str())).collect();
    let invite = anna.next("INVITE", &answers, SDP);
    scene.packet(&invite);
    scene.response(403);
    scene.no_event();
}

#[test]
fn a_call_that_names_no_phone_is_not_challenged() {
    let mut scene = with_phones(|_| ());
    let mut stranger = Caller::new("a");
    let invite = stranger.invite();
    scene.packet(&invite);
    assert_eq!(user_of(&scene.event()), None);
}

#[test]
fn a_trunk_may_send_callers_that_are_named_as_a_phone_is() {
    let mut scene = with_phones(|config| {
        let networks = vec![("192.0.2.0".parse().unwrap(), 24)];
        let carrier =
            Trunk { matches: TrunkMatch { networks, ..TrunkMatch::default() }, ..Trunk::new("carrier") };
        config.trunks = Trunks::new(vec![carrier], Trunk::new("default")).unwrap();
    });
    let invite = caller("1001").invite();
    scene.packet(&invite);
    assert_eq!(user_of(&scene.event()), None, "it is a number of the carrier");
}

#[test]
fn where_the_rule_asks_for_no_password_the_path_of_the_registration_or_the_network_is_proof() {
    let mut scene = with_phones(|_| ());
    let anna = Phone { challenges_calls: false, ..phone("anna") };
    let desk = Phone {
        secret: None,
        contact: Some("sip:desk@203.0.113.5".to_owned()),
        networks: vec![("203.0.113.5".parse().unwrap(), 32)],
        ..phone("desk")
    };
    scene.input(Input::Phones(phones(vec![anna, desk])));
    registered(&mut scene, "198.51.100.7:40001");
    let invite = caller("anna").invite();
    scene.packet_from("198.51.100.7:40001", &invite);
    assert_eq!(user_of(&scene.event()), Some("anna"));
    let mut elsewhere = caller("anna");
    elsewhere.call_id = "elsewhere".to_owned();
    let invite = elsewhere.invite();
    scene.packet_from("198.51.100.7:40002", &invite);
    scene.response(401);
    let invite = caller("desk").invite();
    scene.packet_from("203.0.113.5:5060", &invite);
    assert_eq!(user_of(&scene.event()), Some("desk"));
    let mut forged = caller("desk");
    forged.call_id = "forged".to_owned();
    let invite = forged.invite();
    scene.packet_from("203.0.113.6:5060", &invite);
    scene.response(401);
    scene.no_event();
}

#[test]
fn a_call_to_a_phone_behind_nat_goes_by_the_path_that_it_registered_by_to_the_end() {
    let mut scene = with_phones(|_| ());
    let binding = registered(&mut scene, "198.51.100.7:40001");
    scene.command(LEG, dial_binding(binding));
    let nat = addr("198.51.100.7:40001");
    let (flow, invite) = scene.request_by("INVITE");
    assert_eq!(flow.peer, nat);
    assert_eq!(invite.uri.as_str(), "sip:anna@10.0.0.7:5062", "the Contact is the request URI");
    assert_eq!(invite.to.uri().as_str(), "sip:anna@192.0.2.9");
    assert_eq!(header(&invite.message, Name::AnswerMode), "Auto");
    assert!(header(&invite.message, Name::CallInfo).contains("answer-after=0"));
    let contact = "Contact: <sip:anna@10.0.0.7:5062>\n";
    let response = super::scene::response_to(&invite, 180, "callee", contact, "");
    scene.packet_from("198.51.100.7:40001", &response);
    assert!(matches!(scene.event(), Event::Ringing { status: Status::RINGING, .. }));
    let response = super::scene::response_to(&invite, 200, "callee", contact, SDP);
    scene.packet_from("198.51.100.7:40001", &response);
    let (flow, ack) = scene.request_by("ACK");
    assert_eq!((flow.peer, ack.uri.as_str()), (nat, "sip:anna@10.0.0.7:5062"));
    assert!(matches!(scene.event(), Event::Answered { .. }));
    assert!(matches!(scene.event(), Event::Confirmed));
    // Hold by us: a re-INVITE by the same path.
    scene.command(LEG, Command::Offer { body: sdp(SDP), by: crate::agent::OfferBy::ReInvite });
    let (flow, again) = scene.request_by("INVITE");
    assert_eq!(flow.peer, nat);
    let response = super::scene::response_to(&again, 200, "", contact, SDP);
    scene.packet_from("198.51.100.7:40001", &response);
    assert_eq!(scene.request_by("ACK").0.peer, nat);
    scene.command(LEG, Command::HangUp { reason: None });
    assert_eq!(scene.request_by("BYE").0.peer, nat);
    assert!(scene.queries.is_empty(), "nothing is looked up: {:?}", scene.queries);
}

#[test]
fn a_call_to_a_phone_on_a_connection_goes_by_it() {
    let mut scene = with_phones(|_| ());
    scene.open(3, "198.51.100.7:40001");
    let mut anna = Device { conn: Some(3), ..Device::new("anna") };
    anna.register(&mut scene, "Contact: <sip:anna@10.0.0.7;transport=tcp>\n", 200);
    let binding = scene.bound().id;
    scene.command(LEG, dial_binding(binding));
    let (flow, invite) = scene.request_by("INVITE");
    assert!(matches!(flow.way, Way::Stream(conn) if conn.0 == 3));
    let response = super::scene::response_to(&invite, 486, "callee", "", "");
    scene.stream(3, &response);
    scene.request("ACK");
    let ended = scene.ended();
    assert_eq!((ended.by, ended.status), (EndedBy::Peer, Some(Status::BUSY_HERE)));
}

#[test]
fn a_call_to_a_binding_that_is_gone_fails_at_once() {
    let mut scene = with_phones(|_| ());
    scene.command(LEG, dial_binding(BindingId(77)));
    let ended = scene.ended();
    assert_eq!((ended.by, ended.status), (EndedBy::Failure, Some(Status::TEMPORARILY_UNAVAILABLE)));
    scene.nothing_sent();
}

#[test]
fn a_call_to_a_phone_behind_proxies_follows_their_path() {
    let mut scene = with_phones(|_| ());
    let mut anna = Device::new("anna");
    anna.register(
        &mut scene,
        "Contact: <sip:anna@10.0.0.7>\nPath: <sip:edge@192.0.2.1;lr>, <sip:core@192.0.2.2;lr>\n",
        200,
    );
    let binding = scene.bound().id;
    scene.command(LEG, dial_binding(binding));
    let (flow, invite) = scene.request_by("INVITE");
    assert_eq!(flow.peer, addr(super::scene::PEER));
    let routes: Vec<String> = invite.routes().iter().map(|route| route.as_str().to_owned()).collect();
    assert_eq!(routes, ["<sip:edge@192.0.2.1;lr>", "<sip:core@192.0.2.2;lr>"]);
}

#[test]
fn requests_in_a_call_of_a_phone_behind_nat_go_by_its_path() {
    let mut scene = with_phones(|_| ());
    let anna = Phone { challenges_calls: false, ..phone("anna") };
    scene.input(Input::Phones(phones(vec![anna])));
    registered(&mut scene, "198.51.100.7:40001");
    let mut anna = caller("anna");
    anna.contact = "<sip:anna@10.0.0.7:5062>".to_owned();
    let invite = anna.invite();
    scene.packet_from("198.51.100.7:40001", &invite);
    let (leg, _) = scene.events.pop_front().unwrap();
    scene.command(leg, Command::Answer { body: sdp(SDP) });
    anna.heard(&scene.response(200));
    let ack = anna.ack(1, "");
    scene.packet_from("198.51.100.7:40001", &ack);
    scene.command(leg, Command::HangUp { reason: None });
    let (flow, bye) = scene.request_by("BYE");
    assert_eq!((flow.peer, bye.uri.as_str()), (addr("198.51.100.7:40001"), "sip:anna@10.0.0.7:5062"));
}

#[test]
fn allow_and_supported_say_what_is_served() {
    let mut scene = with_phones(|_| ());
    let options = Caller::new("o").next("OPTIONS", "", "");
    scene.packet(&options);
    let ok = scene.response(200);
    assert_eq!(
        header(&ok.message, Name::Allow),
        "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, REGISTER"
    );
    assert_eq!(header(&ok.message, Name::Supported), "100rel, timer, replaces, norefersub");
    let mut scene = Scene::new();
    let options = Caller::new("o").next("OPTIONS", "", "");
    scene.packet(&options);
    let ok = scene.response(200);
    assert_eq!(header(&ok.message, Name::Allow), "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE, PRACK");
    assert_eq!(header(&ok.message, Name::Supported), "100rel, timer");
}

#[test]
fn phones_that_cannot_be_used_are_refused_in_words() {
    let wrong = |phone: Phone| Phones::new("tympan", vec![phone]).unwrap_err();
    assert!(matches!(wrong(phone("")), PhoneError::Name(_)));
    assert!(matches!(wrong(phone("a b")), PhoneError::Name(_)));
    assert!(matches!(wrong(Phone { secret: None, ..phone("a") }), PhoneError::Unreachable(_)));
    let fixed = Phone { secret: None, contact: Some("sip:a@192.0.2.1".to_owned()), ..phone("a") };
    assert!(matches!(wrong(fixed.clone()), PhoneError::Open(_)));
    let bad = Phone { contact: Some("tel:+1".to_owned()), ..phone("a") };
    assert!(matches!(wrong(bad), PhoneError::Contact { .. }));
    let bad = Phone { networks: vec![("192.0.2.1".parse().unwrap(), 24)], ..phone("a") };
    assert!(matches!(wrong(bad), PhoneError::Network { .. }));
    for (md5, sha256) in
        [(None, None), (Some("x".to_owned().into()), None), (None, Some("a".repeat(32).into()))]
    {
        let bad = Phone { secret: Some(PhoneSecret { md5, sha256 }), ..phone("a") };
        assert!(matches!(wrong(bad), PhoneError::Hash(_)));
    }
    assert!(matches!(Phones::new("tympan", vec![phone("a"), phone("a")]), Err(PhoneError::SameName(_))));
    let shown = format!("{:?}", phones(vec![phone("a")]));
    let hash = PhoneSecret::of_password("a", "tympan", "hush").md5.unwrap();
    assert!(!shown.contains(hash.expose().as_str()), "{shown}");
}

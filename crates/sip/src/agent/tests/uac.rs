//! Calls that we place: look-up, INVITE, early dialogs, challenges, CANCEL, forks.

use super::scene::{PEER, SDP, Scene, addr, header, response_to, sdp};
use crate::agent::{Command, Counter, Credentials, EndedBy, Event, Input, ListenerId, Target, Way};
use crate::wire::{Name, Request, Status, Transport};
use tympan_types::LegId;

pub(super) const LEG: LegId = LegId::new(1_001);
const CONTACT: &str = "Contact: <sip:callee@192.0.2.1:5070>\n";

pub(super) fn dial() -> Command {
    Command::Dial {
        to: "sip:+18005550100@192.0.2.1".to_owned(),
        from: "sip:+15550100@192.0.2.9".to_owned(),
        display_name: Some("A \"B\" C".to_owned()),
        route: Vec::new(),
        transport: Some(Transport::Udp),
        credentials: None,
        offer: Some(sdp(SDP)),
        headers: vec![(Name::UserToUser, "hello".to_owned())],
        binding: None,
        replaces: None,
    }
}

fn with(change: impl FnOnce(&mut Command)) -> Command {
    let mut command = dial();
    change(&mut command);
    command
}

fn with_credentials() -> Command {
    with(|command| {
        if let Command::Dial { credentials, .. } = command {
            *credentials = Some(Credentials { username: "bob".into(), password: "secret".to_owned().into() });
        }
    })
}

impl Scene {
    /// Places a call; gives its INVITE.
    fn dialled(&mut self, command: Command) -> Request {
        self.command(LEG, command);
        self.request("INVITE")
    }

    pub(super) fn answer(&mut self, request: &Request, status: u16, tag: &str, headers: &str, body: &str) {
        let response = response_to(request, status, tag, headers, body);
        self.packet(&response);
    }

    /// A call of ours that is up; gives its INVITE.
    pub(super) fn dial_up(&mut self, headers: &str) -> Request {
        let invite = self.dialled(dial());
        self.answer(&invite, 200, "callee", &format!("{CONTACT}{headers}"), SDP);
        self.request("ACK");
        assert!(matches!(self.event(), Event::Answered { .. }));
        assert!(matches!(self.event(), Event::Confirmed));
        invite
    }
}

#[test]
fn a_call_is_placed_rings_is_answered_acknowledged_and_ended_by_us() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    assert_eq!(invite.uri.as_str(), "sip:+18005550100@192.0.2.1");
    assert_eq!(invite.from.display_name().as_deref(), Some("A \"B\" C"));
    assert_eq!(header(&invite.message, Name::UserToUser), "hello");
    assert_eq!(header(&invite.message, Name::Contact), "<sip:tympan@192.0.2.9:5060>");
    assert_eq!(header(&invite.message, Name::Supported), "100rel, timer");
    scene.answer(&invite, 100, "", "", "");
    assert!(matches!(scene.event(), Event::Ringing { status: Status::TRYING, .. }));
    scene.answer(&invite, 180, "callee", CONTACT, "");
    assert!(matches!(scene.event(), Event::Ringing { status: Status::RINGING, .. }));
    scene.answer(&invite, 200, "callee", CONTACT, SDP);
    let (flow, ack) = scene.request_by("ACK");
    assert_eq!((ack.uri.as_str(), flow.peer), ("sip:callee@192.0.2.1:5070", addr("192.0.2.1:5070")));
    assert_eq!((ack.cseq, ack.to_tag()), (invite.cseq, Some("callee")));
    assert!(matches!(scene.event(), Event::Answered { parts, .. } if parts.len() == 1));
    assert!(matches!(scene.event(), Event::Confirmed));
    scene.command(LEG, Command::HangUp { reason: None });
    assert_eq!(scene.ended().by, EndedBy::Us);
    let bye = scene.request("BYE");
    assert_eq!(bye.cseq, invite.cseq + 1);
    assert!(scene.agent.has_open_request(LEG), "its BYE waits for a response");
    scene.answer(&bye, 200, "", "", "");
    assert!(!scene.agent.has_open_request(LEG));
    scene.is_quiet_after(37_000);
}

#[test]
fn a_bye_that_overtakes_the_2xx_gets_one_answer_whenever_its_copies_come() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    let bye = |branch: &str| {
        format!(
            "BYE sip:tympan@192.0.2.9:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch={branch};rport\nMax-Forwards: 70\n\
             From: <sip:+18005550100@192.0.2.1>;tag=callee\nTo: <sip:+15550100@192.0.2.9>;tag={}\nCall-ID: {}\n\
             CSeq: 1 BYE\nContent-Length: 0\n\n",
            invite.from_tag(),
            invite.call_id,
        )
    };
    scene.packet(&bye("z9hG4bKbye"));
    scene.response(481);
    scene.answer(&invite, 200, "callee", CONTACT, SDP);
    scene.request("ACK");
    scene.packet(&bye("z9hG4bKbye"));
    scene.response(481);
    scene.packet(&bye("z9hG4bKagain").replace("CSeq: 1", "CSeq: 2"));
    scene.response(200);
}

#[test]
fn a_repeated_2xx_is_acknowledged_again_with_the_same_bytes() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    scene.answer(&invite, 200, "callee", CONTACT, SDP);
    let first = scene.next();
    scene.wait_ms(500);
    scene.answer(&invite, 200, "callee", CONTACT, SDP);
    assert_eq!(scene.next(), first);
    assert_eq!(scene.events.len(), 2);
}

#[test]
fn a_second_fork_that_answers_is_acknowledged_and_ended() {
    let mut scene = Scene::new();
    let invite = scene.dial_up("");
    let other = "Contact: <sip:other@192.0.2.1:5080>\n";
    scene.answer(&invite, 200, "other", other, SDP);
    let ack = scene.request("ACK");
    assert_eq!((ack.uri.as_str(), ack.to_tag()), ("sip:other@192.0.2.1:5080", Some("other")));
    let bye = scene.request("BYE");
    assert_eq!((bye.uri.as_str(), bye.to_tag()), ("sip:other@192.0.2.1:5080", Some("other")));
    scene.answer(&invite, 200, "other", other, SDP);
    scene.request("ACK");
    scene.answer(&bye, 200, "", "", "");
    scene.nothing_sent();
    scene.no_event();
    assert_eq!(scene.agent.legs(), 1);
}

#[test]
fn the_bye_to_a_second_fork_that_answers_has_a_number_above_its_prack() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    let early =
        |contact: &str| format!("Contact: <sip:{contact}@192.0.2.1:5080>\nRequire: 100rel\nRSeq: 5\n");
    scene.answer(&invite, 180, "one", &early("one"), "");
    scene.request("PRACK");
    let mut last = 0;
    for rseq in 5..8 {
        let headers = early("two").replace("RSeq: 5", &format!("RSeq: {rseq}"));
        scene.answer(&invite, 180, "two", &headers, "");
        last = scene.request("PRACK").cseq;
    }
    scene.answer(&invite, 200, "one", "Contact: <sip:one@192.0.2.1:5080>\n", SDP);
    scene.request("ACK");
    scene.answer(&invite, 200, "two", "Contact: <sip:two@192.0.2.1:5080>\n", SDP);
    scene.request("ACK");
    let bye = scene.request("BYE");
    assert!(bye.to_tag() == Some("two") && bye.cseq > last, "{} after {last}", bye.cseq);
}

#[test]
fn the_fork_that_answers_is_the_call_whichever_rang_first() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    scene.answer(&invite, 180, "one", CONTACT, "");
    scene.answer(&invite, 180, "two", "Contact: <sip:two@192.0.2.1:5072>\n", "");
    scene.events.clear();
    scene.answer(&invite, 200, "two", "Contact: <sip:two@192.0.2.1:5072>\n", SDP);
    assert_eq!(scene.request("ACK").uri.as_str(), "sip:two@192.0.2.1:5072");
    assert!(matches!(scene.event(), Event::Answered { .. }));
    assert!(matches!(scene.event(), Event::Confirmed));
}

#[test]
fn a_challenge_is_answered_once() {
    let mut scene = Scene::new();
    let invite = scene.dialled(with_credentials());
    let challenge = "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n";
    scene.answer(&invite, 401, "x", challenge, "");
    scene.request("ACK");
    let again = scene.request("INVITE");
    assert_eq!((again.cseq, again.to_tag()), (invite.cseq + 1, None));
    assert_ne!(again.via.branch(), invite.via.branch());
    let credentials = header(&again.message, Name::Authorization);
    assert!(credentials.contains("username=\"bob\""), "{credentials}");
    scene.answer(&again, 401, "y", "WWW-Authenticate: Digest realm=\"r\", nonce=\"m\", qop=\"auth\"\n", "");
    scene.request("ACK");
    scene.nothing_sent();
    assert_eq!(scene.ended().status, Some(Status::UNAUTHORIZED));
}

#[test]
fn the_ack_of_a_challenged_invite_carries_its_credentials() {
    let mut scene = Scene::new();
    let invite = scene.dialled(with_credentials());
    let challenge = "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\n";
    scene.answer(&invite, 407, "x", challenge, "");
    scene.request("ACK");
    let again = scene.request("INVITE");
    scene.answer(&again, 200, "callee", CONTACT, SDP);
    let ack = scene.request("ACK");
    let credentials = header(&again.message, Name::ProxyAuthorization);
    assert!(!credentials.is_empty());
    assert_eq!(header(&ack.message, Name::ProxyAuthorization), credentials);
}

#[test]
fn a_response_with_a_second_via_is_counted_and_changes_nothing() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    let busy = response_to(&invite, 486, "callee", "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKx\n", "");
    scene.packet(&busy);
    assert_eq!(scene.counts, [Counter::StrayResponse]);
    scene.nothing_sent();
}

#[test]
fn cancel_waits_for_a_provisional_response() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    scene.command(LEG, Command::HangUp { reason: Some("SIP;cause=487".to_owned()) });
    assert_eq!(scene.ended().by, EndedBy::Us);
    scene.nothing_sent();
    scene.answer(&invite, 100, "", "", "");
    let cancel = scene.request("CANCEL");
    assert_eq!((cancel.cseq, cancel.via.branch()), (invite.cseq, invite.via.branch()));
    assert_eq!(cancel.to_tag(), None);
    assert_eq!(header(&cancel.message, Name::Reason), "SIP;cause=487");
    scene.answer(&cancel, 200, "callee", "", "");
    scene.answer(&invite, 487, "callee", "", "");
    scene.request("ACK");
    scene.is_quiet_after(37_000);
}

#[test]
fn a_2xx_that_crosses_cancel_is_acknowledged_and_ended() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    scene.answer(&invite, 180, "callee", CONTACT, "");
    scene.events.clear();
    scene.command(LEG, Command::HangUp { reason: None });
    scene.ended();
    scene.request("CANCEL");
    scene.answer(&invite, 200, "callee", CONTACT, SDP);
    scene.request("ACK");
    let bye = scene.request("BYE");
    scene.answer(&bye, 200, "", "", "");
    scene.is_quiet_after(65_000);
}

#[test]
fn a_call_without_an_answer_ends_with_408_after_timer_b() {
    let mut scene = Scene::new();
    scene.dialled(dial());
    scene.wait_ms(31_999);
    scene.no_event();
    scene.sent.clear();
    scene.wait_ms(1);
    let ended = scene.ended();
    assert_eq!((ended.by, ended.status), (EndedBy::Failure, Some(Status::REQUEST_TIMEOUT)));
    scene.is_quiet_after(0);
}

#[test]
fn a_redirection_ends_the_call_and_says_where_to() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    scene.answer(&invite, 302, "x", "Contact: <sip:elsewhere@198.51.100.1>\n", "");
    scene.request("ACK");
    let ended = scene.ended();
    assert_eq!((ended.by, ended.status), (EndedBy::Peer, Some(Status::MOVED_TEMPORARILY)));
    assert_eq!(ended.contact.as_deref(), Some("<sip:elsewhere@198.51.100.1>"));
    scene.nothing_sent();
}

#[test]
fn a_503_goes_to_the_next_place_and_ends_the_call_at_the_last() {
    let mut scene = Scene::new();
    scene.resolves = false;
    scene.command(LEG, dial());
    let (query, host, port, transport) = scene.queries.pop_front().unwrap();
    assert_eq!((host.as_str(), port, transport), ("192.0.2.1", None, Some(Transport::Udp)));
    let target = |peer| Target {
        transport: Transport::Udp,
        peer: addr(peer),
        local: addr(super::scene::US),
        listener: ListenerId(0),
    };
    scene.input(Input::Resolved { query, targets: vec![target("192.0.2.1:5060"), target("192.0.2.2:5060")] });
    let first = scene.request("INVITE");
    scene.answer(&first, 503, "x", "", "");
    scene.request("ACK");
    let (flow, second) = scene.request_by("INVITE");
    assert_eq!((flow.peer, second.cseq), (addr("192.0.2.2:5060"), first.cseq + 1));
    scene.answer(&second, 503, "x", "", "");
    scene.request("ACK");
    assert_eq!(scene.ended().status, Some(Status::SERVICE_UNAVAILABLE));
}

#[test]
fn a_name_that_leads_nowhere_ends_the_call() {
    let mut scene = Scene::new();
    scene.resolves = false;
    scene.command(LEG, dial());
    let (query, ..) = scene.queries.pop_front().unwrap();
    scene.input(Input::Resolved { query, targets: Vec::new() });
    let ended = scene.ended();
    assert_eq!((ended.by, ended.status), (EndedBy::Failure, Some(Status::SERVICE_UNAVAILABLE)));
    scene.is_quiet_after(0);
}

#[test]
fn a_look_up_that_is_not_answered_ends_the_call() {
    let mut scene = Scene::new();
    scene.resolves = false;
    scene.command(LEG, dial());
    scene.wait_ms(32_000);
    assert_eq!(scene.ended().by, EndedBy::Failure);
    assert_eq!(scene.agent.next_deadline(), None);
}

#[test]
fn sips_is_refused_clearly() {
    let mut scene = Scene::new();
    scene.command(
        LEG,
        with(|command| {
            if let Command::Dial { to, .. } = command {
                *to = "sips:a@192.0.2.1".to_owned();
            }
        }),
    );
    let ended = scene.ended();
    assert_eq!(ended.status, Some(Status::UNSUPPORTED_URI_SCHEME));
    assert_eq!(ended.reason.as_deref(), Some("SIPS is not supported"));
}

#[test]
fn an_invite_without_an_offer_is_answered_in_the_ack() {
    let mut scene = Scene::new();
    let invite = scene.dialled(with(|command| {
        if let Command::Dial { offer, .. } = command {
            *offer = None;
        }
    }));
    assert!(invite.message.body().is_empty());
    scene.answer(&invite, 200, "callee", CONTACT, SDP);
    let Event::Offered { exchange, parts } = scene.event() else { panic!("no offer") };
    assert_eq!(parts.len(), 1);
    scene.nothing_sent();
    // The peer repeats its 2xx meanwhile.
    scene.answer(&invite, 200, "callee", CONTACT, SDP);
    scene.nothing_sent();
    scene.command(LEG, Command::ReplyOffer { exchange, body: sdp("v=0\r\nanswer") });
    let ack = scene.request("ACK");
    assert_eq!(&ack.message.body()[..], b"v=0\r\nanswer");
    assert!(matches!(scene.event(), Event::Confirmed));
    scene.answer(&invite, 200, "callee", CONTACT, SDP);
    assert_eq!(&scene.request("ACK").message.body()[..], b"v=0\r\nanswer");
}

#[test]
fn a_reliable_provisional_response_is_acknowledged_by_prack() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    let headers = format!("{CONTACT}Require: 100rel\nRSeq: 5\n");
    scene.answer(&invite, 183, "callee", &headers, SDP);
    assert!(matches!(scene.event(), Event::Ringing { .. }));
    assert!(matches!(scene.event(), Event::Answered { .. }));
    let prack = scene.request("PRACK");
    assert_eq!(header(&prack.message, Name::RAck), format!("5 {} INVITE", invite.cseq));
    assert_eq!((prack.uri.as_str(), prack.to_tag()), ("sip:callee@192.0.2.1:5070", Some("callee")));
    scene.answer(&invite, 183, "callee", &headers, SDP);
    scene.nothing_sent();
    scene.no_event();
    scene.answer(&prack, 200, "", "", "");
    scene.answer(&invite, 200, "callee", CONTACT, "");
    scene.request("ACK");
    assert!(matches!(scene.event(), Event::Confirmed));
}

#[test]
fn routes_are_preloaded_and_the_first_one_is_where_the_invite_goes() {
    let mut scene = Scene::new();
    scene.command(
        LEG,
        with(|command| {
            if let Command::Dial { to, route, .. } = command {
                *to = "sip:+18005550100@example.com".to_owned();
                *route = vec!["sip:192.0.2.50;lr".to_owned()];
            }
        }),
    );
    let (flow, invite) = scene.request_by("INVITE");
    assert_eq!(flow.peer, addr("192.0.2.50:5060"));
    assert_eq!(invite.uri.as_str(), "sip:+18005550100@example.com");
    assert_eq!(header(&invite.message, Name::Route), "<sip:192.0.2.50;lr>");
}

#[test]
fn a_large_invite_goes_by_tcp_first_and_by_udp_where_that_fails() {
    let mut scene = Scene::new();
    let large = format!("{SDP}a={}\r\n", "x".repeat(1_300));
    scene.command(
        LEG,
        with(|command| {
            if let Command::Dial { offer, transport, .. } = command {
                (*offer, *transport) = (Some(sdp(&large)), None);
            }
        }),
    );
    let (conn, target) = scene.connects.pop_front().unwrap();
    assert_eq!((target.transport, target.peer), (Transport::Tcp, addr(PEER)));
    scene.nothing_sent();
    scene.input(Input::Closed { conn });
    let (flow, invite) = scene.request_by("INVITE");
    assert!(matches!(flow.way, Way::Datagram(_)));
    assert_eq!(header(&invite.message, Name::Contact), "<sip:tympan@192.0.2.9:5060>");
    scene.no_event();
}

#[test]
fn a_connection_that_stays_unopened_is_given_up_for_the_next_place() {
    let mut scene = Scene::new();
    let large = format!("{SDP}a={}\r\n", "x".repeat(1_300));
    scene.command(
        LEG,
        with(|command| {
            if let Command::Dial { offer, transport, .. } = command {
                (*offer, *transport) = (Some(sdp(&large)), None);
            }
        }),
    );
    let (conn, _) = scene.connects.pop_front().unwrap();
    scene.wait_ms(4_000);
    assert_eq!(scene.closes, [conn]);
    assert!(matches!(scene.request_by("INVITE").0.way, Way::Datagram(_)));
}

#[test]
fn a_bye_without_response_ends_quietly_after_64_t1() {
    let mut scene = Scene::new();
    scene.dial_up("");
    scene.command(LEG, Command::HangUp { reason: None });
    scene.ended();
    scene.request("BYE");
    scene.is_quiet_after(37_000);
}

#[test]
fn a_bye_that_crosses_ours_is_answered_200() {
    let mut scene = Scene::new();
    let invite = scene.dial_up("");
    scene.command(LEG, Command::HangUp { reason: None });
    scene.ended();
    scene.request("BYE");
    let tag = invite.from_tag();
    scene.packet(&format!(
        "BYE sip:tympan@192.0.2.9:5060 SIP/2.0\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKcross\n\
         From: <sip:+18005550100@192.0.2.1>;tag=callee\nTo: <sip:+15550100@192.0.2.9>;tag={tag}\n\
         Call-ID: {}\nCSeq: 1 BYE\n",
        invite.call_id
    ));
    scene.response(200);
    scene.no_event();
}

#[test]
fn an_answer_that_the_user_owes_the_ack_ends_the_call_when_the_peer_has_given_up() {
    let mut scene = Scene::new();
    let invite = scene.dialled(with(|command| {
        if let Command::Dial { offer, .. } = command {
            *offer = None;
        }
    }));
    scene.answer(&invite, 200, "callee", CONTACT, SDP);
    assert!(matches!(scene.event(), Event::Offered { .. }));
    scene.wait_ms(32_000);
    assert_eq!(scene.ended().by, EndedBy::Failure);
    scene.request("ACK");
    scene.request("BYE");
}

#[test]
fn a_look_up_of_a_leg_that_is_gone_is_forgotten() {
    let mut scene = Scene::new();
    scene.resolves = false;
    scene.command(LEG, dial());
    scene.command(LEG, Command::HangUp { reason: None });
    scene.ended();
    assert!(scene.agent.is_quiet());
}

fn without_offer() -> Command {
    with(|command| {
        if let Command::Dial { offer, .. } = command {
            *offer = None;
        }
    })
}

#[test]
fn an_offer_in_a_reliable_provisional_response_is_answered_in_prack() {
    let mut scene = Scene::new();
    let invite = scene.dialled(without_offer());
    let headers = format!("{CONTACT}Require: 100rel\nRSeq: 5\n");
    scene.answer(&invite, 183, "callee", &headers, SDP);
    assert!(matches!(scene.event(), Event::Ringing { .. }));
    let Event::Offered { exchange, .. } = scene.event() else { panic!("no offer") };
    scene.nothing_sent();
    scene.command(LEG, Command::ReplyOffer { exchange, body: sdp("v=0\r\nanswer") });
    let prack = scene.request("PRACK");
    assert_eq!(&prack.message.body()[..], b"v=0\r\nanswer");
    scene.answer(&prack, 200, "", "", "");
    scene.answer(&invite, 200, "callee", CONTACT, "");
    assert!(scene.request("ACK").message.body().is_empty());
    assert!(matches!(scene.event(), Event::Confirmed));
}

#[test]
fn an_early_answer_of_a_fork_counts_when_that_fork_becomes_the_call() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    let headers = |port| format!("Contact: <sip:x@192.0.2.1:{port}>\nRequire: 100rel\nRSeq: 5\n");
    scene.answer(&invite, 183, "one", &headers(5071), "v=0\r\none");
    let prack = scene.request("PRACK");
    scene.answer(&prack, 200, "", "", "");
    scene.answer(&invite, 183, "two", &headers(5072), "v=0\r\ntwo");
    let prack = scene.request("PRACK");
    assert_eq!((prack.uri.as_str(), prack.to_tag()), ("sip:x@192.0.2.1:5072", Some("two")));
    scene.answer(&prack, 200, "", "", "");
    scene.events.clear();
    scene.answer(&invite, 200, "two", "Contact: <sip:x@192.0.2.1:5072>\n", "");
    scene.request("ACK");
    let Event::Answered { parts, .. } = scene.event() else { panic!("not answered") };
    assert_eq!(&parts[0].body[..], b"v=0\r\ntwo");
    assert!(matches!(scene.event(), Event::Confirmed));
}

#[test]
fn pracks_under_way_are_limited() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    for rseq in 1..50 {
        let headers = format!("{CONTACT}Require: 100rel\nRSeq: {rseq}\n");
        for tag in ["one", "two"] {
            scene.answer(&invite, 180, tag, &headers, "");
        }
    }
    assert!(scene.counts.contains(&Counter::Overloaded));
    let pracks = scene.sent.iter().filter(|(_, text)| text.starts_with("PRACK ")).count();
    assert!(pracks <= 32, "{pracks}");
}

#[test]
fn early_dialogs_are_limited() {
    let mut scene = Scene::new();
    let invite = scene.dialled(dial());
    for fork in 0..20 {
        scene.answer(&invite, 180, &format!("fork{fork}"), CONTACT, "");
    }
    // The leading one and eight beside it.
    assert_eq!(scene.events.len(), 9);
}

#[test]
fn further_forks_that_answer_are_limited() {
    let mut scene = Scene::new();
    let invite = scene.dial_up("");
    for fork in 0..20 {
        scene.answer(&invite, 200, &format!("fork{fork}"), CONTACT, SDP);
    }
    let byes = scene.sent.iter().filter(|(_, text)| text.starts_with("BYE ")).count();
    assert_eq!(byes, 8);
    assert!(scene.counts.contains(&Counter::StrayResponse));
}

//! Requests inside of a call: their order, what they change, and that each of them is answered.

use anyhow::{Context, ensure};
use std::net::{IpAddr, Ipv4Addr, TcpListener};
use tympan_e2e::audio::{Law, Speech};
use tympan_e2e::flow::{Flow, hang_up, say, set_attributes, store_keys};
use tympan_e2e::office::Office;
use tympan_e2e::phone::Phone;
use tympan_e2e::raw_message::RawMessage;
use tympan_e2e::raw_peer::{RawCall, RawPeer, ack_of_refusal, sdp};
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
/// The number of the sample flow that `--dev` brings along.
const SAMPLE: &str = "+18005550100";
/// The discard port: nothing listens to what the server plays.
const NOWHERE: u16 = 9;
/// A second host.
const OTHER_HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

fn office_of(flow: Flow) -> anyhow::Result<Office> {
    let mut office = Office::open()?;
    office.answer(NUMBER, flow)?;
    Ok(office)
}

fn expect(answer: &RawMessage, status: u16) -> anyhow::Result<()> {
    ensure!(answer.status() == Some(status), "{status} is due, and there came\n{answer}");
    Ok(())
}

fn digit(peer: &RawPeer, call: &mut RawCall, key: char) -> String {
    let body = format!("Signal={key}\r\nDuration=160\r\n");
    peer.request(call, "INFO", "", Some(("application/dtmf-relay", &body)))
}

#[test]
fn four_info_digits_sent_at_once_are_heard_in_order() -> anyhow::Result<()> {
    const CALLS: usize = 10;
    let office = office_of(Flow::of_keys(4))?;
    for nth in 1..=CALLS {
        let mut peer = if nth % 2 == 0 {
            RawPeer::tcp(office.server.sip())?
        } else {
            RawPeer::udp(office.server.sip())?
        };
        let mut call = peer.call(NUMBER, NOWHERE)?;
        let requests: Vec<String> = "1234".chars().map(|key| digit(&peer, &mut call, key)).collect();
        for request in &requests {
            peer.send(request)?;
        }
        for request in &requests {
            expect(&peer.answer(request)?, 200)?;
        }
        peer.take_request("BYE")?;
        let records = office.records(nth)?;
        let keys = &records[nth - 1]["Attributes"]["keys"];
        assert_eq!(keys, "1234", "call {nth} by {}", peer.transport());
    }
    Ok(())
}

#[test]
fn an_info_right_after_the_ack_is_answered_and_heard() -> anyhow::Result<()> {
    const CALLS: usize = 10;
    let office = office_of(Flow::of_keys(1))?;
    for nth in 1..=CALLS {
        let mut peer = RawPeer::udp(office.server.sip())?;
        let mut call = peer.new_call(NUMBER);
        let offer = peer.sdp(NOWHERE, "0 101");
        let invite = peer.request(&mut call, "INVITE", "", Some(("application/sdp", &offer)));
        let answer = peer.exchange(&invite)?;
        expect(&answer, 200)?;
        call.learn(&answer)?;
        let ack = peer.ack(&call, call.cseq, None);
        let info = digit(&peer, &mut call, '7');
        peer.send(&ack)?;
        peer.send(&info)?;
        expect(&peer.answer(&info)?, 200)?;
        peer.take_request("BYE")?;
        assert_eq!(office.records(nth)?[nth - 1]["Attributes"]["keys"], "7", "call {nth}");
    }
    Ok(())
}

#[test]
fn update_reinvite_and_refer_right_after_the_ack_are_answered() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    for _ in 0..5 {
        for (method, status) in [("UPDATE", 200), ("INVITE", 200), ("REFER", 403)] {
            let mut peer = RawPeer::udp(server.sip())?;
            let mut call = peer.new_call(SAMPLE);
            let offer = peer.sdp(NOWHERE, "0 101");
            let invite = peer.request(&mut call, "INVITE", "", Some(("application/sdp", &offer)));
            let answer = peer.exchange(&invite)?;
            expect(&answer, 200)?;
            call.learn(&answer)?;
            let ack = peer.ack(&call, call.cseq, None);
            let (extra, body) = match method {
                "INVITE" => ("", Some(("application/sdp", offer.as_str()))),
                "REFER" => ("Refer-To: <sip:+18005550199@127.0.0.1>\r\n", None),
                _ => ("", None),
            };
            let next = peer.request(&mut call, method, extra, body);
            peer.send(&ack)?;
            peer.send(&next)?;
            expect(&peer.answer(&next)?, status)?;
            if method == "INVITE" {
                let ack = peer.ack(&call, call.cseq, None);
                peer.send(&ack)?;
            }
            peer.hang_up(&mut call)?;
        }
    }
    Ok(())
}

#[test]
fn a_lower_cseq_is_answered_500() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.call(SAMPLE, NOWHERE)?;
    call.cseq = 20;
    expect(&peer.key(&mut call, '1')?, 200)?;
    for method in ["INFO", "UPDATE", "OPTIONS", "INVITE"] {
        let body = (method == "INVITE").then(|| peer.sdp(NOWHERE, "0 101"));
        let body = body.as_deref().map(|body| ("application/sdp", body));
        let late = peer.request_with(&call, method, 10, "", body);
        let answer = peer.exchange(&late)?;
        expect(&answer, 500).with_context(|| method.to_owned())?;
        if method == "INVITE" {
            peer.send(&ack_of_refusal(&late, &answer)?)?;
        }
    }
    // A gap is allowed (RFC 3261 section 12.2.2).
    call.cseq = 100;
    expect(&peer.key(&mut call, '2')?, 200)?;
    peer.hang_up(&mut call)
}

/// Says the first half from one host and the second from the port of another one that `moved` tells the server of. What
/// comes before the server knows of the move, `late` samples at most, may be missing; nothing is shifted by that.
fn media_follows(
    late: usize,
    moved: impl FnOnce(&mut RawPeer, &mut RawCall, u16) -> anyhow::Result<u16>,
) -> anyhow::Result<()> {
    let mut office = office_of(Flow::of_capture())?;
    let speech = Speech::unique(office.folder(), 5, 4, Law::Mu)?;
    let bytes = std::fs::read(&speech.file)?;
    let (first, second) = bytes.split_at(bytes.len() / 2);

    let mut peer = RawPeer::udp(office.server.sip())?;
    let mut phone = Phone::new()?;
    let mut call = peer.new_call(NUMBER);
    let offer = peer.sdp(phone.port()?, "0 101");
    let answer = peer.invite(&mut call, "", &offer)?;
    let (port, _) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
    office.await_block("start", "Success")?;
    let media = |port| (office.server.sip().ip(), port).into();
    phone.speak_to(media(port));
    phone.say(first)?;
    phone.move_to(OTHER_HOST)?;
    let port = moved(&mut peer, &mut call, phone.port()?)?;
    phone.speak_to(media(port));
    phone.say(second)?;
    peer.hang_up(&mut call)?;

    let record = office.record()?;
    let heard = office.heard(&record)?;
    let silence = heard.samples.iter().take_while(|sample| **sample == 0).count();
    let captured = &heard.samples[silence..];
    let (first, second) = speech.samples.split_at(speech.samples.len() / 2);
    ensure!(captured.starts_with(first), "the first half is not whole");
    let missing = captured[first.len()..].iter().take_while(|sample| **sample == 0).count();
    ensure!(missing <= late, "{missing} samples after the move are missing");
    ensure!(
        captured[first.len() + missing..].starts_with(&second[missing..]),
        "the second half is not whole"
    );
    Ok(())
}

/// A re-INVITE without an offer; the answer goes with the acknowledgement. Gives the server's offer.
fn offerless_reinvite(peer: &mut RawPeer, call: &mut RawCall, own_sdp: &str) -> anyhow::Result<RawMessage> {
    let answer = peer.ask(call, "INVITE", "", None)?;
    expect(&answer, 200)?;
    call.target = answer.contact().context("no Contact in the 200")?;
    let ack = peer.ack(call, call.cseq, Some(("application/sdp", own_sdp)));
    peer.send(&ack)?;
    Ok(answer)
}

#[test]
fn a_reinvite_without_an_offer_takes_the_answer_from_the_ack() -> anyhow::Result<()> {
    // Nothing says when the ACK has been read.
    media_follows(8_000, |peer, call, port| {
        let own = sdp(OTHER_HOST, port, "0 101", "sendrecv");
        let offer = offerless_reinvite(peer, call, &own)?;
        Ok(offer.audio().with_context(|| format!("no offer in\n{offer}"))?.0)
    })
}

#[test]
fn a_reinvite_with_an_offer_moves_the_media() -> anyhow::Result<()> {
    media_follows(0, |peer, call, port| {
        let offer = sdp(OTHER_HOST, port, "0 101", "sendrecv");
        let answer = peer.invite(call, "", &offer)?;
        Ok(answer.audio().with_context(|| format!("no audio in\n{answer}"))?.0)
    })
}

#[test]
fn an_update_with_an_offer_moves_the_media() -> anyhow::Result<()> {
    media_follows(0, |peer, call, port| {
        let offer = sdp(OTHER_HOST, port, "0 101", "sendrecv");
        let answer = peer.ask(call, "UPDATE", "", Some(("application/sdp", &offer)))?;
        expect(&answer, 200)?;
        Ok(answer.audio().with_context(|| format!("no audio in\n{answer}"))?.0)
    })
}

#[test]
fn after_a_hold_a_reinvite_without_an_offer_is_offered_everything_again() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.call(SAMPLE, NOWHERE)?;
    let hold = peer.sdp(NOWHERE, "0 101").replace("a=sendrecv", "a=sendonly");
    let held = peer.invite(&mut call, "", &hold)?;
    assert!(held.says("a=recvonly"), "{held}");
    let own = peer.sdp(NOWHERE, "0 101");
    let offer = offerless_reinvite(&mut peer, &mut call, &own)?;
    let (_, payload_types) = offer.audio().with_context(|| format!("no offer in\n{offer}"))?;
    let payload_types: Vec<&str> = payload_types.split(' ').collect();
    for wanted in ["0", "8", "101"] {
        assert!(payload_types.contains(&wanted), "no {wanted} in\n{offer}");
    }
    let directed = ["a=sendonly", "a=recvonly", "a=inactive"].iter().any(|line| offer.says(line));
    assert!(!directed, "the hold is repeated:\n{offer}");
    peer.hang_up(&mut call)
}

#[test]
fn a_contact_that_a_reinvite_or_update_changes_gets_the_bye() -> anyhow::Result<()> {
    for method in ["INVITE", "UPDATE"] {
        let flow = Flow::of_keys(1);
        let office = office_of(flow)?;
        let mut peer = RawPeer::udp(office.server.sip())?;
        let mut elsewhere = RawPeer::udp(office.server.sip())?;
        let mut call = peer.call(NUMBER, NOWHERE)?;
        call.contact = format!("sip:moved@{}", elsewhere.own());
        if method == "INVITE" {
            let offer = peer.sdp(NOWHERE, "0 101");
            expect(&peer.invite(&mut call, "", &offer)?, 200)?;
        } else {
            expect(&peer.ask(&mut call, "UPDATE", "", None)?, 200)?;
        }
        expect(&peer.key(&mut call, '1')?, 200)?;
        let bye = elsewhere.take_request("BYE").with_context(|| format!("after {method}"))?;
        assert_eq!(bye.uri(), call.contact);
        office.record()?;
    }
    Ok(())
}

#[test]
fn a_contact_without_a_transport_is_named_as_it_is_also_by_tcp() -> anyhow::Result<()> {
    let office = office_of(Flow::of_keys(1))?;
    let mut peer = RawPeer::tcp(office.server.sip())?;
    let mut udp = RawPeer::udp(office.server.sip())?;
    let mut call = peer.new_call(NUMBER);
    call.contact = format!("sip:caller@{}", udp.own());
    let offer = peer.sdp(NOWHERE, "0 101");
    expect(&peer.invite(&mut call, "", &offer)?, 200)?;
    expect(&peer.key(&mut call, '1')?, 200)?;
    // By UDP (RFC 3263 section 4.1), or by the connection that is there.
    let is_bye = |message: &RawMessage| message.method() == Some("BYE");
    let bye = tympan_e2e::until("a BYE", || {
        for side in [&mut udp, &mut peer] {
            if side.received()?.iter().any(is_bye) {
                return side.take_request("BYE").map(Some);
            }
        }
        Ok(None)
    })?;
    assert_eq!(bye.uri(), call.contact);
    office.record()?;
    Ok(())
}

#[test]
fn a_bye_goes_through_a_proxy_that_bridges_tcp_and_udp() -> anyhow::Result<()> {
    let office = office_of(Flow::of_keys(1))?;
    // The proxy's side to us is TCP, its other side UDP: it records both (RFC 5658), the nearer one first.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (near, far) = (listener.local_addr()?, RawPeer::udp(office.server.sip())?.own());
    let mut proxy = RawPeer::tcp(office.server.sip())?;
    let mut call = proxy.new_call(NUMBER);
    call.contact = "sip:caller@127.0.0.77:5099".to_owned();
    let (near, far) = (format!("<sip:{near};transport=tcp;lr>"), format!("<sip:{far};lr>"));
    let recorded = format!("Record-Route: {near}\r\nRecord-Route: {far}\r\n");
    let offer = proxy.sdp(NOWHERE, "0 101");
    let answer = proxy.invite(&mut call, &recorded, &offer)?;
    assert_eq!(answer.headers("Record-Route"), [near.clone(), far.clone()], "{answer}");
    call.routes.clear();
    expect(&proxy.key(&mut call, '1')?, 200)?;

    // By the connection that is there, or by one of its own.
    listener.set_nonblocking(true)?;
    let bye = tympan_e2e::until("a BYE at the proxy", || {
        if let Ok((stream, server)) = listener.accept() {
            stream.set_nonblocking(false)?;
            return Ok(Some(RawPeer::over(stream, server)?.take_request("BYE")?));
        }
        let is_here = proxy.received()?.iter().any(|message| message.method() == Some("BYE"));
        if is_here { proxy.take_request("BYE").map(Some) } else { Ok(None) }
    })?;
    assert_eq!(bye.uri(), call.contact);
    let routes = bye.headers("Route").join(", ");
    assert_eq!(routes.replace(", ", ","), format!("{near},{far}"));
    office.record()?;
    Ok(())
}

#[test]
fn an_update_without_an_offer_is_answered_without_one() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.call(SAMPLE, NOWHERE)?;
    let answer = peer.ask(&mut call, "UPDATE", "", None)?;
    expect(&answer, 200)?;
    assert_eq!((answer.body(), answer.header("Content-Type")), ("", None), "{answer}");
    assert!(answer.header("Contact").is_some(), "{answer}");
    peer.hang_up(&mut call)
}

#[test]
fn the_same_invite_by_two_paths_is_one_call_and_482() -> anyhow::Result<()> {
    let mut office = office_of(Flow::of_keys(1))?;
    let mut first = RawPeer::udp(office.server.sip())?;
    let mut second = RawPeer::udp(office.server.sip())?;
    let mut call = first.new_call(NUMBER);
    let offer = first.sdp(NOWHERE, "0 101");
    let invite = first.request(&mut call, "INVITE", "", Some(("application/sdp", &offer)));
    let old = RawMessage::new(invite.as_bytes()).header("Via").context("no Via")?;
    let merged = invite.replace(&old, &second.via());
    first.send(&invite)?;
    second.send(&merged)?;
    let answer = first.answer(&invite)?;
    expect(&answer, 200)?;
    let refusal = second.answer(&merged)?;
    expect(&refusal, 482)?;
    second.send(&ack_of_refusal(&merged, &refusal)?)?;
    call.learn(&answer)?;
    let ack = first.ack(&call, call.cseq, None);
    first.send(&ack)?;
    expect(&first.key(&mut call, '1')?, 200)?;
    first.take_request("BYE")?;
    office.record()?;
    assert_eq!(office.contacts()?.len(), 1);
    Ok(())
}

#[test]
fn a_proxy_that_hunts_may_come_again_after_a_refusal() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.new_call("+18005550199");
    let offer = peer.sdp(NOWHERE, "0 101");
    let first = peer.request(&mut call, "INVITE", "", Some(("application/sdp", &offer)));
    let refusal = peer.place(&mut call, &first)?;
    expect(&refusal, 404)?;
    // The next one to try is again here: Call-ID, From tag and CSeq are the same, the branch is another.
    call.target = format!("sip:{SAMPLE}@{}", server.sip());
    let second = peer.request_with(&call, "INVITE", call.cseq, "", Some(("application/sdp", &offer)));
    expect(&peer.place(&mut call, &second)?, 200)?;
    peer.hang_up(&mut call)
}

#[test]
fn options_and_others_of_an_unknown_dialog_are_answered_481() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    for mut peer in [RawPeer::udp(server.sip())?, RawPeer::tcp(server.sip())?] {
        for method in ["OPTIONS", "BYE", "INFO", "UPDATE", "INVITE"] {
            let mut call = peer.new_call(SAMPLE);
            call.to.push_str(";tag=never-given");
            let body = (method == "INVITE").then(|| peer.sdp(NOWHERE, "0 101"));
            let body = body.as_deref().map(|body| ("application/sdp", body));
            let request = peer.request(&mut call, method, "", body);
            let answer = peer.exchange(&request)?;
            expect(&answer, 481).with_context(|| method.to_owned())?;
            if method == "INVITE" {
                peer.send(&ack_of_refusal(&request, &answer)?)?;
            }
        }
        // Out of a dialog it is a question about the server, and in a call about the call.
        let mut none = peer.new_call(SAMPLE);
        let answer = peer.ask(&mut none, "OPTIONS", "", None)?;
        expect(&answer, 200)?;
        assert!(answer.lists("Allow", "INVITE") && answer.lists("Accept", "application/sdp"), "{answer}");
        let mut call = peer.call(SAMPLE, NOWHERE)?;
        expect(&peer.ask(&mut call, "OPTIONS", "", None)?, 200)?;
        peer.hang_up(&mut call)?;
    }
    Ok(())
}

#[test]
fn a_call_that_is_never_acknowledged_is_hung_up_and_leaves_a_record() -> anyhow::Result<()> {
    let office = office_of(Flow::of_keys(1))?;
    let mut peer = RawPeer::udp(office.server.sip())?;
    // A source that never showed that it hears us would be sent only a multiple of what it sends.
    let mut proof = peer.call(NUMBER, NOWHERE)?;
    peer.hang_up(&mut proof)?;
    let mut call = peer.new_call(NUMBER);
    let offer = peer.sdp(NOWHERE, "0 101");
    let invite = peer.request(&mut call, "INVITE", "", Some(("application/sdp", &offer)));
    expect(&peer.exchange(&invite)?, 200)?;
    // It comes again and again (RFC 3261 section 13.3.1.4), and after 64 T1, that is 32 seconds, comes a BYE.
    expect(&peer.answer(&invite)?, 200)?;
    expect(&peer.answer(&invite)?, 200)?;
    let bye = (0..2).find_map(|_| peer.take_request("BYE").ok());
    ensure!(bye.is_some(), "no BYE within a minute");
    let record = office.records(2)?.remove(1);
    assert!(record["ConnectedToSystemTimestamp"].is_null(), "{record}");
    Ok(())
}

#[test]
fn a_contact_that_is_ours_ends_the_call_and_nothing_else() -> anyhow::Result<()> {
    let mut office = office_of(Flow::new().then("say", say("hello")).then("hang up", hang_up()))?;
    for transport in ["", ";transport=tcp"] {
        let mut peer = RawPeer::udp(office.server.sip())?;
        let mut call = peer.new_call(NUMBER);
        call.contact = format!("sip:caller@{}{transport}", office.server.sip());
        let offer = peer.sdp(NOWHERE, "0 101");
        let answer = peer.invite(&mut call, "", &offer)?;
        // It may be refused; if it is answered, our BYE comes to ourselves.
        ensure!(
            answer.is_success() || answer.status().is_some_and(|status| (400..500).contains(&status)),
            "{answer}"
        );
        tympan_e2e::until("no call to be up", || {
            let contacts = office.contacts()?;
            Ok(contacts.iter().all(|contact| !contact["DisconnectTimestamp"].is_null()).then_some(()))
        })?;
    }
    let mut peer = RawPeer::udp(office.server.sip())?;
    let mut call = peer.call(NUMBER, NOWHERE)?;
    expect(&peer.ask(&mut call, "OPTIONS", "", None)?, 200)
}

#[test]
fn keys_by_info_are_read_as_the_field_writes_them() -> anyhow::Result<()> {
    let relay = "application/dtmf-relay";
    let dtmf = "application/dtmf";
    let bodies = [
        (relay, "Signal=1\r\nDuration=160\r\n", "1"),
        (relay, "Signal= 2\r\n", "2"),
        (relay, "signal=3\nduration=250\n", "3"),
        (relay, "Signal=0", "0"),
        (dtmf, "4", "4"),
        (dtmf, "5\r\n", "5"),
        (dtmf, "d=7", "7"),
        ("Application/DTMF-Relay; charset=utf-8", "Signal=6\r\nDuration=100", "6"),
    ];
    let expected: String = bodies.iter().map(|(_, _, key)| *key).collect();
    let office = office_of(Flow::of_keys(bodies.len()))?;
    let mut peer = RawPeer::udp(office.server.sip())?;
    let mut call = peer.call(NUMBER, NOWHERE)?;
    for (kind, body, _) in bodies {
        let answer = peer.ask(&mut call, "INFO", "", Some((kind, body)))?;
        expect(&answer, 200).with_context(|| format!("{kind}: {body:?}"))?;
    }
    peer.take_request("BYE")?;
    assert_eq!(office.record()?["Attributes"]["keys"], expected.as_str());
    Ok(())
}

#[test]
fn star_and_hash_by_info_come_as_signs_or_as_10_and_11() -> anyhow::Result<()> {
    let office = office_of(Flow::of_keys(8))?;
    // A star clears what was entered, a hash ends it.
    for (nth, (star, hash)) in [("*", "#"), ("10", "11")].into_iter().enumerate() {
        let mut peer = RawPeer::udp(office.server.sip())?;
        let mut call = peer.call(NUMBER, NOWHERE)?;
        for signal in ["9", star, "1", "2", hash] {
            let body = format!("Signal={signal}\r\nDuration=160\r\n");
            let answer = peer.ask(&mut call, "INFO", "", Some(("application/dtmf-relay", &body)))?;
            expect(&answer, 200).with_context(|| signal.to_owned())?;
        }
        peer.take_request("BYE")?;
        assert_eq!(office.records(nth + 1)?[nth]["Attributes"]["keys"], "12", "{star} and {hash}");
    }
    Ok(())
}

#[test]
fn an_info_that_is_no_key_is_answered_too() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut peer = RawPeer::udp(server.sip())?;
    let mut call = peer.call(SAMPLE, NOWHERE)?;
    // A keep-alive, and what only another application could read.
    expect(&peer.ask(&mut call, "INFO", "", None)?, 200)?;
    let picture = "<?xml version=\"1.0\"?><media_control/>";
    let answer = peer.ask(&mut call, "INFO", "", Some(("application/media_control+xml", picture)))?;
    expect(&answer, 415)?;
    peer.hang_up(&mut call)
}

#[test]
fn a_key_that_comes_by_rtp_and_by_info_is_heard_once() -> anyhow::Result<()> {
    let flow = Flow::new()
        .then("ready", set_attributes(&[("ready", "yes")]))
        .then("keys", store_keys("press", 3))
        .then("keep", set_attributes(&[("keys", "$.StoredCustomerInput")]))
        .then("hang up", hang_up());
    let office = office_of(flow)?;
    let mut peer = RawPeer::udp(office.server.sip())?;
    let mut phone = Phone::new()?;
    let mut call = peer.new_call(NUMBER);
    let offer = peer.sdp(phone.port()?, "0 101");
    let answer = peer.invite(&mut call, "", &offer)?;
    let (port, _) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
    office.await_block("ready", "Success")?;
    phone.speak_to((office.server.sip().ip(), port).into());
    for key in [1, 2, 3] {
        phone.press(key, 5)?;
        // Silence between keys, so that each ends; the INFO comes when the key is up, as gateways send it.
        phone.say(&[0xFF; 10 * 160])?;
        if key < 3 {
            expect(&peer.key(&mut call, char::from(b'0' + key))?, 200)?;
        }
    }
    peer.take_request("BYE")?;
    assert_eq!(office.record()?["Attributes"]["keys"], "123");
    Ok(())
}

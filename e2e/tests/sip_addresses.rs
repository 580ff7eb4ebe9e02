//! Which address a response goes to, and which address of the server a peer learns.

use anyhow::{Context, ensure};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::flow::Flow;
use tympan_e2e::network::{HOME, Network};
use tympan_e2e::office::Office;
use tympan_e2e::phone::Phone;
use tympan_e2e::raw_message::RawMessage;
use tympan_e2e::raw_peer::RawPeer;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
/// The number of the sample flow that `--dev` brings along.
const SAMPLE: &str = "+18005550100";
/// The discard port: nothing listens to what the server plays.
const NOWHERE: u16 = 9;

fn expect(answer: &RawMessage, status: u16) -> anyhow::Result<()> {
    ensure!(answer.status() == Some(status), "{status} is due, and there came\n{answer}");
    Ok(())
}

/// Host and port of a URI such as `sip:tympan@10.0.0.1:5060;transport=tcp`.
fn host_of(uri: &str) -> String {
    let rest = uri.rsplit_once('@').map_or(uri, |(_, rest)| rest);
    rest.split(';').next().unwrap_or_default().to_owned()
}

/// Calls, and checks which address of the server the answer names; then the flow takes a key and hangs up.
fn call_names(peer: &mut RawPeer, expected: SocketAddr) -> anyhow::Result<()> {
    let mut call = peer.new_call(NUMBER);
    let offer = peer.sdp(NOWHERE, "0 101");
    let answer = peer.invite(&mut call, "", &offer)?;
    expect(&answer, 200)?;
    let contact = answer.contact().context("no Contact")?;
    ensure!(host_of(&contact) == expected.to_string(), "{expected} is due:\n{answer}");
    let family = if expected.is_ipv4() { "IP4" } else { "IP6" };
    ensure!(answer.says(&format!("c=IN {family} {}", expected.ip())), "{answer}");
    ensure!(!answer.to_string().contains("ffff:"), "a mapped address:\n{answer}");
    // Our acknowledgement has arrived there, and so does this.
    expect(&peer.key(&mut call, '1')?, 200)?;
    peer.take_request("BYE")?;
    Ok(())
}

#[test]
fn a_wildcard_listener_names_the_address_that_the_caller_used() -> anyhow::Result<()> {
    let network = Network::new()?;
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__LISTEN", listen))?;
        office.answer(NUMBER, Flow::of_keys(1))?;
        let port = office.server.sip().port();
        let at = |ip: IpAddr| SocketAddr::new(ip, port);
        let near = at([127, 0, 0, 1].into());
        let far = at(HOME);
        let mut calls = 0;
        for tcp in [false, true] {
            let mut local = if tcp { RawPeer::tcp(near)? } else { RawPeer::udp(near)? };
            call_names(&mut local, near).with_context(|| format!("{listen}, TCP {tcp}"))?;
            let mut remote = network.elsewhere(|| if tcp { RawPeer::tcp(far) } else { remote_udp(far) })?;
            call_names(&mut remote, far).with_context(|| format!("{listen}, TCP {tcp}, elsewhere"))?;
            calls += 2;
        }
        if listen.starts_with('[') {
            let six = at(Ipv6Addr::LOCALHOST.into());
            call_names(&mut RawPeer::udp(six)?, six)?;
            calls += 1;
        }
        // Each call had a contact, and it was confirmed.
        let records = office.records(calls)?;
        assert!(records.iter().all(|record| record["Attributes"]["keys"] == "1"), "{listen}");
    }
    Ok(())
}

/// A socket of the second host that knows its own address.
fn remote_udp(server: SocketAddr) -> anyhow::Result<RawPeer> {
    RawPeer::udp_at(tympan_e2e::network::ELSEWHERE, server)
}

#[test]
fn every_caller_learns_the_public_address() -> anyhow::Result<()> {
    let builder = TestServer::builder().env("TYMPAN_SIP__PUBLIC_ADDRESS", "203.0.113.9");
    let server = builder.env("TYMPAN_SIP__LISTEN", "0.0.0.0:0").start()?;
    let address = SocketAddr::from(([127, 0, 0, 1], server.sip().port()));
    for mut peer in [RawPeer::udp(address)?, RawPeer::tcp(address)?] {
        let mut call = peer.new_call(SAMPLE);
        let offer = peer.sdp(NOWHERE, "0 101");
        let invite = peer.request(&mut call, "INVITE", "", Some(("application/sdp", &offer)));
        let answer = peer.exchange(&invite)?;
        expect(&answer, 200)?;
        let contact = answer.contact().context("no Contact")?;
        assert!(contact.contains("@203.0.113.9"), "{answer}");
        assert!(answer.says("c=IN IP4 203.0.113.9"), "{answer}");
        call.learn(&answer)?;
        let ack = peer.ack(&call, call.cseq, None);
        peer.send(&ack)?;
        peer.hang_up(&mut call)?;
    }
    Ok(())
}

/// An OPTIONS whose Via is as given; the answer is looked for at `ear`.
fn answered_at(sender: &mut RawPeer, via: &str, ear: &mut RawPeer) -> anyhow::Result<RawMessage> {
    let mut call = sender.new_call(SAMPLE);
    let request = sender.request(&mut call, "OPTIONS", "", None);
    let old = RawMessage::new(request.as_bytes()).header("Via").context("no Via")?;
    sender.send(&request.replace(&old, via))?;
    ear.answer(&request)
}

#[test]
fn without_rport_the_answer_goes_to_the_port_of_the_via() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut sender = RawPeer::udp(server.sip())?;
    let mut ear = RawPeer::udp(server.sip())?;
    // As Cisco's gateways do: sent from one port, heard at another.
    let via = format!("SIP/2.0/UDP {};branch=z9hG4bKplain1", ear.own());
    let answer = answered_at(&mut sender, &via, &mut ear)?;
    expect(&answer, 200)?;
    let answered = answer.header("Via").context("no Via")?;
    ensure!(!answered.contains("rport"), "an rport that was not asked for: {answered}");

    // The sent-by is another host, so `received` says where it came from (RFC 3261 section 18.2.1), and there it goes.
    let via = format!("SIP/2.0/UDP 192.0.2.33:{};branch=z9hG4bKplain2", ear.own().port());
    let answer = answered_at(&mut sender, &via, &mut ear)?;
    let answered = answer.header("Via").context("no Via")?;
    ensure!(answered.contains("received=127.0.0.1") && !answered.contains("rport"), "{answered}");

    // A host name needs it, too.
    let via = format!("SIP/2.0/UDP pbx.example:{};branch=z9hG4bKplain3", ear.own().port());
    let answer = answered_at(&mut sender, &via, &mut ear)?;
    ensure!(answer.header("Via").is_some_and(|via| via.contains("received=127.0.0.1")), "{answer}");
    Ok(())
}

#[test]
fn with_rport_the_answer_goes_to_the_source_port() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    let mut sender = RawPeer::udp(server.sip())?;
    let mut call = sender.new_call(SAMPLE);
    let request = sender.request(&mut call, "OPTIONS", "", None);
    let old = RawMessage::new(request.as_bytes()).header("Via").context("no Via")?;
    let request = request.replace(&old, "SIP/2.0/UDP 192.0.2.33:5060;rport;branch=z9hG4bKrport");
    let answer = sender.exchange(&request)?;
    expect(&answer, 200)?;
    let via = answer.header("Via").context("no Via")?;
    let port = format!("rport={}", sender.own().port());
    ensure!(via.contains(&port) && via.contains("received=127.0.0.1"), "{via}");
    Ok(())
}

#[test]
fn a_trunk_may_force_answers_to_the_source_port() -> anyhow::Result<()> {
    let trunks = "[{name=\"natted\", networks=[\"127.0.0.3/32\"], force_rport=true}]";
    let server = TestServer::builder().env("TYMPAN_SIP__TRUNKS", trunks).start()?;
    let mut natted = RawPeer::udp_at([127, 0, 0, 3].into(), server.sip())?;
    let mut call = natted.new_call(SAMPLE);
    let request = natted.request(&mut call, "OPTIONS", "", None);
    let old = RawMessage::new(request.as_bytes()).header("Via").context("no Via")?;
    let request = request.replace(&old, "SIP/2.0/UDP 192.168.1.20:5060;branch=z9hG4bKforced");
    expect(&natted.exchange(&request)?, 200)?;
    // Who is of no such trunk is answered as the RFC says.
    let mut sender = RawPeer::udp(server.sip())?;
    let mut ear = RawPeer::udp(server.sip())?;
    let via = format!("SIP/2.0/UDP {};branch=z9hG4bKplain", ear.own());
    expect(&answered_at(&mut sender, &via, &mut ear)?, 200)
}

#[test]
fn trunks_read_numbers_and_believe_identities_by_their_own_rules() -> anyhow::Result<()> {
    let trunks = "[\
        {name=\"german\", networks=[\"127.0.0.4/32\"], country_code=\"+1\", strip_prefixes=[\"0\"], \
         international_prefixes=[\"00\"], add_plus=true, identity=\"asserted\"}, \
        {name=\"strangers\", networks=[\"127.0.0.5/32\"], identity=\"from\"}]";
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__TRUNKS", trunks))?;
    office.answer(NUMBER, Flow::of_keys(1))?;
    let asserted = "P-Asserted-Identity: <sip:+12065550142@127.0.0.1>\r\n";
    // What is dialled, from where, and who calls then.
    let calls = [
        ("0018005550123", 4, Some("+12065550142")),
        ("08005550123", 4, Some("+12065550142")),
        ("18005550123", 4, Some("+12065550142")),
        ("+18005550123", 4, Some("+12065550142")),
        ("+18005550123", 5, None),
    ];
    for (nth, (dialled, host, number)) in calls.into_iter().enumerate() {
        let mut peer = RawPeer::udp_at([127, 0, 0, host].into(), office.server.sip())?;
        let mut call = peer.new_call(dialled);
        call.from = "<sip:+12065550777@127.0.0.1>;tag=rules".to_owned();
        let offer = peer.sdp(NOWHERE, "0 101");
        expect(&peer.invite(&mut call, asserted, &offer)?, 200).with_context(|| dialled.to_owned())?;
        peer.hang_up(&mut call)?;
        let records = office.records(nth + 1)?;
        let address = &records[nth]["CustomerEndpoint"]["Address"];
        assert_eq!(address, number.unwrap_or("+12065550777"), "{dialled} from host {host}");
    }
    Ok(())
}

#[test]
fn a_trunk_with_a_limit_of_calls_refuses_the_next_one() -> anyhow::Result<()> {
    let trunks = "[{name=\"small\", networks=[\"127.0.0.6/32\"], calls_max=2}]";
    let server = TestServer::builder().env("TYMPAN_SIP__TRUNKS", trunks).start()?;
    let mut small = RawPeer::udp_at([127, 0, 0, 6].into(), server.sip())?;
    let mut first = small.call(SAMPLE, NOWHERE)?;
    let mut second = small.call(SAMPLE, NOWHERE)?;
    let mut third = small.new_call(SAMPLE);
    let offer = small.sdp(NOWHERE, "0 101");
    let refusal = small.invite(&mut third, "", &offer)?;
    expect(&refusal, 503)?;
    assert!(refusal.header("Retry-After").is_some(), "{refusal}");
    // Others have their own share.
    let mut other = RawPeer::udp(server.sip())?;
    let mut call = other.call(SAMPLE, NOWHERE)?;
    other.hang_up(&mut call)?;
    small.hang_up(&mut first)?;
    tympan_e2e::until("a place to be free", || {
        let mut next = small.new_call(SAMPLE);
        let offer = small.sdp(NOWHERE, "0 101");
        let answer = small.invite(&mut next, "", &offer)?;
        if answer.is_success() { small.hang_up(&mut next).map(Some) } else { Ok(None) }
    })?;
    small.hang_up(&mut second)
}

#[test]
fn the_longest_call_of_a_trunk_is_hung_up() -> anyhow::Result<()> {
    let trunks = "[{name=\"short\", networks=[\"127.0.0.7/32\"], longest_call_s=3}]";
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__TRUNKS", trunks))?;
    office.answer(NUMBER, Flow::of_capture())?;
    let mut peer = RawPeer::udp_at([127, 0, 0, 7].into(), office.server.sip())?;
    let mut phone = Phone::new()?;
    let mut call = peer.new_call(NUMBER);
    let offer = tympan_e2e::raw_peer::sdp([127, 0, 0, 1].into(), phone.port()?, "0 101", "sendrecv");
    let answer = peer.invite(&mut call, "", &offer)?;
    let (port, _) = answer.audio().with_context(|| format!("no audio in\n{answer}"))?;
    office.await_block("start", "Success")?;
    phone.speak_to((office.server.sip().ip(), port).into());
    let speech = Speech::unique(office.folder(), 77, 1, Law::Mu)?;
    phone.say(&std::fs::read(&speech.file)?)?;
    let bye = peer.take_request("BYE")?;
    assert_eq!(bye.uri(), call.contact);
    let record = office.record()?;
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert_eq!((found.from, found.to), (0, speech.samples.len()));
    Ok(())
}

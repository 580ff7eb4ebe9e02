//! What happens within a call: late offers, digits, answers that are never acknowledged; and what a trunk changes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::by_hand::{CallerByHand, OTHER_SOURCE, sdp};
use tympan_e2e::flow::{Block, Flow, hang_up, listen, set_attributes, start_streaming};
use tympan_e2e::office::Office;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";
const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Says for how long a caller's speech is sent, 20 ms a packet, to the port that a description names.
fn speak(from: &UdpSocket, to: SocketAddr, speech: &[u8]) -> anyhow::Result<()> {
    let begun = Instant::now();
    for (nth, payload) in speech.chunks_exact(160).enumerate() {
        let (sequence, timestamp) = (nth as u16, (nth * 160) as u32);
        let mut packet = vec![0x80, u8::from(nth == 0) << 7];
        packet.extend_from_slice(&sequence.to_be_bytes());
        packet.extend_from_slice(&timestamp.to_be_bytes());
        packet.extend_from_slice(b"hand");
        packet.extend_from_slice(payload);
        from.send_to(&packet, to)?;
        let due = Duration::from_millis(20) * (nth as u32 + 1);
        std::thread::sleep(due.saturating_sub(begun.elapsed()));
    }
    Ok(())
}

fn media_of(description: &str) -> anyhow::Result<SocketAddr> {
    let port = description.split("m=audio ").nth(1).and_then(|rest| rest.split(' ').next());
    let port = port.and_then(|port| port.parse().ok());
    Ok(SocketAddr::new(LOOPBACK, port.ok_or_else(|| anyhow::anyhow!("no port in:\n{description}"))?))
}

#[test]
fn a_reinvite_without_an_offer_gets_all_capabilities_and_the_answer_in_its_ack_moves_the_call()
-> anyhow::Result<()> {
    let mut office = Office::open()?;
    let flow = Flow::new().then("start", start_streaming()).then("listen", listen("go on", 120));
    office.answer(NUMBER, flow.then("hang up", hang_up()))?;
    let speech = Speech::unique(office.folder(), 71, 2, Law::Mu)?;
    let (first, second) = (UdpSocket::bind((LOOPBACK, 0))?, UdpSocket::bind((LOOPBACK, 0))?);
    let mut caller = CallerByHand::new(office.server.sip(), NUMBER)?;
    caller.call(&sdp(first.local_addr()?, "sendrecv"))?;
    office.await_block("start", "Success")?;

    let cseq = caller.send("INVITE", "", &sdp(first.local_addr()?, "sendonly"))?;
    let held = caller.final_response("INVITE", cseq)?;
    caller.ack(true, "")?;
    assert!(held.body().contains("a=recvonly"), "{}", held.text);

    let cseq = caller.send("INVITE", "", "")?;
    let offered = caller.final_response("INVITE", cseq)?;
    assert_eq!(offered.status, Some(200), "{}", offered.text);
    for part in ["a=sendrecv", "a=rtpmap:0 PCMU", "a=rtpmap:8 PCMA", "telephone-event"] {
        assert!(offered.body().contains(part), "{part} lacks:\n{}", offered.text);
    }
    // The answer comes from another port, and only what is sent from there is captured.
    caller.ack(true, &sdp(second.local_addr()?, "sendrecv"))?;
    speak(&second, media_of(offered.body())?, &std::fs::read(&speech.file)?)?;
    caller.hang_up()?;
    let record = office.record()?;
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert!(found.to - found.from > 8_000, "{found:?}");
    Ok(())
}

/// A menu whose branches say which key was taken.
fn menu() -> Flow {
    let took = |key: &str| -> Block { set_attributes(&[("took", key)]).to("thanks") };
    let menu = listen("press a key", 60).when("Equals", "*", "star").when("Equals", "#", "hash");
    Flow::new()
        .then("menu", menu.when("Equals", "7", "seven").on("NoMatchingCondition", "another"))
        .then("star", took("*"))
        .then("hash", took("#"))
        .then("seven", took("7"))
        .then("another", took("another"))
        .then("thanks", listen("thank you", 1))
        .then("hang up", hang_up())
}

#[test]
fn a_key_by_info_right_after_the_ack_takes_its_branch_in_every_form_that_phones_write() -> anyhow::Result<()>
{
    let mut office = Office::open()?;
    office.answer(NUMBER, menu())?;
    let forms = [
        ("application/dtmf-relay", "Signal=10\r\nDuration=160\r\n", "*"),
        ("application/dtmf-relay", "Signal= #\r\n", "#"),
        ("application/dtmf-relay", "d=7\r\n", "7"),
        ("application/dtmf", "7", "7"),
    ];
    for (nth, (kind, body, key)) in forms.into_iter().enumerate() {
        let mut caller = CallerByHand::new(office.server.sip(), NUMBER)?;
        caller.call(&sdp((LOOPBACK, 9).into(), "sendrecv"))?;
        let cseq = caller.send("INFO", &format!("Content-Type: {kind}\r\n"), body)?;
        assert_eq!(caller.final_response("INFO", cseq)?.status, Some(200));
        assert_eq!(office.records(nth + 1)?[nth]["Attributes"]["took"], key, "{body:?}");
    }
    Ok(())
}

#[test]
fn an_answer_that_is_never_acknowledged_ends_with_bye_and_leaves_a_record() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, menu())?;
    let offer = sdp((LOOPBACK, 9).into(), "sendrecv");
    // A source that has proven that it hears us: else little of what follows is sent to it.
    let mut proof = CallerByHand::new(office.server.sip(), NUMBER)?;
    proof.call(&offer)?;
    proof.hang_up()?;
    let mut caller = CallerByHand::new(office.server.sip(), NUMBER)?;
    let cseq = caller.send("INVITE", "", &offer)?;
    let first = caller.final_response("INVITE", cseq)?;
    assert_eq!(first.status, Some(200));
    let mut repeated = 0;
    loop {
        let said = caller.hear()?;
        if said.text.starts_with("BYE ") {
            break;
        }
        assert_eq!(said.text, first.text);
        repeated += 1;
    }
    assert!(repeated >= 6, "the answer was repeated {repeated} times");
    let record = office.records(2)?.remove(1);
    assert_eq!(record["DisconnectReason"], "TELECOM_PROBLEM");
    assert!(record["ConnectedToSystemTimestamp"].is_null(), "{record}");
    Ok(())
}

#[test]
fn a_trunk_challenges_its_users_and_reads_its_numbers() -> anyhow::Result<()> {
    let trunks = format!(
        "[{{ name = \"pbx\", networks = [\"{OTHER_SOURCE}\"], user = \"8005550123\", country_code = \"+1\" }},
          {{ name = \"carrier\", networks = [\"{OTHER_SOURCE}\"], users = [{{ name = \"carrier\", password = \"hush\" }}] }}]"
    )
    .replace('\n', " ");
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__TRUNKS", trunks))?;
    office.answer(NUMBER, menu())?;
    let status = |source: IpAddr, dialled: &str| -> anyhow::Result<(u16, bool)> {
        let mut caller = CallerByHand::at(source, office.server.sip(), dialled)?;
        let cseq = caller.send("INVITE", "", &sdp((source, 9).into(), "sendrecv"))?;
        let said = caller.final_response("INVITE", cseq)?;
        caller.ack(said.status == Some(200), "")?;
        Ok((said.status.unwrap_or_default(), said.header("WWW-Authenticate").is_some()))
    };
    assert_eq!(status(OTHER_SOURCE, "8005550123")?, (200, false), "a national number of the trunk");
    assert_eq!(status(OTHER_SOURCE, NUMBER)?, (401, true));
    assert_eq!(status(LOOPBACK, NUMBER)?, (200, false));
    assert_eq!(status(LOOPBACK, "8005550123")?, (404, false), "another source has no country code");
    Ok(())
}

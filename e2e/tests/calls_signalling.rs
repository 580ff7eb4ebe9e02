//! What callers do besides speaking: hold, keys, giving up, hanging up; and who is not let in.

use anyhow::ensure;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;
use tympan_e2e::audio::{Law, Speech, find};
use tympan_e2e::flow::{Block, Flow, hang_up, listen, set_attributes, start_streaming};
use tympan_e2e::office::{Office, text};
use tympan_e2e::sipp::{Caller, can_press_keys};
use tympan_e2e::until;
use tympan_testkit::TestServer;

const NUMBER: &str = "+18005550123";

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Captures until somebody hangs up.
fn capture_until_hung_up() -> Flow {
    Flow::new()
        .then("start", start_streaming())
        .then("listen", listen("go on", 120))
        .then("hang up", hang_up())
}

#[test]
fn seed_01_the_audio_can_be_read_while_the_call_is_up() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, capture_until_hung_up())?;
    let speech = Speech::unique(office.folder(), 11, 60, Law::Mu)?;
    let _call = Caller::dialling(NUMBER)
        .speaking(&speech)
        .call()
        .speak(&speech)
        .be_hung_up()
        .start(office.server.sip())?;
    office.await_block("start", "Success")?;
    let live = until("the capture in the contact", || {
        Ok(office.contacts()?.into_iter().find(|contact| contact["Recordings"].is_array()))
    })?;
    let recording = &live["Recordings"][0];
    let heard = office.live_media(&text(&recording["Location"]), 8_000)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert!(found.to - found.from >= 4_000, "{found:?}");

    // The API adds to the contact in mid-call.
    let update = serde_json::json!({
        "InstanceId": office.instance, "InitialContactId": live["ContactId"], "Attributes": { "agent": "Grace" },
    });
    office.desk.call("connect", "update_contact_attributes", update)?;

    // The body came to an end because the reader went away: the call is still up. It is ended by the API.
    let live = office.contacts()?.remove(0);
    assert!(live["DisconnectTimestamp"].is_null() && recording["FragmentStopNumber"].is_null());
    let stop = serde_json::json!({ "InstanceId": office.instance, "ContactId": live["ContactId"] });
    office.desk.call("connect", "stop_contact", stop)?;
    let record = office.record()?;
    assert_eq!(record["ContactId"], live["ContactId"]);
    assert_eq!(record["Attributes"]["agent"], "Grace");
    Ok(())
}

#[test]
fn seed_04_capture_goes_on_while_the_caller_holds() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, capture_until_hung_up())?;
    let speech = Speech::unique(office.folder(), 12, 60, Law::Mu)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).call().speak(&speech).pause(seconds(2));
    let caller = caller.reoffer("sendonly", "recvonly").pause(seconds(2));
    let caller = caller.reoffer("sendrecv", "sendrecv").pause(seconds(1)).hang_up();
    caller.start(office.server.sip())?.wait()?;

    let record = office.record()?;
    assert_eq!(record["DisconnectReason"], "CUSTOMER_DISCONNECT");
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert!(found.to - found.from > 4 * 8_000, "not the whole call: {found:?}");
    Ok(())
}

#[test]
fn a_caller_that_leaves_the_offer_to_us_is_captured() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, capture_until_hung_up())?;
    let speech = Speech::unique(office.folder(), 14, 30, Law::A)?;
    let caller =
        Caller::dialling(NUMBER).speaking(&speech).call_without_offer().speak(&speech).pause(seconds(1));
    let caller = caller.reoffer("sendonly", "recvonly").pause(seconds(1));
    caller.hang_up().start(office.server.sip())?.wait()?;
    let record = office.record()?;
    let heard = office.heard(&record)?;
    let found = find(&heard.samples, &speech.samples)?;
    assert!(found.to - found.from > 8_000, "not the whole call: {found:?}");
    Ok(())
}

#[test]
fn seed_07_a_caller_over_tcp_is_captured() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, capture_until_hung_up())?;
    let speech = Speech::unique(office.folder(), 13, 30, Law::A)?;
    let caller = Caller::dialling(NUMBER).speaking(&speech).over_tcp().call().speak(&speech);
    caller.pause(seconds(2)).hang_up().start(office.server.sip())?.wait()?;
    let record = office.record()?;
    let heard = office.heard(&record)?;
    assert!(find(&heard.samples, &speech.samples)?.to > 8_000);
    Ok(())
}

/// A menu whose branches say which one was taken.
fn menu() -> Flow {
    let took = |key: &str| -> Block { set_attributes(&[("took", key)]).to("thanks") };
    let menu = listen("press a key", 60).when("Equals", "1", "one").when("Equals", "5", "five");
    let menu = menu.on("NoMatchingCondition", "another").on("InputTimeLimitExceeded", "none");
    Flow::new()
        .then("menu", menu)
        .then("one", took("1"))
        .then("five", took("5"))
        .then("another", took("another"))
        .then("none", took("none"))
        // The caller hears that the key was taken before the line goes dead.
        .then("thanks", listen("thank you", 1))
        .then("hang up", hang_up())
}

#[test]
fn a_key_by_rfc_4733_takes_its_branch() -> anyhow::Result<()> {
    if !can_press_keys() {
        return Ok(());
    }
    let mut office = Office::open()?;
    office.answer(NUMBER, menu())?;
    let caller = Caller::dialling(NUMBER).at_media_port().call().pause(seconds(1)).press('5').be_hung_up();
    caller.start(office.server.sip())?.wait()?;
    let record = office.record()?;
    assert_eq!(record["Attributes"]["took"], "5");
    assert_eq!(record["DisconnectReason"], "CONTACT_FLOW_DISCONNECT");
    Ok(())
}

#[test]
fn a_key_by_info_takes_its_branch() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, menu())?;
    let caller = Caller::dialling(NUMBER).call().pause(seconds(1));
    caller.press_by_info('1').be_hung_up().start(office.server.sip())?.wait()?;
    assert_eq!(office.record()?["Attributes"]["took"], "1");

    let caller = Caller::dialling(NUMBER).call().pause(seconds(1));
    caller.press_by_info('9').be_hung_up().start(office.server.sip())?.wait()?;
    assert_eq!(office.records(2)?[1]["Attributes"]["took"], "another");
    Ok(())
}

/// A caller made by hand, who does what sipp cannot: it takes no answer while it has a CANCEL to send, and always
/// acknowledges before it hangs up.
struct CallerByHand {
    socket: UdpSocket,
    server: SocketAddr,
    own: SocketAddr,
}

impl CallerByHand {
    const OFFER: &str =
        "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n";

    fn new(server: SocketAddr) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(server)?;
        socket.set_read_timeout(Some(seconds(60)))?;
        let own = socket.local_addr()?;
        Ok(Self { socket, server, own })
    }

    fn send(&self, method: &str, cseq: u32, branch: u32, to_tag: &str, body: &str) -> anyhow::Result<()> {
        let Self { socket, server, own } = self;
        let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        let request = format!(
            "{method} sip:{NUMBER}@{server} SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{branch}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:+12065550111@{own}>;tag=a\r\nTo: <sip:{NUMBER}@{server}>{to_tag}\r\n\
             Call-ID: by-hand@{own}\r\nCSeq: {cseq} {method}\r\nContact: <sip:caller@{own}>\r\n{content}\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.send(request.as_bytes())?;
        Ok(())
    }

    /// The final answer to a request: its status and the tag of the other side.
    fn final_answer(&self, method: &str, cseq: u32) -> anyhow::Result<(u16, String)> {
        let mut datagram = [0; 4_096];
        loop {
            let length = self.socket.recv(&mut datagram)?;
            let answer = String::from_utf8_lossy(&datagram[..length]).into_owned();
            let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
            let own = answer.lines().any(|line| line.trim_end() == format!("CSeq: {cseq} {method}"));
            if own && answer.starts_with("SIP/2.0") && status >= 200 {
                let to = answer.lines().find(|line| line.starts_with("To:")).unwrap_or_default();
                let tag =
                    to.split(";tag=").nth(1).map(|tag| format!(";tag={}", tag.trim())).unwrap_or_default();
                return Ok((status, tag));
            }
        }
    }
}

/// Sends INVITE and CANCEL in one breath and ends the call as its answer wants it; gives the answer's status.
///
/// Either may win (RFC 3261 section 9.1): 487 where the CANCEL came first, else 200, and then the caller hangs up.
fn give_up_at_once(server: SocketAddr) -> anyhow::Result<u16> {
    let caller = CallerByHand::new(server)?;
    caller.send("INVITE", 1, 1, "", CallerByHand::OFFER)?;
    caller.send("CANCEL", 1, 1, "", "")?;
    let (status, tag) = caller.final_answer("INVITE", 1)?;
    if status == 200 {
        caller.send("ACK", 1, 2, &tag, "")?;
        caller.send("BYE", 2, 3, &tag, "")?;
        ensure!(caller.final_answer("BYE", 2)?.0 == 200, "the BYE was not taken");
    } else {
        ensure!(status == 487, "a cancelled INVITE was answered {status}");
        caller.send("ACK", 1, 1, &tag, "")?;
    }
    Ok(status)
}

#[test]
fn a_caller_whose_bye_overtakes_the_acknowledgement_leaves_a_record() -> anyhow::Result<()> {
    let mut office = Office::open()?;
    office.answer(NUMBER, menu())?;
    let caller = CallerByHand::new(office.server.sip())?;
    caller.send("INVITE", 1, 1, "", CallerByHand::OFFER)?;
    let (status, tag) = caller.final_answer("INVITE", 1)?;
    ensure!(status == 200, "the INVITE was answered {status}");
    caller.send("BYE", 2, 3, &tag, "")?;
    ensure!(caller.final_answer("BYE", 2)?.0 == 200, "the BYE was not taken");
    assert_eq!(office.record()?["DisconnectReason"], "CUSTOMER_DISCONNECT");
    Ok(())
}

#[test]
fn a_caller_who_gives_up_leaves_nothing_behind() -> anyhow::Result<()> {
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__CALLS_MAX", 1))?;
    office.answer(NUMBER, menu())?;
    let status = give_up_at_once(office.server.sip())?;
    eprintln!("the INVITE was answered {status}");
    // The only place is free again, and no contact is open.
    until("the call to be gone", || {
        let contacts = office.contacts()?;
        Ok(contacts.iter().all(|contact| !contact["DisconnectTimestamp"].is_null()).then_some(()))
    })?;
    let next = Caller::dialling(NUMBER).call().pause(seconds(1)).press_by_info('1').be_hung_up();
    next.start(office.server.sip())?.wait()
}

#[test]
fn who_probes_is_answered_and_who_dials_a_wrong_number_is_told() -> anyhow::Result<()> {
    let server = TestServer::start()?;
    Caller::dialling("+18005550100").probe(200).start(server.sip())?.wait()?;
    Caller::dialling("+18005550199").be_refused(404).start(server.sip())?.wait()?;
    Caller::dialling("+18005550199").over_tcp().be_refused(404).start(server.sip())?.wait()
}

#[test]
fn a_call_over_the_limit_is_sent_elsewhere() -> anyhow::Result<()> {
    let mut office = Office::open_with(TestServer::builder().env("TYMPAN_SIP__CALLS_MAX", 1))?;
    office.answer(NUMBER, capture_until_hung_up())?;
    let first = Caller::dialling(NUMBER).call().be_hung_up().start(office.server.sip())?;
    office.await_block("start", "Success")?;
    Caller::dialling(NUMBER).be_refused(503).start(office.server.sip())?.wait()?;

    let contact = office.contacts()?.remove(0);
    let stop = serde_json::json!({ "InstanceId": office.instance, "ContactId": contact["ContactId"] });
    office.desk.call("connect", "stop_contact", stop)?;
    first.wait()?;
    office.records(1)?;
    Caller::dialling(NUMBER).call().pause(seconds(1)).hang_up().start(office.server.sip())?.wait()
}
